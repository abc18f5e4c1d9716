#!/usr/bin/python3
"""Compiles modules of the standard library, and of this folder, for the hook `python`, which has no files where it runs.
usage: freeze.py LIBRARY NAMES CODE TABLE OWN.py...

NAMES: a list of modules; a package has a slash behind it, and NAME = SOURCE is a module that another name leads to.
CODE: all their code, one after the other. TABLE: rows for an array of struct _frozen. The interpreter that runs this is
of the hook's version.
"""
import marshal
import os
import sys


def compiled(path, name):
    with open(path, "rb") as file:
        return marshal.dumps(compile(file.read(), f"<frozen {name}>", "exec", dont_inherit=True, optimize=0))


def modules(library, names, own):
    with open(names, encoding="utf-8") as lines:
        for line in lines:
            name, _, source = (word.strip() for word in line.split("#")[0].partition("="))
            if name:
                package = name.endswith("/")
                name = name.rstrip("/")
                source = source or name
                yield name, source, package, os.path.join(library, *source.split(".")) + ("/__init__.py" if package else ".py")
    for path in own:
        name = os.path.splitext(os.path.basename(path))[0]
        yield name, name, False, path


def main():
    library, names, code, table, *own = sys.argv[1:]
    at = 0
    with open(code, "wb") as blob, open(table, "w", encoding="utf-8") as rows:
        for name, source, package, path in modules(library, names, own):
            bytecode = compiled(path, source)
            rows.write(f'{{ "{name}", frozen_code + {at}, {len(bytecode)}, {int(package)}, NULL }},\n')
            blob.write(bytecode)
            at += len(bytecode)


main()
