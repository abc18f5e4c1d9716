#!/usr/bin/python3
"""Descriptors that stand for objects of a hook, files and sockets, plain and hosted. usage: fd.py K23 PROGRAM CASE"""
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


def compare(k23, program, what, *steps):
    """What the program says of numbers and flags is as natively, and it finds each object. what: objects, sockets"""
    options = ":sockets" * (what == "sockets")
    natively = run(program, "native", *steps)
    expect("natively", (natively.returncode, natively.stderr), (0, ""))
    expect("learn", run(k23, "learn", "--store", "store", "--", program, "native", "numbers").returncode, 0)
    for hook in build(k23, "fd.so"), build(k23, "fd", "--hosted"):
        for way in ["--no-patch"], ["--store", "store", "--no-learn"], ["--store", "store", "--no-learn", "--eager"]:
            result = run(k23, "run", *way, "--hook", hook + options, "--", program, what, *steps)
            expect(f"{hook} {way}", (result.returncode, result.stderr), (0, ""))
            expect(f"{hook} {way}", result.stdout, natively.stdout)


def case_calls(k23, program):
    compare(k23, program, "objects", "alike", "numbers", "execs", "tables", "passed", "anew", "alike", "limits", "numbers")


def case_races(k23, program):
    compare(k23, program, "objects", "threads", "forks", "kills")


def case_sockets(k23, program):
    compare(k23, program, "sockets", "alike", "numbers", "execs", "tables", "passed", "alike", "limits", "numbers")


def case_socket_races(k23, program):
    compare(k23, program, "sockets", "threads", "forks", "kills")


def case_ready(k23, program):
    """Not natively: /dev/null is always ready, and not for epoll."""
    for hook in build(k23, "fd.so"), build(k23, "fd", "--hosted"):
        for way in ["--no-patch"], ["--eager"]:
            result = run(k23, "run", *way, "--hook", hook + ":sockets", "--", program, "sockets", "ready")
            expect(f"{hook} {way}", (result.returncode, result.stdout, result.stderr), (0, "", ""))


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


main()
