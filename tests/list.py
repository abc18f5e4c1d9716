#!/usr/bin/python3
"""The guest programs and the tests that run them, for meson. usage: list.py programs | tests WITHOUT FILES...

programs: a line for each, of name, other sources, arguments for the linker, variant, and source.
tests: a line for each, of name, script, suites, timeout, and the script's arguments, where @NAME@ is a built program.
WITHOUT names the programs that cannot be built, with commas; FILES are those that this script reads, for meson.
Fields are separated by tabs, words by spaces.

A guest's cases come from the CASE(), STRESS() and HELPER() lines of its source: a new case is a test without a line
here.
"""

import dataclasses
import os
import re
import sys

import attach
import probes
import ptrace_tools
import syscalls

HERE = os.path.dirname(os.path.abspath(__file__))
# The guests whose tests as an unprivileged user are also of the suite `elsewhere`, which tests/elsewhere.sh starts.
ELSEWHERE = ["start", "exec_ways", "exec_limits", "exec_fail", "sig_rules", "forks", "p1a"]
# Without a store, and with one: every case of every guest runs in all of them.
GUARD_MODES = ["plain", "null", "chain"]
FAST_MODES = ["observed", "first", "eager", "eager-plain"]
# As an unprivileged user in fewer: what is other then is not how many hooks there are.
USER_MODES = {"plain", "null", "observed", "eager-plain"}


@dataclasses.dataclass
class Guest:
    """A guest: FOLDER/NAME.c, and how it is built and run."""

    name: str
    folder: str = "programs"
    variants: str = "glibc"  # as in tests/meson.build; their names are suffixes of the program's
    sources: str = ""        # others
    link: str = ""           # arguments for the linker
    beside: str = ""         # files in its folder that it needs
    user: bool = False       # also as an unprivileged user
    root: str = ""           # but for these cases, which need root
    plain: str = ""          # cases without a hook, which may hide the vDSO
    ticks: bool = False      # stress cases also under a 1 kHz timer
    under: str = ""          # each case also under this one, which starts what its arguments say
    bytes: str = ""          # cases that depend on the bytes of a patched window, so not with a store
    later: str = ""          # cases that are not as natively in a first run, but in later ones
    hosted: str = ""         # cases also with hosted hooks, which have been other there than with plain ones

    def program(self, variant):
        return self.name if variant == "glibc" else f"{self.name}-{variant}"

    def cases(self, kind):
        with open(os.path.join(HERE, self.folder, self.name + ".c"), encoding="utf-8") as file:
            return re.findall(rf"^{kind}\((\w+)\)", file.read(), re.M)


def pitfall(name, **options):
    return Guest(name, folder="pitfalls", **{"user": True, **options})


# Guests' cases that start another case of theirs, natively or by k23: what that one inherits.
UNDER = {
    "filters": ("inherited", ["under_denial", "under_death", "under_mdwe"]),
    "sig_context": ("altstack", ["under_disabled", "under_autodisarm"]),
}

GUESTS = [
    Guest("start", variants="glibc nopie static static-pie musl musl-static", user=True),
    Guest("exec_ways", variants="glibc static", user=True, root="dropped reduced", under="under_no_ptrace"),
    Guest("exec_limits", variants="static", user=True, root="chrooted"),
    Guest("exec_fail", user=True),
    Guest("filters", variants="glibc static", user=True),
    Guest("filter_addresses", variants="glibc static", user=True),
    Guest("filter_order", variants="glibc static", user=True),
    Guest("numbers", user=True),
    Guest("registers", sources="registers_calls.S", ticks=True),
    Guest("stack"),
    Guest("instructions"),
    Guest("int80"),
    Guest("sig_context"),
    Guest("flags"),
    Guest("sig_rules", user=True),
    Guest("sig_sys", user=True),
    Guest("sig_races", user=True),
    Guest("sig_faults", sources="clones_calls.S", user=True),
    Guest("cores", user=True),
    Guest("threads", variants="glibc musl-static", ticks=True),
    Guest("forks", variants="glibc musl-static", ticks=True, user=True),
    Guest("clones", sources="clones_calls.S"),
    Guest("killed", sources="clones_calls.S", user=True),
    Guest("uring", user=True),
    Guest("sud", user=True),
    Guest("segments"),
    Guest("tiles"),
    Guest("clocks", variants="glibc musl-static", plain="present"),
    Guest("ptracer", user=True, later="sigsys_blocked", hosted="taken_by_dispatch steps_new_child"),
    Guest("traced"),
    Guest("tracer_events", user=True, later="mask_set mask_set_in_call",
          hosted="events step_from_event steps_over_calls exec_event"),
    Guest("sysemu", user=True),
    Guest("tracer_away", user=True),
    Guest("generations", user=True),
    Guest("memory"),
    # One for each pitfall of system call interposition, and more of the same kind.
    pitfall("p1a", beside="libearly.so entry p1b-static"),
    pitfall("p1b", variants="glibc static musl-static"),
    pitfall("p2a", beside="libsites.so libsites-noid.so libearly.so unpacked"),
    pitfall("p2b", beside="libearly.so"),
    pitfall("p3a", sources="text_data.S", beside="libtext.so"),
    pitfall("p3b", sources="jumps.S", variants="glibc nopie static static-pie", bytes="computed_into_the_window"),
    pitfall("p4a", variants="glibc static"),
    pitfall("p4b", beside="libsites.so"),
    pitfall("p5", beside="libsites.so libsites-noid.so", bytes="copied read_back"),
    pitfall("red_zone", variants="glibc static musl-static", ticks=True),
    pitfall("beyond", variants="glibc static"),
    pitfall("interrupted", beside="libsites.so"),
    pitfall("gs", beside="libsites.so"),
    pitfall("unwind", beside="libsites.so", link="-rdynamic"),
    pitfall("replaced", beside="libsites.so"),
    # What fuzz/programs.py and fuzz/soak.py run: they have no cases.
    Guest("random", folder="fuzz"),
    Guest("soak", folder="fuzz"),
]

# Programs without a C library and in Go, which have no cases: suite, rounds, exit status; as whom with a store: an
# unprivileged user, or not
OTHERS = {
    "unpacked": ("unpacked", 1, 9, [False, True]),
    "entry": ("entry", 1, 7, []),
    "entry-pie": ("entry", 1, 7, []),
    "gohello": ("go", 3, 5, [False]),
    "goroutines": ("go", 3, 0, [False]),
}

# Where a debugger's backtraces are looked at, and in which modes.
BACKTRACES = {
    "attach": "guard guard-null guard-two guard-hook fast fast-null fast-hook fast-gone",
    "core": "guard-null fast fast-null",
    "dump": "guard-null fast",
    "step": "guard-null fast fast-hook fast-gone",
    "walk": "guard guard-null fast fast-null fast-hook",
}
# syscalls.py: which programs its cases need that there may be none of
NEEDED = {"hello-musl": "start-musl", "hello-musl-static": "start-musl-static", "threads-musl": "threads-musl-static",
          "go": "gohello"}


def test(name, script, suites, timeout, *words):
    print(name, script, ",".join(suites), timeout, " ".join(filter(None, map(str, words))), sep="\t")


def compare(name, suites, modes, *words, user=False):
    store = ["--base-store", "@base@"] if set(modes) & set(FAST_MODES) else []
    test(f"{name}{'/user' if user else ''}", "compare.py", suites, 120 * len(modes), "--mode", ",".join(modes), *store,
         "--user" if user else "", *words)


def list_case(guest, variant, case, stress):
    """A race is looked for in each mode, by loops of the case; it is looked for long in the suite `stress`. How the test was
    started makes no difference to a race."""
    program = guest.program(variant)
    name = f"{program}.{case}"
    words = []
    for file in guest.beside.split():
        words += ["--beside", file]
    words += ["--", f"@{program}@", case]
    guard = GUARD_MODES if variant == "glibc" else ["plain", "null"]
    if case in guest.hosted.split():
        guard = guard + ["hosted"]
    fast = FAST_MODES if case not in guest.bytes.split() else []
    if case in guest.later.split():
        fast = [mode for mode in fast if mode != "first"]
    if case in guest.plain.split():
        guard, fast = ["plain"], ["eager-plain"]
    for user in [False, True] if guest.user and case not in guest.root.split() else [False]:
        elsewhere = user and variant == "glibc" and guest.name in ELSEWHERE and not stress
        suites = ["guests", *["user"] * user, guest.name]
        modes = [mode for mode in guard + fast if not user or mode in USER_MODES]
        compare(name, suites + ["elsewhere"] * elsewhere, modes, *words, user=user)
        if guest.under:
            test(f"{name}/{guest.under}{'-user' if user else ''}", "compare.py", suites, 300, "--mode", "plain,null,eager",
                 "--base-store", "@base@", "--under", guest.under, "--user" if user else "", *words)


def list_stress(guest, variant, case):
    """Many rounds within the program, each of them longer than elsewhere, and with ticks a few."""
    program = guest.program(variant)
    many = ["--mode", "null,eager", "--base-store", "@base@", "--timeout", 1800]
    many += ["--", f"@{program}@", "--rounds", 100]
    test(f"{program}.{case}/100", "compare.py", ["stress", guest.name], 6000, *many, case)
    if guest.ticks:
        test(f"{program}.{case}-ticks/100", "compare.py", ["stress", guest.name], 6000, *many, "--ticks", case)
        compare(f"{program}.{case}-ticks", ["guests", guest.name], ["null"], "--", f"@{program}@", "--ticks", case)


def list_guest(guest, without):
    for variant in guest.variants.split():
        if guest.program(variant) in without:
            continue
        for case in guest.cases("CASE"):
            list_case(guest, variant, case, stress=False)
        for case in guest.cases("STRESS"):
            list_case(guest, variant, case, stress=True)
            if variant in ("glibc", "static"):
                list_stress(guest, variant, case)


def list_under(guest, started, case):
    words = ["--under", case, "--", f"@{guest}@", started]
    for user in False, True:
        compare(f"{guest}.{case}", ["guests", guest], GUARD_MODES + FAST_MODES, *words, user=user)


def list_other(program, suite, rounds, status, users):
    words = ["--rounds", rounds, "--expect", status, "--", f"@{program}@"]
    compare(program, ["guests", suite], GUARD_MODES + FAST_MODES * (False in users), *words)
    if True in users:
        compare(program, ["guests", suite], FAST_MODES, *words, user=True)


def list_syscalls(case):
    words = ["--programs", "@folder@", case]
    test(f"syscalls.{case}", "syscalls.py", ["syscalls"], 180, *words)
    if case != "p3b-computed-window":  # looks at the bytes of a patched window
        test(f"syscalls.{case}/eager", "syscalls.py", ["syscalls"], 180, "--store", "@base@", *words)


def list_tests(without):
    for guest in GUESTS:
        list_guest(guest, without)
    for guest, (started, cases) in UNDER.items():
        for case in cases:
            list_under(guest, started, case)
    for program, row in OTHERS.items():
        if program not in without:
            list_other(program, *row)
    # What could not be built is a skipped test that one sees.
    for program in without:
        test(f"{program} (not built)", "compare.py", [], 30, "--", f"no-compiler-for-{program}")
    for case in syscalls.CASES:
        if NEEDED.get(case) not in without:
            list_syscalls(case)
    for debugger in attach.DEBUGGERS:
        test(f"attach.{debugger}", "attach.py", ["attach"], 180, debugger, "@attachee@")
    for touch in probes.TOUCHES:
        for case in probes.CASES:
            words = [touch, case, "@probed@"]
            test(f"probes.{touch}-{case}", "probes.py", ["probes"], 240, *words)
            test(f"probes.{touch}-{case}/1000", "probes.py", ["stress"], 1500, "--rounds", 1000, *words)
    test("random programs", "programs.py", ["random"], 300, "--store", "@base@", "--count", 60, "@random@")
    test("random programs, wide", "programs.py", ["random"], 300, "--store", "@base@", "--kind", "wide", "--first", 1,
         "--count", 40, "@random@")
    test("soak", "soak.py", ["stress"], 600, "--store", "@base@", "--seconds", 120, "@soak@", "@folder@/libsites.so")
    for kind, modes in BACKTRACES.items():
        for mode in modes.split():
            program = "@blocked-frames@" if kind == "walk" else "@blocked@"
            test(f"backtrace.{kind}/{mode}", "backtrace.py", ["backtrace"], 720, kind, mode, program)
    for case in ptrace_tools.CASES:
        test(f"ptrace_tools.{case}", "ptrace_tools.py", ["ptrace_tools"], 180, case, "@traced@")


def list_programs():
    for guest in GUESTS:
        source = f"{guest.folder}/{guest.name}.c"
        others = " ".join(f"{guest.folder}/{name}" for name in guest.sources.split())
        for variant in guest.variants.split():
            print(guest.program(variant), others, guest.link, variant, source, sep="\t")


if sys.argv[1] == "programs":
    list_programs()
else:
    list_tests([name for name in sys.argv[2].split(",") if name])
