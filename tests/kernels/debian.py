"""Debian's kernels as files for qemu: which ones apt reaches, and for each a kernel and an initramfs.

The host's list of sources stays as it is: apt works in a folder of ours, which also knows the suites with newer
kernels, and nothing is installed.
"""

import lzma
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
NEWER = ["bookworm-backports", "trixie-backports"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# What the machine's first file system needs, and what it is reached by.
MODULES = ["virtio_pci", "9pnet_virtio", "9p"]


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Apt:
    def __init__(self, folder):
        self.folder = folder
        for name in "lists/partial", "cache/archives/partial":
            (folder / name).mkdir(parents=True, exist_ok=True)
        sources = folder / "sources.list"
        sources.write_text("".join(f"deb [signed-by={KEYRING}] {uri} {suite} main\n" for uri, suite in self.suites()))
        self.options = [word for option in [
            # Its own user may not come here.
            "APT::Sandbox::User=root", "Acquire::Languages=none", f"Dir::Etc::sourcelist={sources}",
            "Dir::Etc::sourceparts=/dev/null", f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}/cache",
        ] for word in ("-o", option)]

    @staticmethod
    def suites():
        """The host's, and the newer ones from where the host's release is."""
        known = sorted({tuple(line.split()) for line in output(
            "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages", "Origin: Debian",
        ).splitlines()})
        release = [uri for uri, suite in known if suite == "bookworm"]
        return known + [(uri, suite) for uri in release[:1] for suite in NEWER if (uri, suite) not in known]

    def update(self):
        output("apt-get", *self.options, "-q", "update")

    def packages(self):
        """The newest package of each version of the kernel, as {"6.1": "6.1.192-2"}"""
        found = {}
        for line in output("apt-cache", *self.options, "madison", "linux-image-amd64").splitlines():
            package = line.split("|")[1].strip()
            # from the newest to the oldest
            found.setdefault(".".join(package.split(".")[:2]), package)
        return found

    def depends(self, package, version):
        """What of the kernel this package consists of; newer ones are split."""
        text = output("apt-cache", *self.options, "show", f"{package}={version}")
        field = re.search(r"^Depends: (.*)", text, re.M)
        return re.findall(r"linux-(?:image|binary|modules|base)-\d\S*", field[1] if field else "")

    def unpack(self, version, folder):
        """Downloads and unpacks the kernel."""
        image, = self.depends("linux-image-amd64", version)[:1]
        version = re.search(r"^Version: (\S+)", output("apt-cache", *self.options, "show", image), re.M)[1]
        debs = folder / "debs"
        debs.mkdir(parents=True)
        for package in [image, *self.depends(image, version)]:
            output("apt-get", *self.options, "-q", "download", f"{package}={version}", cwd=debs)
        for deb in debs.iterdir():
            output("dpkg-deb", "-x", str(deb), str(folder))


class Kernel:
    """FOLDER/vmlinuz and FOLDER/initramfs of a version; FOLDER/package says from which package they are."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.image, self.initramfs = folder / "vmlinuz", folder / "initramfs"

    def package(self):
        noted = self.folder / "package"
        return noted.read_text() if noted.exists() else None

    def prepare(self, apt, version):
        if self.package() == version:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        unpacked = self.folder / "unpacked"
        apt.unpack(version, unpacked)
        image, = [*unpacked.glob("boot/vmlinuz-*"), *unpacked.glob("usr/lib/modules/*/vmlinuz")]
        shutil.copy(image, self.image)
        self.pack(unpacked)
        shutil.rmtree(unpacked)
        (self.folder / "package").write_text(version)

    def pack(self, unpacked):
        """The initramfs: busybox, init.sh, and the modules in the order in which they are loaded."""
        modules, = [*unpacked.glob("lib/modules/*"), *unpacked.glob("usr/lib/modules/*")]
        base = modules.parent.parent.parent
        output("depmod", "-b", str(base), modules.name)
        root = unpacked / "root"
        for name in "bin", "modules", "host", "kept":
            (root / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin")
        shutil.copy(HERE / "init.sh", root / "init")
        lines = output("modprobe", "-d", str(base), "-S", modules.name, "--show-depends", "-a", *MODULES).splitlines()
        for number, line in enumerate(dict.fromkeys(line for line in lines if line.startswith("insmod "))):
            path = pathlib.Path(line.split()[1])
            data = path.read_bytes()
            if path.suffix == ".xz":
                data = lzma.decompress(data)
            (root / "modules" / f"{number:02}").write_bytes(data)
        names = [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
        with open(self.initramfs, "wb") as file:
            subprocess.run(["/bin/busybox", "cpio", "-o", "-H", "newc"], input="\n".join(names).encode(), cwd=root,
                           stdout=file, stderr=subprocess.DEVNULL, check=True)
