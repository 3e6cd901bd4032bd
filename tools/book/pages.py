"""The pages that are made, not written: start page, references, the index of
manual sections, exemptions, and with sources.py the code itself."""
import html
import re

import tree
from common import stages

from book import back, sources, start
from book.coverage import exemptions
from book.pandoc import run
from book.references import full_title
from book.site import head

TITLES = {
    'appendix-exemptions': 'Lines that are not shown',
    **back.TITLES,
    'references': 'References',
    'subjects': 'Index of subjects',
    'sections': 'Index of manual sections',
}


def titles(fragments):
    """Name -> title of the made pages of these chapters; none is empty."""
    have = {part.chapter.name for part in fragments}
    return {name: title for name, title in TITLES.items() if (
        name in have if name in back.TITLES else
        any(exemptions()) if name == 'appendix-exemptions' else
        any(back.marked(fragments)) if name == 'subjects' else True)}


def book_stages():
    """The stages that have something of their own."""
    own = {stage for _, stage in tree.own()}
    return [stage for stage in stages() if stage in own]


def announce(site, fragments):
    """Add the made pages to the navigation."""
    for name, title in titles(fragments).items():
        site.add(name, title)
    for stage in book_stages():
        site.add(f'diff-{stage}', f'Stage {stage}')


def stage_links(chapter):
    """What to type, and where the stage's changes are."""
    if not chapter.stage:
        return ''
    return (f'<p class="stage-links">Stage <code>{chapter.stage}</code>: '
            f'<a href="diff-{chapter.stage}.html">what it adds</a> · '
            f'<code>make run STAGE={chapter.stage}</code></p>')


def cited(fragments):
    """Rows (key, locator, page, identifier) of the places that cite."""
    for part in fragments:
        for found in re.finditer(
                r'id="([\w-]*cite-\d+)"[^>]*?data-cites="([^"]*)"',
                part.body):
            for row in html.unescape(found[2]).split(';;'):
                key, _, locator = row.partition('|')
                yield key, locator, part.chapter, found[1]


def natural(text):
    """A key that sorts 3A 4.10 after 3A 4.9."""
    return [(0, int(word), '') if word.isdigit() else (1, 0, word)
            for word in re.findall(r'\d+|[^\d\s.]+', text)]


def section_index(fragments, address):
    """HTML: for each work its cited sections, each with its places.
    address(chapter, identifier) makes the link's target."""
    works = {}
    for key, locator, chapter, ident in cited(fragments):
        works.setdefault(key, {}).setdefault(locator, []).append(
            (chapter, ident))
    out = []
    for key in sorted(works):
        title = html.escape(full_title(key), False)
        out.append(f'<h2 id="of-{key}"><a href="{address(None, "ref-" + key)}'
                   f'">{title}</a></h2>\n<dl class="index">')
        for locator in sorted(works[key], key=natural):
            links = ', '.join(
                f'<a href="{address(chapter, ident)}">'
                f'{html.escape(chapter.title, False)}</a>'
                for chapter, ident in works[key][locator])
            out.append(f'<dt>{html.escape(locator) or "as a whole"}</dt>'
                       f'<dd>{links}</dd>')
        out.append('</dl>')
    return '\n'.join(out)


def references(fragments):
    """HTML: the works that these chapters cite."""
    keys = sorted({row[0] for row in cited(fragments)})
    return run("---\nnocite: '" + ' '.join(f'@{key}' for key in keys)
               + "'\n---\n")[1]


def exempt_page():
    """HTML: the lines that no chapter shows, and why."""
    rows = ''.join(
        f'<tr><td>{row.stage}</td><td><code>{html.escape(row.chosen, False)}'
        f'</code></td><td>{len(row.lines)}</td>'
        f'<td>{html.escape(row.reason, False)}</td></tr>'
        for row in exemptions())
    return ('<p>All other lines of the stages are shown in a chapter; blank '
            'lines, <code>#include</code>, include guards and tests aside.'
            '</p><div class="wide" tabindex="0"><table><thead><tr>'
            '<th>Stage</th><th>Where</th><th>Lines</th>'
            f'<th>Why</th></tr></thead><tbody>{rows}</tbody></table></div>')


def write(site, fragments, every, partial):
    """Write all made pages; of a partial build only what it needs."""
    def address(chapter, ident):
        return f'{chapter.name if chapter else "references"}.html#{ident}'
    site.write('index', 'Vellum', start.page(site, fragments, every),
               kind='start')
    made = titles(fragments)
    bodies = {'references': references(fragments),
              'subjects': back.subject_page(fragments),
              'sections': section_index(fragments, address),
              'appendix-exemptions': exempt_page()}
    for name in bodies.keys() & made.keys():
        site.write(name, made[name], head(made[name]) + bodies[name])
        if name == 'references':
            site.index_page(name, made[name], bodies[name])
    sources.write_files(site, fragments)
    if not partial:
        for stage in book_stages():
            sources.write_diff(site, stage)
