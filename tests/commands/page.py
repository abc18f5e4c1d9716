#!/usr/bin/python3
"""The page of k23 stat --html. usage: page.py K23 structure | browser [SCREENSHOT]

`browser` opens it in Chromium without a network, and keeps what is seen there in the file SCREENSHOT."""
import html.parser
import json
import os
import re
import shutil
import struct
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import harness
from harness import Failed, expect, run

VOID = {'meta', 'rect'}  # elements without an end, or that end at once


class Page(html.parser.HTMLParser):
    """The elements with an id, as the text of their parts, and whether all elements are closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.names, self.rows, self.texts, self.attributes = [], [], {}, {}, []
        self.feed(text)
        expect('elements that are left open', self.open, [])

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        self.names.append(tag)
        name = dict(attrs).get('id')
        if tag not in VOID:
            self.open.append((tag, name))
        if tag == 'tr':
            self.rows.setdefault(self.inside(), []).append([])
        elif tag in ('td', 'th'):
            self.rows[self.inside()][-1].append('')

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs
        self.names.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            raise Failed(f'</{tag}> closes {self.open[-1:]}')
        self.open.pop()

    def handle_data(self, data):
        for tag, name in self.open:
            self.texts[name or tag] = self.texts.get(name or tag, '') + data
        if self.rows.get(self.inside()) and self.open[-1][0] in ('td', 'th'):
            self.rows[self.inside()][-1][-1] += data

    def inside(self):
        return next((name for _, name in reversed(self.open) if name), None)


def make_page(k23, *program, status=0):
    result = run(k23, 'stat', '--html', 'page.html', '--format=json', '-o', 'report.json', '--', *program)
    expect('status', (result.returncode, result.stderr), (status, ''))
    with open('page.html', encoding='utf-8') as file:
        text = file.read()
    with open('report.json') as file:
        return text, json.load(file)


def stands_alone(text):
    for word in 'http:', 'https:', '//', 'url(', '@import', '<script', 'src=', 'href=', '<link', '<iframe':
        if word in text.replace('"//', ''):
            raise Failed(f'the page has {word}')


def case_structure(k23):
    with open('there', 'w') as file:
        file.write('text')
    hostile = '<b>&"\'</b>\x01'
    text, report = make_page(k23, 'sh', '-c', 'cat there there missing 2>/dev/null; (cat there; exit 3); ls | cat', hostile)
    stands_alone(text)
    page = Page(text)
    expect('the command line', page.texts['h1'], f'System calls of sh -c {report["program"][2]} <b>&"\'</b>?')
    expect('no element of the program', page.names.count('b'), 0)
    expect('verdict', page.texts['verdict'], 'complete: every system call was seen')
    calls = {row[0]: row for row in page.rows['calls'][1:]}
    expect('calls', list(calls), [row['name'] for row in report['syscalls']][:40])
    for row in report['syscalls'][:40]:
        expect(row['name'], (int(calls[row['name']][3]), int(calls[row['name']][4])), (row['calls'], row['errors']))
    files = {row[0]: (int(row[1]), int(row[2])) for row in page.rows['files'][1:]}
    expect('a file', files[os.path.abspath('there')], (3, 0))
    expect('a file that is not there', files[os.path.abspath('missing')], (1, 1))
    expect('processes', (page.names.count('li'), text.count('class="bar"')), (len(report['processes']),) * 2)
    expect('the shell, its children, and those of the subshell', text.split('id="processes"')[1].count('<ul>'), 3)
    bars = re.findall(r'<rect class="c\d" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', text)
    expect('a timeline', len(bars) > 0, True)
    for x, y, width, height in (map(float, bar) for bar in bars):
        if x < 0 or x + width > 1001 or y < -1 or y + height > 161:
            raise Failed(f'a part of the timeline is outside: {x} {y} {width} {height}')
    text, _ = make_page(k23, 'sh', '-c', 'kill -9 $$', status=-9)
    expect('killed', 'killed by signal</dt><dd>9<' in text, True)
    result = run(k23, 'stat', '--html', '/nonexistent/page', 'true')
    expect('no place for it', (result.returncode, len(result.stderr.splitlines())), (125, 1))
    expect('a full disk', run(k23, 'stat', '--html', '/dev/full', '-o', 'x', 'true').returncode, 125)


def pixels(name):
    """The size of a PNG of 8 bits, and the colours of its pixels."""
    with open(name, 'rb') as file:
        data = file.read()
    expect('magic', data[:8], b'\x89PNG\r\n\x1a\n')
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        part = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, bits, colour = struct.unpack('>IIBB', part[:10])
            expect('depth and kind', (bits, colour in (2, 6)), (8, True))
        packed += part if kind == b'IDAT' else b''
        at += size + 12
    count = 3 if colour == 2 else 4
    raw, line, found = zlib.decompress(packed), bytearray(width * count), set()
    for y in range(height):
        begin = y * (width * count + 1)
        line = unfilter(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * count]), line, count)
        found.update(line[i:i + 3].hex() for i in range(0, len(line), count))
    return width, height, found


def unfilter(kind, line, above, count):
    for i, byte in enumerate(line):
        left = line[i - count] if i >= count else 0
        corner = above[i - count] if i >= count else 0
        if kind == 1:
            line[i] = byte + left & 255
        elif kind == 2:
            line[i] = byte + above[i] & 255
        elif kind == 3:
            line[i] = byte + (left + above[i]) // 2 & 255
        elif kind == 4:
            guess = left + above[i] - corner
            best = min((abs(guess - left), 0, left), (abs(guess - above[i]), 1, above[i]), (abs(guess - corner), 2, corner))[2]
            line[i] = byte + best & 255
    return line


def case_browser(k23, keep=None):
    harness.need_program('chromium')
    make_page(k23, 'sh', '-c', 'for i in 1 2 3; do ls -R /usr/include | sort | head -n 3; sleep 0.1; done')
    browser = ['chromium', '--headless', '--disable-gpu', '--user-data-dir=' + os.path.abspath('profile'), '--no-first-run',
               '--disable-background-networking', '--disable-component-update', '--force-device-scale-factor=1',
               '--window-size=1100,1400', '--proxy-server=127.0.0.1:9', *(['--no-sandbox'] if os.geteuid() == 0 else [])]
    address = 'file://' + os.path.abspath('page.html')
    seen = run(*browser, '--dump-dom', address).stdout
    for name in 'verdict', 'timeline', 'calls', 'files', 'processes':
        expect(name, seen.count(f'id="{name}"'), 1)
    with open('page.html', encoding='utf-8') as file:
        expect('rows', seen.count('<tr>'), file.read().count('<tr>'))
    run(*browser, '--screenshot=' + os.path.abspath('shot.png'), address)
    width, height, colours = pixels('shot.png')
    expect('size', (width, height), (1100, 1400))
    for what, colour in ('the verdict', '2c8a4b'), ('the timeline', '4a7fb5'), ('the processes', '9db8d3'), ('paper', 'ffffff'):
        expect(what, colour in colours, True)
    if keep:
        shutil.copy('shot.png', keep)


def main():
    k23, *more = (os.path.abspath(sys.argv[1]), *map(os.path.abspath, sys.argv[3:]))
    harness.main(lambda: harness.run_case(globals(), sys.argv[2], k23, *more))


main()
