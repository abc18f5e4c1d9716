#!/usr/bin/env python3
"""Attach a debugger to a program that runs under k23, let go, and see that it goes on as if nothing was.

The same is done to a native run first; if that does not work the harness is broken.
Exit status: 0 passed, 1 failed, 77 skipped, 99 the harness itself broke.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PASSED, FAILED, SKIPPED, BROKEN = 0, 1, 77, 99


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def strace(pid, base):
    """strace sees the calls of both threads while it is attached."""
    log = os.path.join(base, "strace.log")
    # In a session of its own, and without our output: strace may leave a process behind with which it tried ptrace.
    tracer = subprocess.Popen(["strace", "-f", "-o", log, "-p", str(pid)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True)
    enough = wait_until(lambda: os.path.exists(log) and
                        open(log, encoding="utf-8", errors="replace").read().count("getppid(") > 50, 10)
    # Stopped: strace drops the signal of a tracee that it finds in a signal's stop when it detaches, and with the
    # guard's signal the call (see LIMITS in k23(1)).
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.3)
    tracer.send_signal(signal.SIGINT)
    tracer.wait(10)
    os.kill(pid, signal.SIGCONT)
    try:
        os.killpg(tracer.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    return None if enough else "strace saw too few calls"


def gdb_command(pid, *commands):
    words = ["gdb", "-nx", "-batch", "-p", str(pid)]
    for command in ("set pagination off", "set debuginfod enabled off",
                    "handle SIGSYS nostop noprint pass", *commands):
        words += ["-ex", command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    return done.stdout.decode("utf-8", "replace")


def gdb_backtrace(pid, base):
    """gdb reads registers, memory and both threads' stacks. Frames of a blocked call are not promised."""
    text = gdb_command(pid, "info threads", "thread apply all bt", "print attachee_turns > 0",
                       "print $_siginfo.si_signo >= 0", "detach")
    for wanted in ("$1 = 1", "Thread 2", "#0 ", "detached"):
        if wanted not in text:
            return f"no {wanted!r} in gdb's output:\n{text}"
    return None


def gdb_breakpoint(pid, base):
    """A breakpoint is hit, again and again, and the program steps on from it."""
    text = gdb_command(pid, "break attachee_turn", "continue", "continue", "print 41 + 1", "next", "next",
                       "bt", "delete", "detach")
    for wanted in ("Breakpoint 1, attachee_turn", "= 42", "detached"):
        if wanted not in text:
            return f"no {wanted!r} in gdb's output:\n{text}"
    return None


# name: the tool it needs, what it does while attached
DEBUGGERS = {
    "strace": ("strace", strace),
    "gdb-backtrace": ("gdb", gdb_backtrace),
    "gdb-breakpoint": ("gdb", gdb_breakpoint),
}


def attach(command, debugger):
    """None, or what went wrong."""
    base = tempfile.mkdtemp(prefix="k23-attach-", dir="/tmp")
    child = subprocess.Popen(command, cwd=base, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    try:
        if not wait_until(lambda: os.path.exists(os.path.join(base, "ready")), 20):
            return "the program did not start"
        with open(f"/proc/{child.pid}/status", encoding="ascii") as f:
            if "TracerPid:\t0\n" not in f.read():
                return "something traces the program before we do"
        for _ in range(3):
            trouble = debugger(child.pid, base)
            if trouble:
                return trouble
        with open(os.path.join(base, "stop"), "w", encoding="ascii"):
            pass
        out, err = child.communicate(timeout=20)
        if (child.returncode, out, err) != (0, b"done\n", b""):
            return f"afterwards: status {child.returncode}, {out!r}, {err!r}"
        return None
    except subprocess.TimeoutExpired as error:
        return f"timeout: {error.cmd}"
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        shutil.rmtree(base, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--hook", default=None, help="a hook to run with")
    parser.add_argument("debugger", choices=sorted(DEBUGGERS))
    parser.add_argument("program", type=os.path.abspath, help="the built attachee")
    options = parser.parse_args()
    tool, debugger = DEBUGGERS[options.debugger]
    if not shutil.which(tool):
        print(f"skipped: no {tool}")
        return FAILED if os.environ.get("K23_MUST_WORK") == "1" else SKIPPED
    program = [options.program, "loop"]
    trouble = attach(program, debugger)
    if trouble:
        print(f"harness: natively: {trouble}")
        return BROKEN
    hook = ["--hook", options.hook] if options.hook else []
    trouble = attach([options.k23, "run", *hook, "--", *program], debugger)
    if trouble:
        print(trouble)
        return FAILED
    return PASSED


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        print(f"harness: {error}")
        sys.exit(BROKEN)
