"""What a suite is to run.py: its tests, how one is started, and what its output says of each."""

import collections
import functools
import os
import re
import signal
import subprocess

# A test: words of its command, the folder it runs in (None: an empty one of its own), more of its environment, and
# other programs that it starts, for which plans are made, too.
Test = collections.namedtuple("Test", "command cwd env programs", defaults=(None, {}, ()))
# What is left of a run: its exit status (None: it did not end in time), and what it printed.
Run = collections.namedtuple("Run", "status output")

WHOLE = ""  # the name of the verdict on a whole test, beside those on its parts


class Suite:
    """A suite in a folder of the user's. The docstring of each says what the folder is."""

    limit = 20  # seconds for a test natively

    def __init__(self, folder, scratch):
        """scratch: a folder that stays from test to test."""
        self.folder, self.scratch = os.path.abspath(folder), scratch

    def version(self):
        return "-"

    def tests(self):
        """Each Test by its name."""
        raise NotImplementedError

    def command(self, test, prefix):
        """The words that start a test with the prefix, which is k23 and its options, or nothing."""
        return [*prefix, *test.command]

    def verdicts(self, run):
        """Verdicts by the names of the test's parts, and one on the WHOLE."""
        return {WHOLE: by_status(run.status)}


def signal_name(number):
    return signal.Signals(number).name if number in signal.valid_signals() and number < 32 else f"signal_{number}"


def by_status(status, skipped=()):
    """pass, fail, skip, timeout, or the signal that has killed it. No verdict has white space."""
    if status is None:
        return "timeout"
    if status < 0 or 128 < status <= 128 + 64:
        return signal_name(-status if status < 0 else status - 128)
    if status in skipped:
        return "skip"
    return "pass" if status == 0 else "fail"


def name_of(text):
    """The name of a part, as one word without what is another address in each run."""
    return re.sub(r"\s+", "_", re.sub(r"0x[0-9a-f]+", "0x", text.strip()))


def collect(found):
    """Names and verdicts as a dictionary; what comes again with the same name is counted."""
    verdicts, seen = {}, collections.Counter()
    for name, verdict in found:
        seen[name] += 1
        verdicts[name if seen[name] == 1 else f"{name}#{seen[name]}"] = verdict
    return verdicts


def tap(text):
    """The lines of the Test Anything Protocol."""
    found = []
    for bad, name, directive in re.findall(r"^\s*(not )?ok \d+ *-? *(.*?)(?: *# *(SKIP|XFAIL|TODO)\b.*)?$", text, re.M):
        verdict = "skip" if directive == "SKIP" else "fail" if bad else "pass"
        found.append((name_of(name), verdict))
    return collect(found)


@functools.lru_cache(maxsize=None)
def linked_with(path):
    """A program that is an ELF file, and what the dynamic linker loads for it; of a script, its interpreter's."""
    path = os.path.realpath(path)
    try:
        with open(path, "rb") as file:
            head = file.read(256)
    except OSError:
        return ()
    if head.startswith(b"#!"):
        return linked_with(head[2:].split()[0].decode())
    if not head.startswith(b"\x7fELF"):
        return ()
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return (path, *map(os.path.realpath, re.findall(r"(?:=> |^\s*)(/\S+) \(0x", listed.stdout, re.M)))


def first_match(pattern, path):
    """The first group of a pattern in a file, - where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        return "-"
    return found[1] if found else "-"


def executables(folder):
    """Names of the programs in a folder, those below it included."""
    found = []
    for parent, dirs, files in os.walk(folder):
        dirs.sort()
        for name in sorted(files):
            path = os.path.join(parent, name)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                found.append(os.path.relpath(path, folder))
    return found
