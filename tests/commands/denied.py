#!/usr/bin/python3
"""k23 where the machine denies it something: it works all the same, or says what is denied. usage: denied.py K23 CASE"""
import ctypes
import errno
import json
import os
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import copy_k23, expect, need, run

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_MDWE = 38, 22, 65
NUMBERS = {'shmget': 29, 'shmat': 30, 'ptrace': 101, 'prctl': 157, 'process_vm_readv': 310, 'process_vm_writev': 311,
           'pidfd_getfd': 438, 'memfd_create': 319}
libc = ctypes.CDLL(None, use_errno=True)


class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('code', ctypes.c_void_p)]


def deny(*names, error=errno.EPERM, mdwe=False, kill=False):
    """Runs in the child: a seccomp filter under which these calls fail, or kill, and perhaps PR_SET_MDWE."""
    def apply():
        code = [(0x20, 0, 0, 0)]
        for name in names:
            code += [(0x15, 0, 1, NUMBERS[name]), (0x06, 0, 0, 0x80000000 if kill else 0x50000 | error)]
        code += [(0x06, 0, 0, 0x7fff0000)]
        code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in code))
        program = Program(len(code) // 8, ctypes.addressof(code))
        if mdwe and libc.prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), 'PR_SET_MDWE')
        if names and (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                      or libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0) != 0):
            raise OSError(ctypes.get_errno(), 'PR_SET_SECCOMP')
    return apply


class Denied:
    def __init__(self, k23):
        self.k23 = k23

    def run(self, *arguments, how, **more):
        """Status, output and the lines of messages."""
        result = run(self.k23, *arguments, preexec_fn=how, **more)
        return result.returncode, result.stdout, result.stderr.splitlines()


def case_memory(t):
    """process_vm_readv and process_vm_writev: the helper reads and writes word by word, hooks page by page."""
    long = '/' + 'x/' * 1900
    for error in errno.EPERM, errno.ENOSYS:
        how = deny('process_vm_readv', 'process_vm_writev', error=error)
        expect('echo', t.run('run', '--hook', 'null', '--', 'echo', 'hi', how=how), (0, 'hi\n', []))
        # Without a segment the whole bundle is written by the helper.
        how = deny('process_vm_readv', 'process_vm_writev', 'shmget', error=error)
        expect('copied', t.run('run', '--hook', 'null', '--', 'sh', '-c', 'echo a; env echo b', how=how), (0, 'a\nb\n', []))
    how = deny('process_vm_readv', 'process_vm_writev')
    with open('file', 'w') as file:
        file.write('found')
    options = f'redirect:from={long}file,to={os.getcwd()}/file'
    expect('a long path', t.run('run', '--hook', options, '--', 'cat', long + 'file', how=how), (0, 'found', []))


def case_dispatch(t):
    """A prctl that is denied is not a kernel without Syscall User Dispatch."""
    status, _, lines = t.run('run', '--', 'true', how=deny('prctl'))
    expect('prctl', (status, len(lines), 'prctl' in lines[0] and 'denied' in lines[0]), (125, 1, True))


def lost_segments():
    """How many System V segments there are that nobody has attached."""
    with open('/proc/sysvipc/shm') as file:
        rows = [line.split() for line in file][1:]
    return sum(row[6] == '0' for row in rows)


def case_killed(t):
    """A filter that kills who calls: the helper of an execve is missed at once, and tries leave nothing behind."""
    for names in ('ptrace',), ('shmget',), ('shmat',), ('ptrace', 'shmat'), ('pidfd_getfd',):
        expect(names, t.run('run', '--hook', 'null', '--', 'sh', '-c', 'env echo hi', how=deny(*names, kill=True),
                            timeout=20), (0, 'hi\n', []))
    status, _, lines = t.run('run', '--', 'true', how=deny('ptrace', 'memfd_create', kill=True))
    expect('no way', (status, 'ptrace is denied' in lines[0]), (126, True))
    status, _, lines = t.run('run', '--', 'true', how=deny('process_vm_readv', kill=True))
    expect('memory', (status, len(lines), 'process_vm_readv' in lines[0]), (125, 1, True))


def case_nothing_left(t):
    """A child that is killed while it tries a segment leaves none, in an IPC namespace where there is no other."""
    need(os.geteuid() == 0, 'only root can have an IPC namespace')
    need(libc.unshare(0x08000000) == 0, 'there are no IPC namespaces')
    for command in ('run', '--', 'true'), ('doctor',):
        t.run(*command, how=deny('shmat', kill=True))
        expect(command, lost_segments(), 0)


def case_executable(t):
    need(libc.prctl(PR_SET_MDWE + 1, 0, 0, 0, 0) >= 0, 'the kernel has no PR_SET_MDWE')
    for names in (), ('shmget',), ('process_vm_writev', 'shmat'):
        expect(names, t.run('run', '--hook', 'null', '--', 'echo', 'hi', how=deny(*names, mdwe=True)), (0, 'hi\n', []))
    status, _, lines = t.run('run', '--hook', 'null', '--', 'true', how=deny('ptrace', mdwe=True))
    expect('no helper', (status, 'PR_SET_MDWE' in lines[0] and 'ptrace' in lines[0]), (126, True))


def case_moved(t):
    """An installation that was moved finds its hooks without /proc, too; if it does not, it says where it looked."""
    need(os.geteuid() == 0, 'only root can unmount /proc')
    here = os.path.dirname(t.k23)
    os.makedirs('moved/hooks')
    copy_k23(t.k23, 'moved')
    shutil.copy(f'{here}/hooks/null.so', 'moved/hooks')
    without = 'mount -t tmpfs none /proc && exec "$@"'
    hidden = ('unshare', '-m', 'sh', '-c', without, 'sh')
    for name in os.path.abspath('moved/k23'), './moved/k23':
        result = run(*hidden, name, 'run', '--hook', 'null', '--', 'echo', 'hi')
        expect(f'{name} without /proc', (result.returncode, result.stdout, result.stderr), (0, 'hi\n', ''))
    result = run('moved/k23', 'run', '--hook', 'nothing', '--', 'true')
    expect('what is not there', (result.returncode, os.path.abspath('moved/hooks') in result.stderr), (125, True))


def case_shared(t):
    """stat and trace with whatever memory there is to share; without any they say what is denied."""
    need(doctor(t)[1]['sharing'][0] == 'ok', 'the memory can only be a System V segment here')

    def report(*names, status=0):
        got, _, lines = t.run('stat', '--json', '-o', 'stat', '--', 'sh', '-c', 'true; env true', how=deny(*names))
        falls_back = status == 0 and bool({'memfd_create', 'pidfd_getfd'} & set(names))
        expect(names, (got, len(lines)), (status, 1 if status or falls_back else 0))
        expect(names, falls_back, any('System V segment' in line for line in lines if not status))
        if status:
            return lines[0]
        with open('stat') as file:
            counted = json.load(file)
        expect(names, (counted['programs'], counted['missed']), (3, 0))
        return counted

    for names in ('shmget',), ('shmat',), ('memfd_create',), ('pidfd_getfd',), ('ptrace',), ('ptrace', 'shmat'), ('ptrace', 'pidfd_getfd'):
        report(*names)
    cut = 'for f in /proc/$PPID/fd/*; do case $(readlink $f) in /memfd:k23*) truncate -s 0 $f;; esac; done 2>/dev/null'
    got = t.run('stat', '-o', '/dev/null', '--', 'sh', '-c', f'{cut}; env echo hi', how=None)
    expect('a program that cuts the memory off', got, (0, 'hi\n', []))
    said = report('shmat', 'pidfd_getfd', status=125)
    expect('both', ('pidfd_getfd' in said, 'shmat' in said), (True, True))


def case_few_segments(t):
    """Where the kernel has segments for one run only, others at once work, too."""
    need(os.geteuid() == 0, 'only root may set kernel.shmmni')
    need(doctor(t)[1]['sharing'][0] == 'ok', 'the memory can only be a System V segment here')
    script = 'echo 1 >/proc/sys/kernel/shmmni && for i in 1 2 3 4 5 6; do "$0" "$@" & done; wait'
    for command, wanted in (('run', '--hook', 'null', '--', 'sh', '-c', 'sleep 0.3; env echo hi'), ['hi'] * 6), \
            (('stat', '-j', '-o', '/dev/null', '--', 'sh', '-c', 'sleep 0.3; env echo hi'), ['hi'] * 6):
        result = run('unshare', '-i', 'sh', '-c', script, t.k23, *command)
        expect(command, (result.stdout.split(), result.stderr), (wanted, ''))
    tiny = 'echo 4096 >/proc/sys/kernel/shmmax && exec "$0" "$@"'
    result = run('unshare', '-i', 'sh', '-c', tiny, t.k23, 'trace', '-e', 'write', '--', 'env', 'echo', 'hi')
    expect('shmmax', (result.returncode, result.stdout, 'write(1, "hi' in result.stderr), (0, 'hi\n', True))


def doctor(t, how=None, prefix=(), k23=None):
    """The status, and the verdict and the texts of each line."""
    result = run(*prefix, k23 or t.k23, 'doctor', '--json', preexec_fn=how)
    expect('stray lines', result.stderr, '')
    report = json.loads(result.stdout)
    expect('works', report['works'], result.returncode == 0)
    return result.returncode, {line['name']: (line['verdict'], f"{line['tried']} / {line['means']} / {line['todo']}")
                               for line in report['tools'] + report['machine']}


def case_doctor(t):
    """Each tool is tried, and what is denied is named, with what it means and what to do."""
    tools = 'run', 'stat', 'trace', 'record', 'patching'
    status, lines = doctor(t)
    expect('as it is', (status, [lines[tool][0] for tool in tools]), (0, ['ok'] * 5))
    need(lines['sharing'][0] == 'ok' and lines['ptrace'][0] == 'ok', f"more is denied here: {lines['sharing']}")
    for names, name, words, wrong in (
            (('shmat',), 'segments', ('shmat', 'the runtime', 'filter'), ()),
            (('pidfd_getfd',), 'sharing', ('pidfd_getfd', 'IPC namespaces'), ('record',)),
            (('ptrace',), 'ptrace', ('PTRACE_SEIZE', '/proc/PID/exe', 'SYS_PTRACE'), ()),
            (('process_vm_readv',), 'memory', ('process_vm_readv', 'longer', 'filter'), ()),
            (('prctl',), 'dispatch', ('prctl', 'nothing can be interposed', 'filter'), tools),
            (('shmget', 'pidfd_getfd'), 'segments', ('shmget',), ('stat', 'trace', 'record', 'patching'))):
        status, lines = doctor(t, deny(*names))
        expect(names, (status, lines[name][0] != 'ok', [word for word in words if word not in lines[name][1]]),
               (125 if 'run' in wrong else 0, True, []))
        expect(f'{names}: tools', [tool for tool in tools if lines[tool][0] != 'ok'], list(wrong))
        expect(f'{names}: raw numbers', [text for _, text in lines.values() if '0x' in text], [])
    status, lines = doctor(t, deny('process_vm_readv', kill=True))
    expect('killed', (status, 'process_vm_readv' in lines['run'][1]), (125, True))
    table = run(t.k23, 'doctor', preexec_fn=deny('shmat')).stdout
    expect('table', 'to do: raise kernel.shmmax' in table, True)


def case_doctor_elsewhere(t):
    """With nothing but k23 and its hooks, and with small segments."""
    need(os.geteuid() == 0, 'only root may chroot')
    os.makedirs('root/hooks')
    os.mkdir('root/proc')
    for tool in 'stat', 'trace':
        shutil.copy(f'{os.path.dirname(t.k23)}/hooks/{tool}.so', 'root/hooks')
    copy_k23(t.k23, 'root')
    for line in run('ldd', t.k23 + '-tool').stdout.splitlines():
        library = next((word for word in line.split() if word.startswith('/')), None)
        if library:
            os.makedirs('root' + os.path.dirname(library), exist_ok=True)
            shutil.copy(library, 'root' + library)
    tiny = 'echo 4096 >/proc/sys/kernel/shmmax && exec "$0" "$@"'
    proc = 'mount -t proc proc root/proc && exec chroot root "$0" "$@"'
    for prefix, k23, wrong in (('chroot', 'root'), '/k23', {'record', 'patching', 'proc'}), \
            (('unshare', '-m', 'sh', '-c', proc), '/k23', set()), \
            (('unshare', '-i', 'sh', '-c', tiny), t.k23, {'segments'}):
        status, lines = doctor(t, prefix=prefix, k23=k23)
        machine = {'vsyscall', 'io_uring', 'x32', 'fsgsbase', 'store'}
        amiss = {name for name, line in lines.items() if line[0] != 'ok'} - machine
        expect(prefix, (status, amiss), (0, wrong))
    os.mkdir('store')
    frozen = 'mount -t tmpfs -o ro none store && K23_STORE=$PWD/store/sites exec "$0" "$@"'
    verdict, texts = doctor(t, prefix=('unshare', '-m', 'sh', '-c', frozen))[1]['store']
    expect('store', (verdict, 'cannot be written' in texts, 'nothing is learned' in texts), ('limited', True, True))
    left = {'hooks', 'k23', 'k23-tool', 'lib', 'lib64', 'proc', 'usr'}
    expect('left behind', [name for name in os.listdir('root') if name not in left], [])


def main():
    k23 = os.path.abspath(sys.argv[1])
    harness.main(lambda: harness.run_case(globals(), sys.argv[2], Denied(k23)))


if __name__ == '__main__':
    main()
