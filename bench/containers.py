#!/usr/bin/python3
"""Containers by crun alone and behind k23-oci with the null hook: how long one of busybox's `true` takes from its start
to its end, and how much memory many have at once that sleep. usage: containers.py BUILD [COUNT...]"""
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "containers"))
from crun import Crun, harness, write

BUILD = pathlib.Path(sys.argv[1]).resolve()
COUNTS = [int(word) for word in sys.argv[2:]] or [1, 10, 200]
RUNTIMES = ("crun", "k23-oci")
ROUNDS = 60


def rollup(pid, *names):
    """Values of /proc/PID/smaps_rollup, in KB."""
    lines = (line.split() for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    values = {words[0].rstrip(":"): int(words[1]) for words in lines}
    return [values[name] for name in names]


def program_of(crun, name):
    """The pid of a container's program, when that is what its process has become."""
    pid = (crun.folder / f"pid-{name}").read_text()
    harness.wait_until(lambda: pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
    return pid


@contextlib.contextmanager
def containers(crun, runtime, count):
    """The pids of the programs of so many containers that sleep."""
    pids = []
    try:
        for i in range(count):
            write(crun.folder / "config.json", crun.configuration("exec sleep 1000", hook="null"))
            subprocess.run(crun.command(runtime, "run", "--detach", f"--pid-file=pid-{i}", f"c{i}"), cwd=crun.folder,
                           env=crun.environment(), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            pids.append(program_of(crun, i))
        yield pids
    finally:
        for i in range(count):
            subprocess.run(crun.command(runtime, "delete", "--force", f"c{i}"), cwd=crun.folder, env=crun.environment(),
                           check=False, capture_output=True)


def print_times(crun):
    times = {runtime: [] for runtime in RUNTIMES}
    for _ in range(ROUNDS):
        for runtime in RUNTIMES:
            began = time.monotonic()
            crun.run("true", runtime=runtime, hook="null")
            times[runtime].append((time.monotonic() - began) * 1e3)
    for runtime in RUNTIMES:
        print(f"{runtime:8} a container of true takes {statistics.median(times[runtime]):.1f} ms")
    more = [with_k23 - without for without, with_k23 in zip(times["crun"], times["k23-oci"])]
    print(f"of {ROUNDS} rounds, the median of what k23-oci adds: {statistics.median(more):.1f} ms")


def test():
    crun = Crun(BUILD / "k23-oci", BUILD / "k23-static")
    print_times(crun)
    print(f"{'runtime':8} {'containers':>10} {'PSS, KB each':>12} {'private, KB each':>16}")
    for count in COUNTS:
        for runtime in RUNTIMES:
            with containers(crun, runtime, count) as pids:
                memory = [rollup(pid, "Pss", "Private_Clean", "Private_Dirty") for pid in pids]
                pss = sum(row[0] for row in memory) / count
                private = sum(row[1] + row[2] for row in memory) / count
                print(f"{runtime:8} {count:10} {pss:12.0f} {private:16.0f}", flush=True)


harness.main(test)
