#!/usr/bin/python3
"""Test of run.py itself: a small suite, and a program in the place of k23 that tells it in which mode it runs."""

import importlib
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, ".."), os.path.join(HERE, "suites")]

import harness
from harness import BROKEN, Failed, expect, need
from run import SUITES
from suite import WHOLE, Run

K23 = """#!/bin/sh
case "$*" in
analyze*) touch "${2#--store=}"; exit 0 ;;
*--eager*) MODE=eager ;;
*--hook*) MODE=null ;;
*) MODE=plain ;;
esac
export MODE
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""
COUNT = 'n=$(($(cat "$0.$MODE" 2>/dev/null) + 1)); echo $n >"$0.$MODE"; '
NO_CAPABILITY = 'exit $((0x$(sed -n "s/^CapBnd:.//p" /proc/self/status) >> {} & 1))'
# Tests, each the body of a script: in a mode, MODE is its name. What is said of a test, as a pattern; None: nothing.
TESTS = {
    "same": ("exit 0", None),
    "fails": ("exit 1", None),
    "skips": ("exit 77", None),
    "differs": ('test -z "$MODE"', "DIFFERENT LIBURING/differs, plain:\n +as a whole: pass -> fail, 3 of 3 runs\n"),
    "one-mode": ('test "$MODE" != null', "DIFFERENT LIBURING/one-mode, null:"),
    "better": ('test -n "$MODE"', "DIFFERENT LIBURING/better, eager:\n +as a whole: fail -> pass"),
    "crashes": ('test -z "$MODE" || kill -SEGV $$', "as a whole: pass -> SIGSEGV"),
    "sometimes": (COUNT + 'test -z "$MODE" || test $n != 1',
                  "DIFFERENT LIBURING/sometimes, null:\n.*: pass -> fail, 1 of 3 runs\n"),
    "flaky": (COUNT + 'test -n "$MODE" || exit $((n % 2))', "flaky LIBURING/flaky: as a whole\n"),
    # Natively it is the third run that shows it, which a difference calls for.
    "rarely": (COUNT + 'test -z "$MODE" && test $n != 3', "flaky LIBURING/rarely: as a whole\n"),
    "hangs": ("sleep 1234", "left out LIBURING/hangs: does not end natively\n"),
    "hangs-here": ('test "$MODE" != eager || sleep 1235',
                   "DIFFERENT LIBURING/hangs-here, eager:\n.*: pass -> timeout, 2 of 2 runs\n"),
    "leaves": ("setsid sleep 1236 & exit 0", None),
    "writes": ("touch file && ! test -e file.before && touch file.before", None),
    "clock": (NO_CAPABILITY.format(25), None),
    "reboot": (NO_CAPABILITY.format(22), None),
    "settings": ("! test -w /proc/sys/vm/overcommit_memory || ! echo 0 >/proc/sys/vm/overcommit_memory", None),
    "first": ("test $(ls -d /proc/[0-9]* | wc -l) -lt 9", None),
    "known": ('test -z "$MODE"', None),
    "known-in-part": ('test -z "$MODE"', "DIFFERENT LIBURING/known-in-part, plain:"),
}
EXPLAINED = """
# A comment, and an empty line.

LIBURING/known *            pass->fail  What is known of it.
LIBURING/known-in-part null  pass->fail  What is known of one mode.
LIBURING/fail*  *           pass->fail  It is as natively now.
LIBURING/absent *           pass->fail  A test that was not run.
LTP/*           *           pass->fail  A suite that was not run.
"""
# What the suites print, and how that is read: suite, exit status, output, verdicts
READ = [
    ("LINUX", 1, "TAP version 13\n1..4\nok 1 a.b\nnot ok 2 - c at 0x7f00 # XFAIL\nok 3 d # SKIP no\n# ok 9\nok 4 a.b\n",
     {"a.b": "pass", "c_at_0x": "fail", "d": "skip", "a.b#2": "pass", WHOLE: "fail"}),
    ("LINUX", 4, "[OK]\tone\n[OK]\ttwo\n[FAIL]\tthree\n",
     {"OK": "seen", "OK#2": "seen", "FAIL": "seen", WHOLE: "skip"}),
    ("LTP", 5, "a.c:12: TPASS: good\na.c:13: TFAIL: bad\na.c:12: TBROK: late\nb 1 TCONF : old\n",
     {"a.c:12": "TBROK+TPASS", "a.c:13": "TFAIL", "b_1": "TCONF", WHOLE: "fail"}),
    ("LTP", 32, "", {WHOLE: "skip"}),
    ("OPEN_POSIX", 2, "", {WHOLE: "unresolved"}),
    ("OPEN_POSIX", 0, "", {WHOLE: "pass"}),
    ("RR", 3, "EXIT-SUCCESS\n", {WHOLE: "pass", "status": "3"}),
    ("RR", -11, "", {WHOLE: "fail", "status": "SIGSEGV"}),
    ("RR", None, "EXIT-SUCCESS\n", {WHOLE: "timeout", "status": "timeout"}),
    ("LIBURING", 77, "", {WHOLE: "skip"}),
    ("LIBURING", 139, "", {WHOLE: "SIGSEGV"}),
    ("ZDTM", 0, "PASS\n", {WHOLE: "pass"}),
    ("PYTHON", 2, "test_a (test.test_x.C.test_a) ... ok\ntest_b (test.test_x.C.test_b)\nWhat it does. ... FAIL\n"
     "test_c (test.test_x.D) ... skipped 'no'\ntest_d (test.test_x.D) ...  server: new\nok then\n ended\nok\n"
     "test_e (test.test_x.D) ... killed\n\n=====\nERROR: test_a (test.test_x.C.test_a)\n",
     {"test.test_x.C.test_a": "pass", "test.test_x.C.test_b": "fail", "test.test_x.D.test_c": "skip",
      "test.test_x.D.test_d": "pass", WHOLE: "fail"}),
    ("GO", 1, 'go: noise\n{"Action":"run","Test":"T"}\n{"Action":"pass","Test":"T/a at 0xc00"}\n{"Action":"fail"}\n',
     {"T/a_at_0x": "pass", WHOLE: "fail"}),
    ("STRESS_NG", 4, "", {WHOLE: "skip"}),
]


def run(*arguments):
    return harness.run(sys.executable, os.path.join(HERE, "run.py"), "--k23", os.path.abspath("k23"), "--results",
                       os.path.abspath("results"), "--explained", os.path.abspath("explained.txt"), *arguments)


def make(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)


def read_outputs():
    for name, status, output, wanted in READ:
        suite = getattr(importlib.import_module(name.lower()), SUITES[name])("/", "/")
        expect(f"{name}, {output!r}", suite.verdicts(Run(status, output)), wanted)
    expect("suites without an output to read", SUITES.keys() - {row[0] for row in READ}, set())


def run_all():
    done = run("--limit", "3", "--slower", "1", "--jobs", "4", "LIBURING=suite")
    said = done.stdout + done.stderr
    for name, (_, wanted) in TESTS.items():
        if wanted and not re.search(wanted, said):
            raise Failed(f"{name}: nothing is said like {wanted!r}:\n{said}")
        if not wanted and re.search(rf"LIBURING/{name}[,:]", said):
            raise Failed(f"{name}: should not be spoken of:\n{said}")
    if "known-in-part, null" in said:
        raise Failed(f"what is known in one mode is not left out:\n{said}")
    expect("explanations that are not needed", re.findall(r"^no longer needed.*: (.*)", said, re.M),
           ["LIBURING/fail* * pass->fail"])
    expect("suites left out", len(re.findall(r"^left out \w+: no ", said, re.M)), len(SUITES) - 1)
    # Tests, passed natively, verdicts, flaky, left out; the same in plain, null and eager; with a difference.
    row = re.search(r"^\| LIBURING \| 1\.2 \| (.*) \|$", said, re.M)
    expect("the table", row and row[1], "19 | 15 | 19 | 2 | 1 | 13 | 12 | 12 | 7")
    expect("status", done.returncode, 1)
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and sleeps(pid)]
    expect("processes left", left, [])


def sleeps(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return re.match(rb"sleep\0123[456]", file.read())
    except OSError:
        return None


def go_on():
    """Only what was different is run again; and what is chosen."""
    make("suite/test/differs.t", "#!/bin/sh\nexit 0\n")
    make("suite/test/same.t", "#!/bin/sh\nexit 1\n")
    done = run("--limit", "3", "--slower", "1", "--jobs", "4", "--resume", "LIBURING=suite")
    row = re.search(r"^\| LIBURING \| 1\.2 \| (.*) \|$", done.stdout, re.M)
    expect("the table, gone on", row and row[1], "19 | 15 | 19 | 2 | 1 | 15 | 14 | 14 | 5")
    done = run("--only", "LIBURING/d*,LIBURING/kn*n", "--modes", "null", "LIBURING=suite")
    expect("status of what is chosen", done.returncode, 0)
    expect("what is chosen", "| LIBURING | 1.2 | 2 | 2 | 2 | 0 | 0 | 1 | 0 |" in done.stdout, True)
    expect("no suite", run().returncode, 77)
    expect("a suite that is none", run("NONE=suite").returncode, 2)
    expect("a folder that is none", run("LTP=none").returncode, 2)


def test():
    read_outputs()
    os.makedirs("suite/test")
    make("suite/liburing.spec", "Version: 1.2\n")
    for name, (body, _) in TESTS.items():
        make(f"suite/test/{name}.t", f"#!/bin/sh\n{body}\n")
    make("k23", K23)
    make("explained.txt", EXPLAINED)
    tried = run("--only", "LIBURING/same", "LIBURING=suite")
    need(tried.returncode != BROKEN, tried.stdout.strip())
    run_all()
    go_on()


harness.main(test)
