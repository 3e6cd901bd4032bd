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


# Sections where a chapter is summed up; others come before them.
TAIL = {'summary', 'questions', 'exercises', 'where-to-read-on', 'listings'}


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
                label = f'{number} {title}' if number else \
                    re.sub('^Appendix: .', lambda m: m[0][-1].upper(), title)
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
        for step, word in ((-1, 'Previous'), (1, 'Next')):
            if 0 <= place + step < len(names):
                other, title, _ = self.pages[place + step]
                rel = 'prev' if step < 0 else 'next'
                out.append(f'<a rel="{rel}" href="{other}.html">{word}: '
                           f'{html.escape(title, False)}</a>')
            else:
                out.append('<span></span>')
        return ('<nav class="around" aria-label="Previous and next">'
                + ''.join(out) + '</nav>')

    def write(self, name, title, body, toc='', kind='chapter'):
        """Write a page; name is its path without .html."""
        root = '../' * name.count('/')
        if toc:
            toc = ('<nav id="toc" aria-label="On this page"><details><summary>'
                   f'On this page</summary>\n{toc}\n</details></nav>')
        path = SITE / f'{name}.html'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.template.substitute(
            title=html.escape(f'{title} · Vellum' if title != 'Vellum'
                              else title, False),
            root=root, kind=kind, name=name, body=body, toc=toc,
            chapters=self.navigation(root, name),
            around=self.around(name)))

    def index_page(self, name, title, body):
        """Remember the sections of a page for the search."""
        pieces = re.split(r'<h[23][^>]*? ?id="([^"]+)"[^>]*>(.*?)</h[23]>',
                          body, flags=re.S)
        self.remember(f'{name}.html', title, re.sub(
            r'<dl>.*?</dl>', '', pieces[0], flags=re.S))
        for ident, head, text in zip(pieces[1::3], pieces[2::3],
                                     pieces[3::3]):
            tail = ident in TAIL
            self.remember(f'{name}.html#{ident}',
                          f'{title}: {words_of(head)}', text,
                          'tail' if tail else 'prose')
        for ident, term, text in re.findall(
                r'<dt><span id="(term-[^"]+)">(.*?)</dt>(.*?)(?=<dt>|</dl>)',
                body, flags=re.S):
            self.remember(f'{name}.html#{ident}',
                          f'{title}: {words_of(term)}',
                          f'<i data-subject="{words_of(term)}"></i>{text}')

    def remember(self, url, title, text, kind='prose', name=''):
        """One place that the search can find: prose, tail (where a chapter is
        summed up), code, or test. What the text marks for the index is what
        the place is about."""
        about = ' | '.join(re.findall(r'data-subject="([^"]*)"', text))
        self.search.append({'url': url, 'title': title, 'kind': kind,
                            'name': name, 'about': html.unescape(about),
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
