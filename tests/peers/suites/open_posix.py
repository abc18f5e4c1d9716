"""The Open POSIX Test Suite: its folder in the Linux Test Project, built."""

import os

from suite import WHOLE, Suite, Test, by_status, executables, first_match

STATUS = {0: "pass", 1: "fail", 2: "unresolved", 4: "unsupported", 5: "untested"}


class OpenPosix(Suite):
    def version(self):
        return first_match(r"^(\S+)", os.path.join(self.folder, "..", "..", "VERSION"))

    def tests(self):
        interfaces = os.path.join(self.folder, "conformance")
        return {
            name: Test([os.path.join(interfaces, name)])
            for name in executables(interfaces)
            if name.endswith((".run-test", ".test"))
        }

    def verdicts(self, run):
        return {WHOLE: STATUS.get(run.status) or by_status(run.status)}
