#!/usr/bin/python3
"""Runs a fuzzer for FUZZ_SECONDS (10), from seeds that are made here. usage: run.py FUZZER NAME K23 CC"""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = os.path.join(HERE, '..'), os.path.join(HERE, '../sites')
import cases
import harness
from harness import Failed

SMALL = ['-Wl,-z,noseparate-code', '-Wl,-z,max-page-size=4096', '-Wl,--hash-style=gnu']


# A table of one function, as Go 1.18 makes it.
GO_TABLE = '.section .gopclntab, "a"\n.long 0xfffffff0, 0x08010000\n.quad 1, 0, number, 0, 0, 0, 0, 72\n.long 0, 0, 4\n'


def assembly(names):
    text = '.data\n.p2align 3\ndata: .quad 0\nslot: .quad 0\n.text\n.globl number\n.hidden number\n'
    return text + ''.join(cases.function(name, *cases.CASES[name][1:]) for name in ['number', *names])


def libraries(cc):
    """Small ones, each with a few kinds of sites."""
    names = [name for name in cases.CASES if name != 'number' and 'page' not in name]
    for n in range(0, len(names), 6):
        fixed = any(cases.CASES[name][2].get('fixed') for name in names[n:n + 6])
        fixed = fixed or n % 12
        with open(f'{n}.s', 'w') as file:
            file.write(assembly(names[n:n + 6]) + GO_TABLE * bool(fixed) + '.section .note.GNU-stack, "", @progbits\n')
        how = ['-no-pie', '-static', '-Wl,-e,number'] if fixed else ['-shared']
        subprocess.run([cc, '-nostdlib', '-Wl,--build-id', *SMALL, *how, f'{n}.s', '-o', f'{n}.elf'], check=True)
    return [f'{n}.elf' for n in range(0, len(names), 6)]


def section(path, name):
    subprocess.run(['objcopy', '-O', 'binary', '--only-section', name, '--set-section-flags', name + '=alloc,contents', path,
                    'section'], check=True)
    with open('section', 'rb') as file:
        return file.read()


def recordings(k23):
    """Chunks of a recording, cut to what fuzz/recording.c takes."""
    subprocess.run([k23, 'record', '-o', 'recording', '--ring=1M', '--', 'sh', '-c', 'true; /bin/true'], check=True)
    with open('recording', 'rb') as file:
        data = file.read()
    chunks = [data[at:at + 1021] for at in range(len(data) % 8192, len(data), 8192) if data[at + 8]]
    return [bytes([flags, 255]) + b''.join(chunks[:4]) for flags in (0, 1, 2, 3, 6, 0x12)]


def seeds(name, k23, cc):
    if name == 'recording':
        return recordings(k23)
    built = libraries(cc)
    if name == 'elf':
        return [open(path, 'rb').read() for path in built]
    if name == 'unwind':
        return [b'\1' + section(path, '.eh_frame') + section(path, '.gcc_except_table') for path in built] + \
            [b'\0' + section(path, '.eh_frame_hdr') + section(path, '.eh_frame') for path in built]
    subprocess.run([k23, 'analyze', '--store=store/sites', *built], check=True, stdout=subprocess.DEVNULL)
    if name == 'store':
        subprocess.run([k23, 'analyze', '--store=one/sites', built[0]], check=True, stdout=subprocess.DEVNULL)
        return [open(path, 'rb').read() for path in ('store/sites', 'one/sites', built[0])]
    text = subprocess.run([k23, 'sites', 'export', '--store=store/sites'], check=True, capture_output=True).stdout
    return [text[:4096].rsplit(b'\n', 1)[0] + b'\n', b'1f 08:01 1234 /lib/x\\012y\n0 0:0 1 /a (deleted)\n']


def fuzz(fuzzer, name, k23, cc):
    os.mkdir('corpus')
    for n, seed in enumerate(seeds(name, k23, cc)):
        with open(f'corpus/{n}', 'wb') as file:
            file.write(seed)
    for path in glob.glob(os.path.join(HERE, name, '*')):
        os.symlink(path, os.path.join('corpus', 'kept-' + os.path.basename(path)))
    seconds = os.environ.get('FUZZ_SECONDS', '10')
    found = os.path.join(os.path.dirname(fuzzer), f'{name}-')
    result = harness.run(fuzzer, '-max_total_time=' + seconds, '-timeout=20', '-rss_limit_mb=3000', '-max_len=32768',
                         '-print_final_stats=1', '-artifact_prefix=' + found, 'corpus', timeout=None)
    print(result.stderr[-6000:])
    if result.returncode:
        raise Failed(f'status {result.returncode}')


def main():
    fuzzer, name, k23, cc = sys.argv[1:]
    fuzzer, k23 = os.path.abspath(fuzzer), os.path.abspath(k23)
    harness.main(lambda: fuzz(fuzzer, name, k23, cc))


main()
