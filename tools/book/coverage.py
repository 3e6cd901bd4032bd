"""Every line of a stage's folders is shown by the stage's chapters.

Blank lines, #include, include guards and tests aside; what else is left out
stands in book/exemptions.txt, with the reason.
"""
from dataclasses import dataclass
from functools import lru_cache

import tree
from common import TOP, ToolError, stage_dir, stages

from book.chapter import BOOK, attributes, chapters as all_chapters
from book.source import source
from book.weave import WeaveError, find_file, resolve, woven

EXEMPT_SHARE = 0.03


@lru_cache(maxsize=None)
def needed(path):
    """The lines of a file that a chapter must show: of one that stands in for
    an earlier stage's, those that differ."""
    src, base = source(path), tree.base_of(path)
    lines = tree.changed_lines(source(base).lines, src.lines)[0] if base \
        else set(range(1, len(src.lines) + 1))
    return lines - src.exempt()


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


def numbers(ranges):
    """The line numbers in a list of ranges."""
    return {n for first, last in ranges for n in range(first, last + 1)}


def runs(lines):
    """{3, 4, 5, 9} as ['3-5', '9']."""
    found = []
    for number in sorted(lines):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f'{a}-{b}' if b > a else str(a) for a, b in found]


def in_text(chapters):
    """path -> the lines that the main text of these chapters shows."""
    found = {}
    for chapter in chapters:
        for _, _, src, ranges in woven(chapter):
            found.setdefault(src.path, set()).update(numbers(ranges))
    return found


@lru_cache(maxsize=None)
def in_text_of(stage):
    """path -> {line: (chapter, block)} of the main text of a stage."""
    found = {}
    for chapter in all_chapters():
        if chapter.stage == stage:
            for number, _, src, ranges in woven(chapter):
                for line in numbers(ranges):
                    found.setdefault(src.path, {}).setdefault(
                        line, (chapter, number))
    return found


def chosen_by(chapter, element):
    """(Source, lines) that a block of the listing part is to account for."""
    attrs = element.attrs
    if set(attrs) <= {'file', 'stage'}:
        src = source(find_file(attrs.get('stage', chapter.stage),
                               attrs.get('file', '')).resolve())
        chosen = set(range(1, len(src.lines) + 1))
    else:
        src, ranges = resolve(chapter.stage, attrs)
        chosen = numbers(ranges)
    return src, chosen


def listing(chapter, element):
    """(Source, ranges) of a block of the listing part: what is left of its
    file, or of what it chooses in it."""
    src, chosen = chosen_by(chapter, element)
    left = (needed(src.path) & chosen) - in_text_of(chapter.stage).get(
        src.path, {}).keys()
    free = chosen - needed(src.path) if not tree.base_of(src.path) else set()
    return src, joined(src, left, free)


def joined(src, left, free):
    """Lines as ranges; free ones, blank lines and #include, go with them."""
    found = []
    for number in sorted(left):
        if found and all(n in free for n in range(found[-1][1] + 1, number)):
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    if found and found[0][0] > 1 and free.issuperset(range(1, found[0][0])):
        found[0] = (1, found[0][1])
    return [(first, last) for first, last in found
            if any(src.lines[n - 1].strip() for n in range(first, last + 1))]


def listed(chapter):
    """(number, element, Source, ranges) of the listing part's blocks."""
    number = 0
    for element in chapter.elements:
        number += element.is_woven()
        if element.is_woven() and element.is_listing():
            try:
                yield number, element, *listing(chapter, element)
            except WeaveError:
                continue


def told(chapter, element):
    """(line, what, chapter, block) of what a block of the listing part leaves
    out, because the main text shows it."""
    src, chosen = chosen_by(chapter, element)
    places = in_text_of(chapter.stage).get(src.path, {})
    lines = sorted(chosen & places.keys() & needed(src.path))
    while lines:
        first = lines[0]
        item = next((item for item in src.items
                     if item.first <= first <= item.last), None)
        last = item.last if item else src.top() \
            if first <= src.top() else first
        mine = [line for line in lines if line <= last]
        if item and item.names:
            way, names = next(iter(item.names.items()))
            what = names[0] + ('()' if way == 'fn' else '')
            whole = needed(src.path) & set(range(item.body, last + 1))
            what += '' if whole <= places.keys() else ' (part)'
        else:
            what = 'the opening comment' if first <= src.top() else \
                f'from line {first}'
        yield first, what, *places[mine[-1]]
        lines = lines[len(mine):]


def counted(chapter):
    """How many lines of code a chapter has in its text, and in its
    listings."""
    text = sum(len(lines & needed(path))
               for path, lines in in_text([chapter]).items())
    return text, sum(len(lines & needed(path)) for path, lines in
                     shown([chapter]).items()) - text


def shown(chapters):
    """path -> the lines that these chapters show, in the text or listed."""
    found = in_text(chapters)
    for chapter in chapters:
        for _, _, src, ranges in listed(chapter):
            found.setdefault(src.path, set()).update(numbers(ranges))
    return found


def programs():
    """What is no part of the hypervisor, but builds it or talks to it."""
    for pattern in ('mk/*.mk', 'mk/*.awk', 'final/demo/**/*',
                    'final/install/*'):
        yield from (path for path in sorted(TOP.glob(pattern))
                    if path.is_file() and 'test' not in path.parts
                    and '__pycache__' not in path.parts)


@dataclass
class Exemption:
    """A row of exemptions.txt: which lines, and why."""
    row: int
    stage: str
    path: object
    chosen: str
    lines: set
    reason: str


def exemptions():
    """The rows of book/exemptions.txt; without fn= and so on, a whole file:

    03-buddy file=page/page.h decl=mm_check -- why it is not shown
    """
    path = BOOK / 'exemptions.txt'
    for row, line in enumerate(path.read_text().splitlines()
                               if path.is_file() else [], 1):
        if not line.strip() or line.startswith('#'):
            continue
        chosen, _, reason = line.partition(' -- ')
        stage, _, rest = chosen.strip().partition(' ')
        attrs = attributes(rest)[1]
        try:
            if not reason.strip():
                raise ToolError('want: STAGE file=... fn=... -- reason')
            if set(attrs) == {'file'}:
                src = source(find_file(stage, attrs['file']).resolve())
                lines = needed(src.path)
            else:
                src, ranges = resolve(stage, attrs)
                lines = numbers(ranges) & needed(src.path)
        except ToolError as error:
            raise ToolError(f'book/exemptions.txt:{row}: {error}') from error
        yield Exemption(row, stage, src.path, rest, lines, reason.strip())


@dataclass
class Folder:
    """What is shown of one folder: counts, and path -> lines not shown."""
    stage: str
    name: str
    chapters: list
    lines: int
    exempt: int
    missing: dict

    def share(self):
        """The part that is shown or exempt."""
        left = sum(map(len, self.missing.values()))
        return 1 - left / self.lines if self.lines else 1


def folders(chapters):
    """A Folder for each folder, main.c and overridden file of a stage; one that
    no chapter lists has no chapters. A chapter may list files and folders of
    folders, too."""
    exempt = {}
    for row in exemptions():
        exempt.setdefault(row.path, set()).update(row.lines)
    known = {stage: shown([c for c in chapters if c.stage == stage])
             for stage in stages()}
    for whole, stage in tree.own():
        if whole in tree.BESIDE:
            continue
        listed = {}
        for chapter in chapters:
            for name in chapter.folders:
                if chapter.stage == stage and \
                        (name == whole or name.startswith(f'{whole}/')):
                    listed.setdefault(name, []).append(chapter)
        for name, by in (listed or {whole: []}).items():
            result = Folder(stage, name, by, 0, 0, {})
            for path in files_of(stage, name):
                path = path.resolve()
                free = exempt.get(path, set())
                result.lines += len(needed(path))
                result.exempt += len(free)
                left = needed(path) - free - known[stage].get(path, set())
                if left:
                    result.missing[path] = left
            yield result


def unlisted(chapters):
    """What chapters list in the metadata, and their stage does not add."""
    own = list(tree.own())
    for chapter in chapters:
        for name in chapter.folders:
            if not any(chapter.stage == stage and (
                    name == whole or name.startswith(f'{whole}/'))
                       for whole, stage in own) \
                    or not (stage_dir(chapter.stage) / name).exists():
                yield chapter, name
