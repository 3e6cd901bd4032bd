"""Draws the page layer's memory: every block, by state and size.

  heapview.py [LOG] [-o PICTURE.svg]

LOG (or the standard input) holds the lines that `vellumctl pages` prints, or a
stage with TEST=1; anything may be around them, and in front of each a time
stamp, and the last list counts. Each large square is 16 MiB, the largest block;
halves of a block are side by side, then one above the other, so that buddies
always touch. The colours follow the reader's, light or dark.
"""
import re
import sys
from pathlib import Path
from typing import NamedTuple

from common import ToolError, main

# Whoever passed a line on may have put something before it.
LINE = r'^.*(?<![\w-])page-map: '
STATES = ('reserved', 'free', 'allocated')
ORDERS = 13
CHUNK = 1 << (ORDERS - 1)       # pages of a large square
LABELLED = 8                    # smaller blocks have no room for their size
SIDE, CELL, GAP, ACROSS = 64, 4, 8, 4
HEADER, FOOTER = 40, 44
STYLE = """
svg { color: #222; --free: #bfe3c0; --allocated: #d9822b; --reserved: #8a8f98;
  font: 13px sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { color: #ddd; --free: #2e5d3a; --allocated: #c26a1b;
    --reserved: #5b616b; } }
text { fill: currentColor; }
rect { stroke: currentColor; stroke-width: .5; }
.free { fill: #bfe3c0; fill: var(--free); }
.allocated { fill: #d9822b; fill: var(--allocated); }
.reserved { fill: #8a8f98; fill: var(--reserved); stroke: none; }
.chunk { fill: none; stroke-width: 1; }
"""


class Block(NamedTuple):
    """A block, or more than one reserved page."""
    first: int
    pages: int
    state: str


def parse(text):
    """The number of pages, and the blocks, in order, of the last list."""
    text = text.replace('\r', '')
    starts = list(re.finditer(LINE + r'(\d+) pages$', text, re.M))
    if not starts:
        raise ToolError('no list of blocks in this text ("page-map: ...")')
    pages, blocks, end = int(starts[-1][1]), [], 0
    if not pages:
        raise ToolError('a list of 0 pages: there is nothing to draw')
    for found in re.finditer(LINE + r'(\d+) (\w+) (\d+) x (\d+)$',
                             text[starts[-1].end():], re.M):
        first, size, count = (int(found[i]) for i in (1, 3, 4))
        if first != end or size < 1 or count < 1:
            raise ToolError(f'the list has a gap or an overlap at page {end}')
        if found[2] not in STATES:
            raise ToolError(f'page {first}: the list changed while it was '
                            'read; read it again')
        end = first + size * count
        if found[2] == 'reserved':
            size, count = size * count, 1
        blocks += [Block(first + i * size, size, found[2])
                   for i in range(count)]
    if end != pages:
        raise ToolError(f'the list ends at page {end} of {pages}')
    return pages, blocks


def pieces(first, pages):
    """A range of pages in aligned powers of two: (first, order) pairs."""
    while pages:
        order = min(pages.bit_length() - 1, ORDERS - 1)
        if first:
            order = min(order, (first & -first).bit_length() - 1)
        yield first, order
        first += 1 << order
        pages -= 1 << order


def place(first, order):
    """Where an aligned piece is drawn: x, y, width, height, in pages."""
    x = sum((first >> 2 * bit & 1) << bit for bit in range(ORDERS // 2))
    y = sum((first >> 2 * bit + 1 & 1) << bit for bit in range(ORDERS // 2))
    return x, y, 1 << (order + 1) // 2, 1 << order // 2


def corner(chunk):
    """The upper left corner of a large square, in points."""
    step = SIDE * CELL + GAP
    return chunk % ACROSS * step + GAP, chunk // ACROSS * step + HEADER


def draw_piece(first, order, state):
    """One rectangle."""
    left, top = corner(first // CHUNK)
    x, y, width, height = place(first % CHUNK, order)
    return (f'<rect class="{state}" x="{left + x * CELL}" '
            f'y="{top + y * CELL}" width="{width * CELL}" '
            f'height="{height * CELL}"/>')


def draw_size(first, order):
    """How large a large block is, inside it."""
    left, top = corner(first // CHUNK)
    x, y, _, _ = place(first % CHUNK, order)
    size = f'{1 << order - 8} MiB' if order >= 8 else f'{4 << order} KiB'
    return (f'<text x="{left + x * CELL + 6}" y="{top + y * CELL + 18}">'
            f'{size}</text>')


def draw_block(block):
    """A block's rectangles, named for who points at it."""
    parts = list(pieces(block.first, block.pages))
    label = ''
    if len(parts) == 1 and parts[0][1] >= LABELLED \
            and block.state != 'reserved':
        label = draw_size(*parts[0])
    name = (f'page {block.first}: {block.pages} pages '
            f'({block.pages * 4} KiB), {block.state}')
    return (f'<g><title>{name}</title>'
            + ''.join(draw_piece(first, order, block.state)
                      for first, order in parts) + label + '</g>')


def summary(blocks):
    """What there is of each state, for the legend: state -> text."""
    lines = {}
    for state in STATES:
        sizes = [each.pages for each in blocks if each.state == state]
        lines[state] = f'{state}: {sum(sizes):,} pages'
        if state != 'reserved':
            lines[state] += (f', {len(sizes):,} block'
                             + ('s' if len(sizes) != 1 else ''))
    return lines


def draw(pages, blocks):
    """The picture, as the text of an SVG file."""
    chunks = (pages + CHUNK - 1) // CHUNK
    width = corner(min(chunks, ACROSS) - 1)[0] + SIDE * CELL + GAP
    bottom = corner(chunks - 1)[1] + SIDE * CELL
    words = '; '.join(summary(blocks).values())
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
           f'viewBox="0 0 {width} {bottom + FOOTER}">',
           f'<style>{STYLE}</style>',
           f'<title>{pages:,} pages by block</title>',
           '<desc>Each large square is 16 MiB, cut into its blocks, which are '
           f'coloured by their state: {words}.</desc>',
           f'<text x="{GAP}" y="24">{pages // 256} MiB in {pages:,} pages; '
           'each square is 16 MiB, the largest block</text>']
    out += map(draw_block, blocks)
    for chunk in range(chunks):
        left, top = corner(chunk)
        out.append(f'<rect class="chunk" x="{left}" y="{top}" '
                   f'width="{SIDE * CELL}" height="{SIDE * CELL}"/>')
    for number, (state, text) in enumerate(summary(blocks).items()):
        x = GAP + number * width // len(STATES)
        out.append(f'<rect class="{state}" x="{x}" y="{bottom + 18}" '
                   'width="12" height="12"/>'
                   f'<text x="{x + 18}" y="{bottom + 29}">{text}</text>')
    return '\n'.join([*out, '</svg>', ''])


def read(path):
    """The text of a file, or without one that of the standard input."""
    try:
        data = sys.stdin.buffer.read() if path is None \
            else Path(path).read_bytes()
    except OSError as error:
        raise ToolError(f'{path or "LOG"}: {error.strerror}') from error
    return data.decode(errors='replace')


def write(path, picture):
    """Put the picture into a file, or without one to the standard output."""
    if path is None:
        print(picture, end='')
        return
    try:
        Path(path).write_text(picture)
    except OSError as error:
        raise ToolError(f'-o {path}: {error.strerror}') from error


def heapview(argv):
    """Read a list, write a picture; the exit status."""
    words, target = list(argv), None
    if '-o' in words[:-1]:
        at = words.index('-o')
        target = words[at + 1]
        del words[at:at + 2]
    if len(words) > 1 or any(word.startswith('-') for word in words):
        raise ToolError('usage: heapview.py [LOG] [-o PICTURE.svg]')
    write(target, draw(*parse(read(words[0] if words else None))))
    return 0


if __name__ == '__main__':
    main(lambda: heapview(sys.argv[1:]))
