#!/usr/bin/python3
"""Mixed load (soak.c) natively and under k23 at once, for as long as one likes: nothing may grow.

Compared are the mappings, the private memory and the descriptors of the process, in the second fifth of the time and in
the last; and what is left afterwards: processes, files, the store. usage: soak.py --k23 K23 --store STORE
[--seconds N] PROGRAM LIBRARY
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import harness
from harness import Failed

MODES = {
    "native": [],
    "guard": ["run", "--no-patch", "--no-learn", "--hook", "null", "--"],
    "fast": ["run", "--store={store}", "--hook", "null", "--"],
}
# What is measured, and by how much it may grow more than natively: pages come and go with threads.
MEASURES = {"mappings": 4, "kilobytes": 400, "descriptors": 0}


def measured(lines):
    """How much each measure has grown, and where it ended; and how many rounds there were."""
    rows = [[int(word) for word in line.split()] for line in lines]
    if len(rows) < 10:
        raise Failed(f"only {len(rows)} lines of measures: the time is too short")
    fifth = len(rows) // 5
    result = {}
    for column, name in enumerate(MEASURES, 1):
        early, late = (statistics.median(row[column] for row in part) for part in (rows[fifth:2 * fifth], rows[-fifth:]))
        result[name] = (late - early, late)
    return result, rows[-1][0]


def soak(options):
    harness.become_subreaper()
    failures = []
    with harness.scratch() as home:
        store, running = os.path.join(home, "store"), {}
        shutil.copy(options.store, store)
        for mode, words in MODES.items():
            k23 = [options.k23, *(word.format(store=store) for word in words)] if words else []
            running[mode] = subprocess.Popen([*k23, options.program, "load", str(options.seconds), options.library],
                                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                             stdin=subprocess.DEVNULL, env=harness.environment(home))
        results = {}
        for mode, process in running.items():
            output = process.communicate(timeout=options.seconds + 300)[0].splitlines()
            if process.returncode:
                raise Failed(f"{mode}: status {process.returncode}\n" + "\n".join(output[-10:]))
            results[mode], rounds = measured(output)
            print(f"{mode}: {rounds} rounds; " + ", ".join(
                f"{late:.0f} {name} ({growth:+.0f})" for name, (growth, late) in results[mode].items()), flush=True)
        for mode in set(results) - {"native"}:
            for name, more in MEASURES.items():
                growth = results[mode][name][0] - max(0, results["native"][name][0])
                if growth > more:
                    failures.append(f"{mode}: {growth:.0f} more {name} than natively")
        if harness.children():
            failures.append(f"processes are left: {harness.children()}")
        if os.path.getsize(store) > 2 * os.path.getsize(options.store):
            failures.append(f"the store has grown to {os.path.getsize(store)} bytes")
        left = set(os.listdir(home)) - {"store", "store.lock", "store.log"}
        if left:
            failures.append(f"files are left: {' '.join(sorted(left))}")
    if failures:
        raise Failed("\n".join(failures))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--store", required=True, type=os.path.abspath, help="with the plans of the program")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("library", type=os.path.abspath, help="with code, to load and unload")
    options = parser.parse_args()
    harness.main(lambda: soak(options))


main()
