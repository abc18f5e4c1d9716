#!/usr/bin/python3
"""Every command that a document or a manual page shows is run. usage: commands.py K23 DOCUMENT

In Markdown these are the blocks that are sh; a block of C is the file that the next one gives to `k23 cc`, one of
Python the policy that it runs. In manual
pages they are the displayed lines (.Dl, .Bd -literal) that begin with a prompt. One document's commands run one after the
other in a scratch folder; the last command of each has to succeed, or to fail if the line in front of it is
<!-- fails: why -->. What cannot be run has <!-- not run: why --> there, or .\\" not run: why in a manual page."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import Broken, Failed

K23, DOCUMENT = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
ROFF = {r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\&": "", r"\e": "\\"}
MARK = re.compile(r'^(?:<!--|\.\\") (not run|fails): \S')


def mark_of(line):
    found = MARK.match(line)
    return found[1] if found else ""


def of_markdown(lines):
    """(script, its mark or "", a file of C or Python that it needs) for each block."""
    source, before, block = None, "", None
    for line in lines:
        if block is None and line.startswith("```"):
            kind, block, mark = line[3:].strip(), [], mark_of(before)
        elif block is not None and line.startswith("```"):
            if kind in ("c", "python"):
                source = "\n".join(block) + "\n"
            elif kind == "sh":
                yield "\n".join(block), mark, source
            block = None
        elif block is not None:
            block.append(line)
        before = line


def of_manual(lines):
    """The same of a manual page, whose lines are one command each; one that is indented goes on with it."""
    before = ""
    for line in "\n".join(lines).replace("\n  ", " ").splitlines():
        shown = re.match(r'(?:\.Dl )?[$#] (.*)', line)
        if shown:
            script = re.sub(r"\\(?:\((?:aq|dq)|[-&e])", lambda escape: ROFF[escape[0]], shown[1])
            yield script, mark_of(before), None
        if not shown or not before.startswith(".\\\""):
            before = line


def prepare():
    """What the examples take for granted: k23 in PATH, something to make, a file, a repository, a program."""
    pathlib.Path("bin").mkdir()
    pathlib.Path("bin/k23").symlink_to(K23)
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    pathlib.Path("greeting").write_text("hello\n")
    pathlib.Path("server").write_text("#!/bin/sh\necho serving\n")
    os.chmod("server", 0o755)
    pathlib.Path("Makefile").write_text("all:\n\t@echo made >made && cat made\n")
    os.environ["PATH"] = f"{pathlib.Path('bin').resolve()}:{os.environ['PATH']}"


def test():
    prepare()
    blocks = list((of_markdown if DOCUMENT.suffix == ".md" else of_manual)(DOCUMENT.read_text().splitlines()))
    if not any(mark != "not run" for _, mark, _ in blocks):
        raise Broken(f"{DOCUMENT.name} shows no command that can be run")
    for script, mark, source in blocks:
        for name in re.findall(r"(?:k23 cc|--hook) (\w+\.(?:c|py))\b", script) if source else []:
            pathlib.Path(name).write_text(source)
            if name.endswith(".py") and not (K23.parent / "hooks/python.so").exists():
                mark = "not run"
        if mark == "not run":
            print("not run:", script)
            continue
        ran = harness.run("bash", "-e", "-o", "pipefail", "-c", script)
        if (ran.returncode != 0) != (mark == "fails"):
            raise Failed(f"exit status {ran.returncode} of\n{script}\n{ran.stdout}{ran.stderr}")
        print(script, ran.stdout[-800:] + ran.stderr[-800:], sep="\n")


harness.main(test)
