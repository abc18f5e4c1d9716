#!/usr/bin/python3
"""Lines of k23 trace that are no call, and its options, against strace itself. usage: events.py K23 EVENTS CASE

Whose turn it is differs from run to run, so lines are compared for each thread, with the parts of a call put together.
Numbers that differ between runs become words: ids by the order in which they come, addresses, times."""
import collections
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, expect, need, need_machine, run, works_here
from whole import whole

COMPLETE = 'k23: complete: every system call was seen\n'  # which strace does not say


class Tools:
    def __init__(self, k23, events):
        self.k23, self.events = [k23, 'trace'], events
        self.strace = ['strace', '-f']

    def outputs(self, options, program, normalise=None, shown='-o'):
        """What strace says, and what k23 trace says, as lists of lines."""
        texts = []
        for tool in self.strace, self.k23:
            more = ['-o', 'log'] if shown == '-o' else []
            result = run(*tool, *more, *options, *program)
            if shown == '-o':
                with open('log', errors='replace') as log:
                    text = log.read()
            else:
                text = result.stderr.removesuffix(COMPLETE)
            texts.append((normalise or normal)(text))
        return texts

    def same(self, options, program, **more):
        theirs, ours = self.outputs(options, program, **more)
        if not theirs:
            raise Failed(f'strace {options} shows nothing')
        if theirs != ours:
            raise Failed(f'{options} {program}\n' + harness.difference(theirs, ours, 'k23 trace'))


class Recorded(Tools):
    """The same by way of a recording."""

    def outputs(self, options, program):
        theirs = run(*self.strace, '-o', 'log', *options, *program)
        with open('log', errors='replace') as log:
            texts = [normal(log.read())]
        ours = run(self.k23[0], 'record', '-o', 'recording', *program)
        expect('exit status', ours.returncode, theirs.returncode)
        shown = run(self.k23[0], 'show', '-o', 'log', *options, 'recording')
        expect('what is said of the recording', (shown.returncode, shown.stderr), (0, ''))
        with open('log', errors='replace') as log:
            return [*texts, normal(log.read())]


# Calls with sizes and offsets, one of which is a thread's id once in a while, and without ids.
WITHOUT_IDS = re.compile(r'(m(un|re)?map|mprotect|brk|lseek|pread64|(new)?fstat(at)?|statx)\(|read\(\d+, "\\177ELF')


def normal(text):
    """The lines of each thread, calls put together again; threads in the order in which they come."""
    shown = text.splitlines()
    threads = collections.OrderedDict((line.split()[0], []) for line in shown if line.strip())
    for tid, rest in whole(shown):
        threads[tid].append(words(rest))
    ids = {tid: f'ID{number}' for number, tid in enumerate(threads)}

    def with_ids(line):
        return line if WITHOUT_IDS.match(line) else re.sub(r'\b\d{2,}\b', lambda number: ids.get(number[0], number[0]), line)

    return [f'{ids[tid]} {with_ids(line)}' for tid, lines in threads.items() for line in told_when_waited_for(lines)]


def told_when_waited_for(lines):
    """Each SIGCHLD behind the wait4 for that child: natively either is first, as the child ends soon or late."""
    told = iter([line for line in lines if line.startswith('--- SIGCHLD ')])
    rest = [line for line in lines if not line.startswith('--- SIGCHLD ')]
    if len(lines) - len(rest) != sum(line.startswith('wait4(') for line in rest):
        return lines
    return [moved for line in rest for moved in ([line, next(told)] if line.startswith('wait4(') else [line])]


def words(text):
    text = re.sub(r'0x[0-9a-f]{5,}', 'ADDRESS', text)
    text = re.sub(r'si_utime=\d+(?: /\* [^*]* \*/)?, si_stime=\d+(?: /\* [^*]* \*/)?', 'TIMES', text)
    return re.sub(r'getppid\(\) = \d+', 'getppid() = PARENT', re.sub(r' += ', ' = ', text))


def shape(text):
    """Lines as they are, with digits for digits: for how things are laid out."""
    text = re.sub(r'(strace|k23): Process \d+', 'Process ID', text)
    text = re.sub(r'^\d+ +|^\[pid +\d+\]|(?<=getppid\(\))( +)= \d+|(?<=si_pid=)\d+', r'\1ID ', text, flags=re.M)
    return [re.sub(r'\d', '9', re.sub(r'\[[0-9a-f]{16}\]', '[ADDRESS]', line)) for line in text.splitlines()]


QUIET = ('-e', 'trace=none')
CALLS = ('-e', 'trace=pause,exit,exit_group,tgkill,nanosleep,wait4,execve,kill')


def case_signals(t):
    """Handled ones with what they come with; one that is left to the kernel and ends the process; a fault."""
    for what in 'handled', 'term', 'abort', 'fault', 'realtime', 'seccomp':
        for style in 'abbrev', 'raw', 'verbose':
            t.same((*QUIET, '-X', style), [t.events, what])
    t.same(QUIET, [t.events, 'peeked'])
    t.same(('-e', 'trace=none', '-e', 'signal=usr1,SIGALRM'), [t.events, 'handled'])
    t.same(('-e', 'trace=none', '-e', 'signal=!SIGUSR1,14'), [t.events, 'handled'])
    t.same(('-e', 'trace=none', '--signal=none'), [t.events, 'handled'])


def case_ends(t):
    """Of threads, of processes, by exit, exit_group, a signal, SIGKILL; and what their calls were."""
    for what in 'threads', 'leader', 'killed', 'term-threads', 'children':
        t.same(CALLS, [t.events, what])


def case_interrupted(t):
    """Calls that a signal interrupts, and that are made again."""
    t.same(('-e', 'trace=read,pause,rt_sigsuspend,rt_sigreturn,nanosleep,epoll_wait'), [t.events, 'interrupted'])


def execs(t):
    t.same(CALLS, [t.events, 'exec', '/bin/true'])
    t.same(CALLS, [t.events, 'exec-thread', '/bin/true'])


def case_recorded(t):
    """All of this in a recording."""
    recorded = Recorded(t.k23[0], t.events)
    for case in case_signals, case_ends, case_interrupted, execs:
        case(recorded)


def case_exec(t):
    """From the first thread and from another."""
    execs(t)
    t.same(('-b', 'execve', '-e', 'trace=execve,exit_group'), [t.events, 'exec', '/bin/true'])


def case_first_line(t):
    t.same(('-e', 'execve'), ['env', '-i', 'A=b', t.events, 'none', 'x y', '"'])
    theirs, ours = t.outputs(('-e', 'execve'), ['nothing-of-this-name'], normalise=lambda text: text)
    expect('a program that is not found', (theirs.count('execve('), ours), (0, ''))


def case_layout(t):
    """Prefixes and columns: ids, times, numbers, addresses."""
    program = [t.events, 'none']
    for options in ('-r',), ('-t',), ('-tt',), ('-ttt',), ('-tttt',), ('-r', '-t'), ('-r', '-ttt'), ('-n',), ('-i',), \
            ('-i', '-n', '-r', '-tt'), ('-T',), ('-a', '20'), ('-a0',), ('--columns=60',), ('-q',), ('-qq',), ('-qqq',), \
            ('--relative-timestamps=ms', '-t'), ('--relative-timestamps=s',), ('--syscall-times=ns',), \
            ('--syscall-times=s',), ('--absolute-timestamps=unix',), ('--absolute-timestamps=precision:ns',), \
            ('--absolute-timestamps=format:unix,precision:ms',), \
            ('--absolute-timestamps=precision:ms', '--absolute-timestamps=format:unix'), ('-e', 'quiet=exit'), ('--quiet=all',), ('-rntT',):
        for shown in '-o', 'stderr':
            t.same((*options, '-e', 'trace=getppid,exit_group'), program, normalise=shape, shown=shown)


def case_hex(t):
    """Which bytes of strings are in hexadecimal."""
    for options in ('-x',), ('-xx',), *((f'--strings-in-hex={which}',) for which in
                                        ('none', 'non-ascii-chars', 'non-ascii', 'all')), ('--strings-in-hex',):
        t.same((*options, '-e', 'trace=write'), ['printf', 'a\\1b\\3773\\n'], normalise=normal)


def case_prefix(t):
    """[pid N] only while there are several, and who comes."""
    for options in (), ('-q',), ('-e', 'quiet=attach,exit'):
        t.same((*options, '-e', 'trace=getppid,exit_group'), [t.events, 'child'], normalise=shape, shown='stderr')


def case_selection(t):
    """What each set of calls, and each way to select, has: of every call that there is."""
    sets = ('%file', '%desc', '%process', '%network', '%net', '%signal', '%ipc', '%memory', '%creds', '%clock', '%pure',
            '%stat', '%lstat', '%fstat', '%%stat', '%statfs', '%fstatfs', '%%statfs', 'file', 'open,close', '!open,%desc',
            '/^get', '/stat$', '!/e', '?nothing,getpid', 'getppid@64', 'all', ',open,,close,', '39,110', '!!open',
            'ipc', 'network', '??nothing,0')
    for names in sets:
        t.same(('-e', f'trace={names}'), [t.events, 'every'], normalise=names_of)
    t.same(('-e', '%file'), [t.events, 'every'], normalise=names_of)
    t.same(('--trace=%file',), [t.events, 'every'], normalise=names_of)


def names_of(text):
    """Which calls are shown. strace shows those that it does not know in any case."""
    return sorted(set(re.findall(r'^\d+ +(?:i386:)?(?!syscall_)(\w+)\(', text, re.M)) - NEWER)


# Calls that strace 6.1 does not know, and numbers that it gives names to which make no call.
NEWER = {'cachestat', 'fchmodat2', 'file_getattr', 'file_setattr', 'futex_requeue', 'futex_wait', 'futex_wake', 'getxattrat',
         'listmount', 'listns', 'listxattrat', 'lsm_get_self_attr', 'lsm_list_modules', 'lsm_set_self_attr',
         'map_shadow_stack', 'mseal', 'open_tree_attr', 'removexattrat', 'setxattrat', 'statmount', 'uprobe', 'uretprobe'}


def case_statuses(t):
    for options in ('-z',), ('-Z',), ('-e', 'status=successful'), ('-e', 'status=failed'), ('-e', 'status=unfinished'), \
            ('-e', 'status=!failed'), ('--status=failed,unfinished',), ('--failed-only',), ('--successful-only',):
        t.same((*options, '-e', 'trace=getppid,close,exit_group'), [t.events, 'none'])


def case_outputs(t):
    """A file, a command, more behind what is there, a file for each thread."""
    wanted = t.outputs(('-e', 'getppid'), [t.events, 'none'])[1]
    for command in '|cat > piped', '!cat > piped':
        run(*t.k23, '-o', command, '-e', 'getppid', t.events, 'none')
        with open('piped') as file:
            expect(command, normal(file.read()), wanted)
    for _ in range(2):
        run(*t.k23, '-A', '-o', 'appended', '-e', 'getppid', t.events, 'none')
    with open('appended') as file:
        expect('-A', len(file.readlines()), 2 * len(wanted))
    for name, tool in ('theirs', t.strace), ('ours', t.k23):
        run(*tool, '-ff', '-o', name, '-e', 'trace=getppid,exit_group', t.events, 'child')
    texts = [sorted(shape(open(name).read()) for name in os.listdir('.') if name.startswith(f'{tool}.'))
             for tool in ('theirs', 'ours')]
    if texts[0] != texts[1]:
        raise Failed('-ff\n' + harness.difference(*(sum(text, []) for text in texts), 'k23 trace'))
    # What the program has closed is closed: the command has neither its input nor its output open.
    program = 'exec <&- >&-; sleep 3; touch over'
    with subprocess.Popen([*t.k23, '-o', 'closing', 'sh', '-c', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as traced:
        expect('output', (traced.stdout.read(), os.path.exists('over')), (b'', False))
        try:
            os.write(traced.stdin.fileno(), b'x')
            raise Failed('somebody has the input of the program open')
        except BrokenPipeError:
            pass
    expect('the program', (traced.returncode, os.path.exists('over')), (0, True))
    result = run(*t.k23, '-o', '|exit 3', t.events, 'none')
    expect('a command that does not read', result.returncode in (0, 125), True)
    # collect.c waits for it first: that is no error of writing.
    result = run(*t.k23, '-o', '|exit 3', 'sh', '-c', 'sleep 0.2; kill -CONT $$; sleep 0.2')
    expect('a command that has ended', (result.returncode, 'No child' in result.stderr), (125, False))


def case_summary(t):
    """The names, counts and errors of -c are strace's, whatever the columns and their order."""
    for options in ('-c',), ('-c', '-S', 'calls'), ('-c', '-S', 'name', '-U', 'name,calls,errors'), \
            ('-c', '-w', '-U', 'calls,errors,max-time', '-S', 'nothing'), ('-C', '-e', 'getppid'), \
            ('-c', '-S', 'time_avg', '-U', 'time_min,time-max,time-avg,calls,name'), \
            ('-c', '-U', 'time-percent,total-time,min-time,max-time,avg-time,calls,errors,name'):
        t.same(options, [t.events, 'none'], normalise=table)
    for options in ('-S', 'size'), ('-U', 'size'), ('-U', 'calls,calls'), ('-c', '-C'), ('-c', '-ff', '-o', 'x'):
        result = run(*t.k23, *options, t.events, 'none')
        expect(options, (result.returncode, len(result.stderr.splitlines())), (125, 1))


def table(text):
    """Headings and rules as they are; rows without times, sorted."""
    rows = text.splitlines()
    begin = next(i for i, row in enumerate(rows) if '---' in row)
    return [rows[begin - 1], rows[begin]] + sorted(re.sub(r'\d+\.\d+|(?<=  )\d+(?= +\d+ .*)', '', row).split()
                                                   and ' '.join(re.findall(r'[a-z_]\w*', row)) + counts(rows[begin - 1], row)
                                                   for row in rows[begin + 1:] if '---' not in row)


def counts(heading, row):
    """The numbers of calls and errors in a row."""
    found = []
    for word in 'calls', 'errors':
        end = re.search(rf'\b{word}\b', heading)
        cell = row[end.end() - 9:end.end()].strip() if end else ''
        found.append(cell if cell.isdigit() else '')
    return f' {found}'


def case_dumps(t):
    """-e read= and -e write=: every call that transfers data, and which descriptors. strace leaves out the buffers that
    come after an empty one."""
    rest = '\n * 1 bytes in buffer 3\n | 00000  28                                                (                |'
    for options in ('-e', 'read=all', '-e', 'write=all'), ('-e', 'read=5', '--write=4,8'), ('--read=!8', '-e', 'write=none'), \
            ('-e', 'write=8', '-e', 'w=4', '-e', 'status=successful'), ('-e', 'write=all', '-s', '2', '-T'):
        theirs, ours = t.outputs(('-e', 'trace=%desc,%network', *options), [t.events], normalise=without_numbers)
        expect(f'{options}: strace dumps', theirs.count('\n | ') > 10, True)
        expect(f'{options}: what comes after an empty buffer', rest in ours, options[-1] in ('write=all', '--write=4,8', '-T'))
        if theirs != ours.replace(rest, ''):
            raise Failed(f'{options}\n' + harness.difference(theirs.splitlines(), ours.splitlines(), 'k23 trace'))
    theirs, ours = t.outputs(('-e', 'trace=write', '-e', 'write=all'), [t.events, 'large'], normalise=without_numbers)
    expect('large dumps', (len(theirs) > 5000000, ours == theirs), (True, True))
    for options, said in ('--read=x', "'x' is no descriptor"), ('--write=-1', "'-1' is no"), ('--write=65536', 'no descriptor'):
        result = run(*t.k23, options, t.events)
        expect(options, (result.returncode, len(result.stderr.splitlines()), said in result.stderr), (125, 1, True))


def case_raw(t):
    """-e raw=: numbers for the arguments and results of some calls."""
    for options in ('-e', 'raw=all'), ('-e', 'raw=getppid,%desc'), ('--raw=!exit_group', '-y', '-v'), ('-e', 'x=none'), \
            ('-e', 'raw=close,?nothing,kill', '-s', '1'):
        for what in 'children', 'none':
            t.same(('-e', 'trace=getppid,close,openat,wait4,exit_group,kill,brk', *options), [t.events, what],
                   normalise=lambda text: normal(re.sub(r'0x[0-9a-f]{3,}', 'NUMBER', text)))
    t.same(('-e', 'trace=rt_sigreturn', '--raw=all'), [t.events, 'handled'])
    result = run(*t.k23, '-e', 'raw=nothing', 'true')
    expect('raw=nothing', (result.returncode, result.stderr.count("'nothing'")), (125, 1))


def case_strict(t):
    """A program in seccomp's strict mode goes on under all tools, and its calls are seen."""
    t.same(('-e', 'trace=getppid,prctl,write,exit'), [t.events, 'strict'])
    t.same(('-e', 'trace=seccomp,prctl,tgkill'), [t.events, 'refused'])
    for tool in ['stat', '--format=json', '-o', 'stat.json'], ['record', '-o', 'recording'], \
            ['inject', '-e', 'getpid:error=EPERM'], ['trace', '-k', '-y', '-o', 'log']:
        result = run(t.k23[0], *tool, '--', t.events, 'strict')
        expect(tool[0], (result.returncode, result.stdout), (3, 'one\ntwo\n'))
    with open('stat.json') as report:
        counts = {row['name']: row['calls'] for row in json.load(report)['syscalls']}
    expect('stat', (counts['write'], counts['exit']), (2, 1))
    shown = run(t.k23[0], 'show', '-e', 'trace=write,exit', 'recording').stdout
    expect('record', len(re.findall(r'write\(1, "(?:one|two)\\n", 4\) += 4|exit\(3\) ', shown)), 3)


def case_paths(t):
    """-P: calls that take the path as it is written, or what is open on it; and what it leads to."""
    with open('f', 'w') as file:
        file.write('text')
    os.symlink('f', 's')
    os.mkdir('d')
    for options in ('-P', 'f'), ('-P', './f', '-y'), ('-P', os.path.abspath('f')), ('-P', 's', '-P', 'z'), \
            ('--trace-path', os.path.abspath('.'), '-e', 'trace=%file'), ('-P', 'f', '-z', '--quiet=path-resolution'), \
            ('-P', 'nothing'), ('-y', '-v', '-e', 'trace=poll,select,pselect6'):
        theirs, ours = t.outputs(options, [t.events], normalise=lambda text: without_numbers(
            text.replace('strace:', 'k23:')), shown='stderr')
        if theirs != ours:
            raise Failed(f'{options}\n' + harness.difference(theirs.splitlines(), ours.splitlines(), 'k23 trace'))
        expect(f'{options}: lines', len(ours.splitlines()) > 1, 'nothing' not in options)


# strace asks for the name of a child that may have been waited for by then.
DEAD = re.compile(r'(?<=EXITED, si_pid=|KILLED, si_pid=|DUMPED, si_pid=)(\d+)<[^>]*>')


def case_names(t):
    """-Y: the names of threads, in front of lines and behind ids."""
    calls = '-e', 'trace=getpid,gettid,getppid,kill,tgkill,clone,clone3,fork,vfork,wait4,execve,prlimit64,exit_group'
    for options in ('-Y',), ('--decode-pids=comm',), ('-e', 'decode-pid=comm'):
        for what in 'children', 'handled', 'renamed', ('exec', '/bin/true'):
            program = [t.events, *([what] if isinstance(what, str) else what)]
            t.same((*options, *calls), program, normalise=names_behind)
            t.same((*options, '-e', 'trace=getppid,exit_group'), [t.events, 'child'], normalise=lambda text: [
                re.sub(r' *\d+(?=<)', ' ID', line) for line in shape(DEAD.sub(r'\1', text.replace('<strace>', '<k23>')))],
                   shown='stderr')


def names_behind(text):
    """The lines without the names behind the ids in front, and these names."""
    text = DEAD.sub(r'\1', text.replace('<strace>', '').replace('<k23>', ''))
    front = sorted(set(re.findall(r'^\d+<(.*?)> ', text, re.M)))
    return normal(re.sub(r'^(\d+)<.*?> +', r'\1 ', text, flags=re.M)) + front


# Sockets of each kind, in the states that they go through, and devices.
DESCRIPTORS = '''
import os, socket
def use(*sockets):
    for one in sockets:
        one.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
def tcp(family, host):
    server, client = socket.socket(family), socket.socket(family)
    use(server)
    server.bind((host, 0))
    use(server)
    server.listen(1)
    client.connect(server.getsockname())
    use(client, server.accept()[0])
tcp(socket.AF_INET, '127.0.0.1')
try:
    tcp(socket.AF_INET6, '::1')
except OSError:
    pass
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
use(udp)
udp.bind(('127.0.0.1', 0))
use(udp)
for kind, path in (socket.SOCK_STREAM, 'path'), (socket.SOCK_DGRAM, '\\0abstract'):
    unix = socket.socket(socket.AF_UNIX, kind)
    use(unix)
    unix.bind(path)
    use(unix)
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
use(netlink)
netlink.bind((0, 0))
use(netlink)
for device in '/dev/zero', '/dev/null':
    os.read(os.open(device, os.O_RDONLY), 1)
os.unlink('path')
'''


def case_abbreviated(t):
    """-e abbrev=, which calls are not shown whole, and -e verbose=, of which more than addresses is shown."""
    for options in ('-e', 'abbrev=none'), ('-e', 'abbrev=execve,%stat'), ('--abbrev=!wait4',), ('-e', 'a=all'), \
            ('-e', 'abbrev=execve', '-v'), ('-e', 'verbose=none'), ('--verbose=wait4,rt_sigaction',), \
            ('-e', 'v=!execve', '-e', 'abbrev=prlimit64'):
        t.same((*options, '-e', 'trace=execve,wait4,prlimit64,rt_sigaction,newfstatat,kill'), ['env', '-i', 'A=b', 'C=d',
               t.events, 'children'], normalise=lambda text: normal(re.sub(r'st_atime(_nsec)?=[^,]*', 'ATIME', text)))
    result = run(*t.k23, '-e', 'abbrev=nothing', 'true')
    expect('abbrev=nothing', (result.returncode, result.stderr.count("'nothing'")), (125, 1))


def case_descriptors(t):
    """-yy: what sockets and devices stand for, as strace has it from outside."""
    program = sys.executable, '-S', '-c', DESCRIPTORS
    for options in ('-yy',), ('--decode-fds=all',), ('-e', 'decode-fds=dev,socket'):
        theirs, ours = t.outputs((*options, '-e', 'trace=getsockopt,read'), program, normalise=descriptors_of)
        expect(f'{options}: strace shows', len(theirs) > 12, True)
        if theirs != ours:
            raise Failed(f'{options}\n' + harness.difference(theirs, ours, 'k23'))
    ours = t.outputs(('-y', '-e', 'trace=getsockopt,read'), program, normalise=descriptors_of)[1]
    expect('-y', set(ours), {'<socket:[NUMBER]>'})


def descriptors_of(text):
    """What is said of the sockets and devices that are the first argument of a call."""
    found = re.findall(r'^\d+ +\w+\(\d+(<.*?(?:\]|>)>)(?=, )', text, re.M)
    return [re.sub(r'\d{4,}|(?<=ROUTE:)\d+', 'NUMBER', one) for one in found]


OUTER = ['getppid', 'innermost', 'middle', 'outer']


def case_stacks(t):
    """-k: the frames of each call, with the places that strace finds, on both ways into k23; and their symbols."""
    options = '-k', '-e', 'trace=getppid', '-e', 'signal=none'
    theirs = stacks_of(t.outputs(options, [t.events], normalise=str)[0], places=True)
    for way in ('--no-patch', '--no-learn'), ('--eager',):
        run(*t.k23, *way, *options, '-o', 'log', t.events)
        with open('log') as log:
            text = log.read()
        stacks = stacks_of(text, places=False)
        expect(f'{way}: calls', len(stacks), 5)
        for stack, end in zip(stacks, (['main'], ['handler'], ['thread'], ['main'], ['recurse'] * 21 + ['main'])):
            if stack[:4 + len(end)] != OUTER + end:
                raise Failed(f'{way}: {stack}, not {OUTER + end}')
        expect(f'{way}: behind the handler', 'main' in stacks[1], True)
        if stacks_of(text, places=True) != theirs:
            raise Failed(f'{way}\n' + harness.difference(sum(theirs, []), sum(stacks_of(text, places=True), []), 'k23 -k'))
    result = run(*t.k23, '-k', '-e', 'trace=getppid', '-o', 'log', '--', sys.executable, '-S', '-c', 'import os; os.getppid()')
    with open('log') as log:
        expect(f'{result.stderr}python', stacks_of(log.read(), places=False)[0][0], 'getppid')


def stacks_of(text, places):
    """Of each call, the functions, or the files and offsets, of its frames."""
    stacks = []
    for line in text.splitlines():
        match = re.match(r' > (\S+)\((\w*)(?:\+0x[0-9a-f]+)?\) (\[0x[0-9a-f]+\])$', line)
        if match:
            stacks[-1].append(match[1] + match[3] if places else match[2])
        elif 'getppid(' in line:
            stacks.append([])
    return stacks


def without_numbers(text):
    """The text without what differs between runs."""
    text = re.sub(r'<\d\.\d+>', '<TIME>', re.sub(r' += ', ' = ', re.sub(r'^\d+ +', '', text, flags=re.M)))
    return re.sub(r'0x[0-9a-f]{5,}', 'ADDRESS', text)


def case_hanging(t):
    """A call that does not return is shown while it waits, when the program is interrupted, and when it is killed."""
    for sig in signal.SIGINT, signal.SIGKILL:
        command = subprocess.Popen([*t.k23, '-e', 'trace=read', '-o', 'log', t.events, 'wait'], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        pid = int(command.stdout.readline())
        for _ in range(100):
            with open('log') as file:
                shown = file.read()
            if 'read(0, ' in shown:
                break
            time.sleep(0.02)
        expect('while it waits', re.sub(r'.*\n', '', shown), f'{pid:<5} read(0, ')
        os.kill(pid, sig)
        command.wait(timeout=10)
        with open('log') as file:
            lines = [re.sub(r'^\d+ +| +(?== )', '', line) for line in file.read().splitlines()]
        end = {signal.SIGINT: ['read(0, 0x', '--- SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=', '+++ killed by SIGINT +++'],
               signal.SIGKILL: ['read(0,  <unfinished ...>)= ?', '+++ killed by SIGKILL +++']}[sig]
        for got, wanted in zip(lines[-len(end):], end):
            expect(f'after {sig!r}', got[:len(wanted)], wanted)


def case_options(t):
    """Those that are accepted, those that are not there, and what is wrong."""
    for options in ('-f',), ('-fyyttq',), ('-D',), ('-DDD',), ('--seccomp-bpf',), ('-I', '2'), ('-I', 'waiting'), ('-w', '-c'), ('--follow-forks',), \
            ('-E', 'A=b'), ('--daemonize=pgroup',), ('-vxx',), ('-X', 'raw'), ('-F',), ('--daemonized',), \
            ('--silence=exits,superseded',), ('--signals=,usr1',), ('--timestamps=none',), ('--failing-only',):
        result = run(*t.k23, '-o', 'log', *options, '--', t.events, 'none')
        expect(options, (result.returncode, result.stderr.removesuffix(COMPLETE)), (0, ''))
    for options, said in (('-p', '1'), '-p: attaching'), (('-fp1',), '-p: attaching'), \
            (('--kvm=vcpu',), '--kvm: strace'), (('-e', 'kvm=vcpu'), '-e kvm: strace'), \
            (('-fQ',), 'no option -Q'), (('--nothing',), 'no option --nothing'), (('-e', 'signal=NO'), "'NO' is no signal"), \
            (('-e', 'status=no'), "'no' is no status"), (('-o',), '-o needs an argument'), (('-e', 'trace=/['), "'/['"), \
            (('--summary-sort-by',), 'needs an argument'), (('--follow-forks=1',), 'takes no argument'), \
            (('-e', 'signal=,'), "',' is no signal"), (('-e', ','), "','"), (('-e', '1111'), "'1111'"), \
            (('-u', 'nobody-of-this-name'), 'no user'):
        result = run(*t.k23, *options, *([] if options[-1] in ('-o', '--summary-sort-by') else ['true']))
        expect(f'{options}: {result.stderr}', (result.returncode, len(result.stderr.splitlines()), said in result.stderr),
               (125, 1, True))
    expect('-V', run(*t.k23, '-V').stdout.startswith('k23 '), True)


def case_compat(t):
    """Structures of calls of i386. strace can show them only if it was built for that, so the lines stand here."""
    need_machine(works_here(t.events, 'compat'), 'there are no i386 calls')
    result = run(*t.k23, '-qq', '-o', 'log', '-e', 'trace=writev,_llseek,readv,fstat64,fstat@32,nanosleep,setrlimit,ugetrlimit,'
                 'rt_sigaction@32,socketcall', t.events, 'compat')
    expect('exit status', (result.returncode, result.stderr), (0, ''))
    with open('log') as log:
        lines = [re.sub(r'^\d+ +| +(?== )', '', line.rstrip('\n')) for line in log if ' i386:' in line]
    expect('lines', lines, [
        'i386:writev(3, [{iov_base="one", iov_len=3}, {iov_base="two\\n", iov_len=4}], 2)= 7',
        'i386:_llseek(3, 0, 1, [1], SEEK_SET)= 0',
        'i386:readv(3, [{iov_base="net", iov_len=3}, {iov_base="wo\\n", iov_len=3}], 2)= 6',
        'i386:fstat64(3, {st_mode=S_IFREG|0777, st_size=7, ...})= 0',
        'i386:fstat(3, {st_mode=S_IFREG|0777, st_size=7, ...})= 0',
        'i386:nanosleep({tv_sec=0, tv_nsec=1}, NULL)= 0',
        'i386:setrlimit(RLIMIT_NOFILE, {rlim_cur=64, rlim_max=64})= 0',
        'i386:ugetrlimit(RLIMIT_NOFILE, {rlim_cur=64, rlim_max=64})= 0',
        'i386:rt_sigaction(SIGUSR2, {sa_handler=SIG_IGN, sa_mask=[INT], sa_flags=SA_RESTART}, '
        '{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8)= 0',
        'i386:socketcall(SYS_SOCKET, {domain=AF_UNIX, type=SOCK_STREAM, protocol=0})= 4',
    ])


def case_sibling(t):
    """A child that the program has made its sibling does not stay a zombie."""
    for command in ('trace', '-o', 'log'), ('stat', '-o', 'log'), ('record', '-o', 'log'):
        expect(command[0], run(t.k23[0], *command, t.events, 'sibling').stdout, 'gone\n')


def case_environment(t):
    result = run(*t.k23, '-o', 'log', '-E', 'A=b c', '-E', 'HOME', 'sh', '-c', 'echo "$A" "${HOME-none}"')
    expect('-E', result.stdout, 'b c none\n')
    need(os.geteuid() == 0, 'only root can become somebody else')
    result = run(*t.k23, '-o', 'log', '-e', 'trace=getppid', '-u', 'nobody', 'id', '-un')
    expect('-u', (result.stdout, result.stderr), ('nobody\n', COMPLETE))


def main():
    k23, events = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.need_program('strace')
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], Tools(k23, events)))


if __name__ == '__main__':
    main()
