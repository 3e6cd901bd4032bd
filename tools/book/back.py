"""What stands in the back of the book: answers to the questions, solutions of
the exercises, and the index of subjects."""
import html
import re
from dataclasses import dataclass, field

from book.links import IDENT
from book.pandoc import Fragment
from book.site import words_of

TITLES = {'answers': 'Answers to the questions',
          'solutions': 'Solutions, for instructors'}
PART = re.compile(r'<!--(answers|solutions) (\S*) (.*?)-->(.*?)<!--/back-->',
                  re.S)
ADDRESS = re.compile(r'(<a\s(?:[^>]*?\s)?href=")#([^"]+)"')


@dataclass
class Page:
    """A page that is made of pieces of others, in the place of a chapter."""
    name: str
    title: str
    number: str = ''
    stage: str = ''
    leads: bool = False
    elements: list = field(default_factory=list)


def collect(fragments):
    """Take the answers and solutions out of the chapters, into a page of each
    kind; a page without any is left out."""
    bodies, tocs = {}, {}
    for part in fragments:
        name = part.chapter.name
        own = set(IDENT.findall(PART.sub('', part.body)))
        seen = set()
        for kind, ident, label, text in PART.findall(part.body):
            text = ADDRESS.sub(lambda m, own=own, name=name: m[1] + (
                f'{name}.html' if m[2] in own else '') + f'#{m[2]}"', text)
            text = IDENT.sub(rf' id="{name}--\1"', text)
            if kind not in seen:
                seen.add(kind)
                title = f'{part.chapter.number} {part.chapter.title}'.strip()
                title = html.escape(title, False)
                bodies[kind] = bodies.get(kind, '') + \
                    f'<h2 id="of-{name}">{title}</h2>\n'
                tocs[kind] = tocs.get(kind, '') + \
                    f'<li><a href="#of-{name}">{title}</a></li>'
            bodies[kind] += (
                f'<div class="back" id="{name}--{ident}"><p class="box-title">'
                f'<a href="{name}.html#{ident}">{label}</a></p>\n'
                f'{text.strip()}</div>\n')
        part.body = PART.sub('', part.body)
    return [Fragment(Page(name, title), f'<ul>{tocs[name]}</ul>',
                     bodies[name])
            for name, title in TITLES.items() if name in bodies]


def marked(fragments):
    """(subject, chapter, identifier, section) of each place that the text
    marks for the index; once for a section."""
    for part in fragments:
        section, seen = part.chapter.title, set()
        for found in re.finditer(
                r'<h[23][^>]*>(?P<head>.*?)</h[23]>|id="(?P<id>index-\d+)" '
                r'data-subject="(?P<what>[^"]*)"', part.body, re.S):
            if found['head']:
                section = words_of(found['head'])
            elif (found['what'], section) not in seen:
                seen.add((found['what'], section))
                yield (html.unescape(found['what']), part.chapter,
                       found['id'], section)


def subjects(fragments):
    """[(subject, [(chapter, identifier, section)])], as an index has them;
    what differs in capitals only is one."""
    found = {}
    for subject, *place in marked(fragments):
        key = re.sub(r'\W+', ' ', subject.lower()).strip()
        found.setdefault(key, (subject, []))[1].append(place)
    return [found[key] for key in sorted(found)]


def subject_page(fragments):
    """The index of subjects as a web page."""
    out, letter = [], ''
    for subject, places in subjects(fragments):
        first = re.sub(r'\W', '', subject)[:1].upper()
        first = first if first.isalpha() else '0-9'
        if first != letter:
            letter = first
            out.append(f'{"</dl>" if out else ""}<h2 id="at-{letter}">'
                       f'{letter}</h2><dl class="index">')
        links = '; '.join(
            f'<a href="{chapter.name}.html#{ident}">'
            f'{chapter.number + " " if chapter.number else ""}'
            f'{html.escape(section, False)}</a>'
            for chapter, ident, section in places)
        out.append(f'<dt>{html.escape(subject, False)}</dt><dd>{links}</dd>')
    return '\n'.join(out) + ('</dl>' if out else '')
