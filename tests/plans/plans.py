#!/usr/bin/python3
"""Runs the windows of real programs, patched and not (execute.c), and compares where their instructions begin with what
objdump says. usage: plans.py EXECUTE COMPILER NAME; the program for NAME is in FILES, below."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, need


def first(*paths):
    return next((os.path.realpath(path) for path in paths if path and os.path.exists(path)), None)


def compiled(source, text, *command):
    """The program `hello`, which the command makes of the source."""
    harness.need_program(command[0])
    with open(source, 'w') as file:
        file.write(text)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return first('hello')


def rust():
    return compiled('hello.rs', 'fn main() { let t = std::thread::spawn(|| std::fs::read("/proc/self/stat")); '
                    'println!("{}", t.join().unwrap().unwrap().len()); }\n',
                    sys.argv[2], '-C', 'target-feature=+crt-static', 'hello.rs', '-o', 'hello')


def static():
    return compiled('hello.c', '#include <pthread.h>\n#include <stdio.h>\nint main(void) { pthread_t t; return '
                    'printf("%d\\n", pthread_create(&t, 0, (void *(*)(void *))puts, "x")) < 0; }\n',
                    sys.argv[2], '-static', 'hello.c', '-o', 'hello')


def go():
    os.environ.update(GOCACHE=os.path.abspath('cache'), GO111MODULE='off', CGO_ENABLED='0', GOTOOLCHAIN='local')
    return compiled('hello.go', 'package main\nimport ("fmt"; "os")\nfunc main() { fmt.Println(os.Getpid()) }\n',
                    sys.argv[2], 'build', '-o', 'hello', 'hello.go')


FILES = {
    'libc': lambda: first('/lib/x86_64-linux-gnu/libc.so.6', '/lib64/libc.so.6'),
    'ld.so': lambda: first('/lib64/ld-linux-x86-64.so.2'),
    'musl': lambda: first('/usr/lib/x86_64-linux-musl/libc.so', '/lib/ld-musl-x86_64.so.1'),
    'node': lambda: first(shutil.which('node')),
    'static': static,
    'go': go,
    'rust': rust,
}


def boundaries(path):
    """Where objdump sees instructions begin."""
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', path], capture_output=True, text=True, check=True).stdout
    return {int(match, 16) for match in re.findall(r'^\s*([0-9a-f]+):\t', text, re.M)}


def compare(execute, name):
    path = FILES[name]()
    need(path, f'there is no {name}')
    result = harness.run(execute, path, '32', timeout=500)
    if result.returncode:
        raise Failed(f'{path}: status {result.returncode}\n{result.stderr}')
    plans = result.stdout.splitlines()
    known = boundaries(path) if plans else set()
    wrong = []
    for plan in plans:
        starts = [int(field, 16) for field in re.match(r'[0-9a-f ]+(?= |$)', plan)[0].split()]
        if [at for at in range(starts[0], starts[-1] + 1) if at in known] != starts:
            wrong.append(plan)
    unrun, faulted = (sum(plan.endswith(end) for plan in plans) for end in ('not run', 'only faulted'))
    print(f'{path}: {len(plans)} plans, {unrun} not run, {faulted} only faulted, {len(wrong)} not as objdump has them')
    if wrong or unrun > len(plans) // 50 or faulted > len(plans) // 20:
        raise Failed('\n'.join(['too many of them', *wrong]))


def main():
    execute = os.path.abspath(sys.argv[1])
    harness.main(lambda: compare(execute, sys.argv[3]))


main()
