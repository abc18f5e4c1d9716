#!/usr/bin/python3
"""Every option of a command is in its manual page, and every option there is one of the command's; the shell's
completion knows them, too. usage: options.py K23 SOURCE"""
import os
import pathlib
import re
import subprocess
import sys

k23, source = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
PAGES = {"run": "k23.1", "doctor": "k23.1", "stat": "k23-stat.1", "trace": "k23-trace.1", "analyze": "k23-analyze.1",
         "inject": "k23-inject.1", "record": "k23-record.1", "show": "k23-show.1", "learn": "k23-learn.1",
         "sites": "k23-sites.1"}
# In the pages of others that these commands share options with.
SHARED = {"hook", "foreign", "on-failure", "store", "no-learn", "eager", "no-patch", "returns", "help"}


def output(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def options_of(command):
    """The rows of --help: a letter, a long name, or both."""
    rows = re.findall(r"^  (?:-(\w))?(?:, )?(?:--([\w-]+))?[ =\[\n]", output(k23, command, "--help"), re.M)
    return [(letter, name) for letter, name in rows if letter or name]


def check_pages():
    wrong = []
    for command, page in PAGES.items():
        text = own = (source / "man" / page).read_text()
        if command == "show":  # which has most of its options from trace
            text += (source / "man" / PAGES["trace"]).read_text()
        options = options_of(command)
        for letter, name in options:
            if letter and not re.search(rf"Fl {letter}\b", text) and letter != "h":
                wrong.append(f"{page} does not have -{letter} of k23 {command}")
            if name and not re.search(rf"(Fl|,) -{name}(?![\w-])", text) and name != "help":
                wrong.append(f"{page} does not have --{name} of k23 {command}")
        if page == "k23.1":
            continue
        for line in re.findall(r"^\.It (Fl .*)", own, re.M):
            for name in re.findall(r"(?:Fl|,) -([\w-]+)", line):
                if name not in {name for _, name in options} | SHARED | aliases(command):
                    wrong.append(f"k23 {command} has no --{name}, which {page} has")
    return wrong


def aliases(command):
    """Names that k23 takes and does not show."""
    return {"calls", "string", "durations", "daemonize"} if command == "trace" else set()


def complete(*words):
    script = 'source <("$0" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _k23; printf "%s\\n" "${COMPREPLY[@]}"'
    return output("bash", "-c", script, k23, *words).split()


def check_completion():
    wrong = []
    for words, wanted in ((("k23", "tr"), "trace"), (("k23", "trace", "--follow"), "--follow-forks"),
                          (("k23", "trace", "-f", "--ful"), "--full"), (("k23", "trace", "--full", "=", "dr"), "drop"),
                          (("k23", "trace", "-o", "x", "--syscall-n"), "--syscall-number"),
                          (("k23", "trace", "-S", "max"), "max-time"), (("k23", "sites", "ver"), "verify"),
                          (("k23", "run", "--", "ech"), "echo"), (("k23", "completion", "fi"), "fish")):
        if wanted not in complete(*words):
            wrong.append(f"{words} is not completed with {wanted}, but with {complete(*words)}")
    for shell in "bash", "zsh", "fish":
        text = output(k23, "completion", shell)
        for command in PAGES:
            for _, name in options_of(command):
                if name and name not in text:
                    wrong.append(f"the completion of {shell} does not have --{name} of k23 {command}")
    return wrong


def main():
    wrong = check_pages() + check_completion()
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
