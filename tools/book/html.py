"""Build the web edition: chapters, full sources, changes, indexes."""
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

from common import ToolError

from book import back, links, pages
from book.pandoc import fragment, missing
from book.site import SITE, Site, everything, head


def heading_links(body):
    """Each section's heading gets a link to itself."""

    return re.sub(
        r'<h([23]) id="([^"]+)"([^>]*)>(.*?)</h\1>',
        r'<h\1 id="\2"\3>\4<a class="here" href="#\2" '
        r'aria-label="Link to this section">#</a></h\1>', body, flags=re.S)


def build(only=()):
    """Write build/book/html; with names only those chapters, for a look
    while writing: blocks that can't be filled say so in the page."""
    every = everything()
    chosen = [c for c in every if not only or c.name in only]
    if only and not chosen:
        raise ToolError(f'no chapter {", ".join(only)}; there are '
                        + ', '.join(c.name for c in every))
    if not only:
        missing(chosen)
        shutil.rmtree(SITE, ignore_errors=True)
    with ThreadPoolExecutor(2) as pool:
        fragments = list(pool.map(lambda c: fragment(c, bool(only)), chosen))
    fragments += back.collect(fragments)
    site = Site()
    for chapter in every:
        site.add(chapter.name, chapter.title, chapter.number)
    pages.announce(site, fragments)
    names = [row[0] for row in site.pages]
    known = links.identifiers(fragments)
    for part in fragments:
        chapter = part.chapter
        body = links.resolve_links(part, names, known)
        if chapter.name not in back.TITLES:     # that would tell too much
            site.index_page(chapter.name, chapter.title, body)
        body = links.link_code(body, chapter.stage)
        site.write(chapter.name, chapter.title,
                   head(chapter.title, chapter.number)
                   + pages.stage_links(chapter) + heading_links(body),
                   part.toc)
    pages.write(site, fragments, every, bool(only))
    site.finish()
    return fragments
