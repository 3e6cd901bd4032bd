"""The book's part of `make check`: coverage, and the rules of each chapter.

A chapter whose metadata says `draft: true` is reported and fails nothing; a
folder that no chapter lists yet is named.
"""
import re

import tree
from common import TOP, ToolError, stages

from book.chapter import appendices, chapters
from book.coverage import (EXEMPT_SHARE, counted, exemptions, files_of,
                           folders, needed, programs, runs, shown,
                           unlisted)
from book.form import outside_back
from book.references import check_boxes, check_links, check_references
from book.rules import check_names, check_weaving, problems
from book.source import source
from book.weave import woven

BOOK_NOTE = re.compile(
    r'Book: chapter (\d+(?:\.\d+)?)((?:(?:,| and) "[^"]+")*)')
# What else in a comment looks like the name of a section.
QUOTED = re.compile(r'(?:\b[Ss]ee |Book: )"([^"]+)"|\("([A-Z][a-z][^"]*)"\)')


def missing_lines(folder):
    """'stages/03-buddy/page/page.c:3-9, 12' for what is not shown."""
    for path, lines in sorted(folder.missing.items()):
        yield f'{path.relative_to(TOP)}:{", ".join(runs(lines))}'


def coverage_problems(every):
    """Lines that no chapter shows, where a finished chapter should."""
    for folder in folders(every):
        finished = [c for c in folder.chapters if not c.draft]
        if finished and folder.missing:
            for line in missing_lines(folder):
                yield f'{line}: not shown in ' + \
                    ', '.join(c.name for c in folder.chapters)
    for chapter, name in unlisted(every):
        yield f'{chapter.where(1)}: folders: {chapter.stage} adds no {name}'
    seen = shown([*every, *appendices()])
    for path in programs():
        left = needed(path) - seen.get(path, set())
        if left:
            yield (f'{tree.short(path)}:{", ".join(runs(left))}: not shown in '
                   'an appendix')


def exemption_problems(every):
    """At most 3 % of a stage is exempt, and nothing that is shown anyway."""
    count, total, seen = {}, {}, shown(every)
    for folder, stage in tree.own():
        total[stage] = total.get(stage, 0) + sum(
            len(needed(path.resolve())) for path in files_of(stage, folder))
    for row in exemptions():
        count[row.stage] = count.get(row.stage, 0) + len(row.lines)
        if row.lines <= seen.get(row.path, set()):
            yield (f'book/exemptions.txt:{row.row}: needless, all of it is '
                   'shown')
    for stage, lines in count.items():
        if lines > EXEMPT_SHARE * total.get(stage, 0):
            yield (f'book/exemptions.txt: {lines} of {stage}\'s '
                   f'{total.get(stage, 0)} lines are exempt, at most '
                   f'{EXEMPT_SHARE:.0%}')


def headings_of(chapter):
    """The texts of a chapter's headings."""
    return {re.sub(r'^#+\s+|\s*\{.*\}\s*$|`', '', element.text)
            for element in chapter.elements if element.kind == 'heading'}


def note_problems(every):
    """'Book: chapter N, "heading"' in a comment: that chapter shows the file
    (or what it stands in for), and has the heading. 'see "heading"' and
    '("Heading")': some chapter has it."""
    parts, anywhere = {}, set()
    for chapter in [*every, *appendices()]:
        anywhere |= {chapter.title, re.sub(r' {.*}$', '', chapter.heading),
                     *headings_of(chapter)}
        for number in {chapter.number, chapter.number.split('.')[0]}:
            parts.setdefault(number, []).append(chapter)
    seen = {number: shown(mine).keys() for number, mine in parts.items()}
    for path in tree.sources('.c', '.h', '.S', '.ld'):
        text = ' '.join(re.sub(r'\s+(\* )?', ' ', comment)
                        for comment in source(path).comments())
        for found in QUOTED.finditer(text):
            if (name := found[1] or found[2]) not in anywhere:
                yield f'{tree.short(path)}: the book has no "{name}"'
        for number, names in BOOK_NOTE.findall(text):
            if 'test' not in path.parts and \
                    not {path, tree.base_of(path)} & seen.get(number, set()):
                yield f'{tree.short(path)}: chapter {number} does not show it'
            for name in re.findall('"(.*?)"', names):
                if not any(name in headings_of(chapter)
                           for chapter in parts.get(number, [])):
                    yield (f'{tree.short(path)}: chapter {number} has no '
                           f'"{name}"')


def report(every, say=print):
    """One line for each folder: what of it is shown, and by which chapter.
    What a chapter lists beside the whole folder is not counted twice."""
    rows = list(folders(every))
    names = {(row.stage, row.name) for row in rows}
    rows = [row for row in rows if '/' not in row.name
            or (row.stage, row.name.split('/')[0]) not in names]
    for stage in stages():
        for row in (r for r in rows if r.stage == stage):
            by = ', '.join(c.name + (' (draft)' if c.draft else '')
                           for c in row.chapters) or 'no chapter yet'
            say(f'  {stage + "/" + row.name:24} {row.lines:5} lines '
                f'{row.share() if row.chapters else 0:7.1%}  {by}'
                + (f', {row.exempt} exempt' if row.exempt else ''))
    blocks = sum(e.is_woven() for c in every for e in c.elements)
    say(f'  {blocks} blocks in {len(every)} chapters, '
        f'{sum(row.exempt for row in rows)} lines exempt')


def check_book():
    """All problems; prints the coverage."""
    every = chapters()
    report(every)
    for chapter in every:
        found = [f'{chapter.where(line)}: {text}'
                 for line, text in problems(chapter)]
        if chapter.draft:
            print(f'  {chapter.name}: a draft, {len(found)} to mend')
        else:
            yield from found
    for page in appendices():
        for rule in (check_weaving, check_names, check_references,
                     check_links, check_boxes):
            yield from (f'{page.where(line)}: {text}'
                        for line, text in rule(page))
    yield from coverage_problems(every)
    yield from exemption_problems(every)
    yield from note_problems(every)


def check_chapter(name):
    """What one chapter lacks, for its author; the number of problems."""
    every = chapters()
    mine = [c for c in every if c.name == name]
    if not mine:
        raise ToolError(f'no chapter {name}; there are '
                        + ', '.join(c.name for c in every))
    found = problems(mine[0])
    for line, text in found:
        print(f'{mine[0].where(line)}: {text}')
    count = len(found)
    for folder in folders(every):
        if mine[0] in folder.chapters:
            for line in missing_lines(folder):
                print(f'{line}: not shown')
                count += 1
    for chapter, folder in unlisted(mine):
        print(f'{chapter.where(1)}: folders: no {folder} in {chapter.stage}')
        count += 1
    report(every, say=lambda text: print(text) if name in text else None)
    blocks = sorted(sum(last - first + 1 for first, last in ranges)
                    for _, _, _, ranges in woven(mine[0]))
    words = sum(len(e.text.split()) for e in outside_back(mine[0])
                if e.kind in ('prose', 'heading'))
    print(f'{name}: {words} words; main text: {len(blocks)} blocks, '
          f'{sum(blocks)} lines, median {blocks[len(blocks) // 2]}; listings: '
          f'{counted(mine[0])[1]} lines; {count} to mend' if blocks else
          f'{name}: {words} words; {count} to mend')
    return count
