"""The Linux Test Project's tests of system calls: its folder, with testcases/kernel/syscalls built."""

import collections
import os
import re
import shlex

from suite import WHOLE, Suite, Test, by_status, first_match

KINDS = "TPASS|TFAIL|TBROK|TCONF"
# A status of these tests is a sum: 1 failed, 2 broken, 4 warned, 32 not for this machine.
STATUS = {0: "pass", 32: "skip", 1: "fail", 2: "broken", 4: "warned"}


class Ltp(Suite):
    def version(self):
        return first_match(r"^(\S+)", os.path.join(self.folder, "VERSION"))

    def tests(self):
        syscalls = os.path.join(self.folder, "testcases", "kernel", "syscalls")
        built = {}
        for parent, _, files in os.walk(syscalls):
            for name in files:
                if os.access(os.path.join(parent, name), os.X_OK):
                    built[name] = parent
        tests = {}
        with open(os.path.join(self.folder, "runtest", "syscalls"), encoding="utf-8") as file:
            for line in file:
                words = shlex.split(line, comments=True)
                if len(words) < 2 or words[1] not in built:
                    continue
                folder = built[words[1]]
                # Some run a second program, which they look for in PATH.
                env = {"PATH": folder + ":" + os.environ["PATH"], "LTPROOT": self.folder, "KCONFIG_SKIP_CHECK": "1"}
                helpers = [os.path.join(folder, name) for name, parent in built.items() if parent == folder]
                tests[words[0]] = Test([os.path.join(folder, words[1]), *words[2:]], None, env, tuple(helpers))
        return tests

    def verdicts(self, run):
        # How often a line of a source says it may be a matter of time; what it says is not.
        lines = collections.defaultdict(set)
        for name, kind in re.findall(rf"^(\S+:\d+|\w+ +\d+):? +({KINDS})\b", run.output, re.M):
            lines["_".join(name.split())].add(kind)
        verdicts = {name: "+".join(sorted(kinds)) for name, kinds in lines.items()}
        return {**verdicts, WHOLE: STATUS.get(run.status) or by_status(run.status)}
