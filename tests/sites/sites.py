#!/usr/bin/python3
"""k23 analyze, learn and sites. usage: sites.py K23 ELFBYTES SOURCE CC CASE"""
import hashlib
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import cases
import harness
from harness import NOBODY, Failed, copy_k23, expect, need, run

STABLE = 4  # of a site's flags


class Sites:
    def __init__(self, k23, elfbytes, source, cc):
        self.k23, self.elfbytes, self.source, self.cc = k23, elfbytes, source, cc

    def __call__(self, *command, status=0, store='store/sites', **options):
        result = run(self.k23, command[0], *command[1:2], f'--store={store}', *command[2:], **options)
        if 'Sanitizer' in result.stderr or result.returncode != status:
            raise Failed(f'{command}: status {result.returncode}: {result.stderr}')
        return result

    def build(self, name, text, *flags):
        with open(name + '.s', 'w') as file:
            file.write(text)
        subprocess.run([self.cc, '-nostdlib', '-Wl,-z,noexecstack', '-Wl,--build-id', *flags, name + '.s', '-o', name],
                       check=True)
        return os.path.realpath(name)

    def library(self, fixed=False):
        flags = ['-no-pie', '-static', '-Wl,-e,number'] if fixed else ['-shared']
        return self.build('fixed' if fixed else 'library.so', cases.assembly(fixed), *flags)

    def export(self, store='store/sites'):
        return self('sites', 'export', store=store).stdout

    def known(self, store='store/sites'):
        """Of each path: offset -> what the store has of the site."""
        files = {}
        for line in self.export(store).splitlines():
            kind, *rest = line.split(' ')
            if kind == 'file':
                files[line.split(' ', 2)[2]] = sites = {}
            elif kind == 'site':
                sites[int(rest[0], 16)] = dict(zip(
                    ('flags', 'reason', 'hash', 'before', 'size', 'nr', 'window', 'relative', 'relative_end', 'branch',
                     'kept', 'hop'),
                    (int(field, 16 if n == 2 else 10) if n != 1 else field for n, field in enumerate(rest[1:]))))
        return files


def offsets(path):
    """The places in the file of its symbols."""
    segments = [tuple(int(field, 16) for field in match.groups()) for match in
                re.finditer(r'LOAD\s+(\w+) (\w+) \w+ (\w+)', run('readelf', '-lW', path).stdout)]
    found = {}
    for line in run('nm', path).stdout.splitlines():
        value, _, name = line.split()
        for offset, address, size in segments:
            if address <= int(value, 16) < address + size:
                found[name] = int(value, 16) - address + offset
    return found


def check_cases(t, fixed):
    path = t.library(fixed)
    where = offsets(path)
    t('analyze', path)
    before = t.known()[path]
    with open('observed', 'w') as file:
        file.writelines(f'{path},{where["case_" + cases.label(name)] - before}\n' for name, (_, _, options) in cases.CASES.items()
                        if not options.get('unseen') and (fixed or not options.get('fixed'))
                        for before in {0, options.get('inside', 0)})
    t('sites', 'import', '--format=paper', 'observed')
    t('analyze', path)  # which knows of nothing that was seen
    sites = t.known()[path]
    wrong = []
    for name, (reason, _, options) in cases.CASES.items():
        if options.get('fixed') and not fixed:
            continue
        offset = where['case_' + cases.label(name)]
        site = sites.get(offset)
        if not site:
            wrong.append(f'{name}: not found')
            continue
        if site['reason'] != reason:
            wrong.append(f'{name}: {site["reason"]}, not {reason}')
        if (offset in before) != (not options.get('observed')) and name != 'signal-frame':
            wrong.append(f'{name}: found without being observed: {offset in before}')
        if offset in before and before[offset]['reason'] != options.get('before', reason):
            wrong.append(f'{name}: {before[offset]["reason"]} before it was observed')
        if site['flags'] & ~STABLE != (2 if reason == 'PLANNED' else 0) + (not options.get('unseen')):
            wrong.append(f'{name}: flags {site["flags"]}')
        for key in 'nr', 'window', 'relative', 'relative_end', 'branch':
            if key in options and site[key] != options[key]:
                wrong.append(f'{name}: {key} {site[key]}, not {options[key]}')
    if wrong:
        raise Failed('\n'.join(wrong))
    return path


def case_plans(t):
    check_cases(t, False)
    with open(os.path.join(t.source, 'tables/refusals.def')) as file:
        reasons = set(re.findall(r'^REFUSAL\((\w+)', file.read(), re.M))
    expect('reasons with a case', {case[0] for case in cases.CASES.values()}, reasons)


def case_plans_fixed(t):
    check_cases(t, True)


def case_show(t):
    path = check_cases(t, False)
    where = offsets(path)
    text = t('sites', 'show', f'{path}:{where["case_relative"]:#x}').stdout
    for wanted in 'PLANNED, observed', 'lea ', '%r11', 'jmp *', 'syscall':
        if wanted not in text:
            raise Failed(f'{wanted!r} is not in {text!r}')
    address = re.findall(r'lea (0x\w+), %rdi', text)
    expect('the same operand in both', (len(address), len(set(address))), (2, 1))
    text = t('sites', 'show', path).stdout
    expect('all are shown', len(re.findall('^0x', text, re.M)), len(t.known()[path]))
    t('sites', 'show', path + ':7', status=1)
    t('sites', 'show', '/nowhere', status=1)
    os.remove(path)
    t('sites', 'show', path, status=1)


def case_libc(t):
    """The bulk of a real library is planned; every system call that objdump sees in a function is found."""
    libc = os.path.realpath('/lib/x86_64-linux-gnu/libc.so.6')
    need(os.path.exists(libc), 'there is no libc of Debian')
    t('analyze', libc)
    start = time.monotonic()
    t('analyze', libc)
    if time.monotonic() - start > 5:  # with a sanitizer; half a second is wanted
        raise Failed('too slow')
    sites = t.known()[libc]
    planned = sum(site['reason'] == 'PLANNED' for site in sites.values())
    if planned < 0.95 * len(sites) or len(sites) < 400:
        raise Failed(f'{planned} of {len(sites)}')
    seen = {int(match, 16) for match in
            re.findall(r'^\s*(\w+):\s+0f 05\s+syscall', run('objdump', '-d', libc).stdout, re.M)}
    text = [match for match in re.finditer(r'LOAD\s+(\w+) (\w+) \w+ \w+ \w+ R E', run('readelf', '-lW', libc).stdout)]
    if len(text) == 1 and text[0][1].lstrip('0x') == text[0][2].lstrip('0x') and len(seen - set(sites)) > 8:
        raise Failed(f'not found: {sorted(hex(offset) for offset in seen - set(sites))}')


def case_round_trip(t):
    library, fixed = t.library(), t.library(True)
    odd = os.path.join(os.getcwd(), 'with, comma\\ and\nnewline')
    os.rename(fixed, odd)
    time.sleep(4)  # for keys
    t('analyze', library, odd)
    with open('observed', 'w') as file:
        file.write(f'{library},{offsets(library)["case_number"]}\n')
    t('sites', 'import', '--format=paper', 'observed')
    text = t.export()
    if len(re.findall('^key ', text, re.M)) != 2:
        raise Failed(f'no keys: {text}')
    for n in '2', '3':
        t('sites', 'import', '-', input=text, store=f'{n}/sites')
        t('sites', 'import', '-', input=text, store=f'{n}/sites')
        expect('the same text', t.export(f'{n}/sites'), text)
    with open('store/sites', 'rb') as one, open('2/sites', 'rb') as two:
        expect('the same bytes', one.read() == two.read(), True)
    lines = text.splitlines()
    for n in range(len(lines)):
        for changed in lines[n] + ' 1', lines[n][:-1] + 'Z', lines[n][5:]:
            if not lines[n].startswith('#') and not (changed.startswith('file') or lines[n].startswith('file')):
                t('sites', 'import', '-', input='\n'.join(lines[:n] + [changed] + lines[n + 1:]), store='2/sites',
                  status=125)
        if n > 40:
            break
    expect('nothing came of it', t.export('2/sites'), text)


def case_paper(t):
    library = t.library()
    where = offsets(library)
    lines = sorted(f'{library},{where[name]}' for name in ('case_number', 'case_table', 'case_int80'))
    text = ''.join(line + '\n' for line in lines)
    t('sites', 'import', '--format=paper', '-', input=text + '\n' + text)
    expect('what comes out', sorted(t('sites', 'export', '--format=paper').stdout.splitlines()), lines)
    result = t('sites', 'import', '--format=paper', '-', status=1,
               input=f'{library},1\n{library},0x{where["case_zero"]:x}\n/nowhere,12\n/etc/passwd,2\n')
    expect('what is said', re.findall(r'\d+', result.stderr.split('\n', 1)[1].replace('k23', '')), ['1', '1', '1'])
    expect('one more', len(t('sites', 'export', '--format=paper').stdout.splitlines()), 4)
    for wrong in 'x', '/a', '/a,', '/a,b', '/a,1x', 'a,1', '/a,99999999999999999999':
        t('sites', 'import', '--format=paper', '-', input=wrong + '\n', status=125)


def made_up(count, first=0):
    """The text of a store of files that are nowhere."""
    return 'k23-sites 4\n' + ''.join(
        f'file build-id:{n + first:08x} /nowhere/{n + first}\nsite 1000 1 UNKNOWN_BOUNDS 0 0 0 -1 0 255 0 255 0 0 0\n'
        for n in range(count))


def case_concurrent(t):
    """Many change the store at once, and nothing is lost."""
    library = t.library()
    where = sorted(offset for name, offset in offsets(library).items() if name.startswith('case_'))
    os.makedirs('store')
    writers = []
    for n in range(8):
        with open(f'text{n}', 'w') as file:
            file.write(made_up(10, 10 * n))
        script = ''
        for round_ in range(5):
            with open(f'paper{n}-{round_}', 'w') as file:
                file.write(f'{library},{where[5 * n + round_]}\n')
            script += f'"$0" sites import --store=store/sites --format=paper paper{n}-{round_} 2>/dev/null && '
        script += f'"$0" sites import --store=store/sites text{n}'
        writers.append(subprocess.Popen(['sh', '-c', script, t.k23]))
    for writer in writers:
        expect('status', writer.wait(), 0)
    known = t.known()
    expect('files', len(known), 81)
    observed = {offset for offset, site in known[library].items() if site['flags'] & 1}
    expect('sites', observed, set(where[:40]))
    expect('what is left', sorted(os.listdir('store')), ['sites', 'sites.lock'])


def case_killed(t):
    """Whoever is killed while the store is written leaves the one before."""
    t('sites', 'import', '-', input=made_up(1))
    with open('many', 'w') as file:
        file.write(made_up(2000))
    for n in range(20):
        writer = subprocess.Popen([t.k23, 'sites', 'import', '--store=store/sites', 'many'], stderr=subprocess.DEVNULL)
        time.sleep(0.002 * n)
        writer.kill()
        writer.wait()
        if len(t.known()) not in (1, 2000):
            raise Failed('a half store')
        if not set(os.listdir('store')) <= {'sites', 'sites.lock', 'sites.new'}:
            raise Failed(f'left: {os.listdir("store")}')
    t('sites', 'import', '-', input=made_up(3))
    expect('what is left', sorted(os.listdir('store')), ['sites', 'sites.lock'])


def refused(t, what, store='store/sites'):
    """Nothing changes a store that cannot be read, and all say so in one line."""
    with open(store, 'rb') as file:
        before = file.read()
    with open('other.text', 'w') as file:
        file.write(made_up(1))
    for command in ('sites', 'list'), ('sites', 'import', 'other.text'), ('analyze', t.k23), ('sites', 'prune'), \
            ('learn', '--', 'true'):
        if command[0] == 'learn':
            result = run(t.k23, 'learn', '--store=' + store, '--', 'true')
            expect(f'status of {command}', result.returncode, 125)
        else:
            result = t(*command, status=125, store=store)
        expect(f'{what}: lines', len(result.stderr.splitlines()), 1)
    result = run(t.k23, 'run', '--store=' + store, '--', 'true')
    expect(f'{what}: run', (result.returncode, len(result.stderr.splitlines())), (0, 1))
    with open(store, 'rb') as file:
        expect(f'{what}: unchanged', file.read() == before, True)
    return result.stderr


def case_refused(t):
    def fresh():
        t('sites', 'prune', '--reset')
        t('sites', 'import', '-', input=made_up(3))

    def change(at, new):
        fresh()
        with open('store/sites', 'r+b') as file:
            file.seek(at)
            file.write(new)

    change(0, b'x')
    expect('no store', 'no store' in refused(t, 'magic'), True)
    with open('store/sites', 'rb') as file:
        version, = struct.unpack_from('<I', file.read(), 8)
    change(8, struct.pack('<I', version + 1))
    expect('version', 'newer version' in refused(t, 'version'), True)
    change(100, b'x')
    expect('damage', 'damaged' in refused(t, 'damage'), True)
    fresh()
    os.truncate('store/sites', 90)
    refused(t, 'truncated')
    os.truncate('store/sites', 0)
    refused(t, 'empty')
    fresh()
    for mode in 0o664, 0o646:
        os.chmod('store/sites', mode)
        expect('mode', 'owner' in refused(t, 'mode'), True)
    os.chmod('store/sites', 0o644)
    expect('and back', len(t.known()), 3)
    os.remove('store/sites')
    os.mkfifo('store/sites')
    t('sites', 'list', status=125)
    os.remove('store/sites')
    os.mkdir('store/sites')
    t('sites', 'list', status=125)
    os.rmdir('store/sites')
    expect('none', t('sites', 'list').stdout, '')
    nowhere = run(t.k23, 'run', '--store=/proc/none/sites', '--', 'true')
    expect('nowhere', (nowhere.returncode, nowhere.stderr),
           (0, 'k23: there is no store /proc/none/sites, and none can be made (No such file or directory): nothing is '
               'patched\n'))
    if os.geteuid() == 0:
        fresh()
        os.chown('store/sites', NOBODY, NOBODY)
        expect('owner', 'owner' in refused(t, 'owner'), True)


def line(path, offset, inode=None):
    status = os.stat(path)
    dev = f'{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}'
    return f'{offset:x} {dev} {status.st_ino if inode is None else inode} ' + path.replace('\n', '\\012') + '\n'


def learn(t, log, *, status=0):
    os.makedirs('store', exist_ok=True)
    if log is not None:
        with open('store/sites.log', 'wb') as file:
            file.write(log.encode() if isinstance(log, str) else log)
    result = run(t.k23, 'learn', '--store=store/sites', '--', 'true')
    expect('status', (result.returncode, 'Sanitizer' in result.stderr), (status, False))
    return result.stderr


def learn_true(t):
    """Makes a store to which what learn() runs adds nothing: all that is new then was in the log."""
    learn(t, None)
    expect('all is known', learn(t, None), 'k23: 0 sites in 0 files are new\n')


def case_log(t):
    learn_true(t)
    library = t.library()
    odd = os.path.join(os.getcwd(), 'odd (deleted)\n')
    os.link(t.library(True), odd)
    where, fixed = offsets(library), offsets(odd)
    log = line(library, where['case_number']) * 1000 + line(library, where['case_int80']) + line(library, 1)
    log += line(odd, fixed['case_no_bounds']) + line(library, where['case_zero'], inode=7)
    log += 'garbage\n\n1 2\n12 0:0 5 [vdso]\nxyz 08:01 12 /x\n' + '1 0:0 1 /' + 'a' * 100000 + '\n'
    log += '10 08:01 1234567 /nowhere/at all (deleted)\n' + line(library, where['case_mask'])
    expect('what is said', learn(t, log), 'k23: 4 sites in 2 files are new\n')
    expect('the log is gone', sorted(os.listdir('store')), ['sites', 'sites.lock'])
    known = t.known()
    sites = known[library]
    expect('observed', {offset for offset, site in sites.items() if site['flags'] & 1},
           {where['case_' + name] for name in ('number', 'int80', 'mask')})
    expect('reason', known[odd.replace('\n', '\\n')][fixed['case_no_bounds']]['reason'], 'UNKNOWN_BOUNDS')
    expect('again', learn(t, log), 'k23: 0 sites in 0 files are new\n')
    expect('known ones', learn(t, line(library, where['case_zero'])), 'k23: 1 sites in 1 files are new\n')
    expect('without a log', learn(t, None), 'k23: 0 sites in 0 files are new\n')
    t('sites', 'prune', '--reset')
    learn_true(t)
    with open('store/sites.taken', 'w') as file:  # by one that was killed
        file.write(line(library, where['case_table']))
    expect('left over', learn(t, line(library, where['case_pad'])), 'k23: 2 sites in 2 files are new\n')


def case_hostile_log(t):
    learn_true(t)
    library = t.library()
    lines = b''.join(b'%x 0:0 1 /nowhere/%d\n' % (n, n % 9000) for n in range(300000))
    expect('many', 'too many' in learn(t, lines), True)
    inode = os.stat(library).st_ino
    lines = b''.join(b'%x 0:0 %d %s\n' % (n, inode, library.encode()) for n in range(300000))
    expect('every offset', learn(t, lines).count('are new'), 1)
    learn(t, os.urandom(1 << 20))
    learn(t, b'\0' * 100000 + b'\n' * 1000 + b'1 0:0 1 /')
    os.symlink('/etc/passwd', 'store/sites.log')
    learn(t, None, status=125)
    expect('it was not followed', os.path.exists('/etc/passwd'), True)
    for name in os.listdir('store'):
        if name.startswith('sites.'):
            os.remove('store/' + name)
    # A store that cannot be read leaves the log.
    with open('store/sites', 'w') as file:
        file.write('x')
    learn(t, line(library, 1), status=125)
    expect('the log', os.path.exists('store/sites.log'), True)


def case_verify(t):
    library, fixed = t.library(), t.library(True)
    t('analyze', library, fixed)
    expect('same', t('sites', 'verify').stdout, f'{library}: same\n{fixed}: same\n')
    with open(library, 'r+b') as file:  # the same build-id, other code
        file.seek(offsets(library)['case_number'] - 1)
        file.write(b'\1')
    os.remove(fixed)
    expect('not', t('sites', 'verify', status=1).stdout, f'{library}: changed\n{fixed}: gone\n')
    expect('forgotten', t('sites', 'prune').stdout.count('forgotten'), 2)
    expect('nothing left', t('sites', 'list').stdout, '')


def case_verify_vsyscall(t):
    """A store that says of a file that it names no vsyscall address, which it does."""
    none = t.library()
    names = t.build('names.so', cases.assembly(False) + '.data\n.p2align 3\n.quad 0xffffffffff600400\n', '-shared')
    time.sleep(4)  # for keys
    t('analyze', none, names)
    text = t.export()
    expect('analysed', t('sites', 'verify').stdout, f'{none}: same\n{names}: same\n')
    flags = re.findall(r'^key (?:\S+ ){5}(\d+)$', text, re.M)
    expect('what keys say', sorted(flags), ['0', '1'])
    # The second says it of another file with the same build-id.
    for stat, status, wanted in (r'\1\2 1', 1, 'names the vsyscall page'), (r'\g<1>7 1', 0, 'same'):
        lie = re.sub(r'^(key (?:\S+ ){4})(\S+) 0$', stat, text, flags=re.M)
        t('sites', 'import', '-', input=lie, store=f'{status}/sites')
        lines = t('sites', 'verify', status=status, store=f'{status}/sites').stdout.splitlines()
        expect('one line for each', len(lines), 2)
        expect('the other', lines[0], f'{none}: same')
        if not lines[1].startswith(f'{names}: {wanted}'):
            raise Failed(lines[1])
    expect('forgotten', t('sites', 'prune', store='1/sites').stdout, f'{names}: forgotten\n')
    # Another key of the same file says as much.
    os.chmod(none, 0o700)
    time.sleep(4)
    learn(t, line(none, offsets(none)['case_number']))
    flags = re.findall(r'^key (?:\S+ ){5}(\d+)$', t.export().partition(none + '\n')[2].partition('\nfile')[0], re.M)
    expect('what both say', flags, ['1', '1'])


def case_prune(t):
    library, fixed = t.library(), t.library(True)
    t('analyze', library, fixed)
    site = offsets(library)['case_number']
    t('sites', 'import', '--format=paper', '-', input=f'{library},{site}\n')
    t('sites', 'prune')
    expect('both', len(t.known()), 2)
    t('sites', 'prune', '--unobserved')
    expect('one', {path: list(sites) for path, sites in t.known().items()}, {library: [site]})
    t('sites', 'prune', '--reset')
    expect('none', t.known(), {})


def case_merge(t):
    library = t.library()
    where = offsets(library)
    t('analyze', library)
    t('sites', 'import', '--format=paper', '-', input=f'{library},{where["case_number"]}\n', store='other/sites')
    t('sites', 'import', '-', input=made_up(5), store='third/sites')
    t('sites', 'merge', 'other/sites', 'third/sites')
    known = t.known()
    expect('files', len(known), 6)
    expect('observed', [offset for offset, site in known[library].items() if site['flags'] & 1], [where['case_number']])
    t('sites', 'merge', '/nowhere', status=125)


def case_content(t):
    """Without a build-id the contents are what a file is known by."""
    library = t.build('plain.so', cases.assembly(False), '-shared', '-Wl,--build-id=none')
    t('analyze', library)
    with open(library, 'rb') as file:
        wanted = 'sha256:' + hashlib.sha256(file.read()).hexdigest()
    expect('id', re.findall('^file (\\S+) ', t.export(), re.M), [wanted])
    expect('listed', 'sha256' in t('sites', 'list').stdout, True)
    with open(library, 'ab') as file:
        file.write(b'x')
    t('sites', 'verify', status=1)


def case_analyze(t):
    with open('text', 'w') as file:
        file.write('text')
    os.mkfifo('fifo')
    library = t.library()
    result = run(t.k23, 'analyze', '--store=store/sites', 'text', 'fifo', '.', '/nowhere', library)
    expect('status', result.returncode, 1)
    expect('complaints', len(result.stderr.splitlines()), 4)
    sites = t.known()[library]
    planned = sum(site['reason'] == 'PLANNED' for site in sites.values())
    expect('the line', result.stdout.startswith(f'{library}: {len(sites)} sites, {planned} planned, '), True)
    result = run(t.k23, 'analyze', '-v', '--store=store/sites', library)
    expect('lines', len(result.stdout.splitlines()), 1 + len(sites) - planned)
    expect('usage', run(t.k23, 'analyze').returncode, 125)
    expect('usage', run(t.k23, 'sites', 'nonsense').returncode, 125)


def case_go(t):
    """A Go program that was stripped says by a table of its runtime's where functions are, unless that is damaged."""
    program = os.path.join(os.path.dirname(t.elfbytes), '../goroutines')
    run('strip', '-s', '-o', 'stripped', program)
    time.sleep(3.1)  # a file without a build-id is found by what stat(2) shows, which may change for a while
    t('analyze', program, store='whole')
    t('analyze', 'stripped')
    whole, = t.known('whole').values()
    expect('plans', t.known()[os.path.realpath('stripped')], whole)
    expect('planned', sum(site['reason'] == 'PLANNED' for site in whole.values()) > 40, True)
    native = run('./stripped')
    for options in [], ['--eager']:
        result = run(t.k23, 'stat', '--json', '-o', 'report', '--sites', '--store=store/sites', *options, '--', './stripped')
        expect('as natively', (result.returncode, result.stdout), (native.returncode, native.stdout))
        with open('report') as file:
            sites = json.load(file)['sites']
        calls, fast = (sum(site[what] for site in sites) for what in ('calls', 'fast'))
    expect(f'{fast} of {calls} calls are fast', fast > 0.9 * calls, True)
    with open('stripped', 'rb') as file:
        contents = file.read()
    table = contents.index(bytes.fromhex('f0ffffff00000108'))
    for at, size in (0, 4), (4, 1), (6, 1), (7, 1), (8, 8), (24, 8), (64, 8), (int.from_bytes(
            contents[table + 64:table + 72], 'little') + 400, 4):
        for byte in b'\0', b'\x7f', b'\xff':
            with open('damaged', 'wb') as file:
                file.write(contents[:table + at] + byte * size + contents[table + at + size:])
            lines = t('analyze', 'damaged', store=f'store/{at}-{byte.hex()}').stdout
            if byte * size != contents[table + at:table + at + size]:
                expect(f'damaged at {at}', lines.startswith('damaged: 0 sites, '), True)


def case_elfbytes(t):
    for library in t.library(), t.library(True):
        result = run(t.elfbytes, library, '1000')
        expect('elfbytes', (result.returncode, result.stderr), (0, ''))
        run('strip', library)
        expect('stripped', run(t.elfbytes, library, '500').returncode, 0)


def case_learn(t):
    for program, status in (('true',), 0), (('sh', '-c', 'exit 7'), 7), (('/nowhere',), 127), \
            (('sh', '-c', 'kill -TERM $$'), -signal.SIGTERM):
        expect(program, run(t.k23, 'learn', '--store=store/sites', '--', *program).returncode, status)
    start = time.monotonic()
    run(t.k23, 'learn', '--store=store/sites', '--', 'sh', '-c', 'sleep 1 >/dev/null 2>&1 & exit 0')
    if time.monotonic() - start < 1:
        raise Failed('it did not wait for what was left behind')
    learner = subprocess.Popen([t.k23, 'learn', '--store=store/sites', '--', 'sleep', '100'], stderr=subprocess.DEVNULL)
    time.sleep(1)
    learner.terminate()
    expect('passed on', learner.wait(20), -signal.SIGTERM)


def say_begins(first, second):
    """Writes by which bytes two windows begin: those of their instructions, or of a jump."""
    return f'''mov {first}(%rip), %al
mov %al, seen(%rip)
mov {second}(%rip), %al
mov %al, seen + 1(%rip)
mov $1, %edi
lea seen(%rip), %rsi
mov $2, %edx
mov $1, %eax
site_write: syscall
'''


# Says by which bytes the windows of its first sites begin: those of their instructions, or of a jump. The second is as
# in glibc's read(), and is gone through both ways; the status is 8 if both ways lead where they should.
WITNESS = '''.globl _start
.type _start, @function
_start: .cfi_startproc
pid: mov $39, %eax
site_pid: syscall
xor %ebx, %ebx
1: mov $-1, %edi
read: cmpb $0, several(%rip)
je 2f
xor %eax, %eax
site_read: syscall
cmp $-9, %rax
jne 3f
add $7, %ebx
jmp 3f
2: inc %ebx
movb $1, several(%rip)
jmp 1b
.p2align 5
3:''' + say_begins('pid', 'read+1') + '''mov %ebx, %edi
mov $231, %eax
site_exit: syscall
.cfi_endproc
.size _start, . - _start
never: .cfi_startproc
mov $102, %eax
site_uncalled: syscall
ret
.cfi_endproc
.bss
several: .byte 0
seen: .byte 0, 0
'''


# Makes a second call only with an argument; says by which bytes the windows of both begin.
SELECTIVE = '''.globl _start
.type _start, @function
_start: .cfi_startproc
mov (%rsp), %ebx
pid: mov $39, %eax
site_pid: syscall
cmp $1, %ebx
je 1f
uid: mov $102, %eax
site_uid: syscall
1:''' + say_begins('pid', 'uid') + '''xor %edi, %edi
mov $231, %eax
site_exit: syscall
.cfi_endproc
.size _start, . - _start
.bss
seen: .byte 0, 0
'''


def case_profiles(t):
    """Of a program that was learned, only what it was seen to use is patched; of others, all that any was."""
    program = t.build('selective', SELECTIVE, '-static')
    where = {name[5:]: offset for name, offset in offsets(program).items() if name.startswith('site_')}
    with open(program, 'rb') as file:
        content = file.read()

    def selective(name, *arguments, command=('run', '--no-learn')):
        if not os.path.exists(name):
            with open(name, 'wb') as file:
                file.write(content)
            os.chmod(name, 0o755)
        result = subprocess.run([t.k23, *command, '--store=store/sites', '--', './' + name, *arguments], capture_output=True,
                                timeout=100)
        expect('status', (result.returncode, 'Sanitizer' in str(result.stderr)), (0, False))
        return result.stdout.hex()

    def programs(name):
        return {int(line.split()[14], 16) for line in t.export().splitlines()
                if line.startswith('site ') and int(line.split()[1], 16) == where[name]}.pop()

    expect('learn one', selective('one', command=['learn']), 'b8b8')
    one = programs('pid')
    expect('one group', (bin(one).count('1'), programs('uid')), (1, 0))
    # What another program uses is not patched in the first. Two names of a group are one program.
    other = next(name for name in ('two', 'three', 'four', 'five')
                 if selective(name, 'argument', command=['learn']) == 'b8b8' and programs('uid') != one)
    expect('both', programs('pid'), one | programs('uid'))
    expect('one', selective('one'), 'e9b8')
    expect('the other', selective(other), 'e9e9')
    expect('some unknown', 'e9e9' in [selective(f'unknown{n}') for n in range(5)], True)
    # Until it uses it.
    expect('uses it', selective('one', 'argument', command=['run']), 'e9b8')
    expect('has used it', selective('one', 'argument', command=['run']), 'e9e9')
    expect('its group', programs('uid') & one, one)
    # Groups go along to another store.
    with open('text', 'w') as file:
        file.write(t.export())
    t('sites', 'import', 'text', store='other')
    expect('imported', t.export('other'), t.export())
    # A process ends once: that is not worth a page.
    expect('left to the guard', programs('exit') & one, one)


def case_learned(t):
    """What one run meets, the next one finds patched."""
    program = t.build('witness', WITNESS, '-static')
    where = {name[5:]: offset for name, offset in offsets(program).items() if name.startswith('site_')}
    called = {where[name] for name in ('pid', 'read', 'write', 'exit')}

    def witness(*command):
        result = subprocess.run([t.k23, *command, '--store=store/sites', '--', program], capture_output=True, timeout=100)
        expect('status', (result.returncode, 'Sanitizer' in str(result.stderr)), (8, False))
        return result.stdout.hex(), result.stderr.decode()

    expect('unknown', witness('run', '--no-learn'), ('b83d', ''))
    expect('first', witness('learn'), ('b83d', 'k23: 4 sites in 1 files are new\n'))
    expect('known', {offset: (site['flags'] & ~STABLE, site['reason']) for offset, site in t.known()[program].items()},
           {**{offset: (3, 'PLANNED') for offset in called}, where['uncalled']: (2, 'PLANNED')})
    listed = [line.split() for line in t('sites', 'list', program).stdout.splitlines()]
    expect('listed', {int(fields[0], 16) for fields in listed if 'observed' in fields}, called)
    expect('second', witness('learn'), ('e9f8', 'k23: 0 sites in 0 files are new\n'))
    expect('run', witness('run'), ('e9f8', ''))
    expect('left to the guard', witness('run', '--no-patch'), ('b83d', ''))
    expect('known, and not noted again', os.path.exists('store/sites.log'), False)
    # A copy is the same file.
    os.rename(program, 'moved')
    with open('moved', 'rb') as file, open(program, 'wb') as copy:
        copy.write(file.read())
    os.chmod(program, 0o755)
    expect('a copy', witness('run'), ('e9f8', ''))
    # Without the learning that `run` does on the way, nothing is known; with it, the program is analysed before its first
    # run, whose log the next command takes in.
    t('sites', 'prune', '--reset')
    expect('nothing', witness('run', '--no-learn'), ('b83d', ''))
    expect('the first run', witness('run'), ('e9f8', ''))
    expect('its log', os.path.exists('store/sites.log'), True)
    expect('learned on the way', witness('run'), ('e9f8', ''))


# Writes seven bytes that are in its text, and look like a call, to the standard output; so would its own patching show.
CONSTANTS = '''.globl _start
_start: .cfi_startproc
lea 1f(%rip), %rsi
jmp 2f
1: .byte 0xb8, 39, 0, 0, 0, 0x0f, 0x05
2: mov $1, %edi
mov $7, %edx
mov $1, %eax
site_write: syscall
xor %edi, %edi
mov $231, %eax
syscall
.cfi_endproc
'''


def case_eager(t):
    """What was never observed is only patched if it is code."""
    program = t.build('constants', CONSTANTS, '-static')
    t('analyze', program)
    sites = t.known()[program]
    expect('reasons', sorted(site['reason'] for site in sites.values()), ['NOT_REACHED', 'PLANNED', 'PLANNED'])
    for options in (), ('--eager',):
        result = subprocess.run([t.k23, 'run', '--store=store/sites', '--no-learn', *options, '--', program],
                                capture_output=True, timeout=100)
        expect('output', (result.returncode, result.stdout.hex(), result.stderr), (0, 'b8270000000f05', b''))


# The begin of the window can neither be kept nor mended.
UNSTABLE = '''.globl _start
.type _start, @function
_start: .cfi_startproc
mov $39, %ebx
begin: mov %ebx, %eax
xor %edi, %edi
nop
site_pid: syscall
''' + say_begins('begin', 'begin') + '''xor %edi, %edi
mov $231, %eax
syscall
.cfi_endproc
.size _start, . - _start
.bss
seen: .byte 0, 0
'''


def case_unstable(t):
    """A window that a probe would break is only patched by --eager."""
    program = t.build('unstable', UNSTABLE, '-static')

    def unstable(*command):
        result = subprocess.run([t.k23, *command, '--store=store/sites', '--', program], capture_output=True, timeout=100)
        expect('status', result.returncode, 0)
        return result.stdout.hex()

    expect('learn', unstable('learn'), '8989')
    expect('run', unstable('run'), '8989')
    expect('eager', unstable('run', '--eager'), 'e9e9')
    expect('said', 'with --eager' in t('sites', 'show', program).stdout, True)


def case_default_path(t):
    library = t.library()
    copy_k23(t.k23, '.')  # which every user may execute
    someone = {}
    if os.geteuid() == 0:  # whose store is the system's
        someone = dict(user=NOBODY, group=NOBODY, extra_groups=[])
    for variable, where in ('XDG_CACHE_HOME', 'k23/sites'), ('HOME', '.cache/k23/sites'):
        environment = {key: value for key, value in os.environ.items() if key not in ('HOME', 'XDG_CACHE_HOME', 'K23_STORE')}
        environment[variable] = os.path.join(os.getcwd(), 'home-' + variable)
        os.mkdir(environment[variable], 0o777)
        os.chmod(environment[variable], 0o777)
        expect('status', run('./k23', 'analyze', library, env=environment, **someone).returncode, 0)
        path = os.path.join(environment[variable], where)
        expect('modes', [os.stat(p).st_mode & 0o777 for p in (path, os.path.dirname(path))], [0o644, 0o700])


def case_outdated(t):
    """A store of an older version makes room for a new one, once; what nobody may change, or is newer, stays."""
    def version(path, number):
        with open(path, 'r+b') as file:
            file.seek(8)
            file.write(struct.pack('<I', number))

    def store():
        t('analyze', library, store='store')
        version('store', 3)

    library = t.library()
    for command in ('run', '--foreign=refuse', 'true'), ('learn', '--foreign=refuse', 'true'), ('analyze', library), ('sites', 'prune'):
        store()
        first, second = t(*command, store='store').stderr, t(*command, store='store').stderr
        expect(f'{command}', ('store.old now' in first, 'older' in second, os.path.getsize('store.old') > 100), (True, False, True))
        os.unlink('store.old')
    store()
    before = os.stat('store').st_ino
    for tool in 'stat', 'doctor':  # without the store, which the variable names
        run(t.k23, *([tool] if tool == 'doctor' else [tool, '--no-learn', '--no-patch', '--', 'true']), env={**os.environ, 'K23_STORE': 'store'})
    expect('it is not used', os.stat('store').st_ino, before)
    version('store', 99)
    expect('newer', ('newer' in t('run', '--foreign=refuse', 'true', store='store').stderr, os.stat('store').st_ino), (True, before))


def case_unwritable(t):
    """Without a place for the store there is no word of it, but from who is to write there."""
    someone = {}
    os.mkdir('home', 0o755)
    copy_k23(t.k23, '.')
    if os.geteuid() == 0:
        someone = dict(user=NOBODY, group=NOBODY, extra_groups=[])
    else:
        os.chmod('home', 0o500)
    closed = os.path.abspath('closed')
    os.makedirs('closed/.cache/k23')
    os.chmod('closed', 0)
    for home in os.path.abspath('home'), '/proc/nowhere', '/dev/null', closed:
        environment = {**os.environ, 'HOME': home}
        environment.pop('K23_STORE', None)
        for _ in range(2):
            result = run('./k23', 'run', '--', 'true', env=environment, **someone)
            expect(f'run with {home}', (result.returncode, result.stderr), (0, ''))
        result = run('./k23', 'learn', '--', 'echo', 'ran', env=environment, **someone)
        expect(f'learn with {home}', (result.returncode, result.stdout, len(result.stderr.splitlines()), '--store' in result.stderr),
               (125, '', 1, True))
    os.chmod('closed', 0o700)


def case_system(t):
    """What the system's store knows counts in every user's runs, and what a user's own knows more, too."""
    need(os.geteuid() == 0 and run('unshare', '-m', 'true').returncode == 0, 'only root has a system to change')
    program = t.build('selective', SELECTIVE, '-static')
    os.mkdir('home', 0o777)
    os.chmod('home', 0o777)
    copy_k23(t.k23, '.')
    here = os.getcwd()
    become = f'HOME={here}/home setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups'
    script = f"""
        set -e
        unset K23_STORE
        mount -t tmpfs -o mode=755 none /var/lib
        cd {here}
        show() {{ od -An -tx1 -v | tr -d " "; }}
        run() {{ {become} ./k23 "$@" --no-learn -- {program} | show; }}
        run run
        ./k23 learn --system -- {program} >/dev/null
        run run
        K23_STORE=none run run
        run run --store=none
        {become} ./k23 learn -- {program} argument >/dev/null
        run run
        rm -r /var/lib/k23
        run run
        {become} ./k23 learn --system -- {program} || echo $?
        ./k23 analyze --system {program} >/dev/null
        ./k23 sites --system list | wc -l
    """
    result = run('unshare', '-m', 'sh', '-c', script)
    lines = result.stdout.splitlines()
    expect('what is patched', lines[:6], ['b8b8', 'e9b8', 'b8b8', 'b8b8', 'e9e9', 'e9e9'])
    expect('the rest', (lines[6:], 'cannot be changed: Permission denied' in result.stderr, result.returncode), (['125', '1'], True, 0))


def case_dpkg(t):
    """The example of a trigger analyses what has changed since it ran last."""
    os.makedirs('root/usr/lib/x86_64-linux-gnu')
    os.makedirs('root/lib/x86_64-linux-gnu')
    os.symlink(t.k23, 'k23')
    environment = {**os.environ, 'DPKG_ROOT': os.path.abspath('root'), 'PATH': f'{os.getcwd()}:{os.environ["PATH"]}'}

    def install(name):
        shutil.copy(t.library(), f'root/usr/lib/x86_64-linux-gnu/{name}')
        if 'other' in name:
            run('objcopy', '--remove-section=.note.gnu.build-id', f'root/usr/lib/x86_64-linux-gnu/{name}')
        time.sleep(0.05)

    def trigger():
        result = run(f'{t.source}/examples/dpkg/postinst', 'triggered', env=environment)
        expect('postinst', (result.returncode, result.stdout), (0, ''))
        return {os.path.basename(path) for path in t.known('root/var/lib/k23/sites')}

    install('libone.so.1')
    with open('root/lib/x86_64-linux-gnu/libc.so', 'w') as file:
        file.write('no library')
    expect('first', trigger(), {'libone.so.1'})
    t('sites', 'prune', '--reset', store='root/var/lib/k23/sites')
    expect('nothing new', trigger(), set())
    install('libother.so.2')
    expect('one more', trigger(), {'libother.so.2'})


def main():
    k23, elfbytes, source = (os.path.abspath(path) for path in sys.argv[1:4])
    cc, case = sys.argv[4:]
    sites = Sites(k23, elfbytes, source, cc)
    harness.main(lambda: harness.run_case(globals(), case, sites))


main()
