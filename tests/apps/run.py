#!/usr/bin/python3
"""Run real applications natively and under k23, and compare.

Native is the oracle: a scenario (scenarios/NAME.sh) drives one application, prints what it saw and leaves files in
out/.  It runs once natively and once with every program under test started through k23, which has learned its calls in a
run before; both runs must agree on output, exit status and files, and must end in time with no process left.

Exit status: 0 all passed, 1 something failed, 77 nothing ran because a tool is missing, 2 wrong usage.
"""

import argparse
import collections
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import harness
from harness import SKIPPED

RUN_ARGS = "run --hook null --"
LEARN_ARGS = "learn --hook null --"
# What outlives a scenario gets this long to go by itself: servers reap their workers after the test has seen them go.
GRACE = 5.0

Result = collections.namedtuple("Result", "verdict reason native k23 figures version")


class Scenario:
    """scenarios/NAME.sh and the `# key: value` lines on its top: what, needs, quick, daemon, timeout, version. A daemon
    outlives the command that starts it, and `k23 learn` would wait for it."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.keys = {}
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                break
            found = re.match(r"# (what|needs|quick|daemon|timeout|version): +(.*)", line)
            if found:
                self.keys[found[1]] = found[2].strip()
        missing = {"what", "timeout"} - self.keys.keys()
        if missing:
            sys.exit(f"{path}: header lacks {', '.join(sorted(missing))}")
        self.what = self.keys["what"]
        self.quick = self.keys.get("quick") == "yes"
        self.daemon = self.keys.get("daemon") == "yes"
        self.timeout = float(self.keys["timeout"])

    def missing_tools(self):
        return [tool for tool in self.keys.get("needs", "").split() if not shutil.which(tool, path=search_path())]

    def version(self):
        command = self.keys.get("version")
        if not command:
            return ""
        done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=environment("/", ""), errors="replace", timeout=60)
        found = re.search(r"\d+(\.\d+)+[\w.]*", done.stdout)
        return found[0].rstrip(".") if found else ""


def search_path():
    return ":".join(["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
                     *sorted(map(str, pathlib.Path("/usr/lib/postgresql").glob("*/bin")))])


def environment(scratch, prefix, stores="/", check_guard=False):
    """The same small environment for every run: nothing of the caller's may make a difference."""
    return {
        "PATH": search_path(), "HOME": f"{scratch}/home", "TMPDIR": f"{scratch}/tmp", "SCRATCH": str(scratch),
        "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "SHELL": "/bin/bash", "USER": "k23", "LOGNAME": "k23",
        "APPS": str(HERE), "TOP": str(TOP), "K23": prefix, "STORES": str(stores), "K23_STORE": f"{stores}/own/store",
        "CHECK_GUARD": "1" if check_guard else "0",
    }


# Processes. The harness is the subreaper of everything it starts, so a daemon that was forgotten becomes its child
# and cannot hide.

def stat_fields(pid):
    """state and parent of a process, None if it is gone"""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent = text[text.rindex(")") + 2:].split()[:2]
    return state, int(parent)


def descendants():
    """living processes below this one, parents first"""
    children = collections.defaultdict(list)
    for entry in os.listdir("/proc"):
        fields = stat_fields(entry) if entry.isdigit() else None
        if fields:
            children[fields[1]].append((int(entry), fields[0]))
    found, todo = [], [os.getpid()]
    while todo:
        for pid, state in children.get(todo.pop(0), []):
            todo.append(pid)
            if state not in "ZX":
                found.append(pid)
    return found


def reap_orphans():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG | harness.WALL)[0] == 0:
                return
        except ChildProcessError:
            return


def kill_all(pids):
    """Kill these and whatever they start meanwhile; returns those that survive."""
    deadline = time.monotonic() + 10
    while pids and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
        reap_orphans()
        pids = descendants()
    return pids


def describe(pid):
    """one process in a few lines: who, and in which system call every thread of it is"""

    def read(name):
        try:
            return pathlib.Path(f"/proc/{pid}/{name}").read_text(errors="replace")
        except OSError:
            return ""

    command = read("cmdline").replace("\0", " ").strip()[:200]
    lines = [f"pid {pid} {read('comm').strip()}: {command}"]
    for field in re.findall(r"^(?:State|PPid|TracerPid|Seccomp|SigBlk|SigPnd|ShdPnd|SigCgt):.*", read("status"), re.M):
        lines.append("    " + field.replace("\t", " "))
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        threads = []
    for tid in threads:
        lines.append(f"    thread {tid} {read(f'task/{tid}/comm').strip()} wchan {read(f'task/{tid}/wchan').strip()}"
                     f" syscall {read(f'task/{tid}/syscall').strip()}")
    return "\n".join(lines)


def clear_processes(log):
    """After a scenario: give orphans time to end, then name and kill what is left."""
    deadline = time.monotonic() + GRACE
    while descendants() and time.monotonic() < deadline:
        reap_orphans()
        time.sleep(0.02)
    left = descendants()
    reap_orphans()
    if not left:
        return ""
    report = "\n".join(map(describe, left))
    with open(log, "a") as file:
        file.write("left behind:\n" + report + "\n")
    names = ", ".join(re.findall(r"^pid (\d+ [^:]*):", report, re.M))
    stuck = kill_all(left)
    return f"processes left behind: {names}" + (f" (cannot be killed: {stuck})" if stuck else "")


# One run of one scenario.

class Run:
    def __init__(self, scenario, scratch, prefix, kept, limit, check_guard=False):
        """Runs in scratch, the same path for all runs since programs print it; kept is where it goes afterwards."""
        self.kept = kept
        for folder in ("", "home", "tmp", "out"):
            (scratch / folder).mkdir()
        for folder in ("", "home", "tmp", "out"):
            (scratch / folder).chmod(0o1777 if folder == "tmp" else 0o755)
        log = scratch.parent / "processes.txt"
        output = scratch.parent / "output.txt"
        start = time.monotonic()
        with open(output, "wb") as out:
            child = subprocess.Popen(["bash", str(scenario.path)], cwd=scratch, env=environment(scratch, prefix, scratch.parent / "stores", check_guard),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                     start_new_session=True)
            self.timed_out = False
            try:
                self.status = child.wait(limit)
            except subprocess.TimeoutExpired:
                self.timed_out = True
                log.write_text(f"still there after {limit:g} s:\n" + "\n".join(map(describe, descendants())) + "\n")
                # SIGTERM first: the scenario's own cleanup knows how to stop its servers
                child.terminate()
                try:
                    child.wait(5)
                except subprocess.TimeoutExpired:
                    pass
                kill_all(descendants())
                self.status = child.wait()
        self.seconds = time.monotonic() - start
        self.left = "" if self.timed_out else clear_processes(log)
        self.output = output.read_text(errors="backslashreplace")
        self.files = harness.snapshot(scratch / "out")
        figures = scratch / "figures"
        lines = figures.read_text().splitlines() if figures.exists() else []
        self.figures = dict(line.split("\t", 1) for line in lines)
        scratch.rename(kept)
        output.rename(kept / "output.txt")
        if log.exists():
            log.rename(kept / "processes.txt")

    def problem(self):
        """why this run is bad whatever the other one did"""
        if self.timed_out:
            return "timed out"
        if self.left:
            return self.left
        return ""

    def last_line(self):
        lines = self.output.strip().splitlines()
        return lines[-1] if lines else "no output"


def difference(native, other, what):
    lines = harness.difference(native, other, context=1).splitlines()
    shown = lines[:30] + ([f"... {len(lines) - 30} more lines"] if len(lines) > 30 else [])
    return f"{what} differs" + "".join("\n    " + line[:200] for line in shown) if lines else ""


def run_scenario(scenario, root, prefix, options):
    missing = scenario.missing_tools()
    if missing:
        return Result("skip", "missing " + ", ".join(missing), 0, 0, {}, "")
    folder = root / scenario.name
    folder.mkdir(mode=0o755)
    version = scenario.version()

    def result(verdict, reason, native, k23=None):
        figures = {name: (value, k23.figures.get(name, "") if k23 else "") for name, value in native.figures.items()}
        return Result(verdict, reason, native.seconds, k23.seconds if k23 else 0, figures, version)

    for user in "own", "nobody":
        store = folder / "stores" / user
        store.mkdir(parents=True)
        if user == "nobody" and os.geteuid() == 0:
            shutil.chown(store, "nobody", "nogroup")
    scale = options.timeout_scale
    if options.table:
        # so that the native run is not the one that reads everything from disk
        Run(scenario, folder / "scratch", "", folder / "warm", scenario.timeout * scale)
    native = Run(scenario, folder / "scratch", "", folder / "native", scenario.timeout * scale)
    if native.problem():
        return result("FAIL", f"natively: {native.problem()}", native)
    if native.status == SKIPPED:
        return result("skip", native.last_line(), native)
    if native.status != 0:
        return result("FAIL", f"natively: {harness.describe_status(native.status)}: {native.last_line()}", native)

    if options.learn and options.wrapper is None:
        # Whatever comes of it: in the next run, what it met is patched.
        Run(scenario, folder / "scratch", learning_prefix(scenario, options, root), folder / "learned", scenario.timeout * scale)
    k23 = Run(scenario, folder / "scratch", prefix, folder / "k23", scenario.timeout * scale,
              check_guard=options.wrapper is None)
    reasons = [
        k23.problem(),
        "" if k23.status == 0 or k23.timed_out else harness.describe_status(k23.status),
        difference(native.output.splitlines(), k23.output.splitlines(), "output"),
        difference(native.files, k23.files, "files in out/"),
    ]
    failed = "; ".join(filter(None, reasons))
    return result("FAIL" if failed else "ok", failed, native, k23)


# The command line.

def prefix_for(options, root):
    """the words put before every program under test"""
    return options.wrapper if options.wrapper is not None else program_for(options, root) + " " + options.k23_args


def learning_prefix(scenario, options, root):
    return f"{program_for(options, root)} {RUN_ARGS if scenario.daemon else LEARN_ARGS}"


def program_for(options, root):
    program = pathlib.Path(options.k23).resolve()
    if not os.access(program, os.X_OK):
        sys.exit(f"run.py: {program} is missing: build it first, or name it with --k23")
    if not harness.reachable(program):
        # Some scenarios run as an unprivileged user, who must be able to run k23 and read its hooks, too.
        copy = root / "build"
        if copy.exists():
            return shlex.join([str(copy / "k23")])
        copy.mkdir(mode=0o755)
        harness.copy_k23(program, copy)
        if (program.parent / "hooks").is_dir():
            shutil.copytree(program.parent / "hooks", copy / "hooks", ignore=shutil.ignore_patterns("*.p"))
        subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
        program = copy / "k23"
    return shlex.join([str(program)])


def write_table(path, rows):
    """a markdown table for the documentation"""
    def cell(text):
        return text.replace("|", "\\|").replace("\n", " ")

    def figures(result):
        return "; ".join(f"{name} {a} → {b}" for name, (a, b) in result.figures.items())

    lines = ["| application | version | what is done | result | native s | k23 s | ratio | figures, native → k23 |",
             "|---|---|---|---|---:|---:|---:|---|"]
    for scenario, result in rows:
        first_line = result.reason.splitlines()[0] if result.reason else ""
        verdict = result.verdict if result.verdict == "ok" else f"{result.verdict}: {first_line}"
        ran = result.native and result.k23
        lines.append("| " + " | ".join([
            scenario.name, result.version or "-", cell(scenario.what), cell(verdict),
            f"{result.native:.1f}" if result.native else "-", f"{result.k23:.1f}" if result.k23 else "-",
            f"{result.k23 / result.native:.2f}" if ran else "-", cell(figures(result)) or "-"]) + " |")
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description="Run real applications natively and under k23, and compare.")
    parser.add_argument("--k23", default=str(TOP / "build" / "k23"), metavar="PATH", help="the k23 program to test")
    parser.add_argument("--k23-args", default=RUN_ARGS, metavar="ARGS", help="default: %(default)s")
    parser.add_argument("--no-learn", dest="learn", action="store_false", help="do not run each under k23 learn before")
    parser.add_argument("--wrapper", metavar="COMMAND", help="use COMMAND (e.g. env) in place of k23")
    parser.add_argument("--quick", action="store_true", help="only the quick scenarios")
    parser.add_argument("--only", metavar="NAME,...", help="only these scenarios")
    parser.add_argument("--list", action="store_true", help="list the scenarios and exit")
    parser.add_argument("--table", metavar="FILE", help="write a markdown table of the results")
    parser.add_argument("--keep", action="store_true", help="keep the scratch directory even if all passed")
    parser.add_argument("--timeout-scale", type=float, default=1.0, metavar="N", help="multiply all timeouts")
    parser.add_argument("--scenarios", default=str(HERE / "scenarios"), metavar="DIR", help="where the scenarios are")
    return parser.parse_args()


def choose(options):
    every = {path.stem: Scenario(path) for path in sorted(pathlib.Path(options.scenarios).glob("*.sh"))}
    if options.only:
        names = [name for name in options.only.split(",") if name]
        unknown = [name for name in names if name not in every]
        if unknown:
            print("run.py: no such scenario: " + ", ".join(unknown), file=sys.stderr)
            sys.exit(2)
        return [every[name] for name in names]
    return [scenario for scenario in every.values() if scenario.quick or not options.quick]


def main():
    options = parse_arguments()
    scenarios = choose(options)
    if options.list:
        for scenario in scenarios:
            print(f"{scenario.name:20}{'quick' if scenario.quick else '':7}{scenario.what}")
        return 0

    harness.settle()
    harness.become_subreaper()
    root = pathlib.Path(tempfile.mkdtemp(prefix="k23-apps-"))
    root.chmod(0o755)
    rows = []
    try:
        prefix = prefix_for(options, root)
        for scenario in scenarios:
            result = run_scenario(scenario, root, prefix, options)
            if result.verdict == "skip" and harness.must_work():
                result = result._replace(verdict="FAIL", reason="skipped, but K23_MUST_WORK=1: " + result.reason)
            times = f"native {result.native:.1f}s k23 {result.k23:.1f}s"
            print(f"ok {scenario.name} {times}" if result.verdict == "ok" else
                  f"{result.verdict} {scenario.name}: {result.reason}", flush=True)
            rows.append((scenario, result))
            if result.verdict != "FAIL" and not options.keep:
                shutil.rmtree(root / scenario.name, ignore_errors=True)
    except BrokenPipeError:
        # whoever read the results has gone; still clean up
        sys.stdout = open(os.devnull, "w")
    finally:
        kill_all(descendants())
        count = collections.Counter(result.verdict for _, result in rows)
        if options.keep or count["FAIL"]:
            print(f"kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    if options.table:
        write_table(options.table, rows)
    print(f"{count['ok']} passed, {count['FAIL']} failed, {count['skip']} skipped")
    if count["FAIL"]:
        return 1
    return SKIPPED if count["skip"] and not count["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
