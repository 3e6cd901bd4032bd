"""The web edition: one page per chapter, and the pages around them."""
import html
import json
import re
import shutil
from string import Template

from common import BUILD

from book.chapter import BOOK, appendices, chapters

SITE = BUILD / 'book/html'
GROUPS = ((r'\d|conclusion', ''), (r'appendix', 'Appendices'),
          (r'glossary|answers|solutions|references|subjects|sections',
           'Look up'), (r'diff', 'What each stage adds'))


class Site:
    """The pages of the book, and how they link to each other."""

    def __init__(self):
        self.pages = []         # (name, title, number), in reading order
        self.idents = {}        # identifier -> pages that have it
        self.template = Template((BOOK / 'style/page.html').read_text())
        self.search = []

    def add(self, name, title, number=''):
        """Announce a page of the navigation."""
        self.pages.append((name, title, number))

    def navigation(self, root, current):
        """The list of all pages."""
        out = []
        for pattern, group in GROUPS:
            rows = [row for row in self.pages if re.match(pattern, row[0])]
            if not rows:
                continue
            if group:
                out.append(f'<p class="group">{group}</p>')
            out.append('<ol>')
            for name, title, number in rows:
                here = ' aria-current="page"' if name == current else ''
                label = f'{number} {title}' if number else title
                out.append(f'<li><a href="{root}{name}.html"{here}>'
                           f'{html.escape(label, False)}</a></li>')
            out.append('</ol>')
        return '\n'.join(out)

    def around(self, name):
        """Links to the page before and the one after."""
        names = [row[0] for row in self.pages]
        if name not in names:
            return ''
        place, out = names.index(name), []
        for step, word in ((-1, 'Before'), (1, 'Next')):
            if 0 <= place + step < len(names):
                other, title, _ = self.pages[place + step]
                rel = 'prev' if step < 0 else 'next'
                out.append(f'<a rel="{rel}" href="{other}.html">{word}: '
                           f'{html.escape(title, False)}</a>')
            else:
                out.append('<span></span>')
        return ('<nav class="around" aria-label="Before and next">'
                + ''.join(out) + '</nav>')

    def write(self, name, title, body, toc='', kind='chapter'):
        """Write a page; name is its path without .html."""
        root = '../' * name.count('/')
        if toc:
            toc = f'<nav id="toc" aria-label="On this page">\n{toc}\n</nav>'
        path = SITE / f'{name}.html'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.template.substitute(
            title=html.escape(f'{title} · Vellum' if title != 'Vellum'
                              else title, False),
            root=root, kind=kind, body=body, toc=toc,
            chapters=self.navigation(root, name),
            around=self.around(name)))

    def index_page(self, name, title, body):
        """Remember the sections of a page for the search."""
        pieces = re.split(r'<h[23] id="([^"]+)"[^>]*>(.*?)</h[23]>', body,
                          flags=re.S)
        self.remember(f'{name}.html', title, pieces[0])
        for ident, head, text in zip(pieces[1::3], pieces[2::3],
                                     pieces[3::3]):
            self.remember(f'{name}.html#{ident}',
                          f'{title}: {words_of(head)}', text)

    def remember(self, url, title, text, name=''):
        """One place that the search can find."""
        self.search.append({'url': url, 'title': title, 'name': name,
                            'text': words_of(text)})

    def finish(self):
        """Styles and the search index."""
        (SITE / 'style').mkdir(parents=True, exist_ok=True)
        for name in ('book.css', 'book.js'):
            shutil.copy(BOOK / 'style' / name, SITE / 'style' / name)
        (SITE / 'search-index.js').write_text(
            'window.SEARCH_INDEX = ' + json.dumps(
                self.search, ensure_ascii=False,
                separators=(',', ':')).replace('</', '<\\/') + ';\n')


def words_of(text):
    """The text of HTML, without code listings and drawings."""
    text = re.sub(r'<(figure class="code|svg|pre)\b.*?</(figure|svg|pre)>',
                  ' ', text, flags=re.S)
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', '', text)).split())


def head(title, number=''):
    """The first heading of a page."""
    if number:
        title = f'<span class="number">Chapter {number}</span> {title}'
    return f'<h1>{title}</h1>'


def everything():
    """All chapters and appendices, in reading order."""
    return chapters() + sorted(appendices(),
                               key=lambda page: page.name != 'glossary')
