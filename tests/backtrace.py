#!/usr/bin/python3
"""A debugger's backtrace of a program under k23, wherever it is stopped, ends with the frames of the native one.

Compared are the functions, the places in them, the stack pointers, and the variables in registers that the functions
preserve; and where frame pointers lead to. The native run comes first; if that shows something else than it should the
harness is broken.
"""

import argparse
import collections
import json
import os
import resource
import signal
import struct
import subprocess

import harness
from harness import Broken, Failed, difference, natively, wait_until

PT_LOAD, PF_X, PF_R, PAGE = 1, 1, 4, 4096
HERE = os.path.dirname(os.path.abspath(__file__))

# What stands between k23 and the program, by mode. {store}: where `k23 learn` has put what the same program does;
# {deep}: tests/hooks/deep.c, built; {gone}: the same, and the file is no more when the debugger comes
GUARD = ["run", "--no-patch", "--no-learn", "--returns=fill"]
FAST = ["run", "--store={store}", "--no-learn", "--returns=fill"]
MODES = {
    "guard": GUARD,
    "guard-null": [*GUARD, "--returns=paired", "--hook", "null"],
    "guard-two": [*GUARD, "--hook", "null", "--hook", "null"],
    "guard-hook": [*GUARD, "--hook", "{deep}"],
    "fast": FAST,
    "fast-null": [*FAST, "--hook", "null"],
    "fast-hook": [*FAST, "--returns=paired", "--hook", "{deep}"],
    "fast-gone": [*FAST, "--hook", "{gone}"],
}
NAMELESS = ["fast-gone"]

# Where each thread of the waiting program is blocked: the system call.
READ, POLL, PAUSE, FUTEX, CLOCK_NANOSLEEP = 0, 7, 34, 202, 230
BLOCKED = {"main": READ, "read": READ, "sleep": CLOCK_NANOSLEEP, "number": FUTEX, "here": POLL, "interrupted": READ}

# What the waiting program's threads keep in their registers: `number`, and how often the chain is there.
NUMBERS = {"main": [10], "read": [1], "sleep": [2], "number": [3], "here": [4], "interrupted": [10, 5]}
FACTORS = {"inner": 1000, "middle": 2000, "outer": 3000}

# What the thread that steps must have come through, by mode; "" has no name: it is a stub.
RETURN = ["rt_gate_program", "rt_return"]
ENTERED = ["rt_signal_entry", "rt_signal", "rt_guard_review", "rt_guard_enter"]
STEPPED = {
    None: ["umask", "read", "syscall", "calls_in_a_row"],
    "guard": [*ENTERED, "rt_dispatch", *RETURN],
    "guard-null": [*ENTERED, "rt_dispatch", *RETURN, "rt_forward"],
    "fast": ["", "rt_fast_direct", "rt_gate_direct", "rt_fast_number"],
    "fast-null": ["", "rt_fast_dispatch", "rt_forward", *RETURN],
    "fast-hook": ["", "rt_fast_direct", "rt_fast_number", "rt_fast_dispatch", "deep", "deeper", "rt_forward", *RETURN],
    "fast-gone": ["", "rt_fast_direct", "rt_fast_number", "rt_fast_dispatch", "rt_forward", *RETURN],
}


def read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def threads(pid):
    """Names of threads and the calls that they are in (-1: they are not, or run), by id."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        call = read(f"/proc/{pid}/task/{task}/syscall").split(" ")[0]
        name = "main" if task == str(pid) else read(f"/proc/{pid}/task/{task}/comm").strip()
        found[task] = (name, int(call) if call.isdigit() else -1)
    return found


class Case:
    """One way to run the program."""

    def __init__(self, options):
        self.options = options
        self.child = None
        self.script = os.path.join(os.path.dirname(options.k23), "k23-gdb.py")
        self.hook = {name: os.path.abspath(name + ".so") for name in ("deep", "gone")}

    def run(self, *command):
        done = harness.run(*command, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode:
            raise Failed(f"{' '.join(command)}: status {done.returncode}, {done.stdout!r}")

    def words(self, mode):
        """k23 and its options, with what they need."""
        if not mode:
            return []
        store = os.path.abspath("store")
        words = MODES[mode]
        for name, path in self.hook.items():
            if f"{{{name}}}" in words:
                self.run(self.options.k23, "cc", os.path.join(HERE, "hooks", "deep.c"), "-o", path)
        if FAST[1] in words:
            self.run(self.options.k23, "learn", "--store", store, "--",
                     self.options.program, self.program_case(), "at once")
        return [self.options.k23, *(word.format(store=store, **self.hook) for word in words), "--"]

    def program_case(self):
        return "stepped" if self.options.kind == "step" else "waiting"

    def start(self, mode, calls):
        """Until each thread is in its call."""
        limit = 1 << 20  # small stacks, as they would be in core files
        self.child = subprocess.Popen(
            [*self.words(mode), self.options.program, self.program_case()], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (limit, limit)))
        self.wait_for(calls)
        if os.path.exists(self.hook["gone"]):
            os.unlink(self.hook["gone"])

    def wait_for(self, calls):
        if not wait_until(lambda: self.child.poll() is not None or
                          sorted(threads(self.child.pid).values()) == sorted(calls.items())):
            raise Failed(f"the program's threads are not where they should be: {threads(self.child.pid)}")
        if self.child.poll() is not None:
            raise Failed(f"the program ended: {self.child.stdout.read()!r}")

    def gdb(self, *where, **options):
        """What tests/backtrace_gdb.py finds out."""
        output = os.path.abspath("output")
        options = {"before": [], "after": [], "step": False, "output": output, **options}
        words = ["gdb", "-nx", "-batch"]
        for command in ("set pagination off", "set debuginfod enabled off", "set backtrace past-main on",
                        "handle SIGSYS nostop noprint pass", f"python options = {options!r}"):
            words += ["-iex", command]
        if os.path.exists(output):
            os.unlink(output)
        try:
            done = harness.run(*words, *where, "-x", os.path.join(HERE, "backtrace_gdb.py"), stderr=subprocess.STDOUT,
                               timeout=600)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"gdb does not end:\n{(error.stdout or b'').decode('utf-8', 'replace')}") from None
        try:
            with open(output, encoding="utf-8") as file:
                return json.load(file)
        except OSError:
            raise Failed(f"gdb:\n{done.stdout}") from None

    def goes_on(self, text, wanted):
        """The program ends as if nobody had looked."""
        try:
            out = self.child.communicate(text, timeout=20)[0]
        except subprocess.TimeoutExpired:
            raise Failed("afterwards the program does not end") from None
        if (self.child.returncode, out) != (0, wanted):
            raise Failed(f"afterwards: status {self.child.returncode}, {out!r}")

    def stop(self):
        if self.child:
            self.child.kill()
            self.child.communicate()


def show(frames):
    return "\n".join(f"    {name or '??'} ({place or 'nowhere'}) {' '.join(f'{k}={v}' for k, v in values.items())}"
                     for name, place, _, values in frames)


def relative(frames):
    """With stack pointers as seen from the frame that called."""
    olders = [frame[2] for frame in frames[1:]] + [frames[-1][2]]
    return [[name, place, older - sp, values] for (name, place, sp, values), older in zip(frames, olders)]


def check_native(name, found):
    """The functions of the chain, with the values that they have by the program's source."""
    got = [(frame[0], frame[3]) for frame in found["frames"] if frame[0] in FACTORS]
    wanted = [(function, {"number": str(number),
                          **{kept: str(number * factor + i) for i, kept in enumerate("abcdef")}})
              for number in NUMBERS[name] for function, factor in FACTORS.items()]
    if got != wanted:
        raise Broken(f"natively, thread {name}:\n{show(found['frames'])}")


def check(name, frames, native, nameless):
    """The frames end with the native ones, below those of k23, all of which have names."""
    own = frames[:-len(native)]
    if relative(frames)[-len(native):] != relative(native):
        raise Failed(f"thread {name}:\n{show(frames)}\nnatively:\n{show(native)}")
    if not own or not nameless and not all(frame[0] for frame in own):
        raise Failed(f"thread {name}: k23's own frames are missing, or have no name:\n{show(frames)}")


def to_outer(walk):
    """As far as the program's functions have frame pointers: the C library's mostly have none."""
    ends = [i for i, place in enumerate(walk) if place.startswith("outer ")]
    return walk[:ends[-1] + 1] if ends else []


def check_walk(name, walk, native):
    """Where a call goes straight from its site to the gate, the gate is there instead of the site."""
    native, got = to_outer(native), to_outer(walk)
    if len(native) < 3:
        raise Broken(f"natively, thread {name}: {native}")
    wanted = native[1:] if walk[0].startswith("rt_gate_direct ") else native
    if got[-len(wanted):] != wanted:
        raise Failed(f"thread {name}, by frame pointers: {walk}, natively {native}")


def without_shared(core):
    """Leaves out of gdb's core file what the kernel leaves out: shared memory that is only read, but for a page."""
    shortened = 0
    with open(core, "r+b") as file:
        head = file.read(64)
        table, = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        for i in range(count):
            file.seek(table + i * size)
            kind, flags, offset, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            file.seek(offset)
            if (kind, flags, file.read(8)) == (PT_LOAD, PF_R | PF_X, b"23bundle") and length > PAGE:
                file.seek(table + i * size + 32)
                file.write(struct.pack("<Q", PAGE))
                shortened += 1
    if shortened != 1:
        raise Failed(f"the core file has {shortened} shared mappings of k23's")


def waiting(case, mode):
    """What is found for each thread, by name: in the process, and in a core file if that is asked for."""
    hook = mode and ("{deep}" in MODES[mode] or "{gone}" in MODES[mode])
    calls = {name: PAUSE if hook and call == READ else call for name, call in BLOCKED.items()}
    case.start(mode, calls)
    # One thread is to be in a handler that interrupted its call.
    case.child.send_signal(signal.SIGUSR1)
    case.wait_for({**calls, "interrupted": POLL})
    names = {task: name for task, (name, _) in threads(case.child.pid).items()}
    before = [f"source {case.script}"] if mode else []
    if case.options.kind in ("core", "dump"):
        core = os.path.abspath("core")
        case.gdb("-p", str(case.child.pid), after=[f"gcore {core}", "detach"])
        if mode and case.options.kind == "dump":
            without_shared(core)
        found = case.gdb(case.options.program, core, before=before)
    else:
        found = case.gdb("-p", str(case.child.pid), before=before, after=["detach"])
    if not hook:
        case.goes_on(b"\n", b"")
    case.stop()
    return {names[task]: of_thread for task, of_thread in found.items()}


def compare_waiting(case):
    mode = case.options.mode
    native = natively(waiting, case, None)
    for name, of_thread in native.items():
        check_native(name, of_thread)
    found = waiting(case, mode)
    if set(found) != set(native):
        raise Failed(f"the threads {sorted(found)}, natively {sorted(native)}")
    for name, of_thread in found.items():
        check(name, of_thread["frames"], native[name]["frames"], mode in NAMELESS)
        if case.options.kind == "walk":
            check_walk(name, of_thread["walk"], native[name]["walk"])


def stepping(case, mode):
    case.start(mode, {"main": CLOCK_NANOSLEEP})
    result = case.gdb(*(["-iex", f"source {case.script}"] if mode else []), "-p", str(case.child.pid), step=True,
                      after=["detach"])
    places = collections.Counter(place.split(" ")[0] for place in result["places"])
    print(f"{mode or 'natively'}: {len(result['places'])} steps, in {len(places)} functions")
    missing = [name for name in STEPPED[mode] if name not in places]
    if missing:
        raise Failed(f"never came to {missing}, only to {sorted(places)}")
    if result["wrong"]:
        raise Failed(f"{len(result['wrong'])} steps from which the program's frames are not found, such as\n" +
                     "\n\n".join(show(frames) for frames in result["wrong"][:20]))
    case.goes_on(b"", b"done\n")
    return relative(result["chain"]), result["stacks"]


def progress(stacks, files, nameless=False):
    """What the program's stack above the chain was, one after the other; its functions are in these files. Above them
    are the vDSO's, which may not be those of the native run, and those of k23, which have names, but for a stub. A jump
    in padding of a function has the function's name."""
    seen = []
    for stack in stacks:
        own = 0
        while own < len(stack) and stack[own][0] not in files:
            own += 1
        if not nameless and not all(name for _, name, _ in stack[1:own]):
            raise Failed(f"k23's frames have no names: {stack}")
        stack = stack[own:]
        if stack[:1] == stack[1:2]:
            stack = stack[1:]
        if not seen or stack != seen[-1]:
            seen.append(stack)
    return ["  ".join(f"{name}({sp:+})" for _, name, sp in stack) for stack in seen]


def compare_stepping(case):
    chain, stacks = natively(stepping, case, None)
    if [frame[0] for frame in chain[:3]] != ["inner", "middle", "outer"]:
        raise Broken(f"natively:\n{show(chain)}")
    files = {file for stack in stacks for file, _, _ in stack if not file.startswith("system-supplied")}
    got_chain, got_stacks = stepping(case, case.options.mode)
    if got_chain != chain:
        raise Failed(f"at the begin:\n{show(got_chain)}\nnatively:\n{show(chain)}")
    native, got = progress(stacks, files), progress(got_stacks, files, case.options.mode in NAMELESS)
    if got != native:
        raise Failed(difference(native, got, context=2))


KINDS = {
    "attach": compare_waiting,
    "core": compare_waiting,  # of gdb's making
    "dump": compare_waiting,  # of the kernel's
    "walk": compare_waiting,  # also by frame pointers, which the program has to have
    "step": compare_stepping,
}


def look(options):
    harness.need_program("gdb")
    case = Case(options)
    try:
        KINDS[options.kind](case)
    finally:
        case.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--k23", required=True, type=os.path.abspath)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("mode", choices=sorted(MODES))
    parser.add_argument("program", type=os.path.abspath, help="tests/programs/blocked.c, built")
    options = parser.parse_args()
    harness.main(lambda: look(options))


if __name__ == "__main__":
    main()
