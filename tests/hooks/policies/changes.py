"""Changes arguments, memory, results and numbers."""
import errno
import k23

denied = k23.option("denied")
short = k23.option("short") is not None


def openat(call):
    path = k23.string(call.args[1])
    if path.endswith("/from"):
        k23.write(call.args[1] + len(path) - 4, b"into")
    elif k23.under(k23.path(call), denied):
        return -errno.EACCES


def read(call):
    fd, address, size, *_ = call.args
    if size > 5 and short:
        call.args[2] = 5
    result = call.forward()
    if result > 0:
        k23.write(address, k23.read(address, result).upper())
    return result


def getppid(call):
    call.nr = k23.numbers["getpid"]
    if call.name != "getpid":
        return -1


def getpgrp(call):
    return 2 ** 40


def getpriority(call):
    return call.args[1]


def lseek(call):
    call.args[0] = -1


def exit_group(call):
    call.args[0] += 4
    call.forward()
    print("never here")

