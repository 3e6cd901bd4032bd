"""A chapter's Markdown as a list of elements: prose, headings, blocks.

Only as much of Markdown is known here as the checks and the weaver need;
pandoc reads the rest. Metadata is the YAML between two lines of dashes, of
which plain values and lists are understood.
"""
import re
from dataclasses import dataclass, field

from common import TOP, ToolError

BOOK = TOP / 'book'
FENCE = re.compile(r'(\s*)(`{3,}|~{3,})\s*([^`]*?)\s*(`{3,})?$')
ATTRIBUTE = re.compile(
    r'([\w-]+)=(?:"((?:\\"|[^"])*)"|\'([^\']*)\'|([^\s}]*))'
    r'|\.([\w-]+)|#([\w:.-]+)')
CODE = re.compile(r'(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)(\{[^}]*\})?', re.S)


@dataclass
class Element:
    """kind: prose, heading, block, div, end, figure, comment."""
    kind: str
    line: int
    last: int
    text: str = ''
    classes: list = field(default_factory=list)
    attrs: dict = field(default_factory=dict)
    ident: str = ''

    def is_woven(self):
        """A block that shows a part of a source file."""
        return self.kind == 'block' and (
            'file' in self.attrs or not self.text.strip()
            and bool({'c', 'asm', 'ld'} & set(self.classes)))

    def spans(self):
        """(text, attributes) of the code spans."""
        for found in CODE.finditer(self.text):
            yield ' '.join(found[2].split()), found[3] or ''


def attributes(text):
    """(classes, key -> value, identifier) of what stands in braces."""
    classes, attrs, ident = [], {}, ''
    for found in ATTRIBUTE.finditer(text):
        if found[5]:
            classes.append(found[5])
        elif found[6]:
            ident = found[6]
        else:
            value = found[2] if found[2] is not None else \
                found[3] if found[3] is not None else found[4]
            attrs[found[1]] = value.replace('\\"', '"')
    return classes, attrs, ident


def metadata(lines):
    """The YAML at the head as a dictionary, and the number of its lines."""
    if not lines or lines[0].strip() != '---':
        return {}, 0
    found, key = {}, None
    for number, line in enumerate(lines[1:], 2):
        if line.strip() in ('---', '...'):
            return found, number
        pair = re.match(r'([\w-]+):\s*(.*?)\s*(?:\s#.*)?$', line)
        item = re.match(r'\s*-\s+(.*?)\s*$', line)
        if pair:
            key, value = pair[1], pair[2].strip('"\'')
            found[key] = [word.strip(' "\'') for word in
                          value[1:-1].split(',') if word.strip()] \
                if value.startswith('[') else value
        elif item and key:
            found[key] = (found[key] or []) + [item[1].strip('"\'')]
        elif line.startswith(' ') and key and isinstance(found[key], str):
            found[key] = f'{found[key]} {line.strip()}'.strip('> ')
    return {}, 0


class Chapter:
    """One file of the book."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.lines = path.read_text().splitlines()
        self.meta, self.head = metadata(self.lines)
        heading = self.own_title()
        self.title = self.meta.get('title') or heading
        self.stage = self.meta.get('stage') or None
        folders = self.meta.get('folders') or []
        if isinstance(folders, str):
            folders = folders.split()
        self.folders = [name.strip('/') for name in folders]
        self.number = ''        # as printed; chapters() knows it
        self.draft = str(self.meta.get('draft')).lower() in ('true', 'yes')
        self.elements = list(self.parse())

    def own_title(self):
        """The first heading, which is then no part of the text."""
        for number, line in enumerate(self.lines):
            if line.startswith('# '):
                self.lines[number] = ''
                return line[2:].strip()
        return self.name

    def where(self, line):
        """file:line, as messages begin."""
        return f'book/{self.path.name}:{line}'

    def parse(self):
        """The elements in order."""
        number, total = self.head + 1, len(self.lines)
        while number <= total:
            line = self.lines[number - 1]
            fence = FENCE.match(line)
            if not line.strip():
                number += 1
            elif fence:
                element = self.fenced(number, fence)
                yield element
                number = element.last + 1
            elif line.lstrip().startswith(':::'):
                text = line.strip(' :')
                classes, attrs, ident = attributes(text)
                if text and not text.startswith('{'):
                    classes = text.split()[:1] + classes
                yield Element('div' if text else 'end', number, number, text,
                              classes, attrs, ident)
                number += 1
            else:
                element = self.plain(number)
                yield element
                number = element.last + 1

    def fenced(self, number, fence):
        """A fenced block; the closing fence may be on the same line."""
        classes, attrs, ident = attributes(fence[3])
        if not fence[3].startswith('{') and fence[3]:
            classes = [fence[3]]
        last = number
        if not fence[4]:
            for last in range(number + 1, len(self.lines) + 1):
                if re.match(r'\s*' + fence[2] + r'+\s*$',
                            self.lines[last - 1]):
                    break
            else:
                raise ToolError(f'{self.where(number)}: the block has no end')
        return Element('block', number, last,
                       '\n'.join(self.lines[number:last - 1]), classes,
                       attrs, ident)

    def plain(self, number):
        """A paragraph, heading, figure, or comment."""
        line, last = self.lines[number - 1], number
        if line.lstrip().startswith('<!--'):
            while last < len(self.lines) and '-->' not in self.lines[last - 1]:
                last += 1
            return Element('comment', number, last)
        if re.match(r'#+\s', line):
            return Element('heading', number, number, line)
        while last < len(self.lines) and self.lines[last].strip() \
                and not FENCE.match(self.lines[last]) \
                and not self.lines[last].lstrip().startswith(':::'):
            last += 1
        text = '\n'.join(self.lines[number - 1:last])
        kind = 'figure' if re.match(r'!\[.*\}\s*$', text, re.S) else 'prose'
        return Element(kind, number, last, text)


def order(chapter):
    """The key to sort chapters by."""
    try:
        return float(chapter.meta.get('order', 'inf')), chapter.name
    except ValueError as error:
        raise ToolError(f'{chapter.where(1)}: order: must be a number') \
            from error


def chapters(book=BOOK):
    """All chapters of the book: the files that begin with a number."""
    every = sorted((Chapter(path) for path in book.glob('[0-9]*.md')),
                   key=order)
    heads = [re.match(r'(\d+)', chapter.name)[1] for chapter in every]
    for place, (chapter, head) in enumerate(zip(every, heads)):
        chapter.number = str(int(head))
        if heads.count(head) > 1:       # 5.1, 5.2: chapters of one stage
            chapter.number += f'.{heads[:place].count(head) + 1}'
    return every


def appendices(book=BOOK):
    """The appendices and the glossary."""
    return [Chapter(path) for path in sorted(book.glob('[a-z]*.md'))
            if path.name != 'README.md']
