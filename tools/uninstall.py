#!/usr/bin/python3
"""Removes what `meson install` of a build puts into the system, or into DESTDIR: files, and k23's own folders when
nothing else is in them. usage: uninstall.py BUILD"""
import json
import os
import pathlib
import subprocess
import sys


def installed(build):
    """Each file that is installed, or the folder that is installed as a whole, by where it is in the source tree."""
    told = subprocess.run(["meson", "introspect", "--installed", build], check=True, capture_output=True, text=True)
    return {pathlib.Path(source): pathlib.Path(to) for source, to in json.loads(told.stdout).items()}


def files(source, to):
    """The paths that belong to a row of what is installed."""
    if not source.is_dir():
        return [to]
    return [to / path.relative_to(source) for path in source.rglob("*") if not path.is_dir()]


def main():
    if not os.path.isdir(os.path.join(sys.argv[1], "meson-info")):
        return f"uninstall: there is no build in {sys.argv[1]}/ to tell what was installed: build it with the same options"
    rows = installed(sys.argv[1])
    root = pathlib.Path(os.environ.get("DESTDIR") or "/")
    folders = set()
    removed = 0
    for source, to in rows.items():
        for path in (path.relative_to("/") for path in files(source, to)):
            folders.update(root / parent for parent in path.parents if "k23" in parent.parts)
            if os.path.lexists(root / path):
                (root / path).unlink()
                removed += 1
    for folder in sorted(folders, reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    print(f"removed {removed} files of k23's below {root}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PermissionError as error:
        sys.exit(f"uninstall: {error.filename} cannot be removed: {error.strerror}")
