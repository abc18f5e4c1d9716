#!/usr/bin/python3
"""What `make install` puts into a folder works there and is in a Debian package, and `make uninstall` leaves nothing.
usage: installed.py BUILD"""
import fnmatch
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import Failed, expect

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sections(path):
    return subprocess.run(["readelf", "-SW", path], check=True, capture_output=True, text=True).stdout


def one(root, pattern):
    """The one file below root that the pattern names."""
    found = sorted(root.rglob(pattern))
    expect(f"files that are {pattern}", len(found), 1)
    return found[0]


def look(root):
    """Each kind of file is there, programs without what only debuggers read, the runtime for debuggers with it."""
    for program in "bin/k23", "k23/k23-tool":
        if ".debug_info" in sections(one(root, program)):
            raise Failed(f"{program} is not stripped")
    if ".debug_info" not in sections(one(root, "k23/k23-rt.elf")):
        raise Failed("k23-rt.elf has nothing for debuggers")
    for name in ("include/k23/hook.h", "pkgconfig/k23.pc", "share/k23/k23-gdb.py", "share/k23/k23-trace.schema.json",
                 "man1/k23.1", "man5/k23-trace-json.5", "man7/k23-fd.7", "man7/k23-hook.7",
                 "man7/k23-python.7", "man7/k23-state.7",
                 "doc/k23/LICENSE", "doc/k23/README.md", "doc/k23/docs/design.md"):
        one(root, name)


def packaged(prefix):
    """Each file is in a list of debian/ once: dh_missing, which says so, runs only when the packages are built."""
    lists = sorted((ROOT / "debian").glob("*.install")) + [ROOT / "debian/not-installed"]
    patterns = [line for path in lists for line in path.read_text().split()]
    for path in prefix.rglob("*"):
        name = f"usr/{path.relative_to(prefix)}"
        if path.is_file() and name != "usr/share/doc/k23/LICENSE":
            found = [pattern for pattern in patterns if fnmatch.fnmatch(name, pattern) or
                     fnmatch.fnmatch(name, pattern + "/*")]
            expect(f"the lists of debian/ that have {name}", len(found), 1)


def use(root, scratch):
    """The installed k23 finds its hooks, and builds each example that is installed with it."""
    k23 = one(root, "bin/k23")
    expect("the hook null", harness.run(k23, "run", "--hook", "null", "--", "echo", "hello").stdout, "hello\n")
    examples = one(root, "examples/hooks")
    for source in sorted(examples.glob("*.c")):
        hook = scratch / (source.stem + ".so")
        built = harness.run(k23, "cc", source, "-o", hook)
        expect(f"k23 cc {source.name}: {built.stderr}", built.returncode, 0)
    ran = harness.run(k23, "run", "--hook", f"{scratch}/readonly.so:root={scratch}", "--", "touch", ROOT / "never")
    expect("writes outside of the root", ran.returncode, 1)


def test():
    build = os.path.abspath(sys.argv[1])
    with harness.scratch() as scratch:
        scratch = pathlib.Path(scratch)
        root = scratch / "root"
        environment = dict(os.environ, DESTDIR=str(root))
        told = subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--strip"], env=environment,
                              capture_output=True, text=True)
        expect("meson install: " + told.stdout + told.stderr, told.returncode, 0)
        look(root)
        packaged(one(root, "bin").parent)
        use(root, scratch)
        other = next(root.rglob("bin")) / "another"
        other.write_text("not k23's")
        none = subprocess.run([ROOT / "tools/uninstall.py", scratch], env=environment, text=True, capture_output=True)
        if none.returncode == 0 or len(none.stderr.splitlines()) != 1:
            raise Failed(f"uninstall without a build says: {none.stderr}")
        subprocess.run([ROOT / "tools/uninstall.py", build], env=environment, check=True, capture_output=True)
        left = [path for path in root.rglob("*") if path.is_file() or "k23" in path.name]
        expect("what is left", left, [other])


harness.main(test)
