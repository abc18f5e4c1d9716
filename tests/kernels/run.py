#!/usr/bin/python3
"""Run the quick half of the tests in virtual machines with Debian's kernels, and say what became of them.

In each kernel a test runs as root and as nobody, each under Yama's ptrace_scope 0, 1 and 2; the program's native run in
the same kernel is the oracle, as ever.  The machine's files are the host's, read only; what tests write is in memory.

Which tests: those of guests without patches, of hooks and of commands, which pass here; and of them the half that took
less time here, natively.  The times are measured once for a list of tests, and kept.

Exit status: 0 all passed, 1 something failed, 77 there is no kernel to be had, 2 wrong usage.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import debian
import harness

MEMORY = 3072  # MiB
CPUS = min(4, os.cpu_count())
# Where the processor is emulated, time goes by faster than the machine works.
SLOWNESS = {"kvm": 3, "tcg": 10}
BOOT_SECONDS = {"kvm": 60, "tcg": 600}
ACCELERATOR = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    # qemu 7.2 emulates iretq in user mode as if the kernel read the stack, which SMAP forbids.
    "tcg": ["-accel", "tcg,thread=multi", "-cpu", "max,-smap"],
}
# A guest's modes here: of the two that only differ in the number of hooks, one.
MODES = ["plain", "null"]
COMPLAINTS = re.compile(r"^\[ *\d+\.\d+\]\S* (?:Kernel panic.*|BUG: .*|Oops.*|WARNING: .*|watchdog: .*|rcu: .*stall.*)",
                        re.M)
USERS = {"root": 0, "nobody": harness.NOBODY}
LINES = 12


# Which tests.

def all_tests(build):
    """As a plan has them, with time-outs of this machine."""
    tests = []
    for row in json.loads(debian.output("meson", "introspect", "--tests", str(build))):
        suites = {suite.split(":")[-1] for suite in row["suite"]}
        program, *words = row["cmd"]
        modes = words[words.index("--mode") + 1].split(",") if "--mode" in words else MODES
        if suites & {"guests", "hooks", "commands"} and set(modes) & set(MODES):
            tests.append({"name": row["name"], "command": [str((build / program).resolve()), *words],
                          "folder": str(build), "environment": row["env"], "timeout": row["timeout"]})
    return tests


def adapted(test, slowness):
    """For a machine that is so much slower."""
    command = list(test["command"])
    if command[0].endswith("compare.py"):
        mode = command.index("--mode") + 1
        command[mode] = ",".join(name for name in command[mode].split(",") if name in MODES)
        command[mode + 1:mode + 1] = ["--timeout", str(20 * slowness)]
    return {**test, "command": command, "timeout": test["timeout"] * slowness}


def measure(build, tests, folder):
    """Seconds that each test takes here; of those that do not pass, none."""
    kept = folder / "times.json"
    times = json.loads(kept.read_text()) if kept.exists() else {}
    missing = [adapted(test, 1) for test in tests if test["name"] not in times]
    if missing:
        print(f"measuring {len(missing)} tests", flush=True)
        plan, results = folder / "measured.plan", folder / "measured.results"
        write_plan(plan, missing, [None], [os.geteuid()])
        subprocess.run([sys.executable, str(HERE / "guest.py"), str(plan), str(results)], check=True)
        for result in map(json.loads, results.read_text().splitlines()):
            if "test" in result:
                times[result["test"]] = result["seconds"] if result["verdict"] == "passed" else None
        kept.write_text(json.dumps(times, indent=0))
    return times


def quick_half(build, folder):
    tests = all_tests(build)
    times = measure(build, tests, folder)
    passed = [test for test in tests if times[test["name"]] is not None]
    quick = sorted(passed, key=lambda test: times[test["name"]])[:(len(passed) + 1) // 2]
    slowest = times[quick[-1]["name"]] if quick else 0
    print(f"{len(quick)} of {len(tests)} tests: the quicker half of {len(passed)} that pass here, up to {slowest:.2f} s")
    return quick


def write_plan(path, tests, scopes, users):
    path.write_text(json.dumps({"tests": tests, "scopes": scopes, "users": users, "path": os.environ["PATH"]}))


# A machine.

def hidden(trees):
    """What an own file system in memory lies over: where tests write, and where others may not come to the trees."""
    closed = {str(parent) for tree in trees for parent in tree.parents if not parent.stat().st_mode & 0o001}
    return sorted({"/tmp"} | closed, key=len)


class Machine:
    def __init__(self, kernel, plan, trees, accelerator):
        self.console, self.results = kernel.folder / "console", kernel.folder / "results"
        for path in self.console, self.results:
            path.write_bytes(b"")
        trees = " ".join(map(str, trees)), " ".join(hidden(trees))
        self.process = subprocess.Popen([
            "qemu-system-x86_64", *ACCELERATOR[accelerator], "-smp", str(CPUS), "-m", str(MEMORY), "-nodefaults",
            "-display", "none", "-no-reboot", "-kernel", kernel.image, "-initrd", kernel.initramfs,
            "-serial", f"file:{self.console}", "-serial", f"file:{self.results}",
            "-fsdev", "local,id=host,path=/,security_model=passthrough,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            # An emulated processor may be too slow for the check whether the timer ticks, and then the kernel panics.
            "-append", f'console=ttyS0 loglevel=5 panic=-1 no_timer_check trees="{trees[0]}" covers="{trees[1]}" -- '
                       f"{HERE}/guest.py {plan} /dev/ttyS1",
        ], stdin=subprocess.DEVNULL)

    def lines(self, boot_seconds, seconds):
        """What it reports, as it does; raises Failed where it ends before, or says nothing for too long."""
        limit = time.monotonic() + boot_seconds
        with open(self.results, encoding="ascii", newline="\n") as file:
            line = ""
            while True:
                line += file.readline()
                if line.endswith("\n"):
                    result, line = json.loads(line), ""
                    if "end" in result:
                        return
                    limit = time.monotonic() + seconds
                    yield result
                elif self.process.poll() is not None:
                    raise harness.Failed("the machine has stopped")
                elif time.monotonic() > limit:
                    raise harness.Failed("the machine hangs: nothing is heard of it any more")
                else:
                    time.sleep(0.1)

    def complaints(self):
        return COMPLAINTS.findall(self.console.read_text(errors="replace").replace("\r", ""))

    def last_words(self):
        return self.console.read_text(errors="replace").replace("\r", "").splitlines()[-LINES:]

    def stop(self):
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# What became of them.

def indented(lines):
    return "".join(f"\n    {line[:200]}" for line in lines)


def where(result):
    user = next(name for name, number in USERS.items() if number == result["user"])
    return user, result["scope"]


class Report:
    """Of one kernel: how many tests ended how, as whom and under which ptrace_scope."""

    def __init__(self, kernel):
        self.kernel, self.release, self.trouble = kernel, "", []
        self.counts = collections.defaultdict(collections.Counter)
        self.skipped = collections.Counter()

    def add(self, result):
        if "release" in result:
            self.release = result["release"]
            print(f"{self.kernel}: Linux {self.release} on {result['cpus']} processors", flush=True)
            return
        self.counts[where(result)][result["verdict"]] += 1
        last = result["output"].strip().splitlines()[-LINES:]
        if result["verdict"] == "failed":
            user, scope = where(result)
            print(f"{self.kernel}: FAILED {result['test']} as {user}, ptrace_scope {scope}, after "
                  f"{result['seconds']:.1f} s{indented(last)}", flush=True)
        elif result["verdict"] == "skipped":
            self.skipped[last[-1] if last else "no reason given"] += 1

    def add_trouble(self, what, lines=()):
        self.trouble.append(what)
        print(f"{self.kernel}: FAILED {what}{indented(lines)}", flush=True)

    def failed(self):
        return bool(self.trouble) or any(count["failed"] for count in self.counts.values())

    def show(self):
        print(f"\n{self.kernel}: Linux {self.release}" + "".join(f"\n  FAILED {what}" for what in self.trouble))
        print(f"  {'user':8}{'ptrace_scope':>12}{'passed':>8}{'failed':>8}{'skipped':>8}")
        for (user, scope), count in self.counts.items():
            print(f"  {user:8}{scope:12}{count['passed']:8}{count['failed']:8}{count['skipped']:8}")
        for reason, count in self.skipped.most_common():
            print(f"  {count} skipped: {reason[:150]}")


def working_accelerator(kernel):
    """KVM where a machine comes up by it: there may be a /dev/kvm that runs no kernel, or not this one."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    plan = kernel.folder / "plan"
    write_plan(plan, [], [None], [0])
    machine = Machine(kernel, plan, [TOP], "kvm")
    try:
        for _ in machine.lines(BOOT_SECONDS["kvm"], BOOT_SECONDS["kvm"]):
            pass
        return "kvm"
    except harness.Failed as why:
        print(f"KVM: {why}", flush=True)
        return "tcg"
    finally:
        machine.stop()


def run_kernel(kernel, tests, options, accelerator):
    report = Report(kernel.name)
    plan = kernel.folder / "plan"
    slowness = SLOWNESS[accelerator] * options.timeout_scale
    tests = [adapted(test, slowness) for test in tests]
    write_plan(plan, tests, options.scopes, [USERS[name] for name in options.users])
    # The build's folder may be elsewhere.
    trees = [TOP] + ([options.build] if TOP not in options.build.parents else [])
    machine = Machine(kernel, plan, trees, accelerator)
    try:
        for result in machine.lines(BOOT_SECONDS[accelerator] * options.timeout_scale,
                                    max(test["timeout"] for test in tests) + 60):
            report.add(result)
    except harness.Failed as why:
        machine.process.kill()
        report.add_trouble(str(why), machine.last_words())
    finally:
        machine.stop()
    for complaint in machine.complaints():
        report.add_trouble(f"the kernel says: {complaint}")
    return report


def known_packages(apt, folder):
    """What apt offers now; else what it once did, and was fetched."""
    try:
        apt.update()
        return apt.packages()
    except subprocess.CalledProcessError:
        print("apt reaches nothing, so only what was fetched before is there", flush=True)
        return {noted.parent.name: noted.read_text() for noted in folder.glob("*/package")}


def kernels(options, folder):
    """Those that are wanted and there are, with their package prepared."""
    apt = debian.Apt(folder / "apt")
    packages = known_packages(apt, folder)
    wanted = options.kernels or sorted(packages, key=lambda name: [int(part) for part in name.split(".")])
    for name in wanted:
        if name not in packages:
            sys.exit(f"run.py: there is no kernel {name}; apt knows {' '.join(packages)}")
        kernel = debian.Kernel(name, folder / name)
        kernel.prepare(apt, packages[name])
        yield kernel


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=lambda path: pathlib.Path(path).resolve(), default=TOP / "build")
    parser.add_argument("--kernels", type=str.split, default=[], metavar="VERSIONS",
                        help='such as "6.1 6.12"; default: all that apt reaches')
    parser.add_argument("--users", type=str.split, default=list(USERS), help="default: root nobody")
    parser.add_argument("--scopes", type=lambda text: [int(word) for word in text.split()], default=[0, 1, 2],
                        help="of ptrace_scope; default: 0 1 2")
    parser.add_argument("--only", default="", metavar="PATTERN", help="tests whose name it is found in, all of them")
    parser.add_argument("--accelerator", choices=ACCELERATOR,
                        help="default: kvm where it works, else tcg, which emulates, slowly")
    parser.add_argument("--timeout-scale", type=float, default=1.0, metavar="N", help="multiply all time-outs")
    return parser.parse_args()


def main():
    options = parse_arguments()
    # so that no machine outlives this
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = options.build / "kernels"
    folder.mkdir(exist_ok=True)
    if options.only:
        tests = [test for test in all_tests(options.build) if re.search(options.only, test["name"])]
    else:
        tests = quick_half(options.build, folder)
    reports, accelerator = [], options.accelerator
    for kernel in kernels(options, folder):
        accelerator = accelerator or working_accelerator(kernel)
        print(f"{kernel.name}: {len(tests)} tests by {accelerator}", flush=True)
        start = time.monotonic()
        reports.append(run_kernel(kernel, tests, options, accelerator))
        print(f"{kernel.name}: {time.monotonic() - start:.0f} s", flush=True)
    if not reports:
        print("there is no kernel to be had")
        return harness.SKIPPED
    for report in reports:
        report.show()
    return 1 if any(report.failed() for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
