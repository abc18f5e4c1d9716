#!/usr/bin/python3
"""The hook record-files: what is in its database is what strace sees, whatever becomes of the processes. usage:
record_files.py K23 PROGRAM CASE"""
import os
import re
import signal
import sqlite3
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Failed, expect, need, need_program, run

SOURCES = {
    "Makefile": "all: part/libpart.a program note\n"
                "part/libpart.a:\n\t$(MAKE) -C part\n"
                "objects = one.o two.o three.o\n"
                "%.o: %.c\n\t$(CC) -Iinclude/../include -c $< -o $@\n"
                "program: $(objects) part/libpart.a\n\t$(CC) $(objects) -Lpart -lpart -o $@.new && mv $@.new $@\n"
                "note:\n\tmkdir -p out/deep; ln -s deep out/link; ln Makefile out/hard; touch out/link/../x; chmod 600 out/x;"
                " cd out && cat <x >y; rm y; rmdir nowhere 2>/dev/null; truncate -s 5 x; ./none || true\n",
    "include/all.h": "int one(void); int two(void); int part(void);\n",
    "one.c": '#include "all.h"\nint one(void) { return 1; }\n',
    "two.c": '#include "all.h"\n#include <stdio.h>\nint two(void) { return printf("two\\n"); }\n',
    "three.c": '#include "all.h"\nint main(void) { return one() + two() + part() - 8; }\n',
    "part/Makefile": "libpart.a: part.o\n\tar rc $@ $^\npart.o: part.c ../include/all.h\n\t$(CC) -I../include -c part.c\n",
    "part/part.c": '#include "all.h"\nint part(void) { return 3; }\n',
}

# What is another one in each run: names of temporary files, processes, pipes.
VARYING = (r"/cc\w{6}\b(?=\.|$)", "/ccX"), (r"^/proc/\d+/", "/proc/N/"), (r"^(pipe|socket):\[\d+\]", r"\1"), (r"\bst\w{6}$", "stX")

HOW = {"creat": "create", "mkdir": "create", "mkdirat": "create", "mknod": "create", "symlink": "create", "symlinkat": "create",
       "unlink": "remove", "unlinkat": "remove", "rmdir": "remove", "rename": "rename", "renameat": "rename",
       "renameat2": "rename", "link": "link", "linkat": "link", "execve": "exec", "execveat": "exec", "chdir": "chdir",
       "truncate": "write", "chmod": "change", "fchmodat": "change", "utimensat": "change", "fchownat": "change"}
SECOND = {"rename": "rename-to", "link": "create"}


def ways(k23, *command):
    store = os.path.join(os.getcwd(), "store")
    expect("learn", run(k23, "learn", "--store", store, "--", *command).returncode, 0)
    return ["--no-patch"], ["--store", store, "--no-learn"], ["--store", store, "--no-learn", "--eager"]


def recorded(k23, way, *command, out="files.db", status=0, **options):
    """Runs a command. Returns what it wrote, and the rows, when all its processes have ended: they have its output."""
    path = os.path.join(os.getcwd(), out)
    result = run(k23, "run", *way, "--hook", f"record-files:out={path}", "--", *command, **options)
    expect(f"status of {command} {way}: {result.stderr}", result.returncode, status)
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    database.text_factory = os.fsdecode
    expect("integrity", database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
    expect("lost", database.execute("SELECT records FROM lost").fetchall(), [(0,)])
    rows = database.execute("SELECT pid, tid, call, how, path, error FROM files ORDER BY number").fetchall()
    if os.path.exists(path + "-journal"):
        raise Failed("there is a journal left")
    database.close()
    return result, rows


def absolute(directory, path):
    parts = []
    for part in os.path.join(directory, path).split("/"):
        if part == ".." and parts and parts[-1] != ".." and not os.path.islink("/" + "/".join(parts)):
            parts.pop()
        elif part not in ("", ".") and (part != ".." or parts):
            parts.append(part)
    return "/" + "/".join(parts) if os.path.join(directory, path).startswith("/") else path or directory


def steady(path):
    for pattern, name in VARYING:
        path = re.sub(pattern, name, path)
    return path


def how_traced(call, arguments):
    if not call.startswith("open"):
        return HOW.get(call, "stat")
    for flag, how in (("O_PATH", "stat"), ("O_CREAT", "create"), ("O_RDWR", "read-write"), ("O_WRONLY", "write")):
        if flag in arguments:
            return how
    return "read"


def traced(prefix, pid, directory):
    """The files that a process has named and its children have, of the files of strace -ff."""
    found = set()
    with open(f"{prefix}.{pid}", encoding="latin-1") as file:
        lines = file.read().splitlines()
    for line in lines:
        match = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", line)
        if not match:
            continue
        call, arguments, result = match[1], match[2], int(match[3])
        if call in ("clone", "clone3", "fork", "vfork"):
            found |= traced(prefix, result, directory) if result > 0 else set()
            continue
        if call == "fchdir" and result == 0:
            directory = re.search("<(.*)>", arguments)[1]
        if not re.search(r'"|NULL', arguments) or call in ("exit_group", "wait4"):
            continue
        pairs = re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?("(?:[^"\\]|\\.)*"|NULL)', arguments)
        pairs = pairs[1:] if call.startswith("symlink") else pairs
        for i, (start, path) in enumerate(pairs[:2 if call.startswith(("rename", "link")) else 1]):
            path = "" if path == "NULL" else path[1:-1].encode().decode("unicode_escape")
            how = how_traced(call, arguments)
            if path or start:
                found.add((steady(absolute(start or directory, path)), SECOND[re.sub("at2?$", "", call)] if i else how,
                           result < 0))
            if call == "chdir" and result == 0:
                directory = absolute(directory, path)
    return found


def make_project():
    for name, text in SOURCES.items():
        os.makedirs(os.path.dirname(os.path.join("project", name)), exist_ok=True)
        with open(os.path.join("project", name), "w") as file:
            file.write(text)
    return os.path.join(os.getcwd(), "project")


def built(project, *command):
    """Builds it anew by a command. Returns what that says."""
    run("sh", "-c", "rm -rf part/*.[oa] *.o program out", cwd=project)
    result = run(*command, cwd=project)
    expect(f"status of {command}: {result.stderr}", result.returncode, 0)
    return sorted(result.stdout.splitlines())


def case_build(k23, program):
    """The same files in the same ways as strace sees, and a build that says and makes the same."""
    del program
    for name in "strace", "make", "gcc":
        need_program(name)
    need("version 6" in run("strace", "--version").stdout, "strace cannot tell what AT_FDCWD is")
    project = make_project()
    make = "make", "-j2", "CC=gcc"
    trace = os.path.join(os.getcwd(), "trace")
    said = built(project, "strace", "-ff", "-y", "-s", "4096", "-o", trace, "-e", "trace=%file,%process,fchdir", *make)
    first = min(int(name.split(".")[1]) for name in os.listdir(".") if name.startswith("trace."))
    expected = traced(trace, first, project)
    expect("natively", run(project + "/program").returncode, 0)
    expect("enough", len(expected) > 200, True)
    for way in ways(k23, "make", "-C", project, "-n"):
        run("sh", "-c", "rm -rf part/*.[oa] *.o program out", cwd=project)
        result, rows = recorded(k23, way, *make, cwd=project)
        got = {(steady(path), how, error != 0) for _, _, _, how, path, error in rows}
        expect("output", sorted(result.stdout.splitlines()), said)
        expect("program", run(project + "/program").returncode, 0)
        if got != expected:
            raise Failed(f"{way}: only strace: {sorted(expected - got)[:20]}\nonly the hook: {sorted(got - expected)[:20]}")
        for path in {path for _, _, _, _, path, error in rows if ".." in path and not error and os.path.exists(path)}:
            expect("a link before ..", os.path.islink(path.split("/..")[0]), True)


def case_life(k23, program, rounds=1):
    """Threads, forks, vforks, and programs that are executed, in a static program: each file once."""
    expected = sorted(run(program, "life").stdout.splitlines())
    expect("natively", len(expected), 8 * 50 + 4 * 40 * 2 + 40 * 2 + 2)
    for way in ways(k23, program, "life"):
        for _ in range(rounds):
            result, rows = recorded(k23, way, program, "life")
            expect("output", sorted(result.stdout.splitlines()), expected)
            got = sorted(path.rsplit("/", 1)[1] for _, _, _, how, path, _ in rows if "/file-" in path and how == "stat")
            expect(f"{way}", got, expected)
            for pid, tid, call, how, path, error in rows:
                expect("error", ("/file-" in path and how == "stat") <= (error == 2), True)
                expect("place", "/file-" not in path or path.startswith(os.getcwd() + "/"), True)


def case_many_lives(k23, program):
    case_life(k23, program, rounds=10)


def case_killed(k23, program):
    """What a process has recorded outlives it, also when it is the only one; and others outlive the first one."""
    for way in ways(k23, program, "life"):
        _, rows = recorded(k23, way, "sh", "-c", f"{program} kill; true")
        expect("killed child", [path for *_, path, _ in rows if path.endswith("/file-last")] != [], True)
        _, rows = recorded(k23, way, program, "abort", status=-signal.SIGABRT)
        expect("abort", [path for *_, path, _ in rows if path.endswith("/file-last")] != [], True)
        for end, status in ("exit 3", 3), ("kill -9 $$", -signal.SIGKILL):
            _, rows = recorded(k23, way, "sh", "-c", f"(sleep 0.2; {program} last >later) & {end}", status=status)
            expect(f"after {end}", [path for *_, path, _ in rows if path.endswith("/file-last")] != [], True)


def case_descriptors(k23, program):
    """Descriptors and limits are the program's, and those do not matter."""
    expected = run(program, "descriptors").stdout
    expect("natively", len(expected.splitlines()), 3)
    for way in ways(k23, program, "descriptors"):
        result, rows = recorded(k23, way, program, "descriptors")
        expect("output", result.stdout, expected)
        for name in "file-closed", "file-limited", "file-child":
            expect(f"{name} {way}", len([path for *_, path, _ in rows if path.endswith("/" + name)]), 1)


def case_chroot(k23, program):
    """Paths are below the root that the run began with; whoever is there writes for those that are not."""
    need(os.getuid() == 0, "not root")
    os.makedirs("root/inner")
    root = os.path.join(os.getcwd(), "root")
    for way in ways(k23, program, "life"):
        result, rows = recorded(k23, way, "sh", "-c", f"{program} chroot {root} {root}/../root/inner; true")
        expect("output", result.stdout, "chroot\n")
        got = [path for _, _, _, _, path, _ in rows if "/file-" in path]
        expect(f"{way}", got, [root + name for name in ("/file-outer", "/inner/file-relative", "/inner/file-inner")])
        # If nobody is, it is said.
        result = run(k23, "run", *way, "--hook", f"record-files:out={os.getcwd()}/alone.db", "--", program, "chroot", root,
                     root + "/inner")
        if not re.search(r"record-files: \d+ bytes of records are not in \S+/alone\.db: ", result.stderr):
            raise Failed(f"without a word: {result.stderr!r}")


def case_mistakes(k23, program):
    with open("other", "w") as file:
        file.write("not a database\n" * 500)
    sqlite3.connect("other.db").executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    for options, words in (("", "it needs out=FILE"), (":out=", "it needs out=FILE"), (":out=/nowhere/x.db", "unable to open"),
                           (":out=other", "was not made by record-files"),
                           (":out=other.db", "was not made by record-files"),
                           (":out=a.db,format=x", "format")):
        result = run(k23, "run", "--hook", f"record-files{options}", "--", program, "abort")
        expect(f"status of {options}: {result.stderr}", result.returncode, 125)
        if words not in result.stderr or len(result.stderr.splitlines()) > 2:
            raise Failed(f"{options}: {result.stderr!r}")
    with open("other") as file:
        expect("file", file.read(), "not a database\n" * 500)
    expect("database", sqlite3.connect("other.db").execute("SELECT x FROM t").fetchall(), [(1,)])
    # A database of the hook's is written anew.
    for _ in range(2):
        _, rows = recorded(k23, [], "cat", "/dev/null")
        expect("once", [how for _, _, _, how, path, _ in rows if path == "/dev/null"].count("read"), 1)


def main():
    k23, program = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, program))


main()
