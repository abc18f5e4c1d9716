#!/usr/bin/python3
"""Test of run.py itself: wrappers that alter something stand in for k23, and each alteration must be found."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

SCENARIO = """# what: prints, writes a file and ends
# needs: sh{needs}
# timeout: {timeout}
. "$APPS/lib.sh"
{body}
"""

# name: (body of the scenario, wrapper's script, verdict, what the message must say)
CASES = {
    "same": ("$K23 echo text", 'exec "$@"', "ok", ""),
    "output": ("$K23 echo text", 'echo more; exec "$@"', "FAIL", "output differs.*\\+more"),
    "stderr": ("$K23 echo text", 'echo warning >&2; exec "$@"', "FAIL", "output differs.*\\+warning"),
    "status": ("$K23 true", '"$@"; exit 5', "FAIL", "exit 5"),
    "signal": ('$K23 kill -KILL $$', '[ "$1" = kill ] && exec kill -TERM "$3"; exec "$@"', "FAIL",
               "natively: killed by SIGKILL"),
    "killed": ("$K23 sh -c 'echo text' || exit 0; echo end", 'kill -SEGV $$', "FAIL", "output differs"),
    "content": ("$K23 sh -c 'echo text >out/file'", '"$@"; echo more >>out/file', "FAIL", "files in out/ differs"),
    "mode": ("$K23 touch out/file", '"$@"; chmod 600 out/file', "FAIL", "files in out/ differs.*-rw-------"),
    "missing-file": ("$K23 touch out/file", "true", "FAIL", "files in out/ differs"),
    "timeout": ("$K23 sleep 0.1", "exec sleep 1234", "FAIL", "timed out"),
    "stubborn": ("$K23 true", "trap '' TERM; while :; do sleep 0.1; done", "FAIL", "timed out"),
    "left": ("$K23 true", "setsid sleep 1235 </dev/null >/dev/null 2>&1 & exec \"$@\"", "FAIL",
             "processes left behind: \\d+ sleep"),
    "daemon": ("$K23 true", "(setsid sh -c 'sleep 1236 & exit' &) ; exec \"$@\"", "FAIL", "processes left behind"),
    "native-left": ("sleep 1237 &", 'exec "$@"', "FAIL", "natively: processes left behind"),
    "server-dies": ("start log $K23 sleep 50; wait_for 20 file test -e log; stop $started TERM", "exit 125", "FAIL",
                    "had gone before it was stopped|server ended"),
    "native-fails": ("false", 'exec "$@"', "FAIL", "natively: exit 1"),
    "skipped": ("skip no hardware", 'exec "$@"', "skip", "no hardware"),
    "tool": ("true", 'exec "$@"', "skip", "missing nonexistent-tool"),
}


def run(arguments, **variables):
    env = {name: value for name, value in os.environ.items() if name != "K23_MUST_WORK"} | variables
    done = subprocess.run([sys.executable, str(HERE / "run.py"), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120, env=env)
    for kept in re.findall(r"^kept: (\S+)$", done.stdout, re.M):
        subprocess.run(["rm", "-rf", kept], check=True)
    return done.returncode, done.stdout


def sleepers():
    """what a case that was not cleaned up would leave: our sleeps with their odd arguments"""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep" and re.fullmatch(rb"123[4-7]", words[1]):
            found.append(folder.name)
    return found


def main():
    failed = 0

    def check(name, good, text):
        nonlocal failed
        failed += not good
        print(f"{'ok' if good else 'FAIL'} {name}" + ("" if good else "\n" + text))

    with tempfile.TemporaryDirectory(prefix="k23-selftest-") as folder:
        os.chmod(folder, 0o755)
        scenarios = pathlib.Path(folder, "scenarios")
        scenarios.mkdir()
        for name, (body, script, verdict, message) in CASES.items():
            needs = " nonexistent-tool" if name == "tool" else ""
            timeout = 1.5 if name in ("timeout", "stubborn") else 20
            (scenarios / f"{name}.sh").write_text(SCENARIO.format(body=body, needs=needs, timeout=timeout))
            wrapper = pathlib.Path(folder, f"wrapper-{name}")
            wrapper.write_text("#!/bin/sh\n" + script + "\n")
            wrapper.chmod(0o755)
            options = ["--scenarios", str(scenarios), "--only", name, "--wrapper", str(wrapper)]
            status, output = run(options)
            expected = {"ok": 0, "FAIL": 1, "skip": 77}[verdict]
            check(name, status == expected and output.startswith(f"{verdict} {name}")
                  and re.search(message, output, re.S), f"status {status}\n{output}")
            if verdict == "skip":
                status, output = run(options, K23_MUST_WORK="1")
                check(f"{name} must work", status == 1 and output.startswith(f"FAIL {name}: skipped"), output)

        # a "k23" that does not interpose
        (scenarios / "bare.sh").write_text(SCENARIO.format(
            needs="", timeout=20,
            body="start log $K23 sleep 1234; wait_for 20 sleep grep -q sleep /proc/$started/comm; stop $started TERM"))
        status, output = run(["--scenarios", str(scenarios), "--only", "bare", "--k23", "/usr/bin/env",
                              "--k23-args", ""])
        check("guard missing", status == 1 and "no guard: pid" in output, output)

        table = pathlib.Path(folder, "table.md")
        status, output = run(["--scenarios", str(scenarios), "--only", "same,tool", "--wrapper", "env",
                              "--table", str(table)])
        check("table", status == 0 and "1 passed, 0 failed, 1 skipped" in output
              and re.search(r"^\| same \| .*\| ok \|", table.read_text(), re.M), output)
        status, output = run(["--only", "no-such-name"])
        check("unknown name", status == 2, output)
        status, output = run(["--k23", "/nonexistent/k23", "--scenarios", str(scenarios), "--only", "same"])
        check("no k23", status == 1 and "build it first" in output, output)

    left = sleepers()
    check("nothing left running", not left, " ".join(left))
    left = [str(path) for path in pathlib.Path(tempfile.gettempdir()).glob("k23-selftest-*")]
    check("nothing left in the temporary directory", not left, " ".join(left))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
