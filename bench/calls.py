"""System calls: one, from some functions deep, and by several threads at once."""
from measure import HOSTED_HOOK, NATIVE, NO_HOOK, NULL_HOOK, PINNED, Table, against_native, compile_program, hosted_null, \
    interleaved, learn, median, output_number, ratio, strace


def calls(bench):
    """One system call."""
    program, hosted = compile_program(bench.build, "call"), hosted_null(bench)
    for name, title in (("500", "system call 500"), ("getppid", "getppid"), ("any", "system call 500 by syscall(3)")):
        learn(bench.k23, program, name)
        variants = {
            NATIVE: ([], "native"), "dispatch on, nothing caught (floor)": ([], "floor"),
            NO_HOOK: (bench.k23.run(), "native"), NULL_HOOK: (bench.k23.run("--hook", "null"), "native"),
            HOSTED_HOOK: (bench.k23.run("--hook", hosted), "native"),
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
            table.add(what, f"{median(each):.1f}", f"{bench.figures.add(title, what, each, values[NATIVE], 'ns'):.3f}",
                      f"{ratio(each, values['dispatch on, nothing caught (floor)']):.3f}")
        table.show(bench.markdown)


def depths(bench):
    """getppid from some functions deep: what the processor mispredicts of the returns from there."""
    program = compile_program(bench.build, "call")
    against_native(bench, "getppid from some functions deep, best block of a run", "functions", "ns",
                   {str(depth): [program, f"depth{depth}" if depth else "getppid"] for depth in (0, 4, 12, 24)}, floor=["floor"])


def threads(bench):
    """getppid by several threads at once."""
    program = compile_program(bench.build, "threads")
    against_native(bench, "getppid by threads at once, time for each call", "threads", "ns",
                   {str(count): [program, str(count)] for count in (1, 2, 4, 8)}, keywords={})
