"""The printed edition: all parts as one page of HTML, set by WeasyPrint."""
import html
import re

from common import BUILD, ToolError, command, need

from book import edition
from book.edition import inside
from book.pages import natural
from book.references import full_title
from book.chapter import BOOK

PDF = BUILD / 'book/vellum.pdf'
PRINT = BUILD / 'book/print.html'
LINE = re.compile(r'<span class="l" data-n="(\d+)">(.*)</span>$', re.M)
PROSE_LINKS = re.compile(r'<p\b.*?</p>|<dd>.*?</dd>|<li>.*?</li>', re.S)


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


def contents(parts):
    """The table of contents, with page numbers from the style."""
    out = []
    for part in parts:
        number = f'<span class="number">{part.number}</span> ' \
            if part.number else ''
        out.append(f'<li class="part"><a href="#{inside(part.name)}">'
                   f'{number}{html.escape(part.title, False)}</a><ol>')
        if part.number:
            out += [f'<li><a href="#{inside(part.name, ident)}">'
                    f'{html.escape(text, False)}</a></li>'
                    for ident, text in edition.headings(part.body)]
        out.append('</ol></li>')
    return f'<nav class="contents"><h1>Contents</h1><ol>{"".join(out)}' \
        '</ol></nav>'


def pages_of(places):
    """Links that print as page numbers."""
    return ', '.join(f'<a href="#{inside(chapter.name, ident)}"></a>'
                     for chapter, ident in places)


def indexes(fragments):
    """Index of manual sections, and of names in the code."""
    works, names = {}, {}
    for key, locator, chapter, ident in edition.one_per_section(fragments):
        works.setdefault(key, {}).setdefault(locator, []).append(
            (chapter, ident))
    out = ['<section class="index" id="sections"><h1>Index of manual '
           'sections</h1>']
    for key in sorted(works):
        title = html.escape(full_title(key), False)
        out.append(f'<h2><a href="#{inside("references", f"ref-{key}")}">'
                   f'{title}</a></h2>'
                   '<div class="columns">')
        out += [f'<p>{html.escape(locator or "as a whole")}: '
                f'{pages_of(works[key][locator])}</p>'
                for locator in sorted(works[key], key=natural)]
        out.append('</div>')
    for name, chapter, ident in edition.code_places(fragments):
        names.setdefault(name, []).append((chapter, ident))
    out.append('</section><section class="index code-index" id="code-index">'
               '<h1>Index of code</h1><div class="columns">')
    out += [f'<p><code>{html.escape(name)}</code> '
            f'{pages_of(names[name][:3])}</p>'
            for name in sorted(names, key=str.lower)]
    return ''.join(out) + '</div></section>'


def one_page(fragments):
    """The whole book as HTML."""
    parts = edition.parts(fragments)
    names = {part.name for part in parts}
    out = []
    for part in parts:
        number = f'<p class="number">Chapter {part.number}</p>' \
            if part.number else ''
        out.append(f'<section class="chapter" id="{inside(part.name)}">'
                   f'{number}<h1>'
                   f'{html.escape(part.title, False)}</h1>\n'
                   f'{body_of(part, names)}\n</section>')
    return (
        '<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"/>'
        '<title>Vellum: a hypervisor to read</title>'
        f'<link rel="stylesheet" href="{BOOK / "style/print.css"}"/></head>'
        '<body><section class="cover"><h1>Vellum</h1><p>a hypervisor to read'
        '</p></section>' + contents(parts) + '\n'.join(out)
        + indexes(fragments) + '</body></html>')


def build(fragments):
    """Write vellum.pdf; its path, and the number of its pages."""
    need('weasyprint', 'weasyprint')
    PRINT.parent.mkdir(parents=True, exist_ok=True)
    text = one_page(fragments)
    lost = set(re.findall(r'href="#([^"]+)"', text)) - set(
        re.findall(r'\sid="([^"]+)"', text))
    if lost:
        raise ToolError('links that lead nowhere in the PDF: '
                        + ', '.join(sorted(lost)[:9]))
    PRINT.write_text(text)
    said = command(['weasyprint', '-q', PRINT, PDF])
    if said.strip():
        print(said.rstrip())
    return PDF, len(re.findall(rb'/Type /Page\b', PDF.read_bytes()))
