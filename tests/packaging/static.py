#!/usr/bin/python3
"""k23-static where there is nothing else: a root with it, hooks and a static program, first without /proc.
usage: static.py K23-STATIC HOOKS-FOLDER"""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import expect, need

K23, HOOKS = (pathlib.Path(path).resolve() for path in sys.argv[1:])
PROGRAM = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	int fd = open("/file", O_WRONLY | O_CREAT, 0600);

	puts(fd < 0 ? strerror(errno) : "written");
	return 3;
}
"""


def make_root(root):
    for folder in ("hooks", "proc"):
        (root / folder).mkdir(parents=True)
    shutil.copy(K23, root / "k23")
    for name in ("null.so", "redirect.so", "stat.so", "trace.so"):
        shutil.copy(HOOKS / name, root / "hooks")
    (root / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-static", "-o", root / "program", root / "program.c"], check=True)


def inside(root, *command, proc=False):
    """A command in the root, as a container's first process or with less."""
    if proc:
        mount = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
        command = ("unshare", "--mount", "sh", "-c", mount, root, *command)
    else:
        command = ("chroot", root, *command)
    return harness.run(*command, env={"K23_STORE": "/store", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def without_proc(root):
    """Hooks are found by their paths; no place is learned, but what was analysed is patched."""
    analysed = inside(root, "/k23", "analyze", "/program")
    expect(f"analyze: {analysed.stderr}", analysed.returncode, 0)
    for hook, written in (("/hooks/null.so", "file"), ("/hooks/redirect.so:from=/file,to=/elsewhere", "elsewhere")):
        for option in ("--no-patch", "--eager"):
            ran = inside(root, "/k23", "run", option, "--hook", hook, "--", "/program")
            expect(f"{hook} {option}", (ran.returncode, ran.stdout, ran.stderr), (3, "written\n", ""))
            (root / written).unlink()


def with_proc(root):
    learned = inside(root, "/k23", "learn", "--", "/program", proc=True)
    expect(f"learn: {learned.stderr}", (learned.returncode, learned.stdout), (3, "written\n"))
    sites = inside(root, "/k23", "sites", "list", proc=True).stdout
    expect(f"sites list: {sites}", "/program" in sites, True)
    counted = inside(root, "/k23", "stat", "--", "/program", proc=True)
    expect(f"stat: {counted.stderr}", (counted.returncode, "openat" in counted.stderr), (3, True))
    traced = inside(root, "/k23", "trace", "--", "/program", proc=True)
    expect(f"trace: {traced.stderr}", (traced.returncode, 'openat(AT_FDCWD, "/file"' in traced.stderr), (3, True))


def test():
    need(os.geteuid() == 0, "only root may chroot")
    headers = harness.run("readelf", "-lW", K23).stdout
    expect("headers for a dynamic linker", [name for name in ("INTERP", "DYNAMIC") if name in headers], [])
    root = pathlib.Path("root").resolve()
    make_root(root)
    without_proc(root)
    with_proc(root)


harness.main(test)
