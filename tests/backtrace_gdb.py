"""What gdb does for tests/backtrace.py, which sets `options`: looks at all threads, or steps and looks each time."""

import functools
import json
import re

import gdb

options = globals()["options"]
CHAIN = ("inner", "middle", "outer")
MOST_STEPS, MOST_FRAMES = 20000, 127
# A signal that the debugger stops at shows where it hit: one more stop at the same instruction.
SIGNALS = "handle SIGSYS {} pass"


def variables(frame):
    """What the functions of the chain keep: their integers."""
    if frame.name() not in CHAIN:
        return {}
    return {symbol.name: str(symbol.value(frame)) for symbol in frame.block() if symbol.type.code == gdb.TYPE_CODE_INT}


@functools.lru_cache(maxsize=None)
def place(pc):
    """FUNCTION + OFFSET and the file that it is in, or nothing where there is no symbol."""
    found = re.match(r"(.*) in section \S+(?: of (.*))?", gdb.execute(f"info symbol {pc:#x}", to_string=True))
    return (found[1], found[2] or "") if found else ("", "")


def described(frame):
    """[function, where in it, stack pointer, variables] of a frame."""
    return [frame.name(), place(frame.pc())[0], int(frame.read_register("rsp")), variables(frame)]


def frames():
    """From the newest on; what ends the list is gdb's reason not to go on."""
    found = []
    frame = gdb.newest_frame()
    while True:
        found.append(described(frame))
        older = frame.older()
        if not older:
            return found + [[gdb.frame_stop_reason_string(frame.unwind_stop_reason()), "", found[-1][2], {}]]
        frame = older


def walk():
    """Where the functions are that the chain of frame pointers leads to, as a profiler in the kernel follows it."""
    word = gdb.lookup_type("unsigned long")
    frame = gdb.newest_frame()
    places = [place(frame.pc())[0]]
    pointer = int(frame.read_register("rbp"))
    while len(places) < MOST_FRAMES:
        try:
            pointer, called = (int(gdb.Value(pointer + at).cast(word.pointer()).dereference()) for at in (0, 8))
        except gdb.MemoryError:
            break
        places.append(place(called)[0])
    return places


def look():
    """The frames of each thread, by its id, and what its frame pointers lead to."""
    result = {}
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        result[thread.ptid[1]] = {"frames": frames(), "walk": walk()}
    return result


def above(count):
    """All frames, and of those that are newer than the last `count` the file, the function and the stack pointer."""
    found = frames()
    frame = gdb.newest_frame()
    newer = []
    for name, _, sp, _ in found[:-count]:
        newer.append([place(frame.pc())[1], name, sp - found[-count][2]])
        frame = frame.older()
    return found, newer


def step():
    """From begin() to end(), by instructions. Where each of them was, and those from which the chain is not reached."""
    gdb.execute("break begin")
    gdb.execute("set var go = 1")
    gdb.execute("continue")
    chain = frames()[2:]
    gdb.execute("delete")
    gdb.execute(SIGNALS.format("stop print"))
    last = int(gdb.parse_and_eval("(unsigned long)&end"))
    places, stacks, wrong = [], [], []
    while gdb.selected_frame().pc() != last and len(places) < MOST_STEPS:
        gdb.execute("stepi", to_string=True)
        now, newer = above(len(chain))
        places.append(now[0][1])
        stacks.append(newer)
        if now[-len(chain):] != chain:
            wrong.append(now)
    gdb.execute(SIGNALS.format("nostop noprint"))
    return {"chain": chain, "places": places, "stacks": stacks, "wrong": wrong}


def main():
    for command in options["before"]:
        gdb.execute(command)
    result = step() if options["step"] else look()
    for command in options["after"]:
        gdb.execute(command)
    with open(options["output"], "w", encoding="utf-8") as output:
        json.dump(result, output)


main()
