"""Sees two calls, and no fork; allocates memory and holds a lock meanwhile. A forked child counts from 0."""
import json
import os
import threading

lock = threading.Lock()
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
counts = {}


def count(name):
    with lock:
        counts[name] = counts.get(name, 0) + 1
        json.loads(json.dumps({name: list(range(20))}))


def getppid(call):
    count(call.name)


def getpgrp(call):
    count(call.name)


def fork_child():
    with lock:
        counts.clear()


def process_exit(status):
    print(f"getppid: {counts.get('getppid', 0)}")
