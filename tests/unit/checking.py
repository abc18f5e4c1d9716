#!/usr/bin/python3
"""tools/check.py tells what fails from what failed once, and counts. usage: checking.py SOURCE_ROOT"""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import Failed, expect

PROJECT = """project('tests')
foreach name, code : {'well': 'exit 0', 'missing': 'exit 77', %s}
  test(name, find_program('sh'), args: ['-c', code], workdir: meson.current_build_dir())
endforeach
"""
ALWAYS = "'always': 'echo second; exit 3'"
RARELY = "'rarely': 'echo >>rarely; test $(( $(wc -l <rarely) % 5 )) != 1'"


def once(name):
    return f"'{name}': 'test -e {name} || {{ touch {name}; echo first; exit 1; }}'"


def check(root, *tests):
    """The exit status of tools/check.py for a project with such tests, and the lines that say what failed."""
    shutil.rmtree("build", ignore_errors=True)
    with open("meson.build", "w", encoding="utf-8") as file:
        file.write(PROJECT % ", ".join(tests))
    if harness.run("meson", "setup", "build").returncode:
        raise Failed("meson")
    done = harness.run(sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r} + '/tools')\n"
                       "import check; check.builds = lambda main: [check.Build('build')]; check.main()", "build")
    lines = done.stdout.splitlines()
    # Tests that run at once end in any order.
    return done.returncode, sorted(line for line in lines if line.startswith(("failed:", "unstable:"))), lines[-1]


def case(root):
    again = "unstable: failed once, and never when it was run again: build: "
    expect("well", check(root), (0, [], "1 passed, 0 failed, 1 skipped"))
    expect("always", check(root, ALWAYS),
           (1, ["failed: build: always: FAIL"], "1 passed, 1 failed, 1 skipped"))
    expect("once", check(root, once("a"), once("b")),
           (0, [f"{again}a: FAIL", f"{again}b: FAIL"], "3 passed, 0 failed, 1 skipped"))
    expect("rarely", check(root, RARELY, once("a")),
           (1, ["failed: build: rarely: FAIL",
                f"{again}a: FAIL"],
            "2 passed, 1 failed, 1 skipped"))
    status, lines, last = check(root, *map(once, "abcd"))
    expect("many", (status, len(lines), last), (1, 4, "1 passed, 4 failed, 1 skipped"))


if __name__ == "__main__":
    source_root = os.path.abspath(sys.argv[1])
    harness.main(lambda: case(source_root))
