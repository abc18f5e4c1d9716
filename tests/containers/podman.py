#!/usr/bin/python3
"""podman with k23-oci as its runtime, against podman with the runtime behind it: as root and rootless, an image of
busybox alone and one of Debian's. usage: podman.py K23-OCI K23-STATIC HOOKS"""
import contextlib
import json
import os
import pathlib
import pwd
import subprocess
import sys

import crun
from crun import harness, make_rootfs, write
from harness import Broken, Failed, expect, need, need_program

OCI, STATIC, _ = (pathlib.Path(path).resolve() for path in sys.argv[1:4])
USER = "k23-containers"
# podman asks for more than somebody without CAP_SYS_RESOURCE may have.
LIMITS = ["--ulimit=nofile=10000:10000", "--ulimit=nproc=10000:10000"]


@contextlib.contextmanager
def user():
    """Somebody who may run containers without being root: with ids for a user namespace."""
    subprocess.run(["useradd", "--create-home", USER], check=True)
    account = pwd.getpwnam(USER)
    try:
        if not any(line.startswith(USER + ":") for line in open("/etc/subuid")):
            raise Broken("useradd gives no subordinate ids")
        yield account
    finally:
        subprocess.run(["userdel", "--remove", USER], check=False, capture_output=True)


class Podman:
    """podman with a storage of its own."""

    def __init__(self, name, runtime, options, account=None):
        self.folder = pathlib.Path(name).resolve()
        self.options = options
        for part in ("run", "home", "store"):
            (self.folder / part).mkdir(parents=True)
        settings = write(self.folder / "oci.json", {"runtime": runtime, "k23": str(STATIC)})
        wrapper = self.folder / "k23-oci"
        wrapper.write_text(f'#!/bin/sh\nexec {OCI} --k23-config={settings} "$@"\n')
        wrapper.chmod(0o755)
        (self.folder / "containers.conf").write_text(f"""[engine]
runtime_supports_json = ["crun", "runc", "k23-oci"]
runtime_supports_nocgroup = ["crun", "k23-oci"]
runtime_supports_nocgroups = ["crun", "k23-oci"]
cgroup_manager = "cgroupfs"
events_logger = "none"
[engine.runtimes]
k23-oci = ["{wrapper}"]
""")
        self.runtimes = {"native": [f"--runtime={runtime}"], "k23-oci": ["--runtime=k23-oci"]}
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.folder / "home"),
                            "XDG_RUNTIME_DIR": str(self.folder / "run"), "CONTAINERS_CONF": str(self.folder / "containers.conf"),
                            "TMPDIR": "/tmp"}
        self.prefix = []
        if "--cgroups=disabled" in options:
            self.prefix = ["unshare", "--mount", "sh", "-c", crun.CGROUPS, "sh"]
        if account:
            subprocess.run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", self.folder], check=True)
            self.prefix += ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    def podman(self, runtime, *words, **options):
        return harness.run(*self.prefix, "podman", f"--root={self.folder}/store", f"--runroot={self.folder}/run/podman",
                           f"--tmpdir={self.folder}/run/tmp", *self.runtimes[runtime], *words, env=self.environment,
                           cwd=self.folder, timeout=200, **options)

    def end(self):
        """Ends the process that keeps a user's namespaces, and root's mount of the storage."""
        self.podman("native", "system", "migrate")
        subprocess.run(["umount", self.folder / "store/overlay"], check=False, capture_output=True)

    def run(self, runtime, *words):
        return self.podman(runtime, "run", "--rm", "--network=none", *LIMITS, *self.options, *words)

    def same(self, *words):
        """What comes out is as with the runtime behind k23-oci."""
        native, ran = self.run("native", *words), self.run("k23-oci", "--annotation=k23.hook=null", *words)
        expect(f"{words}: {ran.stderr}", (ran.returncode, ran.stdout, ran.stderr),
               (native.returncode, native.stdout, native.stderr))
        return native


def first_that_works(name, account, image, ends):
    """podman as this machine can run it: with a runtime and cgroups, or without the latter."""
    problems = []
    for runtime, options in (("crun", []), ("runc", []), ("crun", ["--cgroups=disabled"])):
        podman = Podman(f"{name}-{len(problems)}", runtime, options, account)
        ends.callback(podman.end)
        imported = podman.podman("native", "import", image, "busybox")
        if imported.returncode == 0:
            ran = podman.run("native", "busybox", "true")
            if ran.returncode == 0:
                print(f"{name}: podman with {runtime} {' '.join(options)}")
                return podman
            imported = ran
        problems.append(imported.stderr.strip())
    need(False, f"podman alone runs no container {name}: {problems}")


STATUS = "id; cat /proc/self/status | grep -e ^Cap -e ^NoNewPrivs -e ^Seccomp:; true | cat; echo x >/tmp/file; exit 3"
STRICT = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=1000:1000"]
WAYS = ([], STRICT, ["--privileged"], ["--security-opt=seccomp=unconfined"], ["--init"], ["--ipc=host"])


def check_busybox(podman):
    for options in WAYS:
        podman.same(*options, "busybox", "sh", "-c", STATUS)
    denied = podman.run("k23-oci", *STRICT, "--tmpfs=/tmp", "--annotation=k23.hook=readonly:root=/proc", "busybox", "sh", "-c",
                        "echo x >/tmp/file")
    expect(f"a hook: {denied.stderr}", (denied.returncode, "Read-only file system" in denied.stderr), (1, True))
    wrong = podman.run("k23-oci", "--annotation=k23.hook=none", "busybox", "true")
    if wrong.returncode == 0 or "there is no hook none" not in wrong.stderr:
        raise Failed(f"a hook that is not there: {wrong.stderr}")


def check_exec(podman):
    """What is executed later has the hooks, too; a container can be stopped, and started again."""
    created = podman.podman("k23-oci", "run", "--detach", "--name=c", "--network=none", *LIMITS, *podman.options,
                            "--annotation=k23.hook=readonly:root=/proc", "busybox", "sh", "-c",
                            "trap 'exit 5' TERM; while :; do sleep 0.1; done")
    expect(f"run --detach: {created.stderr}", created.returncode, 0)
    try:
        for options in ([], ["--user=7"]):
            ran = podman.podman("k23-oci", "exec", *options, "c", "sh", "-c", "echo x >/tmp/file; exit 4")
            expect(f"exec: {ran.stderr}", (ran.returncode, "Read-only file system" in ran.stderr), (4, True))
        for _ in range(2):
            expect("stop", podman.podman("k23-oci", "stop", "c").returncode, 0)
            status = podman.podman("k23-oci", "inspect", "--format={{.State.ExitCode}}", "c").stdout.strip()
            expect("the status after a signal", status, "5")
            started = podman.podman("k23-oci", "start", "c")
            expect(f"start: {started.stderr}", started.returncode, 0)
    finally:
        podman.podman("k23-oci", "rm", "--force", "--time=1", "c")


def check_debian(podman, image):
    imported = podman.podman("native", "import", image, "debian")
    expect(f"import: {imported.stderr}", imported.returncode, 0)
    for program in ("dpkg -l | sort | md5sum", "find /usr -xdev | sort | md5sum", "perl -e 'fork; print 42; wait'",
                    "readlink /proc/self/exe; exec bash -c 'ulimit -a'"):
        podman.same("debian", "bash", "-c", program)
    counted = podman.run("k23-oci", "--annotation=k23.command=stat", "debian", "bash", "-c", "ls -lR /usr >/dev/null")
    if counted.returncode != 0 or "getdents64" not in counted.stderr:
        raise Failed(f"stat: {counted.stderr}")


def test():
    need(os.geteuid() == 0, "only root may make the user who is to run containers")
    for program in ("podman", "mmdebstrap"):
        need_program(program)
    folder = pathlib.Path.cwd()
    subprocess.run(["tar", "-C", make_rootfs(folder / "rootfs"), "-cf", "busybox.tar", "."], check=True)
    debian = folder / "debian.tar"
    made = harness.run("mmdebstrap", "--variant=essential", "bookworm", debian, timeout=400,
                       env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": "/tmp"})
    expect(f"mmdebstrap: {made.stderr[-500:]}", made.returncode, 0)
    with user() as account:
        for name, who in (("root", None), ("rootless", account)):
            with contextlib.ExitStack() as ends:
                podman = first_that_works(name, who, folder / "busybox.tar", ends)
                check_busybox(podman)
                check_exec(podman)
                check_debian(podman, debian)


harness.main(test)
