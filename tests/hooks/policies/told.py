"""Prints what it is told, and hands a number on."""
import k23

number = 1


def init():
    print("init")


def exec():
    global number
    number = k23.exec_value()
    print("exec", number)


def exec_begin(path):
    print("exec_begin", path, number)
    return number + 1


def exec_failed(path, error):
    print("exec_failed", path, error)


def fork_child():
    print("fork_child", k23.pid() == k23.tid())


def thread_start():
    print("thread_start", k23.pid() == k23.tid())


def thread_exit():
    print("thread_exit")


def process_exit(status):
    print("process_exit", status, end="")
