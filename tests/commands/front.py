#!/usr/bin/python3
"""`k23` is a small program that starts programs, and becomes k23-tool for all else: it does what k23-tool alone does, and
starts programs without it. usage: front.py K23 CASE"""
import ctypes
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from denied import deny
from harness import expect, need, run


def case_alone(k23):
    """Without k23-tool: what was learned before runs with hooks that come with k23, and nothing else does."""
    os.mkdir('hooks')
    shutil.copy(k23, 'k23')
    shutil.copy(os.path.join(os.path.dirname(k23), 'hooks/null.so'), 'hooks')
    for program in ('sh', '-c', 'echo hi; exit 3'), ('true',):
        run(k23, 'learn', '--store=sites', *program)
    for options in (), ('--',), ('--hook', 'null', '--hook=null', '--'), ('--eager', '--no-learn'), \
            ('--foreign=allow', '--on-failure', 'untraced', '--returns=fill', '--no-patch', '--'):
        ran = run('./k23', 'run', '--store=sites', *options, 'sh', '-c', 'echo hi; exit 3')
        expect(f'run {options}', (ran.returncode, ran.stdout, ran.stderr), (3, 'hi\n', ''))
    script = 'for i in 1 2 3; do true; done; grep -c k23bundle /proc/self/maps; echo "$0 $*"'
    ran = run('./k23', 'run', '--store=sites', '--no-learn', '--', 'sh', '-c', script, '--hook', 'a')
    expect('arguments', (ran.returncode, ran.stdout.splitlines()[-1], ran.stderr), (0, '--hook a', ''))
    for arguments in (), ('--version',), ('help',), ('trace', 'true'), ('run',), ('run', '--report=x', 'true'), \
            ('run', '--no-learn', './none'), ('run', '--no-le', 'true'), ('run', '-h'), ('run', '--hook=hooks/null.so', 'true'):
        ran = run('./k23', *arguments)
        lines = ran.stderr.splitlines()
        expect(f'{arguments}', (ran.returncode, ran.stdout, len(lines), 'k23-tool' in lines[0]), (125, '', 1, True))


def case_same(k23):
    """The same status and the same messages, with the tool and without the front."""
    for name, text in ('script', 'echo script; exit 4\n'), ('damaged', 'k23store' * 100), ('text', 'no hook'):
        with open(name, 'w') as file:
            file.write(text)
    os.chmod('script', 0o755)
    null = os.path.join(os.path.dirname(k23), 'hooks/null.so')
    for arguments in (), ('run',), ('run', '--'), ('run', '-'), ('run', '-x'), ('run', '--store'), ('run', '--store=', 'true'), \
            ('run', '--eager=1', 'true'), ('run', '--returns=quick', 'true'), ('run', '--foreign', 'x', 'true'), \
            ('run', '--f', 'true'), ('run', '--re=fill', 'true'), ('run', '--no-p', 'echo', 'a'), ('run', '--hook'), \
            ('run', '--hook', 'none', 'true'), ('run', '--hook=./text', 'true'), ('run', '--hook', null, 'echo', 'a'), \
            ('run', '--report=/dev/stdout', 'true'), ('run', './script', 'a'), ('run', './none'), ('run', 'none-such'), \
            ('run', '.'), ('run', './text'), ('run', ''), ('run', '--store=damaged', 'echo', 'a'), ('run', '--help'), \
            ('run', '--store=none/none', 'echo', 'a'), ('rum',), ('--version',), ('help', 'run'):
        ran, wanted = (run(program, *arguments) for program in (k23, k23 + '-tool'))
        expect(f'{arguments}', (ran.returncode, ran.stdout, ran.stderr), (wanted.returncode, wanted.stdout, wanted.stderr))
    # Where the front has come far before it gives up.
    for how in deny('ptrace', 'memfd_create'), deny('ptrace', 'prctl'):
        for options in (), ('--on-failure=untraced',):
            arguments = 'run', '--no-learn', *options, '--', 'grep', 'Sig[BIC]', '/proc/self/status'
            ran, wanted = (run(program, *arguments, preexec_fn=how) for program in (k23, k23 + '-tool'))
            expect(f'{arguments}', (ran.returncode, ran.stdout, ran.stderr),
                   (wanted.returncode, wanted.stdout, wanted.stderr))


def case_limits(k23):
    """Where the tool could not begin, one line says what to do."""
    for letter, value in ('n', 3), ('v', 5000), ('d', 1500):
        result = run('sh', '-c', f'ulimit -{letter} {value}; exec "$0" stat true', k23)
        lines = result.stderr.splitlines()
        expect(f'-{letter}: {result.stderr}', (result.returncode, len(lines), f'raise it (ulimit -{letter})' in lines[0]),
               (125, 1, True))
    for letter, value in ('n', 6), ('v', 40000), ('d', 10000):
        result = run('sh', '-c', f'ulimit -{letter} {value}; exec "$0" --version', k23)
        expect(f'-{letter} {value}: {result.stderr}', result.returncode, 0)


def case_signals(k23):
    """What a C library keeps to itself of signals is the program's all the same."""
    def blocked():
        libc, sigsetmask, rt_sigprocmask = ctypes.CDLL(None), 2, 14
        libc.syscall(rt_sigprocmask, sigsetmask, ctypes.byref(ctypes.c_uint64(0x8000000780000200)), 0, 8)

    program = 'grep', 'Sig[BI]', '/proc/self/status'
    native = run(*program, preexec_fn=blocked)
    need('8000000780000200' in native.stdout, f'natively {native.stdout}')
    for how, options in (None, ()), (None, ('--no-patch', '--hook=null')), (deny('ptrace'), ()):
        ran = run(k23, 'run', '--no-learn', *options, *program, preexec_fn=lambda: (how and how(), blocked()))
        expect(f'{options}', (ran.returncode, ran.stdout), (native.returncode, native.stdout))


k23 = os.path.abspath(sys.argv[1])
harness.main(lambda: harness.run_case(globals(), sys.argv[2], k23))
