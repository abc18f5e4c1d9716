"""stress-ng: the folder that has its program; each stressor is a test, for a second."""

import os
import subprocess

from suite import WHOLE, Suite, Test, by_status

# These take all memory or processes there are, or work on the machine's devices.
LEFT_OUT = {
    "bad-altstack", "bigheap", "brk", "cpu-online", "cyclic", "dev", "dev-shm", "fork", "memhotplug", "mlockmany",
    "module", "mremap", "oom-pipe", "ramfs", "reboot", "resources", "shm", "smi", "softlockup", "stack", "swap",
    "vm", "vm-addr", "vm-rw", "vm-segv", "vm-splice", "watchdog", "zombie",
}
STATUS = {0: "pass", 3: "skip", 4: "skip", 5: "killed"}


class StressNg(Suite):
    def __init__(self, folder, scratch):
        super().__init__(folder, scratch)
        self.program = os.path.join(self.folder, "stress-ng")

    def version(self):
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.split()
        return next((word for word in said if word[0].isdigit()), "-")

    def tests(self):
        listed = subprocess.run([self.program, "--stressors"], capture_output=True, text=True, check=True)
        options = ["--timeout", "1", "--verify", "--metrics-brief"]
        return {
            name: Test([self.program, f"--{name}", "1", *options])
            for name in listed.stdout.split()
            if name not in LEFT_OUT
        }

    def verdicts(self, run):
        return {WHOLE: STATUS.get(run.status) or by_status(run.status)}
