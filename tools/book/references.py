"""What a chapter refers to exists: works, terms, figures, places, patches.

Each rule yields (line of the chapter, what is wrong with it).
"""
import re
from functools import lru_cache

from book.chapter import BOOK, CODE
from book.weave import WeaveError, near


def at(element, text):
    """The line of an element in which text stands."""
    first = text.split()[0] if text.split() else text
    for offset, line in enumerate(element.text.split('\n')):
        if first in line:
            return element.line + offset
    return element.line


@lru_cache(maxsize=None)
def keys():
    """The keys of references.bib."""
    path = BOOK / 'references.bib'
    return frozenset(re.findall(r'^@\w+\{([^,\s]+),', path.read_text(), re.M)
                     if path.is_file() else ())


@lru_cache(maxsize=None)
def full_title(key):
    """'SDM: Intel 64 and IA-32 ...' of a work, for headings."""
    text = (BOOK / 'references.bib').read_text()
    entry = re.search(r'^@\w+\{' + re.escape(key) + r',.*?^\}', text,
                      re.S | re.M)
    fields = dict(re.findall(r'^\s*(\w+) = \{(.*?)\},?$', entry[0], re.M)) \
        if entry else {}
    title = re.sub(r'[{}]', '', fields.get('title', key)).replace('~', ' ')
    short = fields.get('shorttitle')
    return f'{short}: {title}' if short else title


@lru_cache(maxsize=None)
def terms():
    """The glossary's terms; None as long as there is no glossary."""
    path = BOOK / 'glossary.md'
    if not path.is_file():
        return None
    return frozenset(plain(found[1]) for found in re.finditer(
        r'^(\S[^\n]*)\n+:\s', path.read_text(), re.M))


def plain(term):
    """A term as it is compared."""
    return re.sub(r'[`*_\[\]]|\{[^}]*\}', '', term).strip().lower()


def citations(text):
    """The keys that a paragraph cites."""
    text = CODE.sub('', text)
    return re.findall(r'(?<![\w\\@.])@([A-Za-z][\w:.-]*\w)', text)


def check_references(chapter):
    """Citations, terms, figures, transcripts, patches and labs exist."""
    for element in chapter.elements:
        text = CODE.sub('', element.text)
        if element.kind in ('prose', 'figure', 'heading'):
            for key in citations(element.text):
                if key not in keys():
                    yield at(element, '@' + key), f'@{key}: not in ' \
                        'book/references.bib' + near(key, keys())
            for found in re.finditer(r'\[([^\]]+)\]\{([^}]*\.term[^}]*)\}',
                                     text):
                name = re.search(r'of="?([^"}]+)', found[2])
                name = plain(name[1] if name else found[1])
                if terms() is not None and name not in terms():
                    yield at(element, found[1]), \
                        f'[{found[1]}]: not in book/glossary.md' \
                        + near(name, terms())
            for found in re.finditer(r'!\[[^\]]*\]\(([^)\s]+)[^)]*\)'
                                     r'(\{[^}]*\})?', text, re.S):
                if not (BOOK / found[1]).is_file():
                    yield element.line, f'{found[1]}: no such figure'
                if 'alt=' not in (found[2] or ''):
                    yield element.line, f'{found[1]}: no alt="..."'
        else:
            yield from check_attributes(element)


# Pages that are made with the book, and are in no file of it.
GENERATED = frozenset({'references', 'sections', 'subjects', 'answers',
                       'solutions'})


def identifier(heading):
    """The identifier that pandoc gives a heading."""
    explicit = re.search(r'\{[^}]*#([\w:.-]+)[^}]*\}\s*$', heading)
    if explicit:
        return explicit[1]
    text = re.sub(r'\{[^}]*\}|\]\([^)]*\)|[`*\[\]]', '', heading)
    text = re.sub(r'[^\w\s.-]', '', text.lstrip('# ').lower())
    return re.sub(r'^[^a-z]+', '', '-'.join(text.split()))


@lru_cache(maxsize=None)
def anchors():
    """Page -> the #identifiers on it. A title has none: its page is one."""
    found = {}
    for path in BOOK.glob('*.md'):
        text = re.sub(r'^# .*', '', path.read_text(), flags=re.M)
        found[path.stem] = {
            *re.findall(r'\{[^}\n]*#([\w:.-]+)', text),
            *(identifier(line) for line in text.splitlines()
              if line.startswith('#'))}
    return found


@lru_cache(maxsize=None)
def places():
    """Every #identifier that the book has, and its pages."""
    found = set(GENERATED).union(*anchors().values())
    for path in BOOK.glob('*.md'):
        found.update((path.stem,
                      re.sub(r'^[\d-]+|^appendix-', '', path.stem)))
        found.update(map(identifier,
                         re.findall('^# .*', path.read_text(), re.M)))
    return frozenset(found)


def check_links(chapter):
    """Links inside the book lead somewhere."""
    for element in chapter.elements:
        if element.kind not in ('prose', 'figure'):
            continue
        for page, ident in re.findall(r'\]\(([\w./-]*)#([\w:.-]+)\)',
                                      CODE.sub('', element.text)):
            if ident not in places() and not page.startswith('src/'):
                yield at(element, f'#{ident}'), (
                    f'#{ident}: no such place' + near(ident, places()))
            elif ident not in anchors().get(page.partition('.')[0], {ident}):
                yield at(element, f'#{ident}'), f'{page} has no #{ident}'
        for page in re.findall(r'\]\(([\w-]+)\.(?:md|html)[#)]',
                               CODE.sub('', element.text)):
            if page not in places() and not page.startswith('diff-'):
                yield at(element, page), f'{page}: no such page'


def transcript_lines(attrs):
    """The lines of a transcript: from the first that matches from= to the
    first after it that matches to=."""
    name = attrs.get('name', '')
    path = BOOK / 'transcripts' / f'{name}.txt'
    if not path.is_file():
        raise WeaveError(f'no transcript {path.name}')
    lines = path.read_text().rstrip('\n').split('\n')
    for key in ('from', 'to'):
        if key in attrs:
            hits = [number for number, line in enumerate(lines)
                    if re.search(attrs[key], line)]
            if not hits:
                raise WeaveError(f'{path.name}: {key}="{attrs[key]}": no hit')
            lines = lines[hits[0]:] if key == 'from' else lines[:hits[0] + 1]
    return lines


def check_attributes(element):
    """The files that a box or a transcript names."""
    attrs = element.attrs
    if element.kind == 'block' and 'transcript' in element.classes:
        try:
            transcript_lines(attrs)
        except WeaveError as error:
            yield element.line, str(error)
    if element.kind != 'div':
        return
    if 'breakit' in element.classes and 'patch' not in attrs:
        yield element.line, '.breakit has no patch='
    for key, place in (('patch', 'breakit/{}.patch'), ('lab', 'labs/{}')):
        if key in attrs and not (BOOK / place.format(attrs[key])).exists():
            yield element.line, f'{key}={attrs[key]}: no book/' + \
                place.format(attrs[key])


def check_boxes(chapter):
    """Each box that opens is closed."""
    stack = []
    for element in chapter.elements:
        if element.kind == 'div':
            stack.append(element.line)
        elif element.kind == 'end':
            if not stack:
                yield element.line, '::: closes nothing'
            else:
                stack.pop()
    for line in stack:
        yield line, 'this ::: is not closed'
