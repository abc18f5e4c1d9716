"""What Python programs do with processes, threads, signals and sockets; prints the same in every run."""

import asyncio
import concurrent.futures
import mmap
import multiprocessing
import multiprocessing.shared_memory
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


def square(n):
    return n * n


def child(queue, shared, lock):
    for _ in range(200):
        with lock:
            shared.value += 1
    queue.put("x" * 100000)


def threads():
    total, lock = [0], threading.Lock()
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(1000):
            with lock:
                total[0] += 1

    started = [threading.Thread(target=work) for _ in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    print("threads", total[0])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print("pool", sum(pool.map(square, range(1000))))
    for _ in range(200):
        thread = threading.Thread(target=time.sleep, args=(0,))
        thread.start()
        thread.join()
    print("200 short threads, active", threading.active_count())


def processes(method):
    context = multiprocessing.get_context(method)
    with context.Pool(3) as pool:
        print(method, "pool", sum(pool.map(square, range(500))))
    queue, shared, lock = context.Queue(), context.Value("i", 0), context.Lock()
    children = [context.Process(target=child, args=(queue, shared, lock)) for _ in range(3)]
    for process in children:
        process.start()
    print(method, "queue", sum(len(queue.get(timeout=30)) for _ in children))
    for process in children:
        process.join()
    print(method, "shared", shared.value, [process.exitcode for process in children])


def subprocesses():
    print(subprocess.run(["tr", "a-z", "A-Z"], input="shout", capture_output=True, text=True, check=True).stdout)
    print(subprocess.run("echo out; echo err >&2; exit 3", shell=True, capture_output=True, text=True))
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            sleeper.wait(0.05)
        except subprocess.TimeoutExpired:
            sleeper.terminate()
        print("terminated", sleeper.wait())
    for name in ("/does/not/exist", "/etc/passwd", "/"):
        try:
            subprocess.run([name])
        except OSError as error:
            print(type(error).__name__, error.errno)
    # closed descriptors, a new session, a working directory, an environment of its own, extra descriptors
    read, write = os.pipe()
    done = subprocess.run([sys.executable, "-c", "import os,sys; os.write(int(sys.argv[1]), b'fd'); "
                           "print(os.getcwd(), os.getsid(0) == os.getpid(), sorted(os.environ)[:1])", str(write)],
                          cwd="/", env={"A": "1"}, pass_fds=[write], start_new_session=True, stdout=subprocess.PIPE)
    print(done.stdout, os.read(read, 10))
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 5"], {})
    print("posix_spawn", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print(os.system("exit 6"), os.popen("echo popen").read())
    # vfork and fork from several threads at once
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print("spawned", sum(pool.map(lambda n: subprocess.run(["/bin/sh", "-c", f"exit {n % 7}"]).returncode, range(40))))
    pid = os.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", "kill -TERM $$"])
    print("fork and exec", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


async def echo(reader, writer):
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()


async def tasks():
    path = os.path.join(tempfile.mkdtemp(), "socket")
    server = await asyncio.start_unix_server(echo, path)

    async def client(n):
        reader, writer = await asyncio.open_unix_connection(path)
        received = 0
        for _ in range(20):
            writer.write(b"x" * n)
            await writer.drain()
            received += len(await reader.readexactly(n))
        writer.close()
        return received

    print("asyncio", sum(await asyncio.gather(*(client(n) for n in range(1, 21)))))
    server.close()
    process = await asyncio.create_subprocess_exec("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    print((await process.communicate(b"through cat"))[0], process.returncode)
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, arrived.set)
    loop.call_later(0.01, os.kill, os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(arrived.wait(), 10)
    print("asyncio signal", await asyncio.to_thread(square, 12))


def signals():
    count = [0]

    def handler(number, frame):
        count[0] += 1

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    end = time.monotonic() + 0.3
    read, write = os.pipe()
    while time.monotonic() < end:
        # restarted after each signal, as PEP 475 has it
        select.select([read], [], [], 0.02)
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("alarms", count[0] > 20)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    os.kill(os.getpid(), signal.SIGUSR2)
    print("pending", signal.SIGUSR2 in signal.sigpending(), signal.sigwait([signal.SIGUSR2]).name)
    print("blocked", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
    print("all blocked", signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()),
          sorted(signal.valid_signals() - set(signal.pthread_sigmask(signal.SIG_SETMASK, []))))
    print("SIGSYS", signal.getsignal(signal.SIGSYS), signal.sigtimedwait([signal.SIGUSR1], 0.01))


def memory():
    with tempfile.TemporaryFile() as file:
        file.truncate(1 << 20)
        with mmap.mmap(file.fileno(), 0) as area:
            area[5:10] = b"hello"
            area.resize(2 << 20)
            area.flush()
        print("mmap", os.pread(file.fileno(), 5, 5), os.fstat(file.fileno()).st_size)
    area = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    area.buf[:3] = b"shm"
    pid = os.fork()
    if pid == 0:
        area.buf[3:6] = b"kid"
        os._exit(0)
    os.waitpid(pid, 0)
    print("shared memory", bytes(area.buf[:6]))
    area.close()
    area.unlink()


def sockets():
    server = socket.create_server(("127.0.0.1", 0))
    results = []

    def serve():
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(65536):
                results.append(len(data))

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(server.getsockname()) as client, tempfile.TemporaryFile() as file:
        file.write(b"z" * 1000000)
        file.seek(0)
        client.sendfile(file)
    thread.join()
    print("sockets", sum(results))
    server.close()
    a, b = socket.socketpair()
    read, write = os.pipe()
    socket.send_fds(a, [b"m"], [write])
    _, descriptors, _, _ = socket.recv_fds(b, 1, 1)
    os.write(descriptors[0], b"passed")
    print(os.read(read, 10))


def main():
    threads()
    for method in ("fork", "spawn", "forkserver"):
        processes(method)
    subprocesses()
    asyncio.run(tasks())
    signals()
    memory()
    sockets()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main()
