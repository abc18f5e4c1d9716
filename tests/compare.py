#!/usr/bin/python3
"""Run a program natively and under k23, and compare everything the outside can see.

The native run is the oracle: standard output and error, exit status or signal, the files left in the
working directory and the processes left behind must be the same in every round.
"""

import argparse
import os
import select
import shutil
import signal
import stat
import subprocess
import time

import harness
from harness import NOBODY, SKIPPED, Broken, Failed, Skipped

# What stands between the k23 executable and the program. One row per mode; a new mode is a new row.
# {learned}: a store of the test's own, in which `k23 learn` has noted what the same command does; {base}: --base-store;
# {first}: in each run an empty one, which the program's user may write to
LEARNED, BASE, FIRST = "--store={learned}", "--store={base}", "--store={first}"
GUARD = ["run", "--no-patch", "--no-learn"]
NULL = "--hook", os.environ.get("K23_NULL_HOOK", "null")
TOLD = "--hook", os.environ.get("K23_TOLD_HOOK", "told")
MODES = {
    "plain": [*GUARD],
    "null": [*GUARD, *NULL],
    "chain": [*GUARD, *NULL, *NULL, *TOLD],
    "hosted": [*GUARD, "--hook", "null-hosted", "--hook", "told-hosted"],
    "observed": ["run", LEARNED, "--no-learn", *NULL],
    "observed-plain": ["run", LEARNED, "--no-learn"],
    "first": ["run", FIRST, *NULL],
    "eager": ["run", BASE, "--no-learn", "--eager", *NULL],
    "eager-plain": ["run", BASE, "--no-learn", "--eager"],
}

GRACE = 2.0  # seconds an orphan may take to finish by itself


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
            pid, status = os.waitpid(-1, os.WNOHANG | harness.WALL)
        except ChildProcessError:
            return lines
        if pid:
            lines.append(f"orphan reaped, status {status:#x}")
        elif time.monotonic() < deadline:
            time.sleep(0.005)
        else:
            break
    for pid in harness.children():
        lines.append(f"still running: {describe(pid)}")
    harness.kill_children()
    return lines


class Outcome:
    """All that one run showed."""

    def __init__(self, code, out, err, files, leftovers):
        self.code, self.out, self.err = code, out, err
        self.files, self.leftovers = files, leftovers

    def lines(self):
        text = [f"status: {harness.describe_status(self.code)}"]
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

    def __init__(self, user, timeout):
        self.timeout, self.base = timeout, os.getcwd()
        self.identity = {}
        if user and os.geteuid() == 0:
            self.identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.copies = 0

    def readable(self, path, beside=()):
        """A path the identity of this run can open: the file itself, or a copy of it and what is beside it."""
        if not self.identity:
            return path
        if harness.reachable(path):
            return path
        self.copies += 1
        directory = os.path.join(self.base, f"copy{self.copies}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        copy = os.path.join(directory, os.path.basename(path))
        shutil.copy(path, copy)
        os.chmod(copy, 0o755)
        hooks = os.path.join(os.path.dirname(os.path.realpath(path)), "hooks")
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

    def store(self, base, mode):
        """A path for a mode's store that everybody may read: a copy of base, if there is one."""
        directory = os.path.join(self.base, f"store-{mode}")
        os.mkdir(directory)
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "store")
        if base:
            shutil.copy(base, path)
            os.chmod(path, 0o644)
        return path

    def forget(self, store):
        """Makes a store empty."""
        directory = os.path.dirname(store)
        shutil.rmtree(directory)
        os.mkdir(directory)
        if self.identity:
            os.chown(directory, NOBODY, NOBODY)

    def run(self, command, identity=None):
        identity = self.identity if identity is None else identity
        cwd = os.path.join(self.base, "cwd")
        os.mkdir(cwd)
        if identity:
            os.chown(cwd, NOBODY, NOBODY)
        paths = [os.path.join(self.base, name) for name in ("out", "err")]
        try:
            with open(paths[0], "wb") as out, open(paths[1], "wb") as err:
                child = subprocess.Popen(
                    command, cwd=cwd, env=harness.environment(cwd, GUEST_ENV="kept"), stdin=subprocess.DEVNULL,
                    stdout=out, stderr=err, start_new_session=True, **identity)
            code = self.wait(child)
            if code is None:
                harness.kill_children()
                child.returncode = -9
                leftovers = []
            else:
                leftovers = collect_leftovers()
            data = []
            for path in paths:
                with open(path, "rb") as f:
                    data.append(f.read())
            return Outcome(code, data[0], data[1], harness.snapshot(cwd), leftovers)
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


def prepare_store(runner, options, mode, k23, command):
    """The store that the mode needs, as a path, or None; what goes wrong is k23's fault."""
    words = MODES[mode]
    if BASE in words:
        if not options.base_store:
            raise Broken(f"mode {mode} needs --base-store")
        return runner.store(options.base_store, mode)
    if FIRST in words:
        return runner.store(None, mode)
    if LEARNED not in words:
        return None
    path = runner.store(options.base_store, mode)
    # by the user of the test, who owns the store; the user that runs the program only reads it
    learned = runner.run([k23, "learn", "--store", path, "--", *command], identity={})
    if learned.code is None or not os.path.exists(path) or not os.path.getsize(path):
        raise Failed("\n".join(["k23 learn made no store", *learned.lines()]))
    os.chmod(path, 0o644)
    return path


def check_native(native, options):
    """Where a guest's own expectation does not hold natively, the rest of it tests nothing."""
    if native.code is None:
        raise Broken("the native run timed out")
    if native.code == SKIPPED:
        raise Skipped(native.out.decode("utf-8", "replace").strip() or "the program says so")
    trouble = None
    if options.expect is not None and native.code != options.expect:
        trouble = f"natively: {harness.describe_status(native.code)}, expected exit {options.expect}"
    elif b": not so: " in native.err:
        trouble = "an expectation of the program does not hold natively"
    if trouble:
        raise Broken("\n".join([trouble, *native.lines()]))


def compare(options):
    program, *arguments = options.program
    harness.need_program(program)
    beside = [os.path.join(os.path.dirname(program), name) for name in options.beside]
    harness.become_subreaper()
    runner = Runner(options.user, options.timeout)
    command = [runner.readable(program, beside), *arguments]
    tool = runner.readable(options.k23)
    under = [command[0], options.under] if options.under else []
    native = runner.run(under + command)
    check_native(native, options)
    failures = []
    for mode in options.mode:
        try:
            compare_in(mode, options, runner, tool, under, command, native)
        except Failed as why:
            failures.append(f"mode {mode}: {why}")
    if failures:
        raise Failed("\n".join(failures))


def compare_in(mode, options, runner, tool, under, command, native):
    """Runs the program in a mode, and fails where anything is not as natively."""
    store = prepare_store(runner, options, mode, tool, command)
    # Both ways to keep returns predictable are to be right on each machine: one as this user, the other as another.
    returns = "--returns=paired" if options.user else "--returns=fill"
    k23 = [tool, *(word.format(learned=store, base=store, first=store) for word in MODES[mode]), returns, "--"]
    for number in range(1, options.rounds + 1):
        if FIRST in MODES[mode]:
            runner.forget(store)
        got = runner.run(under + k23 + command)
        # the store is mapped, and a program that lists its mappings finds it
        lines = [line for line in got.lines() if line.strip() != store]
        if got.code is None or lines != native.lines():
            raise Failed(f"round {number} of {options.rounds}: {' '.join(under + k23 + command)}\n" +
                         harness.difference(native.lines(), lines, f"k23 {mode}"))


def modes(text):
    """A list of modes, with commas between them."""
    names = text.split(",")
    for name in names:
        if name not in MODES:
            raise argparse.ArgumentTypeError(f"there is no mode {name}: {', '.join(MODES)}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath, help="the k23 executable")
    parser.add_argument("--mode", type=modes, default=["plain"], help=f"some of {', '.join(MODES)}; with commas")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60, help="seconds for one run")
    parser.add_argument("--user", action="store_true", help="both as an unprivileged user")
    parser.add_argument("--under", help="a case of the program that starts k23, and natively the program")
    parser.add_argument("--beside", action="append", default=[], help="a file in the program's directory that it needs")
    parser.add_argument("--base-store", type=os.path.abspath, help="what the store of a mode that has one starts with")
    parser.add_argument("--expect", type=int, help="exit status the native run must have")
    parser.add_argument("program", nargs="+", metavar="PROGRAM [CASE]", help="behind --")
    options = parser.parse_args()
    options.program[0] = os.path.abspath(shutil.which(options.program[0]) or options.program[0])
    harness.main(lambda: compare(options))


if __name__ == "__main__":
    main()
