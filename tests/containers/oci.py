#!/usr/bin/python3
"""k23-oci: what it tells the runtime behind it, and containers by crun. usage: oci.py K23-OCI K23-STATIC HOOKS CASE"""
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from crun import Crun, write
from harness import Failed, expect

OCI, STATIC, HOOKS = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
HERE = pathlib.Path(__file__).resolve().parent
PLACE = "/dev/k23"
FRONT = [f"{PLACE}/k23", "run", f"--store={PLACE}/store", "--no-learn"]


# What k23-oci makes of configurations and command lines.

def configuration(*args, annotations=None, dev="tmpfs"):
    return {"ociVersion": "1.0.0", "process": {"args": list(args), "cwd": "/", "user": {"uid": 0, "gid": 0}},
            "annotations": annotations or {}, "linux": {"memory": {"limit": 18446744073709551615}},
            "mounts": [{"destination": "/dev", "type": dev, "source": dev, "options": ["nosuid"]}]}


class Bundle:
    """A bundle, and k23-oci in front of a runtime that records what it is told."""

    def __init__(self, config, **settings):
        self.folder = pathlib.Path("bundle").resolve()
        self.folder.mkdir(exist_ok=True)
        self.config = write(self.folder / "config.json", config)
        self.settings = write(self.folder / "oci.json", {"runtime": str(HERE / "runtime.py"), "k23": str(STATIC), **settings})
        self.record = self.folder / "record"

    def run(self, *args):
        self.record.unlink(missing_ok=True)
        ran = harness.run(OCI, f"--k23-config={self.settings}", *args,
                          env=dict(os.environ, BUNDLE=str(self.folder), RECORD=str(self.record)))
        told = json.loads(self.record.read_text()) if self.record.exists() else None
        return ran, told

    def create(self):
        ran, told = self.run("--log", "log", "create", "--bundle", self.folder, "--pid-file", "pid", "name")
        expect(f"create: {ran.stderr}", (ran.returncode, told["args"]),
               (0, ["--log", "log", "create", "--bundle", str(self.folder), "--pid-file", "pid", "name"]))
        return json.loads(self.config.read_text())

    def refused(self, *words):
        ran, told = self.run("--log", "log", "--log-format=json", "create", f"--bundle={self.folder}", "name")
        expect("the runtime was told", told, None)
        expect("exit status", ran.returncode, 125)
        logged = json.loads(pathlib.Path("log").read_text().splitlines()[-1])
        expect("level in the log", logged["level"], "error")
        for word in words:
            if word not in ran.stderr or word not in logged["msg"]:
                raise Failed(f"{ran.stderr!r} and {logged!r} do not name {word}")


def case_create():
    """The program is behind k23, with mounts that are read-only, and nothing else is changed."""
    before = configuration("sh", "-c", "exit 3", annotations={"k23.hook": "null", "other": "x"})
    bundle = Bundle(before)
    after = bundle.create()
    expect("args", after["process"]["args"], [*FRONT, f"--hook={PLACE}/hooks/null.so", "--", "sh", "-c", "exit 3"])
    expect("mounts", {mount["destination"]: mount["source"] for mount in after["mounts"][1:3]},
           {f"{PLACE}/k23": str(STATIC), f"{PLACE}/hooks": str(HOOKS)})
    for mount in after["mounts"][1:]:
        expect("options", (mount["type"], mount["options"]), ("bind", ["bind", "ro", "nosuid", "nodev"]))
    expect("again", bundle.create(), after)
    after["process"]["args"], after["mounts"] = before["process"]["args"], before["mounts"]
    expect("the rest", after, before)


def case_annotations():
    """Each annotation, hooks in the order of their names, and what cannot be, which changes nothing."""
    def words(settings=None, dev="tmpfs", **annotations):
        named = {"k23." + name.replace("_", "."): value for name, value in annotations.items()}
        return Bundle(configuration("true", annotations=named, dev=dev), **(settings or {})).create()["process"]["args"]

    expect("nothing", words(), [*FRONT, "--", "true"])
    expect("disabled", words(enabled="false", hook="null"), ["true"])
    expect("hooks", words(hook_2="null", hook_1="readonly:root=/a,b=c")[4:6],
           [f"--hook={PLACE}/hooks/readonly.so:root=/a,b=c", f"--hook={PLACE}/hooks/null.so"])
    expect("patch", words(patch="false")[4], "--no-patch")
    expect("patch", words(patch="eager", foreign="allow")[4:6], ["--foreign=allow", "--eager"])
    expect("command", words(command="trace", options="-e  openat")[1:], ["trace", *FRONT[2:], "-e", "openat", "--", "true"])
    expect("without a /dev of its own", words(dev="bind")[0], "/.k23/k23")
    own = pathlib.Path("own").resolve()
    own.mkdir(exist_ok=True)
    shutil.copy(HOOKS / "null.so", own / "mine.so")
    settings = {"hook-folder": str(own), "hooks": [str(own / "mine.so"), "null"]}
    expect("the administrator's", [word for word in words(settings, hook="mine:a=b") if "--hook" in word],
           [f"--hook={PLACE}/own/1.so", f"--hook={PLACE}/hooks/null.so", f"--hook={PLACE}/own/2.so:a=b"])
    for name, value, *named in (("hook", "/etc/passwd", "/etc/passwd"), ("hook", "../x", "../x"), ("hook", "none", "none"),
                                ("hooks", "null", "k23.hooks"), ("patch", "maybe", "k23.patch", "maybe"),
                                ("options", "-- sh", "k23.options"), ("hook", "", "hook")):
        bundle = Bundle(configuration("true", annotations={"k23." + name: value}))
        bundle.refused(*named)
        expect("config.json", json.loads(bundle.config.read_text())["process"]["args"], ["true"])
    Bundle(configuration("true"), k23="/nowhere").refused("/nowhere")
    Bundle(configuration("true"), runtime="no-such-runtime").refused("no-such-runtime")
    Bundle(configuration("true"), other="x").refused("other")
    Bundle(configuration("true", annotations={"k23.enabled": "false"}), hooks=["null"]).refused("k23.enabled")
    Bundle({"ociVersion": "1.0.0"}).refused("process.args")


def case_exec():
    """What is executed in a container later is behind the same words, however it is given."""
    bundle = Bundle(configuration("true", annotations={"k23.hook": "null"}))
    front = bundle.create()["process"]["args"][:-1]
    _, told = bundle.run("--root", "/run/x", "exec", "-t", "--env", "A=B", "name", "sh", "-c", "id")
    expect("words", told["args"], ["--root", "/run/x", "exec", "-t", "--env", "A=B", "name", *front, "sh", "-c", "id"])
    process = write(bundle.folder / "process.json", {"args": ["id"], "cwd": "/", "terminal": False})
    for option in (["--process", str(process)], [f"--process={process}"], ["-p", str(process)], [f"-p{process}"]):
        _, told = bundle.run("exec", "--pid-file", "pid", *option, "--detach", "name")
        expect(f"{option}", told["process"], {"args": [*front, "id"], "cwd": "/", "terminal": False})
        expect(f"{option}", told["args"][0:3] + told["args"][-2:], ["exec", "--pid-file", "pid", "--detach", "name"])
    expect("the file", json.loads(process.read_text())["args"], ["id"])
    _, told = Bundle(configuration("true")).run("exec", "name", "id")
    expect("a container without k23", told["args"], ["exec", "name", "id"])


def case_others():
    """All other commands reach the runtime as they are, and a runtime may be none of the usual ones."""
    bundle = Bundle(configuration("true"))
    for words in (["--version"], ["start", "name"], ["kill", "name", "9"], ["delete", "-f", "name"],
                  ["--root", "create", "list"], ["--log=create", "ps", "name"]):
        _, told = bundle.run(*words)
        expect("words", told["args"], words)
    expect("config.json", json.loads(bundle.config.read_text())["process"]["args"], ["true"])
    _, told = bundle.run("create", "-f", "other.json", "-b", bundle.folder, "name")
    expect("a file that is not there", told, None)


# Containers.

def same(crun, script, **options):
    """What a program prints and returns is the same without and with k23. Its messages under k23 are returned."""
    native, ran = crun.run(script, runtime="crun", **options), crun.run(script, **options)
    expect(script + ": " + ran.stderr, (ran.returncode, ran.stdout, ran.stderr),
           (native.returncode, native.stdout, native.stderr))


# What profiles of engines and of careful people deny, each of which k23 uses where it may.
DENIED = (["add_key", "bpf", "kexec_load", "mount", "perf_event_open", "setns", "unshare", "userfaultfd"], ["ptrace"],
          ["process_vm_readv", "process_vm_writev"], ["memfd_create"], ["shmget", "shmat"])


def denying(calls):
    """A change of a configuration: a profile for x86-64 alone, under which these calls fail with EPERM."""
    def change(config):
        config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
                                      "syscalls": [{"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
    return change


def without_rights(config):
    config["process"]["capabilities"] = {}
    config["process"]["noNewPrivileges"] = True
    config["root"]["readonly"] = True


def containers(rootless):
    crun = Crun(OCI, STATIC, rootless)
    script = "id; cat /proc/self/status | grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp:; true | cat; echo x >/tmp/file; exit 3"
    for change in (None, without_rights):
        same(crun, script, change=change)
    for calls in DENIED:
        ran = crun.run("true | cat; echo x >/tmp/file", hook="readonly:root=/proc", change=denying(calls))
        expect(f"a hook, without {calls}: {ran.stderr}", (ran.returncode, "Read-only file system" in ran.stderr), (1, True))
    ran = crun.run("true", change=denying(["ptrace", "memfd_create"]))
    expect(f"without ptrace and memfd_create: {ran.stderr}", (ran.returncode, "ptrace is denied" in ran.stderr), (126, True))
    counted = crun.run("id; true | cat", command="stat")
    ways = [line.split() for line in counted.stderr.splitlines() if line.endswith("/bin/busybox")]
    if len(ways) != 1 or float(ways[0][0]) < 50:
        raise Failed(f"few calls take the fast path: {counted.stderr}")
    gone = harness.run(*crun.command("k23-oci", "list"), env=crun.environment()).stdout
    expect("containers that are left", "name" in gone.split(), False)


def case_crun():
    containers(rootless=False)


def case_crun_rootless():
    containers(rootless=True)


harness.main(lambda: harness.run_case(globals(), sys.argv[4]))
