"""Containers by crun, alone and behind k23-oci: what oci.py and bench/containers.py share."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import harness
from harness import need, need_program

APPLETS = ("sh", "id", "ls", "true", "cat", "sleep", "grep")
# A hierarchy of cgroups that crun accepts, whatever the machine has.
CGROUPS = 'umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup || exit 99; exec "$@"'
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def write(path, what):
    path.write_text(json.dumps(what))
    return path


def make_rootfs(folder):
    """An image of nothing but busybox."""
    need_program("busybox")
    for name in ("bin", "proc", "dev", "sys", "tmp"):
        (folder / name).mkdir(parents=True)
    busybox = shutil.copy(shutil.which("busybox"), folder / "bin")
    headers = subprocess.run(["readelf", "-lW", busybox], capture_output=True, text=True, check=True).stdout
    need("INTERP" not in headers, "busybox is not static (that of busybox-static is)")
    for applet in APPLETS:
        (folder / "bin" / applet).symlink_to("busybox")
    os.chmod(folder / "tmp", 0o1777)
    return folder


class Crun:
    """A bundle as `crun spec` makes it. Cgroups play no part, and the container's user is root, or the user nobody's."""

    def __init__(self, oci, static, rootless=False):
        need(os.geteuid() == 0, "only root may mount a hierarchy of cgroups")
        need_program("crun")
        self.folder = pathlib.Path("crun").resolve()
        make_rootfs(self.folder / "rootfs")
        subprocess.run(["crun", "spec", *(["--rootless"] if rootless else [])], cwd=self.folder, check=True)
        self.spec = json.loads((self.folder / "config.json").read_text())
        store = self.folder / "store"
        subprocess.run([static, "learn", f"--store={store}", "--", "busybox", "sh", "-c", "id; true | cat"], check=True,
                       capture_output=True)
        os.chmod(store, 0o644)
        settings = write(self.folder / "oci.json", {"runtime": "crun", "k23": str(static), "store": str(store)})
        self.runtimes = {"crun": ["crun"], "k23-oci": [str(oci), f"--k23-config={settings}"]}
        self.prefix = ["unshare", "--mount", "sh", "-c", CGROUPS, "sh", *(NOBODY if rootless else [])]
        if rootless:
            subprocess.run(["chown", "-R", "65534:65534", self.folder], check=True)
        alone = self.run("true", runtime="crun")
        need(alone.returncode == 0, f"crun alone cannot run a container here: {alone.stderr.strip()}")

    def command(self, runtime, *words):
        return [*self.prefix, *self.runtimes[runtime], "--cgroup-manager=disabled", f"--root={self.folder}/state", *words]

    def environment(self):
        return dict(os.environ, XDG_RUNTIME_DIR=str(self.folder))

    def configuration(self, script, change=None, **annotations):
        config = json.loads(json.dumps(self.spec))
        config["process"].update(terminal=False, args=["sh", "-c", script])
        config["annotations"] = {"k23." + name: value for name, value in annotations.items()}
        if change:
            change(config)
        return config

    def run(self, script, runtime="k23-oci", **options):
        """A container that has run the script."""
        write(self.folder / "config.json", self.configuration(script, **options))
        return harness.run(*self.command(runtime, "run", "name"), cwd=self.folder, env=self.environment())
