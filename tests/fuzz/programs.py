#!/usr/bin/python3
"""Random programs (random.c), natively and under k23: what they print and how they end must be the same.

A seed whose program natively says two things is left out. Seeds follow one another, so that a run can be repeated; the
last line says how many there were. usage: programs.py --k23 K23 --store STORE [--first SEED] [--count N]
[--kind run|wide|rare] [--all] PROGRAM
"""

import argparse
import os
import subprocess

import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import harness
from harness import Failed

LIMIT = 3  # seconds for a program, of which most take milliseconds; several times as much under k23
GUARD = ["run", "--no-patch", "--no-learn"]
MODES = {
    "plain": [*GUARD],
    "null": [*GUARD, "--hook", "null"],
    "eager": ["run", "--store={store}", "--no-learn", "--eager", "--hook", "null"],
    "eager-plain": ["run", "--store={store}", "--no-learn", "--eager"],
    "hosted": [*GUARD, "--hook", "null-hosted"],
}


def run(*command, limit=LIMIT):
    """What a program prints and how it ends, as lines; None if it does not end."""
    try:
        done = harness.run(*command, timeout=limit, stderr=subprocess.STDOUT, start_new_session=True)
    except subprocess.TimeoutExpired:
        harness.kill_children()
        return None
    harness.kill_children()
    return [f"status {done.returncode}", *done.stdout.splitlines()]


def differs(options, seed, modes):
    """A report for each mode in which the program of a seed is another one than natively; None: natively it is two."""
    program = [options.program, options.kind, str(seed)]
    native = run(*program)
    reports = []
    if native is None:
        return None
    for mode in modes:
        k23 = [options.k23, *(word.format(store=options.store) for word in MODES[mode]), "--", *program]
        got = run(*k23, limit=5 * LIMIT) or ["does not end"]
        if got == native:
            continue
        # A machine that is busy may let a timer come late.
        again = [run(*program) for _ in range(8)]
        if any(lines != native for lines in again):
            return None
        if run(*k23) == native and run(*k23) == native:
            reports.append(f"once in three runs: seed {seed}, {mode}")
        else:
            reports.append(f"seed {seed}, {mode}: {' '.join(k23)}")
        reports.append(harness.difference(native, got, f"k23 {mode}"))
    return reports


def fuzz(options):
    harness.become_subreaper()
    names, two, failures = list(MODES), 0, []
    count = len(names)
    for seed in range(options.first, options.first + options.count):
        # Two of the modes for each seed, in turns.
        modes = names if options.all else [names[seed % count], names[(seed + 1 + seed // count % (count - 1)) % count]]
        reports = differs(options, seed, modes)
        two += reports is None
        if reports:
            failures += reports
            print("\n".join(reports), flush=True)
    print(f"{options.count} seeds from {options.first}, of which {two} are not the same natively")
    if failures:
        raise Failed(f"{len(failures) // 2} differences")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--store", required=True, type=os.path.abspath, help="with the plans of the program")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=60, help="how many seeds")
    parser.add_argument("--kind", choices=["run", "wide", "rare"], default="run", help="of what kinds of calls: see random.c")
    parser.add_argument("--all", action="store_true", help="all modes for each seed, and not two")
    parser.add_argument("program", type=os.path.abspath)
    options = parser.parse_args()
    harness.main(lambda: fuzz(options))


main()
