"""Throughput of programs under k23 with a null hook on every call, against native, and the share of the fast path.

Each program is learned first, with what is then measured. Servers, native and under k23, run at the same time and
are loaded in turn; they have a processor of their own, and so have their clients."""
import math
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import time

from measure import HERE, NULL_HOOK, Counter, Skip, Table, compile_program, interleaved, need, ratio

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
TREE = "/usr/include"


def on_processor(number):
    """For preexec_fn: keeps a process to the first or the last processor, if there are several."""
    processors = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, [processors[number]])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Command:
    """A program that does its work and ends."""
    bursts = ("",)

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder

    def prepare(self):
        """Makes what `command` needs."""

    def before(self):
        """Before each run."""

    def run(self, prefix):
        """Runs the program once. Returns (seconds, seconds of processor)."""
        self.before()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.monotonic()
        subprocess.run(prefix + self.command(), check=True, cwd=self.folder, **QUIET)
        took = time.monotonic() - begin
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        return took, end.ru_utime + end.ru_stime - used.ru_utime - used.ru_stime

    def measure(self, rounds):
        """A list of (row's name, throughput of native, cost in processor time of native, share of the fast path)"""
        k23 = self.bench.k23
        self.prepare()
        self.run(k23.learn())
        variants = {"native": [], "k23": k23.run("--hook", "null")}
        share = self.share(variants["k23"]) if self.bench.counts else None
        values = interleaved({name: lambda prefix=prefix: self.run(prefix) for name, prefix in variants.items()}, rounds)
        seconds, processor = ({name: [v[i] for v in each] for name, each in values.items()} for i in (0, 1))
        yield self.name, ratio(seconds["native"], seconds["k23"]), ratio(processor["k23"], processor["native"]), share

    def share(self, prefix):
        """The share of calls that the guard did not catch, of those that the program makes natively."""
        counter = Counter(self.folder)
        self.run(counter.command())
        calls = counter.result()[1]
        self.run(counter.command() + prefix)
        return 1 - counter.result()[0] / calls


class Dd(Command):
    name, what = "dd", "dd bs=1 count=500k"

    def command(self):
        return ["dd", "if=/dev/zero", "of=copy", "bs=1", "count=500k"]


class Find(Command):
    name, what = "find", f"find {TREE} with sizes, three times"

    def command(self):
        return ["find", TREE, TREE, TREE, "-printf", "%s %p\\n"]


class Tar(Command):
    name, what = "tar", f"tar of {TREE}/linux and /usr/include/x86_64-linux-gnu"

    def before(self):
        if os.path.exists(self.folder + "/out.tar"):
            os.unlink(self.folder + "/out.tar")

    def command(self):
        return ["tar", "-cf", "out.tar", "-C", TREE, "."]


class Git(Command):
    name, what = "git", "git status in a tree of 9000 files"

    def prepare(self):
        need("git")
        shutil.copytree(TREE, self.folder + "/tree", symlinks=True, ignore_dangling_symlinks=True)
        for words in (["init"], ["add", "-A"], ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-m", "A"]):
            subprocess.run(["git", "-C", "tree", *words], check=True, cwd=self.folder, **QUIET)

    def command(self):
        return ["git", "-C", "tree", "status", "--untracked-files=all"]


class Compile(Command):
    name, what = "gcc", "gcc -O2 -c of a C file of 330 lines"

    def command(self):
        top = os.path.dirname(HERE)
        return ["gcc", "-O2", "-D_GNU_SOURCE", f"-I{top}/src", f"-I{top}/include", f"-I{top}/tables", f"-I{self.bench.build}", "-c",
                f"{top}/src/cli/run_memory.c", "-o", "out.o"]


class Sqlite(Command):
    name, what = "sqlite3", "WAL; 2000 transactions, 40,000 rows, indexed and sequential reads"

    def prepare(self):
        need("sqlite3")
        lines = ["PRAGMA journal_mode = WAL;", "PRAGMA synchronous = NORMAL;",
                 "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT);", "CREATE INDEX ta ON t(a);"]
        for n in range(2000):
            lines.append(f"INSERT INTO t(a, b) VALUES ({n * 7919 % 10007}, 'number {n}');")
        lines.append("BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
                     " INSERT INTO t(a, b) SELECT i * 7919 % 10007, printf('%040d', i) FROM n; COMMIT;")
        for n in range(2000):
            lines.append(f"SELECT count(*), max(b) FROM t WHERE a BETWEEN {n} AND {n + 20};")
        lines += ["UPDATE t SET b = b || 'x' WHERE a % 3 = 0;", "SELECT sum(length(b)) FROM t;",
                  "DELETE FROM t WHERE a % 5 = 0;"]
        with open(self.folder + "/script.sql", "w") as file:
            file.write("\n".join(lines) + "\n")

    def before(self):
        for name in ("db", "db-wal", "db-shm"):
            if os.path.exists(f"{self.folder}/{name}"):
                os.unlink(f"{self.folder}/{name}")

    def command(self):
        return ["sqlite3", "db", ".read script.sql"]


class Instance:
    """A server that runs in a folder of its own."""

    def __init__(self, server, kind, prefix):
        self.folder = os.path.join(server.folder, kind)
        os.makedirs(self.folder)
        self.port = free_port()
        with open(self.folder + "/log", "wb") as log:
            self.process = subprocess.Popen(prefix + server.command(self), cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=on_processor(0))
        end = time.monotonic() + 20
        while not server.answers(self):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                with open(self.folder + "/log") as log:
                    raise RuntimeError(f"{server.name} does not start: {log.read()[-2000:]}")
            time.sleep(0.05)

    def pids(self):
        """The process ids of the server and its children."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            return [self.process.pid, *map(int, file.read().split())]

    def processor(self):
        """The seconds of processor that all threads of the server have used."""
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                    total += int(file.read().split()[0])
        return total / 1e9

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Server:
    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder

    def prepare(self):
        """Makes what is needed."""

    def answers(self, instance):
        try:
            socket.create_connection(("127.0.0.1", instance.port), 1).close()
            return True
        except OSError:
            return False

    def client(self, command, pattern):
        """The number that a load generator prints."""
        done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              cwd=self.folder, preexec_fn=on_processor(-1))
        return float(re.search(pattern, done.stdout, re.M)[1])

    def burst(self, instance, load):
        """(requests per second, seconds of processor per second at that rate)"""
        begin, used = time.monotonic(), instance.processor()
        rate = self.load(instance, load)
        return rate, (instance.processor() - used) / (time.monotonic() - begin) / rate

    def measure(self, rounds):
        k23 = self.bench.k23
        self.prepare()
        learned = Instance(self, "learn", k23.learn())
        try:
            for load in self.loads:
                self.load(learned, load)
        finally:
            learned.stop()
        instances = {}
        try:
            for kind, prefix in (("native", []), ("k23", k23.run("--hook", "null"))):
                instances[kind] = Instance(self, kind, prefix)
            for load in self.loads:
                run = {kind: lambda each=each: self.burst(each, load) for kind, each in instances.items()}
                interleaved(run, 1)
                share = self.share(instances["k23"], load) if self.bench.counts else None
                values = interleaved(run, rounds)
                rate, processor = ({kind: [v[i] for v in each] for kind, each in values.items()} for i in (0, 1))
                yield (f"{self.name}, {load}" if load else self.name, ratio(rate["k23"], rate["native"]),
                       ratio(processor["k23"], processor["native"]), share)
        finally:
            for each in instances.values():
                each.stop()

    def share(self, instance, load):
        counter = Counter(self.folder)
        perf = subprocess.Popen(counter.command("-p", ",".join(map(str, instance.pids()))), **QUIET)
        time.sleep(0.5)
        self.load(instance, load)
        perf.send_signal(2)
        perf.wait()
        signals, calls = counter.result()
        return 1 - signals / calls


class Redis(Server):
    name, what = "redis", "redis-benchmark over loopback"
    loads = ("get, 1 client", "set, 1 client", "get, 50 clients", "set, 50 clients")

    def prepare(self):
        need("redis-server", "redis-benchmark")

    def command(self, instance):
        return ["redis-server", "--port", str(instance.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]

    def load(self, instance, load):
        test, clients = load.split()[0].rstrip(","), load.split()[1]
        return self.client(["redis-benchmark", "-h", "127.0.0.1", "-p", str(instance.port), "-t", test, "-c", clients,
                            "-n", "10000" if clients == "1" else "60000", "--csv"], r'^"[A-Z]+","([\d.]+)"')


class Nginx(Server):
    name, what = "nginx", "one worker, wrk with 32 connections over loopback"
    loads = ("0 KB", "4 KB")

    def prepare(self):
        need("nginx", "wrk")
        for size in (0, 4):
            with open(f"{self.folder}/{size}", "wb") as file:
                file.write(b"x" * size * 1024)

    def command(self, instance):
        with open(instance.folder + "/conf", "w") as file:
            file.write(f"""pid nginx.pid; error_log error.log; worker_processes 1; daemon off;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; keepalive_requests 1000000;
client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
server {{ listen 127.0.0.1:{instance.port}; root {self.folder}; }} }}
""")
        return ["nginx", "-p", instance.folder, "-e", "error.log", "-c", "conf"]

    def load(self, instance, load):
        return self.client(["wrk", "-t", "1", "-c", "32", "-d", "1s",
                            f"http://127.0.0.1:{instance.port}/{load.split()[0]}"], r"^Requests/sec: *([\d.]+)")


class Memcached(Server):
    name, what = "memcached", "one thread, 32 connections over a Unix socket, 9 gets to a set"
    loads = ("",)

    def prepare(self):
        need("memcached")
        self.program = compile_program(self.bench.build, "memload")

    def command(self, instance):
        return ["memcached", *(["-u", "root"] if os.geteuid() == 0 else []), "-s", "socket", "-t", "1", "-m", "64"]

    def answers(self, instance):
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(instance.folder + "/socket")
            return True
        except OSError:
            return False

    def load(self, instance, load):
        return self.client([self.program, instance.folder + "/socket", "32", "0.7"], r"^([\d.]+)")


WORKLOADS = (Redis, Nginx, Memcached, Sqlite, Dd, Find, Git, Tar, Compile)


def main(bench):
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    bench.build = os.path.abspath(bench.build)
    bench.counts = Counter.available()
    rounds = max(3, bench.rounds // 2)
    table = Table(f"throughput with a null hook on every call, medians of {rounds}", "what", "throughput, of native",
                  "processor time, of native", "fast path, % of calls")
    rates = []
    for workload in WORKLOADS:
        if bench.rows and workload.name not in bench.rows:
            continue
        folder = os.path.join(bench.folder, workload.name)
        os.mkdir(folder)
        try:
            for name, rate, processor, share in workload(bench, folder).measure(rounds):
                rates.append(rate)
                name = name if issubclass(workload, Server) else workload.what
                bench.figures.add_ratio(name, NULL_HOOK, 1 / rate)
                table.add(name, f"{rate:.3f}", f"{processor:.3f}", "-" if share is None else f"{100 * share:.2f}")
        except Skip as reason:
            table.add(workload.name, str(reason), "-", "-")
        shutil.rmtree(folder, ignore_errors=True)
    if rates:
        table.add("geometric mean", f"{math.exp(statistics.mean(map(math.log, rates))):.3f}", "", "")
    table.show(bench.markdown)
