#!/usr/bin/python3
"""Descriptors of hooks that the program does not come upon. usage: hidden.py K23 PROGRAM CASE"""
import os
import resource
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import expect, run


def build(k23, kind):
    out = os.path.abspath(kind)
    options = ["--hosted"] if kind == "hosted" else []
    expect("k23 cc", run(k23, "cc", *options, "-Werror", os.path.join(HERE, "hidden.c"), "-o", out).stderr, "")
    return out


def ways(k23, program, word):
    store = os.path.abspath("store")
    run(k23, "learn", "--store", store, "--", program, word)
    return ["--no-patch"], ["--store", store, "--no-learn"], ["--store", store, "--no-learn", "--eager"]


def results(k23, program, word, prefix=(), chains=("freestanding", "hosted", "null hosted freestanding")):
    """What the program says, in each way, under each chain of hooks."""
    built = {"null": "null", "freestanding": build(k23, "freestanding"), "hosted": build(k23, "hosted")}
    for way in ways(k23, program, word):
        for hooks in [[built[name] for name in chain.split()] for chain in chains]:
            chosen = [part for hook in hooks
                      for part in ("--hook", hook if hook == "null" else f"{hook}:out={os.path.abspath('out')}")]
            result = run(*prefix, k23, "run", *way, *chosen, "--", program, word)
            what = f"{word} {prefix} {hooks} {way}"
            expect(f"{what}: {result.stderr}", (result.returncode, result.stderr), (0, ""))
            yield what, result.stdout


def as_natively(k23, program, word, prefix=(), **chosen):
    natively = run(*prefix, program, word)
    expect(f"natively: {natively.stderr}", (natively.returncode, natively.stderr), (0, ""))
    for what, output in results(k23, program, word, prefix, **chosen):
        expect(what, output, natively.stdout)


def case_lists(k23, program):
    as_natively(k23, program, "lists")
    # The hook could write each line.
    if "x\n" not in open("out").read():
        raise harness.Failed("the hook has written nothing")


def case_limits(k23, program):
    """Small ones, those that most systems have, and one that hidden descriptors do not lie beyond."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for word, soft in ("lists", 20), ("lists", 4096), ("lists", 5000), ("limits", 20), ("limits", 1024):
        if soft <= hard if word == "lists" else soft <= hard - 100:
            as_natively(k23, program, word, ["sh", "-c", f'ulimit -Sn {soft}; exec "$@"', "sh"], chains=["hosted freestanding"])


def case_spawns(k23, program):
    as_natively(k23, program, "spawns", chains=["freestanding", "hosted"])


def case_given(k23, program):
    for what, output in results(k23, program, "given"):
        expect(what, output, "3 0, 4 1, 1 0 0\n")


def case_locks(k23, program):
    for what, output in results(k23, program, "locks"):
        expect(what, output, "0 0\n")


def case_programs(k23, program):
    """A shell and an interpreter that close what they do not know."""
    hosted = build(k23, "hosted")
    script = 'exec 5</dev/null; ls /proc/self/fd | wc -l; exec {n}</dev/null; echo $n; ulimit -Sn 200; exec {n}</dev/null; echo $n'
    python = ("import os, subprocess; print(os.listdir('/proc/self/fd'), os.open('/dev/null', 0)); "
              "print(subprocess.run(['ls', '/proc/self/fd'], capture_output=True, close_fds=True).stdout); "
              "os.closerange(3, 5000); print(os.listdir('/proc/self/fd'))")
    for command in ["bash", "-c", script], ["python3", "-c", python]:
        if not shutil.which(command[0]):
            continue
        natively = run(*command)
        for _ in range(2):
            result = run(k23, "run", "--store", os.path.abspath("programs"), "--hook",
                         f"{hosted}:out={os.path.abspath('out')}", "--", *command)
            expect(f"{command}", (result.returncode, result.stdout, result.stderr),
                   (natively.returncode, natively.stdout, natively.stderr))


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


if __name__ == "__main__":
    main()
