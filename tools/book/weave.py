"""What a block of a chapter shows: attributes -> lines of a source file.

    file=page/page.c fn=free_page           whole items, by name; * is a glob
    file=page/page.c fn=free_page from="re" to="re"      a cut inside an item
    file=boot/vellum.ld from="re" to="re"                a cut of the file
    file=page/page.c match="re"     the one line, or the statement or comment
                                    that it begins
    file=page/page.c part=top       the opening comment

Several ways in one block add up; class .rest leaves out of them (or of the
whole file) what the stage's chapters show elsewhere. Whatever is not found
exactly once is an error that says what was looked for, and what there is
instead.
"""
import difflib
import re
from fnmatch import fnmatchcase

from common import ToolError, stage_dir, stages

from book.source import source

WAYS = ('fn', 'decl', 'var', 'type', 'macro', 'label')
KNOWN = {*WAYS, 'file', 'stage', 'match', 'from', 'to', 'part', 'id'}


class WeaveError(ToolError):
    """A block that chooses nothing, or not one thing."""


def find_file(stage, name):
    """The path of a source file of a stage, which may inherit it."""
    if stage not in stages():
        raise WeaveError(f'stage={stage}: there are {", ".join(stages())}')
    path = stage_dir(stage) / name
    if not path.is_file():
        names = [str(other.relative_to(stage_dir(stage)))
                 for folder in stage_dir(stage).iterdir() if folder.is_dir()
                 for other in folder.rglob('*.*')]
        raise WeaveError(f'file={name}: no such file in {stage}'
                         + near(name, names))
    return path


def near(name, names):
    """', near: ...' with the names most like this one; or nothing."""
    close = difflib.get_close_matches(name, sorted(set(names)), 4, 0.5)
    return f'; near: {", ".join(close)}' if close else ''


def named(src, way, name):
    """The items that way=name chooses; one, unless name is a glob."""
    found = [item for item in src.items
             if any(fnmatchcase(other, name)
                    for other in item.names.get(way, []))]
    if not found:
        every = [other for item in src.items
                 for other in item.names.get(way, [])]
        ways = sorted({way for item in src.items
                       for way, others in item.names.items()
                       if name in others})
        hint = near(name, every)
        if ways:
            hint = '; there is ' + ', '.join(f'{w}={name}' for w in ways)
        raise WeaveError(f'{way}={name}: not in the file{hint}')
    if len(found) > 1 and not re.search(r'[*?[]', name):
        raise WeaveError(f'{way}={name}: {len(found)} in the file (lines '
                         + ', '.join(str(item.body) for item in found)
                         + '); choose with from= and to=')
    return found


def hits(src, pattern, first, last):
    """Numbers of the lines in first..last that match."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise WeaveError(f'"{pattern}": {error}') from error
    return [number for number in range(first, last + 1)
            if compiled.search(src.lines[number - 1])]


def one_hit(src, what, pattern, first, last):
    """The number of the one line that matches."""
    found = hits(src, pattern, first, last)
    if len(found) == 1:
        return found[0]
    if found:
        raise WeaveError(f'{what}="{pattern}": {len(found)} hits, lines '
                         + ', '.join(map(str, found[:6])))
    words = re.sub(r'\\[a-zA-Z]|\W+', ' ', pattern).strip()
    lines = {line.strip(): re.sub(r'\W+', ' ', line).strip()
             for line in src.lines[first - 1:last]}
    close = difflib.get_close_matches(words, lines.values(), 2, 0.5)
    close = [raw for raw, plain in lines.items() if plain in close]
    hint = f'; near: {" | ".join(close)}' if close else ''
    raise WeaveError(f'{what}="{pattern}": no hit{hint}')


def matched(src, pattern):
    """The line that matches, or the whole statement that it begins."""
    number = one_hit(src, 'match', pattern, 1, len(src.lines))
    for item in src.items:
        if item.body == number:
            if item.names and 'macro' not in item.names:
                return [(item.first, number)]
            return [(item.first, item.last)]
    for first, last in src.lone_comments():
        if first <= number <= last:
            return [(first, last)]
    first = number
    while first > 1 and src.is_comment(first - 1) \
            and first - 1 > src.top():
        first -= 1
    return [(first, number)]


def cut(src, attrs, first, last):
    """Cut first..last from the one hit of from= to the next hit of to=."""
    if 'from' in attrs:
        first = one_hit(src, 'from', attrs['from'], first, last)
    if 'to' in attrs:
        below = hits(src, attrs['to'], first, last)
        below = [n for n in below if n > first or 'from' not in attrs] \
            or below
        if not below:
            raise WeaveError(f'to="{attrs["to"]}": no hit after line {first}')
        last = below[0]
    return [(first, last)]


def pieces(src, attrs):
    """The (first, last) line ranges that a block shows, before merging."""
    unknown = sorted(set(attrs) - KNOWN)
    if unknown:
        raise WeaveError(f'{unknown[0]}=: no such way to choose; there are '
                         + ', '.join(sorted(KNOWN)))
    ranges = []
    for way in WAYS:
        for name in filter(None, split_names(attrs.get(way, ''))):
            ranges += [(item.first, item.last)
                       for item in named(src, way, name)]
    if 'match' in attrs:
        ranges += matched(src, attrs['match'])
    if 'part' in attrs:
        if attrs['part'] != 'top' or not src.top():
            raise WeaveError(f'part={attrs["part"]}: only part=top, in a '
                             'file that opens with a comment')
        ranges.append((1, src.top()))
    if {'from', 'to'} & set(attrs):
        if len(set(ranges)) > 1:
            raise WeaveError('from= and to= cut one thing, not '
                             f'{len(ranges)}')
        ranges = cut(src, attrs, *(ranges[0] if ranges
                                   else (1, len(src.lines))))
    if not ranges:
        raise WeaveError('the block chooses nothing: ' + ', '.join(
            f'{way}=' for way in (*WAYS, 'match', 'from', 'part')))
    return ranges


def split_names(text):
    """a,b[,c] as a list; commas inside brackets do not part names."""
    return [name.strip() for name in text.split(',')]


def resolve(stage, attrs):
    """(Source, ranges) of a block; ranges in file order, with those joined
    that only blank lines part. WeaveError if anything is not found."""
    if 'file' not in attrs:
        raise WeaveError('the block names no file=')
    src = source(find_file(attrs.get('stage', stage), attrs['file']))
    joined = []
    for first, last in sorted(set(pieces(src, attrs))):
        if joined and not any(src.lines[n - 1].strip() for n in
                              range(joined[-1][1] + 1, first)):
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return src, joined


def woven(chapter):
    """(number, element, Source, ranges) of the blocks of a chapter's main
    text; without those that find nothing, which the chapter's rules report."""
    number = 0
    for element in chapter.elements:
        number += element.is_woven()
        if element.is_woven() and not element.is_listing():
            try:
                yield number, element, *resolve(chapter.stage, element.attrs)
            except WeaveError:
                continue
