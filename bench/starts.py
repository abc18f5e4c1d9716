"""Starts: of processes and programs, from within and from the command line, and for the first time."""
import os
import subprocess
import time

from measure import HOSTED_HOOK, K23, NATIVE, NO_HOOK, NULL_HOOK, PINNED, Table, against_native, compile_program, hosted_null, \
    interleaved, learn, median, output_number, strace

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def start(bench):
    """posix_spawn and wait of /bin/true."""
    program = compile_program(bench.build, "spawn")
    learn(bench.k23, program, "1")
    variants = {NATIVE: [program], NO_HOOK: bench.k23.run() + [program],
                NULL_HOOK: bench.k23.run("--hook", "null") + [program],
                HOSTED_HOOK: bench.k23.run("--hook", hosted_null(bench)) + [program],
                "k23 --no-patch, null hook": bench.k23.run("--no-patch", "--hook", "null") + [program]}
    tracer = strace(bench.folder, "-f")
    if tracer:
        variants["strace -f"] = [*tracer, program, "1"]
    table = Table("posix_spawn and wait of /bin/true, best block of a run", "what", "pinned: us", "of native", "unpinned: us", "of native")
    columns = {}
    for name, keywords in (("pinned", PINNED), ("unpinned", {})):
        run = {what: lambda command=command: output_number(command, **keywords) for what, command in variants.items()}
        columns[name] = interleaved(run, bench.rounds)
    for what in variants:
        cells = []
        for name, values in columns.items():
            cells += [f"{median(values[what]):.0f}",
                      f"{bench.figures.add(f'posix_spawn, {name}', what, values[what], values[NATIVE], 'us'):.2f}"]
        table.add(what, *cells)
    table.show(bench.markdown)


def forks(bench):
    """fork, _exit and wait."""
    program = compile_program(bench.build, "fork")
    against_native(bench, "fork, exit and wait, best block of a run, pinned", "processes", "us",
                   {"one after the other": [program, "one"], "a tree of 2000": [program, "tree"]})


def best_of(command, times=20):
    """Milliseconds of the quickest of some runs."""
    best = float("inf")
    for _ in range(times):
        begin = time.monotonic()
        subprocess.run(command, check=True, **QUIET, **PINNED)
        best = min(best, time.monotonic() - begin)
    return best * 1e3


def command_line(bench):
    """A start of /bin/true from the command line: with what the tool itself does."""
    learn(bench.k23, "/bin/true")
    static = K23(bench.k23.program + "-static", bench.k23.store) if os.access(bench.k23.program + "-static", os.X_OK) else None
    variants = {NATIVE: [], NO_HOOK: bench.k23.run(), NULL_HOOK: bench.k23.run("--hook", "null"),
                "k23-static run --hook null": static and static.run("--hook", "null"), "strace": strace(bench.folder),
                "k23 trace": bench.k23.tool("trace", os.path.join(bench.folder, "trace.txt")),
                "k23 record": bench.k23.tool("record", os.path.join(bench.folder, "recording")),
                "strace -f": strace(bench.folder, "-f")}
    run = {what: lambda prefix=prefix: best_of(prefix + ["/bin/true"]) for what, prefix in variants.items() if prefix is not None}
    values = interleaved(run, bench.rounds)
    table = Table("/bin/true from the command line, best of a round, pinned", "what", "ms", "more than native", "of native")
    for what, each in values.items():
        table.add(what, f"{median(each):.2f}", f"{median(each) - median(values[NATIVE]):.2f}",
                  f"{bench.figures.add('/bin/true from the command line', what, each, values[NATIVE], 'ms'):.2f}")
    table.show(bench.markdown)


def seconds(command, prepare=lambda: None):
    prepare()
    begin = time.monotonic()
    subprocess.run(command, check=True, **QUIET)
    return time.monotonic() - begin


def first(bench):
    """The first run of a program, of which the store knows nothing, beside a run after it was learned."""
    empty = K23(bench.k23.program, os.path.join(bench.folder, "first", "store"))
    hook = ["--store", empty.store, "--hook", "null", "--"]

    def forget():
        for name in os.listdir(os.path.dirname(empty.store)):
            os.unlink(os.path.join(os.path.dirname(empty.store), name))

    os.mkdir(os.path.dirname(empty.store))
    table = Table("the first run of a program, with an empty store and the null hook", "what", "native, s", "first run",
                  "after it was learned")
    for what, command in (("dd bs=1 count=300k", ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=300k"]),
                          ("find /usr", ["find", "/usr"])):
        learn(bench.k23, *command)
        values = interleaved({
            NATIVE: lambda: seconds(command),
            "first": lambda: seconds([empty.program, "run", *hook, *command], prepare=forget),
            "learned": lambda: seconds(bench.k23.run("--hook", "null") + command),
        }, max(3, bench.rounds // 2))
        table.add(what, f"{median(values[NATIVE]):.2f}",
                  *(f"{bench.figures.add(f'{what}, {when}', NULL_HOOK, values[when], values[NATIVE], 's'):.2f}"
                    for when in ("first", "learned")))
    table.show(bench.markdown)
