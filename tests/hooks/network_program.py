"""TCP connections in many ways. Prints what is the same whatever the ports are. usage: network_program.py [STEP...]"""
import array
import asyncio
import errno
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading

EXECUTED = """
import socket, sys
connection = socket.socket(fileno=int(sys.argv[1]))
text = connection.recv(100)
known = connection.getpeername()[1] == int(sys.argv[2])
connection.sendall(text + f" {connection.getsockname()[1]} {known}".encode())
"""
FAMILIES = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")


def listening(family, address, port=0):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen()
    return server


def error_of(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "none"


def names():
    """What the four ends of a connection say of each other."""
    for family, address in FAMILIES:
        fresh = socket.socket(family, socket.SOCK_STREAM)
        print(fresh.family, fresh.type, fresh.proto, fresh.getsockname(), error_of(fresh.getpeername))
        print(fresh.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL))
        with listening(family, address) as server, fresh as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.connect(server.getsockname())
            accepted, whom = server.accept()
            with accepted:
                print(server.getsockname()[0], accepted.getsockname() == server.getsockname() == client.getpeername(),
                      whom == client.getsockname() == accepted.getpeername(), whom[0], whom[1] > 1023)
                print(error_of(client.connect, server.getsockname()), error_of(server.getpeername))
                client.sendall(b"question")
                print(accepted.recv(4, socket.MSG_PEEK), accepted.recvfrom(100))
                accepted.sendto(b"answer", server.getsockname())
                accepted.shutdown(socket.SHUT_WR)
                print(client.recv(100), client.recv(100))
        print(error_of(server.getsockname))


def mixed():
    """A socket of IPv6 is told of connections by IPv4; one that listens at all addresses is told at which it was."""
    with listening(socket.AF_INET6, "::") as server, socket.create_connection(("127.0.0.1", server.getsockname()[1])) as a:
        accepted, whom = server.accept()
        print(whom[0], whom[1] == a.getsockname()[1], accepted.getsockname()[0], a.getpeername()[0])
        accepted.close()
    with listening(socket.AF_INET, "0.0.0.0") as server, socket.create_connection(server.getsockname()) as a:
        accepted, whom = server.accept()
        print(whom == a.getsockname(), accepted.getsockname() == a.getpeername(), a.getpeername()[0], whom[0])
        accepted.close()


def mistakes():
    with listening(socket.AF_INET, "127.0.0.1") as server, socket.socket() as other, socket.socket() as third:
        place = server.getsockname()
        print(error_of(other.bind, place), error_of(server.bind, ("127.0.0.1", 0)))
        other.bind(("127.0.0.1", 0))
        print(error_of(third.connect, other.getsockname()))
        server.setblocking(False)
        print(error_of(server.accept))
        third.connect(place)
        print(error_of(third.connect, place))
    with socket.socket() as client:
        print(error_of(client.connect, place))
    with listening(socket.AF_INET, "127.0.0.1", place[1]) as server:
        print(server.getsockname() == place)


def waits():
    """Each way to wait for a listening socket, and for one that is connected, from before it was so."""
    for kind in selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector:
        with kind() as selector, socket.socket() as server, socket.socket() as client:
            server.bind(("127.0.0.1", 0))
            server.listen()
            selector.register(server, selectors.EVENT_READ)
            print(kind.__name__, selector.select(0))
            client.connect(server.getsockname())
            print([key.fileobj is server for key, _ in selector.select(5)])
            accepted, _ = server.accept()
            selector.register(accepted, selectors.EVENT_READ | selectors.EVENT_WRITE)
            print([events for _, events in selector.select(5)])
            client.send(b"x")
            print([events for _, events in selector.select(5)])
            accepted.setblocking(False)
            size = accepted.send(b"y" * (64 << 20))
            print(size > 0, selector.select(0)[0][1])
            while size:
                size -= len(client.recv(1 << 20))
            print([events for _, events in selector.select(5)])
            accepted.close()


def loops():
    """A server and two hundred clients in one thread, with epoll."""
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async def ask(place, number):
        reader, writer = await asyncio.open_connection(*place)
        writer.write(b"client %d\n" % number)
        text = await reader.read()
        writer.close()
        return text

    async def main():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        place = server.sockets[0].getsockname()
        texts = await asyncio.gather(*(ask(place, number) for number in range(200)))
        print(texts == [b"CLIENT %d\n" % number for number in range(200)])

    asyncio.run(main())


def threads():
    """Eight clients at once, each with many connections, and a server with as many threads."""
    answers = []

    def serve(server):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(connection.recv(100)[::-1])

    def ask(place, number):
        for i in range(100):
            with socket.create_connection(place) as client:
                text = b"%d %d %d" % (number, i, client.getsockname()[1])
                client.sendall(text)
                answers.append(client.recv(100) == text[::-1])

    with listening(socket.AF_INET, "127.0.0.1") as server:
        servers = [threading.Thread(target=serve, args=[server], daemon=True) for _ in range(8)]
        clients = [threading.Thread(target=ask, args=[server.getsockname(), number]) for number in range(8)]
        for thread in servers + clients:
            thread.start()
        for thread in clients:
            thread.join()
        server.shutdown(socket.SHUT_RDWR)
        for thread in servers:
            thread.join()
    print(len(answers), all(answers))


def processes():
    """Sockets in children, in programs that they execute, and in messages."""
    with listening(socket.AF_INET, "127.0.0.1") as server:
        place = server.getsockname()
        for _ in range(8):
            if os.fork() == 0:
                connection, whom = server.accept()
                os.set_inheritable(connection.fileno(), True)
                os.execv(sys.executable, [sys.executable, "-S", "-c", EXECUTED, str(connection.fileno()), str(whom[1])])
        for i in range(8):
            with socket.create_connection(place) as client:
                client.sendall(b"%d" % i)
                if client.recv(100) != b"%d %d True" % (i, place[1]):
                    print("wrong")
        print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(8)])
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            client = socket.create_connection(place)
            theirs.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))])
            os._exit(0)
        os.waitpid(child, 0)
        connection, whom = server.accept()
        client = socket.socket(fileno=socket.recv_fds(ours, 1, 1)[1][0])
        copy = client.dup()
        client.close()
        print(copy.family, copy.getsockname() == whom, copy.getpeername() == place, ours.getsockname())
        copy.send(b"passed")
        print(connection.recv(100))


def killed():
    """Who is connected learns of it, and the port is free at once."""
    with listening(socket.AF_INET, "127.0.0.1") as server:
        place = server.getsockname()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            connection, _ = server.accept()
            os.write(writer, b"x")
            signal.pause()
    with socket.create_connection(place) as client:
        os.read(reader, 1)
        print(error_of(listening, socket.AF_INET, "127.0.0.1", place[1]))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(client.recv(100), client.getpeername() == place)
    with listening(socket.AF_INET, "127.0.0.1", place[1]) as server:
        print(server.getsockname() == place)


def programs():
    """Servers and clients that others wrote."""
    code = ("import functools, http.server as h, os\n"
            "h.SimpleHTTPRequestHandler.log_message = lambda *words: None\n"
            "server = h.ThreadingHTTPServer(('127.0.0.1', 0), h.SimpleHTTPRequestHandler)\n"
            "print(server.server_port, flush=True)\n"
            "server.serve_forever()\n")
    with open("page.html", "w") as file:
        file.write("page\n" * 100000)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as server:
        port = int(server.stdout.readline())
        urls = [f"http://127.0.0.1:{port}/page.html"] * 20
        result = subprocess.run(["curl", "-s", "--parallel", *urls], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        print(result.returncode, len(result.stdout), subprocess.call(["curl", "-s", f"http://127.0.0.1:{port}/none", "-f"]))
        server.kill()


STEPS = names, mixed, mistakes, waits, loops, threads, processes, killed, programs

for step in STEPS:
    if not sys.argv[1:] or step.__name__ in sys.argv[1:]:
        print(step.__name__, flush=True)
        step()
        sys.stdout.flush()
