#!/usr/bin/python3
"""How returns are kept predictable: --returns, K23_RETURNS, and what is chosen without. usage: returns.py K23"""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import expect, run, wait_until

# An address put on the processor's stack of returns: a call of what is behind the next byte. Where returns are paired,
# a `ret` takes the place of the first byte.
FILLED, PAIRED = (first + b'\x01\x00\x00\x00\xcc' for first in (b'\xe8', b'\xc3'))


def runtime_of(pid):
    """What is executable in the bundle of a process that has come to be `cat`."""
    with open(f'/proc/{pid}/comm') as comm:
        if comm.read() != 'cat\n':
            return b''
    with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as memory:
        for begin, end in re.findall(r'^(\w+)-(\w+) r-x', maps.read(), re.M):
            memory.seek(int(begin, 16))
            text = memory.read(int(end, 16) - int(begin, 16))
            if text.startswith(b'23bundle'):
                return text
    return b''


def way(*command, **more):
    """Which of the two the program that a command starts has."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, **more}, start_new_session=True) as child:
        try:
            expect('started', wait_until(lambda: FILLED in runtime_of(child.pid)), True)
            text = runtime_of(child.pid)
        finally:
            os.killpg(child.pid, signal.SIGKILL)
    return 'paired' if PAIRED in text else 'fill'


def check(k23):
    for how in 'paired', 'fill':
        other = 'fill' if how == 'paired' else 'paired'
        expect(f'--returns={how}', way(k23, 'run', f'--returns={how}', '--', 'cat'), how)
        expect(f'K23_RETURNS={how}', way(k23, 'run', '--', 'cat', K23_RETURNS=how), how)
        expect('the option first', way(k23, 'run', f'--returns={how}', '--', 'cat', K23_RETURNS=other), how)
        expect('a k23 inside', way(k23, 'run', f'--returns={how}', '--', k23, 'run', '--', 'cat'), how)
        expect('after execve', way(k23, 'run', f'--returns={how}', '--', 'sh', '-c', 'exec cat'), how)
    result = run(k23, 'run', '--returns=both', '--', 'true')
    expect('another name', (result.returncode, 'paired or fill, not both' in result.stderr), (125, True))
    result = run(k23, 'run', '--', 'true', env={**os.environ, 'K23_RETURNS': 'both'})
    expect('another name', (result.returncode, result.stderr), (125, 'k23: K23_RETURNS is paired or fill, not both\n'))
    found = re.search(r'returns +a call .* (\d+) ns .* (\d+) ns .*: (paired|filled)$', run(k23, 'doctor').stdout, re.M)
    clearly = int(found[1]) / int(found[2])
    # The numbers are rounded: about in the middle it may be either.
    expect('doctor', abs(clearly - 0.85) < 0.02 or (clearly < 0.85) == (found[3] == 'paired'), True)


if __name__ == '__main__':
    tool = os.path.abspath(sys.argv[1])
    harness.main(lambda: check(tool))
