"""What every chapter must keep to, besides showing all lines.

Each rule yields (line of the chapter, what is wrong with it).
"""
import re
from functools import lru_cache

from common import TOP, stage_dir, stages

from book.chapter import BOOK, CODE
from book.source import blanked
from book.weave import WeaveError, near, resolve

LONGEST = 25
SNAKE = re.compile(r'(?<![\w$%.-])([a-z][a-z0-9]*_\w+)(?![\w.-]*/)')
CALLED = re.compile(r'(?<![\w$%.>-])([A-Za-z_]\w+)\(')
FILE_NAME = re.compile(r'[\w./-]*\w\.(?:c|h|S|ld|mk|py|conf|patch|txt|md)\b')


def woven(chapter):
    """(index, element, Source, ranges) of the blocks that resolve."""
    for index, element in enumerate(chapter.elements):
        if element.is_woven():
            try:
                yield index, element, *resolve(chapter.stage, element.attrs)
            except WeaveError:
                continue


def check_weaving(chapter):
    """Each block finds what it names."""
    for element in chapter.elements:
        if not element.is_woven():
            continue
        if element.text.strip():
            yield element.line, 'a block with file= is to be empty'
        try:
            resolve(chapter.stage, element.attrs)
        except WeaveError as error:
            yield element.line, f'{element.attrs.get("file", "?")}: {error}'


def check_length(chapter):
    """A block has at most 25 lines, but for tables (class .long)."""
    for _, element, src, ranges in woven(chapter):
        lines = sum(last - first + 1 for first, last in ranges)
        table = all('type' in names or 'var' in names or 'macro' in names
                    or not names for names in kinds(src, ranges))
        if 'long' in element.classes and not table:
            yield element.line, 'class .long is for tables and enums'
        elif lines > LONGEST and 'long' not in element.classes:
            yield element.line, (f'a block of {lines} lines, at most '
                                 f'{LONGEST} (tables: class .long)')


def kinds(src, ranges):
    """The names of the items that lie in the ranges."""
    for item in src.items:
        if any(first <= item.body <= last for first, last in ranges):
            yield item.names


def words_of(element):
    """The words in the code spans of an element."""
    return {word for text, _ in element.spans()
            for word in re.findall(r'[A-Za-z_]\w+', text)}


def check_prose(chapter):
    """A block has prose before and after it that names a part of it."""
    for index, element, src, ranges in woven(chapter):
        named, bad = set(), False
        for step, side in ((-1, 'before'), (1, 'after')):
            other = chapter.beside(index, step)
            if other is not None and other.kind == 'prose':
                named |= words_of(other)
            elif other is not None and other.kind == 'block':
                bad = True
                if step > 0:
                    yield element.line, 'no prose between this block and ' \
                        f'the next, line {other.line}'
            else:
                bad = True
                what = other.kind if other else 'nothing'
                yield element.line, f'no prose {side} the block: {what}'
        inside = {word for first, last in ranges
                  for line in src.lines[first - 1:last]
                  for word in re.findall(r'[A-Za-z_]\w+', line)}
        if not bad and not named & inside:
            yield element.line, 'the prose beside the block names nothing ' \
                'in it (in `code font`)'


@lru_cache(maxsize=None)
def words(stage):
    """Every word of a stage's code, of its tests and its makefiles; without
    a stage, of all stages."""
    if stage is None:
        return frozenset().union(*map(words, stages()))
    found = set()
    for path in stage_files(stage):
        text = path.read_text(errors='replace')
        if path.suffix in ('.c', '.h', '.S', '.ld'):
            text = blanked(text, strings=False)
        found.update(re.findall(r'[A-Za-z_]\w+', text))
        found.update(path.stem.split('.'))
    for path in (TOP / 'tools').glob('*.py'):
        found.add(path.stem)
    return frozenset(found)


@lru_cache(maxsize=None)
def stage_files(stage):
    """The files of a whole stage, inherited ones as well."""
    top = stage_dir(stage)
    return tuple(path for folder in sorted(top.iterdir()) if folder.is_dir()
                 and folder.name not in ('tools', 'build', 'tests')
                 for path in sorted(folder.resolve().rglob('*'))
                 if path.suffix in ('.c', '.h', '.S', '.ld', '.mk', '.py'))


@lru_cache(maxsize=None)
def names_of_files(stage):
    """The names of files that prose may mention."""
    found = set()
    for one in [stage] if stage else stages():
        for path in stage_files(one):
            found.add(path.name)
    for top in (TOP / 'tools', TOP / 'mk', TOP / 'tests', BOOK, TOP):
        found.update(path.name for path in top.glob('*.*'))
    return found


def code_words(text):
    """The words of a code span that look like our identifiers."""
    text = re.sub(r'"[^"]*"', '', text)
    for name in FILE_NAME.findall(text):
        text = text.replace(name, ' ')
    if re.match(r'(\$|make|sudo|git|apt|lsblk|cp|cat|qemu|bochs|gdb)\b',
                text):
        return set()
    return set(SNAKE.findall(text)) | set(CALLED.findall(text))


def check_names(chapter):
    """Prose names in code font only what the stage has."""
    for element in chapter.elements:
        if element.kind not in ('prose', 'heading', 'figure'):
            continue
        for text, attrs in element.spans():
            if '.ext' in attrs:
                continue
            known = words(chapter.stage)
            for word in sorted(code_words(text) - known):
                yield at(element, text), (
                    f'`{text}`: {word} is not in '
                    f'{chapter.stage or "any stage"}'
                    + near(word, known) + ' (foreign names: {.ext})')
            for name in FILE_NAME.findall(text):
                if name.rsplit('/', 1)[-1] not in \
                        names_of_files(chapter.stage) \
                        and not (TOP / name).exists() \
                        and not (BOOK / name).exists():
                    yield at(element, text), f'`{text}`: no such file'


def at(element, text):
    """The line of an element in which text stands."""
    head = text.split()[0] if text.split() else text
    for offset, line in enumerate(element.text.split('\n')):
        if head in line:
            return element.line + offset
    return element.line


@lru_cache(maxsize=None)
def keys():
    """The keys of references.bib."""
    path = BOOK / 'references.bib'
    return frozenset(re.findall(r'^@\w+\{([^,\s]+),', path.read_text(), re.M)
                     if path.is_file() else ())


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


def check_attributes(element):
    """The files that a box or a transcript names."""
    attrs = element.attrs
    if element.kind == 'block' and 'transcript' in element.classes:
        path = BOOK / f'transcripts/{attrs.get("name", "")}.txt'
        if not path.is_file():
            yield element.line, f'no transcript {path.name}'
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


RULES = (check_weaving, check_length, check_prose, check_names,
         check_references, check_boxes)


def problems(chapter):
    """All that is wrong with a chapter, in line order."""
    return sorted({row for rule in RULES for row in rule(chapter)})
