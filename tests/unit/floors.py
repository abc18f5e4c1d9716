#!/usr/bin/python3
"""The runtime's floors: which object uses which. usage: floors.py ROOT OBJECTS... [--write | --compare] docs/floors.md

Each folder of src/rt uses those below it, no other, and no objects use each other in a circle. Looked at are the objects, so
that assembly and tables count; and what the sources include. An address that base/entry_points.h declares as data is no use
of what is there, unless it is called. Nobody but the table of special calls uses a row of it.

--write makes the document; --compare says whether it is what would be written.
Exit status: 0 holds, 1 does not."""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import textwrap

BELOW = {
    "base": [],
    "text": ["base"],
    "signal": ["base"],
    "world": ["signal", "base"],
    "hook": ["world", "signal", "text", "base"],
    "tracer": ["text", "base"],
    "guard": ["signal", "base"],
    "special": ["guard", "tracer", "hook", "world", "signal", "text", "base"],
    "entry": ["special", "guard", "tracer", "hook", "world", "signal", "text", "base"],
}
TABLE = "special/table.c"


def floor_of(unit):
    parts = unit.split("/")
    if parts[0] == "x86_64":
        return parts[1] if parts[1] in BELOW else "base"
    return parts[0]


def by_file(title, *command):
    """What a tool prints for each of many files, below a line with the file's name."""
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    parts = re.split(title, text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def read_objects(root, folders):
    """Of each source in src/rt: what its object defines, and what it refers to, by the kinds of relocations."""
    runtime = root / "src/rt"
    sources = {str(p.relative_to(runtime)): p for suffix in ("c", "S") for p in runtime.rglob(f"*.{suffix}")}
    defines, refers = {}, {}
    paths = [path for folder in folders for path in pathlib.Path(folder).glob("*.o")]
    symbols, relocations = by_file(r"^(\S+):$", "nm", *paths), by_file(r"^File: (\S+)$", "readelf", "-rW", *paths)
    for path in paths:
        unit = next(u for u in sources if u.replace("/", "_") + ".o" == path.name)
        defines[unit] = set(re.findall(r"^[0-9a-f]+ [A-Z] (\S+)$", symbols[str(path)], re.M))
        refers[unit] = {name: set() for name in re.findall(r"^ +U (\S+)$", symbols[str(path)], re.M)}
        for kind, name in re.findall(r"(R_X86_64_\w+)\s+[0-9a-f]+ (\S+)", relocations[str(path)]):
            if name in refers[unit]:
                refers[unit][name].add(kind)
    missing = {u for u in sources if u not in defines and u != "x86_64/offsets.c"}
    assert not missing, f"no objects of {missing}"
    return sources, defines, refers


def find_arrows(root, defines, refers):
    """Which unit uses which."""
    header = (root / "src/rt/base/entry_points.h").read_text()
    addresses = set(re.findall(r"\b(rt_\w+)\[\]", header))
    home = {name: unit for unit, names in defines.items() for name in names}
    arrows = collections.defaultdict(set)
    for unit, names in refers.items():
        for name, kinds in names.items():
            if name in home and (name not in addresses or kinds - {"R_X86_64_PC32", "R_X86_64_PC64", "R_X86_64_GOTPCREL",
                                                                   "R_X86_64_REX_GOTPCRELX", "R_X86_64_GOTPCRELX"}):
                arrows[unit].add(home[name])
    return arrows, home


def find_circles(arrows, units):
    """Sets of units that use each other (Tarjan)."""
    index, low, stack, circles = {}, {}, [], []

    def visit(unit):
        index[unit] = low[unit] = len(index)
        stack.append(unit)
        for other in arrows.get(unit, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[unit] = min(low[unit], low[other])
        if low[unit] == index[unit]:
            circle = []
            while not circle or circle[-1] != unit:
                circle.append(stack.pop())
            if len(circle) > 1:
                circles.append(sorted(circle))

    for unit in sorted(units):
        if unit not in index:
            visit(unit)
    return circles


def check_rows(root, refers, wrong):
    for table in ("special.def", "special_exe.def", "special_hidden.def", "special_i386.def"):
        rows = set(re.findall(r"^SPECIAL\w*\(\w+, (\w+),", (root / "tables" / table).read_text(), re.M))
        for unit, names in refers.items():
            for name in rows & set(names):
                if unit != TABLE:
                    wrong.append(f"{unit} uses {name}, a row of {table}")


def check_includes(root, wrong):
    for path in (root / "src/rt").rglob("*.[chS]"):
        unit = str(path.relative_to(root / "src/rt"))
        floor = floor_of(unit)
        for name in re.findall(r'^\s*#\s*include\s*"rt/([^"]+)"', path.read_text(), re.M):
            if unit != "x86_64/offsets.c" and floor_of(name) not in BELOW[floor] + [floor]:
                wrong.append(f"{unit} includes {name}, which is not below it")


def document(defines, arrows, circles):
    floors = list(reversed(BELOW))
    out = ["# The runtime's floors", "",
           "Made by `ninja -C build floors` of the linked objects; a test compares. How many units of the floor on the left",
           "use units of the floor on top:", "",
           "| | " + " | ".join(floors) + " |", "|---|" + "---:|" * len(floors)]
    for floor in floors:
        counts = []
        for other in floors:
            users = [u for u in defines if floor_of(u) == floor and any(floor_of(v) == other for v in arrows[u])]
            counts.append(str(len(users)) if users else "")
        out.append(f"| {floor} | " + " | ".join(counts) + " |")
    out += ["", f"{len(defines)} units, {sum(map(len, arrows.values()))} arrows between them, circles: "
            f"{len(circles) or 'none'}. Each unit, and the units that it uses:", ""]
    for floor in floors:
        out += [f"## {floor}", ""]
        for unit in sorted(u for u in defines if floor_of(u) == floor):
            used = ", ".join(sorted(arrows[unit])) or "none"
            out += textwrap.wrap(f"- **{unit}**: {used}", 118, subsequent_indent="  ", break_on_hyphens=False)
        out.append("")
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("objects", nargs="+", help="folders with the runtime's objects")
    parser.add_argument("--write", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--compare", metavar="FILE", type=pathlib.Path)
    options = parser.parse_args()
    _, defines, refers = read_objects(options.root, options.objects)
    arrows, _ = find_arrows(options.root, defines, refers)
    circles = find_circles(arrows, defines)
    wrong = [f"a circle: {', '.join(circle)}" for circle in circles]
    for unit, others in sorted(arrows.items()):
        for other in sorted(others):
            if floor_of(other) not in BELOW[floor_of(unit)] + [floor_of(unit)]:
                wrong.append(f"{unit} uses {other}, which is not below it")
    check_rows(options.root, refers, wrong)
    check_includes(options.root, wrong)
    text = document(defines, arrows, circles)
    if options.write:
        options.write.write_text(text)
    if options.compare and options.compare.read_text() != text:
        wrong.append(f"{options.compare} is not what the objects are now: ninja -C build floors")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
