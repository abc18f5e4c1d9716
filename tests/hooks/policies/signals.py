"""Counts the signals that it is told of, and says which the program died of."""
from collections import Counter
from signal import SIGCHLD

import k23

told = Counter()
wrong = 0


def signal(info, handled):
    global wrong
    told[info.si_signo] += 1
    wrong += info.si_signo == SIGCHLD and info.si_code == 1 and info.si_pid == k23.pid()
    if not handled:
        print("left", info.si_signo)


def fork_child():
    told.clear()


def process_exit(status):
    for number in sorted(told):
        print(f"told {number}: {told[number]}")
    print("wrong:", wrong)
