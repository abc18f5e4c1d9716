#!/usr/bin/python3
"""The figures of several runs of run.py side by side, each in time of native on its machine: those that both have.

usage: compare.py FILE FILE..."""
import json
import os
import sys

from measure import Table


def main():
    runs = []
    for path in sys.argv[1:]:
        with open(path) as file:
            runs.append(json.load(file))
    if not runs:
        return __doc__
    names = [os.path.basename(path).removesuffix(".json") for path in sys.argv[1:]]
    for name, run in zip(names, runs):
        about = run["machine"]
        print(f"{name}: {about['processor']}, {about['processors']} processors, Linux {about['linux']}; returns: {about['returns']}")
    table = Table("of native", "what", "how", *names)
    figures = [{(row["what"], row["how"]): row["of_native"] for row in run["figures"] if row["of_native"]} for run in runs]
    for what, how in figures[0]:
        if how != "native" and all((what, how) in each for each in figures):
            table.add(what, how, *(f"{each[what, how]:.2f}" for each in figures))
    table.show(False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
