#!/usr/bin/python3
"""k23 stat, k23 trace and k23 record, on programs whose calls are known. usage: commands.py K23 CALLS CASE"""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, expect, need, run, works_here


class Commands:
    def __init__(self, k23, calls):
        self.k23, self.calls = k23, calls

    def stat(self, *program, options=(), status=0):
        """The JSON report, and its calls by name."""
        result = run(self.k23, 'stat', '--json', '-o', 'stat.json', *options, '--', *program)
        expect(f'status of {program}', result.returncode, status)
        with open('stat.json') as file:
            report = json.load(file)
        by_name = {(row['name'] if row['arch'] == 'x86_64' else 'i386:' + row['name']): row
                   for row in report['syscalls']}
        return report, by_name, result

    def trace(self, *program, options=(), status=0):
        """The lines, without the thread's id and the time, and what was printed."""
        result = run(self.k23, 'trace', '-ttt', '-q', '-o', 'trace.log', *options, '--', *program)
        expect(f'status of {program}', result.returncode, status)
        return self.lines_of('trace.log'), result

    def record(self, *program, options=(), status=0):
        """The same of a recording."""
        result = run(self.k23, 'record', '-o', 'recording', *options, '--', *program)
        expect(f'status of {program}', result.returncode, status)
        shown = run(self.k23, 'show', '-ttt', '-o', 'show.log', 'recording')
        expect('what is said of the recording', (shown.returncode, shown.stdout, shown.stderr), (0, '', ''))
        return self.lines_of('show.log'), result

    @staticmethod
    def lines_of(path):
        lines = []
        with open(path) as file:
            for line in file:
                match = re.fullmatch(r'(\d+) +(\d+\.\d{6}) (.*)\n', line)
                if match and re.match(r'<... \w+ resumed>', match[3]):
                    continue  # the begin of the call is a line before
                if not match:
                    raise Failed(f'no line of a trace: {line!r}')
                lines.append((int(match[1]), float(match[2]), match[3]))
        return lines


def names(lines):
    return collections.Counter(match[0] for match in (re.match(r'[\w:]+(?=\()', text) for _, _, text in lines)
                               if match)


# --- k23 stat

def case_stat_counts(t):
    _, calls, _ = t.stat(t.calls, 'calls', '1000')
    expect('getppid', calls['getppid']['calls'], 1000)
    expect('number', calls['getppid']['number'], os_number('getppid'))
    _, calls, _ = t.stat(t.calls, 'threads', '2500')
    expect('four threads', calls['getppid']['calls'], 10000)
    report, calls, _ = t.stat(t.calls, 'forks', '100')
    expect('100 children', calls['getppid']['calls'], 1000)
    report, calls, _ = t.stat(t.calls, 'execs', '20')
    expect('20 execs', (calls['getppid']['calls'], calls['execve']['calls'], calls['execve']['errors']), (21, 20, 0))
    expect('programs', (report['programs'], report['missed']), (21, 0))
    _, calls, _ = t.stat(t.calls, 'errors', '30')
    expect('errors', calls['close']['errors'], 30)
    if works_here(t.calls, 'i386'):
        _, calls, _ = t.stat(t.calls, 'i386')
        expect('i386', (calls['i386:close']['calls'], calls['i386:close']['errors']), (1, 1))


def os_number(name):
    text = run('cc', '-E', '-dM', '-xc', '-', input='#include <asm/unistd.h>\n').stdout
    return int(re.search(rf'__NR_{name} (\d+)', text)[1])


def case_stat_totals(t):
    report, calls, _ = t.stat(t.calls, 'arguments')
    for key in 'calls', 'errors':
        expect(f'total {key}', report[key], sum(row[key] for row in calls.values()))
    expect('exit_group', calls['exit_group']['calls'], 1)
    expect('a number without a name', calls['syscall_0x1f4']['errors'], 1)
    expect('no number', (calls['no such number']['number'], calls['no such number']['errors']), (None, 1))
    expect('program', report['program'], [t.calls, 'arguments'])


def case_stat_time(t):
    report, calls, _ = t.stat(t.calls, 'naps', '200')
    seconds = calls['nanosleep']['seconds']
    if not 0.2 <= seconds < 1:
        raise Failed(f'200 ms of sleep took {seconds} s')
    if not report['seconds'] <= report['elapsed'] * 1.01:
        raise Failed(f'one thread was in calls for {report["seconds"]} s of {report["elapsed"]} s')


def case_stat_quantiles(t):
    """p50, p99 and max of a nap whose length is known, and the histogram that they are read from."""
    report, calls, _ = t.stat(t.calls, 'naps', '200', options=('--histogram',))
    nap = calls['nanosleep']
    expect('order', nap['p50'] <= nap['p99'] <= nap['max'] <= nap['seconds'], True)
    expect('mean', abs(nap['mean'] * nap['calls'] - nap['seconds']) < 1e-9, True)
    if not 0.2 * 15 / 16 <= nap['p50'] < 1:
        raise Failed(f'a nap of 0.2 s took {nap["p50"]} s')
    for name, row in calls.items():
        expect(f'{name}: calls in the histogram', sum(b['calls'] for b in row['histogram']),
               row['calls'] - (name == 'exit_group'))
        expect(f'{name}: order', all(b['from'] < b['to'] for b in row['histogram']), True)
    expect('the longest', report['max'], max(row['max'] for row in calls.values()))
    text = run(t.k23, 'stat', '--histogram', '--', t.calls, 'calls', '100').stderr
    bars = re.search(r'\ngetppid\n((?: +[\d.]+ us +\d+ \|\**\n)+)', text)
    expect('bars', bars and sum(int(n) for n in re.findall(r'us +(\d+)', bars[1])), 100)


def case_stat_processes(t):
    """The calls of each process are those of the run, also if there is no shard or entry for each."""
    for arguments, processes, threads in (('calls', '5'), 1, 1), (('forks', '20'), 21, 21), (('threads', '100'), 1, 5), \
            (('execs', '5'), 1, 1):
        report, calls, _ = t.stat(t.calls, *arguments)
        rows = report['processes']
        expect(f'{arguments}: processes, threads', (len(rows), sum(row['threads'] for row in rows)), (processes, threads))
        for key in 'calls', 'errors':
            expect(f'{arguments}: {key}', sum(row[key] for row in rows), report[key])
        expect(f'{arguments}: seconds', abs(sum(row['seconds'] for row in rows) - report['seconds']) < 1e-6, True)
        expect(f'{arguments}: programs', {row['program'] for row in rows}, {t.calls})
        expect(f'{arguments}: parents', {row['parent'] for row in rows[1:]} <= {rows[0]['pid']}, True)
        for row in rows:
            expect(f'{arguments}: order', row['p50'] <= row['p99'] <= row['max'] and 0 <= row['start'] <= row['last'], True)
    # More threads at once than have shards of their own, and more processes than there are entries.
    program = 'import threading; a = [threading.Thread(target=lambda: [os.getppid() for _ in range(1000)]) for _ in range(64)]; ' \
        '[x.start() for x in a]; [x.join() for x in a]'
    report, calls, _ = t.stat(sys.executable, '-S', '-E', '-c', 'import os; ' + program)
    expect('64 threads', calls['getppid']['calls'], 64000)
    report, calls, _ = t.stat(t.calls, 'vforks', '5000')
    expect('5000 processes', (calls['getppid']['calls'], len(report['processes'])), (50000, 4096))
    text = run(t.k23, 'stat', '--processes', '--', t.calls, 'forks', '3').stderr
    expect('text', len(re.findall(rf'^ +\d+ +\d+ .* {re.escape(t.calls)}$', text, re.M)), 4)


def case_stat_interval(t):
    """What was counted in each interval adds up to the report, and lines come while the program runs."""
    report, calls, _ = t.stat('sh', '-c', f'for i in 1 2 3 4 5; do {t.calls} calls 100; sleep 0.1; done',
                              options=('--interval=0.1',))
    intervals = report['intervals']
    expect('intervals', len(intervals) >= 5 and intervals[0]['from'] == 0, True)
    for one, other in zip(intervals, intervals[1:]):
        expect('one after the other', one['to'], other['from'])
    for key in 'calls', 'errors':
        for name in 'getppid', 'openat', 'exit_group':
            expect(f'{name}: {key}', sum(row[key] for one in intervals for row in one['syscalls'] if row['name'] == name),
                   calls[name][key])
    command = subprocess.Popen([t.k23, 'stat', '--interval', '0.05', '-o', 'live', '--', 'cat'], stdin=subprocess.PIPE)

    def lines():
        if not os.path.exists('live'):
            return []
        with open('live') as file:
            return file.read().splitlines()
    expect('lines while it runs', harness.wait_until(lambda: len(lines()) > 3), True)
    command.stdin.close()
    expect('status', command.wait(timeout=20), 0)
    expect('heading', lines()[0].split()[:3], ['seconds', 'calls/s', 'errors/s'])
    for line in lines()[1:4]:
        expect(line, bool(re.match(r' +\d+\.\d{3} +\d+ +\d+ ', line)), True)
    for wrong in '0', 'x', '-1', '1s', '':
        result = run(t.k23, 'stat', f'--interval={wrong}', 'true')
        expect(f'--interval={wrong}', (result.returncode, len(result.stderr.splitlines())), (125, 1))


def case_stat_without_counter(t):
    """The hook reads the time stamp counter, and it stays forbidden to the program."""
    if not works_here(t.calls, 'without-counter', '10'):
        return  # it cannot be forbidden
    store = os.path.abspath('store')
    for options in ('--no-patch',), (f'--store={store}',), (f'--store={store}', '--eager'):
        _, calls, _ = t.stat(t.calls, 'without-counter', '100', options=options)
        expect(f'getppid {options}', calls['getppid']['calls'], 100)
        expect(f'learn {options}', run(t.k23, 'learn', f'--store={store}', '--', t.calls, 'calls').returncode, 0)


def case_stat_killed(t):
    report, calls, _ = t.stat(t.calls, 'killed', '5000', status=-signal.SIGKILL)
    expect('getppid', calls['getppid']['calls'], 5000)
    expect('kill', calls['kill']['calls'], 1)
    expect('signal', (report['signal'], report['exit_status']), (signal.SIGKILL, None))


def case_stat_orphan(t):
    report, calls, _ = t.stat(t.calls, 'orphan', '50', status=7)
    expect('getppid of the orphan', calls['getppid']['calls'], 50)
    expect('exit_status', report['exit_status'], 7)


def case_stat_sites(t):
    """Which way calls took, and why: before anything is known, after learning, and without patching."""
    store = os.path.abspath('store')

    def sites(*options):
        report, calls, _ = t.stat(t.calls, 'calls', '1000', options=(f'--store={store}', *options))
        mine = [s for s in report['sites'] if s['calls'] >= 1000]
        expect('sites with the calls', len(mine), 1)
        expect('sum', sum(s['calls'] for s in report['sites']), report['calls'])
        expect('fast', sum(s['fast'] for s in report['sites']), report['fast'])
        expect('file', os.path.basename(mine[0]['file']).startswith('libc'), True)
        return mine[0]

    site = sites('--no-learn')
    expect('unknown', (site['fast'], site['why']), (0, 'not learned yet'))
    site = sites()
    expect('first run', site['fast'], site['calls'] - 1)
    expect('learn', run(t.k23, 'learn', f'--store={store}', '--', t.calls, 'calls', '10').returncode, 0)
    site = sites()
    expect('learned', (site['fast'], site['why']), (site['calls'], None))
    site = sites('--no-patch')
    expect('not patched', (site['fast'], site['why']), (0, 'nothing is patched (--no-patch)'))
    table = run(t.k23, 'stat', '--sites', f'--store={store}', '--', t.calls, 'calls', '1000').stderr
    expect('table', f"{site['offset']:#x}" in table and '% fast' in table, True)


def case_first_run(t):
    """Of a program that was never run: its files are analysed before it starts, once, and that does not show."""
    store, program = os.path.abspath('store'), os.path.realpath(t.calls)
    native = run(t.calls, 'calls', '10')
    for script in False, True:
        if script:
            with open('script', 'w') as file:
                file.write(f'#!{t.calls} calls\n')
            os.chmod('script', 0o755)
        ran = run(t.k23, 'run', f'--store={store}', '--', *(['./script'] if script else [t.calls, 'calls', '10']))
        expect('run', (ran.returncode, ran.stderr), (native.returncode, native.stderr))
        known = {line.split(':')[0]: line for line in run(t.k23, 'sites', 'list', '--store', store).stdout.splitlines()}
        expect('executable', program in known, True)
        for name in 'libc.so', 'ld-linux':
            expect(name, any(os.path.basename(path).startswith(name) for path in known), True)
    changed = os.stat(store).st_mtime_ns
    # what was met is put into the store at the next start, and then there is nothing more
    for _ in range(2):
        run(t.k23, 'run', f'--store={store}', '--', t.calls, 'calls', '10')
        changed, before = os.stat(store).st_mtime_ns, changed
    expect('the store again', changed, before)
    ran = run(t.k23, 'run', '--store=other', '--no-learn', '--', t.calls, 'calls', '10')
    expect('no store', (ran.returncode, os.path.exists('other')), (0, False))


def case_large_program(t):
    """No program waits until a file is analysed for seconds, but `k23 learn` does it."""
    store, large = os.path.abspath('store'), os.path.abspath('large')
    entry = os.path.join(os.path.dirname(t.calls), '../entry')  # makes its calls itself
    shutil.copy(entry, large)
    os.truncate(large, 97 << 20)
    native = run(entry)
    for command, known in ('run', False), ('run', False), ('learn', True), ('run', True):
        ran = run(t.k23, command, f'--store={store}', '--', large)
        expect(command, (ran.returncode, ran.stdout), (native.returncode, native.stdout))
        files = run(t.k23, 'sites', 'list', '--store', store).stdout.splitlines()
        expect(f'{command}: the store has it', [line.split(':')[0] for line in files], [large] if known else [])


def case_stat_table(t):
    result = run(t.k23, 'stat', '--sort=calls', '--', t.calls, 'calls', '100')
    report, _, by_file = result.stderr.partition('\n\n')
    lines = report.splitlines()
    expect('by file', by_file.splitlines()[0].split(), ['%', 'fast', 'fast', 'guarded', 'file'])
    expect('heading', lines[0], '% time     seconds  usecs/call        p50        p99        max     calls    errors syscall')
    expect('most calls', lines[2].split()[-1], 'getppid')
    expect('last line', lines[-1].split()[0::5][0] + ' ' + lines[-1].split()[-1], '100.00 total')
    counts = [int(line.split()[6]) for line in lines[2:-2]]
    expect('order', counts, sorted(counts, reverse=True))
    expect('sum', int(lines[-1].split()[6]), sum(counts))
    for key in 'time', 'average', 'errors', 'p50', 'p99', 'max', 'name', 'number':
        expect(key, run(t.k23, 'stat', '-s', key, '--', t.calls, 'calls').returncode, 0)
    expect('wrong key', run(t.k23, 'stat', '-s', 'size', '--', t.calls).returncode, 125)


def case_status(t):
    for tool in 'stat', 'trace':
        for arguments, status in (('exit', '0'), 0), (('exit', '77'), 77), (('signal', '15'), -15), \
                (('signal', '6'), -6), (('signal', '35'), -35):
            result = run(t.k23, tool, '-o', '/dev/null', '--', t.calls, *arguments)
            expect(f'{tool} {arguments}', result.returncode, status)
        for program, status in ('/nonexistent', 127), ('nonexistent', 127), ('/', 126):
            result = run(t.k23, tool, '--', program)
            expect(f'{tool} {program}', (result.returncode, len(result.stderr.splitlines())), (status, 1))
        expect(f'{tool} alone', run(t.k23, tool).returncode, 125)
        expect(f'{tool} --wrong', run(t.k23, tool, '--wrong').returncode, 125)
        expect(f'{tool} -o', run(t.k23, tool, '-o', '/nonexistent/x', '--', t.calls).returncode, 125)
        expect(f'{tool} to a full disk', run(t.k23, tool, '-o', '/dev/full', '--', t.calls).returncode, 125)
        expect(f'{tool} --help', run(t.k23, tool, '--help').returncode, 0)


# --- k23 trace

ARGUMENTS = r'''
write(-1, "01234567890123456789012345678901"..., 40) = -1 EBADF (Bad file descriptor)
write(-1, "a\n\"\\\0011", 6)            = -1 EBADF (Bad file descriptor)
write(-1, 0x8, 6)                       = -1 EBADF (Bad file descriptor)
openat(AT_FDCWD, "/nonexistent/name/that is longer than strings are", O_RDONLY) = -1 ENOENT (No such file or directory)
openat(77, "x", O_WRONLY|O_CREAT, 0640) = -1 EBADF (Bad file descriptor)
open(0x10, O_RDONLY)                    = -1 EFAULT (Bad address)
open(NULL, O_RDONLY)                    = -1 EFAULT (Bad address)
readlink("/proc/self/ns", PTR, 64) = -1 EINVAL (Invalid argument)
chmod("/nonexistent", 000)              = -1 ENOENT (No such file or directory)
kill(0, 0)                              = 0
tgkill(-1, -1, SIGUSR1)                 = -1 EINVAL (Invalid argument)
tgkill(-1, -1, SIGRT_8)                 = -1 EINVAL (Invalid argument)
pipe2([3, 4], O_CLOEXEC)                = 0
write(4, "out", 3)                      = 3
read(3, "out", 64)                      = 3
lseek(-1, -5, SEEK_CUR)                 = -1 EBADF (Bad file descriptor)
getcwd(PTR, 1)               = -1 ERANGE (Numerical result out of range)
mmap(NULL, 0, PROT_NONE, MAP_FILE, -1, 0) = -1 EBADF (Bad file descriptor)
syscall_0x1f4(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)
syscall_0xffffffffffffffff(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)
umask(022)                              = 022
execve("/nonexistent", ["an", "argument"], PTR /* 2 vars */) = -1 ENOENT (No such file or directory)
exit_group(0)                           = ?
+++ exited with 0 +++
'''.strip().splitlines()


def case_trace_arguments(t):
    result = run(t.k23, 'trace', '-o', 'trace.log', '--', t.calls, 'arguments', env={'A': 'b', 'LC_ALL': 'C'})
    expect('status', result.returncode, 0)
    with open('trace.log') as file:
        texts = [re.sub(' += ', ' = ', line.split(None, 1)[1].rstrip('\n')) for line in file]
    for got, wanted in zip(texts[-len(ARGUMENTS):], ARGUMENTS):
        pattern = re.escape(re.sub(' += ', ' = ', wanted)).replace('PTR', '0x[0-9a-f]+')
        if not re.fullmatch(pattern, got):
            raise Failed(f'{got!r}, not {wanted!r}')


def case_trace_counts(t):
    for arguments, count in (('calls', '1000'), 1000), (('threads', '2500'), 10000), (('forks', '100'), 1000), \
            (('execs', '20'), 21):
        lines, result = t.trace(t.calls, *arguments)
        expect(arguments, (names(lines)['getppid'], result.stderr), (count, ''))
    execs = [text for _, _, text in lines if text.startswith('execve(')]
    expect('execs that succeed', [text.split(' = ')[1] for text in execs], ['0'] * 21)


def case_trace_killed(t):
    lines, _ = t.trace(t.calls, 'killed', '5000', status=-signal.SIGKILL)
    expect('getppid', names(lines)['getppid'], 5000)
    expect('kill', re.sub(r'\d+', 'N', lines[-2][2]).replace(' ', ''), 'kill(N,SIGKILL)=?')
    expect('end', lines[-1][2], '+++ killed by SIGKILL +++')


def case_trace_massacre(t):
    """Children that are killed while they record. Each one's calls must be whole, and the command must end."""
    lines, result = t.trace(t.calls, 'massacre', '300', options=('-e', 'open'))
    torn = [text for _, _, text in lines if 'record lost' in text]
    for _, _, text in lines:
        if not re.fullmatch(r'open\("/nonexistent/.*/name", 0(\) += (-1 ENOENT .*|\?)| <unfinished ...>)|'
                            r'\+\+\+ killed (by SIGKILL|while .*) \+\+\+|\+\+\+ exited .*|--- SIGCHLD .*', text):
            raise Failed(f'an unexpected line: {text!r}')
    expect('what is said of it', 'killed while they recorded' in result.stderr, bool(torn))


def case_trace_filter(t):
    lines, _ = t.trace(t.calls, 'calls', '5', options=('-e', 'getppid,exit_group'))
    expect('these', [text.split('(')[0] for _, _, text in lines[:-1]], ['getppid'] * 5 + ['exit_group'])
    lines, _ = t.trace(t.calls, 'calls', '5', options=('-e', 'trace=!getppid,mmap'))
    expect('not those', (names(lines)['getppid'], names(lines)['mmap'], names(lines)['exit_group']), (0, 0, 1))
    lines, _ = t.trace(t.calls, 'calls', '5', options=('-e', 'none'))
    expect('none', len(lines), 1)
    result = run(t.k23, 'trace', '-e', 'getppid,nonsense', '--', t.calls)
    expect('nonsense', (result.returncode, 'nonsense' in result.stderr), (125, True))


def case_trace_strings(t):
    lines, _ = t.trace(t.calls, 'arguments', options=('-s', '4', '-e', 'write'))
    expect('-s 4', lines[0][2].split(',')[1], ' "0123"...')
    lines, _ = t.trace(t.calls, 'arguments', options=('-s', '0', '-e', 'write'))
    expect('-s 0', lines[0][2].split(',')[1], ' ""...')
    lines, _ = t.trace(t.calls, 'arguments', options=('-s', '5000', '-e', 'write'))
    expect('-s 5000', lines[0][2].split(',')[1], ' "' + 4 * '0123456789' + '"')


def case_trace_nested(t):
    """However much a call's structures lead to, a record has a limit, and the call is shown."""
    lines, _ = t.trace(t.calls, 'nested', options=('-s', '5000', '-e', 'sendmmsg'))
    expect('calls', names(lines)['sendmmsg'], 1)
    expect('more than a megabyte of it', len(lines[0][2]) > 1 << 20, True)


def case_trace_block(t):
    lines, result = t.trace(t.calls, 'threads', '20000', options=('--buffer=64k', '--full=block', '-e', 'getppid'))
    expect('calls', (names(lines)['getppid'], result.stderr), (80000, ''))


def case_trace_drop(t):
    lines, result = t.trace(t.calls, 'threads', '100000', options=('--buffer=64k', '--full=drop', '-e', 'getppid'))
    with open('trace.log') as file:
        whole = len(re.findall(r'(?:getppid\(|<... getppid resumed>)\) += \d+\n', file.read()))
    match = re.search(r'dropped +(\d+) ', result.stderr)
    expect('calls that are there or counted', whole + int(match[1] if match else 0), 400000)


def case_trace_orphan(t):
    lines, _ = t.trace(t.calls, 'orphan', '50', status=7)
    texts = [text for _, _, text in lines]
    expect('getppid', names(lines)['getppid'], 50)
    expect('end of the program', texts.count('+++ exited with 7 +++'), 1)
    if texts.index('+++ exited with 7 +++') == len(texts) - 1:
        raise Failed('the orphan did not outlive the program')


def case_trace_times(t):
    lines, _ = t.trace(t.calls, 'naps', '200', options=('-T', '-e', 'nanosleep,exit_group'))
    slept = float(re.search(r'<([\d.]+)>', lines[0][2])[1])
    if not 0.2 <= slept < 1 or not 0.2 <= lines[1][1] - lines[0][1] < 1:
        raise Failed(f'200 ms of sleep took {slept} s, in lines {lines}')


def case_trace_strace(t):
    """The same calls as strace finds, as often."""
    harness.need_program('strace')
    for program in [t.calls, 'arguments'], ['sh', '-c', 'ls -l /usr/include/asm-generic | cat | wc -l; (exit 3); echo $?'], \
            [t.calls, 'execs', '5']:
        result = run('strace', '-f', '-qq', '-o', 'strace.log', '-e', 'signal=none', '--', *program)
        need(result.returncode == 0, 'strace does not work here')
        lines, _ = t.trace(*program)
        ours = names(lines)
        theirs = collections.Counter()
        with open('strace.log') as file:
            for line in file:
                match = re.match(r'\d+ +(\w+)\(', line)
                if match and not re.match(r'\d+ +<\.\.\.', line):
                    theirs[match[1]] += 1
        # The vDSO's calls are none for strace; a shell is interrupted by SIGCHLD once or twice.
        for name in 'clock_gettime', 'rt_sigreturn', 'wait4':
            ours.pop(name, None)
            theirs.pop(name, None)
        differing = {name: (ours[name], theirs[name]) for name in ours | theirs if ours[name] != theirs[name]}
        expect(f'calls of {program} that differ', differing, {})


# --- both

def case_drop_privileges(t):
    need(os.geteuid() == 0, 'only root can become somebody else')
    shutil.copy(t.calls, 'calls')
    program = os.path.abspath('calls')
    report, calls, result = t.stat(program, 'drop')
    expect('stat', (calls['getppid']['calls'], report['missed'], result.stderr), (5, 0, ''))
    lines, result = t.trace(program, 'drop')
    expect('trace', (names(lines)['getppid'], result.stderr), (5, ''))
    lines, result = t.record(program, 'drop')
    expect('record', (names(lines)['getppid'], result.stderr), (5, ''))


def recorded(t, what, *program, getppid, programs, status=0, options=()):
    """That all tools have all of it, and say nothing of anything missed."""
    report, calls, result = t.stat(*program, status=status, options=options)
    expect(f'{what}: stat', (calls['getppid']['calls'], report['programs'], report['missed'], result.stderr),
           (getppid, programs, 0, ''))
    lines, result = t.trace(*program, status=status, options=options)
    expect(f'{what}: trace', (names(lines)['getppid'], result.stderr), (getppid, ''))
    lines, result = t.record(*program, status=status, options=options)
    expect(f'{what}: record', (names(lines)['getppid'], result.stderr), (getppid, ''))


def need_run_memory(t):
    result = run(t.k23, 'trace', '-e', 'none', '-o', '/dev/null', '--', 'cat', '/proc/self/maps')
    need('/memfd:k23 ' in result.stdout, 'the memory can only be a System V segment here')


def case_namespaces(t):
    """In whatever namespace: none of the kernel's names for memory or processes is the same there."""
    need_run_memory(t)
    need(run('unshare', '-U', '-i', '-p', '-f', 'true').returncode == 0, 'no namespaces can be made here')
    some = ('unshare', '-i'), ('unshare', '-i', '-p', '-f'), ('unshare', '-U', '-i', '-p', '-n', '-m', '-f'), \
        ('unshare', '-i', '-p', '-f', '--mount-proc')
    for command in some:
        need(run(*command, 'true').returncode == 0, f'{command} does not work here')
        recorded(t, command, *command, t.calls, 'execs', '3', getppid=4, programs=5)
    nested = 'unshare', '-i', '-p', '-f', 'unshare', '-i', '-p', '-f'
    recorded(t, nested, *nested, t.calls, 'forks', '3', getppid=30, programs=3)


def case_bwrap(t):
    need_run_memory(t)
    harness.need_program('bwrap')
    command = 'bwrap', '--unshare-all', '--ro-bind', '/', '/', '--dev', '/dev'
    need(run(*command, 'true').returncode == 0, 'bwrap does not work here')
    _, calls, result = t.stat(*command, t.calls, 'execs', '3')
    expect('stat', (calls['getppid']['calls'], result.stderr), (4, ''))
    for tool in t.trace, t.record:
        lines, result = tool(*command, t.calls, 'execs', '3')
        expect(tool.__name__, (names(lines)['getppid'], result.stderr), (4, ''))


def case_kept(t):
    """Whatever else a program does before an execve, it is still recorded after it, and sees no descriptor."""
    need_run_memory(t)
    python = sys.executable, '-S', '-E', '-c'
    descriptors = 'import os; os.closerange(3, 1000); print(os.listdir("/proc/self/fd"))'
    for tool in 'stat', 'trace':
        result = run(t.k23, tool, '-o', '/dev/null', '--', *python, descriptors)
        expect(f'{tool}: descriptors', result.stdout, run(*python, descriptors).stdout)
    script = 'import os, resource, sys; os.closerange(3, 1000); {} os.execv(sys.argv[1], sys.argv[1:])'
    recorded(t, 'closed', *python, script.format(''), t.calls, 'execs', '2', getppid=3, programs=4)
    unmap = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for line in open('/proc/self/maps'):
    if '/memfd:k23 ' in line:
        start, end = (int(word, 16) for word in line.split()[0].split('-'))
        for call in libc.munmap, libc.mprotect:
            if call(ctypes.c_void_p(start), ctypes.c_size_t(end - start), 0) != -1:
                sys.exit(3)
"""
    recorded(t, 'unmapped', *python, f'import os, sys{unmap}os.execv(sys.argv[1], sys.argv[1:])', t.calls, 'execs', '2', getppid=3,
             programs=4)
    soft = 'resource.setrlimit(resource.RLIMIT_NOFILE, (4, 16));'
    recorded(t, 'a soft limit', *python, script.format(soft), t.calls, 'execs', '2', getppid=3, programs=4)
    if os.geteuid() == 0:
        recorded(t, 'another user', *python, script.format('os.setuid(65534);'), shutil.copy(t.calls, '/tmp/k23-calls'), 'execs',
                 '2', getppid=3, programs=4)
        os.unlink('/tmp/k23-calls')
        # A program without the C library, in a directory without anything else.
        os.mkdir('root')
        shutil.copy(f'{os.path.dirname(t.calls)}/../entry', 'root')
        _, calls, result = t.stat('chroot', 'root', '/entry', status=7)
        expect('chroot', (result.stderr, calls['execve']['calls']), ('', 1))
        expect('chroot', json.load(open('stat.json'))['missed'], 0)


def case_many(t):
    """Many processes at once ask for the memory, some of which are killed meanwhile."""
    report, _, result = t.stat('sh', '-c', 'for i in $(seq 100); do /bin/true & done; wait')
    expect('at once', (report['programs'], report['missed'], result.stderr), (102, 0, ''))
    # In a PID namespace the keeper has to look for them, where others have the same ids outside at nearly the same time.
    if run('unshare', '-p', '-f', 'true').returncode == 0:
        script = '{ echo $(($1 + 60)) >/proc/sys/kernel/ns_last_pid; } 2>&-; for i in $(seq 400); do /bin/true & done; wait'
        for _ in range(2):
            newest = run('sh', '-c', 'echo $$').stdout.strip()
            report, _, result = t.stat('unshare', '-p', '-f', 'sh', '-c', script, 'sh', newest)
            expect('in a namespace', (report['missed'], result.stderr), (0, ''))
    killed = 'for i in $(seq 20); do /bin/true & kill -9 $!; done; wait; exec "$@"'
    report, calls, _ = t.stat('sh', '-c', killed, 'sh', t.calls, 'execs', '5')
    expect('after kills', calls['getppid']['calls'], 7)  # with the shell's own


def case_collectors_nested(t):
    """One collector in another: each has its own memory, and its own hook."""
    report, calls, result = t.stat(t.k23, 'trace', '-q', '-o', 'inner', '-e', 'getppid', '--', t.calls, 'execs', '3')
    with open('inner') as file:
        inner = file.read().count('getppid(')
    expect('both', (calls['getppid']['calls'] - inner in (0, 1), inner, result.stderr), (True, 4, ''))


def case_segment(t):
    """Where the memory is a System V segment, who cannot attach it says so."""
    need(run('unshare', '--ipc', 'true').returncode == 0, 'no IPC namespace can be made here')
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from denied import deny

    for tool in 'stat', 'trace':
        result = run(t.k23, tool, '-o', 'out', '--', 'unshare', '--ipc', t.calls, 'exit', '9', preexec_fn=deny('pidfd_getfd'))
        expect(f'{tool}: status', result.returncode, 9)
        with open('out') as file:
            said = result.stderr + file.read()
        if 'by a System V segment' not in said or not re.search('^(k23: )?  missed +1 ', said, re.M):
            raise Failed(f'{tool} does not say what it missed: {said!r}')


def case_traced(t):
    """An execve of a tracee under k23, and one that nobody may trace."""
    harness.need_program('strace')
    recorded(t, 'strace', 'strace', '-f', '-o', '/dev/null', t.calls, 'execs', '3', getppid=4, programs=5)


def case_traceme(t):
    """Who asks to be traced by its parent goes on: the collector is no tracer."""
    for mode in (), ('--no-patch',), ('--eager',):
        lines, _ = t.trace(t.calls, 'traceme', '5', options=('--no-learn', *mode), status=7)
        expect(f'calls, {mode}', (names(lines)['getppid'], names(lines)['ptrace']), (10, 2))
        _, calls, _ = t.stat(t.calls, 'traceme', '5', options=mode, status=7)
        expect(f'counts, {mode}', calls['getppid']['calls'], 10)
    expect('learn', run(t.k23, 'learn', '--', t.calls, 'traceme', '5').returncode, 7)


def case_small_stack(t):
    """The command needs no larger stack than what it starts."""
    environment = {'K23_STORE': os.environ.get('K23_STORE', os.path.abspath('store'))}
    for words in (['run'], ['run', '--hook', 'null'], ['run', '--hook', 'memfs:at=/nowhere'], ['trace', '-o', '/dev/null'],
                  ['stat', '-o', '/dev/null'], ['record', '-o', 'recording'], ['learn']):
        for _ in range(3):
            result = run('sh', '-c', 'ulimit -s 20; "$@"; s=$?; ulimit -s; exit $s', 'sh', t.k23, *words, '--',
                         t.calls, 'calls', '5', env=environment)
            expect(f'{words}: {result.stderr}', (result.returncode, result.stdout), (0, '20\n'))


def mappings(pid):
    """The memory that a process of k23's shares with others."""
    try:
        with open(f'/proc/{pid}/maps') as file:
            return {line.split()[4] for line in file if '/memfd:k23 ' in line or '/SYSV' in line}
    except OSError:
        return set()


def case_collector_killed(t):
    """The program goes on without it, and nothing stays behind."""
    for tool, options in ('stat', []), ('trace', ['--buffer=64k']):
        command = subprocess.Popen([t.k23, tool, *options, '-o', '/dev/null', '--', 'sh', '-c',
                                    f'echo >{tool}.began; sleep 0.5; {t.calls} threads 5000; echo done > {tool}.done'],
                                   stderr=subprocess.PIPE)
        harness.wait_until(lambda began=f'{tool}.began': os.path.exists(began))
        made = mappings(command.pid)
        expect(f'memory that k23 {tool} shares', len(made), 1)
        command.kill()
        command.wait()
        for _ in range(200):
            if os.path.exists(f'{tool}.done') and os.path.getsize(f'{tool}.done'):
                break
            time.sleep(0.05)
        else:
            raise Failed(f'the program did not get on without k23 {tool}')
        expect('what is said of it', command.stderr.read(), b'')
        time.sleep(0.2)
        left = [pid for pid in os.listdir('/proc') if pid.isdigit() and mappings(pid) & made]
        expect('memory that is still there', left, [])


def case_signals(t):
    """Those sent to the command reach the program."""
    for tool in 'stat', 'trace':
        for sig in signal.SIGTERM, signal.SIGHUP, signal.SIGINT:
            command = subprocess.Popen([t.k23, tool, '-o', '/dev/null', '--', 'sleep', '20'])
            time.sleep(0.3)
            command.send_signal(sig)
            expect(f'{tool} and {sig!r}', command.wait(timeout=5), -sig)


def case_foreground(t):
    """What a terminal sends to both is the program's to answer."""
    for tool in 'stat', 'trace':
        command = subprocess.Popen([t.k23, tool, '-o', 'out', '--', 'sh', '-c',
                                    'trap "echo caught; exit 5" INT; while :; do sleep 0.1; done'],
                                   stdout=subprocess.PIPE, text=True, start_new_session=True)
        time.sleep(0.4)
        os.killpg(command.pid, signal.SIGINT)
        out, _ = command.communicate(timeout=5)
        # killpg is no terminal: the command passes it on as well, so the shell may see it twice.
        expect(tool, (out.splitlines()[0], command.returncode), ('caught', 5))


def case_closed_streams(t):
    for tool in 'stat', 'trace':
        command = f'"{t.k23}" {tool} -o out -- "{t.calls}" exit 6 0<&- 1>&- 2>&-'
        expect(f'{tool} without streams', run('sh', '-c', command).returncode, 6)
        command = f'"{t.k23}" {tool} -- "{t.calls}" exit 6 0<&- 1>&- 2>&-'
        expect(f'{tool} to no stderr', run('sh', '-c', command).returncode, 6)


def case_wrong_options(t):
    """One line that says what is wrong and where to look, and 125."""
    for command in ('run', '--bogus', 'true'), ('run', '--hook'), ('run', '--store=', 'true'), ('run',), ('stat', '-x', 'true'), \
            ('trace', '--string'), ('learn', '--foreign=x', 'true'), ('analyze', '--store'), ('sites', '-q'), ('doctor', 'x'), \
            ('cc', 'x.c'), ('bogus',):
        result = run(t.k23, *command)
        lines = result.stderr.splitlines()
        expect(command, (result.returncode, len(lines), lines[0].startswith('k23: '), '--help' in lines[0], result.stdout),
               (125, 1, True, True, ''))
    for command in ('--help',), ('--version',), ('doctor',), ('run', '--help'), ('sites', 'list', '--store=none'):
        with open('/dev/full', 'w') as full:
            result = subprocess.run([t.k23, *command], stdout=full, stderr=subprocess.PIPE, text=True)
        wanted = 0 if command[0] == 'sites' else 125  # which has nothing to say
        expect(f'{command} to a full disk', (result.returncode, len(result.stderr.splitlines())), (wanted, int(wanted != 0)))


def main():
    k23, calls = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], Commands(k23, calls)))


main()
