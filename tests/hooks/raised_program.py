"""What comes of SIGPIPE and SIGXFSZ with each action, ignored, blocked and not: calls of the program raise them, and
calls of a hook that getppid() starts are not to."""
import os
import resource
import signal

BOTH = signal.SIGPIPE, signal.SIGXFSZ
handled = []


def handle(number, frame):
    handled.append(signal.Signals(number).name)


def write():
    """Two calls of the program's own."""
    for fd, offset in (broken, None), (file, 1 << 40):
        try:
            os.pwrite(fd, b"x", offset) if offset else os.write(fd, b"x")
        except OSError as error:
            handled.append(error.errno)


def tell(what):
    pending = sorted(number.name for number in signal.sigpending())
    print(what, os.getppid() > 0, handled, pending, sorted(number.name for number in signal.sigpending()))
    handled.clear()


def end(action):
    """In a child, whose own call ends it, and not those of the hook."""
    child = os.fork()
    if child == 0:
        for number in BOTH:
            signal.signal(number, signal.SIG_DFL)
        os.getppid()
        os.write(broken, b"x") if action == "pipe" else os.pwrite(file, b"x", 1 << 40)
        os._exit(0)
    print(action, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, resource.RLIM_INFINITY))
reader, broken = os.pipe()
os.close(reader)
file = os.memfd_create("file")
for action in signal.SIG_IGN, handle, signal.SIG_DFL:
    for number in BOTH:
        signal.signal(number, action)
    tell(action if isinstance(action, int) else "handled")
    if action != signal.SIG_DFL:
        write()
        tell("own")
    signal.pthread_sigmask(signal.SIG_BLOCK, BOTH)
    tell("blocked")
    write()
    tell("blocked, own")
    for number in BOTH:
        if number in signal.sigpending():
            print(signal.sigtimedwait([number], 0).si_code)
    tell("blocked, taken")
    os.kill(os.getpid(), signal.SIGPIPE)
    tell("blocked, sent")
    print(action == signal.SIG_IGN or signal.sigtimedwait([signal.SIGPIPE], 0).si_pid == os.getpid())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BOTH)
    tell("unblocked")
for action in "pipe", "file":
    end(action)
