#!/usr/bin/python3
"""The hook memfs: a program sees what it sees in a file system in memory that is mounted. usage: memfs.py K23 CALLS CASE"""
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import Failed, expect, need_machine, need_program, run, wait_until

BUILD = """set -eu
cd "$MEM"; mkdir src; cd src
echo 'int twice(int); int main(void) { return twice(21); }' >main.c
echo 'int twice(int x) { return 2 * x; }' >twice.c
echo 'all: program
%.o: %.c
	cc -fPIC -c $< -o $@
libtwice.so: twice.o
	cc -shared $< -o $@
program: main.o libtwice.so
	cc main.o -L. -ltwice -Wl,-rpath,$(MEM)/src -o $@' >Makefile
make -s -j2; ./program || echo $?; "$MEM/src/program" || echo $?
make -s -j2 && ls
"""

GIT = """set -eu
export HOME="$MEM" GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE="1000000000 +0000" GIT_COMMITTER_DATE="1000000000 +0000"
git config --global user.name name; git config --global user.email name@example; git config --global init.defaultBranch main
git init -q "$MEM/one"; cd "$MEM/one"; mkdir d; seq 1000 >d/numbers; ln -s d/numbers link; ln -s "$MEM/one/d" absolute
git add -A; git commit -qm first; git rev-parse HEAD
git clone -q "$MEM/one" "$MEM/two"; cd "$MEM/two"; echo more >>link; git status; git diff --stat; git log --format=%s
git worktree add -q "$MEM/three"; git -C "$MEM/three" status -s; git gc -q; git fsck; git rev-parse --show-toplevel
tar cf "$MEM/one.tar" -C "$MEM" one; mkdir "$MEM/x"; tar xf "$MEM/one.tar" -C "$MEM/x"; diff -r "$MEM/one" "$MEM/x/one"; find "$MEM/x/one" -type l
rm -rf "$MEM/one"; ls "$MEM"; mv "$MEM/two/link" "$PLACE/outside"
rm -r "$MEM/x/one/.git"; cp -a "$MEM/x" "$PLACE/outside/x"; ls -R "$PLACE/outside/x/one/d"
"""

VENV = """set -eu
python3 -m venv --without-pip "$MEM/env"; cd "$MEM"
"$MEM/env/bin/python" -c 'import sys; print(sys.prefix, sys.executable)'
printf '#!%s\\nimport sys, module; print(sys.argv, module.__file__)\\n' "$MEM/env/bin/python" >script; chmod +x script; echo >module.py
./script 1; "$MEM/script" 2; PATH="$MEM:$PATH" script 3; ls __pycache__ | wc -l
"""


def place():
    """Where the file system is to be, and what lies beside it."""
    shutil.rmtree("place", ignore_errors=True)
    os.makedirs("place/outside")
    return os.path.abspath("place/mem")


def settings(mem):
    return dict(os.environ, MEM=mem, PLACE=os.path.dirname(mem), LC_ALL="C", PYTHONDONTWRITEBYTECODE="")


def may_mount():
    user = [] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps"]
    command = ["unshare", *user, "--mount"]
    need_machine(harness.works_here(*command, "true"), "no namespace of mounts here")
    return command


def with_mount(*command):
    """With a real one, in a namespace of mounts."""
    mem = place()
    os.mkdir(mem)
    return run(*may_mount(), sys.executable, os.path.join(HERE, "mounted.py"), mem, *command, env=settings(mem))


def ways(k23):
    store = os.path.join(os.getcwd(), "store")
    return ["--no-patch"], ["--store", store], ["--store", store, "--no-learn"], ["--store", store, "--no-learn", "--eager"]


def with_hook(k23, way, *command, **options):
    mem = place()
    return run(k23, "run", *way, "--hook", f"memfs:at={mem}", "--", *command, env=settings(mem), **options)


def answer_of(result):
    return result.returncode, result.stdout, result.stderr


def compare(k23, *command):
    wanted = with_mount(*command)
    outside = harness.snapshot("place/outside")
    if wanted.returncode:
        raise harness.Broken(f"natively: {wanted}")
    for way in ways(k23):
        expect(f"{command} {way}", answer_of(with_hook(k23, way, *command)), answer_of(wanted))
        expect(f"outside of {way}", sorted(harness.snapshot("place/outside")), sorted(outside))
        expect("beside it", os.listdir("place"), ["outside"])


def compare_calls(k23, calls, case):
    compare(k23, sys.executable, "-u", calls, place(), case)


def case_files(k23, calls):
    compare_calls(k23, calls, "files")


def case_directories(k23, calls):
    compare_calls(k23, calls, "directories")


def case_links(k23, calls):
    compare_calls(k23, calls, "links")


def case_entries(k23, calls):
    compare_calls(k23, calls, "entries")


def case_borders(k23, calls):
    compare_calls(k23, calls, "borders")
    # The kernel's path is longer than the program's.
    code = ("import errno, os\n"
            "open('/k/f', 'w').write('x')\n"
            "print([os.stat('/k/' + (4092 - len(end)) // 2 * './' + end).st_size for end in ('f', '/f', './f')])\n"
            "try: os.stat('/k/' + 'x/' * 2046)\n"
            "except OSError as e: print(errno.errorcode[e.errno])\n")
    expect("long", answer_of(with_hook_at(k23, "/k", sys.executable, "-c", code)), (0, "[1, 1, 1]\nENAMETOOLONG\n", ""))


def case_magic(k23, calls):
    compare_calls(k23, calls, "magic")


def case_resolve(k23, calls):
    compare_calls(k23, calls, "resolve")


def case_root(k23, calls):
    compare_calls(k23, calls, "root")


def case_executables(k23, calls):
    compare_calls(k23, calls, "executables")


def case_sockets(k23, calls):
    compare_calls(k23, calls, "sockets")


def case_processes(k23, calls):
    compare_calls(k23, calls, "processes")


def case_build(k23, calls):
    del calls
    compare(k23, "sh", "-c", BUILD)


def case_git(k23, calls):
    del calls
    need_program("git")
    compare(k23, "sh", "-c", GIT)


def case_venv(k23, calls):
    del calls
    compare(k23, "sh", "-c", VENV)


def keepers():
    """Those of this test's runs, whose working directory has the run's file."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/comm") as comm:
                if comm.read() == "k23-keeper\n" and os.path.exists(f"/proc/{process}/cwd/{os.getpid()}-is-here"):
                    found.append(int(process))
        except OSError:
            pass
    return found


def case_end(k23, calls):
    """Whatever ends the run: nothing is left of it. And two runs do not see each other."""
    del calls
    may_mount()
    mem = place()
    mark = f"{mem}/{os.getpid()}-is-here"
    hook = ["--hook", f"memfs:at={mem}"]
    for signals in (), (signal.SIGTERM,), (signal.SIGKILL,):
        program = subprocess.Popen([k23, "run", "--no-patch", *hook, "--", "sh", "-c", f"cd {mem}; echo >{mark}; sleep 1000 & echo; wait"],
                                   stdout=subprocess.PIPE, process_group=0)
        program.stdout.readline()
        keeper = keepers()
        expect("keepers", len(keeper), 1)
        expect("another run", run(k23, "run", "--no-patch", *hook, "--", "ls", mem).stdout, "")
        expect("natively", (os.path.exists(mem), os.listdir("place")), (False, ["outside"]))
        for number in signals:
            program.send_signal(number)
            program.wait()
            time.sleep(0.2)
            expect("as long as the other process lives", keepers(), keeper)
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        program.stdout.close()
        wait_until(lambda: not keepers())
    # Without its keeper, the run has not got the file system; nothing happens to what is outside.
    program = subprocess.Popen([k23, "run", "--no-patch", *hook, "--", "sh", "-c", f"echo >{mark}; echo; read line; cat {mark}; echo $?"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    program.stdout.readline()
    for keeper in keepers():
        os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: not keepers())
    expect("without its keeper", program.communicate("\n")[0], "1\n")
    expect("beside it", os.listdir("place"), ["outside"])


def case_elsewhere(k23, calls):
    """Where the file system cannot be reached, it is not there, and no other is taken for it."""
    del calls
    may_mount()
    need_machine(os.geteuid() == 0, "chroot is for root")
    mem = place()
    os.makedirs("place/outside/root/proc")
    code = (f"import os; open('{mem}/f', 'w').write('x'); os.chroot('place/outside/root')\n"
            f"print(os.path.exists('{mem}'), os.path.exists('{mem}/f'))")
    result = with_hook_at(k23, mem, sys.executable, "-c", code)
    expect("after chroot", answer_of(result), (0, "False False\n", ""))
    code = f"import os; os.mkdir('{mem}/root'); os.chroot('{mem}/root'); os.chdir('/'); open('f', 'w'); print(os.listdir('/'), os.getcwd())"
    expect("in it", answer_of(with_hook_at(k23, mem, sys.executable, "-c", code)), (0, "['f'] /\n", ""))
    result = with_hook_at(k23, mem, "unshare", "--fork", "--pid", "--mount-proc", "sh", "-c", f"ls {mem}; mkdir {mem}/x; echo")
    expect("in a namespace of processes", (result.stdout, os.listdir("place")), ("\n", ["outside"]))
    if shutil.which("setpriv") and harness.reachable(k23):
        result = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", k23, "run", "--no-patch", "--hook", "memfs:at=/k23-memfs",
                     "--", "sh", "-c", "cd /k23-memfs; echo >f; stat -c '%u %g' . f; cp /bin/true .; ./true; echo $?", cwd="/")
        expect("as a user", answer_of(result), (0, "65534 65534\n65534 65534\n0\n", ""))


def with_hook_at(k23, mem, *command):
    return run(k23, "run", "--no-patch", "--hook", f"memfs:at={mem}", "--", *command)


def case_mistakes(k23, calls):
    del calls
    may_mount()
    here = os.getcwd()
    for options, words in (("", "it needs at=PATH"), (":at=mem", "it needs at=PATH"), (":at=/", "not at=/"), (":at=//.", "not at=/"),
                           (f":at={here}", "already"), (f":at={here}/none/mem", "no directory")):
        result = run(k23, "run", "--hook", "memfs" + options, "--", "echo", "started")
        expect(f"{options}: {result.stderr}", (result.returncode, result.stdout, words in result.stderr), (125, "", True))
    # Who may neither mount, nor make a namespace of users.
    command = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
    result = run("unshare", "--user", "--map-root-user", "sh", "-c", command, "sh", k23, "run", "--hook", f"memfs:at={here}/mem", "--", "echo", "x")
    expect(f"forbidden: {result.stderr}", (result.returncode, result.stdout, "may not mount" in result.stderr), (125, "", True))


def main():
    k23, calls = (os.path.abspath(path) for path in sys.argv[1:3])
    harness.main(lambda: harness.run_case(globals(), sys.argv[3], k23, calls))


main()
