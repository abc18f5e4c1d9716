#!/usr/bin/env python3
"""Runs the windows of real programs, patched and not (execute.c), and compares where their instructions begin with what
objdump says. usage: plans.py EXECUTE CC NAME; what there is for NAME is below."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIP = 77


def first(*paths):
    return next((os.path.realpath(path) for path in paths if path and os.path.exists(path)), None)


def rust(directory):
    if not shutil.which('rustc'):
        return None
    source = os.path.join(directory, 'hello.rs')
    with open(source, 'w') as file:
        file.write('fn main() { let t = std::thread::spawn(|| std::fs::read("/proc/self/stat")); '
                   'println!("{}", t.join().unwrap().unwrap().len()); }\n')
    built = subprocess.run(['rustc', '-C', 'target-feature=+crt-static', source, '-o', os.path.join(directory, 'hello')],
                           capture_output=True)
    return first(os.path.join(directory, 'hello')) if built.returncode == 0 else None


def static(directory):
    source = os.path.join(directory, 'hello.c')
    with open(source, 'w') as file:
        file.write('#include <pthread.h>\n#include <stdio.h>\nint main(void) { pthread_t t; return printf("%d\\n", '
                   'pthread_create(&t, 0, (void *(*)(void *))puts, "x")) < 0; }\n')
    subprocess.run([sys.argv[2], '-static', source, '-o', os.path.join(directory, 'hello')], check=True)
    return first(os.path.join(directory, 'hello'))


def go(directory):
    if not shutil.which('go'):
        return None
    source = os.path.join(directory, 'hello.go')
    with open(source, 'w') as file:
        file.write('package main\nimport ("fmt"; "os")\nfunc main() { fmt.Println(os.Getpid()) }\n')
    environment = dict(os.environ, GOCACHE=os.path.join(directory, 'cache'), GO111MODULE='off', CGO_ENABLED='0',
                       GOTOOLCHAIN='local', GOFLAGS='')
    subprocess.run(['go', 'build', '-o', os.path.join(directory, 'hello'), source], check=True, env=environment)
    return first(os.path.join(directory, 'hello'))


FILES = {
    'libc': lambda _: first('/lib/x86_64-linux-gnu/libc.so.6', '/lib64/libc.so.6'),
    'ld.so': lambda _: first('/lib64/ld-linux-x86-64.so.2'),
    'musl': lambda _: first('/usr/lib/x86_64-linux-musl/libc.so', '/lib/ld-musl-x86_64.so.1'),
    'node': lambda _: first(shutil.which('node')),
    'static': static,
    'go': go,
    'rust': rust,
}


def boundaries(path):
    """Where objdump sees instructions begin."""
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', path], capture_output=True, text=True, check=True).stdout
    return {int(match, 16) for match in re.findall(r'^\s*([0-9a-f]+):\t', text, re.M)}


def main():
    execute, _, name = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        path = FILES[name](directory)
        if not path:
            print('skipped: it is not here')
            return SKIP
        result = subprocess.run([execute, path, '32'], capture_output=True, text=True, timeout=500)
        if result.returncode:
            print(f'{path}: status {result.returncode}\n{result.stderr}')
            return 1
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
            print('\n'.join(wrong))
            return 1
    return 0


sys.exit(main())
