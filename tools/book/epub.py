"""The EPUB: one XHTML file per part, a table of contents, one style sheet."""
import html
import re
import uuid
import zipfile
from xml.etree import ElementTree

from common import BUILD, ToolError

from book import edition
from book.chapter import BOOK

EPUB = BUILD / 'book/vellum.epub'
DATE = '2026-01-01T00:00:00Z'       # the same input gives the same file
PAGE = '''<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" \
xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="en-GB" lang="en-GB">
<head><title>{title}</title>
<link rel="stylesheet" type="text/css" href="epub.css"/></head>
<body>{body}</body>
</html>
'''
CONTAINER = '''<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" \
xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="EPUB/package.opf" \
media-type="application/oebps-package+xml"/></rootfiles></container>
'''
PACKAGE = '''<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" \
unique-identifier="id" xml:lang="en-GB">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{ident}</dc:identifier>
<dc:title>Vellum: a hypervisor to read</dc:title>
<dc:language>en-GB</dc:language><dc:creator>The Vellum authors</dc:creator>
<dc:rights>CC BY 4.0</dc:rights>
<meta property="dcterms:modified">{date}</meta></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" \
properties="nav"/>
<item id="css" href="epub.css" media-type="text/css"/>
{items}
</manifest>
<spine><itemref idref="nav"/>{spine}</spine>
</package>
'''


def item_id(part):
    """An XML identifier for a part."""
    return f'p-{part.name}'


def xhtml(part, names):
    """The file of a part. A page that is no XML stops the build here, with
    its name, and not in some reader."""
    def address(old):
        page, _, ident = old.partition('#')
        name = page.removesuffix('.html')
        if name and name not in names:
            return None
        return (f'{name}.xhtml' if name else '') + (f'#{ident}' if ident
                                                    else '')
    number = f'<p class="number">Chapter {part.number}</p>' \
        if part.number else ''
    body = edition.relink(part.body, address)
    # What an identifier may not begin with, and what XHTML does not have.
    body = re.sub(r'<details([^>]*) open="open"', r'<details\1', body)
    body = body.replace('<details', '<div').replace('</details>', '</div>') \
        .replace('<summary>', '<p class="summary">') \
        .replace('</summary>', '</p>').replace(' tabindex="0"', '')
    text = PAGE.format(title=html.escape(part.title), body=(
        f'<section>{number}<h1>{html.escape(part.title, False)}</h1>\n'
        f'{body}</section>'))
    try:
        ElementTree.fromstring(text.split('<!DOCTYPE html>')[1])
    except ElementTree.ParseError as error:
        raise ToolError(f'{part.name}: not XHTML: {error}') from error
    return text


def contents(parts):
    """The EPUB's own table of contents."""
    rows = []
    for part in parts:
        inner = ''.join(
            f'<li><a href="{part.name}.xhtml#{ident}">'
            f'{html.escape(text, False)}</a></li>'
            for ident, text in edition.headings(part.body) if part.number)
        label = f'{part.number} {part.title}'.strip()
        rows.append(f'<li><a href="{part.name}.xhtml">'
                    f'{html.escape(label, False)}</a>'
                    + (f'<ol>{inner}</ol>' if inner else '') + '</li>')
    return PAGE.format(title='Contents', body=(
        '<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>'
        + ''.join(rows) + '</ol></nav>'))


def package(parts, texts):
    """The list of all files, and the reading order."""
    items = '\n'.join(
        f'<item id="{item_id(part)}" href="{part.name}.xhtml" '
        'media-type="application/xhtml+xml"'
        + (' properties="svg"' if '<svg' in text else '') + '/>'
        for part, text in zip(parts, texts))
    spine = ''.join(f'<itemref idref="{item_id(part)}"/>' for part in parts)
    return PACKAGE.format(ident=uuid.uuid5(uuid.NAMESPACE_URL, 'vellum'),
                          date=DATE, items=items, spine=spine)


def build(fragments):
    """Write vellum.epub; its path."""
    parts = edition.parts(fragments)
    names = {part.name for part in parts}
    texts = [xhtml(part, names) for part in parts]
    files = [('META-INF/container.xml', CONTAINER),
             ('EPUB/package.opf', package(parts, texts)),
             ('EPUB/nav.xhtml', contents(parts)),
             ('EPUB/epub.css', (BOOK / 'style/epub.css').read_text())]
    files += [(f'EPUB/{part.name}.xhtml', text)
              for part, text in zip(parts, texts)]
    EPUB.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(EPUB, 'w') as archive:
        archive.writestr(zipfile.ZipInfo('mimetype'),
                         'application/epub+zip')    # first, not compressed
        for name, text in files:
            archive.writestr(zipfile.ZipInfo(name), text,
                             zipfile.ZIP_DEFLATED)
    return EPUB
