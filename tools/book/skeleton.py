"""Blocks for all that a stage's folders hold, as a start for its chapter.

Each file becomes a run of blocks in file order, small items together, long
ones cut where a blank line or a comment parts them. What is printed shows
every line; the author orders it, and writes the prose between.
"""
import re

from common import stage_dir

from book.source import source

LONGEST = 25
TOGETHER = 18       # lines of small items that go into one block


def files_of(stage, folder):
    """Source files of a folder (or one file), without its tests."""
    top = stage_dir(stage)
    path = top / folder
    found = [path] if path.is_file() else sorted(path.rglob('*'))
    return [other for other in found if other.is_file()
            and 'test' not in other.relative_to(top).parts
            and '__pycache__' not in other.parts]


def quoted(line):
    """A regular expression for a line, to stand in double quotes."""
    text = re.sub(r'\s+', ' ', re.sub(r'([.^$*+?{}\[\]\\|()])', r'\\\1',
                                      line.strip()))
    return text.replace(' ', r'\s+').replace('"', '.')


def pattern(src, number, first, last):
    """The shortest beginning of a line that only this line of first..last
    matches; None if it has no like."""
    text = src.lines[number - 1].strip()
    ends = [m.end() for m in re.finditer(r'\w+|\S', text)]
    for end in [e for e in ends if e >= 8] + ends[-1:]:
        for tail in ('', '$'):
            attempt = quoted(text[:end])
            attempt = r'^\s*' + attempt + (tail if end == len(text) else '')
            found = [n for n in range(first, last + 1)
                     if re.search(attempt, src.lines[n - 1])]
            if found == [number]:
                return attempt
    return None


def end_pattern(src, number, begin, last):
    """A pattern whose first hit after begin is the line number."""
    text = src.lines[number - 1].strip()
    ends = [m.end() for m in re.finditer(r'\w+|\S', text)]
    for end in [e for e in ends if e >= 6] + ends[-1:]:
        attempt = r'^\s*' + quoted(text[:end])
        attempt += '$' if end == len(text) and end < 6 else ''
        found = [n for n in range(begin + 1, last + 1)
                 if re.search(attempt, src.lines[n - 1])]
        if found[:1] == [number]:
            return attempt
    return None


def cuts(src, first, last):
    """first..last in pieces of at most LONGEST lines, cut at good places."""
    found = []
    while last - first + 1 > LONGEST:
        best, place = None, None
        for number in range(first + 6, first + LONGEST):
            line = src.lines[number]        # the line after number
            depth = len(line.expandtabs(8)) - len(line.expandtabs(8).lstrip())
            if src.inside(number + 1) or (
                    src.is_comment(number) and src.is_comment(number + 1)):
                continue
            score = (2 * (not src.lines[number - 1].strip())
                     + (src.is_comment(number + 1)) - depth / 8
                     + (number - first) / LONGEST
                     - 9 * (pattern(src, number + 1, first, last) is None))
            if best is None or score > best:
                best, place = score, number
        place = place or first + LONGEST - 1
        end = place
        while not src.lines[end - 1].strip():
            end -= 1
        found.append((first, end))
        first = place + 1
        while not src.lines[first - 1].strip():
            first += 1
    return found + [(first, last)]


def long_item(src, item, way, name):
    """The blocks of an item of more than LONGEST lines."""
    parts = cuts(src, item.first, item.last)
    for first, last in parts:
        text = f'{way}={name}'
        if first > item.first:
            start = pattern(src, first, item.first, item.last)
            text += f' from="{start or "TODO"}"'
        if last < item.last:
            end = end_pattern(src, last, first, item.last)
            text += f' to="{end or "TODO"}"'
        yield text, last - first + 1, src.lines[first - 1].strip()


def choose(item):
    """(way, name) that chooses an item, or None."""
    for way, names in item.names.items():
        return way, names[0]
    return None


def in_file(src):
    """(attributes, lines, what) of the blocks that show a file."""
    if src.top():
        yield 'part=top', src.top(), 'the opening comment'
    for first, last in src.lone_comments() if src.items else ():
        hit = next(filter(None, (pattern(src, n, 1, len(src.lines))
                                 for n in range(first, last + 1))), 'TODO')
        yield f'match="{hit}"', last - first + 1, 'a comment by itself'
    free, group, size = src.exempt(), [], 0
    every = [tuple_ for item in src.items for tuple_ in
             [(w, n) for w, ns in item.names.items() for n in ns]]
    for item in src.items:
        if all(n in free for n in range(item.body, item.last + 1)):
            continue
        chosen, lines = choose(item), item.last - item.first + 1
        if chosen and every.count(chosen) > 1:
            chosen = None
        if lines > LONGEST and chosen:
            yield from flush(group)
            group, size = [], 0
            yield from long_item(src, item, *chosen)
            continue
        if group and (size + lines > TOGETHER
                      or (group[-1][0] == 'fn') != bool(
                          chosen and chosen[0] == 'fn')
                      and chosen is not None):
            yield from flush(group)
            group, size = [], 0
        if chosen:
            group.append((*chosen, lines))
        else:
            yield from flush(group)
            group, size = [], 0
            hit = pattern(src, item.body, 1, len(src.lines))
            yield (f'match="{hit or "TODO"}"', lines,
                   src.lines[item.body - 1].strip())
            continue
        size += lines
    yield from flush(group)
    if not src.items:
        yield from plain(src)


def plain(src):
    """A file without names: cuts, by from= and to=."""
    total = len(src.lines)
    for first, last in cuts(src, src.top() + 1, total):
        while first < last and not src.lines[first - 1].strip():
            first += 1
        yield (f'from="{pattern(src, first, 1, total) or "TODO"}" '
               f'to="{end_pattern(src, last, first, total) or "TODO"}"',
               last - first + 1, src.lines[first - 1].strip())


def flush(group):
    """One block of the small items that were gathered."""
    if group:
        ways = {}
        for way, name, _ in group:
            ways.setdefault(way, []).append(name)
        text = ' '.join(f'{way}={",".join(names)}'
                        for way, names in ways.items())
        yield text, sum(g[2] for g in group), ', '.join(g[1] for g in group)


def skeleton(stage, folders):
    """The lines of Markdown that show all of these folders."""
    for folder in folders:
        for path in files_of(stage, folder):
            src = source(path)
            name = path.relative_to(stage_dir(stage))
            kind = {'.S': 'asm', '.ld': 'ld'}.get(path.suffix, 'c')
            yield f'<!-- {name}: {len(src.lines)} lines -->'
            yield ''
            for attrs, lines, what in in_file(src):
                mark = f' MORE THAN {LONGEST}' if lines > LONGEST else ''
                yield f'TODO ({lines} lines{mark}): `{what}`'
                yield ''
                yield f'```{{.{kind} file={name} {attrs}}}'
                yield '```'
                yield ''
