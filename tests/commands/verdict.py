#!/usr/bin/python3
"""The verdict of k23 stat, k23 trace and k23 run --report: whether every call was seen. usage: verdict.py K23 BUILT CASE"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from denied import deny
from harness import Failed, expect, need, need_machine, need_program, run, works_here

TOOLS = 'stat', 'trace', 'run'


class Verdicts:
    def __init__(self, k23, built):
        self.k23 = k23
        self.calls, self.gaps, self.entry = f'{built}/commands/calls', f'{built}/commands/gaps', f'{built}/entry'
        self.uring = f'{built}/commands/uring'

    def command(self, tool, *program, options=()):
        output = {'stat': ('-o', 'report'), 'trace': ('-o', 'report'), 'run': ('--report=report',)}[tool]
        return self.k23, tool, *output, *options, '--', *program

    def read(self, tool, stderr):
        """The verdict of a command that has ended: None if complete, or the gaps by name, with their counts and text."""
        with open('report') as file:
            text = stderr if tool == 'trace' else file.read()
        prefix = 'k23: ' if tool == 'trace' else ''
        verdict = re.search(rf'^{prefix}(complete: every system call was seen|incomplete: system calls may have gone unseen)\n'
                            rf'((?:{prefix}  .*\n)*)\Z', text, re.M)
        if not verdict:
            raise Failed(f'no verdict of k23 {tool}: {text!r}')
        if verdict[1].startswith('complete'):
            expect('gaps', verdict[2], '')
            return None
        lines = [re.fullmatch(rf'{prefix}  (\S+) +(\d+)  (.*)', line) for line in verdict[2].splitlines()]
        return {line[1]: (int(line[2]), line[3]) for line in lines}

    def judge(self, *program, tools=TOOLS, status=0, options=(), perhaps=(), **more):
        """What each tool says of the program: all the same, but for gaps that there may be or not."""
        said = []
        for tool in tools:
            result = run(*self.command(tool, *program, options=options), **more)
            if result.returncode == 77:
                need(False, 'not here: ' + result.stderr)
            expect(f'{tool} {program}: status ({result.stderr})', result.returncode, status)
            found = self.read(tool, result.stderr)
            said.append(found and {name: gap for name, gap in found.items() if name not in perhaps})
        for tool, one in zip(tools, said):
            expect(f'{tool} and {tools[0]} on {program}', one, said[0])
        return said[0]

    def counts(self, *program, **more):
        said = self.judge(*program, **more)
        return {name: count for name, (count, _) in said.items()} if said else said


def program_without_right_to_read(t):
    """A copy that others may execute and not read."""
    shutil.copy(t.calls, 'secret')
    os.chmod('secret', 0o711)
    os.chmod('.', 0o755)
    return os.path.abspath('secret')


def as_nobody(how=None):
    def apply():
        os.setgid(65534)
        os.setuid(65534)
        if how:
            how()
    return apply


# --- complete

def case_complete(t):
    for program in [t.calls, 'calls', '10'], [t.calls, 'threads', '100'], [t.calls, 'forks', '5'], [t.calls, 'execs', '5'], \
            [t.calls, 'killed', '5'], [t.calls, 'orphan', '5'], [t.calls, 'i386'], [t.entry], \
            ['sh', '-c', 'ls -l / | sort | wc -l; (sleep 0.1; exit 4) & wait $!'], \
            [sys.executable, '-c', 'import subprocess; subprocess.run(["true"])']:
        status = {'killed': -signal.SIGKILL, 'orphan': 7}.get(program[1] if len(program) > 1 else '',
                                                              7 if program[0] == t.entry else 4 if program[0] == 'sh' else 0)
        if 'i386' not in program or works_here(*program):
            expect(program, t.judge(*program, status=status, options=('--fail-on-gap',)), None)


def case_complete_elsewhere(t):
    need(os.geteuid() == 0, 'only root may chroot and become somebody else')
    os.mkdir('root')
    shutil.copy(t.entry, 'root')
    expect('chroot', t.judge('chroot', 'root', '/entry', status=7), None)
    shutil.copy(t.calls, 'calls')
    os.chmod('.', 0o755)
    expect('setuid', t.judge(os.path.abspath('calls'), 'drop'), None)
    if run('unshare', '-i', '-p', '-m', '-f', 'true').returncode == 0:
        expect('namespaces', t.judge('unshare', '-i', '-p', '-m', '-f', t.calls, 'execs', '3'), None)


def case_complete_traced(t):
    """A tracer inside, which changes nothing."""
    harness.need_program('strace')
    expect('strace', t.judge('strace', '-f', '-o', '/dev/null', t.calls, 'execs', '2'), None)


# --- the gaps

def case_io_uring(t):
    others = {'tools': ('stat', 'run')}
    expect('3 operations', t.counts(t.gaps, 'uring', '3', **others), {'io_uring': 1, 'io_uring-entries': 3})
    expect('that are refused', t.counts(t.gaps, 'refused', **others), {'io_uring': 1})
    expect('of one that is killed', t.counts(t.gaps, 'killed', **others), {'io_uring': 1, 'io_uring-entries': 1})
    expect('polled', t.counts(t.gaps, 'polled', '2', **others),
           {'io_uring': 1, 'io_uring-entries': 2, 'io_uring-polled': 1})
    expect('where', t.judge(t.gaps, 'uring', '1', **others)['io_uring'][1].endswith(f' ({t.gaps})'), True)
    expect('in two programs', t.counts('sh', '-c', '"$0" uring 3; "$0" uring 4', t.gaps, **others),
           {'io_uring': 2, 'io_uring-entries': 7})


def case_io_uring_seen(t):
    """k23 trace shows operations: what it cannot show is a gap."""
    tool = {'tools': ('trace',)}
    need(run(t.gaps, 'uring', '1').returncode == 0, 'there is no io_uring')
    for words in ('uring', '3'), ('refused',), ('killed',):
        expect(words, t.counts(t.gaps, *words, **tool), None)
    expect('unknown', t.counts(t.uring, 'unknown', 'executed', **tool), {'io_uring-entries': 3})
    expect('not selected', t.counts(t.gaps, 'killed', options=('-e', 'trace=write'), **tool), {'io_uring-entries': 1})
    said = t.judge('sh', '-c', '"$0" uring 3; "$0" polled 1', t.gaps, **tool)
    expect('one of two', {name: count for name, (count, _) in said.items()},
           {'io_uring': 1, 'io_uring-entries': 1, 'io_uring-polled': 1})
    expect('which', (said['io_uring-polled'][1].endswith(f' ({t.gaps})'), '(' in said['io_uring'][1]), (True, False))


def case_vsyscall(t):
    """The address of the page in a program's code or data, or in a library that comes later; once for each file."""
    code, data, library = (f'{os.path.dirname(t.gaps)}/{name}' for name in ('vsyscall-code', 'vsyscall-data', 'libvsyscall.so'))
    need(run(code).returncode == 0, 'there is no vsyscall page here')
    said = t.judge(code)
    expect('code', (list(said), said['vsyscall'][0], said['vsyscall'][1].endswith(f' ({code})')), (['vsyscall'], 1, True))
    expect('data', t.counts(data), {'vsyscall': 1})
    expect('again and again', t.counts('sh', '-c', '"$0"; "$0"; "$1"; "$1"', code, data), {'vsyscall': 2})
    said = t.judge(sys.executable, '-c', 'import ctypes, sys; ctypes.CDLL(sys.argv[1]).main()', library)
    expect('library', (list(said), said['vsyscall'][1].endswith(f' ({library})')), (['vsyscall'], True))
    analysed_before(t, code, data)


def pieces_read(*command):
    """How often a run reads a file by pieces, to look through it."""
    log = run('strace', '-f', '-e', 'trace=pread64,process_vm_readv,process_vm_writev', *command).stderr
    return len(re.findall(r'=\s65536$', log, re.M))


def analysed_before(t, code, data):
    """What the store knows to have no such address is not looked through, until it is another file."""
    need_program('strace')
    shutil.copy(t.calls, 'plain')
    while os.stat('plain').st_ctime > time.time() - 3:
        time.sleep(0.2)
    expect('analyze', run(t.k23, 'analyze', '--store=known', 'plain', code, data, *objects_of('plain')).returncode, 0)
    options = ('--no-learn', '--store=known')
    expect('known', t.judge('./plain', 'calls', '1', options=options), None)
    for path in code, data:
        expect('known to have it', t.counts(path, options=options), {'vsyscall': 1})
    read = [pieces_read(t.k23, 'stat', '--no-learn', f'--store={store}', '--', './plain', 'calls', '1')
            for store in ('none', 'known')]
    expect(f'looked through: {read}', (read[0] > 5, read[1]), (True, 0))
    with open(data, 'rb') as file, open('plain', 'r+b') as plain:
        plain.write(file.read())
    expect('changed', t.counts('./plain', options=options), {'vsyscall': 1})


def objects_of(program):
    """Its libraries and its ELF interpreter."""
    return re.findall(r'(/\S+) \(0x', run('ldd', program).stdout)


# A 32-bit program: exit(7).
FOREIGN = bytes.fromhex('7f454c46010101000000000000000000' '0200030001000000' '54800408' '34000000' '00000000' '00000000'
                        '3400' '2000' '0100' '2800' '0000' '0000'
                        '01000000' '00000000' '00800408' '00800408' '60000000' '60000000' '05000000' '00100000'
                        'b801000000bb07000000cd80')


def case_foreign(t):
    with open('foreign', 'wb') as file:
        file.write(FOREIGN)
    os.chmod('foreign', 0o755)
    path = os.path.abspath('foreign')
    status = natively_status(path)  # 7, but where the machine has no int $0x80
    for options in ('--foreign=allow',), ('--on-failure=untraced',):
        expect('a failed execve', t.judge('sh', '-c', 'ulimit -s 100; "$0" $(seq 20000) 2>/dev/null || true', path,
                                          options=options), None)
        if status is None:
            continue
        wanted = {'foreign': 1}
        expect('the first', t.counts(path, status=status, options=options), wanted)
        expect('a child', t.counts('sh', '-c', '"$0"; exit 3', path, status=3, options=options), wanted)
        said = t.judge('sh', '-c', '"$0"; "$0"; exit 3', path, status=3, options=options)['foreign']
        expect('where', (said[0], said[1].endswith(f' ({path})')), (2, True))
    need_machine(status is not None, 'no 32-bit programs can run here')


def natively_status(path):
    try:
        return run(path).returncode
    except OSError:
        return None


def case_untraced(t):
    """What cannot be interposed is refused, or runs, as natively, and is counted."""
    need(os.geteuid() == 0, 'only root can become somebody who may not read a file')
    secret = program_without_right_to_read(t)
    with open('report', 'w'):
        os.chmod('report', 0o666)
    more = {'preexec_fn': as_nobody()}
    for tool in TOOLS:
        expect(f'{tool} refuses', run(*t.command(tool, secret, 'calls', '1'), **more).returncode, 126)
    options = ('--on-failure=untraced',)
    expect('the first', t.counts(secret, 'exit', '9', status=9, options=options, **more), {'untraced': 1})
    said = t.judge('sh', '-c', '"$0" exit 9', secret, status=9, options=options, **more)
    expect('a child', (list(said), said['untraced'][0], said['untraced'][1].endswith(f' ({secret})')),
           (['untraced'], 1, True))
    expect('a child that only tries', t.judge('sh', '-c', '"$0" exit 9', secret, status=126, **more), None)
    result = run(t.k23, 'run', *options, secret, 'exit', '9', **more)
    expect('without a report', (result.returncode, secret in result.stderr), (9, True))


def case_nothing_works(t):
    """No Syscall User Dispatch, or no way to start a program: it runs without k23 if that is asked for."""
    options = ('--on-failure=untraced',)
    for how in deny('prctl'), deny('ptrace', 'memfd_create', kill=True), deny('process_vm_readv', kill=True):
        for tool in TOOLS:
            result = run(*t.command(tool, 'sh', '-c', 'exit 5', options=options), preexec_fn=how)
            said = t.read(tool, result.stderr)
            expect(f'{tool}: {result.stderr}', (result.returncode, said['untraced'][0], 'missed' in said), (5, 1, False))
            expect('what is said', 'runs without k23: ' in result.stderr, True)


def case_no_memory_for_it(t):
    """A program whose address space has no room for the runtime."""
    for size in range(200, 4000, 200):
        program = 'sh', '-c', f'ulimit -v {size}; exec "$0"', t.entry
        if run(*program).returncode == 7:
            break
    else:
        need(False, f'no limit is large enough for {t.entry}')
    expect('refused', run(*t.command('run', *program)).returncode != 7, True)
    said = t.counts(*program, status=7, options=('--on-failure=untraced',))
    expect('untraced', said, {'untraced': 1})


def case_missed(t):
    script = 'import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); os.execv(sys.argv[1], sys.argv[1:])'
    how = as_nobody() if os.geteuid() == 0 else None  # root may have more
    shutil.copy(t.entry, 'entry')
    os.chmod('.', 0o777)
    said = t.counts(sys.executable, '-S', '-E', '-c', script, os.path.abspath('entry'), status=7, preexec_fn=how)
    expect('a program without a descriptor', said, {'missed': 1})


def case_dropped(t):
    result = run(t.k23, 'trace', '-o', 'report', '--buffer=64k', '--full=drop', '--', t.calls, 'threads', '50000')
    with open('report') as file:
        whole = len(re.findall(r'(?:getppid\(|<... getppid resumed>)\) += \d+\n', file.read()))
    said = t.read('trace', result.stderr) or {}
    if whole < 200000:
        expect('gaps', list(said), ['dropped'])
    result = run(t.k23, 'trace', '-o', 'report', '-b', 'execve', '--', t.calls, 'execs', '2')
    expect('-b', t.read('trace', result.stderr)['detached'][0], 1)


def case_left(t):
    """A signal ends the waiting for a process that the program has left behind."""
    for tool in TOOLS:
        command = subprocess.Popen(t.command(tool, 'sh', '-c', 'sleep 30 >/dev/null 2>&1 & echo $!'), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        child = int(command.stdout.readline())
        time.sleep(0.5)
        while command.poll() is None:
            command.send_signal(signal.SIGTERM)
            time.sleep(0.2)
        os.kill(child, signal.SIGKILL)
        stderr = command.stderr.read()
        expect(f'{tool}: status', command.returncode, 0)
        expect(tool, {name: count for name, (count, _) in t.read(tool, stderr).items()}, {'left': 1})


def case_tracers(t):
    harness.need_program('strace')
    # One that is inside, and gives a call another result.
    inside = 'strace', '-f', '-o', '/dev/null', '-e', 'inject=getppid:retval=1:when=2+', t.calls, 'calls', '5'
    need(run(*inside).returncode == 0, 'strace does not work here')
    # In the beginning it kills children of its own, wherever they are.
    expect('calls that a tracer took away', t.counts(*inside, perhaps=['torn']), {'tracer-calls': 4})
    # One that is outside.
    for tool in TOOLS:
        result = run('strace', '-f', '-o', '/dev/null', *t.command(tool, t.calls, 'execs', '1'))
        if result.returncode:
            raise Failed(f'{tool} under strace: {result.returncode}, {result.stderr!r}')
        expect(f'{tool} in strace', list(t.read(tool, result.stderr)), ['tracer'])


def case_unnoted(t):
    """Without run memory nobody knows of gaps that the runtime finds."""
    said = t.judge(t.calls, 'calls', '1', preexec_fn=deny('pidfd_getfd'))
    expect('a segment', list(said), ['unnoted'])


# --- how it is said

def case_json(t):
    for tool in 'stat', 'run':
        options = ('--format=json',)
        run(*t.command(tool, t.calls, 'calls', '1', options=options))
        with open('report') as file:
            report = json.load(file)
        expect(f'{tool}: complete', (report['complete'], report['gaps'], report['exit_status'], report['program']),
               (True, [], 0, [t.calls, 'calls', '1']))
        need(run(*t.command(tool, t.gaps, 'uring', '3', options=options)).returncode == 0, 'there is no io_uring')
        with open('report') as file:
            report = json.load(file)
        expect(f'{tool}: gaps', (report['complete'], [(gap['gap'], gap['count'], gap['programs']) for gap in report['gaps']]),
               (False, [('io_uring', 1, [t.gaps]), ('io_uring-entries', 3, [])]))
        expect(f'{tool}: text', all(gap['what'] for gap in report['gaps']), True)


def case_json_lines(t):
    """The last line of k23 trace --format=json."""
    def end(*program):
        run(t.k23, 'trace', '--format=json', '-q', '-o', 'lines', '--', *program)
        with open('lines') as file:
            return json.loads(file.read().splitlines()[-1])
    event = end(t.calls, 'calls', '1')
    expect('complete', (event['type'], event['complete'], event['gaps']), ('end', True, []))
    need(run(t.gaps, 'uring', '1').returncode == 0, 'there is no io_uring')
    event = end(t.gaps, 'uring', '3')
    expect('operations', (event['complete'], event['gaps']), (True, []))
    event = end(t.gaps, 'polled', '3')
    expect('gaps', (event['complete'], [(gap['gap'], gap['count'], gap['programs']) for gap in event['gaps']]),
           (False, [('io_uring', 1, []), ('io_uring-entries', 3, []), ('io_uring-polled', 1, [t.gaps])]))
    expect('nothing has run', 'complete' in end('/nonexistent'), False)


def case_status(t):
    need(run(t.gaps, 'uring', '1').returncode == 0, 'there is no io_uring')
    for tool in TOOLS:
        for option, status in ('--fail-on-gap', 125), ('--fail-on-gap=42', 42):
            expect(f'{tool} {option}', run(*t.command(tool, t.gaps, 'polled', '1', options=(option,))).returncode, status)
            expect(f'{tool} {option}', run(*t.command(tool, t.calls, 'exit', '6', options=(option,))).returncode, 6)
            expect(f'{tool} {option}', run(*t.command(tool, t.calls, 'signal', '15', options=(option,))).returncode, -15)
        for option in '--fail-on-gap=0', '--fail-on-gap=256', '--fail-on-gap=x', '--fail-on-gap=', '--on-failure=x':
            result = run(*t.command(tool, 'true', options=(option,)))
            expect(f'{tool} {option}', (result.returncode, len(result.stderr.splitlines())), (125, 1))
    expect('run, without a report', run(t.k23, 'run', '--fail-on-gap=3', t.gaps, 'uring', '1').returncode, 3)
    expect('to a full disk', run(t.k23, 'run', '--report=/dev/full', 'true').returncode, 125)
    expect('a program that is not there', run(t.k23, 'run', '--report=report', '/nonexistent').returncode, 127)


def case_colour(t):
    """On a terminal only, and not with NO_COLOR."""
    for more, coloured in ({'TERM': 'xterm'}, True), ({'TERM': 'xterm', 'NO_COLOR': '1'}, False), ({'TERM': 'dumb'}, False):
        for tool in 'stat', 'trace':
            main, terminal = os.openpty()
            # Read meanwhile, as a terminal takes only so much.
            process = subprocess.Popen([t.k23, tool, t.calls, 'calls', '1'], stderr=terminal, env=dict(os.environ, **more))
            os.close(terminal)
            said = b''
            while chunk := read_terminal(main):
                said += chunk
            os.close(main)
            expect(f'{tool} {more}: {said}', process.wait(), 0)
            expect(f'{tool} {more}', (b'\x1b[32mcomplete\x1b[0m' in said, b'\x1b' in said), (coloured, coloured))
    expect('no terminal', '\x1b' in run(t.k23, 'stat', t.calls, env={'TERM': 'xterm'}).stderr, False)


def read_terminal(fd):
    try:
        return os.read(fd, 65536)
    except OSError:  # nobody has its other end any more
        return b''


def case_quiet(t):
    """k23 trace says nothing of a complete trace with -q, and always what is missing."""
    for option in '-q', '-qq', '--quiet=verdict', '--quiet=all':
        expect(option, run(t.k23, 'trace', '-o', 'report', option, t.calls, 'calls', '1').stderr, '')
        need(run(t.gaps, 'uring', '1').returncode == 0, 'there is no io_uring')
        result = run(t.k23, 'trace', '-o', 'report', option, t.gaps, 'polled', '1')
        expect(option, list(t.read('trace', result.stderr)), ['io_uring', 'io_uring-entries', 'io_uring-polled'])
    for option in '-f', '--quiet=exit':
        expect(option, run(t.k23, 'trace', '-o', 'report', option, t.calls, 'calls', '1').stderr,
               'k23: complete: every system call was seen\n')


def main():
    k23, built = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], Verdicts(k23, built)))


main()
