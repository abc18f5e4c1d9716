"""Memory: what k23 takes of it, mapping code, and what is found out of a file before its code is mapped."""
import os
import re
import subprocess
import time

from measure import HOSTED_HOOK, NATIVE, NO_HOOK, NULL_HOOK, Table, against_native, compile_program, hosted_null, learn


def find_library(name):
    return next((path for path in (os.path.join(folder, name) for folder in ("/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"))
                 if os.path.exists(path)), None)


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


def memory(bench):
    """Private memory."""
    program = compile_program(bench.build, "sleeper")
    learn(bench.k23, program)
    native = private_memory([program])
    table = Table("private memory of a sleeping program", "what", "KB", "more than native")
    bench.figures.add("private memory of a sleeping program", NATIVE, [native], unit="KB")
    table.add(NATIVE, str(native), "-")
    for what, options in (("k23 --no-patch, null hook", ["--no-patch", "--hook", "null"]), (NO_HOOK, []),
                          (NULL_HOOK, ["--hook", "null"]), (HOSTED_HOOK, ["--hook", hosted_null(bench)]),
                          ("k23 --eager, null hook", ["--eager", "--hook", "null"])):
        value = private_memory(bench.k23.run(*options) + [program])
        bench.figures.add("private memory of a sleeping program", what, [value], unit="KB")
        table.add(what, str(value), str(value - native))
    table.show(bench.markdown)


def maps(bench):
    """mmap of the code of a library, and munmap."""
    program = compile_program(bench.build, "map")
    libraries = {"the C library, with sites that were seen": "libc.so.6", "libm, which has no sites": "libm.so.6"}
    rows = {what: [program, find_library(name)] for what, name in libraries.items() if find_library(name)}
    against_native(bench, "mmap of code and munmap, best block of a run", "what", "ns", rows)


def analysis(bench):
    """k23 analyze of the C library, with an empty store."""
    library = find_library("libc.so.6")
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
    bench.figures.add("analysis of the C library", "k23 analyze", times, unit="s")
    times.sort()
    table = Table("k23 analyze of the C library, into an empty store", "MB", "ms, median", "ms, slowest")
    table.add(f"{os.path.getsize(library) / 1e6:.1f}", f"{times[len(times) // 2] * 1e3:.0f}", f"{times[-1] * 1e3:.0f}")
    table.show(bench.markdown)
