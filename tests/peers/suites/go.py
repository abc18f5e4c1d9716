"""Go's standard library: the folder that `go env GOROOT` names. Its tests are built natively, and run under k23."""

import json
import os
import shlex
import subprocess

from suite import WHOLE, Suite, Test, by_status, name_of


class Go(Suite):
    limit = 120  # the first time the tests have to be built

    def __init__(self, folder, scratch):
        super().__init__(folder, scratch)
        self.program = os.path.join(self.folder, "bin", "go")
        self.env = {
            "GOROOT": self.folder, "GOCACHE": os.path.join(scratch, "go-cache"), "GOFLAGS": "", "GOTOOLCHAIN": "local",
        }

    def version(self):
        return subprocess.run([self.program, "env", "GOVERSION"], capture_output=True, text=True).stdout.strip()

    def tests(self):
        form = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
        listed = subprocess.run([self.program, "list", "-f", form, "std"], capture_output=True, text=True, check=True,
                                env={**os.environ, **self.env})
        command = [self.program, "test", "-count=1", "-short", "-json", "-vet=off"]
        return {name: Test([*command, name], env=self.env) for name in listed.stdout.split()}

    def command(self, test, prefix):
        *words, package = test.command
        return [*words, *(["-exec", shlex.join(prefix)] if prefix else []), package]

    def verdicts(self, run):
        verdicts = {}
        for line in run.output.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("Action") in ("pass", "fail", "skip") and "Test" in event:
                verdicts[name_of(event["Test"])] = event["Action"]
        return {**verdicts, WHOLE: by_status(run.status)}
