"""liburing's tests: its folder, built."""

import os

from suite import WHOLE, Suite, Test, by_status, executables, first_match


class Liburing(Suite):
    def version(self):
        return first_match(r"^Version: *(\S+)", os.path.join(self.folder, "liburing.spec"))

    def tests(self):
        programs = os.path.join(self.folder, "test")
        names = [name for name in executables(programs) if name.endswith(".t")]
        return {name[:-2]: Test([os.path.join(programs, name)]) for name in names}

    def verdicts(self, run):
        return {WHOLE: by_status(run.status, skipped=[77])}
