#!/usr/bin/python3
"""Attach a debugger to a program that runs under k23, let go, and see that it goes on as if nothing was.

The same is done to a native run first; if that does not work the harness is broken.
"""

import argparse
import os
import signal
import subprocess
import time

import harness
from harness import Failed, expect, natively, wait_until


def strace(pid):
    """strace sees the calls of both threads while it is attached."""
    log = "strace.log"
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
    expect("strace saw enough calls", enough, True)


def gdb(pid, commands, wanted):
    words = ["gdb", "-nx", "-batch", "-p", str(pid)]
    for command in ("set pagination off", "set debuginfod enabled off",
                    "handle SIGSYS nostop noprint pass", *commands):
        words += ["-ex", command]
    text = harness.run(*words, stderr=subprocess.STDOUT, timeout=60).stdout
    for word in wanted:
        if word not in text:
            raise Failed(f"no {word!r} in gdb's output:\n{text}")


def gdb_backtrace(pid):
    """gdb reads registers, memory and both threads' stacks. Frames of a blocked call are not promised."""
    gdb(pid, ("info threads", "thread apply all bt", "print attachee_turns > 0", "print $_siginfo.si_signo >= 0",
              "detach"), ("$1 = 1", "Thread 2", "#0 ", "detached"))


def gdb_breakpoint(pid):
    """A breakpoint is hit, again and again, and the program steps on from it."""
    gdb(pid, ("break attachee_turn", "continue", "continue", "print 41 + 1", "next", "next", "bt", "delete", "detach"),
        ("Breakpoint 1, attachee_turn", "= 42", "detached"))


# name: the tool it needs, what it does while attached
DEBUGGERS = {
    "strace": ("strace", strace),
    "gdb-backtrace": ("gdb", gdb_backtrace),
    "gdb-breakpoint": ("gdb", gdb_breakpoint),
}


def attach(command, debugger):
    with harness.scratch() as directory:
        child = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        ready, stop = (os.path.join(directory, name) for name in ("ready", "stop"))
        try:
            expect("the program has started", wait_until(lambda: os.path.exists(ready)), True)
            with open(f"/proc/{child.pid}/status", encoding="ascii") as f:
                expect("something traces the program already", "TracerPid:\t0\n" not in f.read(), False)
            for _ in range(3):
                debugger(child.pid)
            with open(stop, "w", encoding="ascii"):
                pass
            out, err = child.communicate(timeout=20)
            expect("afterwards", (child.returncode, out, err), (0, b"done\n", b""))
        finally:
            child.kill()
            child.communicate()


def attach_natively_and_not(options):
    tool, debugger = DEBUGGERS[options.debugger]
    harness.need_program(tool)
    program = [options.program, "loop"]
    natively(attach, program, debugger)
    hook = ["--hook", options.hook] if options.hook else []
    attach([options.k23, "run", *hook, "--", *program], debugger)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--hook", default=None, help="a hook to run with")
    parser.add_argument("debugger", choices=sorted(DEBUGGERS))
    parser.add_argument("program", type=os.path.abspath, help="the built attachee")
    options = parser.parse_args()
    harness.main(lambda: attach_natively_and_not(options))


if __name__ == "__main__":
    main()
