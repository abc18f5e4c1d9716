#!/usr/bin/python3
"""Every function that can run inside a target says in which context. usage: ctx.py ROOT

The comment above a function has `ctx:` and contexts of CONTEXTS, with " | " between them, then those of CONDITIONS that hold;
or the first comment of the file, or of its header, has that for all functions in it that say nothing else.
Exit status: 0 holds, 1 does not."""
import pathlib
import re
import sys

FOLDERS = ("src/rt", "src/inject", "src/core", "src/abi")
CONTEXTS = {
    "boot",    # in a new image, before the program runs
    "entry",   # on the thread's runtime stack, during a call of the program
    "sigsys",  # on the thread's signal stack, all signals blocked
    "helper",  # in the helper of an execve, on its own stack
    "any",     # anywhere: what is pure, or touches nothing that another context may be in the middle of
}
CONDITIONS = {
    "no locks",         # takes none, and needs none
    "locked",           # the lock that the header names is held
    "signals blocked",  # as by rt_mask_block
    "program's mask",   # of the signals that the program itself has blocked no others are
    "in the child",     # of a clone or fork
}
COMMENT = r"/\*(?:[^*]|\*(?!/))*\*/"
C_FUNCTION = re.compile(rf"^({COMMENT}\n)?(?!typedef|struct \w+ \{{|enum|union|extern|#|_Static|\}})"
                        r"((?:[A-Za-z_][\w ]*[ *]+|__attribute__\(\((?:[^()]|\([^()]*\))*\)\) |RETURNS_BY_JUMP )+)"
                        r"(\w+)\(([^;{}]*)\)\n\{", re.M)
S_FUNCTION = re.compile(rf"({COMMENT}\n(?:\t\.(?:balign|skip)[^\n]*\n)*)?\t\.globl (\w+)\n\t\.type \2, @function", re.M)


def is_said(comment):
    match = re.search(r"ctx: ([^.;,*\n]+)((?:[;,] [^.;,*\n]+)*)", re.sub(r"\s*\n \* ?", " ", comment.removesuffix("*/").rstrip()))
    if not match:
        return False
    contexts = [c.strip() for c in match[1].split("|")]
    conditions = [c.strip() for c in re.split("[;,]", match[2]) if c.strip()]
    return set(contexts) <= CONTEXTS and set(conditions) <= CONDITIONS | {"for all of these", "for all here"}


def main():
    root = pathlib.Path(sys.argv[1])
    wrong = []
    for path in sorted(p for f in FOLDERS for p in (root / f).rglob("*.[chS]")):
        text = path.read_text()
        header = path.with_suffix(".h")
        firsts = [re.match(COMMENT, text), re.match(COMMENT, header.read_text() if header.exists() else "")]
        if path.name == "offsets.c" or any(first and is_said(first[0]) for first in firsts):
            continue
        for match in (S_FUNCTION if path.suffix == ".S" else C_FUNCTION).finditer(text):
            name = match[2] if path.suffix == ".S" else match[3]
            if not match[1] or not is_said(match[1]):
                wrong.append(f"{path.relative_to(root)}: {name} does not say in which context it runs")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
