#!/usr/bin/python3
"""k23 inject, and -e inject= of k23 trace, against strace's -e inject=. usage: inject.py K23 PROGRAM CASE"""
import itertools
import json
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from events import normal
from harness import Failed, expect, run


class Tools:
    def __init__(self, k23, faults):
        self.k23, self.faults = k23, faults

    def inject(self, rules, *program, options=(), status=0):
        """What a program prints, lines of words."""
        result = run(self.k23, 'inject', *options, *(word for rule in rules for word in ('-e', rule)), '--',
                     self.faults, *program)
        expect(f'{rules} {program}: status, messages', (result.returncode, result.stderr), (status, ''))
        return result.stdout.splitlines()

    def same(self, options, *program):
        """Lines, output and status are those of strace."""
        theirs, ours = (self.trace(tool, options, program) for tool in (['strace', '-f'], [self.k23, 'trace']))
        if not theirs[0]:
            raise Failed(f'strace {options} shows nothing')
        for native, got in zip(theirs, ours):
            if native != got:
                raise Failed(f'{options} {program}\n' + harness.difference(native, got, 'k23 trace'))

    def trace(self, tool, options, program):
        result = run(*tool, '-o', 'log', *options, self.faults, *program)
        with open('log', errors='replace') as log:
            lines = [re.sub(r'\b\d{3,}\b', 'N', line) for line in normal(log.read())]
        return lines, result.stdout.splitlines(), [harness.describe_status(result.returncode)]


# --- as strace

# Rules for a call that strace takes, and those that it does not take.
GOOD = '''error=4095 error=enoent error=ERESTARTSYS retval=0x10 retval=010 retval=1 signal=64 signal=SIGRTMIN signal=RT_3
    signal=SIGRT_3 signal=IO signal=winch retval=1:when=65535 retval=1:when=1..1+ retval=1:when=2..65534+65535
    retval=1:when=7+ delay_enter=1.5ms delay_enter=1e3us delay_enter=0 delay_exit=.5s delay_exit=3ns delay_enter=1
    poke_enter=@arg1=00 poke_enter=@arg1=00,@arg2=01 poke_exit=@arg6=ab:poke_enter=@arg1=AB syscall=getuid:retval=1
    syscall=getppid:error=EIO retval=1: :retval=1 retval=1:when=1:when=2 error=EIO:signal=USR1:delay_enter=1:when=3'''
BAD = '''error=0 error=4096 error=EFOO error=-1 error=0x5 error= signal=0 signal=65 signal=RTMIN+3 signal=SIGIOT signal=-1
    error=1:retval=1 error=1:error=2 signal=1:signal=2 retval=1:when=0 retval=1:when=2..1 retval=1:when=1+0
    retval=1:when=+ retval=1:when= retval=1:when=1..3+2x retval=1:when=-1 retval=1:when=0x2 retval=1:when=2..0x3 retval=
    retval=x retval=0x retval=18446744073709551616 delay_enter=-1 delay_enter= delay_enter=1h delay_enter=1S
    delay_enter=0x10 delay_exit=inf delay_exit=nan delay_enter=1s:delay_enter=1 poke_enter=@arg0=00 poke_enter=@arg8=00
    poke_enter=@arg1=0 poke_enter=@arg1= poke_enter=@arg1=zz poke_enter=@arg1=00,@arg1=01 poke_enter=arg1=00
    poke_enter=@arg1=AB:poke_enter=@arg2=AB syscall=openat:retval=1 syscall=foo:retval=1 syscall=getuid when=2 foo=1 foo
    syscall=getuid:syscall=getgid:retval=1'''


def case_grammar(t):
    """What strace takes, k23 takes; what strace does not take is one clear line and status 125."""
    for tail, right in itertools.chain(((tail, True) for tail in GOOD.split()), ((tail, False) for tail in BAD.split())):
        rule = 'getpgrp:' + tail
        theirs = run('strace', '-o', '/dev/null', '-e', 'inject=' + rule, 'true')
        expect(f'strace {rule}', (theirs.returncode == 0, theirs.stderr == ''), (right, right))
        for command in 'trace', 'inject':
            # What is right is seen by what is said next.
            ours = run(t.k23, command, '-e', 'inject=' + rule)
            if ours.returncode != 125 or ours.stderr.count('\n') != 1 or ('no program' in ours.stderr) != right:
                raise Failed(f'{command} {rule}: {ours.stderr!r}')
    for rule in 'getpgrp', 'getpgrp:', '', 'nonexistent:retval=1', '%nonexistent:retval=1':
        ours = run(t.k23, 'inject', '-e', 'inject=' + rule, 'true')
        if ours.returncode != 125 or ours.stderr.count('\n') != 1 or f"'{rule}'" not in ours.stderr:
            raise Failed(f'{rule}: {ours.stderr!r}')


def case_lines(t):
    """What is shown, and what the program sees."""
    for rule in ('retval=7:when=2', 'retval=7:when=2..3', 'retval=7:when=2..5+2', 'retval=7:when=2..5+', 'retval=7:when=3+',
                 'error=EPERM', 'error=EPERM:delay_enter=10ms', 'delay_exit=1ms', 'syscall=getuid:retval=5', 'retval=4096',
                 'retval=7:when=2:when=4', 'poke_enter=@arg1=00:error=EFAULT'):
        t.same(('-e', 'trace=getpgrp', '-e', 'inject=getpgrp:' + rule), 'calls')
    t.same(('-e', 'trace=getpgrp', '-e', 'fault=getpgrp:when=2'), 'calls')
    t.same(('-e', 'trace=getpgrp', '--fault=getpgrp:when=2:error=EIO'), 'calls')
    for rule in 'retval=7:when=2', 'retval=7:when=5':  # each thread counts for itself, and over its execve
        t.same(('-e', 'trace=getpgrp', '-e', 'inject=getpgrp:' + rule), 'tree')
    t.same(('-e', 'trace=execve', '-e', 'inject=execve:error=ENOENT'), 'tree')
    t.same(('-e', 'trace=clone3,clone', '-e', 'inject=clone3,clone:error=EAGAIN'), 'races')


def case_examples(t):
    """Those that strace's manual page has."""
    t.same(('-e', 'trace=chdir', '-e', 'inject=chdir:error=ENOENT:when=3+'), 'directories')
    t.same(('-P', '/dev/urandom', '-e', 'inject=file:error=ENOENT'), 'files', '/dev/urandom', '/dev/null')
    t.same(('-P', '/dev/urandom', '-e', 'inject=%file:error=ENOENT', '-e', 'fault=read'), 'files', '/dev/null', '/dev/urandom')
    t.same(('-e', 'trace=read,pread64', '-e', 'inject=read:poke_enter=@arg2=0000DEAD0000BEEF:when=2+'), 'data')


def case_json(t):
    """JSON lines say what was tampered with."""
    run(t.k23, 'trace', '--format=json', '-o', 'log', '-e', 'trace=getpgrp', '-e',
        'inject=getpgrp:error=EIO:delay_enter=1:when=2', t.faults, 'calls')
    with open('log') as log:
        calls = [event for event in map(json.loads, log) if event.get('syscall') == 'getpgrp']
    expect('events', [event.get('tampered') for event in calls], [None, ['result', 'time']] + [None] * 4)


def case_selected(t):
    """Only calls that are shown are tampered with; the last rule for a call holds."""
    files = '/etc/passwd', '/etc/hosts'
    for options in (('-e', 'trace=getpgrp', '-e', 'inject=getpgrp:error=EIO:when=2', '-e', 'inject=getpgrp:retval=9:when=3'),
                    ('-e', 'trace=!getpgrp', '-e', 'trace=getpgid', '-e', 'inject=getpgrp:error=EIO'),
                    ('-e', 'trace=getpgrp,getpgid', '-e', 'inject=/^getpg:retval=3')):
        t.same(options, 'calls')
    for options in (('-P', '/etc/hosts', '-e', 'inject=openat,read:error=EIO'),
                    ('-P', '/etc/hosts', '-e', 'trace=openat', '-e', 'inject=read:error=EIO'),
                    ('-P', '/etc/hosts', '-e', 'inject=read:error=EIO'),
                    ('-z', '-e', 'trace=openat', '-e', 'inject=openat:error=EIO:when=3'),
                    ('-e', 'trace=openat', '-e', 'inject=%file:error=EACCES:when=4')):
        t.same(options, 'files', *files)


def case_signal(t):
    """A signal comes behind a call that does not wait, and interrupts one that does."""
    for program in ('signals',), ('signals', 'restart'):
        t.same(('-e', 'trace=getpgrp,pause,read', '-e', 'inject=getpgrp,pause:signal=USR1', '-e',
                'inject=read:signal=USR1:when=3'), *program)
        t.same(('-e', 'trace=getpgrp,pause,read', '-e', 'inject=getpgrp,pause:signal=USR1', '-e',
                'inject=read:signal=USR1:error=EIO:when=2+'), *program)
    calls = 'wait4,poll,flock,futex,clock_nanosleep'
    t.same(('-e', f'trace={calls}', '-e', f'inject={calls}:signal=USR1', '-e', 'signal=usr1'), 'waits')
    t.same(('-e', 'trace=getpgrp', '-e', 'inject=getpgrp:signal=KILL:when=2'), 'calls')
    t.same(('-e', 'trace=getpgrp', '-e', 'inject=getpgrp:signal=TERM:error=EIO:when=2'), 'calls')


def case_memory(t):
    for rule in ('read:poke_exit=@arg2=4142:poke_enter=@arg2=43444546474849', 'read:retval=3:poke_exit=@arg2=4142',
                 'pread64:poke_exit=@arg2=4142', 'pread64:poke_enter=@arg2=4142:retval=5', 'read:poke_exit=@arg1=00'):
        t.same(('-e', 'trace=read,pread64', '-e', f'inject={rule}:when=2+' if rule[0] == 'r' else f'inject={rule}'), 'data')


def case_delay(t):
    for rule, least, most in (('delay_enter=300ms', .3, 9), ('delay_exit=300000', .3, 9), ('delay_enter=9ms', 0, 9)):
        start = time.monotonic()
        expect(rule, t.inject([f'getpgrp:{rule}:when=2'], 'calls'), [' n' * 6])
        if not least <= time.monotonic() - start < most:
            raise Failed(f'{rule} takes {time.monotonic() - start} s')


# --- k23's own

def case_occurrences(t):
    for rule, wanted in (('when=2,4..5', ' n 7 n 7 7 n'), ('when=1,3+2', ' 7 n 7 n 7 n'), ('when=6,1', ' 7 n n n n 7')):
        expect(rule, t.inject([f'getpgrp:retval=7:{rule}'], 'calls'), [wanted])
    tree = [' n n n'] * 3 + [' n' * 6]
    expect('the tenth of the run', t.inject(['getpgrp:retval=7:when=10'], 'tree'), tree[:3] + [' 7' + ' n' * 5])
    expect('the fourth of a thread', t.inject(['getpgrp:retval=7:when=4:per=thread'], 'tree'), tree[:3] + [' 7' + ' n' * 5])
    expect('the second of threads', t.inject(['getpgrp:retval=7:when=2'], 'tree', options=['--per=thread']),
           [' n 7 n'] * 3 + [' n' * 6])
    expect('two rules', t.inject(['getpgrp:retval=7:when=2..3', 'inject=getpgrp:error=EIO:when=3..4'], 'calls'),
           [' n 7 EIO EIO n n'])
    expect('a storm', t.inject(['getpgrp:eintr=2'], 'calls'), [' EINTR EINTR n EINTR EINTR n'])
    expect('a short storm', t.inject(['getpgrp:eintr:when=1..3'], 'calls'), [' EINTR EINTR EINTR n n n'])


def case_chance(t):
    """The same seed injects the same, whichever thread comes first; other seeds, rules and threads inject otherwise."""
    rule = 'getpgrp:error=EIO:probability=20%'
    runs = [t.inject([rule], 'races') for _ in range(3)]
    expect('once more', runs[1:], runs[:1] * 2)
    threads = runs[0][:4]
    if len(set(threads)) != 4:
        raise Failed(f'threads have the same faults: {threads}')
    share = ''.join(threads).count('x') / 800
    if not .12 < share < .28:
        raise Failed(f'20% of the calls are {share}')
    other = t.inject([rule + ':seed=7'], 'races')
    if other == runs[0]:
        raise Failed('another seed injects the same')
    expect('--seed', t.inject([rule], 'races', options=['--seed', '7']), other)
    expect('always', t.inject(['getpgrp:error=EIO:probability=1'], 'calls'), [' EIO' * 6])


def case_short(t):
    def lines(rule):
        return t.inject([rule], 'transfers')

    names = ['write', 'pread', 'pwritev', 'preadv', 'sendmsg', 'recvmsg', 'send', 'recv', 'writev']
    natively = run(t.faults, 'transfers').stdout.splitlines()
    expect('natively', natively, [f'{name} 12 [{"abcdefghijkl" if i else ""}]' for i, name in enumerate(names)] + ['7 3 1'])
    written = [name for name in names if 'w' in name or 'send' in name]
    # Not standard output, which is written to when all is over.
    to = 'write,pwrite64,writev,pwritev,sendmsg,sendto:fd=3..9:short='
    for rule in '12', '100':
        expect(rule, lines(to + rule), natively)
    for count, rule in ((3, '3'), (9, '9'), (6, '50%'), (1, '1%')):
        got = lines(to + rule)
        sizes = {line.split()[0]: int(line.split()[1]) for line in got[:-1]}
        expect(rule, {name: sizes[name] for name in written}, {name: count for name in written})
        expect('the program keeps its vectors', got[-1], '7 3 1')
    got = lines('pread64,preadv,recvmsg,recvfrom:path=/memfd*:path=socket*:short=7')
    expect('read', [line.split()[0] for line in got if ' 7 [' in line], ['pread', 'preadv', 'recvmsg', 'recv'])
    expect('what is read', got[1], 'pread 7 [abcdefg]')


def case_arguments(t):
    """By path, descriptor and argument."""
    files = ['/etc/passwd', '/etc/hosts', '/dev/null']

    def seen(rule):
        return [line.split(maxsplit=1)[1] for line in t.inject([rule], 'files', *files)]

    for rule, wanted in (
            ('openat:path=/etc/hosts:error=EIO', ['open read', 'EIO', 'open read']),
            ('openat:path=*/host?:error=EIO', ['open read', 'EIO', 'open read']),
            ('openat:path=/etc/hos:error=EIO', ['open read'] * 3),
            ('openat:path=/dev/*:path=/etc/pass*:error=EIO', ['EIO', 'open read', 'EIO']),
            ('read:path=/etc/hosts:error=EIO', ['open read', 'open EIO', 'open read']),
            ('read:fd=4:error=EIO', ['open read', 'open EIO', 'open read']),
            ('read:fd=3,5..7:error=EIO:path=/d*', ['open read', 'open read', 'open EIO']),
            ('read:fd=3,5..7:error=EIO:path=/nowhere*', ['open read'] * 3),
            ('read:fd=4..9:error=EIO', ['open read', 'open EIO', 'open EIO']),
            ('openat:from=*/ld-linux*:path=/etc/passwd:path=/etc/hosts:error=EIO', ['open read'] * 3),
            ('openat:from=!*/ld-linux*:path=/etc/hosts:error=EIO', ['open read', 'EIO', 'open read']),
            ('read:arg3=1:error=EIO', ['open EIO'] * 3), ('read:arg3>1:path=*passwd:error=EIO', ['open read'] * 3),
            ('read:arg3<2:arg1!=4:error=EIO', ['open EIO', 'open read', 'open EIO']),
            ('openat:arg1=-100:arg3&0x80000:path=/etc/*:error=EIO', ['open read'] * 3)):
        expect(rule, seen(rule), wanted)
    os.chdir('/etc')
    expect('a relative path', t.inject(['openat:path=/etc/hosts:error=EIO'], 'files', 'hosts', '../etc/./hosts'),
           ['hosts EIO', '../etc/./hosts EIO'])
    expect('a size', t.inject(['mmap:arg2>0x10000:arg1=0:arg4&0x20:error=ENOMEM:when=2+'], 'maps'),
           ['65536 0', '262144 0', '1048576 1'])


def case_own_calls(t):
    """Calls that k23 makes for itself do not fail, whatever the rules are."""
    own = 'ptrace,process_vm_readv,process_vm_writev,shmat,wait4,prctl,pidfd_getfd,memfd_create,socketpair,readlink,stat,futex'
    expect('execve', t.inject([f'{own}:error=EPERM', 'getpgrp:error=EIO:probability=1:path=*'], 'calls'), [' n' * 6])
    result = run(t.k23, 'inject', '-e', f'{own},madvise:error=EPERM', '--', 'sh', '-c', f'exec {t.faults} calls')
    expect('execve by a shell', (result.returncode, result.stdout), (0, ' n' * 6 + '\n'))


# --- all faults

def findings(text):
    """How each run that went wrong ended, and the command that it is said to be made again by."""
    return re.findall(r'^(crash|hang|corrupt|unnoticed): (.*)\n\t(k23 inject .*)\n\t# (.*)$', text, re.M)


def explore(t, what, *options, status=1):
    result = run(t.k23, 'inject', '--explore', *options, '--', t.faults, what)
    expect(f'{what}: {result.stderr}{result.stdout}: status', result.returncode, status)
    return findings(result.stdout), result


# A mistake, how it shows, in which call.
MISTAKES = {'memory': ('crash', 'mmap:error=ENOMEM:when=[0-9]+\\+'), 'small': ('crash', 'mmap:error=ENOMEM:when=[0-9]+\\+'),
            'file': ('crash', 'openat:error='), 'writes': ('corrupt', 'write:short=1:'), 'reads': ('corrupt', 'read:error=EINTR:'),
            'leak': ('hang', 'openat:error='), 'child': ('crash', 'clone:error='),
            'threads': ('crash', 'openat:error=EMFILE:per=thread:thread=1\\.2:when=1 '),
            'closes': ('unnoticed', 'close:error=EIO:made:')}


def case_explore(t):
    """Each mistake is found, by the command that is said to show it; where there is none, none is found."""
    for what, (end, rule) in MISTAKES.items():
        # Where memory is scarce the program only crashes; no other call is of interest then.
        options = ['--noticed=close'] if what == 'closes' else ['-j4', '--timeout=3'] if what == 'leak' else ['-j2', '--timeout=30']
        found, _ = explore(t, what, '--calls=mmap,brk,openat,write,read,clone,close', *options)
        mine = [(command, place) for how, _, command, place in found if how == end and re.search(rule, command)]
        if not mine or not any(re.search(r'\w (planted\.c:\d+ )?\(planted\+0x', place) for _, place in mine):
            raise Failed(f'{what}: {found}')
        expect(f'{what}: all', {how for how, _, command, _ in found if 'mmap' not in command} - {end}, set())
        if end == 'hang':
            continue
        command = mine[0][0].replace('k23', t.k23, 1)
        natively = run(t.faults, what)
        for _ in range(3):
            again = run('sh', '-c', command)
            crashed, same = again.returncode in (-11, -6, 139, 134), again.stdout == natively.stdout
            expect(command, (crashed, same), (end == 'crash', end in ('crash', 'unnoticed')))
    found, result = explore(t, 'right', '--noticed=write,close', status=0)
    expect('a program that is right', found, [])


# A mistake in a process that is not the first, in which one, and how it shows.
LOST = {'forks': ('crash', 'Aborted in process 2 of planted_processes (1.1)'),
        'execs': ('crash', 'Aborted in process 2 of planted_processes (1.1)'),
        'thread': ('crash', 'Aborted in process 2 of planted_processes (1.1)'),
        'spawns': ('crash', 'Aborted in process 2 of planted_processes (1.1)'),
        'vforks': ('crash', 'Aborted in process 2 of planted_processes (1.1)'),
        'blocked': ('crash', 'Segmentation fault in process 2 of planted_processes (1.1)'),
        'second': ('crash', 'Aborted in process 3 of planted_processes (1.2)'),
        'hangs': ('hang', 'not over after 3.0 s: process 2 of planted_processes (1.1) in read(3); '
                          'process 4 of planted_processes (1.1.1.1) in pause; process 1 of planted_processes (1) in wait4')}
ERRORS = 'EACCES', 'EMFILE', 'ENOENT', 'ENOMEM'


def survivors(program):
    """The processes that still run it."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as line:
                if line.read().split(b'\0')[:1] == [program.encode()]:
                    found.append(pid)
        except OSError:
            pass
    return found


def case_explore_processes(t):
    """Mistakes are found in all processes, although the first one ends as if nothing had happened; each command that is
    said to show one does; of what hangs nothing is left."""
    # Whatever else runs here has another name.
    program = os.path.abspath('planted_processes')
    shutil.copy(t.faults, program)
    t.faults = program
    for what, (end, text) in LOST.items():
        options = ['-j4', '--timeout=3'] if end == 'hang' else ['-j2', '--timeout=30']
        found, result = explore(t, what, '--calls=openat', *options)
        expect(what, sorted((how, said) for how, said, _, _ in found), [(end, text)] * 4)
        expect(f'{what}: errors', sorted(re.search(r'error=(\w+)', command)[1] for _, _, command, _ in found), list(ERRORS))
        for _, _, command, place in found:
            if text.split('in process ')[-1] not in place and end != 'hang':
                raise Failed(f'{what}: place {place}')
            again = run('sh', '-c', command.replace('k23', t.k23, 1))
            messages = text.split(': ')[-1].split('; ')
            expect(command, (again.returncode, again.stderr.splitlines()),
                   (124 if end == 'hang' else 134 if 'Aborted' in text else 139, [f'k23: {end}: {line}' for line in messages]))
        expect(f'{what}: processes that are left', survivors(program), [])
    for what in 'right', 'ends':
        found, result = explore(t, what, '--timeout=30', '-j2', status=0)
        expect(what, found, [])
    expect('a crash that is meant', 'without any fault' in result.stderr, True)


def case_explore_order(t):
    """The same is tried in each exploration, and reported as JSON, of all commands of a pipeline."""
    shell = ['sh', '-c', f'{t.faults} careless | {t.faults} careful; {t.faults} careless & {t.faults} careful; wait']
    reports = []
    for _ in range(2):
        result = run(t.k23, 'inject', '--explore', '--format=json', '-v', '--timeout=30', '--calls=openat', '--', *shell)
        expect(f'status {result.stderr}', result.returncode, 1)
        report = json.loads(result.stdout)
        expect('counts', (len(report['runs']), report['not_made'], report['limit']), (sum(report['ends'].values()), 0, None))
        reports.append([(one['end'], one['command'], one['process'], one['place'][0]) for one in report['runs']])
    expect('again', reports[0], reports[1])
    crashes = sorted({(one['process']['number'], one['process']['thread'], tuple(
        (lost['signal'], os.path.basename(lost['program']), lost['number'], lost['thread']) for lost in one['processes']))
        for one in report['runs'] if one['end'] == 'crash'})
    expect('crashes', crashes, [(1, '1.1', ((6, 'planted_processes', 1, '1.1'),)), (3, '1.3', ((6, 'planted_processes', 3, '1.3'),))])


def case_watch(t):
    """--watch and --timeout: what is said of a run, and its exit status."""
    fails = 'openat:error=ENOENT:path=/etc/passwd'

    def watch(what, *options, rule=fails):
        return run(t.k23, 'inject', '--counts=counts', '-e', rule, *options, '--', t.faults, what)

    for what, options, status, lines in (
            ('forks', ['--watch'], 134, ['exit\t0', f'crash\tSIGABRT\t1.1\t2\t{t.faults}']), ('forks', [], 0, []),
            ('careless', ['--watch'], -6, ['signal\t6', f'crash\tSIGABRT\t1\t1\t{t.faults}']),
            ('careful', ['--watch'], 1, ['exit\t1']), ('right', ['--watch'], 1, ['exit\t1']),
            ('hangs', ['--timeout=2'], 124, ['timeout', f'hang\tread(3)\t1.1\t2\t{t.faults}',
                                                 f'hang\tpause\t1.1.1.1\t4\t{t.faults}', f'hang\twait4\t1\t1\t{t.faults}'])):
        expect(f'{what} {options}', watch(what, *options).returncode, status)
        with open('counts') as counts:
            expect(f'{what} {options}: counts', [re.sub('^[0-9]+ [0-9]+ ', '', line) for line in counts.read().splitlines()],
                   [fails, *lines])
    shell = run('sh', '-c', 'sleep 60 >/dev/null 2>&1 & echo $!; exec "$@"', 'sh', t.k23, 'inject', '--timeout=1', '-e', fails, '--',
                t.faults, 'hangs')
    expect('a shell', (shell.returncode, 'sleep' in shell.stderr), (124, False))
    os.kill(int(shell.stdout), 9)  # which is there: it was not the program's
    expect('a program that is right', watch('right', '--watch', rule='none:retval=0').returncode, 0)
    for name, crashes in ('1.2', True), ('1', False), ('1.1', False), ('1.2.1', False):
        expect(f'thread={name}', watch('second', '--watch', rule=f'{fails}:thread={name}').returncode, 134 if crashes else 0)
    for name in '1.', '1.0', '1.x', '.1', '2.1', '1..1', '-1', '1.-1', '1.4294967296':
        expect(f'thread={name}', watch('second', rule=f'{fails}:thread={name}').returncode, 125)


def case_explore_check(t):
    """A command that says whether all is well, and one that makes it so; limits; what is said of programs that cannot be
    explored."""
    options = '--calls=write', '--check=test "$(cat result)" = "result"'
    found, _ = explore(t, 'closes', *options)
    expect('a short write', sorted({(how, re.search(r'-e (\S+)', command)[1]) for how, _, command, _ in found}),
           [('corrupt', 'write:error=EINTR:when=1'), ('corrupt', 'write:error=EIO:when=1'),
            ('corrupt', 'write:error=ENOSPC:when=1'), ('corrupt', 'write:short=1:when=1')])
    found, _ = explore(t, 'closes', *options[:1], '--check=test "$K23_STATUS" != 0 || test "$(cat result)" = "result"',
                       status=0)
    with open('count', 'w'):
        pass
    _, result = explore(t, 'right', '--calls=write', '--before=echo >>count', '--runs=2', '-j2', status=0)
    expect('runs', (open('count').read().count('\n'), '(--runs)' in result.stdout), (5, True))
    found, result = explore(t, 'right', '--calls=write', '--check=test "$K23_STATUS" = 0 || { kill -INT $PPID; false; }', status=0)
    expect('a check that is interrupted says nothing', (found, '(interrupted)' in result.stdout), ([], True))
    found, _ = explore(t, 'file', '--calls=openat', '--no-learn', '--hook', 'null', '--timeout=30')
    expect('options are kept', {command.split(' -e ')[0] for _, _, command, _ in found},
           {'k23 inject --no-learn --hook null --watch'})
    for program, options, word in (
            (['sh', '-c', 'kill -SEGV $$'], [], 'crashes'), (['sleep', '9'], ['--timeout=100ms'], 'hangs'),
            (['true'], ['--check=false'], '--check'), (['true'], ['--before=false'], '--before'),
            (['true'], ['--calls=nonsense'], 'nonsense'), (['true'], ['-e', 'read:error=EIO'], '--explore'),
            (['true'], ['--jobs=0'], '--jobs'), (['true'], ['--timeout=x'], '--timeout')):
        result = run(t.k23, 'inject', '--explore', *options, '--', *program)
        if result.returncode != 125 or word not in result.stderr:
            raise Failed(f'{program} {options}: {result.returncode}, {result.stderr!r}')
    expect('no program', run(t.k23, 'inject', '--explore', '--', 'no-such-program').returncode, 127)


def case_memory_shared(t):
    """Counts go over execve, and over the run, in whatever memory there is to share, and in a PID namespace."""
    from denied import deny

    def lines(*command, how=None):
        result = run(t.k23, *command, preexec_fn=how)
        return result.returncode, [line for line in result.stdout.splitlines() if line.startswith(' ')]

    shell = 'sh', '-c', f'{t.faults} calls; exec {t.faults} calls'
    wanted = 0, [' n' * 6, ' n n n 7 n n']
    for names in (), ('pidfd_getfd',):
        for command in ['inject', '-e'], ['trace', '-o', '/dev/null', '-e', 'trace=getpgrp', '-e']:
            kind = 'inject=' if command[0] == 'trace' else ''
            got = lines(*command, kind + 'getpgrp:retval=7:when=10:per=run', '--', *shell, how=deny(*names) if names else None)
            expect(f'{command[0]} without {names}', got, wanted)
    if run('unshare', '--user', '--map-root-user', '--pid', '--fork', 'true').returncode:
        return
    got = lines('inject', '-e', 'getpgrp:retval=7:when=10', '--', 'unshare', '--user', '--map-root-user', '--pid', '--fork', *shell)
    expect('in a PID namespace', got, wanted)
    got = lines('inject', '--per=thread', '-e', 'getpgrp:retval=7:when=4', '--', 'unshare', '--user', '--map-root-user', '--pid',
                '--fork', t.faults, 'again')
    expect('over execve in a PID namespace', got, (0, [' n n n', ' 7' + ' n' * 5]))


def case_status(t):
    result = run(t.k23, 'inject', '-v', '-e', 'getpgrp:error=EIO:when=2', '-e', 'chdir:retval=0', '--', t.faults, 'calls')
    expect('-v', result.stderr.splitlines(), ['k23: getpgrp:error=EIO:when=2: of 6 calls 1 were tampered with',
                                               'k23: chdir:retval=0: of 0 calls 0 were tampered with'])
    run(t.k23, 'inject', '--counts=counts', '-e', 'getpgrp:error=EIO:when=2', '--', t.faults, 'calls')
    expect('--counts', open('counts').read(), '6 1 getpgrp:error=EIO:when=2\n')
    for program, status in (['sh', '-c', 'exit 7'], 7), (['sh', '-c', 'kill -TERM $$'], -15), (['no-such-program'], 127):
        expect(program, run(t.k23, 'inject', '-e', 'getpgrp:error=EIO', '--', *program).returncode, status)
    for arguments in (['true'], ['-e', 'getpgrp:error=EIO'], ['--per=process', '-e', 'getpgrp:error=EIO', 'true'],
                      ['--seed=x', '-e', 'getpgrp:error=EIO', 'true'], ['-e', 'getpgrp:error=EIO:per=process', 'true'],
                      ['-e', 'all:error=EIO:when=3', '-e', 'all:error=EIO:when=4', 'true'],
                      ['-e', 'all:error=EIO'] * 3 + ['true'], ['-e', 'getpgrp:error=EIO'] * 65 + ['true'],
                      ['-e', 'getpgrp:short=0', 'true'], ['-e', 'getpgrp:short=100%', 'true'],
                      ['-e', 'getpgrp:error=EIO:probability=0', 'true'], ['-e', 'getpgrp:error=EIO:fd=x', 'true'],
                      ['-e', 'getpgrp:error=EIO:thread=x', 'true'], ['-e', 'getpgrp:error=EIO:arg7=1', 'true'], ['-e', 'getpgrp:error=EIO:arg1~1', 'true']):
        result = run(t.k23, 'inject', *arguments)
        if result.returncode != 125 or result.stderr.count('\n') != 1:
            raise Failed(f'{arguments}: {result.returncode}, {result.stderr!r}')


if __name__ == '__main__':
    tools = Tools(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], tools))
