#!/usr/bin/python3
"""Run gdb and strace inside `k23 run`, on programs that are then under k23, too: they say what they say natively."""

import argparse
import collections
import os
import re
import subprocess

import harness

GDB = ["gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set pagination off",
       "-ex", "set confirm off"]


def gdb(program, *commands):
    words = list(GDB)
    for command in commands:
        words += ["-ex", command]
    return [*words, "--args", *program]


def strace(program, *options):
    return ["strace", *options, "-o", "strace.log", *program]


# name: the command, given the guest's path, and whether its log's lines may come in another order
CASES = {
    "gdb-run": lambda guest: (gdb(
        [guest, "exec_from"], "break some_function", "run", "bt 1", "print argument", "finish",
        "info registers rsp rip cs", "next", "delete", "print some_function(20)", "call (int)getppid() > 0", "continue",
        "print $_exitcode"), False),
    "gdb-watch": lambda guest: (gdb(
        [guest, "exec_from"], "break main", "run", "watch some_variable", "continue", "continue", "continue"), False),
    "gdb-catch": lambda guest: (gdb(
        [guest, "exec_from"], "catch syscall getppid", "catch exec", "run", "continue", "print $rax > 0",
        "print $_siginfo.si_signo", "continue", "continue", "print $orig_rax", "delete", "continue"), False),
    "gdb-step": lambda guest: (gdb(
        [guest, "exec_from"], "break some_function", "run", *["stepi", "x/i $pc", "info registers rax rcx eflags"] * 16,
        "kill"), False),
    "gdb-fork": lambda guest: (gdb(
        [guest, "forks"], "set follow-fork-mode child", "set detach-on-fork on", "break some_function", "run", "bt 1",
        "continue"), False),
    "strace": lambda guest: (strace([guest, "exec_from"]), False),
    "strace-follow": lambda guest: (strace([guest, "forks"], "-f"), True),
    # Two children that end together make one SIGCHLD or two.
    "strace-shell": lambda guest: (strace(
        ["/bin/sh", "-c", "/bin/true; /bin/echo a | /bin/cat; exec /bin/echo b"], "-f", "-e", "signal=!SIGCHLD",
        "-e", "trace=!rt_sigreturn"), True),
    "strace-signals": lambda guest: (strace([guest, "signals"]), False),
    "strace-inject": lambda guest: (strace([guest, "exec_from"], "-e", "inject=getppid:retval=77"), False),
    "strace-seccomp": lambda guest: (strace(
        [guest, "forks"], "-f", "--seccomp-bpf", "-e", "trace=execve,getppid"), True),
    "strace-summary": lambda guest: (strace([guest, "exec_from"], "-f", "-c", "-U", "name,calls,errors", "-S", "name"),
                                     False),
}

# What is another one in every run: process ids, addresses, random numbers and times.
VARIES = [
    (re.compile(rb"^[0-9]+ +(?=[a-z_0-9]+\(|[<+-])", re.M), b""),
    (re.compile(rb"0x[0-9a-f]+"), b"ADDRESS"),
    (re.compile(rb'getrandom\(".*?"'), b"getrandom(RANDOM"),
    (re.compile(rb"si_[us]time=[0-9]+( /\*.*?\*/)?"), b"TIME"),
    (re.compile(rb"\b[0-9]{3,}\b"), b"NUMBER"),
    (re.compile(rb"process [0-9]+"), b"PROCESS"),
]


def normal(text):
    for pattern, word in VARIES:
        text = pattern.sub(word, text)
    return text.decode("utf-8", "replace").splitlines()


def whole_calls(lines):
    """Each call in one piece, in any order: who is first depends on the scheduler."""
    names = collections.Counter()
    for line in lines:
        found = re.match(r"(?:<\.\.\. )?(\w+)(\(| resumed)", line)
        if found and "<unfinished" not in line:
            names[found[1]] += 1
        elif line.startswith(("---", "+++")):
            names[line] += 1
    return [f"{count} {name}" for name, count in sorted(names.items())]


def run(command, unordered):
    with harness.scratch() as base:
        with open(os.path.join(base, "output"), "wb") as output:
            env = harness.environment(base, K23_STORE=os.path.join(base, "store"))
            done = harness.run(*command, cwd=base, env=env, timeout=60, stdout=output, stderr=subprocess.STDOUT)
        lines = [f"exit {done.returncode}"]
        for name in ("output", "strace.log"):
            path = os.path.join(base, name)
            if os.path.exists(path):
                with open(path, "rb") as f:
                    text = normal(f.read())
                lines += whole_calls(text) if unordered and name == "strace.log" else text
        return lines


def compare(options):
    command, unordered = CASES[options.case](options.guest)
    harness.need_program(command[0])
    native = run(command, unordered)
    got = run([options.k23, "run", "--hook", "null", "--", *command], unordered)
    if got != native:
        raise harness.Failed(harness.difference(native, got))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("guest", type=os.path.abspath, help="tests/programs/traced.c, built")
    options = parser.parse_args()
    harness.main(lambda: compare(options))


if __name__ == "__main__":
    main()
