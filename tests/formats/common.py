"""What the tests of formats share: the programs, and what the lines of text say."""
import os
import re

from harness import run

LINES = ('bpf', 'descriptors', 'devices', 'diag', 'edges', 'files', 'filters', 'netlink', 'others', 'processes', 'ptrace',
         'signals', 'sockets', 'waiting')
EVENTS = 'handled', 'seccomp', 'interrupted', 'threads', 'leader', 'killed', 'children'


class Tools:
    def __init__(self, k23, programs):
        self.k23, self.programs = [k23, 'trace'], programs

    def program(self, name):
        return os.path.join(self.programs, name)

    def text(self, *words):
        run(*self.k23, '-o', 'text', *words)
        with open('text', encoding='utf-8', errors='replace') as file:
            return file.read()


def calls_of_text(text):
    """(name, outcome) of each line of a call, calls put together again; by thread."""
    text = re.sub(r'^(\d+ +rt_sigreturn\(.*\) += ).*', r'\1?', text, flags=re.M)  # never returns
    threads, begun = {}, {}
    for line in text.splitlines():
        tid, rest = line.split(maxsplit=1)
        if rest.endswith(' <unfinished ...>'):
            begun[tid] = rest
            continue
        if resumed := re.match(r'<\.\.\. \w+ resumed>', rest):
            rest = begun.pop(tid, '') + rest[resumed.end():]
        if match := re.match(r'(\w+)\(.* = (?:-1 (E\w+)|\? (ERESTART\w+)|(0x[0-9a-f]+|-?\d+)|\?)', rest):
            number = match[4] and (str(int(match[4], 16)) if match[4].startswith('0x') else match[4])
            threads.setdefault(tid, []).append((match[1], match[2] or match[3] or number or '?'))
    return threads
