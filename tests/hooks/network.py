#!/usr/bin/python3
"""The example network, built as its README says: programs' TCP natively and in a run of its own. usage: network.py K23 CASE"""
import contextlib
import os
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Skipped, expect, run

SOURCE = os.path.join(HERE, "../../examples/network/network.c")
PROGRAM = os.path.join(HERE, "network_program.py")


def build(k23, name, *words):
    result = run(k23, "cc", "-Werror", *words, SOURCE, "-o", name)
    expect(f"k23 cc {words}", (result.returncode, result.stderr), (0, ""))
    return os.path.abspath(name)


def compare(k23, *steps):
    for program in "curl", "python3":
        harness.need_program(program)
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        raise Skipped("no IPv6") from None
    words = sys.executable, PROGRAM, *steps
    natively = run(*words)
    expect("natively", (natively.returncode, natively.stderr), (0, ""))
    plain, hosted = build(k23, "network.so"), build(k23, "network", "--hosted")
    run(k23, "learn", "--store", "store", "--", *words)
    for hooks in [plain], ["null", hosted, "twice"]:
        chosen = [word for name in hooks for word in ("--hook", name)]
        for way in ["--no-patch"], ["--store", "store", "--no-learn"], ["--store", "store", "--no-learn", "--eager"]:
            result = run(k23, "run", *way, *chosen, "--", *words)
            expect(f"{hooks} {way}", (result.returncode, result.stderr), (0, ""))
            expect(f"{hooks} {way}", result.stdout, natively.stdout)


def case_calls(k23):
    compare(k23, "names", "mixed", "mistakes", "waits", "killed", "programs")


def case_clients(k23):
    compare(k23, "loops", "threads", "processes")


MANY = """
import socket
server = socket.create_server(("127.0.0.1", 0))
for _ in range(70000):
    socket.socket().close()
client = socket.create_connection(server.getsockname())
connection, whom = server.accept()
print(whom == client.getsockname(), connection.getsockname() == client.getpeername() == server.getsockname())
"""


def case_many(k23):
    """More sockets than are known at once, one behind the other: one that lives is not forgotten."""
    hook = build(k23, "network.so")
    result = run(k23, "run", "--hook", hook, "--", sys.executable, "-S", "-c", MANY)
    expect("many", (result.returncode, result.stdout, result.stderr), (0, "True True\n", ""))


APART = """
import errno, os, socket, sys
if os.getuid() == 0:
    os.setgroups([])
    os.setresuid(65534, 65534, 65534)
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])))
except ConnectionRefusedError:
    print("refused")
server = socket.create_server(("127.0.0.1", 80))
print(socket.create_connection(("127.0.0.1", 80)).getpeername())
print("ready", flush=True)
sys.stdin.read()
"""


def case_apart(k23):
    """Neither does a run see others' sockets, nor they its own, and each port is free, also for nobody."""
    hook = build(k23, "network.so")
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = k23, "run", "--hook", hook, "--", sys.executable, "-S", "-c", APART, str(server.getsockname()[1])
        with contextlib.ExitStack() as all_of_them:
            for _ in range(2):
                one = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                all_of_them.enter_context(one)
                text = [one.stdout.readline() for _ in range(3)]
                expect("apart", text, ["refused\n", "('127.0.0.1', 80)\n", "ready\n"])


def main():
    k23 = os.path.abspath(sys.argv[1])
    harness.main(lambda: harness.run_case(globals(), sys.argv[2], k23))


main()
