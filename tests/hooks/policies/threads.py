"""Counts getppid() by a thread of its own, which works for the program's."""
import queue
import sys
import threading

count = 0


def work(asked, answers):
    while True:
        answers.put(asked.get() + 1)


def begin():
    global asked, answers, turn
    asked, answers, turn = queue.SimpleQueue(), queue.SimpleQueue(), threading.Lock()
    threading.Thread(target=work, args=(asked, answers), daemon=True).start()


begin()
fork_child = begin  # where there is no other thread, and others may have been in the middle of these


def getppid(call):
    global count
    with turn:
        asked.put(count)
        count = answers.get()


def process_exit(status):
    print(f"getppid: {count}", file=sys.stderr)
