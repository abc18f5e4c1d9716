"""What the benchmarks share: interleaved runs, medians of ratios, tables."""
import os
import re
import shutil
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PINNED = {"preexec_fn": lambda: os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])}
NATIVE, NO_HOOK, NULL_HOOK, HOSTED_HOOK = "native", "k23, no hook", "k23, null hook", "k23, hosted null hook"


class Skip(Exception):
    """Why something cannot be measured here."""


def compile_program(build, name):
    out = os.path.join(build, "bench", name)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-Wall", "-D_GNU_SOURCE", "-o", out, os.path.join(HERE, name + ".c")],
                   check=True)
    return out


def hosted_null(bench):
    """The null hook, with a C library of its own."""
    out = os.path.join(bench.build, "bench", "null-hosted")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    subprocess.run([bench.k23.program, "cc", "--hosted", os.path.join(HERE, "..", "hooks", "null.c"), "-o", out], check=True)
    return out


def output_number(command, **keywords):
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **keywords)
    return float(done.stdout)


def interleaved(variants, rounds):
    """Calls each variant once per round, in turn, every other round backwards. Returns the values of each, by round."""
    values = {name: [] for name in variants}
    for i in range(rounds):
        for name in list(variants)[::-1 if i % 2 else 1]:
            values[name].append(variants[name]())
    return values


def ratio(values, base):
    """The median of the ratios of each round."""
    return statistics.median(v / b for v, b in zip(values, base))


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(f"no {tool}")


def median(values):
    return sorted(values)[len(values) // 2]


def learn(k23, *command):
    subprocess.run(k23.learn() + list(command), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def against_native(bench, title, column, unit, rows, floor=(), keywords=PINNED):
    """A table of programs that print a number, natively and under k23. rows: their names, with commands. floor: what
    makes a program do natively what it cannot do faster under k23."""
    variants = {NATIVE: ([], []), **({"floor": ([], list(floor))} if floor else {}), NO_HOOK: (bench.k23.run(), []),
                NULL_HOOK: (bench.k23.run("--hook", "null"), [])}
    table, name = Table(title, column, f"native, {unit}", *list(variants)[1:]), title.split(",")[0]
    for what, command in rows.items():
        learn(bench.k23, *command)
        values = interleaved({how: lambda before=before, after=after: output_number(before + command + after, **keywords)
                              for how, (before, after) in variants.items()}, bench.rounds)
        table.add(what, f"{median(values[NATIVE]):.0f}",
                  *(f"{bench.figures.add(f'{name}: {what}', how, values[how], values[NATIVE], unit):.2f}"
                    for how in list(variants)[1:]))
    table.show(bench.markdown)


def strace(folder, *options):
    return ["strace", *options, "-o", os.path.join(folder, "strace.txt")] if shutil.which("strace") else None


class Figures:
    """What was measured, for the summary and for bench/compare.py."""
    OURS = NO_HOOK, NULL_HOOK, HOSTED_HOOK

    def __init__(self):
        self.rows = []

    def add(self, what, how, values, native=None, unit=None):
        """values and native: of the same rounds. Returns what the former are of the latter, the median of the rounds."""
        self.add_ratio(what, how, ratio(values, native) if native else None, median(values), unit)
        return self.rows[-1]["of_native"]

    def add_ratio(self, what, how, of_native, value=None, unit=None):
        """of_native: time under k23 in that of native."""
        self.rows.append({"what": what, "how": how, "median": value, "unit": unit, "of_native": of_native})

    def worst(self, count=3):
        """The rows in which k23, as it is used, takes the most time of native."""
        ours = [row for row in self.rows if row["how"] in self.OURS and row["of_native"]]
        return sorted(ours, key=lambda row: -row["of_native"])[:count]


class Table:
    def __init__(self, title, *columns):
        self.title, self.rows = title, [columns]

    def add(self, *cells):
        self.rows.append(cells)

    def show(self, markdown):
        if markdown:
            print(f"\n{self.title}:\n")
            lines = [self.rows[0], ["---", *["---:"] * (len(self.rows[0]) - 1)], *self.rows[1:]]
            for row in lines:
                print("| " + " | ".join(row) + " |")
            return
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]
        print("\n" + self.title)
        for row in self.rows:
            print("  " + row[0].ljust(widths[0]) + "".join("  " + c.rjust(w) for c, w in zip(row[1:], widths[1:])))


class K23:
    """The k23 that is measured, with a store of its own, which learn() fills."""

    def __init__(self, program, store):
        self.program, self.store = os.path.abspath(program), store

    def run(self, *options):
        return [self.program, "run", "--store", self.store, "--no-learn", *options, "--"]

    def tool(self, command, output, *options):
        """A command that writes to a file."""
        return [self.program, command, "--store", self.store, "--no-learn", "-o", output, *options, "--"]

    def learn(self):
        return [self.program, "learn", "--store", self.store, "--hook", "null", "--"]


class Counter:
    """Counts system calls and signals of the guard by the kernel's tracepoints."""
    EVENTS = ["-e", "signal:signal_deliver", "--filter", "sig==31", "-e", "raw_syscalls:sys_enter"]

    def __init__(self, folder):
        self.output = os.path.join(folder, "perf.txt")

    @staticmethod
    def available():
        try:
            return subprocess.run(["perf", "stat", *Counter.EVENTS, "true"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0
        except FileNotFoundError:
            return False

    def command(self, *what):
        return ["perf", "stat", "-x,", "-o", self.output, *self.EVENTS, *what]

    def result(self):
        """(signals, calls)"""
        with open(self.output) as file:
            counts = re.findall(r"^(\d+),[^,]*,(?:signal|raw_syscalls):", file.read(), re.M)
        return int(counts[0]), int(counts[1])
