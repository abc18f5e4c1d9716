"""guarded.py PID...: check that every thread of these processes and of their descendants has the guard.

An application can run well although k23 has lost one of its processes or threads; this finds it. Asks the kernel by
ptrace whether Syscall User Dispatch is on. Prints each thread that has it not; exit status 1 if there was one, 2 if none
could be asked.
"""

import ctypes
import os
import pathlib
import signal
import sys
import time

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211
WALL = 0x40000000
MODE_ON = 1

ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ptrace.restype = ctypes.c_long


class Config(ctypes.Structure):
    _fields_ = [("mode", ctypes.c_uint64), ("selector", ctypes.c_uint64),
                ("offset", ctypes.c_uint64), ("len", ctypes.c_uint64)]


def text(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def with_descendants(pids):
    found = []
    while pids:
        pid = pids.pop()
        found.append(pid)
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
            pids += [int(word) for word in text(task / "children").split()]
    return found


def guarded(tid):
    """True or False; None if the thread has gone"""
    if ptrace(PTRACE_SEIZE, tid, None, None):
        return None
    config = Config()
    ptrace(PTRACE_INTERRUPT, tid, None, None)
    _, status = os.waitpid(tid, WALL)
    if not os.WIFSTOPPED(status):
        return None
    failed = ptrace(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, tid, ctypes.sizeof(config), ctypes.addressof(config))
    error = ctypes.get_errno()
    # what stopped it first may have been a signal, which it must still get
    stopped_by = os.WSTOPSIG(status) if status >> 16 == 0 and os.WSTOPSIG(status) != signal.SIGTRAP else 0
    ptrace(PTRACE_DETACH, tid, None, stopped_by)
    if failed:
        sys.exit("PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG: " + os.strerror(error))
    return config.mode == MODE_ON


def guarded_soon(tid):
    """The same. The runtime of a new program is there for a moment before the guard is."""
    state = guarded(tid)
    for _ in range(20):
        if state is not False:
            break
        time.sleep(0.05)
        state = guarded(tid)
    return state


def main():
    asked = bare = 0
    for pid in with_descendants([int(word) for word in sys.argv[1:]]):
        for task in sorted(pathlib.Path(f"/proc/{pid}/task").glob("*")):
            state = guarded_soon(int(task.name))
            if state is None:
                continue
            asked += 1
            if not state:
                bare += 1
                command = text(f"/proc/{pid}/cmdline").replace("\0", " ")[:100]
                print(f"no guard: pid {pid} thread {task.name} {text(task / 'comm').strip()}: {command}")
    if os.environ.get("GUARD_COUNT"):
        print(f"{asked} threads asked", file=sys.stderr)
    return 1 if bare else 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
