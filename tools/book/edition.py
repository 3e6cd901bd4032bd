"""What the EPUB and the PDF have in common: the parts of the book in order,
with links that stay inside the book. There are no source pages in them, so a
link into the code becomes plain text."""
import html
import re
from dataclasses import dataclass
from itertools import chain

from book import links, pages
from book.coverage import listed
from book.site import words_of
from book.weave import woven


@dataclass
class Part:
    """A chapter, an appendix, or a made page."""
    name: str
    title: str
    number: str
    body: str
    toc: str = ''


def parts(fragments):
    """All parts; their links are still those of the web edition."""
    made = pages.titles(fragments)
    names = [part.chapter.name for part in fragments] + list(made)
    known = links.identifiers(fragments)
    found = [Part(part.chapter.name, part.chapter.title, part.chapter.number,
                  links.resolve_links(part, names, known), part.toc)
             for part in fragments]
    bodies = {'references': pages.references,
              'appendix-exemptions': lambda _: pages.exempt_page()}
    return found + [Part(name, made[name], '', bodies[name](fragments))
                    for name in made if name in bodies]


def relink(body, change):
    """Every <a href> through change(address): a new address, or None for
    plain text. Drawings are left alone."""
    def one(found):
        address = html.unescape(found[2])
        if re.match(r'[a-z]+:', address):
            return found[0]
        new = change(address)
        if new is None:
            more = re.sub(r' role=.doc-[a-z]+.', '',
                          f'{found[1].rstrip()}{found[3]}')
            return f'<span{more}>{found[4]}</span>' if 'class=' in more \
                else found[4]
        return (f'<a{found[1]}href="{html.escape(new)}"{found[3]}>{found[4]}'
                '</a>')
    return outside_drawings(body, lambda text: re.sub(
        r'<a(\s(?:[^>]*?\s)?)href="([^"]*)"([^>]*)>(.*?)</a>', one, text,
        flags=re.S))


def inside(name, ident=''):
    """The identifier of a part, or of a place in one, in the whole book."""
    return f'p-{name}--{ident}' if ident else f'p-{name}'


def own_identifiers(part, names, file_of=lambda name: ''):
    """The body of a part, with identifiers that no other has, and links to
    those of the parts with these names."""
    def address(old):
        page, _, ident = old.partition('#')
        name = page.removesuffix('.html') or part.name
        return f'{file_of(name)}#{inside(name, ident)}' if name in names \
            else None
    return outside_drawings(relink(part.body, address), lambda text: re.sub(
        r'(\s)id="([^"]+)"',
        lambda m: f'{m[1]}id="{inside(part.name, m[2])}"', text))


def outside_drawings(body, change):
    """body with change() made to all that is not in an <svg>."""
    pieces = re.split(r'(<svg\b.*?</svg>)', body, flags=re.S)
    return ''.join(piece if piece.startswith('<svg') else change(piece)
                   for piece in pieces)


def code_places(fragments):
    """(name, chapter, block, whether it is in the listing part) of what each
    block defines, for the index."""
    for part in fragments:
        for number, element, src, ranges in chain(woven(part.chapter),
                                                  listed(part.chapter)):
            for item in src.items:
                if any(a <= item.body <= b for a, b in ranges):
                    for way in ('fn', 'type', 'var', 'label'):
                        for name in item.names.get(way, [])[:1]:
                            yield (name + ('()' if way == 'fn' else ''),
                                   part.chapter, f'code-{number}',
                                   element.is_listing())


def one_per_section(fragments):
    """Rows (key, locator, chapter, identifier) of citations: one for each
    section of the book that cites the same place."""
    seen = set()
    for part in fragments:
        place = {}
        for number, text in enumerate(re.split(r'<h2\b', part.body)):
            for ident in re.findall(r'id="([\w-]*cite-\d+)"', text):
                place[ident] = number
        for row in pages.cited([part]):
            key = (row[0], row[1], part.chapter.name, place.get(row[3]))
            if key not in seen:
                seen.add(key)
                yield row


def headings(body):
    """(identifier, text) of the sections of a part."""
    return [(ident, words_of(text)) for ident, text in
            re.findall(r'<h2[^>]*?id="([^"]+)"[^>]*>(.*?)</h2>', body,
                       flags=re.S)]


