"""CRIU's tests, without checkpoint and restart in the middle: its folder test/zdtm, built."""

import os

from suite import WHOLE, Suite, Test, by_status, first_match

# The test goes on in the background when it is ready, and ends with what it has to say when it is told to.
SCRIPT = """
cd "$1" && make -s "$2.cleanout" && make -s "$2.pid" || exit 2
pid=$(cat "$2.pid") && kill -TERM "$pid" || exit 2
while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
cat "$2.out"
grep -q PASS "$2.out"
status=$?
make -s "$2.cleanout"
exit $status
"""


class Zdtm(Suite):
    def version(self):
        makefile = os.path.join(self.folder, "..", "..", "Makefile.versions")
        return ".".join(first_match(rf"^CRIU_VERSION_{part}\s*:=\s*(\d+)", makefile) for part in ("MAJOR", "MINOR"))

    def tests(self):
        static = os.path.join(self.folder, "static")
        names = sorted(name[:-2] for name in os.listdir(static) if name.endswith(".c"))
        return {
            name: Test(["sh", "-c", SCRIPT, "sh", static, name], programs=(os.path.join(static, name), "/bin/sh"))
            for name in names
            if os.access(os.path.join(static, name), os.X_OK)
        }

    def verdicts(self, run):
        return {WHOLE: by_status(run.status, skipped=[2])}
