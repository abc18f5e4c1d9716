#!/usr/bin/python3
"""Makes C tables and headers of syscalls.tsv and errnos.tsv. The tables are for src/core and have no pointer in them:
strings are offsets into a pool, so that the runtime's image needs no relocation for them.

usage: gen_names.py calls k23/types.h syscalls.tsv OUTPUT
       gen_names.py errors errnos.tsv OUTPUT
       gen_names.py numbers k23/types.h syscalls.tsv k23/numbers.h
       gen_names.py i386 k23/types.h syscalls.tsv OUTPUT
"""
import re
import sys


def rows(path):
    with open(path) as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip('\n')
            if line and not line.startswith('#'):
                yield f'{path}:{number}', line.split('\t')


class Pool:
    """Strings, each with its NUL, one after the other; offset 0 is the empty one."""

    def __init__(self):
        self.offsets = {'': 0}
        self.size = 1

    def add(self, text):
        if text not in self.offsets:
            self.offsets[text] = self.size
            self.size += len(text) + 1
        return self.offsets[text]

    def emit(self, out, name):
        assert self.size < 1 << 16
        out.append(f'static const char {name}[{self.size}] =')
        strings = sorted(self.offsets, key=self.offsets.get)
        out.extend(f'\t"{text}\\0"' for text in strings[:-1])
        out.append(f'\t"{strings[-1]}";\n')


def kinds_of(header):
    """Numbers of enum k23_kind, by the names that the table uses: K23_FD is fd."""
    with open(header) as file:
        body = re.search(r'enum k23_kind \{(.*?)\};', file.read(), re.S).group(1)
    names = re.findall(r'^\tK23_(\w+),', body, re.M)
    return {name.lower(): number for number, name in enumerate(names)}


def emit_array(out, kind, name, values):
    out.append(f'static const {kind} {name}[{len(values)}] = {{')
    for start in range(0, len(values), 16):
        out.append('\t' + ', '.join(str(v) for v in values[start:start + 16]) + ',')
    out.append('};\n')


def read_calls(path, kinds):
    """{number: (name, signature)} for x86-64 and for i386; a signature is the kinds of result and arguments."""
    tables = {}, {}
    for where, row in rows(path):
        row += [''] * (5 - len(row))
        name, arguments = row[2], row[3].split()
        try:
            signature = [kinds[row[4] or 'long']] + [kinds[kind] for kind in arguments]
        except KeyError as error:
            sys.exit(f'{where}: no such kind: {error}')
        if len(arguments) > 6:
            sys.exit(f'{where}: more than six arguments')
        for table, number in zip(tables, row[:2]):
            if number == '-':
                continue
            if int(number) in table:
                sys.exit(f'{where}: number {number} is there twice')
            table[int(number)] = name, tuple(signature)
    return tables


def emit_calls(out, tables):
    pool, signatures = Pool(), {}
    for arch, table in zip(('x86_64', 'i386'), tables):
        names, uses = [], []
        for number in range(max(table) + 1):
            name, signature = table.get(number, ('', (0,)))
            names.append(pool.add(name))
            uses.append(signatures.setdefault(signature, len(signatures)))
        emit_array(out, 'uint16_t', f'{arch}_names', names)
        emit_array(out, 'uint8_t', f'{arch}_signatures', uses)
    assert len(signatures) <= 256
    out.append('/* how many arguments; kind of the result; kinds of the arguments */')
    out.append(f'static const uint8_t signatures[{len(signatures)}][8] = {{')
    for result, *arguments in signatures:
        out.append('\t{ ' + ', '.join(str(v) for v in (len(arguments), result, *arguments)) + ' },')
    out.append('};\n')
    pool.emit(out, 'call_names')


NUMBERS_HEADER = """\
/*
 * k23/numbers.h - system call numbers for which the C library's headers may be too old.
 *
 * Made of tables/syscalls.tsv by tables/gen_names.py; a test compares the two.
 */
#ifndef K23_NUMBERS_H
#define K23_NUMBERS_H
"""
FIRST_NUMBER = 424  # from here on the numbers of all architectures are the same; Linux 5.1


def emit_numbers(out, table):
    out.append(NUMBERS_HEADER)
    for number, (name, _) in sorted(table.items()):
        if number >= FIRST_NUMBER:
            out += [f'#ifndef SYS_{name}', f'#define SYS_{name} {number}', '#endif']
    out.append('\n#endif\n')


def emit_i386(out, table):
    out += ['#ifndef I386_NUMBERS_H', '#define I386_NUMBERS_H\n']
    out += [f'#define I386_NR_{name} {number}' for number, (name, _) in sorted(table.items())]
    out.append('\n#endif\n')


def emit_errors(out, path):
    errors = {int(row[0]): row[1] for _, row in rows(path)}
    pool = Pool()
    offsets = [pool.add(errors.get(number, '')) for number in range(max(errors) + 1)]
    emit_array(out, 'uint16_t', 'error_offsets', offsets)
    pool.emit(out, 'error_names')


def main():
    what, *inputs, output = sys.argv[1:]
    out = []
    if what == 'numbers':
        header, path = inputs
        emit_numbers(out, read_calls(path, kinds_of(header))[0])
    else:
        out.append('/* Generated by tables/gen_names.py. */')
    if what == 'i386':
        header, path = inputs
        emit_i386(out, read_calls(path, kinds_of(header))[1])
    elif what == 'calls':
        header, path = inputs
        out.append('#include <stdint.h>\n')
        emit_calls(out, read_calls(path, kinds_of(header)))
    elif what == 'errors':
        out.append('#include <stdint.h>\n')
        emit_errors(out, *inputs)
    with open(output, 'w') as file:
        file.write('\n'.join(out))


main()
