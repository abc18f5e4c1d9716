#!/usr/bin/python3
"""The hook connect: where connections and datagrams arrive, and what the program is told. usage: connect.py K23 PROGRAM CASE"""
import contextlib
import os
import shutil
import socket
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Failed, expect, need_machine, run

EVENTS = "peer", "thread", "child", "executed"


def ways(k23, *command):
    store = os.path.join(os.getcwd(), "store")
    run(k23, "learn", "--store", store, "--", *command)
    return ["--no-patch"], ["--store", store, "--no-learn"], ["--store", store, "--no-learn", "--eager"]


@contextlib.contextmanager
def server(family, kind, address, name):
    """Answers NAME:WHAT to whatever comes. Gives the address that it has."""
    with socket.socket(family, kind) as listening:
        listening.bind(address)

        def answer_all():
            while True:
                try:
                    if kind == socket.SOCK_DGRAM:
                        text, whom = listening.recvfrom(100)
                        with contextlib.suppress(ConnectionError): # who asked may have gone
                            listening.sendto(name.encode() + b":" + text, whom)
                    else:
                        connection, _ = listening.accept()
                        with connection:
                            connection.sendall(name.encode() + b":" + connection.recv(100))
                            connection.recv(1)
                except OSError:
                    return

        if kind == socket.SOCK_STREAM:
            listening.listen()
        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        yield listening.getsockname()


def write_rules(*lines):
    with open("rules", "w") as file:
        file.write("\n".join(lines) + "\n")


def result_of(k23, way, program, *words):
    result = run(k23, "run", *way, "--hook", "connect:rules=rules", "--", program, *words)
    expect(f"errors of {words} {way}", result.stderr, "")
    return result.returncode, result.stdout


def stream_output(name, peer):
    return 0, f"{name}:hello\n" + "".join(f"{event} {peer}\n" for event in EVENTS)


def datagram_output(name, source, sent="sendto"):
    return 0, f"{name}:{sent} {source}\n{name}:se {source}\n{name}:se {source}\npeer {source}\n"


def case_tcp(k23, program):
    """By address, by prefix, by any port; the first rule that is for an address counts; others are let alone."""
    with server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "one") as (_, one), \
            server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "two") as (_, two):
        write_rules("# where to", "", f"tcp 10.1.2.3:80 -> 127.0.0.1:{one} # that", f"  tcp 10.1.0.0/16:80\t->  127.0.0.1:{two}",
                    f"tcp 10.0.0.0/9:* -> 127.0.0.1:{one}", "tcp 192.0.2.0/24:* -> 127.0.0.1:*", f"udp 198.51.100.1:80 -> 127.0.0.1:{one}\r",
                    "tcp 127.0.0.1:9 -> 127.0.0.1:1")
        for way in ways(k23, program, "stream", "inet", "127.0.0.1", str(one)):
            for how in "stream", "nonblocking":
                for host, port, name in (("10.1.2.3", 80, "one"), ("10.1.2.4", 80, "two"), ("10.127.2.4", 8080, "one"),
                                         ("192.0.2.77", two, "two"), ("127.0.0.1", one, "one")):
                    expect(f"{host} {way}", result_of(k23, way, program, how, "inet", host, str(port)),
                           stream_output(name, f"{host} {port} 16"))
                expect("refused", result_of(k23, way, program, how, "inet", "127.0.0.1", "9"), (3, "ECONNREFUSED\n"))


def case_ipv6(k23, program):
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).bind(("::1", 0))
    except OSError:
        need_machine(False, "no IPv6 here")
    with server(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0), "six") as (_, six, *_), \
            server(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", 0), "udp") as (_, udp, *_), \
            server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "four") as (_, four):
        write_rules(f"tcp [fd00::/7]:443 -> [::1]:{six}", f"udp [2001:db8::1]:53 -> [::1]:{udp}",
                    f"tcp 10.0.0.0/8:80 -> 127.0.0.1:{four}")
        for way in ways(k23, program, "stream", "inet6", "::1", str(six)):
            for host, port, name in (("fd12::7", 443, "six"), ("::1", six, "six"), ("::ffff:10.0.0.9", 80, "four")):
                expect(f"{host} {way}", result_of(k23, way, program, "stream", "inet6", host, str(port)),
                       stream_output(name, f"{host} {port} 28"))
            expect("udp", result_of(k23, way, program, "datagram", "inet6", "2001:db8::1", "53"),
                   datagram_output("udp", "2001:db8::1 53 28"))


def case_udp(k23, program):
    with server(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), "one") as (_, one):
        write_rules(f"tcp 10.0.0.0/8:* -> 127.0.0.1:1", f"udp 10.0.0.1:53 -> 127.0.0.1:{one}")
        for way in ways(k23, program, "datagram", "inet", "127.0.0.1", str(one)):
            for host, port in ("10.0.0.1", 53), ("127.0.0.1", one):
                expect(f"{host} {way}", result_of(k23, way, program, "datagram", "inet", host, str(port)),
                       datagram_output("one", f"{host} {port} 16"))


def case_unix(k23, program):
    for kind, how, output in ((socket.SOCK_STREAM, "stream", stream_output), (socket.SOCK_DGRAM, "datagram", datagram_output)):
        here = os.getcwd()
        real, abstract = f"{here}/{how}", f"@k23-test-{os.getpid()}-{how}"
        with server(socket.AF_UNIX, kind, real, "path"), \
                server(socket.AF_UNIX, kind, "\0" + abstract[1:], "abstract"):
            write_rules(f"unix {here}/asked -> {real}", f"unix @asked -> {abstract}", f"unix {here}/name -> {abstract}")
            for way in ways(k23, program, how, "unix", real):
                for asked, name, told in ((f"{here}/asked", "path", None), ("./asked", "path", f"{here}/asked"),
                                          ("@asked", "abstract", None), (f"{here}/name", "abstract", None), (real, "path", None)):
                    told = told or asked
                    expect(f"{asked} {way}", result_of(k23, way, program, how, "unix", asked),
                           output(name, f"{told} {2 + len(told) + (told[0] == '/')}"))


def case_processes(k23, program):
    """The rules are those of the run's beginning, also where the file no longer is, and in another root."""
    with server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "one") as (_, one):
        code = ("import os, socket, sys\n"
                "os.unlink('rules')\n"
                "if len(sys.argv) == 2:\n"
                "    if os.getuid() == 0: os.chroot('root'); sys.argv[1] = '/program'\n"
                "    os.execv(sys.argv[1], [sys.argv[1], 'stream', 'inet', '10.0.0.1', '80'])\n"
                "connection = socket.create_connection(('10.0.0.1', 80))\n"
                "print(connection.getpeername(), flush=True)\n"
                "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)\n"
                "if os.fork():\n"
                "    connection.close()\n"
                "    print(socket.socket(fileno=socket.recv_fds(a, 1, 1)[1][0]).getpeername(), flush=True)\n"
                "    os.wait()\n"
                "else:\n"
                "    socket.send_fds(b, [b'x'], [connection.fileno()])\n")
        os.mkdir("root")
        shutil.copy(program, "root")
        os.rename(os.path.join("root", os.path.basename(program)), "root/program")
        for way in ["--no-patch"], []:
            write_rules(f"tcp 10.0.0.1:80 -> 127.0.0.1:{one}")
            expect("passed", result_of(k23, way, sys.executable, "-c", code), (0, "('10.0.0.1', 80)\n" * 2))
            write_rules(f"tcp 10.0.0.1:80 -> 127.0.0.1:{one}")
            expect("in another root", result_of(k23, way, sys.executable, "-c", code, program),
                   stream_output("one", "10.0.0.1 80 16"))


def case_mistakes(k23, program):
    for line, words in (("tcp 10.0.0.1:80 127.0.0.1:80", "a rule is:"), ("tcp 10.0.0.1:80 -> 127.0.0.1:80 x", "a rule is:"),
                        ("sctp 10.0.0.1:80 -> 127.0.0.1:80", "begins with tcp, udp or unix"), ("tcp 10.0.0.1 -> 127.0.0.1:1", "no :PORT"),
                        ("tcp 10.0.0.256:80 -> 127.0.0.1:80", "no IPv4 address"), ("tcp [fd00::x]:80 -> [::1]:80", "no IPv6 address"),
                        ("tcp fd00::1:80 -> [::1]:80", "no IPv4 address"), ("tcp 10.0.0.1:65536 -> 127.0.0.1:80", "a port is"),
                        ("tcp 10.0.0.0/33:80 -> 127.0.0.1:80", "prefix"), ("tcp 10.0.0.1:80 -> 127.0.0.0/8:80", "to a prefix"),
                        ("tcp 10.0.0.1:80 -> [::1]:80", "cannot become IPv6"), ("unix a -> /b", "begins with /"),
                        ("unix /a -> /" + "b" * 200, "too long"), ("tcp 10.0.0.1:-1 -> 127.0.0.1:80", "a port is"),
                        ("unix @ -> @y", "no name"), ("unix /x -> @", "no name"), ("unix / -> @y", "no name"), ("\0", "NUL"),
                        ("tcp 10.0.0.1:80 -> 127.0.0.1:80\0 x", "NUL"), ("# comment\0", "NUL"), ("unix /x -> /y\0z", "NUL")):
        write_rules("# one", "tcp 10.0.0.1:80 -> 127.0.0.1:80", line)
        result = run(k23, "run", "--hook", "connect:rules=rules", "--", "echo", "started")
        expect(f"{line}: {result.stderr}", (result.returncode, result.stdout, len(result.stderr.splitlines())), (125, "", 1))
        if "rules:3: " not in result.stderr or words not in result.stderr:
            raise Failed(f"{line}: {result.stderr!r}")
    for options, words in ("", "it needs rules=FILE"), (":rules=nowhere", "nowhere: No such file"):
        result = run(k23, "run", "--hook", "connect" + options, "--", "echo", "started")
        expect(f"{options}: {result.stderr}", (result.returncode, result.stdout, words in result.stderr), (125, "", True))
    del program


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


main()
