#!/usr/bin/python3
"""Runs all tests: everything as built by the default compiler, a part of it once more as tests/elsewhere.sh starts it;
what needs no program of its own (units, hooks, commands, sites) as built by clang with sanitizers, which the runtime
is always without, and the units by a newer clang. Warnings are errors in these. What could say nothing new there is
left out: the suite `once` looks at the sources, or works them; `races` look long for what depends on time, and `whole`
runs whole programs in a hook's file system or network, whatever the compiler, and wherever they were started.
usage: check.py BUILD

A test that fails is run again and again. One that never fails then is called unstable: that is a defect to look for, of
the test or of k23, and its output is there, but the check may pass. More than a few such tests fail it. What failed is
named once more at the end.
"""

import glob
import json
import os
import subprocess
import sys

AGAIN, AGAIN_SECONDS, MOST_UNSTABLE = 20, 200, 3
AT_ONCE = (os.cpu_count() or 1) + 2  # tests wait for a good part of their time
PASSED, SKIPPED = ("OK", "EXPECTEDFAIL"), "SKIP"


class Build:
    """A folder of meson's, and what is to be run there."""

    def __init__(self, folder, *arguments, setup=None, target=None, options=(), environment=None):
        self.folder = folder
        self.arguments = arguments          # of meson test
        self.setup = setup                  # of meson.build
        self.target = target                # what is to be built; None: it is there
        self.options = options              # of meson setup
        self.environment = {**os.environ, **(environment or {})}

    def logged(self, *command):
        log = self.folder + ".log"
        with open(log, "w", encoding="utf-8") as output:
            done = subprocess.run(command, env=self.environment, stdout=output, stderr=output, check=False)
        if done.returncode:
            with open(log, encoding="utf-8", errors="replace") as output:
                print(output.read(), flush=True)
        return done.returncode == 0

    def make(self):
        """Returns whether it is there."""
        if not self.target:
            return True
        if not os.path.exists(os.path.join(self.folder, "build.ninja")) and \
                not self.logged("meson", "setup", self.folder, "--werror", *self.options):
            return False
        return self.logged("ninja", "-C", self.folder, self.target)

    def meson_test(self, log, *arguments):
        """Runs tests. Returns what is known of each run."""
        for store in glob.glob(os.path.join(self.folder, "store")) + glob.glob(os.path.join(self.folder, "store.*")):
            os.unlink(store)  # what was learned by other builds
        setup = ["--setup", self.setup] if self.setup else []
        subprocess.run(["meson", "test", "-C", self.folder, "--print-errorlogs", "--no-rebuild", "--logbase", log,
                        "--num-processes", str(AT_ONCE), *setup, *arguments], env=self.environment, check=False)
        name = "-".join([log, *setup[1:]]) + ".json"
        with open(os.path.join(self.folder, "meson-logs", name), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def run(self):
        return self.meson_test("testlog", *self.arguments)

    def passes_again(self, test):
        times = max(5, min(AGAIN, int(AGAIN_SECONDS / test["duration"])))
        runs = self.meson_test("again", "--repeat", str(times), "--maxfail", "1", test["name"].split(" / ")[-1])
        return len(runs) == times and all(run["result"] in PASSED for run in runs)


def only(suites, without):
    """Arguments of meson test."""
    return [word for option, names in (("--suite", suites), ("--no-suite", without))
            for name in names.split() for word in (option, name)]


def builds(main):
    yield Build(main, *only("", "stress"))
    yield Build(main, *only("elsewhere hooks commands attach", "stress once races whole"), setup="elsewhere")
    # Without what the C library's obstacks do: they add to a null pointer.
    yield Build(main + "-sanitized", *only("unit hooks sites commands fuzz", "stress once races whole"), target="check-targets",
                options=["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dc_args=-fno-sanitize=pointer-overflow"],
                environment={"CC": "clang", "UBSAN_OPTIONS": "halt_on_error=1"})
    # The newest compiler that Debian 12 has; its gcc is the default one.
    yield Build(main + "-newer", *only("unit", "once"), target="check-units", environment={"CC": "clang-19"})


def name_tests(kind, tests):
    for build, test in tests:
        output = (test.get("stdout") or "") + (test.get("stderr") or "")
        print(f"{kind}: {build.folder}: {test['name']}: {test['result']}", *output.splitlines()[-5:], sep="\n  ")


def main():
    passed, skipped, failed, unbuilt = 0, 0, [], []
    for build in builds(sys.argv[1]):
        if not build.make():
            unbuilt.append(build.folder)
            continue
        for test in build.run():
            passed += test["result"] in PASSED
            skipped += test["result"] == SKIPPED
            if test["result"] not in (*PASSED, SKIPPED):
                failed.append((build, test))
    # Where much fails, something is broken.
    unstable = [(build, test) for build, test in failed if len(failed) <= MOST_UNSTABLE and build.passes_again(test)]
    failed = [one for one in failed if one not in unstable]
    name_tests("failed", failed)
    name_tests("unstable: failed once, and never when it was run again", unstable)
    for folder in unbuilt:
        print(f"not built: {folder}")
    print(f"{passed + len(unstable)} passed, {len(failed)} failed, {skipped} skipped")
    sys.exit(bool(failed or unbuilt or not passed))


if __name__ == "__main__":
    main()
