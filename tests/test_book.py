"""The book's checks find what they are for: a small book of one chapter, with
its stage, is broken in one way after another. Needs no pandoc, no emulator."""
import re
import shutil
import subprocess

import pytest
from common import TOP

CHAPTER = 'book/01-mini.md'
CORE = 'stages/01-mini/core/core.c'


@pytest.fixture
def small(tmp_path):
    """A copy of the small book, with the tools of this tree."""
    target = tmp_path / 'tree'
    shutil.copytree(TOP / 'tests/book/tree', target, symlinks=True)
    (target / 'tools').symlink_to(TOP / 'tools')
    return target


def book(tree, *words):
    """Run a book command on the tree; status and output."""
    code = ('import sys, runpy; from pathlib import Path; '
            f'sys.path.insert(0, {str(TOP / "tools")!r}); import common; '
            f'common.TOP = Path({str(tree)!r}); '
            f'common.BUILD = common.TOP / "build"; '
            f'sys.argv = ["book", *{list(words)!r}]; sys.path.insert(0, ""); '
            f'runpy.run_path({str(TOP / "tools/book/__main__.py")!r}, '
            'run_name="__main__")')
    done = subprocess.run(['/usr/bin/python3', '-c', code],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def change(path, old, new, count=1):
    """Replace text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def test_the_small_book_is_right(small):
    """Nothing is found where nothing is wrong; later stages are named."""
    status, text = book(small, 'check')
    assert status == 0, text
    assert re.search(r'01-mini/core +\d+ lines +100\.0%  01-mini', text)
    assert re.search(r'02-more/extra +\d+ lines +0\.0%  no chapter yet', text)


# What is broken, how (file, old, new), and what must be said about it.
MUTATIONS = {
    'a line that nobody explains': (
        CORE, 'EXIT_HANDLER', 'static int unexplained;\n\nEXIT_HANDLER',
        r'core/core\.c:33: not shown in 01-mini'),
    'a comment that nobody shows': (
        CORE, 'EXIT_HANDLER', '/* Alone. */\n\nEXIT_HANDLER',
        r'core/core\.c:33: not shown in 01-mini'),
    'a new source file': (
        'stages/01-mini/core/more.h', None, '#define MORE 1\n',
        r'core/more\.h:1: not shown in 01-mini'),
    'a new label': (
        'stages/01-mini/core/entry.S', '\t.data', 'other:\n\tret\n\n\t.data',
        r'core/entry\.S:16-17: not shown'),
    'a line inside a function that is cut': (
        CORE, '\n\t*value', '\tqueue->last++;\n\t*value',
        r'core/core\.c:27: not shown'),
    'a function renamed': (
        CORE, 'int queue_put(', 'int queue_add(',
        r'core/core\.c: fn=queue_put: not in the file; near: .*queue_add'),
    'a function that is there twice': (
        CORE, 'EXIT_HANDLER', 'int queue_put(void)\n{\n}\n\nEXIT_HANDLER',
        r'fn=queue_put: 2 in the file'),
    'a cut that fits twice': (
        CORE, '\t*value =', '\t*value = 0;\n\t*value =',
        r'from="\\\*value =": 2 hits'),
    'a cut that no longer fits': (
        CORE, '\t*value =', '\t*result =', r'from="\\\*value =": no hit'),
    'a label renamed': (
        'stages/01-mini/core/entry.S', 'stack_top:', 'stack_end:',
        r'label=stack_top: not in the file; near: stack_end'),
    'a file moved': (
        CHAPTER, 'file=core/core.c fn=queue_put', 'file=core/cor.c '
        'fn=queue_put', r'file=core/cor\.c: no such file in 01-mini; near'),
    'a way to choose that does not exist': (
        CHAPTER, 'fn=queue_put', 'func=queue_put', r'func=: no such way'),
    'a block that is too long': (
        CORE, '\treturn 0;\n}\n', '\treturn 0;\n'
        + '\tqueue++;\n' * 20 + '}\n',
        r'a block of 27 lines, at most 25'),
    'prose that names what the stage does not have': (
        CHAPTER, '## The code', 'Then `queue_drop()` drops one.\n\n## The '
        'code', r'`queue_drop\(\)`: queue_drop is not in 01-mini'),
    'prose that names a file that is not there': (
        CHAPTER, '## The code', 'See `core/none.c`.\n\n## The code',
        r'`core/none\.c`: no such file'),
    'a foreign name without its mark': (
        CHAPTER, '`kfifo_put()`{.ext}', '`kfifo_put()`',
        r'kfifo_put is not in 01-mini'),
    'an unknown work cited': (
        CHAPTER, '@knuth1', '@knuth2', r'@knuth2: not in book/references.bib'
        r'; near: knuth1'),
    'a term without an entry': (
        CHAPTER, '[queue]{.term}', '[ring]{.term}',
        r'\[ring\]: not in book/glossary\.md'),
    'a figure lost': (
        CHAPTER, 'figures/ring.svg', 'figures/rings.svg',
        r'figures/rings\.svg: no such figure'),
    'a figure without words': (
        CHAPTER, ' alt="Four slots in a ring."', '', r'ring\.svg: no alt='),
    'a transcript lost': (
        CHAPTER, 'name=01-mini', 'name=01-min', r'no transcript 01-min\.txt'),
    'a transcript that says something else': (
        'book/transcripts/01-mini.txt', 'slots', 'places',
        r'01-mini\.txt: from="slots": no hit'),
    'a patch lost': (
        CHAPTER, 'patch=01-full', 'patch=01-ful',
        r'patch=01-ful: no book/breakit/01-ful\.patch'),
    'a box that is not closed': (
        CHAPTER, 'links.\n:::', 'links.\n', r'this ::: is not closed'),
    'a link that leads nowhere': (
        CHAPTER, '## The code', 'See [there](#nowhere).\n\n## The code',
        r'#nowhere: no such place'),
    'a link to a title, which is a page': (
        CHAPTER, '## The code', 'See [there](01-mini.md#mini).\n\n## The code',
        r'01-mini\.md has no #mini'),
    'a folder that is not the stage\'s': (
        CHAPTER, 'folders: [core]', 'folders: [core, cora]',
        r'folders: 01-mini adds no cora'),
    'a comment that sends readers to a chapter without the file': (
        CORE, 'be told apart.', 'be told apart. Book: chapter 2.',
        r'core/core\.c: chapter 2 does not show it'),
    'a comment that sends readers to a heading that is not there': (
        CORE, 'be told apart.', 'be told apart. Book: chapter 1,\n * "The '
        'code" and "The\n * end".',
        r'core/core\.c: chapter 1 has no "The end"'),
    'a comment with the name of a section that is not there': (
        CORE, 'be told apart.', 'be told apart (see "The\n * end").',
        r'core/core\.c: the book has no "The end"'),
    'the name of a section in brackets that is not there': (
        CORE, 'be told apart.', 'be told apart ("Hiding").',
        r'core/core\.c: the book has no "Hiding"'),
    'a makefile that is not listed': (
        'mk/more.mk', None, 'MORE := 1\n',
        r'mk/more\.mk:1: not shown in an appendix'),
    'a chapter without goals': (
        CHAPTER, 'goals:\n  - keep numbers in order\n  - say why the counters '
        'overflow\n  - find the handler of `HLT`\n', '',
        r'01-mini\.md:1: goals: is missing'),
    'a chapter with two goals': (
        CHAPTER, '  - keep numbers in order\n', '',
        r'01-mini\.md:1: goals: 3 to 5 of them'),
    'a chapter that does not say what it needs': (
        CHAPTER, 'needs: C, and [some patience](#the-problem)\n', '',
        r'needs: is missing'),
    'a chapter that is neither essential nor optional': (
        CHAPTER, 'kind: essential', 'kind: nice', r'kind: essential or opt'),
    'a chapter without its summary': (
        CHAPTER, '## Summary', '### Summary',
        r'the last headings are to be: Summary, Questions'),
    'a question without an answer': (
        CHAPTER, '::: answer\nIt is 5.\n:::\n', '',
        r'md:\d+: a question without ::: answer'),
    'four questions': (
        CHAPTER, '{.question #q-01-5}', '{.note #q-01-5}',
        r'4 questions, at least 5'),
    'an exercise without a solution': (
        CHAPTER, '::: solution\nOnly `QUEUE_SIZE` changes.\n:::\n', '',
        r'an exercise without ::: solution'),
    'an exercise without a level': (
        CHAPTER, ' level=2', '', r'an exercise without level=1, 2 or 3'),
    'no exercise to build something': (
        CHAPTER, ' level=3', ' level=2', r'no exercise with level=3'),
    'a listing that nothing is said of': (
        CHAPTER, '`core/entry.S` has a stack beside its code.\n', '',
        r'no line before this listing'),
    'a listing in the main text': (
        CHAPTER, '## Summary', '```{.asm .rest file=core/entry.S '
        'label=stack_top}\n```\n\n## Summary',
        r'a \.rest block before "## Listings"'),
    'a listing of what the text has shown': (
        CHAPTER, '## Summary', '```{.asm file=core/entry.S '
        'label=stack_top}\n```\n\n## Summary', r'nothing is left to list'),
    'an exemption without a reason': (
        'book/exemptions.txt', None, '01-mini file=core/core.h macro=*\n',
        r'exemptions\.txt:1: want: STAGE file'),
    'an exemption of what is shown': (
        'book/exemptions.txt', None,
        '01-mini file=core/core.h macro=QUEUE_SIZE -- too small\n',
        r'exemptions\.txt:1: needless'),
}


@pytest.mark.parametrize('what', MUTATIONS)
def test_what_is_broken_is_found(small, what):
    """Each mutation fails the check, with a message that names it."""
    name, old, new, message = MUTATIONS[what]
    if old is None:
        (small / name).parent.mkdir(exist_ok=True)
        (small / name).write_text(new)
    else:
        change(small / name, old, new)
    status, text = book(small, 'check')
    assert status == 1, text
    assert re.search(message, text), text


def test_a_comment_may_name_a_heading_of_its_chapter(small):
    """Broken over two lines as well."""
    change(small / CORE, 'be told apart.', 'be told apart. Book: chapter 1, '
           '"The\n * problem" and "The code". Like SVM ("HLT"), see "Summary".')
    status, text = book(small, 'check')
    assert status == 0, text


def test_too_many_exemptions_are_found(small):
    """At most 3 % of a stage."""
    change(small / CORE, 'EXIT_HANDLER',
           'static int one, two;\n\nEXIT_HANDLER')
    (small / 'book/exemptions.txt').write_text(
        '01-mini file=core/core.c var=one -- a test\n')
    status, text = book(small, 'check')
    assert status == 0, text
    change(small / CORE, 'static int one, two;',
           'static int one = 1 +\n\t\t 1;')
    assert 'at most 3%' in book(small, 'check')[1]


def test_a_draft_is_reported_and_fails_nothing(small):
    """draft: true, while a chapter is written."""
    change(small / CHAPTER, 'order: 10', 'order: 10\ndraft: true')
    change(small / CORE, 'EXIT_HANDLER', 'static int more;\n\nEXIT_HANDLER')
    change(small / CHAPTER, 'patch=01-full', 'patch=01-ful')
    status, text = book(small, 'check')
    assert status == 0, text
    assert '01-mini (draft)' in text and 'a draft, 1 to mend' in text
    assert book(small, 'check', '01-mini')[0] == 1


def test_one_chapter_lists_what_it_lacks(small):
    """For authors: file:from-to of what is not shown."""
    change(small / CHAPTER, '```{.c file=core/core.c fn=queue_put}\n```\n', '')
    status, text = book(small, 'check', '01-mini')
    assert status == 1
    assert 'core/core.c:14-20: not shown' in text, text


def test_long_blocks_in_the_text_are_found(small):
    """More than half of them have more than 12 lines."""
    text = (small / CHAPTER).read_text()
    head, tail = text.split('## Listings')
    head = re.sub(r'```\{\.(c|asm) .*\n```\n', '', head)
    (small / CHAPTER).write_text(head.replace(
        '## Summary', '```{.c file=core/core.c fn=queue_put}\n```\n\n## '
        'Summary') + '## Listings' + tail)
    change(small / CORE, '\treturn 0;\n}\n', '\treturn 0;\n'
           + '\tqueue++;\n' * 10 + '}\n')
    assert re.search(r'the median block has \d+ lines, at most 12',
                     book(small, 'check')[1])


def test_the_real_chapters_are_held_to_it(tmp_path):
    """In the book itself: what shows a file of each chapter is taken out, and
    found to be missing."""
    tree = tmp_path / 'tree'
    for name in ('stages', 'book', 'final', 'mk', 'tools', 'tests'):
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, tree / name, symlinks=True)
    for path in TOP.glob('*.md'):
        shutil.copy(path, tree)
    status, text = book(tree, 'check')
    assert status == 0, text
    paths = sorted((tree / 'book').glob('[0-9a]*.md'))
    texts = {path: path.read_text() for path in paths}
    stages = {path: re.search(r'^stage: (\S+)', text, re.M)
              for path, text in texts.items()}
    gone = {}
    for path, text in texts.items():
        for found in re.finditer(r'^```\{.*file=([\w./-]+)', text, re.M):
            top = tree / ('final' if stages[path][1] == 'final' else
                          f'stages/{stages[path][1]}')
            file = top / found[1]
            if (file.resolve() == file and 'stage=' not in found[0]
                    and '/test/' not in found[1]):   # tests need no showing
                gone[path] = (stages[path][1], found[1], file)
                break
    for path, text in texts.items():
        for stage, name, _ in gone.values():
            if stages[path] and stages[path][1] == stage:
                text = re.sub(r'^```\{[^\n]*file=' + re.escape(name)
                              + r'[ }][^\n]*\n```\n', '', text, flags=re.M)
        path.write_text(text)
    text = book(tree, 'check')[1]
    assert len(gone) > 10
    for _, _, file in gone.values():
        pattern = rf'^{re.escape(str(file.relative_to(tree)))}:.*: not shown'
        assert re.search(pattern, text, re.M), (pattern, text)
