"""What every chapter must keep to, besides showing all lines.

Each rule yields (line of the chapter, what is wrong with it).
"""
import os
import re
from functools import lru_cache
from pathlib import Path

from common import TOP, stage_dir, stages

from book.chapter import BOOK
from book.coverage import listing
from book.form import check_form
from book.references import (at, check_boxes, check_links,
                             check_references)
from book.source import blanked
from book.weave import WeaveError, near, resolve, woven

LONGEST = 25
SNAKE = re.compile(r'(?<![\w$%.-])([a-z][a-z0-9]*_\w+)(?![\w.-]*/)')
CALLED = re.compile(r'(?<![\w$%.>-])([A-Za-z_]\w+)\(')
FILE_NAME = re.compile(r'[\w./-]*\w\.(?:c|h|S|ld|mk|py|conf|patch|txt|md)\b')


def check_weaving(chapter):
    """Each block finds what it names."""
    for element in chapter.elements:
        if not element.is_woven():
            continue
        if element.text.strip():
            yield element.line, 'a block with file= is to be empty'
        try:
            if element.is_listing():
                if not listing(chapter, element)[1]:
                    yield element.line, 'nothing is left to list'
            else:
                resolve(chapter.stage, element.attrs)
        except WeaveError as error:
            yield element.line, f'{element.attrs.get("file", "?")}: {error}'


def check_length(chapter):
    """A block has at most 25 lines, but for tables (class .long)."""
    for _, element, src, ranges in woven(chapter):
        lines = sum(last - first + 1 for first, last in ranges)
        table = all('type' in names or 'var' in names or 'macro' in names
                    or not names for names in kinds(src, ranges))
        if 'long' in element.classes and not table:
            yield element.line, 'class .long is for tables and enums'
        elif lines > LONGEST and 'long' not in element.classes:
            yield element.line, (f'a block of {lines} lines, at most '
                                 f'{LONGEST} (tables: class .long)')


def kinds(src, ranges):
    """The names of the items that lie in the ranges."""
    for item in src.items:
        if any(first <= item.body <= last for first, last in ranges):
            yield item.names


@lru_cache(maxsize=None)
def words(stage):
    """Every word of a stage's code, of its tests and its makefiles; without
    a stage, of all stages."""
    if stage is None:
        return frozenset().union(*map(words, stages()))
    found = set()
    for path in stage_files(stage):
        text = path.read_text(errors='replace')
        if path.suffix in ('.c', '.h', '.S', '.ld'):
            text = blanked(text, strings=False)
        found.update(re.findall(r'[A-Za-z_]\w+', text))
        found.update(path.stem.split('.'))
    for path in (TOP / 'tools').glob('*.py'):
        found.add(path.stem)
    return frozenset(found)


@lru_cache(maxsize=None)
def stage_files(stage):
    """The files of a whole stage, inherited ones as well."""
    top = stage_dir(stage)
    parts = [path for path in sorted(top.iterdir())
             if path.name not in ('tools', 'build', 'tests')]
    return tuple(path for part in parts for path in
                 ([part] if part.is_file() else walk(part))
                 if path.suffix in ('.c', '.h', '.S', '.ld', '.mk', '.py'))


def walk(folder):
    """All files of a folder, through links."""
    for where, _, names in os.walk(folder, followlinks=True):
        yield from (Path(where) / name for name in sorted(names))


@lru_cache(maxsize=None)
def names_of_files(stage):
    """The names of files that prose may mention."""
    found = set()
    for one in [stage] if stage else stages():
        for path in stage_files(one):
            found.add(path.name)
    for top in (TOP / 'tools', TOP / 'mk', TOP / 'tests', BOOK, TOP):
        found.update(path.name for path in top.glob('*.*'))
    return found


def code_words(text):
    """The words of a code span that look like our identifiers."""
    text = re.sub(r'"[^"]*"', '', text)
    for name in FILE_NAME.findall(text):
        text = text.replace(name, ' ')
    if re.match(r'(\$|make|sudo|git|apt|lsblk|cp|cat|qemu|bochs|gdb)\b',
                text):
        return set()
    return set(SNAKE.findall(text)) | set(CALLED.findall(text))


def check_names(chapter):
    """Prose names in code font only what the stage has."""
    for element in chapter.elements:
        if element.kind not in ('prose', 'heading', 'figure'):
            continue
        for text, attrs in element.spans():
            if '.ext' in attrs:
                continue
            known = words(chapter.stage)
            for word in sorted(code_words(text) - known):
                yield at(element, text), (
                    f'`{text}`: {word} is not in '
                    f'{chapter.stage or "any stage"}'
                    + near(word, known) + ' (foreign names: {.ext})')
            for name in FILE_NAME.findall(text):
                if name.rsplit('/', 1)[-1] not in \
                        names_of_files(chapter.stage) \
                        and not (TOP / name).exists() \
                        and not (BOOK / name).exists():
                    yield at(element, text), f'`{text}`: no such file'


RULES = (check_weaving, check_length, check_names, check_references,
         check_links, check_boxes, check_form)


def problems(chapter):
    """All that is wrong with a chapter, in line order."""
    if chapter.stage and chapter.stage not in stages():
        return [(1, f'stage: there is no {chapter.stage}')]
    return sorted({row for rule in RULES for row in rule(chapter)})
