"""The printed edition, in two volumes set by WeasyPrint: vellum.pdf is the
book, vellum-listings.pdf all listings and patches in order. Volume 1 comes
first, so that volume 2 can say on which of its pages something stands."""
import html
import importlib
import logging
import re

from common import BUILD, ToolError, need

from book import back, edition
from book.chapter import BOOK
from book.edition import inside
from book.pages import natural
from book.references import full_title

PDF = BUILD / 'book/vellum.pdf'
LISTINGS = BUILD / 'book/vellum-listings.pdf'
MOST_PAGES = 480        # of volume 1
LINE = re.compile(r'<span class="l" data-n="(\d+)">(.*)</span>$', re.M)
PROSE_LINKS = re.compile(r'<p\b.*?</p>|<dd>.*?</dd>|<li>.*?</li>', re.S)
LISTING_PART = re.compile(r'<h2 [^>]*\bclass="listings".*\Z', re.S)
PATCH = re.compile(r'<details class="patch".*?<summary>(.*?)</summary>.*?'
                   r'</details>', re.S)
TOLD = re.compile(r'<a href="#([^"]+)">(.*?)</a>')


def body_of(part, names):
    """The body of a part."""
    body = LINE.sub(lambda m: f'<i>{m[1]:>4}  </i>{m[2]}',
                    edition.own_identifiers(part, names))
    return PROSE_LINKS.sub(lambda m: page_references(m[0], part.name), body)


def page_references(text, name):
    """Links to other places of the book say their page."""
    return re.sub(
        rf'<a href="#p-(?!references|glossary|{re.escape(name)}--code)',
        r'<a class="page" href="#p-', text)


def without_listings(body):
    """What volume 1 has of a part."""
    body = PATCH.sub(r'<p class="patched">\1; volume 2 shows it.</p>', body)
    body = re.sub(r'</p>\s*<p class="to-back">(.*?)</p>',
                  r' <span class="to-back">\1</span></p>', body)
    return LISTING_PART.sub(
        lambda m: m[0][:m[0].index('</h2>')] + '</h2><p>The rest of this '
        'chapter’s code stands in volume 2, in the order of its files.</p>',
        body)


def listings_of(part, body, pages):
    """What volume 2 has of a part: listings, and the patches. What volume 1
    shows is named with its page there."""
    found = LISTING_PART.search(body)
    text = re.sub(r'<h2.*?</h2>', '', found[0], count=1) if found else ''
    text = re.sub(r'<span class="told">.*?</span>', lambda told: TOLD.sub(
        lambda m: f'{m[2]} (page {pages.get(m[1], "?")})',
        told[0].replace('In the text', 'In volume 1')), text)
    patches = [m[0] for m in PATCH.finditer(body)]
    if patches:
        text += f'<h2 id="{inside(part.name, "patches")}">Patches</h2>' \
            + ''.join(patches)
    # Links into volume 1 are words here.
    own = identifiers(text)
    return edition.relink(text, lambda to: to if to[1:] in own else None)


def first_volume(parts, bodies):
    """The sections of volume 1. A link into a listing part leads to its
    heading."""
    texts = {name: without_listings(body) for name, body in bodies.items()}
    have = identifiers(''.join(texts.values())) | {
        inside(part.name) for part in parts}

    def there(address):
        name = re.match('#p-(.*?)--', address)
        if address[1:] in have or not name:
            return address
        return f'#{inside(name[1], "listings")}'
    return ''.join(section(part, edition.relink(texts[part.name], there),
                           part.title) for part in parts), have


def entry(name, title, number, rows):
    """One part of a table of contents, with its (identifier, HTML) rows."""
    number = f'<span class="number">{number}</span> ' if number else ''
    inner = ''.join(f'<li><a href="#{inside(name, ident)}">{text}</a></li>'
                    for ident, text in rows)
    return (f'<li class="part"><a href="#{inside(name)}">{number}'
            f'{html.escape(title, False)}</a><ol>{inner}</ol></li>')


def contents(rows):
    """The table of contents, with page numbers from the style."""
    return f'<nav class="contents"><h1>Contents</h1><ol>{"".join(rows)}' \
        '</ol></nav>'


def identifiers(text):
    """All identifiers in HTML."""
    return set(re.findall(r'\sid="([^"]+)"', text))


def pages_of(places, have):
    """Links that print as page numbers, to those places that are there."""
    there = [inside(chapter.name, ident) for chapter, ident, *_ in places]
    return ', '.join(f'<a href="#{place}"></a>' for place in there
                     if place in have)


def index(ident, title, rows):
    """An index in columns: rows are HTML."""
    return (f'<section class="index" id="{ident}"><h1>{title}</h1><div '
            f'class="columns">{"".join(f"<p>{row}</p>" for row in rows)}'
            '</div></section>')


def indexes(fragments, have):
    """Of subjects, and of manual sections, as far as this volume has them."""
    works = {}
    for key, locator, chapter, ident in edition.one_per_section(fragments):
        works.setdefault(key, {}).setdefault(locator, []).append(
            (chapter, ident))
    out = index('subjects', 'Index of subjects', [
        f'{html.escape(subject, False)} {numbers}'
        for subject, places in back.subjects(fragments)
        if (numbers := pages_of(places, have))])
    out += '<section class="index" id="sections"><h1>Index of manual ' \
        'sections</h1>'
    for key in sorted(works):
        out += (f'<h2><a href="#{inside("references", f"ref-{key}")}">'
                f'{html.escape(full_title(key), False)}</a></h2>'
                '<div class="columns">') + ''.join(
            f'<p>{html.escape(locator or "as a whole")}: {numbers}</p>'
            for locator in sorted(works[key], key=natural)
            if (numbers := pages_of(works[key][locator], have))) + '</div>'
    return out + '</section>'


def code_index(fragments, pages):
    """Of names in the code; pages of volume 1 with a 1 before them."""
    names = {}
    for name, chapter, ident, listed in edition.code_places(fragments):
        place = inside(chapter.name, ident)
        names.setdefault(name, []).append(
            f'<a href="#{place}"></a>' if listed else
            f'1:{pages.get(place, "?")}')
    return index('code-index', 'Index of code', [
        f'<code>{html.escape(name)}</code> '
        + ', '.join(dict.fromkeys(names[name][:3]))
        for name in sorted(names, key=str.lower)])


def section(part, body, title):
    """A part of a volume, on a page of its own."""
    number = f'<p class="number">Chapter {part.number}</p>' \
        if part.number else ''
    kind = 'chapter' if part.number else 'more'
    return (f'<section class="{kind}" id="{inside(part.name)}">{number}<h1>'
            f'{html.escape(title, False)}</h1>\n{body}\n</section>')


def cover(subtitle):
    """The title page, and what stands on its back."""
    drawing = (BOOK / 'style/cover.svg').read_text()
    drawing = drawing[drawing.index('<svg'):]
    return (
        f'<section class="cover"><h1>Vellum</h1><p>{subtitle}</p>{drawing}'
        '</section><section class="colophon"><p>Vellum is a thin hypervisor '
        'for x86-64 that is also a book.</p>'
        '<p>The text is licensed under Creative Commons Attribution 4.0 '
        '(CC BY 4.0), the code under the MIT licence.</p>'
        '<p>Code, transcripts and figures that show facts were taken from the '
        'tree and from runs of it when this book was built. Pandoc and '
        'WeasyPrint set it in Linux Libertine, DejaVu Sans and DejaVu Sans '
        'Mono.</p><p>Volume 1 is the book; volume 2 has all listings and '
        'patches. The web edition and the EPUB have both.</p></section>')


def volume(path, subtitle, *sections):
    """Set a volume; identifier -> page of all that has one, and the number
    of pages."""
    text = (
        '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"/>'
        f'<title>Vellum: {subtitle}</title>'
        f'<link rel="stylesheet" href="{BOOK / "style/print.css"}"/></head>'
        f'<body>{cover(subtitle)}{"".join(sections)}</body></html>')
    lost = set(re.findall(r'href="#([^"]+)"', text)) - identifiers(text)
    if lost:
        raise ToolError(f'links that lead nowhere in {path.name}: '
                        + ', '.join(sorted(lost)[:9]))
    path.with_suffix('.html').write_text(text)
    # Only who makes the PDF needs it.
    weasyprint = importlib.import_module('weasyprint')
    logging.getLogger('weasyprint').setLevel(logging.ERROR)
    document = weasyprint.HTML(path.with_suffix('.html')).render()
    document.write_pdf(path)
    pages = {}
    for number, page in enumerate(document.pages, 1):
        for anchor in page.anchors:
            pages.setdefault(anchor, number)
    return pages, len(document.pages)


def build(fragments):
    """Write both volumes; [(path, pages)]. Volume 1 has its limit."""
    need('weasyprint', 'weasyprint')
    PDF.parent.mkdir(parents=True, exist_ok=True)
    parts = edition.parts(fragments)
    names = {part.name for part in parts}
    bodies = {part.name: body_of(part, names) for part in parts}
    text, have = first_volume(parts, bodies)
    pages, first = volume(
        PDF, 'a hypervisor to read',
        contents(entry(part.name, part.title, part.number,
                       edition.headings(part.body) if part.number else ())
                 for part in parts),
        text, indexes(fragments, have))
    listed = [(part, text) for part in parts if
              (text := listings_of(part, bodies[part.name], pages))]
    _, second = volume(
        LISTINGS, 'volume 2: the listings',
        contents(entry(part.name, part.title, part.number,
                       files_of(part, text)) for part, text in listed),
        *(section(part, text, part.title) for part, text in listed),
        code_index(fragments, pages))
    starts = sorted((pages[inside(part.name)], part.name) for part in parts)
    for (page, name), (end, _) in zip(starts, [*starts[1:], (first, '')]):
        print(f'  {name:28}{end - page:4} pages')
    if first > MOST_PAGES:
        raise ToolError(f'volume 1 has {first} pages, at most {MOST_PAGES}')
    return [(PDF, first), (LISTINGS, second)]


def files_of(part, text):
    """(identifier, HTML) of the listings of a part."""
    prefix = f'{inside(part.name)}--'
    return [(ident.removeprefix(prefix), f'<code>{name}</code>')
            for ident, name in re.findall(
                r'<details class="code rest" id="([^"]+)"><summary><span '
                r'class="file"[^>]*>(.*?)</span>', text)]
