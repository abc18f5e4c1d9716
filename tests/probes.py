#!/usr/bin/python3
"""Others touch the text of a running program: probes of the kernel (uprobes), and gdb's breakpoints. They come and go at
random at the instructions in front of the C library's system calls, while threads make these calls.

The program has a copy of the C library, so that no other program gets the probes. The same is done natively first; if
that does not work the harness is broken."""

import argparse
import ctypes
import os
import random
import re
import shutil
import struct
import subprocess
import time

import harness
from harness import Broken, Failed, expect, natively, need, wait_until

PERF_EVENT_OPEN = 298
PERF_FLAG_FD_CLOEXEC = 8
PMU = "/sys/bus/event_source/devices/uprobe/type"
LIBC = "libc.so.6"
AT_ONCE = 24


def libc_path():
    """The C library that programs here have."""
    with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            if line.rstrip().endswith("/" + LIBC):
                return line.split()[-1]
    raise Broken(f"Python has no {LIBC}")


def places_of(k23, store, path):
    """Where the instructions of each window begin, and the one behind the system call, of those sites where a program was
    seen: offsets in the file, a list for each site. At a system call a probe breaks programs natively, too."""
    shown = harness.run(k23, "sites", "show", f"--store={store}", path).stdout
    sites = []
    for part in re.split(r"^(?=0x)", shown, flags=re.M)[1:]:
        lines = part.splitlines()
        if ", observed" not in lines[0] or not lines[0].split()[1].startswith("PLANNED"):
            continue
        offset = int(lines[0].split(":")[0], 16)
        code = [line for line in lines[2:] if line.startswith("     ")]
        addresses = [int(line.split(":")[0], 16) for line in code]
        end = next(i for i, line in enumerate(code) if line.split(":")[1].strip() == "syscall")
        moved = addresses[end] - offset
        sites.append([address - moved for address in addresses[:end]] + [offset + 2])
    return sites


class Uprobe:
    """A probe in one process, which counts how often one of its threads comes by."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, pid, path, offset):
        with open(PMU, encoding="ascii") as file:
            kind = int(file.read())
        name = ctypes.create_string_buffer(os.fsencode(path))
        # type, size, config, period, sample type, read format, flags, wakeup, breakpoint type, path, offset
        attributes = ctypes.create_string_buffer(
            struct.pack("<IIQQQQQIIQQ", kind, 112, 0, 0, 0, 0, 0, 0, 0, ctypes.addressof(name), offset), 112)
        self.fd = self.libc.syscall(PERF_EVENT_OPEN, attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC)
        if self.fd < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    def close(self):
        hits = struct.unpack("<Q", os.read(self.fd, 8))[0]
        os.close(self.fd)
        return hits


def uprobes(pid, path, sites, rounds, rng):
    """Random probes come and go. The kernel refuses some instructions. Returns the hits at the begins of windows."""
    active, hits = {}, 0
    for turn in range(rounds):
        site = rng.choice(sites)
        place = rng.choice(site)
        if place in active:
            begin, probe = active.pop(place)
            hits += probe.close() * begin
        else:
            try:
                active[place] = place == site[0], Uprobe(pid, path, place)
            except OSError:
                continue
        if len(active) > AT_ONCE:
            place = rng.choice(sorted(active))
            begin, probe = active.pop(place)
            hits += probe.close() * begin
        if turn % 4 == 0:
            time.sleep(rng.random() * 0.01)
    for begin, probe in active.values():
        hits += probe.close() * begin
    return hits


GDB = """
import gdb, random
rng = random.Random({seed})
places = {places}
hits = 0
class Silent(gdb.Breakpoint):
    def stop(self):
        global hits
        hits += 1
        return False
turn = gdb.Breakpoint('probed_turn')
active = dict()
for _ in range({rounds}):
    for place in rng.sample(places, min(len(places), 6)):
        if place in active:
            active.pop(place).delete()
        else:
            active[place] = Silent('*%d' % place, internal=True)
    gdb.execute('continue', to_string=True)
for breakpoint in active.values():
    breakpoint.delete()
turn.delete()
print('hits:', hits)
"""


def base_of(pid, path):
    """The difference of addresses and offsets in the text of a file."""
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            if line.rstrip().endswith(path) and "x" in line.split()[1]:
                return int(line.split("-")[0], 16) - int(line.split()[2], 16)
    raise Broken(f"{path} is not mapped")


def breakpoints(pid, path, sites, rounds, rng):
    """gdb attaches, and at each turn of the program some breakpoints go and others come. Returns the hits."""
    base = base_of(pid, path)
    places = sorted(base + place for site in sites for place in site)
    with open("probes.py", "w", encoding="ascii") as file:
        file.write(GDB.format(seed=rng.random(), places=places, rounds=rounds))
    words = ["gdb", "-nx", "-batch", "-p", str(pid)]
    for command in ("set pagination off", "set debuginfod enabled off", "handle SIGSYS nostop noprint pass",
                    "source probes.py", "detach"):
        words += ["-ex", command]
    text = harness.run(*words, stderr=subprocess.STDOUT, timeout=60 + rounds).stdout
    found = re.search(r"^hits: (\d+)$", text, re.M)
    if not found:
        raise Failed(f"gdb did not come to its end:\n{text[-2000:]}")
    return int(found[1])


CASES = ("threads", "alone")
# name: what touches the text, what it needs, rounds in the short test
TOUCHES = {"uprobe": (uprobes, None, 100), "gdb": (breakpoints, "gdb", 12)}


def touch(command, path, sites, how, rounds, seed):
    """Runs the program and touches its text. Returns how often something came by."""
    for name in ("ready", "stop"):
        if os.path.exists(name):
            os.unlink(name)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env={**os.environ, "LD_LIBRARY_PATH": os.path.dirname(path)})
    try:
        expect("the program has started", wait_until(lambda: os.path.exists("ready")), True)
        hits = how(child.pid, path, sites, rounds, random.Random(seed)) if how else time.sleep(0.3)
        with open("stop", "w", encoding="ascii"):
            pass
        out, err = child.communicate(timeout=30)
        expect(f"afterwards (seed {seed})", (child.returncode, out, err), (0, "0 wrong results\n", ""))
        return hits
    except subprocess.TimeoutExpired:
        raise Failed(f"the program hangs (seed {seed})") from None
    finally:
        child.kill()
        child.communicate()


def test(options):
    how, tool, short = TOUCHES[options.touch]
    if tool:
        harness.need_program(tool)
    else:
        need(os.path.exists(PMU), "the kernel has no uprobes")
    path = os.path.join(os.getcwd(), LIBC)
    shutil.copy(libc_path(), path)
    if not tool:
        try:
            Uprobe(os.getpid(), path, 0x1000).close()
        except PermissionError:
            need(False, "this user may not use uprobes")
        except OSError:
            pass
    program = [options.program, options.case]
    run = [options.k23, "run", "--store=store", *(["--hook", options.hook] if options.hook else []), "--", *program]
    for _ in range(2):
        touch(run, path, [], None, 0, 0)  # learns the sites
    harness.run(options.k23, "run", "--store=store", "--", "true")  # puts them into the store
    sites = places_of(options.k23, "store", path)
    if len(sites) < 20:
        raise Broken(f"only {len(sites)} sites were seen")
    rounds = options.rounds or short
    for once in range(options.repeat):
        seed = options.seed + once
        if not natively(touch, program, path, sites, how, rounds, seed):
            raise Broken("nothing was hit natively")
        if not touch(run, path, sites, how, rounds, seed):
            raise Failed("nothing was hit")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("--hook", default=None, help="a hook to run with")
    parser.add_argument("--rounds", type=int, help="how many changes")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("touch", choices=sorted(TOUCHES))
    parser.add_argument("case", choices=CASES)
    parser.add_argument("program", type=os.path.abspath, help="the built guest `probed`")
    options = parser.parse_args()
    harness.main(lambda: test(options))


if __name__ == "__main__":
    main()
