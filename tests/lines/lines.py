#!/usr/bin/python3
"""The lines of `k23 trace` against those of `strace -f`: each program of cases.py is run once under either.

What differs from one run to the next is made the same on both sides: ids, addresses, times, random names. Of all lines
ENOUGH must be equal, none of strace's calls may be missing, and each other difference must be one of cases.REASONS.

By hand: lines.py --k23 build/k23 --programs build/tests/lines --show 20 [CASE...]
"""
import argparse
import collections
import concurrent.futures
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from cases import ALONE, CASES, MISSING, REASONS

ENOUGH = 98  # % of the lines
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

LINE = re.compile(r"^(?:(\d+) +)?(.*)$")
UNFINISHED = re.compile(r"^(.*?) ?<unfinished \.\.\.>$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
NAME = re.compile(r"^(?:i386:)?(\w+)\(")
TOLD = re.compile(r"^(?:clone3?|v?fork|getpid|set_tid_address)\(.* = (\d+)$")

FIELDS = (
    "tv_sec tv_nsec tv_usec st_[amc]time st_[amc]time_nsec st_ino stx_ino st_dev f_bfree f_bavail f_ffree ru_\\w+ "
    "loads freeram bufferram sharedram totalswap freeswap procs uptime freehigh tms_\\w+ si_[us]time shm_[adc]time "
    "msg_[src]time sem_[oc]time nl_pid nlmsg_seq nlmsg_pid [rt]x_\\w+ multicast r[0-9]+ r[a-ds][xip] rbp rip "
    "instruction_pointer stack_pointer xmm_space"
).split()
# What one run does not have like the next, and what is put there.
SAME = [(re.compile(pattern), put) for pattern, put in (
    (r"\) +=", ") ="),
    (r"0x[0-9a-f]{5,16}\b(?! /\* [A-Z?])", "0xADDRESS"),
    (r"\b(cc|sed|tn|tmp\.|tmp|sh-thd\.|/t|\.\d\.)[A-Za-z0-9]{6,10}\b", r"\1RANDOM"),
    (r"\b20\d\d-\d\d-\d\dT[0-9:.]+", "NOW"),
    (r"u64=\d{12,}", "u64=ADDRESS"),
    (r":\[\d+\]>", ":[INODE]>"),
    (r"(next_id=\d+ =>) \d+", r"\1 ID"),
    (r"(TIOCGPTN, )\[\d+\]", r"\1[N]"),
    (r"htons\([3-6]\d{4}\)", "htons(PORT)"),
    (r"(sin6?_port=)\"\\x[^\"]*\"", r"\1\"PORT\""),
    (r"^((?:shm|msg|sem)(?!get)\w+\()\d+", r"\1ID"),
    (r"^((?:shm|msg|sem)ctl\(.*_INFO, .*\) = )\d+", r"\1INDEX"),
    (r"^((?:shmget|msgget|semget|add_key|request_key|keyctl)\(.*\) = )\d+", r"\1ID"),
    (rf"\b({'|'.join(FIELDS)})=(\[[^]]*\]|\{{[^}}]*\}}|[^,}} ]+(?: /\* [^*]* \*/)?)", r"\1=*"),
)]
# Calls whose result is a matter of time or chance; that they are shown is what counts.
CHANCE = re.compile(r"^(times|gettimeofday|time|clock_gettime|getppid|getrandom|getcpu)\(.*\) = ")


class Trace:
    """The lines of each thread, in the order in which threads appear; calls only.

    Of one that is alone, strace does not tell the id."""

    def __init__(self, path, scratch):
        self.threads, self.scratch = collections.OrderedDict(), scratch
        pending = {}
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                pid, text = LINE.match(line.rstrip("\n")).groups()
                self.add(pending, pid or "alone", text)
        for pid, (at, begin) in pending.items():
            self.threads[pid][at] = begin + ") = ?"

    def add(self, pending, pid, text):
        lines = self.threads.setdefault(pid, [])
        if cut := UNFINISHED.match(text):
            pending[pid] = len(lines), cut[1]
            lines.append(cut[1])
        elif (rest := RESUMED.match(text)) and pid in pending:
            at, begin = pending.pop(pid)
            lines[at] = begin + rest[2].replace(" <unfinished ...>", "")
        else:
            lines.append(text)

    def normal(self, text, pids):
        text = text.replace(self.scratch, "SCRATCH")
        for pattern, put in SAME:
            text = pattern.sub(put, text)
        return re.sub(r"\b\d{2,7}\b", lambda match: "PID" if match[0] in pids else match[0], text)

    def pids(self):
        """The ids of threads, and those that the first thread is told: its own, and its children's."""
        told = {match[1] for line in next(iter(self.threads.values()), []) if (match := TOLD.match(line))}
        return {*self.threads, *told}

    def lines(self, pids):
        """pids: of both traces, since one's may be a number that the other has, too."""
        return [[self.normal(line, pids) for line in lines if NAME.match(line)] for lines in self.threads.values()]


def name_of(line):
    return NAME.match(line)[1]


def without(lines, counts):
    counts = counts.copy()
    kept = []
    for line in lines:
        counts[line] -= 1
        if counts[line] < 0:
            kept.append(line)
    return kept


class Result:
    def __init__(self):
        self.equal, self.different, self.missing, self.more = 0, [], [], []

    def add(self, other):
        self.equal += other.equal
        self.different += other.different
        self.missing += other.missing
        self.more += other.more

    def total(self):
        return self.equal + len(self.different) + len(self.missing)

    def share(self):
        return 100 * self.equal / max(1, self.total())

    def compare(self, strace, k23):
        """Lines that are equal belong together. One may be elsewhere, as a folder's entries have no order. Of those that
        are left, lines of the same call belong together."""
        some, others = [], []
        for what, a, b, c, d in difflib.SequenceMatcher(None, strace, k23, autojunk=False).get_opcodes():
            if what == "equal":
                self.equal += b - a
            else:
                some += strace[a:b]
                others += k23[c:d]
        elsewhere = collections.Counter(some) & collections.Counter(others)
        self.equal += elsewhere.total()
        self.compare_names(without(some, elsewhere), without(others, elsewhere))

    def compare_names(self, strace, k23):
        names = [list(map(name_of, lines)) for lines in (strace, k23)]
        for what, a, b, c, d in difflib.SequenceMatcher(None, *names, autojunk=False).get_opcodes():
            if what != "equal":
                self.missing += strace[a:b]
                self.more += k23[c:d]
                continue
            for wanted, got in zip(strace[a:b], k23[c:d]):
                if wanted == got or (CHANCE.match(wanted) and CHANCE.match(got)):
                    self.equal += 1
                else:
                    self.different.append((wanted, got))


def likeness(some, others):
    return difflib.SequenceMatcher(None, list(map(name_of, some)), list(map(name_of, others)), autojunk=False).ratio()


def pair_threads(strace, k23):
    """Threads appear in the same order, or nearly so."""
    left = list(k23)
    for lines in strace:
        best = left[0] if len(left) == 1 else max(left[:4], key=lambda other: likeness(lines, other), default=[])
        if best in left:
            left.remove(best)
        yield lines, best
    for lines in left:
        yield [], lines


def run(command, cwd):
    subprocess.run(command, cwd=cwd, env=harness.environment(cwd, PATH=PATH), stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)


def prepare(directory):
    """The files that the commands work on."""
    os.makedirs(directory)
    tree = os.path.join(directory, "tree")
    for name in ("a", "b/c", "empty"):
        os.makedirs(os.path.join(tree, name))
    for name in ("a/1", "a/2", "b/3", "b/c/4"):
        with open(os.path.join(tree, name), "w", encoding="ascii") as file:
            file.write(f"{name}\nand another line\n" * 20)
        os.utime(os.path.join(tree, name), (1000000000, 1000000000))
    os.symlink("a/1", os.path.join(tree, "link"))


def run_case(options, case):
    """None: there is no such program."""
    more, words = CASES[case] if isinstance(CASES[case], tuple) else ([], CASES[case])
    words = [word.replace("{bin}", options.programs) for word in words]
    words[0] = shutil.which(words[0], path=PATH)
    if not words[0]:
        return None
    scratch, traces = os.path.join(options.scratch, case), []
    tools = {
        "strace": ["strace"] if case in ALONE else ["strace", "-f"],
        "k23": [options.k23, "trace", "--store", f"{scratch}/store", "--no-learn", "--no-patch"],
    }
    for tool, command in tools.items():
        # The folder has the same name both times: it is in the lines.
        where = os.path.join(scratch, "here")
        prepare(where)
        log = os.path.join(scratch, f"{tool}.log")
        run([*command, *more, "-o", log, *words], where)
        traces.append(Trace(log, where))
        shutil.rmtree(where)
    pids = {pid for trace in traces for pid in trace.pids()}
    strace, k23 = (trace.lines(pids) for trace in traces)
    if case in ALONE:
        k23 = k23[:1]
    result = Result()
    for some, others in pair_threads(strace, k23):
        result.compare(some, others)
    return result


def unexplained(total):
    for wanted, got in total.different:
        if not any(re.search(pattern, wanted) or re.search(pattern, got) for pattern, _ in REASONS):
            yield f"-{wanted}\n+{got}"
    for line in total.missing:
        if not any(re.search(pattern, line) for pattern, _ in MISSING):
            yield f"-{line}"


def best_of(options, case, attempts=4):
    """Threads may come to a lock in another order each time: such a difference is not there in every attempt."""
    for _ in range(attempts):
        result = run_case(options, case)
        if not result or not any(unexplained(result)):
            break
        shutil.rmtree(os.path.join(options.scratch, case))
    return result


def show(total, most):
    names = collections.Counter(name_of(wanted) for wanted, _ in total.different)
    shown = collections.Counter()
    for wanted, got in total.different:
        name = name_of(wanted)
        shown[name] += 1
        if shown[name] <= 3 and name in dict(names.most_common(most)):
            print(f"-{wanted}\n+{got}")
    for what, lines in (("missing", total.missing), ("more", total.more)):
        print(what, collections.Counter(map(name_of, lines)).most_common(most))


def test(options):
    harness.need_program("strace")
    options.scratch = os.getcwd()
    total, absent = Result(), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        cases = options.case or list(CASES)
        for case, result in zip(cases, pool.map(lambda name: best_of(options, name), cases)):
            if result:
                total.add(result)
            else:
                absent.append(case)
    print(f"{len(cases) - len(absent)} programs, {total.total()} lines, {total.share():.2f} % equal")
    if absent:
        harness.need(not harness.must_work(), f"missing: {' '.join(absent)}")
        print("not there:", " ".join(absent))
    if options.show:
        show(total, options.show)
    wrong = list(unexplained(total))
    if wrong:
        raise harness.Failed(f"{len(wrong)} differences without a reason:\n" + "\n".join(wrong[:20]))
    if total.share() < ENOUGH:
        raise harness.Failed(f"{total.share():.2f} % of the lines are equal")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--programs", required=True, type=os.path.abspath, help="the built guests of this folder")
    parser.add_argument("--show", type=int, default=0, help="how many calls' differences to show")
    parser.add_argument("case", nargs="*", choices=[[], *CASES])
    options = parser.parse_args()
    harness.main(lambda: test(options))


main()
