#!/usr/bin/python3
"""tools/check.py tells what fails from what failed once, and counts. usage: check.py SOURCE_ROOT"""

import contextlib
import io
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import expect

PROJECT = """project('tests')
foreach name, code : {
  'well': 'exit 0', 'missing': 'exit 77', %s
}
  test(name, find_program('sh'), args: ['-c', code], workdir: meson.current_build_dir())
endforeach
"""
ONCE = "'once %d': 'test -e once%d || { touch once%d; echo first; exit 1; }'"
ALWAYS = "'always': 'echo second; exit 3'"
RARELY = "'rarely': 'echo >>rarely; test $(( $(wc -l <rarely) %% 5 )) != 1'"


def check(root, *tests):
    """What tools/check.py says at the end of a project with such tests, and its status."""
    with open("meson.build", "w", encoding="utf-8") as file:
        file.write(PROJECT % ", ".join(tests))
    harness.run("rm", "-rf", "build")
    harness.run("meson", "setup", "build", check=True)
    code = (f"import sys; sys.path.insert(0, {root!r} + '/tools'); sys.argv[1:] = ['build']\n"
            "import check; check.builds = lambda main: [check.Build(main)]; check.main()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout[done.stdout.rindex("Full log"):].splitlines()[2:]


def case(root):
    expect("well", check(root), (0, ["1 passed, 0 failed, 1 skipped"]))
