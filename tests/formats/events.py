#!/usr/bin/python3
"""The lines of k23 trace --format=json: each is what the schema says, and they say what the text says.

usage: events.py K23 SOURCE PROGRAMS CASE
"""
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import common
import harness
from common import EVENTS, LINES, calls_of_text
from harness import Failed, expect, run

EVERY = 'import os; os.write(os.open(b"f\\xff\\n", os.O_CREAT | os.O_WRONLY, 0o640), bytes(range(256)) * 2)'


PARENTS = 'getppid', 'getpgrp', 'getpgid', 'getsid'  # ids of processes that are not traced


class Tools(common.Tools):
    def __init__(self, k23, source, programs):
        super().__init__(k23, programs)
        import jsonschema
        with open(os.path.join(source, 'schemas/k23-trace.schema.json'), encoding='utf-8') as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    def events(self, *words):
        """The events that a command makes, all of which are what the schema says."""
        run(*self.k23, '--format=json', '-o', 'log', *words)
        events = lines_of('log')
        for event in events:
            self.check(event)
        return events

    def check(self, event):
        for error in self.validator.iter_errors(event):
            raise Failed(f'{json.dumps(event)}\n{error.json_path}: {error.message[:400]}')


def lines_of(path):
    """Each line is JSON by itself, in UTF-8."""
    with open(path, encoding='utf-8', newline='\n') as file:
        return [json.loads(line) for line in file]


def calls_of(events, *names):
    return [event for event in events if event['type'] == 'call' and event['syscall'] in names]


def case_schema(t):
    """Each line of programs that make every kind of call, and in which everything happens, is what the schema says."""
    kinds = set()
    for name in LINES:
        kinds |= {event['type'] for event in t.events('-y', '-v', '-s', '1000', t.program(f'lines/{name}'))}
    t.events('-e', 'raw=%process', t.program('lines/processes'))
    stacks = [event['stack'] for event in calls_of(t.events('-k', t.program('commands/stacks')), 'getppid')]
    expect('stacks', [[frame['symbol'] for frame in stack[:4]] for stack in stacks],
           [['getppid', 'innermost', 'middle', 'outer']] * 5)
    if run(t.program('commands/uring'), 'layout', 'plain').returncode != 77:
        for words in ('kinds',), ('many', '1', '4', '20'), ('unknown', 'executed'):
            kinds |= {event['type'] for event in t.events('-y', t.program('commands/uring'), *words)}
    for what in EVENTS:
        kinds |= {event['type'] for event in t.events(t.program('commands/events'), what)}
    kinds |= {event['type'] for event in t.events(t.program('commands/events'), 'exec-thread', '/bin/true')}
    expect('kinds of events', sorted(kinds - {'waiting'}), ['call', 'end', 'exec', 'exit', 'killed', 'process', 'signal', 'superseded',
                                              'thread', 'trace'])


def outcome_of(event):
    if event['status'] in ('unfinished', 'unavailable', 'detached'):
        return '?'
    result = event.get('result')
    if isinstance(result, dict):
        result = result.get('value', 'address')
    if event['syscall'] == 'umask':
        return f'{result:03o}'
    return event['error']['name'] if 'error' in event else str(result)


def case_text(t):
    """The same calls with the same outcomes as in lines of text, in each thread; ids and addresses apart."""
    plain = re.compile(r'E[A-Z0-9]+|\?|0|-?[1-9]\d{0,2}|0\d\d')
    for name in LINES:
        os.mkdir(f'a-{name}')
        os.chdir(f'a-{name}')
        text = calls_of_text(t.text(t.program(f'lines/{name}')))
        os.mkdir(f'../b-{name}')
        os.chdir(f'../b-{name}')
        threads = {}
        for event in t.events(t.program(f'lines/{name}')):
            if event['type'] == 'call':
                threads.setdefault(event['tid'], []).append((event['syscall'], outcome_of(event)))
        ids = {str(tid) for tid in (*threads, *text)}
        mine, theirs = ([f'{name} {end if plain.fullmatch(end) and end not in ids else "*"}' for calls in some.values()
                         for name, end in calls if name not in PARENTS] for some in (threads, text))
        same = sum(a == b for a, b in zip(mine, theirs))
        # Times and counts differ from run to run.
        if len(mine) != len(theirs) or same < 0.97 * len(mine):
            raise Failed(f'{name}\n' + harness.difference(theirs, mine, 'json'))
        os.chdir('..')


def case_values(t):
    """Arguments as they are: flags by name and number, strings of any bytes, what is cut, structures, no argument."""
    events = t.events('-s', '300', '-e', 'trace=openat,write,fstat,newfstatat', '--', sys.executable, '-S', '-c', EVERY)
    opened = [event for event in calls_of(events, 'openat') if 'bytes' in event['args'][1]]
    expect('calls with such a name', len(opened), 1)
    expect('openat', opened[0]['args'], [
        {'value': -100, 'name': 'AT_FDCWD'}, {'bytes': b'f\xff\n'.hex()},
        {'value': os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 'flags': ['O_WRONLY', 'O_CREAT', 'O_CLOEXEC']},
        {'value': 0o640, 'text': '0640'}])
    written = calls_of(events, 'write')[-1]
    every = bytes(range(256)) * 2
    expect('write', (written['args'][1:], written['result']),
           ([{'bytes': every[:300].hex(), 'truncated': True}, 512], 512))
    expect('fd', written['args'][0], opened[0]['result'])

    with open('text', 'w', encoding='utf-8') as file:
        file.write('a\0b\n"\\\u00e4\u20ac\U0001f600' * 20)
    for size, wanted in (('1000', None), ('8', 'a\0b\n"\\\u00e4'), ('10', 'a\0b\n"\\\u00e4')):
        events = t.events('-s', size, '-e', 'trace=read', '-P', 'text', '--', 'cat', 'text')
        got = [event['args'][1] for event in calls_of(events, 'read')]
        whole = 'a\0b\n"\\\u00e4\u20ac\U0001f600' * 20
        expect(f'text, {size} bytes of it', got, [{'string': wanted, 'truncated': True} if wanted else whole, ''])

    events = t.events('-e', 'trace=statx', '-P', 'text', '--', 'stat', 'text')
    shown = [value for event in events if event['type'] == 'call' for value in event['args'] if isinstance(value, dict)
             and 'stx_size' in value]
    expect('stat: fields that text leaves out, too', (shown[0]['stx_size'], shown[0]['stx_ino'], shown[0]['stx_mode']),
           (os.stat('text').st_size, os.stat('text').st_ino, {'value': 0o100644, 'text': 'S_IFREG|0644'}))

    os.rename('text', 'moved')
    events = t.events('-y', '-e', 'trace=close,getuid', '--', 'sh', '-c', 'exec 5< moved; rm moved; exec 5<&-')
    closed = [event['args'][0] for event in calls_of(events, 'close') if event['args'][0]['value'] == 5]
    expect('-y', closed, [{'value': 5, 'path': os.path.abspath('moved'), 'deleted': True}])
    expect('no argument', {str(event['args']) for event in calls_of(events, 'getuid')}, {'[]'})


def case_filters(t):
    """An instruction of a filter is a structure."""
    events = t.events('-v', '-e', 'trace=seccomp,setsockopt', t.program('lines/filters'))
    program = calls_of(events, 'seccomp')[0]['args'][2]
    expect('a jump, and a return', program['filter'][1:3], [
        {'code': {'value': 0x15, 'flags': ['BPF_JMP', 'BPF_K', 'BPF_JEQ']}, 'jt': 1, 'jf': 0, 'k': 0xc000003e},
        {'code': {'value': 6, 'flags': ['BPF_RET', 'BPF_K']}, 'jt': 0, 'jf': 0,
         'k': {'value': 0x80000000, 'flags': ['SECCOMP_RET_KILL_PROCESS']}}])
    offsets = [code['k'] for code in calls_of(events, 'setsockopt')[0]['args'][3]['filter'] if '+' in str(code['k'])]
    expect('an offset', offsets[0], {'value': 0xfffff004, 'text': 'SKF_AD_OFF+SKF_AD_PKTTYPE'})


def case_ptrace(t):
    """What a tracer is told, as values: stops, calls, registers."""
    events = t.events('-e', 'trace=ptrace,wait4', t.program('lines/ptrace'))
    stops = [event['args'][1] for event in calls_of(events, 'wait4')]
    expect('stops', [{key: stop[key] for key in stop if key != 'value'} for stop in stops], [
        {'stopped': 'SIGSTOP'}, *[{'stopped': 'SIGTRAP', 'call': True}] * 4,
        {'stopped': 'SIGTRAP', 'event': 'PTRACE_EVENT_EXIT'}, {'exited': 3}])
    succeeded = [event['args'] for event in calls_of(events, 'ptrace') if event['status'] == 'successful']
    told = [args[3] for args in succeeded if args[0]['name'] == 'PTRACE_GET_SYSCALL_INFO' and args[2] == 88]
    expect('a call', told[1]['entry'], {'nr': {'value': 110, 'text': '__NR_getppid'}, 'args': [1, 2, 3, 4, 5, 6]})
    expect('its result', told[4]['exit'], {'rval': {'value': -9, 'name': 'EBADF'}, 'is_error': 1})
    regs = [args[3] for args in succeeded if args[2:3] == [{'value': 1, 'name': 'NT_PRSTATUS'}]]
    whole = [some for some in regs if 'gs' in some['iov_base']]
    expect('registers', [(some['iov_base']['cs'], some['iov_len']) for some in whole],
           [(0x33, {'before': 4096, 'after': 216}), (0x33, {'before': 224, 'after': 216}), (0x33, 216)])
    expect('some of them', [(len(some['iov_base']), some['iov_len']) for some in regs if some not in whole],
           [(1, 0)] * 2 + [(number, 8 * number) for number in (7, 7, 14, 14, 21, 21)])


def case_bpf(t):
    """A structure of which the program says how much there is."""
    calls = [event['args'] for event in calls_of(t.events('-e', 'trace=bpf', t.program('lines/bpf')), 'bpf')]
    loads = [args[1] for args in calls if args[0] == {'value': 5, 'name': 'BPF_PROG_LOAD'}]
    expect('strings', (loads[0]['license'], loads[0]['prog_name'], loads[1]['log_buf']), ('GPL', 'name', 'log'))
    update = next(args[1] for args in calls if args[0] == {'value': 2, 'name': 'BPF_MAP_UPDATE_ELEM'})
    expect('names', list(update), ['map_fd', 'key', 'value_', 'flags'])
    expect('what is not given', (loads[2]['prog_flags'], 'prog_name' in loads[2]), ({'value': 0, 'flags': []}, False))


def case_netlink(t):
    """Messages are an array of structures, and so are the attributes in them."""
    events = t.events('-e', 'trace=sendto,recvmsg', t.program('lines/netlink'))
    sent = [event['args'][1] for event in calls_of(events, 'sendto')]
    expect('a message that is cut off', sent[0][0]['payload'], {'ifi_family': {'value': 0, 'name': 'AF_UNSPEC'}})
    link = sent[3][0]
    expect('its header', (link['nlmsg_type'], link['nlmsg_flags']['flags']), (
        {'value': 16, 'name': 'RTM_NEWLINK'}, ['NLM_F_REQUEST', 'NLM_F_ACK', 'NLM_F_EXCL', 'NLM_F_CREATE']))
    attributes = {attribute['nla_type']['flags'][-1]: attribute.get('payload')
                  for attribute in link['payload']['attributes'] if attribute['nla_type']['flags']}
    expect('attributes', [attributes[name] for name in ('IFLA_IFNAME', 'IFLA_ADDRESS', 'IFLA_LINK', 'IFLA_QDISC')],
           ['name', '01:02:03:04:05:06', 1, None])
    expect('nested ones', [one['payload'] for one in attributes['IFLA_LINKINFO']], ['dummy', '1234'])
    kinds = [message[0]['payload']['attributes'][0]['payload'] for message in sent if 'IFLA_INFO_KIND' in str(message)]
    expect('what a kind of link has', [[one['payload'] for one in attributes] for attributes in kinds[1:4:2]],
           [['bridge', [{'nla_len': 8, 'nla_type': {'value': 1, 'flags': ['IFLA_BR_FORWARD_DELAY']}, 'payload': 1500},
                        {'nla_len': 5, 'nla_type': {'value': 2, 'flags': ['IFLA_BR_HELLO_TIME']}, 'payload': 1}]],
            ['dummy', {'bytes': '08000100dc0500000500020001000000'}]])
    answer = calls_of(events, 'recvmsg')[-1]['args'][1]['msg_iov'][0]['iov_base'][0]['payload']
    expect('an error', (answer['error'], answer['msg'][0]['nlmsg_type']['name']),
           ({'value': -19, 'name': 'ENODEV'}, 'RTM_GETLINK'))


def case_tasks(t):
    """Who starts, executes and ends what, and how; times are in order within a thread."""
    events = t.events('-e', 'trace=none', '--', 'sh', '-c', '(exit 3); true | kill -9 $$')
    first = next(event for event in events if event['type'] == 'exec')
    shell = first['pid']
    expect('the shell', [(event['type'], event['signal']['name']) for event in events if event['type'] == 'killed'
                         and event['pid'] == shell], [('killed', 'SIGKILL')])
    children = [event['pid'] for event in events if event['type'] == 'process']
    ends = {event['pid']: event['status'] for event in events if event['type'] == 'exit'}
    expect('children', (len(children), ends[children[0]], ends[children[1]]), (3, 3, 0))
    expect('signals', {event['siginfo']['si_pid'] for event in events if event['type'] == 'signal'} <= set(children), True)

    events = t.events('-e', 'trace=execve', t.program('commands/events'), 'exec-thread', '/bin/true')
    again = [event for event in events if event['type'] == 'exec'][1]
    gone = next(event for event in events if event['type'] == 'superseded')
    expect('execve of a thread', (again['tid'], again['former_tid']), (again['pid'], gone['by_tid']))
    expect('threads', len({event['tid'] for event in events if event['type'] == 'thread'}) >= 2, True)

    events = t.events(t.program('commands/events'), 'handled')
    times = [event['time'] for event in events if event['type'] == 'call']
    # The rate of the clock is measured again and again, in the beginning to a ten thousandth.
    expect('order', [after - before for before, after in zip(times, times[1:]) if after < before - 10000], [])
    expect('durations', all(0 <= event.get('duration', 0) < 10**10 for event in events), True)


def case_namespaces(t):
    """Ids of other PID namespaces, behind which those in this one stand."""
    events = t.events('--decode-pids=pidns', '-e', 'trace=getpid,gettid', t.program('lines/namespaces'))
    harness.need(any(isinstance(event['result'], dict) for event in calls_of(events, 'getpid')), 'no PID namespaces here')
    for name, id in ('getpid', 'pid'), ('gettid', 'tid'):
        told = [(event['result']['outside'], event['result']['value'] < 5) for event in calls_of(events, name)]
        expect(name, told, [(event[id], True) for event in calls_of(events, name)])


def case_waiting(t):
    """A call that does not return is told while it waits, and once more when that is over."""
    command = subprocess.Popen([*t.k23, '--format=json', '-e', 'trace=read', '-o', 'log', t.program('commands/events'), 'wait'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = int(command.stdout.readline())
    try:
        expect('told', harness.wait_until(lambda: '"waiting"' in open('log', encoding='utf-8').read()), True)
    finally:
        os.kill(pid, signal.SIGKILL)
        command.wait(timeout=20)
    events = lines_of('log')
    for event in events:
        t.check(event)
    waiting = [event for event in events if event['type'] == 'waiting']
    expect('waiting', [(event['pid'], event['syscall'], event['args'][0]) for event in waiting], [(pid, 'read', 0)])
    last = calls_of(events, 'read')[-1]
    expect('the same call', (last['time'], last['status']), (waiting[0]['time'], 'unfinished'))
    expect('the end', [event['type'] for event in events[-2:]], ['killed', 'end'])


def case_separate(t):
    """With -ff, a thread's file has what the trace has of the thread, also if its id changes; and the trace's own the rest."""
    for words in ('threads',), ('children',), ('killed',), ('exec-thread', '/bin/true'):
        for name in os.listdir('.'):
            if not name.startswith('.'):
                os.remove(name)
        run(t.k23[0], 'record', '-o', 'recording', '--', t.program('commands/events'), *words)
        for more in ['-o', 'whole'], ['-ff', '-o', 'part']:
            expect('k23 show', run(t.k23[0], 'show', '--format=json', *more, 'recording').returncode, 0)
        separate(t, 'part', lines_of('whole'))
    run(*t.k23, '--format=json', '-ff', '-o', 'live', t.program('commands/events'), 'children')
    separate(t, 'live')
    expect('-ff -A', run(*t.k23, '--format=json', '-ffA', '-o', 'live', 'true').returncode, 0)
    expect('appended', [event['type'] for event in lines_of('live')], ['trace', 'end'] * 2)


def separate(t, name, whole=None):
    """Checks the files of a trace. whole: the same events in one file."""
    files = {path: lines_of(path) for path in os.listdir('.') if path == name or path.startswith(f'{name}.')}
    heads = {json.dumps(lines[0]) for lines in files.values()}
    expect('heads', (len(heads), json.loads(heads.pop())['type']), (1, 'trace'))
    expect('the file of all', [event['type'] for event in files.pop(name)], ['trace', 'end'])
    former = {event['tid']: event['former_tid'] for lines in files.values() for event in lines if 'former_tid' in event}
    for path, lines in files.items():
        for event in lines:
            t.check(event)
        tid = int(path.removeprefix(f'{name}.'))
        # The call of the execve that has succeeded is told by its thread's new id.
        executed = next((at - 1 for at, event in enumerate(lines) if 'former_tid' in event), len(lines))
        expect(path, {event['tid'] for event in lines[1:executed]}, {tid})
        expect(f'{path}, executed', {former[event['tid']] for event in lines[executed:]} <= {tid}, True)
        expect(f'{path}, ended', lines[-1]['type'] in ('exit', 'killed', 'superseded'), True)
    if whole:
        expect('events', sorted(json.dumps(event) for lines in files.values() for event in lines[1:]),
               sorted(json.dumps(event) for event in whole[1:-1]))


def case_options(t):
    for options, said in (('--format=xml',), "'xml'"), (('--format=json', '-c'), '-c'), \
            (('--format=perfetto', '-ff', '-o', 'x'), '-ff'), (('-ff', '-o', '|cat', '--format=json'), "'|cat'"), \
            (('--format',), 'needs an argument'):
        result = run(*t.k23, *options, *(['true'] if len(options[0]) > 8 else []))
        expect(f'{options}: {result.stderr}', (result.returncode, len(result.stderr.splitlines()), said in result.stderr),
               (125, 1, True))
    run(*t.k23, '--format=json', '-o', '|cat > piped', '-qq', '-z', '-e', 'trace=close', '--', 'true')
    events = lines_of('piped')
    expect('-qq', [event['type'] for event in events if event['type'] in ('exit', 'trace', 'end')], ['trace', 'end'])
    expect('-z', {event['status'] for event in calls_of(events, 'close')}, {'successful'})


def main():
    k23, source, programs = (os.path.abspath(path) for path in sys.argv[1:4])
    try:
        import jsonschema
    except ImportError:
        harness.main(lambda: harness.need(False, 'there is no python3-jsonschema'))
    harness.main(lambda: harness.run_case(globals(), sys.argv[4], Tools(k23, source, programs)))


main()
