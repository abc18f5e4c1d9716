#!/usr/bin/python3
"""Waits of a hook's own, which signals for the program end as they end the program's. usage: waits.py K23 PROGRAM CASE"""
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import expect, need_program, run


def as_natively(k23, program, options, *command):
    hook, store = os.path.abspath("hook"), os.path.abspath("store")
    expect("k23 cc", run(k23, "cc", *options, "-Werror", os.path.join(HERE, "wait.c"), "-o", hook).stderr, "")
    expect("learn", run(k23, "learn", "--store", store, "--", program, "few").returncode, 0)
    natively = run(*command)
    expect("natively", (natively.returncode, natively.stderr), (0, ""))
    for way in ["--no-patch"], ["--store", store, "--no-learn"], ["--store", store, "--no-learn", "--eager"]:
        for hooks in [hook], ["null", hook, "null"]:
            result = run(k23, "run", *way, *(word for one in hooks for word in ("--hook", one)), "--", *command)
            expect(f"{hooks} {way}", (result.returncode, result.stdout, result.stderr), (0, natively.stdout, ""))


def case_plain(k23, program):
    as_natively(k23, program, [], program)


def case_hosted(k23, program):
    as_natively(k23, program, ["--hosted"], program)


def case_traced(k23, program):
    """The tracer is not to hold a signal back for as long as the hook waits."""
    need_program("strace")
    for options in [], ["--hosted"]:
        as_natively(k23, program, options, "strace", "-f", "-o", "/dev/null", program, "few")


def case_start(k23, program):
    """A wait before the program begins, which a signal that the program does not block ends with it."""
    hook = os.path.abspath("hook")
    os.mkfifo("fifo")
    for options, ways in ([], ("wait", "spin")), (["--hosted"], ("wait", "spin", "open=fifo", "constructor")):
        for way in ways:
            built = options + ["-DCONSTRUCTOR"] * (way == "constructor")
            expect("k23 cc", run(k23, "cc", *built, os.path.join(HERE, "wait.c"), "-o", hook).stderr, "")
            for first in (), (signal.SIGSTOP, signal.SIGCONT), (signal.SIGCHLD, signal.SIGWINCH):
                with subprocess.Popen([k23, "run", "--hook", f"{hook}:{way}", "--", program, "few"], stdout=subprocess.PIPE) as started:
                    expect("the hook waits", started.stdout.readline(), b"waits\n")
                    for number in first:
                        os.kill(started.pid, number)
                        time.sleep(0.02)
                    expect("it waits on", started.poll(), None)
                    os.kill(started.pid, signal.SIGTERM)
                    expect(f"status {way}", started.wait(20), -signal.SIGTERM)
    # What the program blocks or ignores does not end it, and it finds the former pending.
    expect("k23 cc", run(k23, "cc", "--hosted", os.path.join(HERE, "wait.c"), "-o", hook).stderr, "")
    code = "import signal; print(*map(int, signal.sigpending()), signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    with subprocess.Popen([k23, "run", "--hook", f"{hook}:open=fifo", "--", sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: (signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}), signal.signal(signal.SIGHUP, signal.SIG_IGN))) as started:
        expect("the hook waits", started.stdout.readline(), "waits\n")
        for number in signal.SIGTERM, signal.SIGHUP:
            os.kill(started.pid, number)
        time.sleep(0.05)
        with open("fifo", "w"):
            expect("the program", started.stdout.read(), "15 True\n")


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


if __name__ == "__main__":
    main()
