#!/usr/bin/python3
"""Compare, process by process, which calls strace sees natively and which `k23 trace` reports.

Per process the multiset of calls from the first after its execve must be the same. Processes are matched
by shape: a process is its calls and its children, whatever their ids and order.
"""

import argparse
import collections
import os
import re
import shutil

import harness
from harness import Broken, Failed, difference, expect

# Calls that are left out everywhere, and why.
VDSO = "strace never sees what the vDSO answers; a hook that wants all calls does"
EVERYWHERE = {
    "clock_gettime": VDSO,
    "clock_getres": VDSO,
    "gettimeofday": VDSO,
    "time": VDSO,
    "getcpu": VDSO,
    "restart_syscall": "whether a wait is interrupted is a matter of time",
}
CHILDREN = {
    "wait4": "how many waits a shell makes depends on when its children end",
    "rt_sigreturn": "as many as SIGCHLDs were seen one by one",
    "rt_sigsuspend": "waits for the next SIGCHLD only if it has not come yet",
    "rt_sigprocmask": "around those waits",
}
THREADS = {
    "futex": "a lock that is free costs no call",
    "sched_yield": "made while others hold a lock",
    "munmap": "glibc trims a new arena on one side or on both, as the addresses fall",
    "mprotect": "grows the heap of whichever arena a thread got",
    "mmap": "an arena is made only when the others are in use",
    "madvise": "a stack is given back or reused, as the previous thread has ended or not",
    "brk": "as mmap",
}
# Go's scheduler starts threads, wakes, sleeps and preempts as time passes; what the program itself
# asks for is deterministic.
GO_ONLY = {
    "execve", "openat", "write", "readlinkat", "exit_group", "arch_prctl", "sched_getaffinity",
    "socket", "bind", "listen", "rt_sigaction",
}


class Case:
    """One program; what is left out of its comparison, or the only calls that are in it.

    also: how often calls must be seen under k23 that strace cannot see natively."""

    def __init__(self, command, without=None, only=None, threads=False, also=None):
        self.command, self.only, self.threads, self.also = command, only, threads, also or {}
        self.without = {**EVERYWHERE, **(without or {})}

    def wants(self, name):
        return name not in self.without and (self.only is None or name in self.only)


# {bin}: the built guests; {tree}: a directory made for the test
CASES = {
    "hello": Case(["{bin}/start", "hello"]),
    "hello-static": Case(["{bin}/start-static", "hello"]),
    "hello-static-pie": Case(["{bin}/start-static-pie", "hello"]),
    "hello-musl": Case(["{bin}/start-musl", "hello"]),
    "hello-musl-static": Case(["{bin}/start-musl-static", "hello"]),
    "nostdlib": Case(["{bin}/entry"]),
    "ls": Case(["ls", "-lR", "{tree}"]),
    "pipeline": Case(["sh", "-c", "ls {tree} | sort | wc -l; echo done; test -d {tree} && cat {tree}/a/1"],
                     without=CHILDREN),
    "go": Case(["{bin}/gohello"], only=GO_ONLY, threads=True),
    "threads": Case(["{bin}/threads", "counted"], without=THREADS, threads=True),
    "threads-musl": Case(["{bin}/threads-musl-static", "counted"], without=THREADS, threads=True),
    "spawn": Case(["{bin}/forks", "spawn_loop"]),
    "forks": Case(["{bin}/forks", "chain"]),
    "scripts": Case(["{bin}/exec_ways", "scripts"]),
    "exec-fail": Case(["{bin}/exec_fail", "errors"]),
    "numbers": Case(["{bin}/numbers", "result_registers"]),
    "stack": Case(["{bin}/stack", "little_left"]),
    "stack-invalid": Case(["{bin}/stack", "invalid"]),
    "straddling": Case(["{bin}/instructions", "straddling"]),
    "jit": Case(["{bin}/instructions", "jit"]),
    "far-away": Case(["{bin}/instructions", "far_away"]),
    "prefixed": Case(["{bin}/instructions", "prefixed"]),
    "single-step": Case(["{bin}/instructions", "single_step"]),
    "int80": Case(["{bin}/int80", "simple"]),
    "int80-forks": Case(["{bin}/int80", "forks"]),
    "handlers": Case(["{bin}/sig_context", "after_call"]),
    "nested": Case(["{bin}/sig_context", "nested"]),
    "masks": Case(["{bin}/sig_rules", "masks_in_handlers"]),
    "sigsys": Case(["{bin}/sig_sys", "calls_in_handlers"]),
    "vfork": Case(["{bin}/forks", "vfork"]),
    "sud": Case(["{bin}/sud", "exempt_range"]),
    "segments": Case(["{bin}/segments", "other_fs"]),
    "p1a-environment": Case(["{bin}/p1a", "environment"]),
    "p1a-preload": Case(["{bin}/p1a", "own_preload"]),
    "p1a-spawned": Case(["{bin}/p1a", "spawned"]),
    "p1a-static": Case(["{bin}/p1a", "without_interpreter"]),
    "p1a-interpreter": Case(["{bin}/p1a", "interpreter"]),
    "p1a-bare": Case(["{bin}/p1a", "bare"]),
    "p1b-off": Case(["{bin}/p1b", "off"]),
    "p1b-by-prctl": Case(["{bin}/p1b", "by_prctl"]),
    "p1b-exempt": Case(["{bin}/p1b", "everything_exempt"]),
    "p1b-threads": Case(["{bin}/p1b", "threads"], without=THREADS, threads=True),
    "p1b-handler": Case(["{bin}/p1b", "in_handler"]),
    "p1b-children": Case(["{bin}/p1b", "in_children"]),
    "p1b-turns": Case(["{bin}/p1b", "by_turns"]),
    "p1b-static": Case(["{bin}/p1b-static", "off"]),
    "p2a-late": Case(["{bin}/p2a", "late"]),
    "p2a-namespaces": Case(["{bin}/p2a", "namespaces"], without=THREADS, threads=True),
    "p2a-reloaded": Case(["{bin}/p2a", "reloaded_elsewhere"]),
    "p2a-nameless": Case(["{bin}/p2a", "nameless"]),
    "p2a-constructors": Case(["{bin}/p2a", "constructors"]),
    "p2a-rwx": Case(["{bin}/p2a", "jit_rwx"]),
    "p2a-w-xor-x": Case(["{bin}/p2a", "jit_w_xor_x"]),
    "p2a-two-mappings": Case(["{bin}/p2a", "jit_two_mappings"]),
    "p2a-packed": Case(["{bin}/p2a", "packed"]),
    "p2b-around-main": Case(["{bin}/p2b", "before_and_after"]),
    "p2b-preload": Case(["{bin}/p2b", "preload"]),
    "p2b-nothing-else": Case(["{bin}/p2b", "nothing_else"]),
    "p2b-vdso": Case(["{bin}/p2b", "vdso"], also={"clock_gettime": 31, "gettimeofday": 10, "time": 10, "getcpu": 10,
                                                  "clock_getres": 10}),
    "p3a-code": Case(["{bin}/p3a", "code"]),
    "p3b-to-the-call": Case(["{bin}/p3b", "to_the_call"]),
    "p3b-window": Case(["{bin}/p3b", "into_the_window"]),
    "p3b-loops": Case(["{bin}/p3b", "loops"]),
    "p3b-tables": Case(["{bin}/p3b", "tables"]),
    "p3b-immediates": Case(["{bin}/p3b", "immediates"]),
    "p3b-computed": Case(["{bin}/p3b", "computed_to_the_call"]),
    "p3b-computed-window": Case(["{bin}/p3b", "computed_into_the_window"]),
    "p5-fresh": Case(["{bin}/p5", "fresh_site"], only={"getppid", "close"}, threads=True),
    "p5-modified": Case(["{bin}/p5", "self_modifying"]),
    "p5-moved": Case(["{bin}/p5", "moved"], without={"read": "as many as /proc/self/maps is long"}),
    "p5-pages": Case(["{bin}/p5", "pages"]),
    "replaced": Case(["{bin}/replaced", "upgraded"]),
    "beyond": Case(["{bin}/beyond", "numbers"]),
    "red-zone": Case(["{bin}/red_zone", "kept"]),
    "work-in-handlers": Case(["{bin}/interrupted", "work_in_handlers"]),
}

STARTERS = {"clone", "clone3", "fork", "vfork"}
# Of strace and of k23 trace.
LINE = re.compile(r"^(\d+) +(?:i386:)?(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (?:i386:)?(\w+) resumed>(.*)$")
RESULT = re.compile(r"= (-?\d+|0x[0-9a-f]+)(?!.*= )")


class Process:
    def __init__(self):
        self.calls = collections.Counter()
        self.children = []


def result_of(text):
    match = RESULT.search(text)
    return int(match.group(1), 0) if match else None


class Tree:
    """Processes by id, in the order of their first call; threads folded into one if asked to."""

    def __init__(self, case):
        self.case, self.processes, self.is_child = case, {}, set()
        self.first = True

    def process(self, pid):
        if self.case.threads and self.processes:
            return next(iter(self.processes.values()))
        return self.processes.setdefault(pid, Process())

    def call(self, pid, name):
        # what comes before the program is not the program's: its own execve
        if self.first:
            self.first = False
            if name == "execve":
                self.process(pid)
                return
        if self.case.wants(name):
            self.process(pid).calls[name] += 1

    def started(self, pid, child):
        if self.case.threads or child is None or child <= 0:
            return
        self.process(pid).children.append(self.process(child))
        self.is_child.add(child)

    def lines(self):
        roots = [p for pid, p in self.processes.items() if pid not in self.is_child]
        text = []
        for part in sorted(render(p, 0) for p in roots):
            text += part
        return text


def render(process, depth):
    """The process as text; children in the order of their text, so that shapes compare equal."""
    pad = "  " * depth
    text = [f"{pad}process"]
    text += [f"{pad}  {name} x{n}" for name, n in sorted(process.calls.items())]
    for part in sorted(render(child, depth + 1) for child in process.children):
        text += part
    return text


def read_log(lines, case):
    tree = Tree(case)
    for line in lines:
        match = LINE.match(line)
        resumed = None if match else RESUMED.match(line)
        if not match and not resumed:
            continue
        pid, name, rest = int((match or resumed).group(1)), *(match or resumed).group(2, 3)
        if match:
            tree.call(pid, name)
        if name in STARTERS and "<unfinished" not in rest:
            tree.started(pid, result_of(rest))
    return tree.lines()


def count(lines, names):
    """How often the calls are in a log of k23 trace."""
    found = collections.Counter(match.group(2) for match in map(LINE.match, lines) if match)
    return {name: found[name] for name in names}


def make_tree(base):
    tree = os.path.join(base, "tree")
    for directory in ("a", "b/c", "empty"):
        os.makedirs(os.path.join(tree, directory))
    for name in ("a/1", "a/2", "b/3", "b/c/4"):
        with open(os.path.join(tree, name), "w", encoding="ascii") as f:
            f.write(name + "\n")
    os.symlink("a/1", os.path.join(tree, "link"))
    return tree


def run(*command):
    os.mkdir("cwd")
    cwd = os.path.abspath("cwd")
    done = harness.run(*command, cwd=cwd, env=harness.environment(cwd), timeout=60)
    shutil.rmtree(cwd)
    return done


def native(case, command, log):
    done = run("strace", "-f", "-qq", "-s", "0", "-o", log, *command)
    with open(log, encoding="utf-8", errors="replace") as f:
        return done, read_log(f, case)


def compare(options):
    case = CASES[options.case]
    harness.need_program("strace")
    tree = make_tree(os.getcwd())
    command = [word.format(bin=options.programs, tree=tree) for word in case.command]
    harness.need_program(command[0])
    command[0] = shutil.which(command[0])
    strace_log, k23_log = os.path.abspath("strace.log"), os.path.abspath("k23.log")
    done, want = native(case, command, strace_log)
    if len(want) < 2:
        raise Broken("strace showed no calls")
    # Of a thread that a process's end overtakes, strace sometimes shows the last call and sometimes not.
    for _ in range(5):
        first, (done, want) = want, native(case, command, strace_log)
        if first == want:
            break
    else:
        raise Broken("the program is not deterministic natively:\n" + difference(first, want, "again"))
    store = [f"--store={options.store}", "--no-learn", "--eager"] if options.store else ["--no-learn", "--no-patch"]
    got_done = run(options.k23, "trace", *store, "-o", k23_log, "--", *command)
    # strace has complaints of its own on standard error
    if (done.returncode, done.stdout) != (got_done.returncode, got_done.stdout):
        raise Failed(f"exit {done.returncode} natively, {got_done.returncode} under k23 trace\n{got_done.stderr}")
    with open(k23_log, encoding="utf-8", errors="replace") as f:
        lines = f.readlines()
    expect("calls that strace cannot see natively", count(lines, case.also), case.also)
    got = read_log(lines, case)
    if got != want:
        raise Failed(difference(want, got, "k23 trace"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath, help="directory of the built guests")
    parser.add_argument("--store", type=os.path.abspath, help="with the plans of this one")
    parser.add_argument("case", choices=sorted(CASES))
    options = parser.parse_args()
    harness.main(lambda: compare(options))


if __name__ == "__main__":
    main()
