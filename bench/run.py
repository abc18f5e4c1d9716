#!/usr/bin/env python3
"""Benchmarks: every figure is a ratio to native (or to a peer) from the same run, interleaved, the median of several.

usage: run.py --k23 K23 --build DIR [--rounds N] [--markdown]"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def compile_program(build, name):
    out = os.path.join(build, "bench", name)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-Wall", "-D_GNU_SOURCE", "-o", out, os.path.join(HERE, name + ".c")], check=True)
    return out


def interleaved(variants, rounds):
    """Runs each command once per round, in turn; the number that each prints, as medians of ratios to the first."""
    values = {name: [] for name in variants}
    for _ in range(rounds):
        for name, command in variants.items():
            values[name].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    first = next(iter(variants))
    return {name: (statistics.median(v / b for v, b in zip(values[name], values[first])), statistics.median(values[name]))
            for name in variants}


def private_memory(command):
    """Kilobytes of private memory of a sleeping program."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        with open(f"/proc/{process.pid}/smaps_rollup") as file:
            return sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", file.read(), re.M))
    finally:
        process.stdin.close()
        process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--k23", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    k23 = os.path.abspath(arguments.k23)
    programs = {name: compile_program(arguments.build, name) for name in ("spawn", "call", "sleeper")}
    plain, null = [k23, "run", "--"], [k23, "run", "--hook", "null", "--"]

    print("posix_spawn and wait of /bin/true (ratio to native; microseconds)")
    variants = {"native": [programs["spawn"]], "k23 run": plain + [programs["spawn"]],
                "k23 run, null hook": null + [programs["spawn"]]}
    if shutil.which("strace"):
        variants["strace -f"] = ["strace", "-f", "-o", "/dev/null", programs["spawn"], "20"]
    for name, (ratio, value) in interleaved(variants, arguments.rounds).items():
        print(f"  {name:24}{ratio:8.2f}{value:12.1f}")

    print("a system call that does nothing (ratio to a bare SIGSYS handler; nanoseconds)")
    variants = {"bare SIGSYS handler": [programs["call"], "sigsys"], "native": [programs["call"], "native"],
                "k23 run": plain + [programs["call"], "native"],
                "k23 run, null hook": null + [programs["call"], "native"]}
    for name, (ratio, value) in interleaved(variants, arguments.rounds).items():
        print(f"  {name:24}{ratio:8.2f}{value:12.1f}")

    print("private memory of a sleeping program (KB; more than native)")
    native = private_memory([programs["sleeper"]])
    for name, command in (("native", []), ("k23 run", plain), ("k23 run, null hook", null)):
        value = private_memory(command + [programs["sleeper"]])
        print(f"  {name:24}{value:8}{value - native:12}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
