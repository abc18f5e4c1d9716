#!/usr/bin/python3
"""Runs the tests of a plan, each as the users and under the values of ptrace_scope that the plan names.

In a virtual machine this is the first process, and its results go to a serial port; the host runs it, too, to see how
long tests take.  A result is a line of JSON.
"""

import argparse
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
# What tests in Python need is loaded once: where all is emulated, that takes longer than most tests.
import ctypes
import difflib
import hashlib

import compare
import harness

SCOPE = "/proc/sys/kernel/yama/ptrace_scope"
POWER_OFF = 0x4321FEDC
RESULTS = {harness.PASSED: "passed", harness.SKIPPED: "skipped"}


class Scripts:
    """Tests in Python, compiled once."""

    def __init__(self, tests):
        paths = {test["command"][0] for test in tests if test["command"][0].endswith(".py")}
        self.code = {path: compile(pathlib.Path(path).read_bytes(), path, "exec") for path in sorted(paths)}

    def execute(self, command):
        if command[0] not in self.code:
            os.execv(command[0], command)
        sys.argv = command
        sys.path.insert(0, os.path.dirname(command[0]))
        exec(self.code[command[0]], {"__name__": "__main__", "__file__": command[0]})


class Running:
    """A test as a process of its own."""

    def __init__(self, scripts, test, user):
        self.test, self.user = test, user
        self.output = tempfile.TemporaryFile(dir="/tmp")
        self.start = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            self.become(scripts)
        self.fd = os.pidfd_open(self.pid)

    def become(self, scripts):
        status = harness.BROKEN
        try:
            os.setsid()
            harness.become_subreaper()  # what it leaves behind while it runs is not for kill_strays()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(self.output.fileno(), 1)
            os.dup2(self.output.fileno(), 2)
            os.chdir(self.test["folder"])
            os.environ.update(self.test["environment"])
            if self.user != os.geteuid():
                os.setgroups([])
                os.setresgid(self.user, self.user, self.user)
                os.setresuid(self.user, self.user, self.user)
            scripts.execute(self.test["command"])
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status or 0)

    def overdue(self):
        return time.monotonic() - self.start > self.test["timeout"]

    def result(self, status):
        self.output.seek(0)
        text = self.output.read().decode("utf-8", "backslashreplace")
        self.output.close()
        os.close(self.fd)
        seconds = round(time.monotonic() - self.start, 3)
        verdict = RESULTS.get(status, "failed")
        if status is None:
            text += f"\nstill running after {self.test['timeout']:g} s"
        return {"test": self.test["name"], "user": self.user, "verdict": verdict, "seconds": seconds,
                "output": text[-2000:] if verdict != "passed" else ""}


def reap(pid):
    """Its exit status as a shell would say, None while it runs."""
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


def kill_strays(running):
    """What a test left behind when it ended has become a child of this process."""
    for pid in set(harness.children()) - {test.pid for test in running}:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, harness.WALL)


def run_tests(scripts, tests, user, jobs, report):
    waiting, running = list(reversed(tests)), []
    while waiting or running:
        while waiting and len(running) < jobs:
            running.append(Running(scripts, waiting.pop(), user))
        select.select([test.fd for test in running], [], [], 1)
        for test in list(running):
            status = reap(test.pid)
            if status is None and not test.overdue():
                continue
            if status is None:
                os.kill(test.pid, signal.SIGKILL)
                os.waitpid(test.pid, 0)
            running.remove(test)
            report(test.result(status))
        kill_strays(running)


def run_plan(plan, report):
    harness.settle()
    harness.become_subreaper()
    report({"release": os.uname().release, "cpus": os.cpu_count()})
    scripts = Scripts(plan["tests"])
    for scope in plan["scopes"]:
        if scope is not None:
            pathlib.Path(SCOPE).write_text(str(scope))
        for user in plan["users"]:
            run_tests(scripts, plan["tests"], user, os.cpu_count(),
                      lambda result: report({"scope": scope, **result}))
    report({"end": True})


def as_first_process(work):
    """Works in a child, so that no test is a child of the process that must not end; then there is nothing more to do."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(0)
    while os.waitpid(-1, 0)[0] != child:
        pass
    os.sync()
    ctypes.CDLL(None).reboot(POWER_OFF)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=pathlib.Path)
    parser.add_argument("results", help="where they go; may be a serial port")
    options = parser.parse_args()
    plan = json.loads(options.plan.read_text())
    results = open(options.results, "w", encoding="ascii")

    def report(result):
        print(json.dumps(result), file=results, flush=True)

    if os.getpid() == 1:
        os.environ["PATH"] = plan["path"]
        as_first_process(lambda: run_plan(plan, report))
    else:
        run_plan(plan, report)


if __name__ == "__main__":
    main()
