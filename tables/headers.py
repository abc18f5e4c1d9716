"""What the headers of the kernel and of the C library say: names and values of constants, layouts of structures.

The compiler is asked: once for the names, and once for the values.
"""
import fnmatch
import os
import re
import subprocess
import sys
import tempfile

# For the kernel's headers, some of which would take a part of the C library's.
FLAGS = {"uapi": ["-D__KERNEL_STRICT_NAMES"], "libc": ["-D_GNU_SOURCE"]}
ENUM = re.compile(r"\benum\b[^{};]*\{([^}]*)\}", re.S)


def stubs_for_i386():
    """A folder with the header that glibc's, which some of the kernel's include, want for 32-bit code: what functions it
    does not have there. It is part of a library that need not be installed."""
    folder = tempfile.TemporaryDirectory()
    os.mkdir(os.path.join(folder.name, "gnu"))
    with open(os.path.join(folder.name, "gnu/stubs-32.h"), "w", encoding="utf-8"):
        pass
    return folder


class Headers:
    """One set of headers that can be included together."""

    def __init__(self, kind, names, compiler, i386=False):
        self.flags = [*compiler, "-xc", "-", *FLAGS[kind], "-w", "-o", "-"]
        if i386:
            self.stubs = stubs_for_i386()
            self.flags += ["-m32", "-idirafter", self.folder_of("asm/types.h"), "-idirafter", self.stubs.name]
        self.include = "".join(f"#include <{name}>\n" for name in names) + "#include <stddef.h>\n"
        self.wanted, self.types = {}, []
        text = self.compile("-E", self.include, "-dD")
        self.names = {match[1] for match in re.finditer(r"^#define ([A-Za-z_]\w*) +[^\s].*$", text, re.M)}
        text = re.sub(r"^#.*$", "", text, flags=re.M)
        for match in ENUM.finditer(text):
            self.names.update(re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", match[1]))

    def folder_of(self, name):
        """Where a header is for 64-bit code: those of x86 are for both, and there need be none for 32-bit code alone."""
        text = self.compile("-E", f"#include <{name}>\n")
        return re.search(rf'"(.*)/{name}"', text)[1]

    def compile(self, how, text, *more):
        done = subprocess.run([*self.flags, how, *more], input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"the headers cannot be used:\n{done.stderr[:4000]}")
        return done.stdout

    def match(self, pattern):
        """The constants whose name matches."""
        return sorted(name for name in self.names if fnmatch.fnmatchcase(name, pattern))

    def typedef(self, name, c_type):
        self.types.append(f"typedef {c_type} {name};")

    def want(self, expression):
        self.wanted.setdefault(expression, None)

    def evaluate(self):
        """Finds the values of all that is wanted."""
        lines = [f'\t__asm__ volatile("\\n.ascii \\"@VALUE {at} %0\\"" : : "i"((long long)({expression})));'
                 for at, expression in enumerate(self.wanted)]
        text = self.include + "\n".join(self.types) + "\nvoid values(void);\nvoid values(void)\n{\n" + \
            "\n".join(lines) + "\n}\n"
        found = re.findall(r"@VALUE (\d+) \$(-?\d+)", self.compile("-S", text, "-O1"))
        for expression, (_, value) in zip(self.wanted, found, strict=True):
            self.wanted[expression] = int(value)

    def value(self, expression):
        return self.wanted[expression]
