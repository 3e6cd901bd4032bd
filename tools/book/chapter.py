"""A chapter's Markdown as a list of elements: prose, headings, blocks.

Only as much of Markdown is known here as the checks and the weaver need;
pandoc reads the rest. Metadata is the YAML between two lines of dashes.
"""
import re
from dataclasses import dataclass, field

from common import TOP, ToolError

BOOK = TOP / 'book'
PIECE = re.compile(r"""
    (?P<comment>[ \t]*<!--.*?(?:-->[^\n]*|\Z))
  | [ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*?)[ \t]*
    (?:(?P<same>`{3,})$|\n(?P<body>(?:[^\n]*\n)*?)[ \t]*(?P=fence)`*[ \t]*$|$)
  | (?P<div>[ \t]*:::[^\n]*)
  | (?P<heading>\#+\s[^\n]*)
  | [ \t]*$
  | (?P<prose>[^\n]+(?:\n(?![ \t]*(?:\n|\Z|`{3,}[^`\n]*`*$|~~~|:::))[^\n]+)*)
  """, re.S | re.M | re.X)
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

    def is_listing(self):
        """A block of the listing part: what the main text has not shown."""
        return 'rest' in self.classes

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
            value = found[2] or found[3] or found[4] or ''
            attrs[found[1]] = value.replace('\\"', '"')
    return classes, attrs, ident


def metadata(name, lines):
    """The YAML at the head as a dictionary, and the number of its lines."""
    if lines[:1] != ['---'] or '---' not in lines[1:]:
        return {}, 0
    last = lines.index('---', 1)
    try:
        import yaml     # pylint: disable=import-outside-toplevel
    except ImportError as error:
        raise ToolError('PyYAML not found: install the Debian package '
                        'python3-yaml, or run `make setup`') from error
    try:
        return yaml.safe_load('\n'.join(lines[1:last])) or {}, last + 1
    except yaml.YAMLError as error:
        raise ToolError(f'book/{name}: {error}') from error


class Chapter:
    """One file of the book."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.lines = path.read_text().splitlines()
        self.meta, self.head = metadata(path.name, self.lines)
        self.heading = self.own_title()
        self.title = self.meta.get('title') or self.heading
        self.stage = self.meta.get('stage')
        self.folders = [name.strip('/')
                        for name in self.meta.get('folders') or []]
        self.number = ''        # as printed; chapters() knows it
        self.draft = self.meta.get('draft') is True
        self.leads = 'goals' in self.meta   # it has the head and tail
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
        text, at = '\n'.join(self.lines[self.head:]), 0
        while at < len(text):
            found = PIECE.match(text, at)
            line = self.head + 1 + text.count('\n', 0, at)
            at = found.end() + 1
            if found['fence'] and found['body'] is None and not found['same']:
                raise ToolError(f'{self.where(line)}: the block has no end')
            if found[0].strip():
                yield element(found, line, line + found[0].count('\n'))


def element(found, first, last):
    """The Element that PIECE has found in these lines."""
    kind = found.lastgroup
    if kind == 'comment':
        return Element(kind, first, last)
    if kind == 'div':
        text = found[kind].strip(' :')
        classes, attrs, ident = attributes(text)
        if text and not text.startswith('{'):
            classes = text.split()[:1] + classes
        return Element(kind if text else 'end', first, last, text, classes,
                       attrs, ident)
    if found['fence']:
        classes, attrs, ident = attributes(found['info'])
        if not found['info'].startswith('{') and found['info']:
            classes = [found['info']]
        return Element('block', first, last, (found['body'] or '')[:-1],
                       classes, attrs, ident)
    if kind == 'prose' and re.match(r'!\[.*\}\s*$', found[0], re.S):
        kind = 'figure'
    return Element(kind, first, last, found[0])


def order(chapter):
    """The key to sort chapters by."""
    try:
        return float(chapter.meta.get('order', 'inf')), chapter.name
    except ValueError as error:
        raise ToolError(f'{chapter.where(1)}: order: must be a number') \
            from error


def chapters(book=BOOK):
    """All chapters of the book: the files that begin with a number, and the
    conclusion, which has none."""
    every = sorted((Chapter(path) for path in book.glob('[0-9]*.md')),
                   key=order)
    heads = [re.match(r'(\d+)', chapter.name)[1] for chapter in every]
    for place, (chapter, head) in enumerate(zip(every, heads)):
        chapter.number = str(int(head))
        if heads.count(head) > 1:       # 5.1, 5.2: chapters of one stage
            chapter.number += f'.{heads[:place].count(head) + 1}'
    return every + [Chapter(path) for path in book.glob('conclusion.md')]


def appendices(book=BOOK):
    """The appendices and the glossary; those without order= by name."""
    return sorted((Chapter(path) for path in book.glob('[a-z]*.md')
                   if path.name != 'conclusion.md'), key=order)
