#!/usr/bin/python3
"""Make a store of the plans for programs, libraries and all that they are linked with.

usage: base_store.py K23 STORE FILES...
"""
import os
import re
import subprocess
import sys


def linked_with(path):
    """The files that the dynamic linker would load; none for a static program."""
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", listed.stdout, re.M)


def main():
    k23, store, *files = sys.argv[1:]
    everything = {}
    for path in files:
        for found in (path, *linked_with(path)):
            everything[os.path.realpath(found)] = None
    if os.path.exists(store):
        os.unlink(store)
    subprocess.run([k23, "analyze", "--store", store, *everything], check=True)
    os.chmod(store, 0o644)


main()
