#!/usr/bin/python3
"""How the base of %gs is set: --gs. With either way calls are made at patched sites, and guests do as natively, but for
a program's own WRGSBASE where calls set the base. usage: gs.py K23 CALLS GUEST CASE... WRGSBASE_CASE"""
import ctypes
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import expect, need_program, run

AT_HWCAP2, FSGSBASE = 26, 2


def by_call(k23, how):
    """Whether a program's runtime makes a call for it."""
    return 'ARCH_SET_GS' in run('strace', '-f', '-e', 'arch_prctl', k23, 'run', f'--gs={how}', '--eager', '--', 'true').stderr


def check(k23, calls, guest, cases):
    need_program('strace')
    getauxval = ctypes.CDLL(None).getauxval
    getauxval.restype = ctypes.c_ulong
    ways = ['arch_prctl'] + ['fsgsbase'] * bool(getauxval(AT_HWCAP2) & FSGSBASE)
    for how in ways:
        expect(how, by_call(k23, how), how == 'arch_prctl')
        run(k23, 'stat', f'--gs={how}', '--eager', '--json', '-o', 'stat.json', '--', calls)
        with open('stat.json', encoding='ascii') as file:
            report = json.load(file)
        expect('at patched sites', (report['fast'] > report['calls'] / 2, report['complete']), (True, True))
        for case in cases[:-1] if how == 'arch_prctl' and len(ways) == 2 else cases:
            native = run(guest, case)
            for hook in [], ['--hook', 'null']:
                result = run(k23, 'run', f'--gs={how}', '--eager', *hook, '--', guest, case)
                expect(f'{case} by {how}', (result.returncode, result.stdout), (native.returncode, native.stdout))
    if len(ways) == 1:
        result = run(k23, 'run', '--gs=fsgsbase', '--', 'true')
        expect('not there', (result.returncode, bool(re.search('no FSGSBASE', result.stderr))), (125, True))
    result = run(k23, 'run', '--gs=both', '--', 'true')
    expect('another name', (result.returncode, 'fsgsbase or arch_prctl, not both' in result.stderr), (125, True))


if __name__ == '__main__':
    paths = [os.path.abspath(path) for path in sys.argv[1:4]]
    harness.main(lambda: check(*paths, sys.argv[4:]))
