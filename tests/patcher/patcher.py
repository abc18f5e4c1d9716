#!/usr/bin/env python3
"""Golden tests of the patcher. A case is a file NAME.case: comments, a function in assembly, a line `---`, and what
becomes of its system calls. usage: patcher.py PATCHER CC FILE...; with --update first, the expectations are rewritten.

Lines of the comments that the test reads:
	# stub: ADDRESS		where the stub is (0x30020)
	# observed		a program was seen to make a call everywhere
	# fixed			the file is not moved
Code that says .cfi_startproc itself is taken as it is. The function is at 0x10000, `data` at 0x20000."""
import difflib
import os
import re
import subprocess
import sys
import tempfile

PROLOGUE = '.text\n.globl function\n'
FUNCTION = 'function: .cfi_startproc\n{}\nret\n.cfi_endproc\n'
EPILOGUE = '.data\n.globl data\n.hidden data\ndata: .quad 0\n.section .note.GNU-stack, "", @progbits\n'


def run(patcher, cc, text):
    comments = [line[1:].strip() for line in text.splitlines() if line.startswith('#')]
    stub = next((line.split()[1] for line in comments if line.startswith('stub: ')), '0x30020')
    code = ''.join(line + '\n' for line in text.splitlines() if not line.startswith('#'))
    with tempfile.TemporaryDirectory() as directory:
        source, program = os.path.join(directory, 'case.s'), os.path.join(directory, 'case')
        with open(source, 'w') as file:
            file.write(PROLOGUE + (code if '.cfi_startproc' in code else FUNCTION.format(code)) + EPILOGUE)
        link = ['-no-pie', '-static', '-Wl,-e,function'] if 'fixed' in comments else ['-shared']
        subprocess.run([cc, '-nostdlib', '-Wl,--build-id', '-Wl,--section-start=.text=0x10000',
                        '-Wl,--section-start=.data=0x20000', *link, source, '-o', program], check=True)
        result = subprocess.run([patcher, program, stub] + ['observed'] * ('observed' in comments), capture_output=True,
                                text=True, timeout=60)
    if result.returncode or result.stderr:
        sys.exit(f'patcher: {result.returncode}: {result.stderr}')
    return result.stdout


def main():
    update = sys.argv[1] == '--update'
    patcher, cc, *paths = sys.argv[1 + update:]
    wrong = 0
    for path in paths:
        with open(path) as file:
            text, _, wanted = file.read().partition('---\n')
        got = run(patcher, cc, text)
        if update:
            with open(path, 'w') as file:
                file.write(f'{text}---\n{got}')
        elif got != wanted:
            wrong = 1
            sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), got.splitlines(True), path, 'got'))
    reasons = {reason for path in paths for reason in re.findall(r'^\w+: ([A-Z_]+)', open(path).read(), re.M)}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../tables/refusals.def')) as file:
        missing = set(re.findall(r'^REFUSAL\((\w+)', file.read(), re.M)) - reasons
    if len(paths) > 1 and missing:
        print('no case of', ', '.join(sorted(missing)))
        wrong = 1
    return wrong


sys.exit(main())
