"""Python's own tests: the folder of its library, such as /usr/lib/python3.11, or that in which it was built."""

import os
import re
import subprocess

from suite import WHOLE, Suite, Test, by_status, collect

ENDS = {"ok": "pass", "FAIL": "fail", "ERROR": "error", "skipped": "skip", "expected failure": "pass"}
TEST = re.compile(r"^(\w+) \(([\w.]+)\)(?:\n[^\n]*?)? \.\.\. ", re.M)
# Right behind the dots, or where a test has printed something, at the begin of a line.
END = re.compile(r"^(ok|FAIL|ERROR|skipped|expected failure)\b(?= ['\"]|$)", re.M)


class Python(Suite):
    limit = 60

    def __init__(self, folder, scratch):
        super().__init__(folder, scratch)
        built = os.path.join(self.folder, "python")
        self.program = built if os.path.exists(built) else "/usr/bin/" + os.path.basename(self.folder)

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.split()[-1]

    def tests(self):
        listed = subprocess.run([self.program, "-m", "test", "--list-tests"], capture_output=True, text=True, check=True)
        return {name: Test([self.program, "-m", "test", "-v", name]) for name in listed.stdout.split()}

    def verdicts(self, run):
        # Since Python 3.11 the place has the name, too.
        found, begins = [], list(TEST.finditer(run.output))
        for test, following in zip(begins, [begin.start() for begin in begins[1:]] + [None]):
            name, where = test.groups()
            end = END.search(run.output[test.end():following])
            if end:
                found.append((where if where.endswith("." + name) else f"{where}.{name}", ENDS[end[1]]))
        parts = collect(found)
        skipped = re.search(r"^Result: (NO TESTS RAN|NO TEST RUN)|^1 test skipped", run.output, re.M)
        return {**parts, WHOLE: "skip" if skipped else by_status(run.status)}
