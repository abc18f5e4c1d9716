#!/usr/bin/python3
"""What must hold of a freestanding image. usage: image.py runtime|hook ELF

No relocations (a hook: only relative ones), no undefined symbols, no vector registers, nothing writable and
executable, and in the runtime no system call instruction outside the gate but the one that asks for a signal."""
import re
import subprocess
import sys

VECTOR = re.compile(r"%(?:[xyz]mm\d+|mm\d|st\b|st\(|k[0-7]\b|bnd)|\b(?:emms|fninit|fxrstor|xrstor|ldmxcsr)")
# What keeps vector state, and puts it back, the program's or that of the C calling convention, and does nothing else.
STORES = r"^(?:vmovdqa(?:64)?|movaps|kmovq)\s+%\w+,"
LOADS = r"^(?:vmovdqa(?:64)?|movaps|kmovq)\s+\S*\(%r\w+\),%"
KEEPS = {"rt_guard_enter": "rstor", "rt_state_save": f"{STORES}|rstor|fninit|ldmxcsr",
         "rt_state_load": f"{LOADS}|rstor|ldmxcsr", "rt_state_clean": "fninit|ldmxcsr", "clean_used": "fninit|ldmxcsr",
         "rt_control_load": "ldmxcsr", "rt_control_clean": "ldmxcsr", "load_mxcsr": "ldmxcsr", "xrstor": "rstor"}
ALLOWED_RELOCATIONS = {"runtime": set(), "hook": {"R_X86_64_RELATIVE"}}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    kind, image = sys.argv[1:]
    wrong = []
    for name in set(re.findall(r"\bR_X86_64_\w+", run("readelf", "-rW", image))) - ALLOWED_RELOCATIONS[kind]:
        wrong.append(f"relocation {name}")
    for line in run("readelf", "-sW", image).splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0] != "0:" and fields[6] == "UND":
            wrong.append(f"undefined symbol {fields[7]}")
    for line in run("readelf", "-lW", image).splitlines():
        if re.match(r"\s+(LOAD|GNU_STACK)", line) and "W" in (flags := line[70:]) and "E" in flags:
            wrong.append(f"writable and executable: {line.strip()}")
    symbol = None
    calls = {}
    for line in run("objdump", "-d", "--no-show-raw-insn", image).splitlines():
        if match := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            symbol = match[1]
        elif match := re.match(r"\s+[0-9a-f]+:\s+(.*)", line):
            if VECTOR.search(match[1]) and not (symbol in KEEPS and re.search(KEEPS[symbol], match[1])):
                wrong.append(f"vector state in {symbol}: {match[1]}")
            if re.match(r"(syscall|sysenter|int\s+\$0x80)", match[1]):
                calls.setdefault(symbol, []).append(match[1])
    if kind == "runtime":
        addresses = {name: int(value, 16) for value, _, name in (l.split() for l in run("nm", image).splitlines())}
        if addresses["rt_gate_page_end"] - addresses["rt_gate_page"] != 4096 or addresses["rt_gate_page"] % 4096:
            wrong.append("the gate is not one page")
        outside = [s for s in calls
                   if not addresses["rt_gate_page"] <= addresses.get(s, -1) < addresses["rt_gate_page_end"]]
        if len(outside) != 1 or sum(len(calls[s]) for s in outside) != 1:
            wrong.append(f"system calls outside the gate: {[(s, calls[s]) for s in outside]}")
    elif calls:
        wrong.append(f"system calls in a hook: {calls}")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
