#!/usr/bin/python3
"""Every option that a command takes is in its help and in its manual page. usage: options.py K23 SOURCE"""
import pathlib
import re
import subprocess
import sys

k23, source = sys.argv[1], pathlib.Path(sys.argv[2])
PAGES = {"run": "k23.1", "doctor": "k23.1", "stat": "k23-stat.1", "trace": "k23-trace.1", "analyze": "k23-analyze.1",
         "learn": "k23-learn.1", "sites": "k23-sites.1"}


def options_of(command):
    """The long options in the table that the command's source has, with those of the macros that it names."""
    macros = dict(re.findall(r"^#define (LAUNCH_\w+OPTIONS)\s(.*(?:\\\n.*)*)", (source / "src/cli/cli.h").read_text(), re.M))
    table = re.search(r"struct option options\[\] = \{(.*?)\n\t\};", (source / f"src/cli/{command}.c").read_text(), re.S)[1]
    for _ in macros:
        table = re.sub(r"LAUNCH_\w+OPTIONS", lambda name: macros[name[0]], table)
    return set(re.findall(r'\{ "([\w-]+)", \w+_argument', table)) - {"help"}


def main():
    wrong = []
    for command, page in PAGES.items():
        help_text = subprocess.run([k23, command, "--help"], capture_output=True, text=True, check=True).stdout
        manual = (source / "man" / page).read_text()
        for option in sorted(options_of(command)):
            if not re.search(rf"--{option}\b", help_text):
                wrong.append(f"k23 {command} --help does not have --{option}")
            if not re.search(rf"(Fl|,) -{option}\b", manual):
                wrong.append(f"{page} does not have --{option} of k23 {command}")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
