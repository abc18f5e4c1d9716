#!/usr/bin/python3
"""What the style of C, assembly, tables and documents has in common. usage: style.py ROOT

Lines have at most 120 columns, with tabs of 8, and no white space at their end; C, assembly and tables are indented by tabs; a
file ends with a newline. Exit status: 0 holds, 1 does not, 77 there is no git checkout that says which files are sources."""
import pathlib
import subprocess
import sys

SUFFIXES = {".c", ".h", ".S", ".def", ".md"}
TABS = {".c", ".h", ".S", ".def"}
COLUMNS = 120


def problems(name, text):
    suffix = pathlib.Path(name).suffix
    if not text.endswith("\n"):
        yield f"{name} does not end with a newline"
    for number, line in enumerate(text.splitlines(), 1):
        if len(line.expandtabs(8)) > COLUMNS and "http" not in line and not line.startswith("|"):
            yield f"{name}:{number} has {len(line.expandtabs(8))} columns"
        if line != line.rstrip():
            yield f"{name}:{number} ends with white space"
        if suffix in TABS and line.startswith("        ") and line.strip(" \\"):
            yield f"{name}:{number} is indented by spaces"


def main():
    root = pathlib.Path(sys.argv[1])
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        return 77
    names = [n for n in listed.stdout.split("\0") if pathlib.Path(n).suffix in SUFFIXES and (root / n).is_file()]
    wrong = [problem for name in names for problem in problems(name, (root / name).read_text())]
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
