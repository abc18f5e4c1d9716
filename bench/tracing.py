"""Tracers: k23's commands and strace on programs that make many calls, in time of native."""
import os
import shutil
import subprocess
import sys

import throughput
from measure import Skip, Table, interleaved

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Dd(throughput.Dd):
    name, what = "dd", "dd if=/dev/zero of=/dev/null bs=1 count=300k"

    def command(self):
        return ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=300k"]


class Find(throughput.Find):
    name, what = "find", "find /usr"

    def command(self):
        return ["find", "/usr"]


class Redis(throughput.Redis):
    """A tracer may ignore the signals that would end it."""
    what = "redis, get, 1 client"

    def stop(self, instance):
        subprocess.run(["redis-cli", "-p", str(instance.port), "shutdown", "nosave"], **QUIET)
        instance.stop()


WORKLOADS = (Dd, Find, throughput.Git, Redis)


def prefixes(bench, folder):
    """What is in front of the program, by name. Each run writes to a new file, as it would for a user."""
    def tool(command, *options):
        return bench.k23.tool(command, os.path.join(folder, command + ".out"), *options)

    variants = {"native": [], "k23 record --ring=64M": tool("record", "--ring=64M"), "k23 stat": tool("stat"),
                "k23 trace -o": tool("trace"), "k23 trace -e openat": tool("trace", "-e", "openat")}
    if shutil.which("strace"):
        strace = ["strace", "-f", "-o", os.path.join(folder, "strace.out")]
        variants.update({"strace -f -o": strace, "strace -f -c": [*strace, "-c"],
                         "strace -f --seccomp-bpf -e openat": [*strace, "--seccomp-bpf", "-e", "openat"]})
    return variants


def forget(folder):
    for name in os.listdir(folder):
        if name.endswith(".out"):
            os.unlink(os.path.join(folder, name))


def of_command(workload, variants, rounds):
    """Seconds of each round."""
    def run(prefix):
        forget(workload.folder)
        return workload.run(prefix)[0]

    workload.prepare()
    workload.run(workload.bench.k23.learn())
    return interleaved({name: lambda prefix=prefix: run(prefix) for name, prefix in variants.items()}, rounds)


def of_server(workload, variants, rounds):
    """Seconds for a request, of each round."""
    def seconds(instance):
        return 1 / workload.burst(instance, "get, 1 client")[0]

    workload.prepare()
    instances = {}
    try:
        for name, prefix in (("learn", workload.bench.k23.learn()), *variants.items()):
            instances[name] = throughput.Instance(workload, name.replace(" ", "_").replace("/", "_"), prefix)
            seconds(instances[name])
            if name == "learn":
                workload.stop(instances.pop(name))
        return interleaved({name: lambda each=each: seconds(each) for name, each in instances.items()}, rounds)
    finally:
        for each in instances.values():
            workload.stop(each)


def main(bench):
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    bench.build = os.path.abspath(bench.build)
    rounds = max(3, bench.rounds // 4)
    for workload in WORKLOADS:
        folder = os.path.join(bench.folder, "tracing-" + workload.name)
        os.mkdir(folder)
        of = of_server if issubclass(workload, throughput.Server) else of_command
        table = Table(f"{workload.what}, under tracers, medians of {rounds}", "what", "time, of native")
        try:
            values = of(workload(bench, folder), prefixes(bench, folder), rounds)
            for name, each in values.items():
                table.add(name, f"{bench.figures.add(workload.what, name, each, values['native'], 's'):.2f}")
        except Skip as reason:
            table.add(workload.name, str(reason))
        shutil.rmtree(folder, ignore_errors=True)
        table.show(bench.markdown)
        sys.stdout.flush()
