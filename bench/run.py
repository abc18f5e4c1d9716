#!/usr/bin/python3
"""Benchmarks: rounds in which the variants take turns. A figure is the median of the rounds' ratios. Beside the tables
there is a file of JSON, of which compare.py puts several side by side.

usage: run.py --k23 K23 --build DIR [--rounds N] [--only NAME,...] [--markdown] [--json FILE]"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import calls
import memory
import starts
import throughput
import tracing
from measure import K23, Figures

PARTS = {"calls": calls.calls, "depths": calls.depths, "threads": calls.threads, "start": starts.start, "forks": starts.forks,
         "command-line": starts.command_line, "first": starts.first, "memory": memory.memory, "maps": memory.maps,
         "analyze": memory.analysis, "throughput": throughput.main, "tracing": tracing.main}


def machine(k23):
    """The processor, and how k23 keeps its prediction of returns."""
    with open("/proc/cpuinfo") as file:
        fields = dict(re.findall(r"^([^:\t]+?)\s*: (.*)", file.read().split("\n\n", 1)[0], re.M))
    report = json.loads(subprocess.run([k23, "doctor", "--json"], stdout=subprocess.PIPE, check=True).stdout)
    return {"processor": f"{fields['model name']}, family {fields['cpu family']}, model {fields['model']}",
            "processors": os.cpu_count(), "linux": os.uname().release,
            "returns": next(line["tried"] for line in report["machine"] if line["name"] == "returns")}


def finish(bench, about, load):
    """Says what went worst, and writes the file."""
    about["load"] = [load, os.getloadavg()[0]]
    about["rounds"] = bench.rounds
    worst = bench.figures.worst()
    if worst:
        print("\nmost of native's time: " + "; ".join(f"{row['of_native']:.2f} {row['what']} ({row['how']})" for row in worst))
    print(f"load average at the begin {load:.1f}, at the end {about['load'][1]:.1f}; {about['processors']} processors,"
          f" {bench.rounds} rounds")
    with open(bench.json, "w") as file:
        json.dump({"machine": about, "figures": bench.figures.rows}, file, indent=1)
        file.write("\n")
    print(f"in {bench.json}, for bench/compare.py")


def main():
    parser = argparse.ArgumentParser(description="Measure k23 against native, in interleaved rounds.")
    parser.add_argument("--k23", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=15, help="of each figure; those of throughput are half as many")
    parser.add_argument("--only", default=",".join(PARTS), metavar="NAME,...", help="of: %(default)s, or a row of throughput")
    parser.add_argument("--markdown", action="store_true", help="print tables as the README has them")
    parser.add_argument("--json", metavar="FILE", help="where the figures are written (BUILD/bench.json)")
    bench = parser.parse_args()
    bench.json = bench.json or os.path.join(bench.build, "bench.json")
    names = bench.only.split(",")
    bench.rows = [name for name in names if name not in PARTS]
    bench.figures = Figures()
    about = machine(bench.k23)
    print(f"{about['processor']}, Linux {about['linux']}; returns: {about['returns']}")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="k23-bench-") as bench.folder:
        os.chmod(bench.folder, 0o755)
        bench.k23 = K23(bench.k23, os.path.join(bench.folder, "store"))
        for name, part in PARTS.items():
            if name in names or (name == "throughput" and bench.rows):
                part(bench)
                sys.stdout.flush()
    finish(bench, about, load)
    return 0


if __name__ == "__main__":
    sys.exit(main())
