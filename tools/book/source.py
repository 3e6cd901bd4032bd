"""A source file as its top-level items, each with the comment above it.

Universal Ctags tells the names; where an item begins and ends is found here,
since a reader wants the comment above a function and all of a table. Files of
C, assembly and linker scripts are told apart by their suffix.
"""
import json
import re
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache

import tree
from common import ToolError, need

# ctags' kinds -> the word that chooses them in a block.
WAYS = {
    'function': 'fn', 'prototype': 'decl', 'externvar': 'decl',
    'variable': 'var', 'struct': 'type', 'union': 'type', 'enum': 'type',
    'typedef': 'type', 'macro': 'macro', 'label': 'label',
}

COMMENT_OR_STRING = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
LABEL = re.compile(r'([A-Za-z_][\w$]*):')
DIRECTIVE = re.compile(r'\s*\.(?!macro|endm|rept|endr)[a-z]')
CALL = re.compile(r'(?:static\s+|extern\s+)*([A-Za-z_]\w*)\((.*)', re.S)


@dataclass
class Item:
    """Lines first..last (from 1, inclusive); body is the first below the
    comment. names: way of choosing -> names."""
    first: int
    body: int
    last: int
    names: dict = field(default_factory=dict)

    def add(self, way, name):
        """The item can be chosen as way=name as well."""
        known = self.names.setdefault(way, [])
        if name not in known:
            known.append(name)


def blanked(text, strings=True):
    """text with its comments as spaces, and strings as S; lines are kept."""
    def blank(found):
        if found[0][0] == '/':
            return re.sub(r'[^\n]', ' ', found[0])
        return re.sub(r'[^\n]', 'S', found[0]) if strings else found[0]
    return COMMENT_OR_STRING.sub(blank, text)


def comment_spans(text):
    """(first line, last line) of each comment."""
    for found in COMMENT_OR_STRING.finditer(text):
        if found[0][0] == '/':
            first = text.count('\n', 0, found.start()) + 1
            yield first, first + found[0].count('\n')


class Source:
    """One file: lines, items, and what needs no showing."""

    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        self.lines = self.text.splitlines()
        self.assembly = path.suffix == '.S'
        # Makefiles and scripts, whose comments begin with #.
        self.hashes = path.suffix not in ('.c', '.h', '.S', '.ld')
        self.code = self.lines if self.hashes else \
            blanked(self.text).splitlines()
        self.spans = [] if self.hashes else list(comment_spans(self.text))
        if path.suffix in ('.c', '.h', '.S'):
            self.items = list(self.find_items())
            self.name_items()
        else:
            self.items = []
        self.attach_comments()

    def comments(self):
        """The texts of the comments."""
        return ['\n'.join(self.lines[first - 1:last])
                for first, last in self.spans]

    def is_comment(self, number):
        """The line holds nothing but (a part of) a comment."""
        return bool(self.lines[number - 1].strip()) \
            and not self.code[number - 1].strip()

    def find_items(self):
        """Items without the comments above them."""
        number, total = 1, len(self.lines)
        while number <= total:
            line = self.code[number - 1]
            if not line.strip():
                number += 1
                continue
            if re.match(r'\s*#', line):
                last = number
                while self.lines[last - 1].endswith('\\') and last < total:
                    last += 1
            elif self.assembly:
                last = self.end_of_label(number)
            else:
                last = self.end_of_definition(number)
            for first, end in self.spans:
                if first <= last < end:     # a comment that goes on below
                    last = end
            yield Item(number, number, last)
            number = last + 1

    def end_of_definition(self, number):
        """The last line of a C definition or declaration."""
        depth = 0
        for last in range(number, len(self.code) + 1):
            line = self.code[last - 1].strip()
            depth += sum(map(line.count, '({[')) - sum(map(line.count, ')}]'))
            after = self.lines[last] if last < len(self.lines) else ''
            if depth <= 0 and (line.endswith((';', '}'))
                               or not after.strip()):
                return last
        return len(self.code)

    def label_at(self, number):
        """The name of the label that begins here, or None."""
        found = LABEL.match(self.code[number - 1])
        return found and found[1]

    def end_of_label(self, number):
        """The line before the next label, with what belongs to that."""
        last, seen = number, False
        while last <= len(self.code):
            if self.label_at(last):
                if seen:
                    break
                seen = True
            elif not seen and re.match(r'\s*#', self.code[last - 1]):
                break
            last += 1
        end = last - 1
        if last <= len(self.code):      # directives above the next label
            while end >= number and not self.label_at(end) and (
                    DIRECTIVE.match(self.code[end - 1])
                    or self.is_comment(end)):
                end -= 1
            # ... but its data, if no blank line parts them, is this one's.
            if end >= number and self.lines[end - 1].strip() \
                    and end + 1 < last:
                end = self.data_end(end, last)
        while end > number and not self.code[end - 1].strip() \
                and not (self.is_comment(end) and self.inside(end)):
            end -= 1
        return max(end, number)

    def data_end(self, end, label):
        """Directives in (end, label) up to the last that makes data."""
        for number in range(label - 1, end, -1):
            if re.match(r'\s*\.(long|quad|byte|word|skip|ascii|asciz|set|'
                        r'size|org|space|string|endm)\b',
                        self.code[number - 1]):
                return number
        return end

    def inside(self, number):
        """A comment that begins beside code goes on in this line."""
        return any(first < number <= last and self.code[first - 1].strip()
                   for first, last in self.spans)

    def attach_comments(self):
        """Let each item begin with the comment directly above it."""
        for item in self.items:
            while item.first - 1 > self.top() \
                    and self.is_comment(item.first - 1):
                item.first -= 1

    def name_items(self):
        """Give the items the names that ctags knows, and some more."""
        def at(line):
            return next((item for item in self.items
                         if item.first <= line <= item.last), None)
        for way, name, line in tags(self.path):
            item = at(line)
            if item and way != 'label' and not name.startswith('__anon'):
                item.add(way, name)
        for item in self.items:
            define = re.match(r'#\s*define (\w+)',
                              self.code[item.body - 1])
            if define:
                item.add('macro', define[1])
            elif self.assembly:
                for number in range(item.first, item.last + 1):
                    if self.label_at(number):
                        item.add('label', self.label_at(number))
            else:
                self.name_call(item)

    def name_call(self, item):
        """PERCPU(type, name) is a variable; EXIT_HANDLER(X) {} a function."""
        lines = self.code[item.first - 1:item.last]
        found = CALL.match('\n'.join(lines))
        if found and found[1] == '_Static_assert':
            item.names = {}
        if not found or not found[1].isupper():
            return
        head = found[2].split('{')[0]
        words = re.findall(r'\w+', head)
        if not words:
            return
        item.names = {}
        if '{' in found[2]:
            item.add('fn', words[-1])
        elif found[1].startswith('DECLARE'):
            item.add('decl', words[-1])
        elif found[1] == 'PERCPU':
            item.add('var', words[-1])

    def lone_comments(self):
        """(first, last) of comments that belong to no item."""
        for first, last in self.spans:
            if first > self.top() and self.is_comment(first) and not any(
                    item.first <= first <= item.last for item in self.items):
                yield first, last

    def top(self):
        """Last line of the file's opening comment; 0 without one."""
        for first, last in self.spans:
            return last if first == 1 else 0
        return 0

    def exempt(self):
        """The lines that need no showing: blank, #include, guards, and what
        only closes or undoes: #else, #endif, #undef."""
        free = {number for number, line in enumerate(self.lines, 1)
                if not line.strip() or not self.hashes
                and re.match(r'\s*#\s*(include\b|pragma\s+once|'
                            r'else\b|endif\b|undef\b)', line)}
        guard = re.search(r'^#ifndef (\w+)\n#define \1\s*$', self.text, re.M)
        if guard and self.path.suffix == '.h':
            line = self.text.count('\n', 0, guard.start()) + 1
            last = max(number for number, text in enumerate(self.lines, 1)
                       if text.strip())
            if self.lines[last - 1].startswith('#endif'):
                free |= {line, line + 1, last}
        return free


@lru_cache(maxsize=None)
def all_tags():
    """Path -> rows of ctags, for every source file of the stages; one run,
    because starting ctags costs more than reading a file."""
    need('ctags', 'universal-ctags')
    files = tree.sources('.c', '.h', '.S', tests=False)
    done = subprocess.run(
        ['ctags', '--output-format=json', '--fields=+neKS', '--sort=no',
         '--languages=C,Asm', '--map-C=+.h', '--map-Asm=+.S',
         '--kinds-C=+pxlz', '-o', '-', '-L', '-'],
        input='\n'.join(map(str, files)), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ToolError(f'ctags failed: {done.stderr}')
    found = {}
    for row in map(json.loads, done.stdout.splitlines()):
        found.setdefault(row['path'], []).append(row)
    return found


def tags(path):
    """(way, name, line) of what a file defines at its top level."""
    for row in all_tags().get(str(path.resolve()), []):
        way = WAYS.get(row['kind'])
        if way and row.get('scopeKind') not in ('function', 'struct', 'union'):
            yield way, row['name'], row['line']


@lru_cache(maxsize=None)
def source(path):
    """The Source of a path (links resolved)."""
    return Source(path.resolve())
