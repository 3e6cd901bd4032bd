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
    """Source files of a folder (or one file): not its tests, nor what tells
    make about it."""
    top = stage_dir(stage)
    path = top / folder
    found = [path] if path.is_file() else sorted(path.rglob('*'))
    return [other for other in found if other.is_file()
            and 'test' not in other.relative_to(top).parts
            and '__pycache__' not in other.parts
            and other.name != 'Kconfig' and other.suffix != '.mk']


def pattern(src, number, first, last):
    """A regular expression for a line, to stand in double quotes; TODO where
    another of first..last is like it."""
    text = r'\s+'.join(map(re.escape, src.lines[number - 1].split()))
    text = r'^\s*' + text.replace('"', '.') + '$'
    return 'TODO' if any(re.search(text, src.lines[n - 1]) for n in
                         range(first, last + 1) if n != number) else text


def cuts(src, first, last):
    """first..last in pieces of at most LONGEST lines."""
    def score(number):
        line = src.lines[number - 1].expandtabs(8)
        return (2 * (not src.lines[number - 2].strip())
                + src.is_comment(number) + (number - start) / LONGEST
                - (len(line) - len(line.lstrip())) / 64)

    def good(number):
        end = last_of(number)
        return (src.lines[number - 1].strip() and not src.inside(number)
                and not (src.is_comment(number - 1)
                         and src.is_comment(number))
                and pattern(src, number, first, last) != 'TODO'
                and pattern(src, end, start + 1, end) != 'TODO')

    def last_of(number):
        number -= 1
        while not src.lines[number - 1].strip():
            number -= 1
        return number

    start = first
    while last - start >= LONGEST:
        place = max(filter(good, range(start + 7, start + LONGEST + 1)),
                    key=score, default=start + LONGEST)
        yield start, last_of(place)
        start = place
    yield start, last


def cut(src, choice, first, last):
    """The blocks of an item, or of a whole file (no choice)."""
    for start, end in cuts(src, first, last):
        text = choice
        if start > first or not choice:
            text += f' from="{pattern(src, start, first, last)}"'
        if end < last or not choice:
            text += f' to="{pattern(src, end, start + 1, end)}"'
        yield text.strip(), start, end


def in_file(src):
    """(attributes, first, last line) of the blocks that show a file."""
    total, free = len(src.lines), src.exempt()
    if src.top():
        yield 'part=top', 1, src.top()
    if not src.items:
        yield from cut(src, '', src.top() + 1, total)
        return
    for first, last in src.lone_comments():
        hits = (pattern(src, n, 1, total) for n in range(first, last + 1))
        hit = next((hit for hit in hits if hit != 'TODO'), 'TODO')
        yield f'match="{hit}"', first, last
    every = [(way, name) for item in src.items
             for way, names in item.names.items() for name in names]
    group = ('', '', 0, 0)
    for item in src.items:
        if free.issuperset(range(item.body, item.last + 1)):
            continue
        way, names = next(iter(item.names.items()), ('', ['']))
        if every.count((way, names[0])) != 1:
            yield (f'match="{pattern(src, item.body, 1, total)}"', item.first,
                   item.last)
        elif way == group[0] and item.last - group[2] < TOGETHER:
            group = (way, f'{group[1]},{names[0]}', group[2], item.last)
        else:
            if group[0]:
                yield from cut(src, f'{group[0]}={group[1]}', *group[2:])
            group = (way, names[0], item.first, item.last)
    if group[0]:
        yield from cut(src, f'{group[0]}={group[1]}', *group[2:])


def skeleton(stage, folders):
    """The lines of Markdown that show all of these folders."""
    for folder in folders:
        for path in files_of(stage, folder):
            src = source(path)
            name = path.relative_to(stage_dir(stage))
            kind = {'.S': 'asm', '.ld': 'ld'}.get(path.suffix, 'c')
            yield f'<!-- {name}: {len(src.lines)} lines -->\n'
            for attrs, first, last in in_file(src):
                lines = last - first + 1
                mark = f' MORE THAN {LONGEST}' if lines > LONGEST else ''
                what = src.lines[first - 1].strip()
                yield (f'TODO ({lines} lines{mark}): `{what}`\n\n'
                       f'```{{.{kind} file={name} {attrs}}}\n```\n')
