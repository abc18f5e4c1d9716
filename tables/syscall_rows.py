"""The rows of tables/syscalls.tsv."""
import sys


class Row:
    """numbers: of x86-64 and of i386, None if there is none."""

    def __init__(self, where, columns):
        columns += [""] * (6 - len(columns))
        self.where, self.name = where, columns[2]
        self.numbers = [None if column == "-" else int(column) for column in columns[:2]]
        self.arguments, self.result, self.restart = columns[3].split(), columns[4], columns[5]
        if len(self.arguments) > 6:
            sys.exit(f"{where}: more than six arguments")


def lines(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                yield f"{path}:{number}", line.split("\t")


def rows(path):
    for where, columns in lines(path):
        yield Row(where, columns)
