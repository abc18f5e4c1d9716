#!/usr/bin/python3
"""The example overlay: what programs do with a folder natively, and in a run in which it stays as it is.
usage: overlay.py K23 CASE"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
import harness
from harness import expect, run

SOURCE = os.path.join(HERE, "../../examples/overlay/overlay.c")

# What is there before. git's dates make its commits the same.
BEFORE = """
export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a
"""
MAKE = """
mkdir -p repository/sub source many/deep; echo one > file; echo two > file2; ln -s many/deep link; ln -s ../file many/back
printf '#!/bin/sh\\necho script $0 "$@"\\n' > script; chmod 755 script
for i in 1 2 3; do echo $i > many/$i; done; echo deep > many/deep/file
printf 'int f(void);\\nint main(void) { return f(); }\\n' > source/a.c
printf '#include <stdio.h>\\nint f(void) { return puts("made") < 0; }\\n' > source/b.c
printf 'program: a.o b.o\\n\\tcc -o $@ $^\\nclean:\\n\\trm -f *.o program\\n' > source/Makefile
cd repository; git init -q -b main; echo 1 > one; echo 2 > two; echo a > sub/a; echo b > sub/b; git add -A; git commit -qm one
"""
STEPS = {
    "files": """
ls -a; cat file link/file many/back; echo changed >> file; cat file many/back; ls -l many | wc -l; mkdir new; cd new; pwd -P
echo x > x; cat ../file; ls ..; cd ..; rm many/2; ls many; mv many/3 new/moved; ls link many new; rm -r many; ls; mkdir many
ls -a many; ln new/x hard; stat -c '%h %a' hard new/x; ln -s new/x soft; cat soft; chmod 600 file2; stat -c %a file2
mv file2 other; cat file2; cat other; rmdir new; rm file; touch file; cat file; mv file many; ls many; ./script 1 2
touch -d @5 script; stat -c %Y script; cd many; mkdir a; cd a; ls ../..; cat ../../soft; mv ../file ../../new/; ls ../../new
rmdir $PWD; cd ../..; rm soft/ hard/; mkdir x/ y; mv y/ x/; ls x; rmdir x/y/. x/y; ls -a""",
    "git": """
cd repository; git status --short; echo x >> one; git add -A; git commit -qm two; git mv sub/a moved; git rm -q two
git commit -qm three; git status; cd ..; git clone -q repository clone; cd clone; ls -a; git checkout -qb other; echo y > new
git add new; git commit -qm other; git checkout -q -; git merge -q other; git gc -q; git fsck; git log --format='%H %s'""",
    "build": """
cd source; make -s && ./program; touch a.c; make -s; ./program; make -s clean; ls; cp /bin/echo own; ./own echo; mkdir bin
mv own bin/own; PATH=$PWD/bin:$PATH own found; ln -s bin/own to; ./to link; cp /bin/sh shell
printf '#!%s/shell\\necho in $0 $1\\n' $PWD > run; chmod 755 run; ./run one; $PWD/run two; chmod 644 run; ./run three
printf '#!%s/run4 x\\n' $PWD > run5; cp run run4; chmod 755 run4 run5; ./run5 y; readlink /proc/self/cwd""",
    "python": """
exec python3 -S - << 'END'
import mmap, os, shutil, socket, subprocess, tempfile
made = tempfile.mkdtemp(dir=".")
shutil.copytree("repository/sub", made + "/copy")
print(sorted(os.listdir(made + "/copy")))
shutil.rmtree(made)
shutil.move("repository/sub", "moved")
print(sorted(os.listdir("moved")), os.path.exists("repository/sub"), os.path.exists(made))
with tempfile.TemporaryFile(dir=".") as file, tempfile.NamedTemporaryFile(dir="many") as named:
    print(file.write(b"x"), os.path.exists(named.name))
with open("file", "r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
    shared[0:1] = b"Z"
print(open("file").read(), subprocess.run(["./script", "1"], capture_output=True, text=True).stdout)
here = os.open(".", os.O_RDONLY)
os.mkdir("by", dir_fd=here)
os.rename("by", "by2", src_dir_fd=here, dst_dir_fd=here)
read = os.open("file2", os.O_RDONLY)
os.fchmod(read, 0o600)
print(oct(os.stat("file2").st_mode))
for number in range(2000):
    open(f"many/new{number}", "w").close()
print(len(os.listdir("many")), len(set(os.listdir("many"))))
with os.scandir("many") as entries:
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            os.unlink(entry.path)
print(sorted(os.listdir("many")))
server = socket.socket(socket.AF_UNIX)
server.bind("many/socket")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("many/socket")
print(os.path.exists("many/socket"), os.getcwd() == os.environ["FOLDER"])
pid = os.fork()
if pid == 0:
    os.chdir("many/deep")
    os.execv("../../script", ["script", os.getcwd()[-9:]])
os.waitpid(pid, 0)
for call in (lambda: os.rmdir("."), lambda: os.mkdir("many"), lambda: os.rmdir("many"), lambda: os.unlink("many"),
             lambda: os.open("file/", os.O_CREAT), lambda: os.open("file/x", 0), lambda: os.rename("many", "many/x"),
             lambda: os.link("no", "x"), lambda: os.open("link", os.O_NOFOLLOW), lambda: os.symlink("x", "file")):
    try:
        print(call())
    except OSError as error:
        print(error.strerror)
END""",
}
AFTER = """find . -name .git -prune -o ! -type d -printf '%p %y %m %l\\n' | sort; find . -name .git -prune -o -type d -printf '%p %m\\n' |
sort; find . -name .git -prune -o -type f -print | sort | xargs cat | sha256sum"""


def make(before):
    for folder in "folder", "changes":
        shutil.rmtree(folder, ignore_errors=True)
    os.mkdir("changes")
    shutil.copytree(before, "folder", symlinks=True)


def outcome(words, step):
    steps = [[*words, "sh", "-c", f"cd $FOLDER || exit\n{BEFORE}{text}"] for text in (STEPS[step], AFTER)]
    return [(result.returncode, result.stdout, result.stderr) for result in (run(*step) for step in steps)]


def compare(k23, step):
    for program in "git", "cc", "make", "python3":
        harness.need_program(program)
    os.environ["FOLDER"] = os.path.abspath("folder")
    expect("before", run("sh", "-ec", f"mkdir before; cd before\n{BEFORE}{MAKE}").returncode, 0)
    hook = os.path.abspath("overlay.so")
    result = run(k23, "cc", "--hosted", "-Werror", SOURCE, "-o", hook)
    expect("k23 cc", (result.returncode, result.stderr), (0, ""))
    make("before")
    natively = outcome([], step)
    options = f":lower={os.environ['FOLDER']},upper={os.path.abspath('changes')}"
    for way in ["--no-patch"], [], ["--eager"], ["--hook", "null"]:
        make("before")
        words = [k23, "run", *way, "--hook", hook + options, "--"]
        for name, mine, native in zip((step, "afterwards"), outcome(words, step), natively):
            expect(f"{name} {way}", mine, native)
        difference = subprocess.run(["diff", "-r", "--no-dereference", "before", "folder"], capture_output=True, text=True)
        expect(f"the folder {way}", (difference.returncode, difference.stdout), (0, ""))


def case_wrong(k23):
    result = run(k23, "cc", "--hosted", "-Werror", SOURCE, "-o", "overlay.so")
    expect("k23 cc", (result.returncode, result.stderr), (0, ""))
    os.makedirs("folder/in")
    for options in "", ":lower=folder", ":lower=/,upper=folder", ":lower=folder,upper=no", ":lower=folder,upper=folder/in":
        result = run(k23, "run", "--hook", "./overlay.so" + options, "--", "true")
        expect(options, (result.returncode, result.stderr.count("\n"), "refuses" in result.stderr), (125, 1, True))


def case_files(k23):
    compare(k23, "files")


def case_git(k23):
    compare(k23, "git")


def case_build(k23):
    compare(k23, "build")


def case_python(k23):
    compare(k23, "python")


def main():
    k23 = os.path.abspath(sys.argv[1])
    harness.main(lambda: harness.run_case(globals(), sys.argv[2], k23))


main()
