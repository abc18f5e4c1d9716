#!/usr/bin/python3
"""Policies in Python. usage: policies.py K23 PROGRAM HOSTED-PROGRAM CASE"""
import errno
import json
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
import hosted
from harness import Failed, Skipped, expect, run


def policy(name):
    return os.path.join(HERE, "policies", name + ".py")


def written(text, name="policy.py"):
    """A policy of its own."""
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def numbers(text, name):
    return hosted.counts(text, name)


def run_policy(k23, way, spec, *command):
    return run(k23, "run", *way, "--hook", spec, "--", *command)


def case_counts(k23, program, other):
    """Exactly, of all threads, of those that end and begin, with signals, and after execve."""
    for way in hosted.ways(k23, other):
        for words, made in (["threads"], None), (["storm"], None), (["exec"], 3):
            counted, mapped, ended = hosted.counted(k23, other, words, [policy("counts")], way)
            expect(f"{words} {way}", mapped, [made or counted])
            if words == ["threads"]:
                expect(f"ended {way}", ended, [1000])
        result = run_policy(k23, way, policy("counts"), program, "calls")
        expect(f"calls {way} {result.stderr}", (result.returncode, numbers(result.stderr, "getppid")), (0, [8000]))
        result = run_policy(k23, way, policy("busy"), program, "calls")
        expect(f"busy {way} {result.stderr}", (result.returncode, result.stderr), (0, "getppid: 8000\n"))


def count_forks(k23, program, each):
    for name in "busy", "counts":
        result = run(k23, "run", "--no-patch", "--hook", policy(name), "--", program, "forks", str(each), timeout=900)
        expect(f"{name} {result.stderr[-300:]}", result.returncode, 0)
        expect(f"{name}", numbers(result.stderr, "getppid"), [2000] * (8 * each) + [0])


def case_forks(k23, program, other):
    """From eight threads, while others are in the policy: whether or not it sees the call that forks."""
    del other
    count_forks(k23, program, 3)


def case_many_forks(k23, program, other):
    del other
    count_forks(k23, program, 25)


def case_spawns(k23, program, other):
    """Children that share the memory, and leave Python in the middle of a function."""
    del program
    made, mapped, _ = hosted.counted(k23, other, ["spawns"], [policy("counts")], hosted.ways(k23, other)[1])
    expect("calls", (made, sorted(set(mapped))), (400, [0, 1]))


def case_vectors(k23, program, other):
    del program
    result = run_policy(k23, [], policy("counts"), other, "vectors")
    if result.returncode == 77:
        raise Skipped("no XSAVE")
    expect(f"{result.stdout}", result.returncode, 0)


def case_jumps(k23, program, other):
    """Out of a handler, by siglongjmp."""
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, policy("counts"), program, "jumps")
        expect(f"{way} {result.stderr}", (result.returncode, result.stdout, numbers(result.stderr, "getppid")),
               (0, "jumped\n", [101]))


def case_changes(k23, program, other):
    """Arguments, memory, results, numbers; and what cannot be read is EFAULT."""
    os.makedirs("folder")
    os.makedirs("denied")
    written("no\n", "folder/from")
    written("hello world\n", "folder/into")
    written("x\n", "denied/file")
    for way in hosted.ways(k23, other):
        for options, said in ("", (12, "HELLO WORLD\n")), (",short", (5, "HELLO")):
            result = run_policy(k23, way, policy("changes") + f":denied={os.getcwd()}/denied{options}", program, "changes")
            expect(f"{way} {options} {result.stderr}", result.stdout,
                   f"1 {said[0]} {said[1]}folder/into\n-1\n1 {2 ** 40} 7\n-1\n-1\n")
            expect(f"{way}", (result.returncode, result.stderr), (7, ""))


GIVEN = """
import k23

def readlink(call):
    name = k23.string(call.args[0])
    if name == "text":
        call.args[0] = "link"
    if name == "bytes":
        buffer = call.args[1]
        call.args[0] = "nowhere"
        call.args[0] = b"link"
        call.args[1] = bytes(64)
        size = call.forward()
        k23.write(buffer, k23.read(call.args[1], size)[::-1])
        return size
    if name == "null":
        call.args[0] = "li\\0nk"
    if name == "wrong":
        call.args[0] = 1.5

def execve(call):
    if k23.string(call.args[0]) == "/bin/other":
        call.args[0] = "/bin/echo"
"""
SEEN = """
import k23

def readlink(call):
    result = call.forward()
    if k23.string(call.args[0]) == "text":
        print("text")
    return result
"""
GIVEN_PROGRAM = """
import os, subprocess, sys
def size():
    return int([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")][0])
for name in "text", "bytes", "null", "wrong":
    try:
        print(name, os.readlink(name))
    except OSError as error:
        print(name, error.errno)
for use_vfork in False, True:
    subprocess._USE_VFORK = use_vfork
    print(subprocess.run(["/bin/other", "said"], stdout=subprocess.PIPE).stdout)
for round in range(2):
    for _ in range(5000):
        os.readlink("bytes")
    before, now = (now, size()) if round else (0, size())
print(now - before < 100)
"""


def case_given(k23, program, other):
    """Text and bytes in the place of addresses, while the call is made: by forward(), or after the function."""
    del program
    os.symlink("target", "link")
    given, seen = written(GIVEN, "given.py"), written(SEEN, "seen.py")
    for way in hosted.ways(k23, other):
        result = run(k23, "run", *way, "--hook", seen, "--hook", given, "--", sys.executable, "-S", "-c", GIVEN_PROGRAM)
        expect(f"{way} {result.stderr}", (result.returncode, result.stdout),
               (0, "text target\nbytes tegrat\nnull 5\nwrong 5\nb'said\\n'\nb'said\\n'\nTrue\n"))
        expect(f"{way}", [line for line in result.stderr.splitlines() if not line.startswith((" ", "Traceback"))],
               ["text", "ValueError: embedded null byte", "TypeError: 'float' object cannot be interpreted as an integer"])


def case_denied(k23, program, other):
    """The program sees the error."""
    deny = written("import errno, k23\n"
                   "def openat(call):\n"
                   "    if k23.path(call) == '/etc/passwd':\n"
                   "        return -errno.EACCES\n")
    code = "try: open('/etc/passwd')\nexcept OSError as e: print(e.errno)\nprint(open('/etc/group').read()[:4])"
    del program
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, deny, "/usr/bin/env", "python3", "-S", "-c", code)
        expect(f"{way} {result.stderr}", (result.returncode, result.stdout.split()), (0, [str(errno.EACCES), "root"]))


def case_told(k23, program, other):
    """What a policy is told, in order; and a number that goes through execve."""
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, policy("told"), program, "threads")
        expect(f"{way} {result.stdout}", result.returncode, 0)
        expect(f"{way}", [re.sub("/proc/self/exe", "EXE", line) for line in result.stderr.splitlines()],
               ["init", "thread_start False", "thread_exit", "fork_child True", "exec_begin EXE 1", "init", "exec 2",
                "process_exit 9process_exit 0"])


def case_signals(k23, program, other):
    """Each signal that a handler has seen, or that a process has died of, was told once."""
    signals = os.path.join(os.path.dirname(program), "signals-program")
    del program
    for way in hosted.ways(k23, other):
        for what in "faults", "nested", "sys", "deaths", "storm":
            natively = run(signals, what)
            result = run_policy(k23, way, policy("signals"), signals, what)
            place = f"{what} {way} {result.stderr[-500:]}"
            expect(f"status {place}", (natively.returncode, result.returncode), (0, 0))
            if what != "storm":
                expect(f"output {place}", result.stdout, natively.stdout)
            *_, last = result.stderr.rpartition("wrong: 0\n")[0].split("wrong: 0\n")
            expect(f"told {place}", re.findall(r"^told (\d+: \d+)$", last, re.M),
                   re.findall(r"^handled (\d+: \d+)$", result.stdout, re.M))
            expect(f"deaths {place}", sorted(re.findall(r"^left (\d+)$", result.stderr, re.M)),
                   sorted(re.findall(r"^(\d+) by \1$", result.stdout, re.M)))


def case_chain(k23, program, other):
    """Programs one after the other, with a hook before and behind, and a k23 inside."""
    deny = written("import k23\nopens = 0\n"
                   "def openat(call):\n    global opens\n    opens += 1\n"
                   "def process_exit(status):\n    print('end', status, opens > 0)\n")
    del program
    for way in hosted.ways(k23, other):
        result = run(k23, "run", *way, "--hook", "null", "--hook", deny + ":", "--hook", "null", "--", "sh", "-c",
                     "sh -c :; exec env sh -c 'sh -c :; exec sh -c \"exit 1\"'")
        expect(f"{way}", (result.returncode, re.findall("^end.*", result.stderr, re.M)),
               (1, ["end 0 True", "end 0 True", "end 1 True"]))
    result = run(k23, "run", "--hook", deny, "--", k23, "run", "--hook", "null", "--", "sh", "-c", ":")
    expect("nested", (result.returncode, result.stderr.splitlines()[-1:]), (0, ["end 0 True"]))


def case_bare(k23, program, other):
    """No file, no /proc, no descriptor that is free, and other users."""
    del program, other
    needs_nothing = written("import re, json, enum, k23\nword = k23.option('word')\n"
                            "def getppid(call):\n"
                            "    return len(re.sub('a+', 'b', json.dumps(['aaa', word])))\n"
                            "def process_exit(status):\n    print('end', status)\n")
    code = ("import os, sys, resource\n"
            "if os.getuid() == 0: os.chroot(sys.argv[1]); os.setresuid(65534, 65534, 65534)\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
            "pid = os.fork()\n"
            "if pid == 0: os._exit(os.getppid())\n"
            "os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
    os.mkdir("root")
    result = run(k23, "run", "--hook", needs_nothing + r":word=a\,\\", "--", sys.executable, "-S", "-c", code, "root")
    length = len(json.dumps(["b", "b,\\"]))
    expect(f"status {result.stderr}", (result.returncode, result.stderr), (length, f"end {length}\n" * 2))


def case_elsewhere(k23, program, other):
    """A program that is executed where the policy's file, the library and /proc are not."""
    del program, other
    if os.getuid() != 0 or not shutil.which("busybox"):
        raise Skipped("not root, or no busybox")
    os.makedirs("root/bin")
    shutil.copy(shutil.which("busybox"), "root/bin/busybox")
    name = written("import re\ndef write(call): return call.forward()\n"
                   "def process_exit(status):\n    print('end', status)\n")
    result = run(k23, "run", "--hook", name, "--", "chroot", "root", "/bin/busybox", "sh", "-c",
                 "echo hello; exec /bin/busybox sh -c 'exit 3'")
    expect(f"{result.stderr}", (result.returncode, result.stdout, result.stderr), (3, "hello\n", "end 3\n"))


def case_exception(k23, program, other):
    """A call fails with EIO, or has the result that it had; what must happen happens."""
    del program
    name = written("import k23\n"
                   "def getppid(call):\n    1 / 0\n"
                   "def getpgrp(call):\n    call.forward()\n    raise SystemExit(3)\n"
                   "def getpriority(call):\n    return True\n"
                   "def getuid(call):\n    global kept\n    kept = call\n"
                   "def geteuid(call):\n    kept.nr\n"
                   "def exit_group(call):\n    nothing\n"
                   "def process_exit(status):\n    nothing_either\n")
    code = ("import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            "print(libc.syscall(110), ctypes.get_errno(), libc.syscall(111) == os.getpgid(0))\n"
            "print(libc.syscall(140), ctypes.get_errno())\n"
            "libc.syscall(102); print(libc.syscall(107), ctypes.get_errno(), flush=True); os._exit(4)\n")
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, name, sys.executable, "-S", "-c", code)
        expect(f"{way} {result.stderr}", (result.returncode, result.stdout), (4, "-1 5 True\n-1 5\n-1 5\n"))
        expect(f"{way}", [line for line in result.stderr.splitlines() if re.match(r"\w+Error|\w+Exit", line)],
               ["ZeroDivisionError: division by zero", "SystemExit: 3",
                "TypeError: getpriority() returns an int, or None for what the call itself gives, not True",
                "ValueError: the call is over", "NameError: name 'nothing' is not defined",
                "NameError: name 'nothing_either' is not defined"])


def case_processes(k23, program, other):
    """A policy creates none: what it tries fails, in the program's threads and in one of its own."""
    del program
    name = written("import os, threading\n"
                   "def attempt(what, failed):\n"
                   "    try: what()\n"
                   "    except PermissionError: failed.append(what)\n"
                   "def getppid(call):\n"
                   "    failed = []\n"
                   "    for what in os.fork, os.forkpty, lambda: os.posix_spawn('/bin/true', ['true'], {}):\n"
                   "        thread = threading.Thread(target=attempt, args=(what, failed))\n"
                   "        attempt(what, failed); thread.start(); thread.join()\n"
                   "    return len(failed)\n")
    code = ("import os\n"
            "print(os.getppid(), flush=True)\n"
            "if os.fork(): print(os.wait()[1])\n"
            "else: print(os.getppid(), flush=True)\n")
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, name, sys.executable, "-S", "-c", code)
        expect(f"{way} {result.stderr}", (result.returncode, result.stdout), (0, "6\n6\n0\n"))


def case_forward(k23, program, other):
    """A function that is told something forwards nothing."""
    del program
    name = written("kept = None\n"
                   "def _keep(call):\n"
                   "    global kept\n"
                   "    kept = call\n"
                   "    return call.forward()\n"
                   "clone = clone3 = fork = vfork = _keep\n"
                   "def fork_child(): print('forwarded', kept.forward())\n")
    code = "import os\nif os.fork(): print(os.wait()[1])\n"
    message = ("k23: hook python: k23_forward() in its .fork_child fails with EPERM: only a function for a call forwards; "
               "k23_syscall() makes calls of the hook's own\n")
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, name, sys.executable, "-S", "-c", code)
        expect(f"{way}", (result.returncode, result.stdout, result.stderr), (0, "0\n", message + "forwarded -1\n"))


def case_numbers(k23, program, other):
    """An int is one of a register, or a mistake."""
    del program
    name = written("import k23\n"
                   "values = [1 << 64, 1 << 70, -(1 << 63) - 1, -(1 << 63) - 5]\n"
                   "fine = [(1 << 64) - 5, 1 << 63, -(1 << 63), (1 << 63) - 1, 0]\n"
                   "def getppid(call):\n    return values[call.args[0]]\n"
                   "def getpgrp(call):\n    call.args[1] = values[call.args[0]]\n"
                   "def getuid(call):\n    return fine[call.args[0]]\n"
                   "def geteuid(call):\n"
                   "    call.args[1] = fine[call.args[0]]\n    return call.args[1] == fine[call.args[0]] % 2 ** 64\\\n"
                   "        and 7\n"
                   "def getgid(call):\n"
                   "    return [k23.read, k23.string, k23.write][call.args[0]](1 << 64, *[[1], [], [b'x']][call.args[0]])\n"
                   "def gettid(call):\n    raise k23.Error(values[call.args[0]], '')\n"
                   "def getegid(call):\n    k23.read(call.sp, -1)\n")
    code = ("import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nlibc.syscall.restype = ctypes.c_long\n"
            "def show(nr, x):\n    ctypes.set_errno(0)\n    print(libc.syscall(nr, x), ctypes.get_errno(), end=';')\n"
            "for nr, count in (110, 4), (111, 4), (102, 5), (107, 5), (104, 3), (186, 4), (108, 1):\n"
            "    for x in range(count): show(nr, ctypes.c_long(x))\n"
            "    print()\n")
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, name, sys.executable, "-S", "-c", code)
        failed = "-1 5;"
        expect(f"{way} {result.stderr}", (result.returncode, result.stdout.splitlines()),
               (0, [failed * 4, failed * 4, f"-1 5;{-2 ** 63} 0;{-2 ** 63} 0;{2 ** 63 - 1} 0;0 0;", "7 0;" * 5, failed * 3, failed * 4, failed]))
        errors = [line.partition(":")[0] for line in result.stderr.splitlines() if re.match(r"\w+Error", line)]
        expect(f"{way} {result.stderr}", errors, ["OverflowError"] * 11 + ["ValueError"])


def case_threads(k23, program, other):
    """Of a policy's own, which its functions wait for, also in children."""
    for way in hosted.ways(k23, other):
        result = run_policy(k23, way, policy("threads"), program, "calls")
        expect(f"calls {way} {result.stderr}", (result.returncode, result.stderr), (0, "getppid: 8000\n"))
    result = run_policy(k23, ["--no-patch"], policy("threads"), program, "forks", "1")
    expect(f"forks {result.stderr[-300:]}", (result.returncode, numbers(result.stderr, "getppid")), (0, [2000] * 8 + [0]))


def case_mistakes(k23, program, other):
    """The program is not started, and what is wrong is said."""
    del other
    for text, said in (
            ("def openat(call)\n    pass\n", r'  File "\S+/policy.py", line 1\n.*SyntaxError: expected'),
            ("import nothing\n", r"Traceback.*line 1, in <module>\n.*No module named 'nothing'"),
            ("def opnat(call):\n    pass\n", r"k23: hook python refuses to start: \S+:1: opnat takes a `call`, but there "
                                             r"is no such system call \(did you mean openat\?\): .*underscore\n$"),
            ("def something(call):\n    pass\n", "k23: .*:1: something takes a `call`, but there is no such"),
            ("def openat():\n    pass\n", "k23: .*:1: openat is named after a system call, and so takes one argument"),
            ("def read(path):\n    pass\n", "k23: .*:1: read is named after a system call, and so takes one argument"),
            ("def process_exit():\n    pass\n", "k23: .*:1: process_exit has to take 1 argument\n"),
            ("import functools\n@functools.cache\ndef getppid(call):\n    pass\n",
             "k23: .*/policy.py: getppid is named as a function of the policy, but is <functools"),
            ("import functools\nall = functools.partial(print, 1)\n", "k23: .*: all is named as a function of the policy"),
            ("class Exit:\n    def __call__(self, status): pass\nprocess_exit = Exit()\n", "k23: .*: process_exit is named"),
            ("import k23\ndef init():\n    k23.refuse('it rains')\n", "k23: hook python refuses to start: it rains\n"),
            ("import k23\ndef init():\n    k23.option(1)\n", "Traceback.*TypeError"),
            ("import os\nos.fork()\n", ".*PermissionError"),
            ("import os\nos._exit(0)\n", r"k23: .*has called exit\(\)"),
            ("def f(x): return f(x)\nf(1)\n", ".*RecursionError"),
            ("x = \0", "k23: the policy .* is no text")):
        result = run_policy(k23, [], written(text), program, "none")
        if result.returncode != 125 or not re.match(said, result.stderr, re.S) or result.stdout:
            raise Failed(f"{text!r}: {result.returncode} {result.stderr!r}")
    for spec, said in (("nothing.py", "k23: cannot read the policy nothing.py: No such file"), (".py", "k23: cannot"),
                       ("python", "k23: hook python refuses to start: it runs a policy"),
                       (written("") + ":key=3", f"k23: hook python refuses to start: {os.getcwd()}/policy.py has no option key\n"),
                       (written("import k23\nk23.option('b')\ndef init(): k23.option('a'), k23.option('b')\n", "other.py") +
                        ":a=1,b,ü=3,c", f"k23: hook python refuses to start: {os.getcwd()}/other.py has no option ü; it has b, a\n")):
        result = run_policy(k23, [], spec, program, "none")
        if result.returncode != 125 or not result.stderr.startswith(said):
            raise Failed(f"{spec}: {result.returncode} {result.stderr!r}")


def case_fine(k23, program, other):
    """What is not a mistake."""
    del other
    for text in ("", "def count(x): pass\ndef helper(call, x): pass\ndef _opnat(call): pass\nfrom os.path import exists\nfrom time import time\n"
                 "from os import read, open\nclass select: pass\nkill = 3\n",
                 "def getppid(call, more=1): pass\ndef process_exit(*status): pass\ndef write(call, *other): pass\n",
                 "import module\ndef read(call): return call.forward()\n", "# " + "long, " * 100000,
                 "# ümlaut, \\ and :\nassert len('\\n,ü') == 3\n",
                 "".join(f"def {name}(call): pass\n" for name in (
                     "open close stat fstat lstat poll lseek mmap mprotect munmap brk ioctl pipe select dup dup2 pause "
                     "nanosleep alarm getpid socket connect accept bind listen fork vfork execve exit wait4 kill uname "
                     "fcntl flock fsync truncate getcwd chdir rename mkdir rmdir creat link unlink chmod chown umask "
                     "times getuid syslog getgid setuid setgid getppid setsid statfs prctl sync acct mount time futex "
                     "exit_group tgkill openat mkdirat unlinkat ppoll unshare tee pipe2 prlimit64 setns getcpu").split()),
                 *(f"import k23\nk23.{word}\n" for word in ("pid() == k23.tid()", "path", "Unwind", "Error"))):
        written("", "module.py")
        result = run_policy(k23, [], written(text), program, "none")
        expect(f"{text[:300]!r}", (result.returncode, result.stderr), (9, ""))


def case_restarts(k23, program, other):
    """Who catches the exception by which a call begins anew changes nothing; nor who goes on when a process has ended."""
    name = written("import k23\nended = 0\n"
                   "def all(call):\n"
                   "    try:\n        return call.forward()\n"
                   "    except BaseException:\n        return 5\n")
    for way in hosted.ways(k23, other):
        expect(f"storm {way}", hosted.counted(k23, other, ["storm"], [name], way)[1:], ([], []))
        result = run_policy(k23, way, name, program, "none")
        expect(f"exit {way}", (result.returncode, result.stderr), (9, ""))


def case_lines(k23, program, other):
    """Threads do not write into each other's lines."""
    del other
    name = written("def getppid(call):\n    print('one', 'two', 'three', 4)\n")
    result = run_policy(k23, [], name, program, "calls")
    expect("lines", (result.returncode, set(result.stderr.splitlines()), result.stderr.count("\n")),
           (0, {"one two three 4"}, 8000))


def case_absent(k23, program, other):
    """A k23 that was built without Python says what to do."""
    del program, other
    harness.copy_k23(k23, ".")
    os.mkdir("hooks")
    result = run("./k23", "run", "--hook", written(""), "--", "true")
    if result.returncode == 0:
        raise Skipped("k23 is installed, with its hook")
    expect(result.stderr, (result.returncode, result.stderr.startswith("k23: this k23 was built without Python"),
                           "libpython3.11-dev" in result.stderr, result.stderr.count("\n")), (125, True, True, 1))


def main():
    k23, program, other = (os.path.abspath(path) for path in sys.argv[1:4])
    if sys.argv[4] != "absent" and not os.path.exists(os.path.join(os.path.dirname(k23), "hooks/python.so")):
        harness.main(lambda: harness.need(False, "built without Python (libpython3.11-dev)"))
    harness.main(lambda: harness.run_case(globals(), sys.argv[4], k23, program, other))


main()
