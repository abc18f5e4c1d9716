"""Lines of a trace with ids, whose calls may be interrupted by other lines."""
import re

from harness import Failed


def whole(lines):
    """The id and the rest of each line, interrupted calls put together again."""
    begun = {}
    for line in lines:
        match = re.fullmatch(r'(\d+) +(.*)', line)
        if not match:
            raise Failed(f'not a line: {line!r}')
        tid, rest = match.groups()
        if rest.endswith(' <unfinished ...>'):
            begun[tid] = rest.removesuffix(' <unfinished ...>')
            continue
        resumed = re.match(r'<\.\.\. \w+ resumed>', rest)
        if resumed:
            rest = begun.pop(tid, '') + rest[resumed.end():]
        yield tid, rest
