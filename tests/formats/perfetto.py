#!/usr/bin/python3
"""What k23 trace --format=perfetto writes, decoded by protobuf with Perfetto's numbers of fields, against the text.

usage: perfetto.py K23 PROGRAMS CASE
"""
import collections
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import common
import harness
from common import EVENTS, LINES, calls_of_text
from harness import Failed, expect, run

# Of perfetto_trace.proto: number, type and name; + is repeated.
FIELDS = {
    'Trace': '1 +TracePacket packet',
    'TracePacket': '6 ClockSnapshot clock_snapshot, 8 UINT64 timestamp, 10 UINT32 trusted_packet_sequence_id, '
                   '11 TrackEvent track_event, 13 UINT32 sequence_flags, 60 TrackDescriptor track_descriptor',
    'ClockSnapshot': '1 +Clock clocks',
    'Clock': '1 UINT32 clock_id, 2 UINT64 timestamp',
    'TrackDescriptor': '1 UINT64 uuid, 3 ProcessDescriptor process, 4 ThreadDescriptor thread, 5 UINT64 parent_uuid',
    'ProcessDescriptor': '1 INT32 pid, 2 +STRING cmdline, 6 STRING process_name',
    'ThreadDescriptor': '1 INT32 pid, 2 INT32 tid',
    'TrackEvent': '4 +DebugAnnotation debug_annotations, 9 INT32 type, 11 UINT64 track_uuid, 22 +STRING categories, '
                  '23 STRING name, 47 +FIXED64 flow_ids, 48 +FIXED64 terminating_flow_ids',
    'DebugAnnotation': '2 BOOL bool_value, 3 UINT64 uint_value, 4 INT64 int_value, 6 STRING string_value, '
                       '7 UINT64 pointer_value, 10 STRING name, 11 +DebugAnnotation dict_entries, '
                       '12 +DebugAnnotation array_values',
}
BEGIN, END, INSTANT = 1, 2, 3
REALTIME, BOOTTIME = 1, 6


def make_messages():
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name='perfetto.proto', package='test')
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for field in fields.split(', '):
            number, kind, label = field.split()
            repeated, kind = kind.startswith('+'), kind.lstrip('+')
            made = message.field.add(name=label, number=int(number),
                                     label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL)
            if kind in FIELDS:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f'.test.{kind}'
            else:
                made.type = getattr(kinds, f'TYPE_{kind}')
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName('test.Trace'))


def value_of(annotation):
    if annotation.dict_entries:
        return {entry.name: value_of(entry) for entry in annotation.dict_entries}
    if annotation.array_values:
        return [value_of(entry) for entry in annotation.array_values]
    for field, value in annotation.ListFields():
        if field.name != 'name':
            return value
    return None  # an empty list or structure


class Slice:
    def __init__(self, time, event):
        self.begin, self.end, self.name = time, None, event.name
        self.flows = list(event.flow_ids)
        self.more = {entry.name: value_of(entry) for entry in event.debug_annotations}


class Trace:
    """The tracks: pid and tid, slices, instants. Checks what has to hold for each trace."""

    def __init__(self, path, message):
        with open(path, 'rb') as file:
            self.packets = message.FromString(file.read()).packet
        self.check_known(self.packets)
        self.tracks, self.processes = {}, {}
        self.slices, self.instants = collections.defaultdict(list), collections.defaultdict(list)
        first = self.packets[0]
        self.clocks = {clock.clock_id: clock.timestamp for clock in first.clock_snapshot.clocks}
        expect('the first packet', (first.sequence_flags, first.timestamp <= self.clocks[BOOTTIME]), (1, True))
        for packet in self.packets[1:]:
            expect('sequence', packet.trusted_packet_sequence_id, first.trusted_packet_sequence_id)
            if packet.HasField('track_descriptor'):
                self.add_track(packet.track_descriptor)
            else:
                self.add_event(packet.timestamp, packet.track_event)
        for track, slices in self.slices.items():
            expect(f'the last slice of track {track} has an end', slices[-1].end is not None, True)

    @staticmethod
    def check_known(packets):
        expect('bytes that are no known field', [packet for packet in packets if packet.UnknownFields()], [])
        expect('fields of events that are not known',
               [packet for packet in packets if packet.track_event.UnknownFields()], [])

    def add_track(self, track):
        if track.HasField('process'):
            self.processes[track.uuid] = track.process
        else:
            expect('the process of a thread', self.processes[track.parent_uuid].pid, track.thread.pid)
            self.tracks[track.uuid] = track.thread

    def add_event(self, time, event):
        expect(f'track of {event}', event.track_uuid in self.tracks, True)
        slices, instants = self.slices[event.track_uuid], self.instants[event.track_uuid]
        last = max([slice_.end or slice_.begin for slice_ in slices[-1:]] + [instant[0] for instant in instants[-1:]] +
                   [self.packets[0].timestamp])
        if time < last:
            raise Failed(f'time goes back from {last} to {time} at {event}')
        open_ = bool(slices) and slices[-1].end is None
        expect(f'whether a slice ends here: {event}', event.type == END, open_)
        if event.type == BEGIN:
            slices.append(Slice(time, event))
        elif event.type == END:
            slices[-1].end = time
            slices[-1].more |= {entry.name: value_of(entry) for entry in event.debug_annotations}
        else:
            instants.append((time, event.name, event))

    def calls(self, *names):
        return [slice_ for slices in self.slices.values() for slice_ in slices if slice_.name in names]

    def names(self):
        """The slices' names of each thread that has some, in the order of their first ones."""
        return [[slice_.name for slice_ in slices]
                for slices in sorted(filter(None, self.slices.values()), key=lambda slices: slices[0].begin)]

    def flows(self):
        """What flows lead from and to: the names of slices and instants."""
        begins, ends = collections.Counter(), collections.Counter()
        for slices in self.slices.values():
            begins.update((flow, slice_.name) for slice_ in slices for flow in slice_.flows)
        for instants in self.instants.values():
            begins.update((flow, name) for _, name, event in instants for flow in event.flow_ids)
            ends.update((flow, name) for _, name, event in instants for flow in event.terminating_flow_ids)
        return sorted((name, end) for flow, name in begins for other, end in ends if flow == other)


class Tools(common.Tools):
    def __init__(self, k23, programs):
        super().__init__(k23, programs)
        self.message = make_messages()

    def trace(self, *words):
        run(*self.k23, '--format=perfetto', '-o', 'trace', *words)
        return Trace('trace', self.message)


def case_slices(t):
    """Each call is a slice of its thread, which ends before the next begins; those of the text, in their order."""
    for words in *((f'lines/{name}',) for name in LINES), *(('commands/events', what) for what in EVENTS), \
            ('commands/events', 'exec-thread', '/bin/true'):
        program = [t.program(words[0]), *words[1:]]
        mine = t.trace(*program).names()
        theirs = [[name for name, _ in calls] for calls in calls_of_text(t.text(*program)).values()]
        # Who ends first differs from run to run, and one that executes a program has another id then.
        if sorted(sum(mine, [])) != sorted(sum(theirs, [])) and words[0] != 'commands/events':
            raise Failed(f'{words}\n' + harness.difference(sum(theirs, []), sum(mine, []), 'perfetto'))
        expect(f'{words}: the first thread begins', mine[0][:5], theirs[0][:5])


def case_annotations(t):
    trace = t.trace('-y', '-s', '5', '--', sys.executable, '-S', '-c',
                    'import os; os.write(os.open("f", os.O_CREAT | os.O_RDWR, 0o640), b"a\\0b\\n123456"); os.kill(0, 0)\n'
                    'try: os.open("nowhere", os.O_RDONLY)\nexcept OSError: os._exit(7)')
    opened = [slice_ for slice_ in trace.calls('openat') if slice_.more['args'][1] == 'f']
    where = os.getcwd()
    expect('openat', [slice_.more for slice_ in opened],
           [{'args': [f'AT_FDCWD<{where}>', 'f', 'O_RDWR|O_CREAT|O_CLOEXEC', '0640'], 'result': f'3<{where}/f>'}])
    expect('write', trace.calls('write')[-1].more, {'args': [f'3<{where}/f>', 'a\\u0000b\\n1...', 10], 'result': 10})
    expect('an error', trace.calls('openat')[-1].more['error'], {'name': 'ENOENT', 'number': 2})
    process = list(trace.processes.values())[0]
    expect('the process', (process.process_name, list(process.cmdline)[:3]), (os.path.basename(sys.executable), [sys.executable[:5] + '...', '-S', '-c']))
    expect('the end', [name for instants in trace.instants.values() for _, name, _ in instants][-1], 'exited with 7')
    mapped = trace.calls('mmap')[-1].more
    expect('addresses', mapped['result'] > 1 << 32, True)
    calls = t.trace('-e', 'inject=getppid:retval=7:delay_enter=1ms', '--', 'sh', '-c', 'exit 0').calls('getppid')
    expect('tampered with', [(call.more['result'], call.more['tampered']) for call in calls],
           [(7, ['result', 'time'])])


def case_operations(t):
    """What is submitted to io_urings is with the call that submits it."""
    program = t.program('commands/uring')
    harness.need(run(program, 'layout', 'plain').returncode != 77, 'there is no io_uring here')
    calls = [call.more for call in t.trace(program, 'layout', 'plain').calls('io_uring_enter')]
    expect('operations', [call['operations'] for call in calls],
           [[{'opcode': 'IORING_OP_NOP', 'user_data': i} for i in some] for some in ((1,), (2, 3))])
    expect('completions', [call['completions'] for call in calls],
           [[{'user_data': i, 'res': 0} for i in some] for some in ((1,), (2, 3))])
    call = t.trace('-f', program, 'unknown', 'executed').calls('io_uring_enter')[0].more
    expect('unseen', call['operations_unseen'], {'count': 1, 'reason': 'nothing is known of this io_uring'})


def case_flows(t):
    trace = t.trace('--', 'sh', '-c', '(exit 3); true')
    flows = collections.Counter(trace.flows())
    expect('fork and SIGCHLD', [(re.sub(r'clone\d?|v?fork', 'fork', begin), end) for begin, end in flows],
           [('fork', 'new process'), ('exited with 3', 'SIGCHLD')])
    trace = t.trace(t.program('commands/events'), 'threads')
    expect('threads', any(end == 'new thread' and begin.startswith('clone') for begin, end in trace.flows()), True)
    trace = t.trace('--', 'sh', '-c', 'kill -USR1 $$')
    expect('a signal', ('kill', 'SIGUSR1') in trace.flows(), True)


def case_options(t):
    for options in ('--format=perfetto',), ('--format=perfetto', '-o', 'x', '-A'), ('--format=perfetto', '-c', '-o', 'x'):
        result = run(*t.k23, *options, 'true')
        expect(f'{options}: {result.stderr}', (result.returncode, len(result.stderr.splitlines())), (125, 1))
    run(*t.k23, '--format=perfetto', '-o', '|cat > piped', '-e', 'trace=close', '-e', 'signal=none', '--', 'true')
    expect('-e trace=', {name for names in Trace('piped', t.message).names() for name in names}, {'close'})


def main():
    k23, programs = (os.path.abspath(path) for path in sys.argv[1:3])
    try:
        import google.protobuf
    except ImportError:
        harness.main(lambda: harness.need(False, 'there is no python3-protobuf'))
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], Tools(k23, programs)))


main()
