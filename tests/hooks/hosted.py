#!/usr/bin/python3
"""Hosted hooks, in C and C++: exact counts, threads, forks, and what they must not do. usage: hosted.py K23 PROGRAM CASE"""
import itertools
import os
import pwd
import re
import shutil
import signal
import sqlite3
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Failed, Skipped, expect, need_machine, run


def build(k23, source, *words):
    """The hook; those that many tests need are built once, by the same command (meson.build)."""
    built = os.path.join(os.path.dirname(os.path.abspath(k23)), "tests/hooks", source.split(".")[0])
    if not words and os.path.exists(built):
        return built
    out = os.path.join(os.getcwd(), source.split(".")[0])
    result = run(k23, "cc", "--hosted", "-Werror", os.path.join(HERE, source), *words, "-o", out)
    if source.endswith(".cc") and "cannot run the compiler" in result.stderr:
        raise Skipped("no C++ compiler")
    expect(f"k23 cc --hosted {source}", (result.returncode, result.stderr), (0, ""))
    return out


def ways(k23, program):
    """Each way in which calls come to hooks."""
    store = os.path.join(os.getcwd(), "store")
    expect("learn", run(k23, "learn", "--store", store, "--", program, "three").returncode, 0)
    return ["--no-patch"], ["--store", store, "--no-learn"], ["--store", store, "--no-learn", "--eager"]


def counts(text, name):
    return [int(number) for number in re.findall(rf"^{name}: (\d+)$", text, re.M)]


def counted(k23, program, words, hooks, way, status=0):
    """Runs the program, and returns what its last process has made, and what all processes have counted."""
    natively = run(program, *words)
    result = run(k23, "run", *way, *(word for hook in hooks for word in ("--hook", hook)), "--", program, *words)
    what = f"{words} {hooks} {way}"
    if natively.returncode == 77:
        raise Skipped("nothing to try here")
    expect(f"natively {words}", natively.returncode, status)
    expect(f"status {what}: {result.stdout}{result.stderr[-500:]}", result.returncode, status)
    made = counts(result.stdout, "made")
    return made[-1], counts(result.stderr, "map"), counts(result.stderr, "ended")


def case_threads(k23, program):
    """A thousand that live shortly, whose thread-local variables are destroyed."""
    hook, other = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    for way in ways(k23, program):
        for hooks in [hook], ["null", hook, "told"], [other, hook, "null", other]:
            expect("threads", counted(k23, program, ["threads"], hooks, way), (3000, [3000], [3000]))


def count_forks(k23, program, each, *beside):
    hook = build(k23, "hosted_map.cc")
    for way in ways(k23, program):
        made, mapped, _ = counted(k23, program, ["forks", str(each)], [*beside, hook], way)
        expect("children", mapped[:-1], [2] * (8 * each))
        expect("parent", mapped[-1], made)


def case_forks(k23, program):
    """From eight threads, while all are in the C library of the hook."""
    count_forks(k23, program, 20)


def case_forks_in_two(k23, program):
    """In the middle of the first's fork the second forks."""
    count_forks(k23, program, 5, build(k23, "hosted.c"))


def case_many_forks(k23, program):
    count_forks(k23, program, 250)


def case_spawns(k23, program):
    """Children that share the memory for a while."""
    hook = build(k23, "hosted_map.cc")
    for way in ways(k23, program):
        made, mapped, _ = counted(k23, program, ["spawns"], [hook], way)
        expect("calls", (made, sum(count for count in mapped if count > 1), sorted(set(mapped))[0:2]),
               (400, 0, [0, 1]))


def case_storm(k23, program):
    """Signals come all the time, and each call counts once."""
    hook, other = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    for way in ways(k23, program):
        for hooks in [hook], [hook, other]:
            made, mapped, _ = counted(k23, program, ["storm"], hooks, way)
            expect("calls", mapped, [made])


def case_made(k23, program):
    """Code that a hook writes itself, or loads, is not the program's: its calls are the hook's, and signals wait."""
    hook = build(k23, "hosted_made.c", "-Wl,--no-warnings")
    for way, options in itertools.product(ways(k23, program), ("", ":load")):
        for words in ["storm"], ["threads"]:
            made, mapped, _ = counted(k23, program, words, [hook + options], way)
            expect("calls", mapped, [made])
    made, mapped, _ = counted(k23, program, ["forks"], [hook], ["--no-patch"])
    expect("children", (mapped[:-1], mapped[-1]), ([2] * 160, made))
    result = run(k23, "run", "--hook", hook + ":crash", "--", program, "three")
    expect("crash", result.returncode, -5)
    if not re.match(r"k23: hook hosted_made \(\S+\) crashed with signal 5 \(SIGTRAP\) in system call 500, ", result.stderr):
        raise Failed(result.stderr)


def case_protected(k23, program):
    """Flags by which the compiler guards the stack and what is copied, from the world's first function on."""
    hook = build(k23, "hosted.c", "-fstack-protector-all", "-D_FORTIFY_SOURCE=2")
    for way in ways(k23, program):
        made, _, _ = counted(k23, program, ["threads"], [hook], way)
        expect("calls", made, 3000)


def count_signals(k23, program, whats):
    """Each signal that a handler has seen, or that a process has died of, was told once."""
    hook, other = build(k23, "hosted_signals.c"), build(k23, "hosted_map.cc")
    for way in ways(k23, program):
        for hooks, what in itertools.product(([hook], ["null", other, hook, "told"]), whats):
            natively = run(program, what)
            chosen = (word for name in hooks for word in ("--hook", name + ":count" * (name == hook)))
            result = run(k23, "run", *way, *chosen, "--", program, what)
            place = f"{what} {hooks} {way}"
            expect(f"natively {what} {natively.stderr}", natively.returncode, 0)
            expect(f"status {place} {result.stderr[-500:]}", result.returncode, 0)
            if what != "storm":
                expect(f"output {place}", result.stdout, natively.stdout)
            handled = re.findall(r"^handled (\d+: \d+)$", result.stdout, re.M)
            told = re.findall(r"^told (\d+: \d+)$", result.stderr.rpartition("all:")[0].rpartition("all:")[2], re.M)
            expect(f"told {place}", told, handled)
            expect(f"deaths {place}", sorted(re.findall(r"^left (\d+)$", result.stderr, re.M)),
                   sorted(re.findall(r"^(\d+) by \1$", result.stdout, re.M)))
            totals = re.findall(r"^all: (\d+), (\d+) in", result.stderr, re.M)
            if not totals or any(all_of_them != ended for all_of_them, ended in totals) or "wrong" in result.stderr:
                raise Failed(f"{place}: {result.stderr[-1000:]!r}")


def case_told(k23, program):
    """Of signals, in the program, in calls, of faults, of single steps, and of those that the program dies of."""
    count_signals(k23, program, ["faults", "stepped", "nested", "sys", "deaths", "stops"])


def case_told_storm(k23, program):
    """From all threads to all, while a timer ticks."""
    count_signals(k23, program, ["storm"])


def case_killed(k23, program):
    """Children that share the memory, and leave threads of the hook behind."""
    hook, other = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    for way in ways(k23, program):
        for hooks in [hook], [other, hook]:
            counted(k23, program, ["killed"], hooks, way)


def case_outlived(k23, program):
    """vfork children, whose parent executes a program or ends while its other threads fork, end, too."""
    hook, other = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    for way in ways(k23, program):
        for hooks in [hook], [other, hook]:
            counted(k23, program, ["outlived"], hooks, way)


def case_holes(k23, program):
    """The memory of hooks is not where the program maps something later."""
    hook, other = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    for way in ways(k23, program):
        for hooks in [hook], [other, hook]:
            expect("calls", counted(k23, program, ["holes"], hooks, way), (192, [192], [192]))


def case_traced(k23, program):
    """A tracer finds the runtime in an image where large hooks lie in front of it."""
    hook = build(k23, "hosted_map.cc")
    for way in ways(k23, program):
        expect("calls", counted(k23, program, ["traced"], [hook], way)[1], [3, 0])


def case_interrupted(k23, program):
    """A tracer finds the program's registers while a hook works, on whatever stack."""
    hosted, plain = build(k23, "spin.c"), os.path.join(os.getcwd(), "plain")
    expect("k23 cc", run(k23, "cc", os.path.join(HERE, "spin.c"), "-o", plain).returncode, 0)
    for way in ways(k23, program):
        for hooks in [hosted], [plain], [plain, hosted]:
            counted(k23, program, ["interrupted"], hooks, way)


def own_threads(k23):
    """The program of these cases, and a hook with threads of its own."""
    program = os.path.join(os.path.dirname(k23), "tests", "hooks", "own-threads-program")
    return program, build(k23, "own_threads.c")


def case_own_threads(k23, program):
    """Beside the program's, in children, and again after execve; the process ends without them."""
    chosen = ways(k23, program)
    program, hook = own_threads(k23)
    for word, done in ("work", [500 + 200] + [53] * 5 + [1] * 5), ("ends", [0] + [2] * 3), ("signals", None):
        natively = run(program, word)
        for way in chosen:
            result = run(k23, "run", *way, "--hook", hook, "--", program, word)
            expect(f"{word} {way} {result.stderr[-300:]}", (result.returncode, result.stdout),
                   (natively.returncode, natively.stdout))
            if done:
                expect(f"{word} {way}", sorted(counts(result.stderr, "done")), sorted(done))


def case_own_mistakes(k23, program):
    """A crash is reported, and the program's calls are not made there."""
    program, hook = own_threads(k23)
    result = run(k23, "run", "--hook", hook, "--", program, "crash")
    expect(f"status: {result.stderr}", result.returncode, -11)
    if "crashed with signal 11 (SIGSEGV) in its own thread" not in result.stderr:
        raise Failed(result.stderr)
    result = run(k23, "run", "--hook", hook, "--", program, "forward")
    expect("forward", (result.returncode, "k23_forward() in its own thread fails with EPERM" in result.stderr), (0, True))


def case_exec(k23, program):
    """By a thread that is not the first, while others are in the hook: the new image has a world of its own."""
    hook = build(k23, "hosted_map.cc")
    for way in ways(k23, program):
        expect("calls", counted(k23, program, ["exec"], [hook], way), (3, [3], [0]))


def case_fs(k23, program):
    """Each hook has a base of %fs, and so has the program."""
    hook, other = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    for way in ways(k23, program):
        for hooks in [hook], [other], [other, "null", hook, other]:
            made, mapped, _ = counted(k23, program, ["fs"], hooks, way)
            expect("calls", (made, mapped), (200, [0] * 10 + [200] if hook in hooks else []))


def case_vectors(k23, program):
    """What the hook does with vector registers is its own matter, also in children."""
    hooks = build(k23, "hosted_map.cc"), build(k23, "hosted.c")
    natively = run(program, "vectors")
    for way in ways(k23, program):
        for hook in *hooks, ",".join(hooks), ",".join([hooks[1]] * 2):
            chosen = (word for name in hook.split(",") for word in ("--hook", name))
            result = run(k23, "run", *way, *chosen, "--", program, "vectors")
            if result.returncode == 77:
                raise Skipped("no XSAVE")
            expect(f"{hook} {way}", (result.returncode, result.stdout), (0, natively.stdout))
            expect("complaints", [line for line in result.stderr.splitlines() if "wrong" in line], [])


def case_bare(k23, program):
    """Nothing but the bundle is needed where the program is: no file, no /proc, no descriptor that is free."""
    hook = build(k23, "hosted.c")
    code = ("import os, sys, resource\n"
            "if os.getuid() == 0: os.chroot(sys.argv[1])\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
            "pid = os.fork()\n"
            "if pid == 0: os.getppid(); os._exit(3)\n"
            "os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n")
    os.mkdir("root")
    result = run(k23, "run", "--hook", hook + ":count", "--", sys.executable, "-S", "-c", code, "root")
    expect("status", (result.returncode, len(re.findall("^hosted: [0-9]+ calls", result.stderr, re.M))), (3, 2))
    if "wrong" in result.stderr:
        raise Failed(result.stderr)


def build_rust(k23, source, panic, out):
    # One of rustup's is found by the real home.
    environment = {**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    if not shutil.which("rustc") or run("rustc", "--version", env=environment).returncode != 0:
        raise Skipped("no rustc that runs")
    built = run("rustc", "--edition", "2021", "--crate-type", "staticlib", "-O", "-g", "-C", f"panic={panic}",
                "-D", "warnings", os.path.join(HERE, source), "-o", "libhook.a", env=environment)
    expect("rustc", (built.returncode, built.stderr), (0, ""))
    expect("k23 cc", run(k23, "cc", "--hosted", "libhook.a", "-o", out).returncode, 0)


def case_rust_threads(k23, program):
    """Of std's, that the program's threads wait for, also in children."""
    hook = os.path.abspath("threads")
    build_rust(k23, "hosted_threads.rs", "unwind", hook)
    code = ("import ctypes, os\nlibc = ctypes.CDLL(None)\n"
            "for i in range(20):\n"
            "    libc.syscall(500)\n"
            "    if os.fork() == 0:\n"
            "        for k in range(i): libc.syscall(500)\n"
            "        raise SystemExit\n"
            "    os.wait()\n")
    for way in ways(k23, program):
        expect("threads", counted(k23, program, ["threads"], [hook], way), (3000, [3000], [3000]))
        result = run(k23, "run", *way, "--hook", hook, "--", sys.executable, "-S", "-c", code)
        expect(f"forks {way}", (result.returncode, counts(result.stderr, "map")), (0, [*range(20), 20]))


def case_rust(k23, program):
    """The example, as its README builds it."""
    del program
    build_rust(k23, "../../examples/rust/frozen.rs", "abort", "frozen")
    os.mkdir("cold")
    place = os.path.realpath("cold")
    for what, options, status, words in (
            ("refused", f":root={place}/", 2, f"frozen: {place}/a was tried 1 times\n"),
            ("no root", "", 125, "k23: hook frozen refuses to start: root=DIRECTORY is missing\n"),
            ("unknown", ":root=/x,y=1", 125, "k23: hook frozen has no option y; it has root\n"),
            ("elsewhere", f":root={place}/b", 0, "")):
        result = run(k23, "run", "--hook", "./frozen" + options, "--", "sh", "-c",
                     ": > cold/a", env={**os.environ, "LC_ALL": "C"})
        expect(f"status {what}", result.returncode, status)
        if words not in result.stderr or bool(words) != bool(result.stderr):
            raise Failed(f"{what}: {result.stderr!r}")
        expect(f"files {what}", os.listdir("cold"), ["a"] if status == 0 else [])
    for end, times in ("trap : TERM; kill -TERM $$; exit 3", 1), ("kill -TERM $$", 1), ("kill -KILL $$", 0):
        result = run(k23, "run", "--hook", f"./frozen:root={place}", "--", "sh", "-c", f"command : > cold/b; {end}")
        expect(end, len(re.findall("^frozen: ", result.stderr, re.M)), times)


def build_prepared(k23, *words):
    """The hook of prepared.c, which notes in this folder how often it prepares."""
    log = os.path.join(os.getcwd(), "prepared.log")
    return build(k23, "prepared.c", f'-DPREPARED_LOG="{log}"', *words), log


def times_prepared(k23, log, way, *words, status=0):
    """Runs a program under the hook, and returns how often it has prepared, and what it says."""
    with open(log, "w"):
        os.chmod(log, 0o666)
    result = run(k23, "run", *way, "--", *words)
    expect(f"status of {words} {way}: {result.stderr[-500:]}", result.returncode, status)
    with open(log) as file:
        return len(file.readlines()), result.stderr


def case_prepared(k23, program):
    """Once for all images of a run; each has what was prepared, as if by fork."""
    hook, log = build_prepared(k23)
    shell = ["sh", "-c", 'for i in 1 2 3; do "$0" three >/dev/null || exit; (exit 0); done; exec "$0" forks 2', program]
    for way in ways(k23, program):
        times, text = times_prepared(k23, log, [*way, "--hook", hook], *shell)
        expect(f"prepared {way}", times, 1)
        expect(f"forked {way}", sorted(set(counts(text, "forked"))), [1, 2])
        # In a chain with others, one of which may be a second of its kind, and without a random address.
        for other in ["null", hook, build(k23, "hosted.c")]:
            times, _ = times_prepared(k23, log, [*way, "--hook", other, "--hook", hook], *shell)
            expect(f"prepared beside {other}", times, 2 if other == hook else 1)
    def blocked():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    pending = ["grep", "Pnd", "/proc/self/status"]
    result = run(k23, "run", "--hook", hook, "--", *pending, preexec_fn=blocked)
    expect("pending signals", result.stdout, run(*pending, preexec_fn=blocked).stdout)
    times, _ = times_prepared(k23, log, ["--hook", hook], "setarch", "-R", program, "threads")
    expect("prepared without randomization", times, 1)
    result = run("setarch", "-R", k23, "run", "--hook", hook, "--", program, "three")
    expect("k23 without randomization", result.returncode, 0)


def case_unprepared(k23, program):
    """What has to be done in each image is."""
    shell = ["sh", "-c", '"$0" three >/dev/null && exec "$0" three', program]
    for words in ["-DMISTAKE='o'"], ["-DMISTAKE='t'"], ["-DCONSTRUCTOR"]:
        hook, log = build_prepared(k23, *words)
        times, _ = times_prepared(k23, log, ["--hook", hook], *shell)
        expect(f"prepared {words}", times >= 3, True)
    hook, log = build_prepared(k23, "-DMISTAKE='f'")
    _, text = times_prepared(k23, log, ["--hook", hook], *shell, status=125)
    expect("it fails", "k23: hook prepared refuses to start: .prepare: error 33" in text, True)
    hook, log = build_prepared(k23, "-DMISTAKE='c'")
    result = run(k23, "run", "--hook", hook, "--", *shell)
    expect("it crashes", ".prepare" in result.stderr, True)
    # Where the bundle is a copy, the image prepares itself.
    hook, log = build_prepared(k23)
    if os.geteuid() == 0 and run("unshare", "-i", "true").returncode == 0:
        times, _ = times_prepared(k23, log, ["--hook", hook], "unshare", "-i", *shell)
        expect("prepared in another namespace", times, 4)
        os.chmod(".", 0o755)
        times, _ = times_prepared(k23, log, ["--hook", hook], "setpriv", "--reuid=65534", "--clear-groups", *shell)
        expect("prepared as another user", times >= 1, True)


def case_sqlite(k23, program):
    """A library that the manual names, from threads of several processes."""
    del program
    with open("empty.c", "w") as file:
        file.write("int main(void) { return 0; }")
    need_machine(run("cc", "-static", "empty.c", "-lsqlite3", "-lm", "-o", "empty").returncode == 0, "no static library of sqlite here")
    hook, base = os.path.abspath("hook"), os.path.abspath("base")
    result = run(k23, "cc", "--hosted", os.path.join(HERE, "hosted_sqlite.c"), "-lsqlite3", "-o", hook)
    expect(f"k23 cc: {result.stderr}", result.returncode, 0)
    # Before the fork, all threads have closed their connections: the library has locks, and no handlers for forks.
    code = ("import os, threading\n"
            "def call():\n"
            "    for i in range(10): os.getppid()\n"
            "def run(count):\n"
            "    threads = [threading.Thread(target=call) for i in range(count)]\n"
            "    for thread in threads: thread.start()\n"
            "    for thread in threads: thread.join()\n"
            "run(8)\n"
            "while len(os.listdir('/proc/self/task')) > 1: pass\n"
            "if os.fork(): os.wait()\n"
            "run(3)\n")
    for way in ["--no-patch"], ["--eager"]:
        with sqlite3.connect(base) as made:
            made.execute("create table calls(process, thread)")
        result = run(k23, "run", *way, "--hook", f"{hook}:base={base}", "--", sys.executable, "-c", code)
        expect("the program", (result.returncode, result.stdout, result.stderr), (0, "", ""))
        counts = sqlite3.connect(base).execute("select count(*), count(distinct process), count(distinct thread) from calls").fetchone()
        expect("calls, processes and threads", counts, (140, 2, 14))
        os.unlink(base)


def case_large(k23, program):
    """Thread-local variables that are as large as a thread's stack, which is used as well."""
    del program
    with open("large.c", "w") as file:
        file.write("#include <k23/hook.h>\n#include <string.h>\n"
                   "static __thread char local[3 << 20];\n"
                   "static long on_getppid(struct k23_call *call)\n{\n"
                   "\tchar used[900 << 10];\n"
                   "\tmemset(used, 1, sizeof(used));\n"
                   "\tmemset(local, used[call->nr] + 1, sizeof(local));\n"
                   "\treturn local[call->nr] == 2 ? k23_forward(call) : -EIO;\n}\n"
                   "K23_HOOK(large, .calls = { { SYS_getppid, on_getppid } });\n")
    hook = os.path.abspath("large")
    expect("k23 cc", run(k23, "cc", "--hosted", "-O0", "large.c", "-o", hook).returncode, 0)
    code = ("import os, threading\n"
            "threads = [threading.Thread(target=lambda: print(os.getppid() > 0)) for i in range(8)]\n"
            "for thread in threads: thread.start(); thread.join()\n"
            "os.fork() and os.wait()\n"
            "print(os.getppid() > 0, os.system('exit 3'))\n")
    for way in ["--no-patch"], ["--eager"]:
        result = run(k23, "run", *way, "--hook", hook, "--", sys.executable, "-u", "-c", code)
        expect("the program", (result.returncode, result.stdout, result.stderr), (0, 8 * "True\n" + 2 * "True 768\n", ""))


def case_mistakes(k23, program):
    hook = build(k23, "hosted_map.cc")
    with open(os.path.join(HERE, "hosted_map.cc")) as source:
        line = next(i for i, text in enumerate(source, 1) if "/* crash */" in text)
    crashed = r"k23: hook hosted_map \(\S+\) crashed with signal 11 \(SIGSEGV\) in system call 500, at hook\+0x[0-9a-f]+, "
    for what, status, words in (
            ("crash", -11, rf"{crashed}address 0x1230\nk23: that is \S+ at \S*hosted_map\.cc:{line}\n"),
            ("deep", -11, rf"{crashed}its stack is full: hosted hooks have about 1 MB\n"
                          rf"k23: that is \S*descend\S* at \S*hosted_map\.cc:\d+\n"),
            ("abort", 125, r"k23: hosted hook \S+ has called abort\(\) \(6\)\n"),
            ("exit", 125, r"k23: hosted hook \S+ has called exit\(\) \(3\)\n"),
            ("throw", 125, r"(?s)terminate called .*k23: hosted hook \S+ has called abort\(\) \(6\)\n"),
            ("fork", 0, r"k23: hosted hook \S+: hooks do not create processes: EPERM\n")):
        result = run(k23, "run", "--hook", f"{hook}:wrong={what}", "--", program, "three")
        expect(f"status of {what}: {result.stderr}", result.returncode, status)
        if not re.match(words, result.stderr):
            raise Failed(f"{what} says {result.stderr!r}")
    result = run(k23, "run", *["--hook", hook] * 5, "--", program, "three")
    expect("five", (result.returncode, "more than 4 hosted hooks" in result.stderr), (125, True))


def case_refused(k23, program):
    """What k23 cc refuses, with or without --hosted."""
    del program
    source = "#include <k23/hook.h>\n%s\nK23_HOOK(refused, .all = k23_forward%s);\n"
    for name, text, more, words, flags in (
            ("nothing", None, "", "it has no K23_HOOK() in it", ["--hosted"]),
            ("neither", None, "", "it has no K23_HOOK() in it", []),
            ("library", "#include <stdlib.h>\nint f(void); int f(void) { return abs(rand()); }", "",
             "k23 cc --hosted", []),
            ("shared", "", "", "not linked statically", ["--hosted", "-no-pie", "-pie"])):
        with open(name + ".c", "w") as file:
            file.write("int nothing;\n" if text is None else source % (text, more))
        result = run(k23, "cc", *flags, name + ".c", "-o", name)
        lines = result.stderr.count("\n")
        if result.returncode != 125 or words not in result.stderr or os.path.exists(name) or (text is None and lines != 1):
            raise Failed(f"{name}: {result.returncode} {result.stderr!r}")


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


if __name__ == "__main__":
    main()
