"""What a program does with files of one directory, argv[1], and what it is told. It knows nothing of k23."""
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import sqlite3
import struct
import subprocess
import sys
from array import array

MEM = sys.argv[1]
OUTSIDE = os.path.dirname(MEM) + "/outside"
libc = ctypes.CDLL(None, use_errno=True)


def tell(what, function, *arguments, **named):
    try:
        result = function(*arguments, **named)
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(what, result)


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def write(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def read(path, **named):
    with open(path, **named) as file:
        return file.read()


def link_of(fd):
    return os.readlink(f"/proc/self/fd/{fd}").split("#")[0]


def files():
    os.mkdir(MEM + "/d", 0o750)
    write(MEM + "/d/f", "text\n", 0o640)
    status = os.stat(MEM + "/d/f")
    print(oct(status.st_mode), status.st_nlink, status.st_uid == os.geteuid(), status.st_gid == os.getegid(), status.st_size)
    os.utime(MEM + "/d/f", (1, 2))
    os.truncate(MEM + "/d/f", 2)
    print(os.stat(MEM + "/d/f").st_atime, read(MEM + "//d/./f"))
    for name in "R_OK", "W_OK", "X_OK":
        print(name, os.access(MEM + "/d/f", getattr(os, name)))
    os.link(MEM + "/d/f", MEM + "/d/g")
    os.rename(MEM + "/d/g", MEM + "/g")
    print(sorted(os.listdir(MEM)), os.stat(MEM + "/g").st_nlink, os.path.samefile(MEM + "/g", MEM + "/d/f"))
    write(OUTSIDE + "/o", "outside")
    for one, other in ((MEM + "/g", OUTSIDE + "/g"), (OUTSIDE + "/o", MEM + "/o")):
        tell("rename across", os.rename, one, other)
        tell("link across", os.link, one, other)
    with open(MEM + "/g", "a+") as first, open(MEM + "/g", "a+") as second:
        first.write("1"), first.flush(), second.write("2"), second.flush()
        fcntl.flock(first, fcntl.LOCK_EX)
        tell("lock", fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(MEM + "/g")
        first.seek(0)
        print(first.read(), os.fstat(first.fileno()).st_nlink, link_of(first.fileno()).replace("2 ", " "))
    fd = os.open(MEM + "/d", os.O_TMPFILE | os.O_RDWR)
    os.write(fd, b"nameless")
    print(link_of(fd))
    libc.linkat(-100, b"/proc/self/fd/%d" % fd, -100, MEM.encode() + b"/named", 0x400)
    print(read(MEM + "/named"))
    with open(MEM + "/named", "r+b") as file, mmap.mmap(file.fileno(), 0) as shared, \
            mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as private:
        shared[:4] = b"MORE"
        private[:4] = b"less"
        print(private[:], read(MEM + "/named"))
    for what, function, arguments in (
            ("no directory", os.open, (MEM + "/d/f/x", 0)), ("slash", os.stat, (MEM + "/d/f/",)), ("none", os.stat, (MEM + "/no",)),
            ("new", os.open, (MEM + "/d/f", os.O_CREAT | os.O_EXCL)), ("full", os.rmdir, (MEM + "/d",)),
            ("long", os.stat, (MEM + "/" + "x" * 256,)), ("directory", os.unlink, (MEM + "/d",)),
            ("file", os.rmdir, (MEM + "/d/f",)), ("below", os.rename, (MEM + "/d", MEM + "/d/e"))):
        tell(what, function, *arguments)
    if os.geteuid() == 0:
        os.mknod(MEM + "/fifo", 0o600 | 0o10000)
        print(oct(os.stat(MEM + "/fifo").st_mode))


def directories():
    os.makedirs(MEM + "/a/b/c")
    write(MEM + "/a/b/f", "deep")
    directory = os.open(MEM + "/a", os.O_DIRECTORY)
    print(link_of(directory), read("b/f", opener=lambda path, flags: os.open(path, flags, dir_fd=directory)))
    print(sorted(os.listdir(directory)), os.stat("..", dir_fd=directory).st_ino == os.stat(MEM).st_ino,
          os.stat("../..", dir_fd=directory).st_ino == os.stat(os.path.dirname(MEM)).st_ino)
    os.symlink("b/f", "short", dir_fd=directory)
    os.rename("short", "renamed", src_dir_fd=directory, dst_dir_fd=directory)
    print(os.readlink("renamed", dir_fd=directory), os.stat("renamed", dir_fd=directory).st_size)
    os.chdir(MEM)
    print(os.getcwd(), os.readlink("/proc/self/cwd"))
    os.chdir("a/b/c")
    print(os.getcwd(), os.listdir("../../../a/b/.."), sorted(os.listdir("../../../../outside")))
    os.fchdir(directory)
    print(os.getcwd(), read("b/f"), subprocess.run(["pwd", "-P"], capture_output=True).stdout)
    for size in len(MEM) + 2, len(MEM) + 3:
        buffer = ctypes.create_string_buffer(size)
        tell("getcwd", lambda: call(79, buffer, size))
    os.chdir("../..")
    print(os.getcwd(), os.path.basename(MEM), read(os.path.basename(MEM) + "/a/b/f"))
    os.chdir(MEM + "/a/..")
    print(os.getcwd())
    os.chdir(MEM + "/..")
    print(os.getcwd())
    for flags in 0, 1, 2, 4, 8, 16:  # RESOLVE_*
        for start, path in ((-100, MEM + "/a/b/f"), (directory, "b/f"), (directory, "../a/b/f"), (directory, "renamed"), (directory, "/b/f")):
            try:
                opened = call(437, start, path.encode(), struct.pack("QQQ", 0, 0, flags), 24)
            except OSError as error:
                print(flags, path, errno.errorcode[error.errno])
                continue
            print(flags, path, opened, os.read(opened, 9))
            os.close(opened)
    os.close(directory)
    for function, arguments in ((os.mkdir, (MEM,)), (os.rmdir, (MEM,)), (os.rename, (MEM, MEM + "x")), (os.rename, (OUTSIDE, MEM)),
                                (os.mkdir, (os.path.basename(MEM),)), (os.symlink, ("x", MEM)), (os.link, (OUTSIDE + "/o", MEM)),
                                (os.unlink, (MEM,)), (os.open, (MEM, os.O_CREAT | os.O_WRONLY))):
        tell(function.__name__, function, *arguments)


def links():
    write(MEM + "/f", "inside")
    write(OUTSIDE + "/o", "outside")
    os.mkdir(MEM + "/sub")
    for name, target in (("absolute", MEM + "/f"), ("out", OUTSIDE + "/o"), ("up", "../outside/o"), ("twice", "absolute"),
                         ("self", MEM + "/sub"), ("round", "../outside/in/f"), ("loop", "loop"), ("nowhere", MEM + "/none"), ("dots", "..")):
        os.symlink(target, MEM + "/" + name)
    os.symlink(MEM, OUTSIDE + "/in")
    os.symlink(MEM + "/f", OUTSIDE + "/file")
    os.symlink(MEM + "/made", OUTSIDE + "/made")
    os.symlink("../" + os.path.basename(MEM) + "/sub", OUTSIDE + "/sub")
    for path in [MEM + "/" + name for name in ("absolute", "out", "up", "twice", "round", "loop", "nowhere", "self/../f", "dots/outside/o")] + \
            [OUTSIDE + "/" + name for name in ("in/f", "file", "in/out", "in/up", "sub/../f", "sub/../self/../twice", "in/../outside/o")]:
        tell(path, read, path)
    for path in MEM + "/self", OUTSIDE + "/in", OUTSIDE + "/sub", MEM + "/dots", OUTSIDE + "/in/..", MEM + "/self/":
        os.chdir(path)
        print(path, os.getcwd(), os.path.islink(path), os.path.realpath(path))
    write(OUTSIDE + "/made", "made")
    write(MEM + "/nowhere", "now")
    tell("exclusive", os.open, OUTSIDE + "/made", os.O_CREAT | os.O_EXCL)
    tell("no link", os.open, MEM + "/absolute", os.O_NOFOLLOW)
    tell("onto", os.open, OUTSIDE + "/in", os.O_CREAT | os.O_WRONLY)
    print(read(MEM + "/made"), sorted(os.listdir(MEM)))
    os.unlink(MEM + "/absolute")
    os.rename(OUTSIDE + "/in/f", OUTSIDE + "/in/sub/f")
    print(read(MEM + "/sub/f"), sorted(os.listdir(OUTSIDE)))


def entries():
    """Calls that make or remove what a path ends with: no link is followed there, nor dots."""
    os.makedirs(MEM + "/real/e/f")
    os.makedirs(OUTSIDE + "/real")
    write(MEM + "/file", "x")
    for name, target in (("link", MEM + "/real"), ("up", MEM + "/real/e"), ("dangling", MEM + "/new"), ("relative", "real"),
                         ("out", OUTSIDE + "/real"), ("to", MEM + "/file")):
        os.symlink(target, MEM + "/" + name)
    os.symlink(MEM + "/real/e/f", OUTSIDE + "/in")
    directory = os.open(MEM, os.O_DIRECTORY)
    os.chdir(MEM)
    across = "../" + os.path.basename(MEM) + "/"
    for start in MEM + "/", across, MEM + "/link/../", MEM + "/../" + os.path.basename(MEM) + "/", "":
        for end in "link/", "link//", "link/.", "up/..", "link/..", "dangling/", "relative/", "out/", "to/", "real/.", "up/.", "file/", "file/.":
            path = start + end
            for function in os.rmdir, os.unlink, os.mkdir, os.mkfifo:
                tell(f"{function.__name__} {path}", function, path)
            tell("rename " + path, os.rename, path, MEM + "/moved")
            tell("rename to " + path, os.rename, MEM + "/file", path)
            tell("rename onto " + path, os.rename, MEM + "/real/e/f", path)
            tell("link to " + path, os.link, MEM + "/file", path)
            tell("link following to " + path, os.link, MEM + "/to", path, follow_symlinks=True)
            tell("symlink " + path, os.symlink, "x", path)
            tell("bind " + path, socket.socket(socket.AF_UNIX).bind, path)
            tell("unlinkat " + path, os.unlink, path, dir_fd=directory)
            tell("rmdir at " + path, os.rmdir, path, dir_fd=directory)
            tell("exclusive " + path, os.open, path, os.O_CREAT | os.O_EXCL)
            for function in os.stat, os.lstat:
                tell(f"{function.__name__} {path}", lambda: oct(function(path).st_mode))
    for path in OUTSIDE + "/in/", OUTSIDE + "/in/..", OUTSIDE + "/in/.":
        tell("rmdir " + path, os.rmdir, path)
        tell("rename " + path, os.rename, path, MEM + "/moved")
    libc.linkat(-100, (MEM + "/file").encode(), -100, (MEM + "/dangling").encode(), 0x400)
    for directory, directories, names in sorted(os.walk(MEM)):
        print(directory, sorted(directories), sorted(names))
    print(sorted(os.listdir(OUTSIDE)))


def borders():
    """The errors of paths that are followed across the border."""
    os.makedirs(MEM + "/d/e")
    write(MEM + "/f", "inside")
    write(OUTSIDE + "/o", "outside")
    os.mkdir(MEM + "/chain")
    write(MEM + "/chain/0", "end")
    for i in range(1, 43):
        os.symlink(f"{MEM}/chain/{i - 1}", f"{MEM}/chain/{i}")
    for name, target in (("one", MEM + "/other"), ("other", MEM + "/one"), ("slash", MEM + "/f/"), ("directory", MEM + "/d/"),
                         ("file", MEM + "/f"), ("short", "f/../..")):
        os.symlink(target, MEM + "/" + name)
    os.symlink(MEM + "/one", OUTSIDE + "/loop")
    os.chdir(MEM)
    name = os.path.basename(MEM)
    for path in ["one", "one/", "one/x", "one/..", f"../{name}/one", OUTSIDE + "/loop", *(f"chain/{i}" for i in (39, 40, 41, 42)),
                 "f/..", "f/.", "f/../..", f"f/../../{name}/f", f"../{name}/f/.", f"../{name}/f/..", f"../{name}/f/", f"../{name}/d/..",
                 "../outside/o/..", f"../outside/o/../../{name}/f", "slash", "slash/..", "directory", "directory/../f", "file/.", "file/../f",
                 "file/..", "short", "d/none/..", "d/none/../../..", f"../{name}/none/../f", "d/e/../../..", f"../outside/none/../../{name}/f",
                 "../" * 99 + "proc/x", "d/../../outside/o"]:
        for start in "", MEM + "/":
            for function in os.stat, os.lstat, os.chdir, os.rmdir:
                tell(f"{function.__name__} {start}{path}", lambda: function(start + path) and oct(function(start + path).st_mode))
                os.chdir(MEM)
            for flags in os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.O_NOFOLLOW:
                tell(f"open {flags} {start}{path}", lambda: os.close(os.open(start + path, flags)))
            tell(f"execute {start}{path}", os.execv, start + path, ["x"])
            if len(start + path) < 90:
                tell(f"connect {start}{path}", socket.socket(socket.AF_UNIX).connect, start + path)
    for start in MEM + "/", f"../{name}/", MEM + "/directory/../":
        for middle, end in ("./", "f"), ("/", "f"), ("./", "f/"), ("./", "f/."), (".//", "d/"), ("./", "d/../f"), ("./", "d/."):
            size = 4095 - len(start + end)
            path = start + size // len(middle) * middle + size % len(middle) * "/" + end
            tell(f"long {start} {middle} {end}", lambda: len(path) == 4095 and oct(os.stat(path).st_mode))
            tell("longer", os.stat, path + "/")
    if os.geteuid() != 0:
        os.chmod(MEM + "/d", 0o600)
        tell("no search", os.stat, "d/../../outside")
    # What comes first: flags, and the first of two paths.
    link = os.open(OUTSIDE + "/loop", os.O_PATH | os.O_NOFOLLOW)
    file = os.open(MEM + "/f", os.O_RDONLY)
    for start, path in (-100, MEM + "/one"), (-100, OUTSIDE + "/loop"), (-100, "f/../../x"), (-100, "d/e/../../../outside/o"), (file, "../d"), (file, "d"):
        path = path.encode()
        status = ctypes.create_string_buffer(256)
        for number, arguments in ((262, (status, 1)), (265, (-100, b"new", 8)), (268, (0o644,)), (439, (0, 1)), (257, (os.O_TMPFILE,)), (437, ((ctypes.c_uint64 * 3)(0, 1, 0), 24)),
                                  (316, (-100, b"new", 9)), (316, (-100, b"new/..", 1)), (260, (0, 0, 1)), (280, (None, 1)), (332, (1, 0, status)), (258, (0o755,)), (263, (1,))):
            tell(f"{number} {start} {path}", call, number, start, path, *arguments)
        for first in b"one/x", b"none", b"none/x", b"f", b"f/x", b"f/..", b"../outside/o", b"../outside/none":
            for number, flags in (316, 0), (316, 1), (316, 2), (316, 8), (265, 0), (265, 1):
                tell(f"{number} {first} {start} {path} {flags}", call, number, -100, first, start, path + b"/..", flags)
    for first in "none", "../outside/none", "../none", f"../{name}/../none", f"../{name}/none", "f", "../outside/o", "../outside", "../outside/o/":
        for flags in 0, 1, 2, 4:
            tell(f"rename {first} {flags}", call, 316, -100, first.encode(), -100, MEM.encode(), flags)
            tell(f"rename {first} {flags}", call, 316, -100, MEM.encode(), -100, first.encode(), flags)
    # A link of /proc to a link is not followed further.
    tell("a link itself", os.stat(f"/proc/self/fd/{link}", follow_symlinks=True).st_size.__eq__, len(MEM + "/one"))
    tell("a link itself", os.link, f"/proc/self/fd/{link}", "d/..", follow_symlinks=True)
    print(sorted(os.listdir(MEM)), sorted(os.listdir(OUTSIDE)), sorted(os.listdir(MEM + "/d")))


def magic():
    """Links of /proc that lead into the file system: what is behind them crosses the border as everywhere."""
    os.makedirs(MEM + "/x/y")
    write(MEM + "/x/f", "inside")
    write(OUTSIDE + "/o", "outside")
    os.mkdir(MEM + "/gone")
    directory, deep, gone, beside = (os.open(path, os.O_RDONLY) for path in (MEM, MEM + "/x/y", MEM + "/gone", OUTSIDE))
    nameless = os.open(MEM, os.O_TMPFILE | os.O_RDWR)
    os.write(nameless, b"nameless")
    os.rmdir(MEM + "/gone")
    os.symlink(f"/proc/self/fd/{deep}", OUTSIDE + "/ordinary")
    os.chdir(MEM)
    for linked in False, True:
        for start in "cwd", f"fd/{directory}", f"fd/{deep}", f"fd/{beside}", f"fd/{gone}", f"fd/{nameless}":
            for end in ("", "/", "/.", "/..", "/../..", "/../../..", "/l/f", "/../../l/f", "/dots/../outside/o", "/out", "/../outside/o",
                        f"/../{os.path.basename(MEM)}/x/f", "/none", "/x/../../outside", "/in/f"):
                if str(gone) in start and "/../.." in end:
                    continue
                for before in "/proc/self/", "/proc/thread-self/", f"/proc/{os.getpid()}/":
                    path = before + start + end
                    for function in os.stat, os.lstat:
                        tell(f"{function.__name__} {start}{end}", lambda: (oct(function(path).st_mode), function(path).st_size * ("f" in end)))
                    tell(f"the same {start}{end}", lambda: [os.path.samefile(path, other) for other in (MEM, MEM + "/..", MEM + "/x", OUTSIDE)])
        tell("nameless", read, f"/proc/self/fd/{nameless}")
        tell("nameless", os.link, f"/proc/self/fd/{nameless}", f"{MEM}/named {linked}")
        tell("ordinary", os.readlink, OUTSIDE + "/ordinary")
        tell("a link to a link", os.path.samefile, OUTSIDE + "/ordinary/", MEM + "/x/y")
        for name, target in ("l", MEM + "/x"), ("dots", ".."), ("out", OUTSIDE + "/o"), ("by", f"/proc/self/fd/{deep}"):
            tell("symlink", os.symlink, target, f"/proc/self/fd/{directory}/{name}")
            tell("symlink", os.symlink, target, f"/proc/self/cwd/{name}")
        os.path.lexists(OUTSIDE + "/in") or os.symlink(MEM + "/x", OUTSIDE + "/in")
    tell("by", os.path.samefile, MEM + "/by/../f", MEM + "/x/f")
    for resolve in 0, 2, 4, 6:  # RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS
        for end in "x/f", "l/f", "out", "x/../x/f":
            how = (ctypes.c_uint64 * 3)(os.O_PATH, 0, resolve)
            tell(f"openat2 {resolve} {end}", lambda: call(437, -100, f"/proc/self/cwd/{end}".encode(), how, 24) > 2)
    os.mkdir("/proc/self/cwd/l/made")
    write("/proc/self/cwd/l/g", "g")
    tell("rmdir", os.rmdir, f"/proc/self/fd/{deep}/../../l/")
    print(sorted(os.listdir(MEM)), sorted(os.listdir(MEM + "/x")), sorted(os.listdir(OUTSIDE)))


def resolve():
    """openat2, with all its flags for the way of a path."""
    os.makedirs(MEM + "/x/y")
    os.mkdir(OUTSIDE + "/d")
    write(MEM + "/x/f", "inside")
    write(OUTSIDE + "/o", "outside")
    name = os.path.basename(MEM)
    for place, link, target in ((MEM, "x/up", ".."), (MEM, "x/out", "../../outside/o"), (MEM, "absolute", MEM + "/x/f"), (MEM, "away", OUTSIDE + "/o"),
                                (MEM, "root", "/x/f"), (OUTSIDE, "in", f"../{name}/x/f"), (OUTSIDE, "into", MEM + "/x"), (OUTSIDE, "root", f"/{name}/x/f"),
                                (MEM, "proc", "/proc/self/cwd/x/f"), (MEM, "new", f"../outside/made"), (OUTSIDE, "new", f"../{name}/made")):
        os.symlink(target, f"{place}/{link}")
    places = [os.open(place, os.O_DIRECTORY) for place in (MEM, MEM + "/x", OUTSIDE, os.path.dirname(MEM))]
    file = os.open(MEM + "/x/f", os.O_RDONLY)
    os.chdir(MEM + "/x")
    up = os.path.dirname(MEM)
    before = {place: {name * (place == up), *os.listdir(place)} for place in (MEM, MEM + "/x", OUTSIDE, up, os.path.dirname(up))}
    for flags in os.O_RDONLY, os.O_PATH | os.O_NOFOLLOW, os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_EXCL, os.O_DIRECTORY, os.O_TMPFILE | os.O_RDWR, 1 << 40:
        for resolve in 0, 1, 2, 4, 8, 16, 3, 9, 12, 17, 24, 1 << 40:
            for start in *places, -100, file:
                for path in ("x/f", "f", "up/x/f", "x/up", "out", "x/out", "absolute", "away", "root", "in", "into/f", "into/../outside/o", "proc", "..", "../..", "../x/f",
                             "../../outside/o", "x/y/../../../outside/o", f"{name}/x/f", f"../{name}/x/f", f"{name}", f"../{name}", "outside/in", "outside/o", f"{name}/x/out",
                             f"{name}/absolute", "outside/root", f"/{name}/x/f", "/x/f", "/", MEM, MEM + "/x/f", MEM + "/absolute", MEM + "/away", OUTSIDE + "/in",
                             OUTSIDE + "/o", "/proc/self/cwd/f", f"/proc/self/fd/{places[1]}/f", f"/proc/self/fd/{file}", "none", "none/..", "new", "f/..", "f/", "d/", ""):
                    how = (ctypes.c_uint64 * 3)(flags, 0o644 if flags & (os.O_CREAT | 0o20000000) else 0, resolve)
                    result = libc.syscall(437, start, path.encode(), how, 24)
                    while result < 0 and ctypes.get_errno() == errno.EAGAIN:  # somebody has renamed something meanwhile
                        result = libc.syscall(437, start, path.encode(), how, 24)
                    if result < 0:
                        print(hex(flags), resolve, start, path, errno.errorcode[ctypes.get_errno()])
                        continue
                    print(hex(flags), resolve, start, path, result, link_of(result).replace(str(os.getpid()), "self"))
                    os.close(result)
                    for place in before if flags & os.O_CREAT else ():
                        for made in set(os.listdir(place)) - before[place]:
                            os.unlink(f"{place}/{made}")
    print(sorted(os.listdir(MEM)), sorted(os.listdir(MEM + "/x")), sorted(os.listdir(OUTSIDE)))


def root():
    """By its names, which lie outside, and by the dots in there."""
    def rename(one, other, flags):
        return call(316, -100, one.encode(), -100, other.encode(), flags)

    name = os.path.basename(MEM)
    os.mkdir(MEM + "/d")
    os.makedirs(OUTSIDE + "/x")
    write(MEM + "/f", "x")
    os.symlink(os.path.dirname(MEM), OUTSIDE + "/up")
    os.chdir(MEM)
    names = MEM, MEM + "/", "../" + name, f"../{name}/", f"d/../../{name}", f"{OUTSIDE}/up/{name}"
    inside = MEM + "/.", ".", "../" + name + "/.", MEM + "/f", MEM + "/none", "d", MEM + "/..", "d/.."
    for one in names:
        for other in names + inside:
            for flags in 0, 1, 2, 3:
                tell(f"rename {one} {other} {flags}", rename, one, other, flags)
                tell(f"rename {other} {one} {flags}", rename, other, one, flags)
        for other in OUTSIDE + "/x", "../outside/x":
            tell(f"rename {one} {other}", rename, one, other, 0)
            tell(f"rename {other} {one}", rename, other, one, 0)
            tell(f"rename {other} {one} 1", rename, other, one, 1)
    for path in names + inside[:3]:
        for function in os.rmdir, os.unlink, os.mkdir:
            tell(f"{function.__name__} {path}", function, path)
        for flags in os.O_WRONLY, os.O_CREAT, os.O_CREAT | os.O_EXCL, os.O_CREAT | os.O_DIRECTORY:
            tell(f"open {path} {flags}", os.open, path, flags)
        tell("link " + path, os.link, "f", path)
        tell("symlink " + path, os.symlink, "f", path)
    print(sorted(os.listdir(MEM)), sorted(os.listdir(OUTSIDE)))


def executables():
    def show(*words, **more):
        result = subprocess.run(words, capture_output=True, text=True, **more)
        print(words, result.returncode, result.stdout, result.stderr)

    for name in "sh", "readlink", "cat":
        subprocess.run(["cp", "/bin/" + name, MEM + "/" + name], check=True)
    write(MEM + "/outer", '#!/bin/sh\necho "$0" "$@"\n', 0o755)
    write(MEM + "/inner", f'#!{MEM}/sh -e \necho inner "$0" "$@"\n', 0o755)
    write(MEM + "/nested", f"#!{MEM}/inner word\n", 0o755)
    write(MEM + "/plain", "#!/bin/sh\n")
    write(OUTSIDE + "/script", f'#!{MEM}/sh\necho outside "$0" "$@"\n', 0o755)
    os.symlink(MEM + "/inner", OUTSIDE + "/link")
    for path in "outer", "inner", "nested":
        show(MEM + "/" + path, "1", "2")
        show("./" + path, cwd=MEM)
        show(path, env={"PATH": MEM})
    show(MEM + "/inner", *["many"] * 1000)
    show(OUTSIDE + "/script", "x")
    show(OUTSIDE + "/link", "y")
    show(MEM + "/readlink", "/proc/self/exe")
    show("./readlink", "/proc/self/exe", "/proc/self/cwd", cwd=MEM)
    # ELF interpreters, and scripts whose interpreters are scripts.
    subprocess.run(["cp", "/lib64/ld-linux-x86-64.so.2", MEM + "/ld.so"], check=True)
    write(MEM + "/main.c", "#include <stdio.h>\nint main(int argc, char **argv) { return printf(\"%d %s %d\\n\", argc, argv[0], getpid() > 1) < 0; }\n")
    for name in "program", "lost":
        subprocess.run(["cc", "-w", MEM + "/main.c", "-o", f"{MEM}/{name}", f"-Wl,-dynamic-linker,{MEM}/{name.replace('program', 'ld.so')}"], check=True)
    write(MEM + "/by", f"#!{MEM}/program word\n", 0o755)
    write(MEM + "/noelf", "#!no", 0o755)
    os.symlink(MEM + "/ld.so", OUTSIDE + "/ld.so")
    subprocess.run(["cc", "-w", MEM + "/main.c", "-o", OUTSIDE + "/linked", f"-Wl,-dynamic-linker,{OUTSIDE}/ld.so"], check=True)
    subprocess.run(["cp", MEM + "/program", MEM + "/by", OUTSIDE], check=True)
    for path in MEM + "/program", "./program", MEM + "/by", OUTSIDE + "/program", OUTSIDE + "/by", OUTSIDE + "/linked":
        show(path, "1", "2", cwd=MEM)
    subprocess.run(["cc", "-w", "-x", "c", "-", "-o", MEM + "/exe", f"-Wl,-dynamic-linker,{MEM}/ld.so"], check=True, text=True, input='''
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
	char link[4096] = "";
	readlink("/proc/self/exe", link, sizeof(link) - 1);
	printf("%s\\n", link);
	fflush(stdout);
	return argc > 1 ? execv("/proc/self/exe", (char *[]){ "again", NULL }) : 0;
}''')
    if os.geteuid() == 0:  # k23-memfs(7) says what others find there
        show(MEM + "/exe", "1")
    os.chmod(MEM + "/ld.so", 0o644)
    tell("forbidden", subprocess.run, [MEM + "/program"])
    write(MEM + "/ld.so", "no ELF file" * 9, 0o755)
    for path in "program", "lost":
        tell("no interpreter", subprocess.run, [MEM + "/" + path])
    for i in range(8):
        for place, other in (MEM, MEM), (MEM, OUTSIDE), (OUTSIDE, MEM):
            end = "/bin/echo" if i == 0 else f"{other}/level{i - 1}"
            write(f"{place}/level{i}", f"#!{end} {i}\n", 0o755)
            tell(f"level {i}", lambda: subprocess.run([f"{place}/level{i}", "x"], capture_output=True, text=True).stdout.replace("'", ""))
    for path in "plain", "none":
        tell(path, subprocess.run, [MEM + "/" + path])
    directory = os.open(MEM, os.O_DIRECTORY)
    for start, path, flags in ((directory, b"readlink", 0), (os.open(MEM + "/readlink", os.O_RDONLY), b"", 0x1000), (-100, MEM.encode() + b"/readlink", 0)):
        child = os.fork()
        if child == 0:
            sys.stdout.flush()
            call(322, start, path, (ctypes.c_char_p * 3)(b"x", b"/proc/self/exe", None), None, flags)
        os.waitpid(child, 0)
    for closed in True, False:
        os.set_inheritable(directory, not closed)
        for path in b"outer", b"inner", b"by":
            child = os.fork()
            if child == 0:
                try:
                    call(322, directory, path, (ctypes.c_char_p * 3)(b"x", b"y", None), None, 0)
                except OSError as error:
                    os._exit(error.errno)
            print(path, os.waitpid(child, 0)[1])
    script = os.open(MEM + "/inner", os.O_RDONLY)
    os.set_inheritable(script, True)
    child = os.fork()
    if child == 0:
        call(322, script, b"", (ctypes.c_char_p * 3)(b"x", b"y", None), None, 0x1000)
    print(os.waitpid(child, 0)[1])
    os.close(directory)


def sockets():
    server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    server.bind(MEM + "/s")
    server.listen()
    tell("again", socket.socket(socket.AF_UNIX).bind, MEM + "/s")
    client.bind(MEM + "/c")
    client.connect(MEM + "/s")
    accepted, name = server.accept()
    accepted.sendall(b"hello")
    print(server.getsockname(), client.getpeername(), name, client.recv(9), oct(os.stat(MEM + "/s").st_mode))
    one, other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind(MEM + "/one"), other.bind(MEM + "/other")
    one.sendto(b"datagram", MEM + "/other")
    print(other.recvfrom(20))
    with open(MEM + "/passed", "w+") as file:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [file.fileno()]))]
        one.sendmsg([b"mes", b"sage"], rights, 0, MEM + "/other")
    data, control, flags, name = other.recvmsg(20, socket.CMSG_LEN(4))
    passed = array("i", control[0][2])[0]
    os.write(passed, b"passed")
    print(data, flags, name, [kind[:2] for kind in control], read(MEM + "/passed"))
    other.sendmsg([b"longer than that"], [], 0, MEM + "/../" + os.path.basename(MEM) + "/one")
    print(one.recvmsg(4))
    one.connect(MEM + "/other")
    one.sendmsg([b"connected"])
    print(other.recvmsg_into([bytearray(20)]))
    # Several at once, by the calls that Python has not.
    class Message(ctypes.Structure):
        _fields_ = [("name", ctypes.c_void_p), ("name_size", ctypes.c_uint32), ("buffers", ctypes.c_void_p), ("count", ctypes.c_size_t),
                    ("control", ctypes.c_void_p), ("control_size", ctypes.c_size_t), ("flags", ctypes.c_size_t), ("size", ctypes.c_size_t)]

    def messages(*names, size=200):
        made, kept = (Message * len(names))(), []
        for message, name in zip(made, names):
            text = ctypes.create_string_buffer(b"data " + (name or b"none")[-9:], 20)
            parts = (ctypes.c_size_t * 2)(ctypes.addressof(text), 20)
            address = None if name is None else ctypes.create_string_buffer(struct.pack("=H", 1) + name, size)
            kept.append((text, parts, address))
            message.name, message.name_size = address and ctypes.addressof(address), address and min(110, 3 + len(name)) or 0
            message.buffers, message.count = ctypes.addressof(parts), 1
        return made, kept

    os.symlink(MEM + "/other", OUTSIDE + "/linked")
    path = MEM.encode() + b"/other"
    third = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for names in ([path] * 3, [path, MEM.encode() + b"/none", path], [MEM.encode() + b"/none"], [OUTSIDE.encode() + b"/linked", path], [path, None], []):
        made, kept = messages(*names)
        for sender in one, third:
            tell("sendmmsg", call, 307, sender.fileno(), made, len(names), 0x40)
            print([message.size for message in made])
        made, kept = messages(b"", None, b"", b"", b"", b"", b"")
        for message in made[:5]:
            message.name_size = message.name_size and 100
        tell("recvmmsg", call, 299, other.fileno(), made, len(made), 0x40, None)
        print([(message.size, message.flags, message.name_size, text.value, address and address.raw[2:message.name_size].rstrip(b"\0"))
               for message, (text, parts, address) in zip(made, kept)])
    tell("sendmmsg", call, 307, one.fileno(), None, 3, 0)
    tell("recvmmsg", call, 299, one.fileno(), None, 3, 0x40, None)
    tell("sendmsg none", other.sendmsg, [b"x"], [], 0, MEM + "/none")
    tell("none", client.connect, MEM + "/none")


def processes():
    """Writers of many processes into one file, with locks, and one database."""
    with sqlite3.connect(MEM + "/base") as base:
        base.execute("create table t(a)")
    base.close()
    script = f"""
import fcntl, sqlite3
for i in range(50):
    with open({MEM!r} + "/counter", "a+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.seek(0)
        count = int(file.read() or 0)
        file.truncate(0)
        file.write(str(count + 1))
base = sqlite3.connect({MEM!r} + "/base", timeout=60)
for i in range(5):
    with base: base.execute("insert into t values (1)")
"""
    running = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(6)]
    print([process.wait() for process in running], read(MEM + "/counter"))
    print(sqlite3.connect(MEM + "/base").execute("select count(*) from t").fetchone(), sorted(os.listdir(MEM)))


globals()[sys.argv[2]]()
