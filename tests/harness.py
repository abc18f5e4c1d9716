"""What the tests in Python share: one surrounding for every program, verdicts, and how a test ends.

Natively and under k23 a program starts with the same signals, limits, umask and environment, wherever the test was
started: main() makes the test's own process so, and programs inherit it.
Exit status of a test: 0 passed, 1 failed, 77 skipped, 99 the harness itself broke.
"""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

PASSED, FAILED, SKIPPED, BROKEN = 0, 1, 77, 99
NOBODY = 65534
PR_SET_CHILD_SUBREAPER = 36
WALL = 0x40000000  # __WALL: also children that end without SIGCHLD

# What programs may use; of all other resources they may use as much as the hard limit allows.
LIMITS = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 1024, resource.RLIMIT_STACK: 8 << 20}
# What the caller may tell a test. Everything else in the environment is the same in every run.
TOLD = ("K23_STORE", "K23_MUST_WORK", "FUZZ_SECONDS", "ASAN_OPTIONS", "UBSAN_OPTIONS")


class Failed(Exception):
    """k23 does not do what it should."""


class Skipped(Exception):
    """The machine or the user lacks what the test needs."""


class Impossible(Skipped):
    """The machine's kernel or processor lacks it, and nothing that is installed could change that."""


class Broken(Exception):
    """The harness could not do its work; says nothing about k23."""


def must_work():
    """Whether a skipped test is a failed one: CI's machines have what the tests need."""
    return os.environ.get("K23_MUST_WORK") == "1"


def need(condition, why):
    if not condition:
        raise Skipped(why)


def need_machine(condition, why):
    if not condition:
        raise Impossible(why)


def works_here(*command):
    """Whether a program ends well natively: some virtual machines lack what is in every processor."""
    return run(*command).returncode == 0


def need_program(name):
    need(shutil.which(name), f"there is no {name}")


def copy_k23(k23, folder):
    """Copies the command with all that it consists of: `k23`, which starts programs, and the tool, which does the rest."""
    for name in "k23", "k23-tool":
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(k23)), name), folder)


def expect(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what}: {got!r}, not {wanted!r}")


def natively(function, *arguments):
    """Where that fails without k23, the harness is broken."""
    try:
        return function(*arguments)
    except Failed as why:
        raise Broken(f"natively: {why}") from None


def difference(native, got, title="k23", context=5):
    """Two lists of lines as a unified diff, empty where they are the same."""
    import difflib  # rarely needed, and slow to load: there are thousands of tests

    return "\n".join(difflib.unified_diff(native, got, "native", title, lineterm="", n=context))


def run(*command, timeout=100, **options):
    """A finished command, with its output as text."""
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "errors": "replace", **options}
    return subprocess.run(command, timeout=timeout, check=False, **options)


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def environment(home, **more):
    """The environment of every program; its temporary files go to its home, too."""
    # Without what the test's user may not search: a program that is not found would be one that is not permitted.
    path = ":".join(where for where in os.environ.get("PATH", os.defpath).split(":") if os.access(where, os.X_OK))
    return {"PATH": path, "LC_ALL": "C", "HOME": home, "TMPDIR": home, "SHELL": "/bin/sh", **more}


def settle():
    """Makes this process one from which a program inherits no ignored or blocked signal, no odd limit, no odd umask."""
    # Python ignores the last two for itself, and not for what it starts.
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ}:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for name in {getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}:
        hard = resource.getrlimit(name)[1]
        wanted = LIMITS.get(name, hard)
        resource.setrlimit(name, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    os.umask(0o022)


@contextlib.contextmanager
def scratch():
    """A directory that is gone afterwards, and that everybody may enter: one's own TMPDIR may be closed to others."""
    shared = [place for place in ("/tmp", "/var/tmp") if os.access(place, os.W_OK | os.X_OK)]
    directory = tempfile.mkdtemp(prefix="k23-test-", dir=shared[0] if shared else None)
    try:
        os.chmod(directory, 0o755)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def become_subreaper():
    """Orphans of what the test starts become its children, so that none escapes."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Broken("prctl(PR_SET_CHILD_SUBREAPER) failed")


def children():
    """Ids of the living and zombie children of this process, which has one thread."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as f:
        return [int(pid) for pid in f.read().split()]


def kill_children():
    """Kills and reaps every descendant: the orphans of what is killed become children in turn."""
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


def reachable(path):
    """Whether every user may execute this file."""
    path = os.path.realpath(path)
    if os.stat(path).st_mode & 0o005 != 0o005:
        return False
    while path != "/":
        path = os.path.dirname(path)
        if not os.stat(path).st_mode & 0o001:
            return False
    return True


def snapshot(directory):
    """A line for each file below a directory: path, type and mode, size, hash of its bytes."""
    import hashlib  # as in difference()

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


def describe_status(code):
    if code is None:
        return "timeout"
    if code < 0:
        return f"killed by {signal.Signals(-code).name if -code < 32 else -code}"
    return f"exit {code}"


def status_of(test):
    """Runs the test, says why it did not pass, and turns that into an exit status."""
    try:
        return test() or PASSED
    except Skipped as why:
        print(f"skipped: {why}")
        if not must_work() or isinstance(why, Impossible):
            return SKIPPED
        print("K23_MUST_WORK=1: a skipped test is a failed one")
        return FAILED
    except Failed as why:
        print(f"failed: {why}")
        return FAILED
    except subprocess.TimeoutExpired as why:
        print(f"failed: {why.cmd[0]} does not end")
        return FAILED
    except Broken as why:
        print(f"harness: {why}")
        return BROKEN
    except (OSError, subprocess.SubprocessError):
        import traceback

        traceback.print_exc()
        return BROKEN


def main(test):
    """Runs test() in a scratch directory, which is also its home, and exits."""
    with scratch() as directory:
        settle()
        told = {name: os.environ[name] for name in TOLD if name in os.environ}
        settled = environment(directory, **told)
        os.environ.clear()
        os.environ.update(settled)
        os.chdir(directory)
        status = status_of(test)
        os.chdir("/")
    sys.exit(status)


def run_case(cases, name, *arguments):
    """Runs case_NAME of a script's globals()."""
    cases["case_" + name.replace("-", "_")](*arguments)
