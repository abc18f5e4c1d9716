"""rr's tests as ordinary programs: the folder in which rr was built."""

import os

from suite import WHOLE, Suite, Test, by_status, first_match


class Rr(Suite):
    limit = 10  # some wait for rr, and never end

    def source(self):
        return first_match(r"^rr_SOURCE_DIR:STATIC=(.*)$", os.path.join(self.folder, "CMakeCache.txt"))

    def version(self):
        lists = os.path.join(self.source(), "CMakeLists.txt")
        return ".".join(first_match(rf"^set\(rr_VERSION_{part} (\d+)\)", lists) for part in ("MAJOR", "MINOR", "PATCH"))

    def tests(self):
        source = os.path.join(self.source(), "src", "test")
        sources = {
            os.path.splitext(name)[0] for place in (source, os.path.join(source, "x86")) for name in os.listdir(place)
        }
        programs = os.path.join(self.folder, "bin")
        return {name: Test([os.path.join(programs, name)]) for name in sorted(os.listdir(programs)) if name in sources}

    def verdicts(self, run):
        # A test says so when it is satisfied, however it ends then.
        said = "pass" if "EXIT-SUCCESS" in run.output else "fail"
        end = by_status(run.status)
        return {WHOLE: "timeout" if run.status is None else said, "status": str(run.status) if end == "fail" else end}
