#!/usr/bin/python3
"""Run test suites that others wrote, and the user has built, natively and under k23, and compare verdict by verdict.

usage: run.py --k23 K23 --results FOLDER [--only PATTERN,...] [--modes MODE,...] SUITE=FOLDER...

Native is the oracle. A test runs twice natively and once in each mode. A verdict that is not the same natively each
time is flaky, and left out. One that is another in a mode makes the test run there twice more, and natively three
times more; then it is a difference, which is either explained (explained.txt) or not.

Each run has namespaces of its own, in which nothing survives it, and lacks the capabilities with which a test could do
harm to the machine. The results are kept: with --resume only those tests run that had differences, or have not run.
Exit status: 0 no difference without an explanation, 1 there are some, 2 wrong usage, 77 no suite was given, 99 broken.
"""

import argparse
import collections
import concurrent.futures
import fnmatch
import importlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, ".."), os.path.join(HERE, "suites")]

import harness
from harness import SKIPPED, Broken
from suite import WHOLE, Run, linked_with

# Each is a class of the same name in a file of the same name in suites/.
SUITES = {
    "LINUX": "Linux", "LTP": "Ltp", "OPEN_POSIX": "OpenPosix", "RR": "Rr", "LIBURING": "Liburing", "ZDTM": "Zdtm",
    "PYTHON": "Python", "GO": "Go", "STRESS_NG": "StressNg",
}
GUARD = ["run", "--no-patch", "--no-learn"]
MODES = {
    "plain": GUARD,
    "null": [*GUARD, "--hook", "null"],
    "eager": ["run", "--store={store}", "--no-learn", "--eager", "--hook", "null"],
}
NATIVE = "native"
FIRST, MORE = 2, 3  # how often a test runs natively, and how often again where a mode differs
IN_MODE = 3  # how often it runs in a mode that differs
OUTPUT = 4 << 20  # bytes of output that count

# The clock, reboot, modules, accounting and the kernel's log are the whole machine's.
CAPABILITIES = "-sys_time,-sys_boot,-sys_module,-sys_pacct,-syslog,-wake_alarm"
NAMESPACES = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child", "--mount-proc"]
# Runs as the first process of the namespaces, with which all others end. What a test writes goes to memory.
INSIDE = f"""
set -e
mount -t tmpfs -o size=1g,mode=1777 k23-peers "$1"
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /sys
ip link set lo up
cd "$2"
shift 2
set +e
setpriv --bounding-set={CAPABILITIES} -- "$@"
exit $?
"""

Difference = collections.namedtuple("Difference", "test part mode native got times runs")
Explanation = collections.namedtuple("Explanation", "pattern mode change reason")


class Peers:
    """Runs tests, and keeps what came of them."""

    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.home = os.path.join(scratch, "home")
        os.mkdir(self.home)
        tried = harness.run(*self.surrounded("true"))
        if tried.returncode != 0:
            raise Broken(f"no namespaces: {tried.stderr.strip()}")

    def surrounded(self, *command, cwd=None):
        """The words that start a command where it can do no harm."""
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return [*NAMESPACES, *user, "sh", "-c", INSIDE, "sh", self.home, cwd or self.home, *command]

    def run_once(self, suite, test, prefix, limit, kept):
        """One run; what it printed stays in the file kept."""
        env = {**harness.environment(self.home), "USER": "root", **test.env}
        command = self.surrounded(*suite.command(test, prefix), cwd=test.cwd)
        with open(kept, "wb") as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                     env=env, cwd="/", start_new_session=True)
            try:
                status = child.wait(limit)
            except subprocess.TimeoutExpired:
                # The namespace's first process is killed with this one, and all others with it.
                child.kill()
                child.wait()
                status = None
        with open(kept, "rb") as output:
            return suite.verdicts(Run(status, output.read(OUTPUT).decode(errors="replace")))

    def store(self, test, name):
        """A store of the plans for what a test runs."""
        files = {path: None for program in (test.command[0], *test.programs) for path in linked_with(program)}
        path = os.path.join(self.scratch, "stores", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        for old in (path, path + ".lock"):
            if os.path.exists(old):
                os.unlink(old)
        made = harness.run(self.options.k23, "analyze", f"--store={path}", *files)
        if made.returncode != 0:
            raise Broken(f"k23 analyze: {made.stderr}")
        return path

    def prefix(self, mode, store):
        return [self.options.k23, *(word.format(store=store) for word in MODES[mode]), "--"]

    def run_test(self, suite_name, suite, name, test):
        """All runs of one test, as verdicts by part, in lists by mode."""
        runs = {NATIVE: []}
        logs = os.path.join(self.options.results, "logs", suite_name, name.replace("/", "_"))
        os.makedirs(os.path.dirname(logs), exist_ok=True)

        def natively(times):
            for _ in range(times):
                runs[NATIVE].append(self.run_once(suite, test, [], limit, f"{logs}.{NATIVE}"))

        limit = self.options.limit or suite.limit
        natively(1)
        if runs[NATIVE][0][WHOLE] == "timeout":
            return runs
        natively(FIRST - 1)
        store = self.store(test, f"{suite_name}/{name.replace('/', '_')}") if "eager" in self.options.modes else None
        for mode in self.options.modes:
            prefix = self.prefix(mode, store)
            log = f"{logs}.{mode}"
            runs[mode] = [self.run_once(suite, test, prefix, self.options.slower * limit, log)]
            if not any(difference.mode == mode for difference in differences(name, runs)):
                os.unlink(log)
                continue
            for _ in range(1, IN_MODE):
                again = self.run_once(suite, test, prefix, self.options.slower * limit, log + ".again")
                runs[mode].append(again)
                if again[WHOLE] == "timeout":
                    break
            if len(runs[NATIVE]) == FIRST:
                natively(MORE)
        if store:
            os.unlink(store)
        return runs


def parts(runs):
    """The name of each part that any run had a verdict on."""
    return dict.fromkeys(part for lists in runs.values() for verdicts in lists for part in verdicts)


def flaky(runs):
    """The parts that are not natively the same each time."""
    return [part for part in parts(runs) if len({verdicts.get(part, "absent") for verdicts in runs[NATIVE]}) > 1]


def differences(name, runs):
    """Parts with another verdict in a mode. Where a test as a whole is another one, its parts say no more."""
    found = []
    moving = flaky(runs)
    for mode in [mode for mode in runs if mode != NATIVE]:
        for part in sorted(parts(runs)):
            if part in moving:
                continue
            native = runs[NATIVE][0].get(part, "absent")
            got = [verdicts.get(part, "absent") for verdicts in runs[mode]]
            others = [verdict for verdict in got if verdict != native]
            if others:
                found.append(Difference(name, part, mode, native, others[0], len(others), len(got)))
                if part == WHOLE and others[0] not in ("pass", "fail"):
                    break
    return found


# What is known.

def read_explained(path):
    """Lines of: test (a pattern), mode (a pattern), native verdict->verdict (a pattern), reason."""
    found = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split(None, 3)
            if not words or words[0].startswith("#"):
                continue
            if len(words) < 4 or "->" not in words[2]:
                sys.exit(f"{path}:{number}: not a test, a mode, what changes and a reason")
            found.append(Explanation(*words))
    return found


def full_name(suite, difference):
    return f"{suite}/{difference.test}" + (f":{difference.part}" if difference.part else "")


def explains(entry, suite, difference):
    return (fnmatch.fnmatchcase(full_name(suite, difference), entry.pattern)
            and fnmatch.fnmatchcase(difference.mode, entry.mode)
            and fnmatch.fnmatchcase(f"{difference.native}->{difference.got}", entry.change))


def stale(explained, used, results):
    """Entries whose tests were run in their modes, and did not need them."""
    ran = {(f"{suite}/{name}", mode) for suite, tests in results.items() for name, runs in tests.items()
           for mode in runs if mode != NATIVE}
    for entry in explained:
        test = entry.pattern.split(":")[0]
        if entry not in used and any(fnmatch.fnmatchcase(name, test) and fnmatch.fnmatchcase(mode, entry.mode)
                                     for name, mode in ran):
            yield entry


# Results that stay.

class Results:
    """A file for each suite: a line that says with what it was made, and one for each test that was run."""

    def __init__(self, path, stamp, resume):
        self.path, self.tests = path, {}
        if resume and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            if lines and lines[0] == stamp:
                self.tests = {line["test"]: line["runs"] for line in lines[1:]}
        self.tests = {name: runs for name, runs in self.tests.items() if not differences(name, runs)}
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(stamp) + "\n")
        for name, runs in self.tests.items():
            self.write(name, runs)

    def write(self, name, runs):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"test": name, "runs": runs}) + "\n")

    def add(self, name, runs):
        self.tests[name] = runs
        self.write(name, runs)


# What is said.

def repeat(options, suite, name, mode):
    folder = shlex.quote(f"{suite}={options.suites[suite]}")
    return f"make check-peers {folder} ONLY={shlex.quote(f'{suite}/{name}')} MODES={mode}"


def report_test(options, explained, suite, name, runs):
    """Tells what is odd about one test; returns the explanations that it needs, and how many differences have none."""
    used, unexplained = set(), []
    if len(runs) == 1:
        print(f"left out {suite}/{name}: does not end natively")
    moving = flaky(runs)
    if moving:
        shown = ", ".join(part or "as a whole" for part in moving[:4])
        print(f"flaky {suite}/{name}: {shown}" + (f" and {len(moving) - 4} more" if len(moving) > 4 else ""))
    for difference in differences(name, runs):
        entries = [entry for entry in explained if explains(entry, suite, difference)]
        used.update(entries)
        if not entries:
            unexplained.append(difference)
    for mode in dict.fromkeys(difference.mode for difference in unexplained):
        print(f"DIFFERENT {suite}/{name}, {mode}:")
        mine = [difference for difference in unexplained if difference.mode == mode]
        for _, part, _, native, got, times, total in mine[:8]:
            print(f"    {part or 'as a whole'}: {native} -> {got}, {times} of {total} runs")
        if len(mine) > 8:
            print(f"    and {len(mine) - 8} more")
        print(f"    {repeat(options, suite, name, mode)}")
    sys.stdout.flush()
    return used, unexplained


def table(versions, results, unexplained):
    """A row for each suite: how many tests natively, and in each mode how many of those say the same."""
    modes = [mode for mode in MODES if any(mode in runs for tests in results.values() for runs in tests.values())]
    rows = [["suite", "version", "tests", "passed natively", "verdicts", "flaky", "left out", *modes, "unexplained"]]
    for suite, tests in results.items():
        compared = {name: runs for name, runs in tests.items() if len(runs) > 1}
        same = [sum(not any(difference.mode == mode for difference in differences(name, runs))
                    for name, runs in compared.items() if mode in runs) for mode in modes]
        passed = sum(runs[NATIVE][0][WHOLE] == "pass" for runs in compared.values())
        verdicts = sum(len(runs[NATIVE][0]) for runs in compared.values())
        moving = sum(bool(flaky(runs)) for runs in compared.values())
        rows.append([suite, versions[suite], len(compared), passed, verdicts, moving, len(tests) - len(compared), *same,
                     len({difference.test for difference in unexplained[suite]})])
    rows.insert(1, ["---"] * 2 + ["---:"] * (len(rows[0]) - 2))
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


# The command line.

def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--results", required=True, type=os.path.abspath, help="the folder for results and outputs")
    parser.add_argument("--only", metavar="PATTERN,...", help="only these tests, such as LTP/mmap*")
    parser.add_argument("--modes", default=",".join(MODES), help="default: %(default)s")
    parser.add_argument("--limit", type=float, help="seconds that a test may take natively; each suite has its own")
    parser.add_argument("--slower", type=float, default=4, help="a mode may take so many times as long")
    parser.add_argument("--jobs", type=int, default=1, help="tests at once")
    parser.add_argument("--resume", action="store_true", help="run only what is left, and what was different")
    parser.add_argument("--explained", default=os.path.join(HERE, "explained.txt"), help="the known differences")
    parser.add_argument("--list", action="store_true", help="list the tests, and run none")
    parser.add_argument("suites", nargs="*", metavar="SUITE=FOLDER", help="among " + ", ".join(SUITES))
    options = parser.parse_args()
    options.modes = options.modes.split(",")
    options.suites = dict(word.partition("=")[::2] for word in options.suites)
    for names, known in ((options.modes, MODES), (options.suites, SUITES)):
        unknown = [name for name in names if name not in known]
        if unknown:
            parser.error(f"{', '.join(unknown)}: not among {', '.join(known)}")
    for name, folder in options.suites.items():
        if not os.path.isdir(folder):
            parser.error(f"{name}: there is no folder {folder}")
    return options


def chosen(options, suite_name, tests):
    patterns = options.only.split(",") if options.only else ["*"]
    return {name: test for name, test in tests.items()
            if any(fnmatch.fnmatchcase(f"{suite_name}/{name}", pattern) for pattern in patterns)}


def run_suites(options, scratch):
    explained = read_explained(options.explained)
    peers = Peers(options, scratch)
    used, versions, results, unexplained = set(), {}, {}, {}
    for suite_name in SUITES:
        if suite_name not in options.suites:
            print(f"left out {suite_name}: no {suite_name}=FOLDER")
            continue
        module = importlib.import_module(suite_name.lower())
        suite = getattr(module, SUITES[suite_name])(options.suites[suite_name], options.results)
        try:
            tests = chosen(options, suite_name, suite.tests())
        except OSError as why:
            raise Broken(f"{suite_name}={suite.folder} is not the folder of that suite, built: {why}") from why
        versions[suite_name] = suite.version()
        if options.list:
            print("\n".join(f"{suite_name}/{name}" for name in tests))
            continue
        kept = Results(os.path.join(options.results, suite_name + ".json"),
                       {"modes": options.modes, "folder": suite.folder}, options.resume)
        results[suite_name], unexplained[suite_name] = {}, []
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            waiting = {name: pool.submit(peers.run_test, suite_name, suite, name, test) for name, test in tests.items()
                       if name not in kept.tests}
            try:
                for name in tests:
                    if name in waiting:
                        kept.add(name, waiting[name].result())
                    runs = results[suite_name][name] = kept.tests[name]
                    entries, without = report_test(options, explained, suite_name, name, runs)
                    used |= entries
                    unexplained[suite_name] += without
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    if options.list:
        return 0
    for entry in stale(explained, used, results):
        print(f"no longer needed in {os.path.basename(options.explained)}: {entry.pattern} {entry.mode} {entry.change}")
    print("\n" + table(versions, results, unexplained) if results else "no suite was given")
    if not results:
        return SKIPPED
    count = sum(len({difference.test for difference in found}) for found in unexplained.values())
    print(f"\n{count} tests with unexplained differences; outputs are in {options.results}/logs")
    return 1 if count else 0


def main():
    options = parse_arguments()
    for name in (*NAMESPACES[:1], "setpriv", "ip"):
        if not shutil.which(name):
            sys.exit(f"run.py: there is no {name}")
    os.makedirs(options.results, exist_ok=True)
    harness.settle()
    # An end by a signal is one in which the running tests are killed, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    harness.become_subreaper()
    with harness.scratch() as scratch:
        try:
            return harness.status_of(lambda: run_suites(options, scratch))
        finally:
            harness.kill_children()


if __name__ == "__main__":
    sys.exit(main())
