"""The EPUB: pandoc makes a file of each part, and the table of contents."""
import os
import re
from xml.etree import ElementTree

from common import BUILD, ToolError, command, need

from book import edition
from book.chapter import BOOK
from book.pandoc import raw

EPUB = BUILD / 'book/vellum.epub'
# Lines of a drawing in a comment, which falls apart if a line is broken.
DRAWING = re.compile(r'\+--|--+(\+|&gt;|\|)|&lt;--|\|[ _]+\||[─│┌└├]')
METADATA = {
    'title': 'Vellum: a hypervisor to read', 'lang': 'en-GB',
    'creator': 'The Vellum authors', 'rights': 'CC BY 4.0',
    'identifier': 'urn:uuid:2fd6a3b4-5c0e-5b6e-9d54-6f2b2a7d9e11',
}


def heading(mark, ident, text):
    """A heading as pandoc's Markdown; text is HTML."""
    words = re.sub(r'([^\w\s])', r'\\\1', edition.words_of(text))
    return f'\n\n{mark} {words} {{#{ident}}}\n\n'


def markdown(part, files):
    """A part: headings for the table of contents, and its HTML between
    them. A page that is no XML stops the build here, with its name, and not in
    some reader."""
    body = edition.own_identifiers(part, files, files.get)
    # What XHTML does not have.
    for old, new in (('<details[^>]*', '<div'), ('</details>', '</div>'),
                     ('<summary>', '<p class="summary">'),
                     ('</summary>', '</p>'), (' tabindex="0"', ''),
                     (' style="--least:[^"]*"', ''),
                     (' data-frames="[^"]*"', '')):
        body = re.sub(old, new, body)
    body = re.sub(r'<pre>(?=(.*?)</pre>)', lambda m: '<pre class="drawn">'
                  if DRAWING.search(m[1]) else m[0], body, flags=re.S)
    try:
        ElementTree.fromstring(f'<div>{body}</div>')
    except ElementTree.ParseError as error:
        raise ToolError(f'{part.name}: not XHTML: {error}') from error
    first, *sections = re.split(
        r'<h2[^>]*?id="([^"]+)"[^>]*>(.*?)</h2>', body, flags=re.S)
    out = heading('#', edition.inside(part.name),
                  f'{part.number} {part.title}') + raw(first)
    for ident, text, more in zip(*[iter(sections)] * 3):
        out += heading('##', ident, text) + raw(more)
    return out


def build(fragments):
    """Write vellum.epub; its path."""
    parts = edition.parts(fragments)
    files = {part.name: f'ch{number:03}.xhtml'
             for number, part in enumerate(parts, 1)}
    EPUB.parent.mkdir(parents=True, exist_ok=True)
    # The same input gives the same file.
    command([need('pandoc', 'pandoc'), '--to', 'epub3', '--output', EPUB,
             '--epub-cover-image', BOOK / 'style/cover.svg',
             '--css', BOOK / 'style/epub.css', '--toc', '--toc-depth=2',
             *(f'--metadata={name}={value}'
               for name, value in METADATA.items())],
            ''.join(markdown(part, files) for part in parts).encode(),
            env={**os.environ, 'SOURCE_DATE_EPOCH': '1767225600'})
    return EPUB
