#!/usr/bin/python3
"""The example hooks, on real programs. usage: examples.py K23 readonly|redirect|twice"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, expect


def run(k23, hook, *program):
    return harness.run(k23, 'run', '--hook', hook, '--', *program)


# Each line: a name, what it does in "in" and "out", and what comes of it: ok or the error's name.
READONLY = r'''
import errno, os, socket, sys
os.chdir(sys.argv[1])
def attempt(name, wanted, function):
    try:
        function()
        got = 'ok'
    except OSError as error:
        got = errno.errorcode[error.errno]
    if got != wanted:
        print(f'{name}: {got}, not {wanted}')
out, inside = os.open('out', os.O_RDONLY | os.O_DIRECTORY), os.open('in', os.O_RDONLY | os.O_DIRECTORY)
def make(path, flags=os.O_WRONLY | os.O_CREAT, **options):
    os.close(os.open(path, flags, **options))
attempt('create in', 'ok', lambda: make('in/a'))
attempt('create out', 'EROFS', lambda: make('out/a'))
attempt('create by descriptor in', 'ok', lambda: make('b', dir_fd=inside))
attempt('create by descriptor out', 'EROFS', lambda: make('b', dir_fd=out))
attempt('out by way of in', 'EROFS', lambda: make('in/../out/a'))
attempt('in by way of out', 'ok', lambda: make('out/../in/a'))
attempt('nowhere', 'ENOENT', lambda: make('nowhere/a'))
attempt('write out', 'EROFS', lambda: make('out/there', os.O_RDWR))
attempt('write out, not there', 'ENOENT', lambda: make('out/a', os.O_RDWR))
attempt('truncate on opening', 'EROFS', lambda: make('out/there', os.O_TRUNC))
attempt('read out', 'ok', lambda: make('out/there', os.O_RDONLY))
attempt('read or create out', 'ok', lambda: make('out/there', os.O_RDONLY | os.O_CREAT))
attempt('create exclusively', 'EEXIST', lambda: make('out/there', os.O_RDWR | os.O_CREAT | os.O_EXCL))
attempt('O_PATH', 'ok', lambda: make('out/there', os.O_PATH))
attempt('O_TMPFILE in', 'ok', lambda: make('in', os.O_RDWR | os.O_TMPFILE))
attempt('O_TMPFILE out', 'EROFS', lambda: make('out', os.O_RDWR | os.O_TMPFILE))
attempt('device', 'ok', lambda: make('/dev/null', os.O_RDWR))
os.symlink('../out/there', 'in/link'); os.symlink('../out/new', 'in/dangling'); os.symlink('a', 'in/good')
attempt('through a link', 'EROFS', lambda: make('in/link', os.O_WRONLY))
attempt('through a dangling link', 'EROFS', lambda: make('in/dangling'))
attempt('through a good link', 'ok', lambda: make('in/good', os.O_WRONLY))
attempt('chmod through a link', 'EROFS', lambda: os.chmod('in/link', 0o600))
attempt('utime of a link', 'ok', lambda: os.utime('in/link', follow_symlinks=False))
attempt('chown of a link', 'ok', lambda: os.chown('in/link', -1, -1, follow_symlinks=False))
attempt('utime through a link', 'EROFS', lambda: os.utime('in/link'))
attempt('remove a link', 'ok', lambda: os.unlink('in/link'))
for name, function in {
        'mkdir': lambda d: os.mkdir(d + '/d'), 'mkdir, with a slash': lambda d: os.mkdir(d + '/d2/'),
        'mkdirat': lambda d: os.mkdir('d3', dir_fd=inside if d == 'in' else out),
        'mkfifo': lambda d: os.mkfifo(d + '/fifo'), 'symlink': lambda d: os.symlink('x', d + '/l'),
        'chmod': lambda d: os.chmod(d + '/there', 0o640), 'chown': lambda d: os.chown(d + '/there', -1, -1),
        'utime': lambda d: os.utime(d + '/there'), 'truncate': lambda d: os.truncate(d + '/there', 3),
        'link': lambda d: os.link(d + '/there', 'in/linked-' + d),
        'link to': lambda d: os.link('in/there', d + '/linked'),
        'rename': lambda d: os.rename(d + '/file', d + '/file2'),
        'rename from': lambda d: os.rename(d + '/file3', 'in/file4'),
        'rename to': lambda d: os.rename('in/file5' + d, d + '/file6'),
        'rename over': lambda d: os.replace('in/file7' + d, d + '/there'),
        'unlink': lambda d: os.unlink(d + '/there'), 'rmdir': lambda d: os.rmdir(d + '/empty'),
        'bind': lambda d: socket.socket(socket.AF_UNIX).bind(d + '/socket')}.items():
    attempt(name + ' in', 'ok', lambda: function('in'))
    attempt(name + ' out', 'EROFS', lambda: function('out'))
attempt('fchmod out', 'EROFS', lambda: os.fchmod(os.open('out/there', os.O_RDONLY), 0o600))
attempt('fchmod of a pipe', 'ok', lambda: os.fchmod(os.pipe()[0], 0o600))
attempt('abstract socket', 'ok', lambda: socket.socket(socket.AF_UNIX).bind(b'\0k23' + os.urandom(8)))
attempt('mkdir of what is there', 'EEXIST', lambda: os.mkdir('out'))
attempt('unlink of what is not', 'ENOENT', lambda: os.unlink('out/nothing'))
attempt('xattr out', 'EROFS', lambda: os.setxattr('out/there', 'user.k23', b'1'))
'''


def contents(directory):
    return sorted(os.path.relpath(os.path.join(where, name), directory)
                  for where, _, files in os.walk(directory) for name in files)


def case_readonly(k23, directory):
    for where in 'in', 'out':
        os.makedirs(f'{where}/empty')
        for name in 'there', 'file', 'file3':
            with open(f'{where}/{name}', 'w') as file:
                file.write('contents')
    for name in 'file5in', 'file5out', 'file7in', 'file7out':
        with open('in/' + name, 'w') as file:
            file.write('other contents')
    hook = f'readonly:root={directory}/in'
    result = run(k23, hook, sys.executable, '-c', READONLY, directory)
    expect('what went otherwise', (result.stdout, result.stderr, result.returncode), ('', '', 0))
    expect('what is outside', contents('out'), ['file', 'file3', 'there'])
    result = run(k23, hook, 'sh', '-c', f'cp in/a out/a; cp in/a in/b; mkdir -p /tmp {directory}/in/x/y; touch out/z')
    expect('commands that fail', len(re.findall('Read-only file system', result.stderr)), 2)
    expect('mkdir -p', os.path.isdir('in/x/y'), True)
    for wrong in 'readonly', 'readonly:root=in', f'readonly:root={directory}/nowhere/at/all':
        expect(wrong, run(k23, wrong, 'true').returncode, 125)


def case_redirect(k23, directory):
    os.mkdir('real')
    for name in 'hosts', 'real/file':
        with open(name, 'w') as file:
            file.write(f'this is {name}\n')
    hook = f'redirect:from=/etc/hosts,to={directory}/hosts'
    script = 'cat /etc/hosts; cd /etc; cat hosts; cat ./../etc//hosts; test -s /etc/hosts; ls hosts; wc -c < hosts'
    result = run(k23, hook, 'sh', '-c', script)
    expect('one file', result.stdout, 3 * 'this is hosts\n' + 'hosts\n14\n')
    expect('others', run(k23, hook, 'cat', '/etc/hostname').stdout, open('/etc/hostname').read())
    hook = f'redirect:from=/not/there,to={directory}/real'
    script = ('cat /not/there/file; cp /not/there/file /not/there/copy; mv /not/there/copy /not/there/moved;'
              'ln /not/there/moved /not/there/linked; mkdir /not/there/dir; cd /not/there && pwd -P; ls')
    result = run(k23, hook, 'sh', '-c', script)
    expect('a directory', result.stdout, f'this is real/file\n{directory}/real\ndir\nfile\nlinked\nmoved\n')
    result = run(k23, hook, 'cat', '/not/there2')
    expect('a longer name', 'No such file' in result.stderr, True)
    result = run(k23, 'redirect:from=/not/echo,to=/bin/echo', 'sh', '-c', '/not/echo executed')
    expect('execve', result.stdout, 'executed\n')
    result = run(k23, hook, sys.executable, '-c', 'import socket\nfor call in "bind", "connect":\n'
                 '    s = socket.socket(socket.AF_UNIX)\n    getattr(s, call)("/not/there/s")\n'
                 '    if call == "bind": s.listen(); keep = s\nprint("connected")')
    expect('sockets', (result.stdout, result.stderr), ('connected\n', ''))
    for wrong in 'redirect', 'redirect:from=/x', 'redirect:from=x,to=/y', 'redirect:from=/,to=/y':
        expect(wrong, run(k23, wrong, 'true').returncode, 125)


TWICE = '''
import ctypes, time
libc = ctypes.CDLL(None)
clocks = time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_MONOTONIC_RAW, time.CLOCK_BOOTTIME, 5, 6
def all_clocks():
    seconds = [time.clock_gettime(clock) for clock in clocks]
    t = (ctypes.c_long * 2)()
    libc.syscall(96, t, None)
    seconds.append(t[0] + t[1] / 1e6)
    return seconds
before, cpu = all_clocks(), time.process_time()
time.sleep(1)
print(*(b - a for a, b in zip(before, all_clocks())), time.process_time() - cpu)
print(time.time() - libc.syscall(201, None))
'''


def case_twice(k23, directory):
    elapsed = time.monotonic()
    result = run(k23, 'twice', sys.executable, '-c', TWICE)
    elapsed = time.monotonic() - elapsed
    first, second = result.stdout.splitlines()
    *clocks, cpu = map(float, first.split())
    for clock in clocks:
        if not 1.98 <= clock < 2.2 + elapsed:
            raise Failed(f'a second of sleep took {clock} s of some clock: {clocks}')
    if cpu > 0.5:
        raise Failed(f'the processor time is {cpu} s')
    if not 0 <= float(second) < 1.5:
        raise Failed(f'time() is {second} s before clock_gettime()')
    ago = int(time.time()) - 3600
    result = run(k23, f'twice:since={ago}', 'sh', '-c', 'date +%s; date +%s')
    for line in result.stdout.splitlines():
        if not 3500 < int(line) - time.time() < 3700:
            raise Failed(f'{line} is not an hour ahead of {time.time()}')
    expect('a wrong option', run(k23, 'twice:since=tomorrow', 'true').returncode, 125)


def main():
    k23 = os.path.abspath(sys.argv[1])
    harness.main(lambda: harness.run_case(globals(), sys.argv[2], k23, os.getcwd()))


main()
