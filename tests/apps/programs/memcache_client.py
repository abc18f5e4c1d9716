"""A client for memcached: eight threads that store, read back, count and delete; prints the sums."""

import socket
import sys
import threading

CLIENTS = 8
ROUNDS = 300


class Connection:
    def __init__(self, address):
        if address.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            host, port = address.split(":")
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(20)
        self.file = self.socket.makefile("rb")

    def command(self, line, data=None):
        self.socket.sendall(line.encode() + b"\r\n" + (data + b"\r\n" if data is not None else b""))
        return self.file.readline().strip().decode()

    def get(self, key):
        answer = self.command(f"get {key}").split()
        if answer == ["END"]:
            return None
        value = self.file.read(int(answer[3]) + 2)[:-2]
        self.file.readline()
        return value


def client(address, number, good):
    connection = Connection(address)
    for n in range(ROUNDS):
        value = bytes([n % 256]) * (n * 37 % 5000)
        key = f"key-{number}-{n}"
        good[number] += connection.command(f"set {key} 0 0 {len(value)}", value) == "STORED"
        good[number] += connection.get(key) == value
        connection.command("incr counter 1")
        if n % 2:
            good[number] += connection.command(f"delete {key}") == "DELETED"
            good[number] += connection.get(key) is None


def main():
    address = sys.argv[1]
    first = Connection(address)
    print(first.command("version").split()[0], first.command("set counter 0 0 1", b"0"))
    good = [0] * CLIENTS
    threads = [threading.Thread(target=client, args=(address, n, good)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("good", sum(good), "of", CLIENTS * ROUNDS * 3, "counter", first.get("counter").decode())
    print(first.command("nonsense"))


main()
