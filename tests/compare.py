#!/usr/bin/env python3
"""Run a program natively and under k23, and compare everything the outside can see.

The native run is the oracle: standard output and error, exit status or signal, the files left in the
working directory and the processes left behind must be the same in every round.
Exit status: 0 same, 1 differs, 77 skipped, 99 the harness itself broke.
"""

import argparse
import ctypes
import difflib
import hashlib
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback

# What stands between the k23 executable and the program. One row per mode; a new mode is a new row.
# {learned}: a store of the test's own, in which `k23 learn` has noted what the same command does; {base}: --base-store
LEARNED, BASE = "--store={learned}", "--store={base}"
GUARD = ["run", "--no-patch", "--no-learn"]
MODES = {
    "plain": [*GUARD],
    "null": [*GUARD, "--hook", "null"],
    "chain": [*GUARD, "--hook", "null", "--hook", "null"],
    "observed": ["run", LEARNED, "--no-learn", "--hook", "null"],
    "observed-plain": ["run", LEARNED, "--no-learn"],
    "eager": ["run", BASE, "--no-learn", "--eager", "--hook", "null"],
    "eager-plain": ["run", BASE, "--no-learn", "--eager"],
}

SAME, DIFFERS, SKIPPED, BROKEN = 0, 1, 77, 99
NOBODY = 65534
PR_SET_CHILD_SUBREAPER = 36
WALL = 0x40000000  # __WALL: also children that end without SIGCHLD
GRACE = 2.0        # seconds an orphan may take to finish by itself


class Broken(Exception):
    """The harness could not do its work; says nothing about k23."""


def become_subreaper():
    """Orphans of the tested program come to us, so that none escapes the comparison."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Broken("prctl(PR_SET_CHILD_SUBREAPER) failed")


def children():
    """Ids of our living or zombie children, from every thread's list."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as f:
        return [int(pid) for pid in f.read().split()]


def describe(pid):
    """Name and state of a process for a report; pids would differ between runs and are left out."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            text = f.read()
        return text[text.index("(") : text.rindex(")") + 3]
    except (OSError, ValueError):
        return "(gone)"


def collect_leftovers():
    """Reap what the program left; return one line per process that it should have cleaned up itself."""
    lines = []
    deadline = time.monotonic() + GRACE
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | WALL)
        except ChildProcessError:
            return lines
        if pid:
            lines.append(f"orphan reaped, status {status:#x}")
        elif time.monotonic() < deadline:
            time.sleep(0.005)
        else:
            break
    for pid in children():
        lines.append(f"still running: {describe(pid)}")
    kill_children()
    return lines


def kill_children():
    """Kill and reap every descendant: the orphans of what we kill become our children in turn."""
    while True:
        pids = children()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.waitpid(-1, WALL)
        except ChildProcessError:
            return


def snapshot(directory):
    """One line per file below directory: path, type and mode, size, hash of its bytes."""
    lines = []
    for parent, dirs, files in os.walk(directory):
        for name in sorted(dirs + files):
            path = os.path.join(parent, name)
            st = os.lstat(path)
            line = f"{os.path.relpath(path, directory)} {stat.filemode(st.st_mode)}"
            if stat.S_ISLNK(st.st_mode):
                line += f" -> {os.readlink(path)}"
            elif stat.S_ISREG(st.st_mode):
                with open(path, "rb") as f:
                    line += f" {st.st_size} {hashlib.sha256(f.read()).hexdigest()[:16]}"
            lines.append(line)
    return sorted(lines)


def exit_line(code):
    if code is None:
        return "timeout"
    if code < 0:
        return f"killed by {signal.Signals(-code).name if -code < 32 else -code}"
    return f"exit {code}"


class Outcome:
    """All that one run showed."""

    def __init__(self, code, out, err, files, leftovers):
        self.code, self.out, self.err = code, out, err
        self.files, self.leftovers = files, leftovers

    def lines(self):
        text = [f"status: {exit_line(self.code)}"]
        for title, data in (("stdout", self.out), ("stderr", self.err)):
            text.append(f"{title}:")
            text += ["  " + line for line in data.decode("utf-8", "backslashreplace").split("\n")]
        text.append("files:")
        text += ["  " + line for line in self.files]
        text.append("left behind:")
        text += ["  " + line for line in self.leftovers]
        return text


class Runner:
    """Runs commands, each in a fresh directory of the same name, so that paths in outputs agree."""

    def __init__(self, user, timeout, stdin):
        self.timeout, self.stdin = timeout, stdin
        self.base = tempfile.mkdtemp(prefix="k23-compare-", dir="/tmp")
        os.chmod(self.base, 0o755)
        self.identity = {}
        if user and os.geteuid() == 0:
            self.identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.copies = 0

    def readable(self, path, beside=()):
        """A path the identity of this run can open: the file itself, or a copy of it and what is beside it."""
        if not self.identity:
            return path
        parts = os.path.realpath(path)
        ok = os.stat(parts).st_mode & 0o005 == 0o005
        parent = os.path.dirname(parts)
        while ok and parent != "/":
            ok = bool(os.stat(parent).st_mode & 0o001)
            parent = os.path.dirname(parent)
        if ok:
            return path
        self.copies += 1
        directory = os.path.join(self.base, f"copy{self.copies}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        copy = os.path.join(directory, os.path.basename(path))
        shutil.copy(path, copy)
        os.chmod(copy, 0o755)
        hooks = os.path.join(os.path.dirname(parts), "hooks")
        for other in beside:
            shutil.copy(other, directory)
            os.chmod(os.path.join(directory, os.path.basename(other)), 0o755)
        if os.path.basename(path) == "k23" and os.path.isdir(hooks):
            os.mkdir(os.path.join(directory, "hooks"))
            os.chmod(os.path.join(directory, "hooks"), 0o755)
            for name in os.listdir(hooks):
                if name.endswith(".so"):
                    shutil.copy(os.path.join(hooks, name), os.path.join(directory, "hooks", name))
        return copy

    def store(self, base):
        """A path for a store that everybody may read: a copy of base, if there is one."""
        directory = os.path.join(self.base, "store")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "store")
        if base:
            shutil.copy(base, path)
            os.chmod(path, 0o644)
        return path

    def run(self, command, identity=None):
        identity = self.identity if identity is None else identity
        cwd = os.path.join(self.base, "cwd")
        os.mkdir(cwd)
        if identity:
            os.chown(cwd, NOBODY, NOBODY)
        paths = [os.path.join(self.base, name) for name in ("out", "err")]
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C",
                       "HOME": cwd, "TMPDIR": cwd, "GUEST_ENV": "kept"}
        try:
            with open(paths[0], "wb") as out, open(paths[1], "wb") as err, \
                 open(self.stdin, "rb") as stdin:
                child = subprocess.Popen(
                    ["/bin/sh", "-c", 'ulimit -c 0; umask 022; exec "$@"', "sh", *command],
                    cwd=cwd, env=environment, stdin=stdin, stdout=out, stderr=err,
                    start_new_session=True, **identity)
            code = self.wait(child)
            if code is None:
                kill_children()
                child.returncode = -9
                leftovers = []
            else:
                leftovers = collect_leftovers()
            data = []
            for path in paths:
                with open(path, "rb") as f:
                    data.append(f.read())
            return Outcome(code, data[0], data[1], snapshot(cwd), leftovers)
        finally:
            shutil.rmtree(cwd, ignore_errors=True)

    def wait(self, child):
        pidfd = os.pidfd_open(child.pid)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            if not poll.poll(self.timeout * 1000):
                return None
            return child.wait()
        finally:
            os.close(pidfd)

    def close(self):
        shutil.rmtree(self.base, ignore_errors=True)


def skip(why):
    print(f"skipped: {why}")
    if os.environ.get("K23_MUST_WORK") == "1":
        print("K23_MUST_WORK=1: a skipped test is a failed one")
        return DIFFERS
    return SKIPPED


def prepare_store(runner, options, k23, command):
    """The store that the mode needs, as a path, or None; what goes wrong is k23's fault."""
    words = MODES[options.mode]
    if BASE in words:
        if not options.base_store:
            raise Broken(f"mode {options.mode} needs --base-store")
        return runner.store(options.base_store)
    if LEARNED not in words:
        return None
    path = runner.store(options.base_store)
    # by whoever runs the test, who owns the store; the user that runs the program only reads it
    learned = runner.run([k23, "learn", "--store", path, "--", *command], identity={})
    if learned.code is None or not os.path.exists(path) or not os.path.getsize(path):
        print("\n".join(["k23 learn made no store", *learned.lines()]))
        return None
    os.chmod(path, 0o644)
    return path


def compare(options):
    program = shutil.which(options.program[0])
    if program is None:
        return skip(f"no program {options.program[0]}")
    for path in options.beside:
        if not os.path.exists(path):
            raise Broken(f"no file {path}")
    if not os.access(options.k23, os.X_OK):
        raise Broken(f"no executable {options.k23}")
    become_subreaper()
    runner = Runner(options.user, options.timeout, options.stdin)
    try:
        command = [runner.readable(os.path.abspath(program), options.beside), *options.program[1:]]
        tool = runner.readable(os.path.abspath(options.k23))
        native = runner.run(command)
        if native.code is None:
            raise Broken("the native run timed out")
        if native.code == SKIPPED:
            return skip(native.out.decode("utf-8", "replace").strip() or "the program says so")
        if options.expect is not None and native.code != options.expect:
            print("\n".join(native.lines()))
            raise Broken(f"natively: {exit_line(native.code)}, expected exit {options.expect}")
        # Where a guest's own expectation does not hold natively, the rest of it tests nothing.
        if b": not so: " in native.err:
            print("\n".join(native.lines()))
            raise Broken("an expectation of the program does not hold natively")
        store = prepare_store(runner, options, tool, command)
        if store is None and any("{" in word for word in MODES[options.mode]):
            return DIFFERS
        k23 = [tool, *(word.format(learned=store, base=store) for word in MODES[options.mode]), "--"]
        for number in range(1, options.rounds + 1):
            got = runner.run(k23 + command)
            # the store is mapped, and a program that lists its mappings finds it
            lines = [line for line in got.lines() if line.strip() != store]
            if got.code is not None and lines == native.lines():
                continue
            print(f"round {number} of {options.rounds}: {' '.join(k23 + command)}")
            print("\n".join(difflib.unified_diff(native.lines(), lines, "native",
                                                 f"k23 {options.mode}", lineterm="", n=5)))
            return DIFFERS
        return SAME
    finally:
        runner.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, help="the k23 executable")
    parser.add_argument("--mode", choices=sorted(MODES), default="plain")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one run")
    parser.add_argument("--user", action="store_true", help="both as an unprivileged user")
    parser.add_argument("--beside", action="append", default=[],
                        help="a file in the program's directory that it needs")
    parser.add_argument("--base-store", help="what the store of a mode that has one starts with")
    parser.add_argument("--stdin", default="/dev/null", help="file to read standard input from")
    parser.add_argument("--expect", type=int, help="exit status the native run must have")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.program and options.program[0] == "--":
        del options.program[0]
    if not options.program:
        parser.error("no program")
    return compare(options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        print(f"harness: {error}")
        sys.exit(BROKEN)
    except (OSError, subprocess.SubprocessError):
        traceback.print_exc()
        sys.exit(BROKEN)
