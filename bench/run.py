#!/usr/bin/python3
"""Benchmarks: rounds in which the variants take turns. A figure is the median of the rounds' ratios.

usage: run.py --k23 K23 --build DIR [--rounds N] [--only NAME,...] [--markdown]"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import throughput
from measure import K23, Table, compile_program, interleaved, output_number, ratio

PINNED = {"preexec_fn": lambda: os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])}


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


def learn(k23, *command):
    subprocess.run(k23.learn() + list(command), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def strace(folder, *options):
    return ["strace", *options, "-o", os.path.join(folder, "strace.txt")] if shutil.which("strace") else None


def calls(bench):
    """One system call."""
    program = compile_program(bench.build, "call")
    for name, title in (("500", "system call 500"), ("getppid", "getppid"), ("any", "system call 500 by syscall(3)")):
        learn(bench.k23, program, name)
        variants = {
            "native": ([], "native"), "dispatch on, nothing caught (floor)": ([], "floor"),
            "k23, no hook wants it": (bench.k23.run(), "native"), "k23, null hook": (bench.k23.run("--hook", "null"), "native"),
            "bare SIGSYS handler": ([], "sigsys"), "k23 --no-patch, null hook": (bench.k23.run("--no-patch", "--hook", "null"), "native"),
        }
        tracer = strace(bench.folder)
        if tracer:
            variants["strace"] = (tracer, "native")
        run = {what: lambda prefix=prefix, how=how: output_number(prefix + [program, name, how], **PINNED)
               for what, (prefix, how) in variants.items()}
        values = interleaved(run, bench.rounds)
        table = Table(f"{title}, best block of a run", "what", "ns", "of native", "of floor")
        for what, each in values.items():
            table.add(what, f"{sorted(each)[len(each) // 2]:.1f}", f"{ratio(each, values['native']):.3f}",
                      f"{ratio(each, values['dispatch on, nothing caught (floor)']):.3f}")
        table.show(bench.markdown)


def start(bench):
    """posix_spawn and wait of /bin/true."""
    program = compile_program(bench.build, "spawn")
    learn(bench.k23, program, "1")
    variants = {"native": [program], "k23, no hook": bench.k23.run() + [program],
                "k23, null hook": bench.k23.run("--hook", "null") + [program],
                "k23 --no-patch, null hook": bench.k23.run("--no-patch", "--hook", "null") + [program]}
    tracer = strace(bench.folder, "-f")
    if tracer:
        variants["strace -f"] = [*tracer, program, "1"]
    table = Table("posix_spawn and wait of /bin/true, best block of a run", "what", "pinned: us", "of native", "unpinned: us", "of native")
    columns = []
    for keywords in (PINNED, {}):
        run = {what: lambda command=command: output_number(command, **keywords) for what, command in variants.items()}
        columns.append(interleaved(run, bench.rounds))
    for what in variants:
        cells = []
        for values in columns:
            each = values[what]
            cells += [f"{sorted(each)[len(each) // 2]:.0f}", f"{ratio(each, values['native']):.2f}"]
        table.add(what, *cells)
    table.show(bench.markdown)


def memory(bench):
    """Private memory."""
    program = compile_program(bench.build, "sleeper")
    learn(bench.k23, program)
    native = private_memory([program])
    table = Table("private memory of a sleeping program", "what", "KB", "more than native")
    table.add("native", str(native), "-")
    for what, options in (("k23 --no-patch, null hook", ["--no-patch", "--hook", "null"]), ("k23, no hook", []),
                          ("k23, null hook", ["--hook", "null"]), ("k23 --eager, null hook", ["--eager", "--hook", "null"])):
        value = private_memory(bench.k23.run(*options) + [program])
        table.add(what, str(value), str(value - native))
    table.show(bench.markdown)


def analysis(bench):
    """k23 analyze of the C library, with an empty store."""
    library = next((p for p in ("/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/libc.so.6", "/usr/lib/libc.so.6")
                    if os.path.exists(p)), None)
    if not library:
        return
    store = os.path.join(bench.folder, "analysed")
    times = []
    for _ in range(bench.rounds):
        if os.path.exists(store):
            os.unlink(store)
        begin = time.monotonic()
        subprocess.run([bench.k23.program, "analyze", f"--store={store}", library], check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - begin)
    times.sort()
    table = Table("k23 analyze of the C library, into an empty store", "MB", "ms, median", "ms, slowest")
    table.add(f"{os.path.getsize(library) / 1e6:.1f}", f"{times[len(times) // 2] * 1e3:.0f}", f"{times[-1] * 1e3:.0f}")
    table.show(bench.markdown)


PARTS = {"calls": calls, "start": start, "memory": memory, "analyze": analysis, "throughput": throughput.main}


def main():
    parser = argparse.ArgumentParser(description="Measure k23 against native, in interleaved rounds.")
    parser.add_argument("--k23", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=15, help="of each figure; those of throughput are half as many")
    parser.add_argument("--only", default=",".join(PARTS), metavar="NAME,...", help="of: %(default)s, or a row of throughput")
    parser.add_argument("--markdown", action="store_true", help="print tables as the README has them")
    bench = parser.parse_args()
    names = bench.only.split(",")
    bench.rows = [name for name in names if name not in PARTS]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="k23-bench-") as bench.folder:
        os.chmod(bench.folder, 0o755)
        bench.k23 = K23(bench.k23, os.path.join(bench.folder, "store"))
        for name, part in PARTS.items():
            if name in names or (name == "throughput" and bench.rows):
                part(bench)
                sys.stdout.flush()
    print(f"\nload average at the begin {load:.1f}, at the end {os.getloadavg()[0]:.1f}; {os.cpu_count()} processors,"
          f" Linux {os.uname().release}, {bench.rounds} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
