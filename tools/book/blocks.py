"""A woven block as HTML: a header line, and numbered lines of code."""
import html
from functools import lru_cache

from common import TOP

from book.coverage import listing, needed, numbers, told
from book.highlight import highlight
from book.weave import resolve


@lru_cache(maxsize=None)
def coloured(src):
    """The lines of a source file as HTML; tabs would stop in the wrong places
    behind line numbers."""
    return highlight(src.text.expandtabs(8), src.assembly, src.hashes)


def page_of(src):
    """The full source page of a file, seen from the top of the site."""
    return f'src/{src_name(src)}.html'


def src_name(src):
    """stage/folder/file of a source file, by the stage that adds it; what
    all stages share is at the top."""
    name = str(src.path.relative_to(TOP))
    return name.removeprefix('stages/')


def code_lines(src, first, last):
    """Numbered lines of code."""
    return '\n'.join(
        f'<span class="l" data-n="{number}">{coloured(src)[number - 1]}'
        '</span>' for number in range(first, last + 1))


def symbols(src, attrs, ranges):
    """What the header says that is shown: 'pool_free()', 'struct page'."""
    said = []
    for item in src.items:
        for first, last in ranges:
            if item.last < first or item.body > last or not item.names:
                continue
            way, names = next(iter(item.names.items()))
            part = ' (part)' if first > item.body or last < item.last else ''
            if way == 'fn':
                said.append(f'{names[0]}(){part}')
            elif attrs.get(way) or part:
                said.append(names[0] + part)
    if len(said) > 3:
        said = said[:3] + ['…']
    return ', '.join(dict.fromkeys(said))


def block_html(chapter, number, element):
    """The HTML of a block; number makes its identifier."""
    if element.is_listing():
        return listing_html(chapter, number, element)
    src, ranges = resolve(chapter.stage, element.attrs)
    name = html.escape(element.attrs['file'])
    what = html.escape(symbols(src, element.attrs, ranges))
    parts = '<span class="gap">⋮</span>\n'.join(
        code_lines(src, first, last) + '\n' for first, last in ranges)
    long = ' long' if sum(b - a for a, b in ranges) >= 25 else ''
    return (
        f'<figure class="code{long}" id="code-{number}">\n<figcaption>'
        f'{file_link(src, name, ranges)} <span class="what">{what}</span>'
        f'</figcaption>\n{pre(f"{name}: {what}" if what else name, parts)}\n'
        '</figure>')


def file_link(src, name, ranges):
    """The name of a file, with a link to all of it."""
    return (f'<a class="file" href="{page_of(src)}#L{ranges[0][0]}" '
            f'title="the whole file">{name}</a>')


def pre(label, code):
    """Code in a box that one can scroll with keys."""
    return (f'<pre tabindex="0" role="group" aria-label="{label}"><code>'
            f'{code}</code></pre>')


def listing_html(chapter, number, element):
    """A block of the listing part: closed at first, and a line with a link
    for what stands in the main text."""
    src, ranges = listing(chapter, element)
    pieces = {first: code_lines(src, first, last) + '\n'
              for first, last in ranges}
    for before, links in pointers(ranges, told(chapter, element)).items():
        pieces[before] = (f'<span class="told">In the text: '
                          f'{", ".join(links)}</span>\n')
    name = html.escape(element.attrs['file'])
    lines = len(numbers(ranges) & needed(src.path))
    return (
        f'<details class="code rest" id="code-{number}"><summary>'
        f'{file_link(src, name, ranges)} <span class="what">{lines} '
        f'line{"s" if lines != 1 else ""}</span></summary>\n'
        f'{pre(name, "".join(pieces[at] for at in sorted(pieces)))}\n'
        '</details>')


def pointers(ranges, rows):
    """Where -> links to what the main text shows; those between the same two
    ranges together, half a line behind the first of the two."""
    found = {}
    for line, what, chapter, block in rows:
        before = max((first for first, _ in ranges if first < line),
                     default=0) + .5
        found.setdefault(before, []).append(
            f'<a href="{chapter.name}.html#code-{block}">'
            f'{html.escape(what)}</a>')
    return found
