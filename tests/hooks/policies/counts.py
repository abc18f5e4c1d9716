"""Forwards every call, and counts those with the number 500 and those of getppid. A forked child counts from 0."""
import k23

counts = {500: 0, k23.numbers["getppid"]: 0}
ended = 0


def all(call):
    result = call.forward()
    if call.nr in counts:
        counts[call.nr] += 1
    return result


def fork_child():
    counts.update(dict.fromkeys(counts, 0))


def thread_exit():
    global ended
    ended += 1


def process_exit(status):
    print(f"map: {counts[500]}\nended: {ended}\ngetppid: {counts[k23.numbers['getppid']]}")
