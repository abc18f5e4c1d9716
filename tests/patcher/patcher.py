#!/usr/bin/python3
"""Golden tests of the patcher. A case is a file NAME.case: comments, a function in assembly, a line `---`, and what
becomes of its system calls. usage: patcher.py PATCHER CC FILE...; with --update first, the expectations are rewritten.

Lines of the comments that the test reads:
	# stub: ADDRESS		where the stub is (0x30020)
	# observed		a program was seen to make a call everywhere
	# fixed			the file is not moved
Code that says .cfi_startproc itself is taken as it is. The function is at 0x10000, `data` at 0x20000."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..'))
import harness
from harness import Broken, Failed

PROLOGUE = '.text\n.globl function\n'
FUNCTION = 'function: .cfi_startproc\n{}\nret\n.cfi_endproc\n'
EPILOGUE = '.data\n.globl data\n.hidden data\ndata: .quad 0\n.section .note.GNU-stack, "", @progbits\n'


def run(patcher, cc, text):
    comments = [line[1:].strip() for line in text.splitlines() if line.startswith('#')]
    stub = next((line.split()[1] for line in comments if line.startswith('stub: ')), '0x30020')
    code = ''.join(line + '\n' for line in text.splitlines() if not line.startswith('#'))
    with open('case.s', 'w') as file:
        file.write(PROLOGUE + (code if '.cfi_startproc' in code else FUNCTION.format(code)) + EPILOGUE)
    link = ['-no-pie', '-static', '-Wl,-e,function'] if 'fixed' in comments else ['-shared']
    subprocess.run([cc, '-nostdlib', '-Wl,--build-id', '-Wl,--section-start=.text=0x10000',
                    '-Wl,--section-start=.data=0x20000', *link, 'case.s', '-o', 'case'], check=True)
    result = harness.run(patcher, 'case', stub, *['observed'] * ('observed' in comments))
    if result.returncode or result.stderr:
        raise Broken(f'patcher: {result.returncode}: {result.stderr}')
    return result.stdout


def check(patcher, cc, paths, update):
    wrong = []
    seen = set()
    for path in paths:
        with open(path) as file:
            text, _, wanted = file.read().partition('---\n')
        got = run(patcher, cc, text)
        seen.update(re.findall(r'^\w+: ([A-Z_]+)', got, re.M))
        if update:
            with open(path, 'w') as file:
                file.write(f'{text}---\n{got}')
        elif got != wanted:
            wrong += [path, harness.difference(wanted.splitlines(), got.splitlines())]
    with open(os.path.join(HERE, '../../tables/refusals.def')) as file:
        missing = set(re.findall(r'^REFUSAL\((\w+)', file.read(), re.M)) - seen
    if len(paths) > 1 and missing:
        wrong.append('no case of ' + ', '.join(sorted(missing)))
    if wrong:
        raise Failed('\n'.join(wrong))


def main():
    update = sys.argv[1] == '--update'
    patcher, cc, *paths = sys.argv[1 + update:]
    patcher, paths = os.path.abspath(patcher), [os.path.abspath(path) for path in paths]
    harness.main(lambda: check(patcher, cc, paths, update))


main()
