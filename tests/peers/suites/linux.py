"""The kernel's selftests: the folder that their `make install` has made."""

import os
import re

from suite import WHOLE, Suite, Test, by_status, collect, executables, tap

# Here the list has a script that runs all programs; they are taken one by one.
ONE_BY_ONE = ("mm", "vm", "futex")


class Linux(Suite):
    def version(self):
        folder = self.folder
        while folder != "/":
            folder = os.path.dirname(folder)
            if os.path.exists(os.path.join(folder, "Kbuild")):
                with open(os.path.join(folder, "Makefile"), encoding="utf-8") as file:
                    return ".".join(re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)", file.read(), re.M))
        return "-"

    def tests(self):
        with open(os.path.join(self.folder, "kselftest-list.txt"), encoding="utf-8") as file:
            listed = [line.strip().split(":", 1) for line in file if ":" in line]
        for target in ONE_BY_ONE:
            for name in executables(os.path.join(self.folder, target)):
                if not name.endswith(".sh"):
                    listed.append([target, name])
        tests = {}
        for target, name in listed:
            path = os.path.join(self.folder, target, name)
            if not (target in ONE_BY_ONE and name.endswith(".sh")):
                tests[f"{target}/{name}"] = Test([path], os.path.dirname(path))
        return tests

    def verdicts(self, run):
        # Programs that are older than the protocol mark their lines; texts have addresses, so marks are counted.
        marks = collect((word, "seen") for word in re.findall(r"^\[(OK|FAIL|SKIP)\]", run.output, re.M))
        return {**marks, **tap(run.output), WHOLE: by_status(run.status, skipped=[4])}
