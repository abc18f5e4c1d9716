#!/usr/bin/python3
"""The hook interface, from both sides. usage: run.py K23 PROGRAM CASE"""
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Failed, expect, run

# Hooks that k23 cc must refuse, what it has to say, and what K23_HOOK() has if not `.all = f`.
BAD = {
    "libc": ("int puts(const char *); static long f(struct k23_call *c) { return puts(\"\") + k23_forward(c); }", "puts"),
    "vector": ("static long f(struct k23_call *c) { __asm__ volatile(\"pxor %%xmm0, %%xmm0\" ::: \"memory\");"
               " return k23_forward(c); }", "vector"),
    "syscall": ("static long f(struct k23_call *c) { __asm__ volatile(\"syscall\"); return k23_forward(c); }",
                "past the runtime"),
    "tls": ("static _Thread_local volatile int t; static long f(struct k23_call *c) { t++; return k23_forward(c); }",
            "thread-local"),
    "many": ("static long f(struct k23_call *c) { return k23_forward(c); }", "more than 128",
             ".calls = { %s }" % ", ".join(f"{{ {nr}, f }}" for nr in range(129))),
    "twice": ("static long f(struct k23_call *c) { return k23_forward(c); }", "names openat twice",
              ".calls = { { SYS_openat, f }, { SYS_read, f }, { SYS_openat, f } }"),
    "negative": ("static long f(struct k23_call *c) { return k23_forward(c); }", "the call -1",
                 ".calls = { { SYS_openat, f }, { -1, f } }"),
    "unknown": ("static long f(struct k23_call *c) { return k23_forward(c); }", "the call 5000",
                ".calls = { { 5000, f } }"),
    "gap": ("static long f(struct k23_call *c) { return k23_forward(c); }", "without a function before write",
            ".calls = { { SYS_openat, f }, { 0, 0 }, { SYS_write, f } }"),
    "empty": ("static long f(struct k23_call *c) { return k23_forward(c); }", "no function for openat",
              ".calls = { { SYS_read, f }, { SYS_openat, 0 } }"),
    "constructor": ("static int v; __attribute__((constructor)) static void c0(void) { v = 1; }"
                    "static long f(struct k23_call *c) { return v + k23_forward(c); }", "constructors"),
}


def build(k23, name, *flags):
    out = os.path.join(os.getcwd(), name + "".join(flags) + ".so")
    result = run(k23, "cc", *flags, "-Werror", os.path.join(HERE, name + ".c"), "-o", out)
    expect(f"k23 cc {name}", (result.returncode, result.stderr), (0, ""))
    return out


def case_api(k23, program):
    hook = build(k23, "api")
    result = run(k23, "run", "--hook", hook + ":flag,list=a\\,b", "--", program, "uname")
    expect("api", (result.returncode, result.stderr), (0, "api: 0 wrong\n"))


RANDOM = """
#include <k23/hook.h>
#include <elf.h>
static int init(const struct k23_options *options)
{
	Elf64_auxv_t auxv[64];
	long fd = k23_syscall(SYS_openat, AT_FDCWD, (unsigned long)"/proc/self/auxv", O_RDONLY | O_CLOEXEC, 0, 0, 0);
	long size = k23_syscall(SYS_read, (unsigned long)fd, (unsigned long)auxv, sizeof(auxv), 0, 0, 0);

	(void)options;
	k23_syscall(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
	for (long i = 0; i < size / (long)sizeof(auxv[0]); i++)
		if (auxv[i].a_type == AT_RANDOM && k23_copy_to(auxv[i].a_un.a_val, "0123456789abcdef", 16) == 0)
			return 0;
	return -EIO;
}
K23_HOOK(chosen, .init = init);
"""


def case_random(k23, program):
    """The bytes at AT_RANDOM, which a hook may choose in each image, before the program has seen them."""
    del program
    with open("chosen.c", "w") as source:
        source.write(RANDOM)
    code = ("import ctypes, os, sys\n"
            "libc = ctypes.CDLL(None)\n"
            "libc.getauxval.restype = ctypes.c_void_p\n"
            "print(ctypes.string_at(libc.getauxval(25), 16), flush=True)\n"
            "if len(sys.argv) > 1: os.execv(sys.executable, [sys.executable, '-S', '-c', sys.argv[1]])\n")
    for flags in [], ["--hosted"]:
        expect("k23 cc", run(k23, "cc", *flags, "-Werror", "chosen.c", "-o", "chosen").returncode, 0)
        for way in ["--no-patch"], ["--eager"]:
            result = run(k23, "run", *way, "--hook", "./chosen", "--", sys.executable, "-S", "-c", code, code)
            expect(f"{flags} {way}", (result.returncode, result.stdout, result.stderr),
                   (0, "b'0123456789abcdef'\n" * 2, ""))


def case_life(k23, program):
    hook = build(k23, "life")
    result = run(k23, "run", "--hook", hook, "--", program, "life")
    expect("status", result.returncode, 4)
    expect("callbacks", result.stderr.splitlines(), ["life: " + line for line in (
        "init", "thread_start 1", "thread_exit", "fork_child 1", "init", "exec", "process_exit 3", "fork_child 1",
        "process_exit 5", "fork_child 1", "thread_exit", "thread_start 1", "thread_exit", "process_exit 4")])


def case_signals(k23, program):
    """What is delivered, and never while a function of the hook runs."""
    hooks = build(k23, "signals"), build(k23, "signals", "--hosted")
    store = os.path.join(os.getcwd(), "signals.store")
    expect("learn", run(k23, "learn", "--store", store, "--", program, "uname").returncode, 0)
    natively = run(program, "signals").returncode
    for hook, way in itertools.product(hooks, (["--no-patch"], ["--store", store, "--eager"])):
        result = run(k23, "run", *way, "--hook", hook, "--", program, "signals")
        expect(f"status {hook} {way}", result.returncode, natively)
        expect(f"signals {hook} {way}", result.stderr.splitlines(), [
            "10 code -6 handled", "14 code 128 handled", "10 code -6 handled", "12 code -6 handled",
            "11 code 1 left to the kernel", "15 code 0 left to the kernel"])


def case_answer(k23, program):
    hook = build(k23, "answer")
    one = run(k23, "run", "--hook", hook + ":plus=23", "--", program, "answer")
    expect("one hook", (one.returncode, one.stdout, one.stderr), (0, "twice\n" * 2, "getppid 23\n5000 5001\n"))
    two = run(k23, "run", "--hook", hook + ":plus=100", "--hook", hook + ":plus=23", "--", program, "answer")
    expect("a chain", (two.returncode, two.stdout, two.stderr), (0, "twice\n" * 4, "getppid 123\n5000 5001\n"))


def case_chosen(k23, program):
    """Calls that init chooses; and `k23 trace` shows what the hook has done."""
    hook = build(k23, "chosen")
    for options, parent in ("", os.getpid()), (":getppid", 23), (":all", os.getpid()):
        result = run(k23, "run", "--hook", hook + options, "--", program, "answer")
        expect(f"with {options}", (result.returncode, result.stderr), (0, f"getppid {parent}\n5000 -1\n"))
    run(k23, "trace", "-o", "log", "-a", "0", "-e", "getppid", "--hook", hook + ":getppid", "--", program, "answer")
    with open("log") as log:
        expect("line", log.readline().split(maxsplit=1)[1], "getppid() = 23 (INJECTED)\n")


def case_crash(k23, program):
    hook = build(k23, "crash")
    store = os.path.join(os.getcwd(), "crash.store")
    expect("learn", run(k23, "learn", "--store", store, "--", program, "uname").returncode, 0)
    for how, way in itertools.product("rwusfdtj", (["--no-patch"], ["--store", store])):
        signal = {"u": 4, "t": 5, "d": 8}.get(how, 11)
        result = run(k23, "run", *way, "--hook", f"{hook}:how={how}", "--", program, "uname")
        expect(f"crash {how} {way}", result.returncode, -signal)
        what = {"s": "its stack is full: hooks have about 60 KB",
                "j": "from where it has jumped to 0x0"}.get(how, "address 0x[0-9a-f]+")
        if not re.search(rf"k23: hook crash \({re.escape(hook)}\) crashed with signal {signal} \(SIG[A-Z]+\) in uname, "
                         rf"at \S+\+0x[0-9a-f]+, {what}\n", result.stderr):
            raise Failed(f"crash {how} {way} says {result.stderr!r}")
        if how != "f" and not re.search(r"k23: that is on_uname at \S*hooks/crash\.c:\d+\n", result.stderr):
            raise Failed(f"crash {how} {way} does not say where: {result.stderr!r}")
    for options, words in (("how=n,why", "k23: hook crash refuses to start: n is not the way (-1)\n"),
                           ("how=x,hwo=y", "k23: hook crash has no option hwo; it has how, why\n"),
                           ("what", "k23: hook crash has no option what; it has how, why\n")):
        result = run(k23, "run", "--hook", f"{hook}:{options}", "--", program, "exit")
        expect(f"options {options}", (result.returncode, result.stderr), (125, words))
    result = run(k23, "run", "--hook", "null:fast", "--", program, "exit")
    expect("options of a hook that has none", (result.returncode, result.stderr),
           (125, "k23: hook null has no option fast\n"))
    result = run(k23, "run", "--hook", hook + ":how=n", "--", program, "exit")
    expect("a hook that refuses", result.returncode, 125)
    if "refuses to start" not in result.stderr:
        raise Failed(f"a hook that refuses says {result.stderr!r}")


def case_told(k23, program):
    """Crashes where a hook is told something, whatever the program blocks: threads of the C library block all."""
    hook = build(k23, "crash")
    with open(os.path.join(HERE, "crash.c")) as source:
        line = next(i for i, text in enumerate(source, 1) if "/* told */" in text)
    for how, name, what in (("I", "init", "exit"), ("E", "exec", "life"), ("F", "fork_child", "life"),
                            ("S", "thread_start", "life"), ("X", "thread_exit", "life"), ("P", "process_exit", "life"),
                            ("G", "signal", "signals")):
        result = run(k23, "run", "--hook", f"{hook}:how={how}", "--", program, what)
        messages = [text for text in result.stderr.splitlines() if text.startswith("k23: ")]
        expected = [rf"k23: hook crash \({re.escape(hook)}\) crashed with signal 11 \(SIGSEGV\) in its \.{name}, "
                    r"at hook\+0x[0-9a-f]+, address 0x1230", rf"k23: that is \w+ at \S*/crash\.c:{line}"]
        if len(messages) < 2 or not all(re.fullmatch(*both) for both in zip(expected, messages)):
            raise Failed(f"a crash in .{name} says {result.stderr!r}")
        if how in "ISPG":
            expect(f"a crash in .{name}", result.returncode, -11)


def case_blocked(k23, program):
    """Signals of faults that the program blocks stay blocked while hooks are told of its threads."""
    hook = build(k23, "crash")
    expect("natively", run(program, "blocked").returncode, 0)
    result = run(k23, "run", "--hook", f"{hook}:how=b", "--", program, "blocked")
    expect("with the hook", (result.returncode, result.stderr), (0, ""))


def case_forbidden(k23, program):
    """Calls that a hook must not make fail, with one message; what only asks is let through."""
    for flags, way in itertools.product(([], ["--hosted"]), (["--no-patch"], [], ["--eager"])):
        hook = build(k23, "forbidden", *flags)
        result = run(k23, "run", *way, "--hook", hook, "--", program, "uname")
        expect("forbidden", (result.returncode, result.stderr), (
            0, "k23: hook forbidden: k23_syscall(SYS_fork) fails with EINVAL: hooks do not create, end or replace "
               "processes and threads, nor change how signals are handled\nforbidden: 0 wrong\n"))


def case_scarce(k23, program):
    """Where a limit leaves no room for run state, a message says which one; where it leaves little, the program runs.
    Without a store, as that of the machine may be of any size."""
    natively = run(program, "exit").returncode
    lines = {"-n 4": "there is no descriptor left", "-n 5": "there is no descriptor left",
             "-n 6": "there is no descriptor left", "-f 0": "a file may not be that large (RLIMIT_FSIZE)", "-n 8": None}
    for flags in [], ["--hosted"]:
        hook = build(k23, "state", *flags)
        for limit, problem in (lines | ({} if flags else {"-v 20000": None, "-s 64 -v 10000": None})).items():
            command = "".join(f"ulimit -{each}; " for each in limit.removeprefix("-").split(" -"))
            result = run("sh", "-c", command + 'exec "$@"', "sh", k23, "run", "--no-patch", "--no-learn", "--hook", hook, "--",
                         program, "exit")
            expect(f"{limit} {flags}", (result.returncode, result.stderr), (natively, "") if not problem else (
                125, f"k23: there is no memory for the run state of hooks: {problem}\n"))


FORWARD = """
import os, signal, sys, threading
os.getppid()
signal.signal(signal.SIGUSR1, lambda *_: None)
os.kill(os.getpid(), signal.SIGUSR1)
thread = threading.Thread(target=os.getppid)
thread.start()
thread.join()
if os.fork() == 0: os._exit(0)
os.wait()
try: os.execv("/bin/true", ["true", "x" * 200000])
except OSError as error: print(error)
os.execv("/bin/true", ["true"])
"""


def case_forward(k23, program):
    """Only a function for a call forwards, and only calls of the program's; elsewhere there is an error, and a message."""
    del program
    words = sys.executable, "-S", "-c", FORWARD
    natively = run(*words)
    told = [".init", "a call", ".signal", ".thread_start", "a call", ".thread_exit", ".fork_child", ".process_exit",
            ".exec_begin", ".exec_failed", ".exec_begin", ".init", ".exec", ".process_exit"]
    lines = [what + (": EINVAL EINVAL 1" if what == "a call" else ": EPERM") for what in told]
    message = ("k23: hook forward: k23_forward() in its .init fails with EPERM: only a function for a call forwards; "
               "k23_syscall() makes calls of the hook's own")
    lines += [message] * 2  # in each image one
    for flags, way in itertools.product(([], ["--hosted"]), (["--no-patch"], [], ["--eager"])):
        hook = build(k23, "forward", *flags)
        for hooks in [hook], ["null", hook]:
            chosen = [word for name in hooks for word in ("--hook", name)]
            result = run(k23, "run", *way, *chosen, "--", *words)
            expect(f"{hooks} {way}", (result.returncode, result.stdout), (natively.returncode, natively.stdout))
            # Python does not wait until a thread has really ended.
            expect(f"{hooks} {way}", sorted(result.stderr.splitlines()), sorted(lines))


def case_raised(k23, program):
    """Signals that writes of a hook raise are not the program's, whose own ones come as natively."""
    del program
    closed = ("import os, sys\n"
              "reader, writer = os.pipe()\n"
              "os.dup2(writer, 2)\n"
              "os.close(reader)\n"
              "os.execv(sys.argv[1], sys.argv[1:])\n")
    words = sys.executable, "-S", os.path.join(HERE, "raised_program.py")
    natively = run(*words)
    expect("natively", (natively.returncode, natively.stderr), (0, ""))
    for flags, way in itertools.product(([], ["--hosted"]), (["--no-patch"], ["--eager"])):
        hook = build(k23, "raised", *flags)
        for hooks in [hook], ["null", hook, "told"]:
            chosen = (word for name in hooks for word in ("--hook", name))
            result = run(sys.executable, "-S", "-c", closed, k23, "run", *way, *chosen, "--", *words)
            expect(f"{hooks} {way}", (result.returncode, result.stdout), (0, natively.stdout))


def case_where(k23, program):
    hook = build(k23, "crash")
    for words, status, text in (([hook, "0x1"], 125, "does not tell"), (["nowhere.so", "0x1000"], 125, "does not tell"),
                                ([hook], 125, "needs a hook's file"), ([hook, "uname"], 125, "needs a hook's file")):
        result = run(k23, "cc", "--where", *words)
        if result.returncode != status or text not in result.stderr or result.stderr.count("\n") != 1:
            raise Failed(f"k23 cc --where {words}: {result.returncode}, {result.stderr!r}")


def case_refused(k23, program):
    for name, (text, reason, *members) in BAD.items():
        with open(name + ".c", "w") as source:
            source.write(f"#include <k23/hook.h>\n{text}\nK23_HOOK(bad, {members[0] if members else '.all = f'});\n")
        result = run(k23, "cc", name + ".c", "-o", name + ".so")
        if result.returncode != 125 or reason not in result.stderr:
            raise Failed(f"k23 cc of a hook with {name}: {result.returncode}, {result.stderr!r}")
        expect(f"{name}: what was refused is removed", os.path.exists(name + ".so"), False)
        # Built past k23 cc, as from a build system.
        flags = run("env", "CC=echo", k23, "cc", name + ".c", "-o", name + ".so").stdout.split()
        expect(f"cc {name}", run("cc", *flags).returncode, 0)
        result = run(k23, "run", "--hook", f"./{name}.so", "--", program, "exit")
        if result.returncode != 125 or reason not in result.stderr or result.stderr.count("\n") != 1:
            raise Failed(f"k23 run of a hook with {name}: {result.returncode}, {result.stderr!r}")
    for name, content in (("empty", b""), ("text", b"no hook\n"), ("cut", open(build(k23, "api"), "rb").read()[:5000])):
        with open(name, "wb") as file:
            file.write(content)
        result = run(k23, "run", "--hook", f"./{name}", "--", program, "exit")
        if result.returncode != 125 or result.stderr.count("\n") != 1:
            raise Failed(f"a hook file that is {name}: {result.returncode}, {result.stderr!r}")


def case_interrupted(k23, program):
    """A `k23 cc` that is ended leaves neither its compiler nor what that has made."""
    del program
    with open("compiler", "w") as script:
        script.write('#!/bin/sh\ncc "$@" || exit\ntouch made\nexec sleep 100\n')
    os.chmod("compiler", 0o755)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        with subprocess.Popen([k23, "cc", os.path.join(HERE, "told.c"), "-o", "told.so"],
                              env={**os.environ, "CC": "./compiler"}) as building:
            expect("made", harness.wait_until(lambda: os.path.exists("made")), True)
            building.send_signal(number)
            expect("status", building.wait(20), -number)
        expect("what is left", os.path.exists("told.so"), False)
        os.remove("made")


def case_languages(k23, program):
    """Without a warning in C11 and in C++17, whatever was included before; and C++ works."""
    source = os.path.join(HERE, "languages.inc")
    for name, options in (("c.c", ["-std=c11"]), ("c.c", ["-std=gnu17", "-DLATER"]), ("cxx.cc", ["-std=c++17"]),
                          ("cxx.cpp", ["-DLATER"])):
        for variable, compilers in ("CC", ("gcc", "clang")), ("CXX", ("g++", "clang++")):
            for compiler in compilers if ("++" in compilers[0]) == name.startswith("cxx") else ():
                harness.need_program(compiler)
                shutil.copy(source, name)
                result = run("env", f"{variable}={compiler}", k23, "cc", "-Werror", *options, name, "-o", "hook.so")
                expect(f"{compiler} {options}", (result.returncode, result.stdout, result.stderr), (0, "", ""))
                result = run(k23, "run", "--hook", "./hook.so", "--", program, "answer")
                expect(f"{compiler} {options}", (result.returncode, result.stderr), (0, "getppid 23\n5000 -1\n"))


def case_usage(k23, program):
    for arguments, status, words in (
            ([], 125, "usage"), (["nonsense"], 125, "no command"), (["run"], 125, "no program"),
            (["run", "--wrong"], 125, "--help"), (["run", "--foreign=perhaps", "true"], 125, "allow"),
            (["run", "--hook", "no-such-hook", "true"], 125, "no-such-hook"),
            (["run", "--hook", "/no/such.so", "true"], 125, "/no/such.so"),
            (["run", "/no/such/program"], 127, "No such file"), (["run", "no-such-program"], 127, "No such file"),
            (["run", "/"], 126, "Permission denied"), (["run", "/etc/passwd"], 126, "Permission denied"),
            (["run", ""], 127, "No such file")):
        result = run(k23, *arguments)
        if result.returncode != status or words not in result.stderr:
            raise Failed(f"k23 {arguments}: {result.returncode}, {result.stderr!r}")
    expect("exit status", run(k23, "run", "--", "sh", "-c", "exit 42").returncode, 42)
    expect("death", run(k23, "run", "--", "sh", "-c", "kill -TERM $$").returncode, -15)


def make_foreign():
    """A 32-bit program: a valid header is enough, nobody gets to run it."""
    header = bytearray(open("/bin/true", "rb").read(64))
    header[4] = 1
    header[18:20] = (3).to_bytes(2, "little")
    header[42:44] = (32).to_bytes(2, "little")  # the size of a program header
    with open("foreign", "wb") as file:
        file.write(header)
    os.chmod("foreign", 0o755)


def case_foreign(k23, program):
    make_foreign()
    result = run(k23, "run", "./foreign")
    expect("k23 run", result.returncode, 126)
    if "--foreign=allow" not in result.stderr:
        raise Failed(f"k23 run of a 32-bit program says {result.stderr!r}")
    code = "import os\ntry: os.execv('./foreign', ['foreign'])\nexcept OSError as e: print(e.errno)"
    result = run(k23, "run", "--", "/usr/bin/python3", "-c", code)
    expect("execve", (result.returncode, result.stdout), (0, "8\n"))
    if "--foreign=allow" not in result.stderr:
        raise Failed(f"execve of a 32-bit program says {result.stderr!r}")
    native = run("/usr/bin/python3", "-c", code)
    result = run(k23, "run", "--foreign=allow", "--", "/usr/bin/python3", "-c", code)
    expect("allowed", (result.returncode, result.stdout), (native.returncode, native.stdout))


MESSAGES = """
import os, resource, signal, sys
for number in signal.SIGPIPE, signal.SIGXFSZ:
    signal.signal(number, signal.SIG_DFL)
reader, writer = os.pipe()
file = os.open("full", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.close(reader)
os.truncate("full", 4096)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
for closed in writer, file:
    os.dup2(closed, 2)
    try:
        os.execv("./foreign", ["foreign"])
    except OSError as error:
        print(error.errno, signal.sigpending(), signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def case_messages(k23, program):
    """What k23 says to a standard error that nobody reads, or that is full, does not signal the program."""
    make_foreign()
    words = [sys.executable, "-S", "-c", MESSAGES]
    for way in ["--no-patch"], ["--eager"], ["--no-patch", "--hook", "null"], ["--eager", "--hook", "null"]:
        result = run(k23, "run", *way, "--", *words)
        expect(f"{way}", (result.returncode, result.stdout), (0, "8 set() set()\n" * 2))


LIMITS = """
import ctypes, mmap, os, re, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
def fails(what, *arguments):
    result = getattr(libc, what)(*arguments)
    return what, result, ctypes.get_errno()
start, end = next((int(a, 16), int(b, 16)) for a, b in re.findall(r"^(\\w+)-(\\w+) r-xp 00000000 00:00 0 *$",
                                                                open("/proc/self/maps").read(), re.M))
address, size = ctypes.c_void_p(start), ctypes.c_size_t(end - start)
print(fails("munmap", address, size), fails("mprotect", address, size, 7), fails("madvise", address, size, 4))
libc.mmap.restype = ctypes.c_long
print(fails("mmap", address, size, 3, 0x32, -1, 0))
os.setresuid(65533, 65533, 65533) if os.getuid() == 0 else None
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
sys.stdout.flush()
os.execv("/bin/readlink", ["readlink", "/proc/self/exe"])
"""


def case_limits(k23, program):
    """What k23(1) says that differs: each with its error, and the program goes on."""
    result = run(k23, "run", "--hook", "null", "--", "/usr/bin/python3", "-c", LIMITS)
    link = run("/bin/readlink", "/proc/self/exe").stdout
    expect("errors", (result.returncode, result.stdout, result.stderr), (0, (
        f"('munmap', -1, 12) ('mprotect', -1, 12) ('madvise', -1, 12)\n('mmap', -1, 22)\n{link}"), ""))
    if os.getuid() == 0:
        result = run(k23, "run", "--", "unshare", "--pid", "sh", "-c", "sh -c 'echo $$'")
        expect("right after unshare(CLONE_NEWPID)", (result.returncode, result.stdout, result.stderr), (0, "1\n", ""))
        expect("with a fork", run(k23, "run", "--", "unshare", "--pid", "--fork", "sh", "-c", "echo $$").stdout, "1\n")


def case_nested(k23, program):
    """k23 run inside k23 run: the inner hooks see the calls first, the outer ones what these let through."""
    hook = build(k23, "answer")
    both = run(k23, "run", "--hook", hook + ":plus=23", "--", k23, "run", "--hook", hook + ":plus=100", "--", program,
               "answer")
    expect("both", (both.returncode, both.stdout, both.stderr), (0, "twice\n" * 4, "getppid 123\n5000 5001\n"))
    deep = [k23, "run", "--hook", "null", "--"] * 3
    expect("three", run(*deep, "sh", "-c", "echo $((1 + 1)); exit 7").stdout, "2\n")
    expect("failure", run(*deep, "/no/such/program").returncode, 127)


def counted(k23, hook, *command, way=()):
    result = run(k23, "run", *way, "--hook", hook, "--", *command)
    expect(f"{command} {way}", (result.returncode, result.stderr), (0, ""))
    return result.stdout.splitlines()


def ways(k23, name, *command):
    store = os.path.join(os.getcwd(), name + ".store")
    expect("learn", run(k23, "learn", "--store", store, "--", *command).returncode, 0)
    return ["--no-patch"], ["--store", store], ["--eager"]


def case_state(k23, program):
    """What all processes of a run share outlives whatever they do."""
    hook = build(k23, "state")
    steps = ["call", "exec", "call", "processes", "threads", "close", "exec", "spawn", "no-descriptors", "exec", "call"]
    calls = 1 + 1 + 4000 + 4000 + 2 + 1
    os.mkdir("empty")
    os.chmod("empty", 0o755)
    if os.getuid() == 0:
        steps += ["ipc", "exec", "call", "mount", "exec", "call", "pid", "exec", "call", "net", "exec", "call", "chroot",
                  "exec", "call", "user", "exec", "call", "exec", "processes"]
        calls += 6 + 4000
    for way in ways(k23, "state", program, "call"):
        expect(f"{way}", counted(k23, hook, program, *steps, "print", way=way), [f"{calls} calls, 0 died"])
        # Each run has its own.
        expect(f"{way}", counted(k23, hook, program, "call", "print", way=way), ["1 calls, 0 died"])
    # Several hooks have several.
    both = run(k23, "run", "--hook", hook, "--hook", hook, "--", program, "call", "exec", "call", "print")
    expect("two hooks", (both.stdout, both.stderr), ("2 calls, 0 died\n", ""))
    # What others share with the processes does not disturb, nor does a run inside the run.
    for command in "stat", "trace":
        result = run(k23, command, "-o", "/dev/null", "--hook", hook, "--", program, "call", "exec", "call", "print")
        expect(command, (result.returncode, result.stdout, "run state" in result.stderr), (0, "2 calls, 0 died\n", False))
    for inner, inside in ("null", 2), (hook, 1):
        nested = counted(k23, hook, program, "call", "run", k23, "run", "--hook", inner, "--", program, "call",
                         "print")
        expect(f"a run with {inner} in the run", nested, [f"{inside} calls, 0 died"])


def case_locks(k23, program):
    """Whoever dies with a lock, the others get it."""
    hook = build(k23, "state")
    deaths = ["fork-dies", "vm-dies", "vfork-dies"] + (["pid-dies"] if os.getuid() == 0 else [])
    lists = ["none-dies", "bad-dies"]
    for way in ways(k23, "locks", program, "call"):
        lines = counted(k23, hook, program, "twice", *deaths, *lists, "exec", *deaths, "print", way=way)
        expect(f"{way}", lines, [f"{1 + 4 * len(deaths) + 12 * 2} calls, {2 * len(deaths) + 2} died"])
        expect(f"{way}", counted(k23, hook, program, "robust", "print", way=way),
               ["robust mutexes: 0 1", "32 calls, 1 died"])
        result = run(k23, "run", *way, "--hook", hook, "--", program, "storm", "print")
        expect(f"storm {way}", (result.returncode, result.stderr), (0, ""))


CHILDLESS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
before = libc.syscall(5000)
os.getppid()
try: print("a child", os.wait())
except ChildProcessError: pass
if len(sys.argv) > 1: os.execv(sys.executable, [sys.executable, "childless.py"])
print(libc.syscall(5000) - before, before > 0)
"""
SUBREAPER = "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"


def keepers(hook):
    """The processes that keep the state of runs with a hook."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/cmdline") as line:
                if comm.read() == "k23-keeper\n" and hook in line.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def case_keeper(k23, program):
    """It is nobody's child that a wait finds, ends with the run, and may be killed."""
    hook = build(k23, "state")
    python = "/usr/bin/python3"
    with open("childless.py", "w") as file:
        file.write(CHILDLESS)
    starts = [[], [python, "-c", SUBREAPER]]
    if os.getuid() == 0:
        starts += [["unshare", "--pid", "--fork"],
                   ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh"]]
    for start in starts:
        result = run(*start, k23, "run", "--hook", hook, "--", python, "childless.py", "again")
        expect(f"{start}", (result.returncode, result.stdout, result.stderr), (0, "1 True\n", ""))
    harness.wait_until(lambda: not keepers(hook))
    with subprocess.Popen([k23, "run", "--hook", hook, "--", "sh", "-c", f"echo; read line; exec {program} call print"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        os.kill(keepers(hook)[0], signal.SIGKILL)
        harness.wait_until(lambda: not keepers(hook))
        out, err = child.communicate("\n")
    expect("a keeper that was killed", (out, re.sub(r"process \d+", "process N", err)), (
        "-1 calls, -1 died\n", "k23: process N has not got the run state of its hooks: the run's keeper was killed\n"))


TOO_LONG = """
import os
for path, arguments in ("/no/such", ["x"]), ("/bin/true", ["x" * (1 << 20)]), ("/bin/true", ["x"]):
    try: os.execv(path, arguments)
    except OSError: pass
"""


def case_carry(k23, program):
    """What a hook carries over execve, whoever carries it; and it is told when one fails."""
    hook = build(k23, "carry")
    name = os.path.basename(program)

    def lines(*command, way=()):
        result = run(k23, "run", *way, "--hook", hook, "--", *command)
        expect(f"{command}", result.returncode, 0)
        return [line.removeprefix("carry: ") for line in result.stderr.splitlines()]

    def arrival(number):
        return [f"init {number}", f"exec {number}"]

    for way in ways(k23, "carry", program, "call"):
        # The first step after exec is by descriptor, with no path.
        expect(f"execs {way}", lines(program, "exec", "exec", "print", way=way),
               ["begin "] + arrival(1) + ["begin "] + arrival(2))
        expect(f"vfork {way}", lines(program, "spawn", way=way), ["begin 9"] + arrival(1))
    expect("failures", lines("/usr/bin/python3", "-c", TOO_LONG),
           ["begin true", "failed true E2BIG", "begin true"] + arrival(1))
    if os.getuid() == 0:
        expect("without a helper", lines(program, "children", "exec", "exec", "print"),
               ["begin "] + arrival(1) + ["begin "] + arrival(2))
    nested = lines(program, "run", k23, "run", "--hook", "null", "--", program, "exec", "print")
    expect("a run in the run", nested[-6:], [f"begin {name}"] + nested[-5:-3] + ["begin "] + nested[-2:])
    numbers = [int(line.split()[1]) for line in nested if line.startswith("exec")]
    expect("numbers in there", numbers, list(range(1, len(numbers) + 1)))
    if shutil.which("strace"):
        traced = lines("strace", "-o", "/dev/null", program, "exec", "print")
        expect("traced", traced[-3:], ["begin "] + arrival(2))


def case_files(k23, program):
    """The cookbook's hook names each file that a build opens once, and no other than strace sees natively."""
    for tool in "make", "gcc", "strace":
        harness.need_program(tool)
    with open(os.path.join(HERE, "../../docs/cookbook.md")) as cookbook:
        source = next(text for text in re.findall(r"```c\n(.*?)```", cookbook.read(), re.S) if "K23_HOOK(files" in text)
    with open("files.c", "w") as file:
        file.write(source)
    result = run(k23, "cc", "-Werror", "files.c", "-o", "files.so")
    expect("k23 cc", (result.returncode, result.stderr), (0, ""))
    for part in "abcd":
        with open(f"{part}.c", "w") as file:
            file.write(f'#include <stdio.h>\n#include "all.h"\nint {part}(void) {{ return puts("{part}"); }}\n')
    with open("main.c", "w") as file:
        file.write('#include "all.h"\nint main(void) { return a() + b() + c() + d() == 0; }\n')
    with open("all.h", "w") as file:
        file.write("".join(f"int {part}(void);\n" for part in "abcd"))
    with open("Makefile", "w") as file:
        file.write("all: a.o b.o c.o d.o main.o\n\t$(CC) $^ -o $@\n")

    def build_with(*command):
        for name in os.listdir("."):
            if name.endswith(".o") or name == "all":
                os.remove(name)
        result = run(*command, "make", "-j2")
        expect(f"{command[0]}", result.returncode, 0)
        return result

    def named(paths):
        """Without what each run calls otherwise: gcc's temporary files, and what has a process's id in its name."""
        return sorted(re.sub(r"/cc\w{6}\b", "/cc", path) for path in paths if not path.startswith("/proc/"))

    os.mkdir("logs")
    build_with("strace", "-ff", "-y", "-e", "trace=openat", "-o", "logs/of")
    opened = set()
    for name in os.listdir("logs"):
        with open(os.path.join("logs", name)) as log:
            found = re.findall(r'openat\((?:AT_FDCWD|\d+)<([^>]*)>, "([^"]*)".* = \d+<', log.read())
        opened.update(os.path.normpath(os.path.join(directory, path)) for directory, path in found)
    result = build_with(k23, "run", "--hook", "./files.so", "--")
    lines = [line.removeprefix("opens ") for line in result.stderr.splitlines() if line.startswith("opens ")]
    expect("each once", len(lines), len(set(lines)))
    expect("files", named(lines), named(opened))
    expect("what was built", run("./all").stdout, "a\nb\nc\nd\n")


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


main()
