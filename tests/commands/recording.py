#!/usr/bin/python3
"""k23 record and k23 show: what is kept, whatever happens to writers and to the file. usage: recording.py K23 CALLS CASE"""
import collections
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, expect, need, run
from whole import whole

HEADER, CHUNK = 4096, 8192


class Recordings:
    def __init__(self, k23, calls):
        self.k23, self.calls = k23, calls

    def record(self, *program, options=(), status=0):
        result = run(self.k23, 'record', '-o', 'recording', *options, '--', *program)
        expect(f'status of {program}', (result.returncode, result.stderr), (status, ''))
        return result

    def show(self, *options, file='recording', status=0):
        """The lines, and what is said of the recording."""
        result = run(self.k23, 'show', '-o', 'log', *options, file)
        expect('status of show', (result.returncode, result.stdout), (status, ''))
        with open('log', errors='replace') as log:
            return log.read().splitlines(), result.stderr


def numbers(lines):
    """Of fchown(-1, THREAD, NUMBER) = -1: the numbers of each thread."""
    threads = collections.defaultdict(list)
    for line in lines:
        match = re.fullmatch(r'\d+ +fchown\(-1, (\d+), (\d+)\) += -1 EBADF \(Bad file descriptor\)', line)
        if match:
            threads[int(match[1])].append(int(match[2]))
    return threads


def put_together(lines):
    """With calls that were interrupted by other lines in one line again."""
    return [f'{tid:5} {re.sub(" += ", " = ", rest)}' for tid, rest in whole(lines)]


def transfers(name):
    """The lines of a log that are of reads and writes, and what belongs to them."""
    with open(name, errors='replace') as log:
        lines = [re.sub(r'^[0-9]+ +', '', line) for line in log.read().splitlines()]
    return [re.sub(r'getppid\(\).*', 'getppid()', line) for line in lines
            if re.match(r'(read|p?write(64)?|sendto|getppid)\(| \| ', line)]


def case_complete(t):
    """While the ring has room nothing is lost, and each thread's calls are in order."""
    t.record(t.calls, 'numbered', '3000')
    lines, said = t.show()
    expect('what is said', said, '')
    expect('numbers', dict(numbers(put_together(lines))), {thread: list(range(3000)) for thread in range(4)})


def case_bytes(t):
    """Lines are those of `k23 trace`, whatever of its arguments a call has in the record."""
    for options in ((), ('-s', '60'), ('-e', 'read=all')):
        traced = run(t.k23, 'trace', '-q', '-o', 'trace', *options, '--', t.calls, 'bytes', '600')
        expect('status of the trace', (traced.returncode, traced.stderr), (0, ''))
        t.record(t.calls, 'bytes', '600', options=options)
        t.show(*options)
        traced, recorded = (transfers(name) for name in ('trace', 'log'))
        if len(traced) < 4000:
            raise Failed(f'{len(traced)} lines')
        expect(f'lines with {options}', [pair for pair in zip(recorded, traced) if pair[0] != pair[1]], [])
        expect(f'lines with {options}', len(recorded), len(traced))


def case_order(t):
    """What one process causes in another comes behind it."""
    t.record('sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i | cat; done')
    lines, _ = t.show('-e', 'execve,write,wait4,exit_group')
    events = [line.split()[1] for line in put_together(lines)]
    expect('writes', sum('write(1' in event for event in events), 20)
    ends = {line.split()[0]: n for n, line in enumerate(lines) if 'exit_group' in line}
    for n, line in enumerate(lines):
        match = re.search(r'SIGCHLD.*si_pid=(\d+)', line)
        if match and ends[match[1]] > n:
            raise Failed(f'the end of {match[1]} comes behind the SIGCHLD of it')


def case_overwritten(t):
    """The last calls are there, the first ones are not, and how many that are is said."""
    t.record(t.calls, 'numbered', '20000', options=('--ring=1M',))
    lines, said = t.show()
    match = re.fullmatch(r'k23: (\d+) events before these were overwritten: the ring has 1 MB \(k23 record --ring\)\n', said)
    if not match:
        raise Failed(f'it says {said!r}')
    total = 0
    for thread, seen in numbers(put_together(lines)).items():
        total += len(seen)
        if seen and seen != list(range(seen[0], seen[-1] + 1)):
            raise Failed(f'calls of thread {thread} are missing in the middle')
    seen = numbers(put_together(lines))
    if not any(thread and thread[-1] == 19999 for thread in seen.values()) or total < 1000:
        raise Failed(f'{total} calls are left: {[(n, s[:1], s[-1:]) for n, s in seen.items()]}')
    # Two events are a call. There are a few more, of the program's begin.
    if not 160000 - 2 * total - 200 <= int(match[1]) <= 160000 - 2 * total + 400:
        raise Failed(f'{match[1]} events were overwritten, and {total} calls of 80000 are left')


def case_idle(t):
    """The call that a thread is in is kept, however much others do meanwhile."""
    t.record('sh', '-c', f'sleep 1000 & sleep 1; {t.calls} numbered 20000; kill -9 $!; wait', options=('--ring=1M',))
    lines, said = t.show()
    if 'overwritten' not in said:
        raise Failed('nothing was overwritten')
    asleep = [line for line in put_together(lines) if 'clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=1000' in line]
    expect('the sleep', len(asleep), 1)


def case_killed(t):
    """Everything is killed at once, k23 too: what was recorded is there."""
    with subprocess.Popen([t.k23, 'record', '-o', 'recording', '--ring=4M', '--', t.calls, 'numbered-forever'],
                          process_group=0, stdout=subprocess.PIPE) as command:
        command.stdout.readline()
        time.sleep(0.3)
        os.killpg(command.pid, signal.SIGKILL)
    lines, said = t.show()
    if 'k23: the recording has no end: k23 is still recording, or was killed\n' not in said:
        raise Failed(f'it says {said!r}')
    seen = numbers(put_together(lines))
    expect('threads', sorted(seen), [0, 1, 2, 3])
    for thread, numbers_ in seen.items():
        expect(f'thread {thread}', numbers_, list(range(numbers_[0], numbers_[0] + len(numbers_))))
    if any('+++' in line for line in lines):
        raise Failed('it says how processes ended, which nobody knows')


def case_alone(t):
    """k23 is killed, and the program goes on, and is recorded on."""
    with subprocess.Popen([t.k23, 'record', '-o', 'recording', '--', 'sh', '-c',
                           'echo begun; read -r line; echo $line; ulimit -c; kill -9 $$'], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as command:
        command.stdout.readline()
        command.kill()
        command.wait()
        command.stdin.write(b'more\n')
        command.stdin.flush()
        command.stdout.readline()
        command.stdout.read()
    lines, _ = t.show('-e', 'write,kill')
    expect('writes', [line.split(None, 1)[1].split('(')[0] for line in lines], ['write', 'write', 'write', 'kill'])


def case_reading(t):
    """It can be shown while it is being made; and a new recording of that name disturbs neither."""
    with subprocess.Popen([t.k23, 'record', '-o', 'recording', '--ring=1M', '--', t.calls, 'numbered-forever'],
                          stdout=subprocess.PIPE) as command:
        try:
            command.stdout.readline()
            for _ in range(10):
                lines, said = t.show()
                # Who reads slowly may find all of it overwritten.
                if 'damaged' in said or (len(lines) < 20 and 'overwritten' not in said):
                    raise Failed(f'{len(lines)} lines, and it says {said!r}')
            os.link('recording', 'first')
            t.record(t.calls, 'numbered', '10')
            time.sleep(0.1)
        finally:
            command.terminate()
        expect('status', command.wait(), -signal.SIGTERM)
    t.show(file='first')
    lines, _ = t.show()
    expect('the second one', dict(numbers(put_together(lines))), {thread: list(range(10)) for thread in range(4)})


def recorded(t):
    t.record(t.calls, 'numbered', '500', options=('--ring=1M',))
    lines, said = t.show()
    with open('recording', 'rb') as file:
        data = file.read()
    return data, lines


def is_true(lines, true):
    """Whether each line is one of the undamaged recording, or one of these of which the end is not known."""
    for line in put_together(lines):
        unknown = re.fullmatch(r'(.*?)( <unfinished \.\.\.>\))? = \?( \(result not recorded\))?', line)
        if unknown and any(known.startswith(unknown[1]) for known in true):
            continue
        if line not in true and not re.search(r'\+\+\+ (exited|killed)', line):
            raise Failed(f'{line!r} did not happen')


def case_cut(t):
    """Of a file that was cut there is what is whole, and it says what is missing."""
    data, lines = recorded(t)
    true = set(put_together(lines))
    for size in [len(data) - 1, len(data) - 5 * CHUNK, len(data) // 2, len(data) // 4, HEADER + 10 * CHUNK + 77]:
        with open('cut', 'wb') as file:
            file.write(data[:size])
        left, said = t.show(file='cut', status=1)
        is_true(left, true)
        if not re.search(r'k23: the file is cut short: \d+ KB of \d+ are missing\n', said):
            raise Failed(f'{size} of {len(data)}: it says {said!r}')
    for size in 0, 1, HEADER, HEADER + 100:
        with open('cut', 'wb') as file:
            file.write(data[:size])
        result = run(t.k23, 'show', 'cut')
        expect(f'{size} bytes', (result.returncode, result.stdout, result.stderr),
               (125, '', 'k23: cannot show cut: it is no recording of k23\n'))


def case_damaged(t):
    """Whatever is changed in a file, no line is shown that was not there, and damage to what was recorded is said."""
    data, lines = recorded(t)
    true = set(put_together(lines))
    chance = random.Random(1)
    begin = data.index(b'command:')
    begin = (begin // CHUNK + 2) * CHUNK + HEADER
    used = [at for at in range(begin, len(data)) if data[at]]
    for count in [1] * 30 + [10, 100, 1000]:
        damaged = bytearray(data)
        for at in chance.sample(used, count):
            damaged[at] ^= 1 << chance.randrange(8)
        with open('damaged', 'wb') as file:
            file.write(damaged)
        result = run(t.k23, 'show', '-o', 'log', 'damaged')
        with open('log', errors='replace') as log:
            left = log.read().splitlines()
        is_true(left, true)
        if result.returncode not in (0, 1) or (result.returncode == 1) != ('damaged' in result.stderr):
            raise Failed(f'status {result.returncode}, and it says {result.stderr!r}')
        if count >= 10 and not re.search(r'k23: the file is damaged: what was in \d+ bytes, in \d+ places, is missing', result.stderr):
            raise Failed(f'{count} changes: it says {result.stderr!r}')


def case_info(t):
    """Who recorded what, when and where."""
    t.record('sh', '-c', "echo 'a  b'")
    text = run(t.k23, 'show', '--info', 'recording').stdout
    for line in rf'version: {run(t.k23, "--version").stdout.strip()}', r'begin: \d{4}-\d\d-\d\dT.*', rf'machine: {os.uname().nodename}, Linux .*', \
            r'processor: \d+ x .*', r'clock: .*', r'calls: all', rf'directory: {os.getcwd()}', r"command: sh -c 'echo '\\''a  b'\\'''", \
            r'ring: 64 MB', r'overwritten: 0 events', r'ended: yes':
        if not re.search(rf'^{line}$', text, re.M):
            raise Failed(f'no line {line!r} in {text}')


def case_times(t):
    """Times are those of the recording, not of the command that shows it."""
    before = time.time()
    t.record('sleep', '0.25')
    after = time.time()
    time.sleep(0.5)
    lines, _ = t.show('-ttt', '-T', '-e', 'clock_nanosleep,exit_group')
    sleep = next(re.fullmatch(r'\d+ +(\d+\.\d+) clock_nanosleep.* <(\d+\.\d+)>', line) for line in lines if 'clock_nanosleep' in line)
    end = float(next(line.split()[1] for line in lines if 'exit_group' in line))
    if not before - 0.01 <= float(sleep[1]) <= end <= after + 0.01 or not 0.249 < float(sleep[2]) <= after - before:
        raise Failed(f'from {before} to {after}: {lines}')


def case_selection(t):
    """What is recorded, and what is shown of it."""
    with open('data', 'w') as file:
        file.write('x' * 100)
    t.record('cat', 'data', options=('-e', 'trace=read,openat,write', '-s', '50', '-y'))
    lines, _ = t.show('-s', '20', '-y', '-e', 'read')
    shown = [line for line in lines if 'data' in line]
    lines, _ = t.show('-s', '40', '-P', 'data')
    for what in shown[0], lines[-3]:
        if 'x' * 20 not in what:
            raise Failed(f'{shown} {lines}')
    lines, _ = t.show()
    expect('calls', {line.split()[1].split('(')[0] for line in lines} - {'+++'}, {'execve', 'read', 'openat', 'write'} - {'execve'} | (
        {'execve'} if any('execve' in line for line in lines) else set()))
    table = run(t.k23, 'show', '-c', 'recording').stdout
    if not re.search(r'\bread$', table, re.M):
        raise Failed(f'no table: {table}')


def case_wrong(t):
    """Files and options that are none."""
    for command, says in (
            (['record', '--', 'true'], "-o FILE is to be given"),
            (['record', '-o', '/dev/null', '--', 'true'], 'it exists, and is no regular file'),
            (['record', '-o', '/nowhere/file', '--', 'true'], 'cannot write /nowhere/file'),
            (['record', '-o', 'x', '--ring=1', '--', 'true'], '--ring takes a number from'),
            (['record', '-o', 'x', '-e', 'status=failed', '--', 'true'], '-e status=failed is for `k23 show`'),
            (['show', '/nowhere'], 'cannot show /nowhere: No such file'),
            (['show', sys.executable], 'it is no recording of k23'),
            (['show', 'x', 'y'], 'one file is to be given'), (['show'], 'no file is given')):
        result = run(t.k23, *command)
        if result.returncode != 125 or says not in result.stderr:
            raise Failed(f'{command}: {result.returncode}, {result.stderr!r}')
    if os.path.exists('x') or not os.path.exists('/dev/null'):
        raise Failed('a file was made, or is gone')
    result = run('sh', '-c', f'ulimit -f 1000; {t.k23} record -o big -- true')
    expect('a limit', (result.returncode, result.stderr), (125, 'k23: cannot write big with 64 MB: File too large\n'))
    expect('files', os.listdir('.'), [])


def main():
    k23, calls = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], Recordings(k23, calls)))


main()
