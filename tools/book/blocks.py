"""A woven block as HTML: a header line, and numbered lines of code."""
import html
from functools import lru_cache

from common import TOP

from book.coverage import listing
from book.highlight import highlight
from book.weave import resolve


@lru_cache(maxsize=None)
def coloured(src):
    """The lines of a source file as HTML; tabs would stop in the wrong places
    behind line numbers."""
    return highlight(src.text.expandtabs(8), src.assembly)


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
    src, ranges = listing(chapter, element) if element.is_listing() \
        else resolve(chapter.stage, element.attrs)
    link = page_of(src)
    name = html.escape(element.attrs['file'])
    what = html.escape(symbols(src, element.attrs, ranges))
    label = f'{name}: {what}' if what else name
    parts = '<span class="gap">⋮</span>\n'.join(
        code_lines(src, first, last) + '\n' for first, last in ranges)
    ident = f'code-{number}'
    long = ' long' if sum(b - a for a, b in ranges) >= 25 else ''
    return (
        f'<figure class="code{long}" id="{ident}">\n<figcaption>'
        f'<a class="file" href="{link}#L{ranges[0][0]}" title="the whole file'
        f'">{name}</a> <span class="what">{what}</span></figcaption>\n'
        f'<pre tabindex="0" role="group" aria-label="{label}"><code>{parts}'
        '</code></pre>\n'
        '</figure>')


