#!/usr/bin/python3
"""The hook interface, from both sides. usage: run.py K23 PROGRAM CASE"""
import itertools
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Failed, expect, run

# Hooks that k23 cc must refuse, and what it has to say.
BAD = {
    "libc": ("int puts(const char *); static long f(struct k23_call *c) { return puts(\"\") + k23_forward(c); }", "puts"),
    "vector": ("static long f(struct k23_call *c) { __asm__ volatile(\"pxor %%xmm0, %%xmm0\" ::: \"memory\");"
               " return k23_forward(c); }", "vector"),
    "syscall": ("static long f(struct k23_call *c) { __asm__ volatile(\"syscall\"); return k23_forward(c); }",
                "past the runtime"),
    "tls": ("static _Thread_local volatile int t; static long f(struct k23_call *c) { t++; return k23_forward(c); }",
            "thread-local"),
    "constructor": ("static int v; __attribute__((constructor)) static void c0(void) { v = 1; }"
                    "static long f(struct k23_call *c) { return v + k23_forward(c); }", "constructors"),
}


def build(k23, name):
    out = os.path.join(os.getcwd(), name + ".so")
    result = run(k23, "cc", "-Werror", os.path.join(HERE, name + ".c"), "-o", out)
    expect(f"k23 cc {name}", (result.returncode, result.stderr), (0, ""))
    return out


def case_api(k23, program):
    hook = build(k23, "api")
    result = run(k23, "run", "--hook", hook + ":flag,list=a\\,b", "--", program, "uname")
    expect("api", (result.returncode, result.stderr), (0, "api: 0 wrong\n"))


def case_life(k23, program):
    hook = build(k23, "life")
    result = run(k23, "run", "--hook", hook, "--", program, "life")
    expect("status", result.returncode, 4)
    expect("callbacks", result.stderr.splitlines(), ["life: " + line for line in (
        "init", "thread_start 1", "thread_exit", "fork_child 1", "init", "exec", "process_exit 3", "fork_child 1",
        "process_exit 5", "fork_child 1", "thread_exit", "thread_start 1", "thread_exit", "process_exit 4")])


def case_answer(k23, program):
    hook = build(k23, "answer")
    one = run(k23, "run", "--hook", hook + ":plus=23", "--", program, "answer")
    expect("one hook", (one.returncode, one.stdout, one.stderr), (0, "twice\n" * 2, "getppid 23\n5000 5001\n"))
    two = run(k23, "run", "--hook", hook + ":plus=100", "--hook", hook + ":plus=23", "--", program, "answer")
    expect("a chain", (two.returncode, two.stdout, two.stderr), (0, "twice\n" * 4, "getppid 123\n5000 5001\n"))


def case_crash(k23, program):
    hook = build(k23, "crash")
    store = os.path.join(os.getcwd(), "crash.store")
    expect("learn", run(k23, "learn", "--store", store, "--", program, "uname").returncode, 0)
    for how, way in itertools.product("rwusfdt", (["--no-patch"], ["--store", store])):
        signal = {"u": 4, "t": 5, "d": 8}.get(how, 11)
        result = run(k23, "run", *way, "--hook", f"{hook}:how={how}", "--", program, "uname")
        expect(f"crash {how} {way}", result.returncode, -signal)
        if not re.search(rf"k23: hook crash \({re.escape(hook)}\) crashed with signal {signal} in system call 63, "
                         r"at \S+\+0x[0-9a-f]+, address 0x[0-9a-f]+\n", result.stderr):
            raise Failed(f"crash {how} {way} says {result.stderr!r}")
    result = run(k23, "run", "--hook", hook + ":how=n", "--", program, "exit")
    expect("a hook that refuses", result.returncode, 125)
    if "refuses to start" not in result.stderr:
        raise Failed(f"a hook that refuses says {result.stderr!r}")


def case_refused(k23, program):
    for name, (text, reason) in BAD.items():
        with open(name + ".c", "w") as source:
            source.write(f"#include <k23/hook.h>\n{text}\nK23_HOOK(bad, .all = f);\n")
        result = run(k23, "cc", name + ".c", "-o", name + ".so")
        if result.returncode != 125 or reason not in result.stderr:
            raise Failed(f"k23 cc of a hook with {name}: {result.returncode}, {result.stderr!r}")
        result = run(k23, "run", "--hook", f"./{name}.so", "--", program, "exit")
        if result.returncode != 125 or reason not in result.stderr or result.stderr.count("\n") != 1:
            raise Failed(f"k23 run of a hook with {name}: {result.returncode}, {result.stderr!r}")
    for name, content in (("empty", b""), ("text", b"no hook\n"), ("cut", open(build(k23, "api"), "rb").read()[:5000])):
        with open(name, "wb") as file:
            file.write(content)
        result = run(k23, "run", "--hook", f"./{name}", "--", program, "exit")
        if result.returncode != 125 or result.stderr.count("\n") != 1:
            raise Failed(f"a hook file that is {name}: {result.returncode}, {result.stderr!r}")


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


def case_foreign(k23, program):
    """A 32-bit program: a valid header is enough, nobody gets to run it."""
    header = bytearray(open("/bin/true", "rb").read(64))
    header[4] = 1
    header[18:20] = (3).to_bytes(2, "little")
    with open("foreign", "wb") as file:
        file.write(header)
    os.chmod("foreign", 0o755)
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


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


main()
