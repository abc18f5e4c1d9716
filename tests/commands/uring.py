#!/usr/bin/python3
"""The operations of io_urings that `k23 trace` shows. usage: uring.py K23 PROGRAM CASE

The program prints what it submits, and the completions that it takes, as lines of the trace."""
import collections
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, expect, need, run, works_here

LAYOUTS = 'plain', 'submit-all', 'sqe128', 'cqe32', 'no-array', 'no-mmap', 'no-descriptor', 'duplicated', 'registered', \
    'inherited', 'i386'
NEWER = LAYOUTS[2:]  # which an older kernel may not have


class Urings:
    def __init__(self, k23, program):
        self.k23, self.program = k23, program

    def trace(self, *words, options=()):
        """What is printed by the program and by the trace, and the gaps; None if this cannot be done here."""
        result = run(self.k23, 'trace', '-f', '-o', 'trace', *options, self.program, *words)
        if result.returncode == 77:
            return None
        expect(f'{words}: status ({result.stderr})', result.returncode, 0)
        with open('trace') as file:
            lines = [line[1:] for line in file.read().splitlines() if line.startswith((' sqe ', ' cqe '))]
        gaps = dict(re.findall(r'^k23:   (\S+) +(\d+)', result.stderr, re.M))
        expect('a verdict', bool(gaps), 'complete' not in result.stderr or 'incomplete' in result.stderr)
        return result.stdout.splitlines(), lines, {name: int(count) for name, count in gaps.items()}

    def needed(self, *words, **more):
        found = self.trace(*words, **more)
        need(found, 'there is no io_uring here, or it is another')
        return found


def operations(lines):
    return [line for line in lines if line.startswith('sqe ')]


def unseen(lines):
    return sum(int(number) for number in re.findall(r'^sqe \? /\* (\d+) not seen', '\n'.join(lines), re.M))


def user_data(lines, what):
    return [int(number, 16) for number in re.findall(rf'^{what} {{.*user_data=(\w+)', '\n'.join(lines), re.M)]


def case_kinds(t):
    wanted, got, gaps = t.needed('kinds')
    expect('operations', operations(got), wanted)
    expect('gaps', gaps, {})


def case_layouts(t):
    """Wherever the rings are, and whatever stands for them."""
    for layout in LAYOUTS:
        if layout == 'i386' and not works_here(t.program, 'layout', layout):
            continue
        found = t.trace('layout', layout)
        if not found and layout in NEWER:
            continue
        need(found, 'there is no io_uring here')
        wanted, got, gaps = found
        expect(layout, got, wanted)
        expect(f'{layout}: gaps', gaps, {})


def case_partial(t):
    """Of those that a call is to submit the kernel takes some."""
    for way in 'gap', 'wrong':
        wanted, got, gaps = t.needed(way)
        expect(way, operations(got), wanted)
        expect(f'{way}: gaps', gaps, {})


def case_many(t):
    """None is missing, and none is there twice, whoever submits them at the same time."""
    for rings, threads, count in (1, 1, 3000), (4, 4, 1000), (1, 8, 500):
        _, got, gaps = t.needed('many', str(rings), str(threads), str(count))
        found = collections.Counter(user_data(got, 'sqe'))
        wanted = collections.Counter((thread + 1) << 32 | i for thread in range(threads) for i in range(count))
        if found != wanted:
            raise Failed(f'{threads} threads: missing {wanted - found}, or too many {found - wanted}')
        completions = collections.Counter(user_data(got, 'cqe'))
        expect('completions', (completions - wanted, len(completions) > 0), (collections.Counter(), True))
        expect('gaps', gaps, {})
        if rings == threads:
            expect('by others', any('another thread' in line for line in got), False)


def case_kept(t):
    """More of them than are noted at a time."""
    wanted, got, gaps = t.needed('keep', '300')
    expect('operations', got, wanted)
    expect('gaps', gaps, {})


def case_unknown(t):
    for way in 'received', 'executed', 'unmapped', 'replaced':
        _, got, gaps = t.needed('unknown', way)
        expect(way, (len(user_data(got, 'sqe')), unseen(got), gaps), (0, 3, {'io_uring-entries': 3}))


def case_disturbed(t):
    """Two processes submit to one io_uring. What is shown was submitted, and the rest is counted."""
    count = 300
    _, got, gaps = t.needed('disturbed', str(count))
    shown = user_data(got, 'sqe')
    expect('shown once', len(set(shown)), len(shown))
    expect('that there are', set(shown) <= set(range(1, 2 * count + 1)), True)
    expect('all', len(shown) + unseen(got), 2 * count)
    expect('gaps', gaps.get('io_uring-entries', 0), unseen(got))


def case_selection(t):
    """Operations are shown with io_uring_enter; without, they are a gap."""
    wanted, got, gaps = t.needed('layout', 'plain', options=('-e', 'trace=io_uring_enter'))
    expect('io_uring_enter', (got, gaps), (wanted, {}))
    wanted, got, gaps = t.needed('layout', 'plain', options=('-e', 'trace=!io_uring_enter'))
    expect('others', (got, gaps), ([], {'io_uring-entries': 3}))
    with open('file', 'w'):
        path = os.path.abspath('file')
    _, got, _ = t.needed('kinds', options=('-y',))
    expect('-y', f'sqe {{opcode=IORING_OP_READ, fd=3<{path}>, addr=' in '\n'.join(got), True)
    expect('-y of an index', 'flags=IOSQE_FIXED_FILE|IOSQE_BUFFER_SELECT, fd=900,' in '\n'.join(got), True)


def json_calls(t, *words):
    result = run(t.k23, 'trace', '-f', '-q', '--format=json', '-o', 'lines', t.program, *words)
    need(result.returncode != 77, 'there is no io_uring here')
    with open('lines') as file:
        events = [json.loads(line) for line in file]
    return [event for event in events if event['type'] == 'call' and event['syscall'] == 'io_uring_enter']


def case_json(t):
    first, second = json_calls(t, 'layout', 'plain')
    opcode = {'value': 0, 'name': 'IORING_OP_NOP'}
    expect('first', (first['operations'], first['completions']), ([{'opcode': opcode, 'user_data': 1}],
                                                                 [{'user_data': 1, 'res': 0}]))
    expect('second', [operation['user_data'] for operation in second['operations']], [2, 3])
    call, = json_calls(t, 'kinds')
    by_name = {operation['opcode']['name']: operation for operation in call['operations']
               if isinstance(operation['opcode'], dict)}
    opened = by_name['IORING_OP_OPENAT']
    expect('openat', (opened['fd'], opened['addr'], opened['open_flags']['flags'], opened['len']),
           ({'value': -100, 'name': 'AT_FDCWD'}, 'nowhere/file', ['O_WRONLY', 'O_CREAT', 'O_CLOEXEC'],
            {'value': 0o640, 'text': '0640'}))
    expect('connect', by_name['IORING_OP_CONNECT']['addr']['sin_addr'], '127.0.0.1')
    expect('a path', by_name['IORING_OP_RENAMEAT']['addr2'], 'there')
    expect('none is shared', any('operations_shared' in call for call in (first, second, call)), False)
    for call in json_calls(t, 'unknown', 'executed'):
        expect('unknown', (call['operations'], call['operations_unseen']),
               ([], {'count': call['args'][1], 'reason': 'nothing is known of this io_uring'}))


def case_recorded(t):
    """k23 record and k23 show have them, too."""
    result = run(t.k23, 'record', '-o', 'recording', t.program, 'layout', 'plain')
    need(result.returncode != 77, 'there is no io_uring here')
    shown = run(t.k23, 'show', 'recording').stdout.splitlines()
    expect('shown', [line[1:] for line in shown if line.startswith((' sqe ', ' cqe '))], result.stdout.splitlines())


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], Urings(k23, program)))


main()
