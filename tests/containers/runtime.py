#!/usr/bin/python3
"""Records what an OCI runtime is told: its arguments, the configuration, the process. Stands for crun in oci.py."""
import json
import os
import sys

record = {"args": sys.argv[1:]}
if "state" in sys.argv:
    print(json.dumps({"id": sys.argv[-1], "bundle": os.environ["BUNDLE"]}))
    sys.exit(0)
for word in sys.argv:
    name = word.removeprefix("--process=").removeprefix("-p")
    if name.startswith("/proc/self/fd/"):
        with open(name) as file:
            record["process"] = json.load(file)
with open(os.environ["RECORD"], "w") as file:
    json.dump(record, file)
