#!/usr/bin/python3
"""Descriptors that stand for objects of a hook, plain and hosted. usage: fd.py K23 PROGRAM CASE"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import expect, run


def build(k23, out, *words):
    result = run(k23, "cc", "-Werror", *words, os.path.join(HERE, "fd.c"), "-o", out)
    expect(f"k23 cc {words}", (result.returncode, result.stderr), (0, ""))
    return os.path.abspath(out)


def compare(k23, program, *steps):
    """What the program says of numbers and flags is as natively, and it finds each object."""
    natively = run(program, "native", *steps)
    expect("natively", (natively.returncode, natively.stderr), (0, ""))
    expect("learn", run(k23, "learn", "--store", "store", "--", program, "native", "numbers").returncode, 0)
    for hook in build(k23, "fd.so"), build(k23, "fd", "--hosted"):
        for way in ["--no-patch"], ["--store", "store", "--no-learn"], ["--store", "store", "--no-learn", "--eager"]:
            result = run(k23, "run", *way, "--hook", hook, "--", program, "objects", *steps)
            expect(f"{hook} {way}", (result.returncode, result.stderr), (0, ""))
            expect(f"{hook} {way}", result.stdout, natively.stdout)


def case_calls(k23, program):
    compare(k23, program, "alike", "numbers", "execs", "tables", "passed", "alike", "limits", "numbers")


def case_races(k23, program):
    compare(k23, program, "threads", "forks", "kills")


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


main()
