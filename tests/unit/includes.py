#!/usr/bin/python3
"""Who may include whom: include/k23 <- src/abi <- src/core <- src/rt, src/inject, src/sites <- src/cli <- src/front, and
src/abi <- src/oci. usage: includes.py ROOT"""
import pathlib
import re
import sys

ALLOWED = {
    "include/k23": {"include/k23"},
    "src/abi": {"include/k23", "src/abi", "tables"},
    "src/core": {"include/k23", "src/abi", "src/core", "tables"},
    "src/inject": {"include/k23", "src/abi", "src/core", "src/inject"},
    "src/rt": {"include/k23", "src/abi", "src/core", "src/inject", "src/rt", "tables"},
    "src/sites": {"include/k23", "src/abi", "src/core", "src/sites", "tables"},
    "src/cli": {"include/k23", "src/abi", "src/core", "src/inject", "src/sites", "src/cli", "tables", "version"},
    "src/front": {"src/abi", "src/cli", "src/front", "src/sites", "version"},
    "src/oci": {"src/abi", "src/oci", "version"},
    "hooks": {"include/k23", "hooks"},
}
FREESTANDING = ("src/rt", "src/inject", "src/core", "src/abi")
KERNEL = re.compile(r"^(asm|asm-generic|linux)/|^std(arg|bool|def|int)\.h$")
GENERATED = {"offsets.h": "src/rt", "version.h": "version", "i386_numbers.h": "tables"}


def folder_of(path):
    return next((f for f in ALLOWED if path.startswith(f + "/")), None) or ("tables" if path.startswith("tables/") else None)


def resolve(root, source, name, quoted):
    places = [source.parent] if quoted else []
    for place in places + [root / "src", root / "include", root / "tables"]:
        if (place / name).is_file():
            return str((place / name).resolve().relative_to(root))
    return None


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    wrong = []
    for folder in ALLOWED:
        for source in sorted((root / folder).rglob("*.[chS]")):
            for mark, name in re.findall(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', source.read_text(), re.M):
                where = resolve(root, source, name, mark == '"')
                target = folder_of(where) if where else GENERATED.get(name)
                if target and target not in ALLOWED[folder]:
                    wrong.append(f"{source.relative_to(root)} includes {name}, which is {target}'s")
                if not target and folder in FREESTANDING and not KERNEL.match(name) and not name.endswith(".inc"):
                    wrong.append(f"{source.relative_to(root)} includes {name}, which is no freestanding header")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
