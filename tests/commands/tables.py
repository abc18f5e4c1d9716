#!/usr/bin/python3
"""The tables against the system's headers, and against what repeats them. usage: tables.py SOURCE CC..."""
import os
import re
import subprocess
import sys

source, *cc = sys.argv[1:]
sys.path.insert(0, os.path.join(source, 'tables'))
from type_model import Model
failures = []


def fail(text):
    failures.append(text)


def header(name):
    text = subprocess.run([*cc, '-E', '-dM', '-xc', '-'], input=f'#include <{name}>\n', capture_output=True,
                          text=True, check=True).stdout
    return {match[1]: int(match[2]) for match in re.finditer(r'^#define __NR_(\w+) (\d+)$', text, re.M)}


def rows():
    with open(os.path.join(source, 'tables/syscalls.tsv')) as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                yield (line.rstrip('\n').split('\t') + [''] * 5)[:5]


def check_header(column, name):
    ours = {row[2]: int(row[column]) for row in rows() if row[column] != '-'}
    theirs = header(name)
    for call, number in theirs.items():
        if ours.get(call) != number:
            fail(f'{name}: {call} is {number}, in the table {ours.get(call, "missing")}')
    for call, number in ours.items():
        # Newer ones, and uretprobe and uprobe, may be unknown to the header.
        if call not in theirs and number in theirs.values():
            fail(f'{name} does not have {call}, and {number} is another call')
    if len(theirs) < 350:
        fail(f'{name} has only {len(theirs)} calls')


def check_errors():
    text = subprocess.run([*cc, '-E', '-dM', '-xc', '-'], input='#include <errno.h>\n', capture_output=True,
                          text=True, check=True).stdout
    theirs = {match[1]: int(match[2]) for match in re.finditer(r'^#define (E\w+) (\d+)$', text, re.M)}
    with open(os.path.join(source, 'tables/errnos.tsv')) as file:
        ours = {name: int(number) for number, name in
                (line.split() for line in file if line.strip() and not line.startswith('#'))}
    if ours != theirs:
        fail(f'errnos.tsv and errno.h differ: {set(ours.items()) ^ set(theirs.items())}')


def check_faults():
    """faults.tsv has calls and errors that there are, each call once."""
    calls, seen = {row[2] for row in rows()}, set()
    with open(os.path.join(source, 'tables/errnos.tsv')) as file:
        errors = {line.split()[1] for line in file if line.strip() and not line.startswith('#')} | {'EXHAUSTED'}
    with open(os.path.join(source, 'tables/faults.tsv')) as file:
        for line in file:
            if line.startswith('#'):
                continue
            name, faults = line.rstrip('\n').split('\t')
            for error in re.findall(r'\bE[A-Z]\w+', faults):
                if error not in errors:
                    fail(f'faults.tsv: {name} has {error}, which is no error')
            if name not in calls or name in seen or not faults:
                fail(f'faults.tsv: {name} is no call, has no faults, or is there twice')
            seen.add(name)


def generate(what):
    return subprocess.run([sys.executable, os.path.join(source, 'tables/gen_names.py'), what,
                           *(os.path.join(source, name) for name in
                             ('include/k23/types.h', 'tables/types.def', 'tables/syscalls.tsv')),
                           '/dev/stdout'], capture_output=True, text=True, check=True).stdout


def check_numbers_header():
    with open(os.path.join(source, 'include/k23/numbers.h')) as file:
        if file.read() != generate('numbers'):
            fail('include/k23/numbers.h is not what tables/gen_names.py makes of tables/syscalls.tsv')


def check_i386_numbers():
    ours = dict(re.findall(r'^#define I386_NR_(\w+) (\d+)$', generate('i386'), re.M))
    for call, number in header('asm/unistd_32.h').items():
        if ours.get(call) != str(number):
            fail(f'I386_NR_{call} is {ours.get(call, "missing")}, not {number}')


def check_paths():
    """What k23/path.h says of single calls, it says of calls that take a path."""
    paths = {row[2] for row in rows() if row[0] != '-' and 'path' in row[3].split()}
    with open(os.path.join(source, 'include/k23/path.h')) as file:
        known = set(re.findall(r'\{ SYS_(\w+), \d', file.read()))
    if len(known) < 40 or not known <= paths:
        fail(f'include/k23/path.h: {known - paths} take no path')


def check_constants():
    """Each constant that types.def names is in the headers, and has the value that types.def may give instead."""
    model = Model(os.path.join(source, 'tables/types.def'), cc)
    for name in model.missing:
        fail(f'{name} is in no header')
    given = {item.name: item for type_ in model.types.values() if type_.form == 'constants'
             for item in type_.of if item.name and not item.headers}
    for headers in model.headers.values():
        known = [name for name in given if name in headers.names]
        headers.wanted = {name: None for name in known}
        headers.evaluate()
        for name in known:
            if headers.value(name) & 0xffffffff != given[name].expression & 0xffffffff:
                fail(f'{name} is {headers.value(name):#x} in a header, {given[name].expression:#x} in types.def')
    if sum(len(type_.of) for type_ in model.types.values() if type_.form == 'constants') < 1500:
        fail('types.def has few constants')


def check_members():
    """A member that would make something else of its object in JSON (src/cli/value/make.h) gets an underscore there, by
    which it is not another member."""
    model = Model(os.path.join(source, 'tables/types.def'), cc)
    for type_ in model.types.values():
        names = [field.name for field in type_.of] if type_.form == 'struct' else []
        for name in ('value', 'address', 'string', 'bytes', 'elements', 'before'):
            if name in names and name + '_' in names:
                fail(f'{type_.name} has the members {name} and {name}_, which are one in JSON')


def check_sizes():
    for name in 'readonly', 'redirect', 'twice':
        with open(os.path.join(source, f'hooks/{name}.c')) as file:
            lines = len(file.readlines())
        if lines >= 100:
            fail(f'hooks/{name}.c, an example, has {lines} lines')


check_header(0, 'asm/unistd_64.h')
check_header(1, 'asm/unistd_32.h')
check_errors()
check_faults()
check_numbers_header()
check_i386_numbers()
check_paths()
check_constants()
check_members()
check_sizes()
print('\n'.join(failures))
sys.exit(bool(failures))
