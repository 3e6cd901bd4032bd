"""Links inside the book: from one chapter to another, and into the code."""
import re
from functools import lru_cache

import tree
from common import stages

from book.blocks import page_of
from book.source import source

IDENT = re.compile(r'\sid="([^"]+)"')


def identifiers(fragments):
    """identifier -> name of the page that has it; a page's own comes first,
    so only what no page has is looked up among the others."""
    found = {}
    for fragment in fragments:
        for ident in IDENT.findall(fragment.body):
            found.setdefault(ident, fragment.chapter.name)
    return found


def target_of(ident, names, known):
    """The address of #ident on another page: an identifier there, or the
    last word of a chapter's name (05-2-hole is #hole). None: nowhere."""
    if ident.startswith('ref-'):
        return f'references.html#{ident}'
    for name in names:
        if name == ident or re.sub(r'^[\d-]+|^appendix-', '', name) == ident:
            return f'{name}.html'
    if ident in known:
        return f'{known[ident]}.html#{ident}'
    return None


def resolve_links(fragment, names, known):
    """The body with its links as the web edition needs them. A link to a
    chapter that is not written yet becomes plain text."""
    own = set(IDENT.findall(fragment.body))

    def mend(found):
        before, address, after, text = found.groups()
        page, _, ident = address.partition('#')
        page = re.sub(r'\.md$', '.html', page)
        if page and not re.match(r'[a-z]+:', page):
            if page.removesuffix('.html') in names or '/' in page:
                return (f'<a{before}href="{page}{"#" if ident else ""}'
                        f'{ident}"{after}>{text}</a>')
            return text
        if page or ident in own:
            return found[0]
        address = target_of(ident, names, known)
        if address is None:
            return text
        return f'<a{before}href="{address}"{after}>{text}</a>'
    return re.sub(r'<a(\s[^>]*?|\s)href="([^"]*)"([^>]*)>(.*?)</a>', mend,
                  fragment.body, flags=re.S)


@lru_cache(maxsize=None)
def definitions(stage):
    """Name -> (file page, line) of what a stage and those before define: a
    function's body rather than its prototype."""
    found, rank = {}, {}
    names = stages()
    earlier = names[:names.index(stage) + 1] if stage in names else names
    for path in tree.sources('.c', '.h', '.S', tests=False):
        origin = tree.stage_of(path)
        if origin not in earlier:
            continue
        src = source(path)
        for item in src.items:
            for way, names in item.names.items():
                for name in names:
                    worth = ('decl', 'var', 'macro', 'type', 'label',
                             'fn').index(way)
                    if worth >= rank.get(name, -1):
                        rank[name] = worth
                        found[name] = (page_of(src), item.body)
    return found


def link_code(body, stage):
    """Names of functions in running text become links to their source."""
    known = definitions(stage)

    def link(found):
        name = found[2]
        if name not in known or len(name) < 4:
            return found[0]
        page, line = known[name]
        return (f'<code><a href="{page}#L{line}">{found[1] or ""}{name}'
                f'{found[3]}</a></code>')
    parts = re.split(r'(<pre\b.*?</pre>|<a\b.*?</a>|<h[1-4].*?</h[1-4]>'
                     r'|<figcaption.*?</figcaption>|<svg.*?</svg>)',
                     body, flags=re.S)
    return ''.join(
        part if index % 2 else
        re.sub(r'<code>(struct |enum )?([A-Za-z_]\w*)(\(\)|)</code>', link,
               part) for index, part in enumerate(parts))


