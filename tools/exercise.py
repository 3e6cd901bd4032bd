"""Graded exercises: what a lab asks for, and how each item of it is judged.

book/labs/NAME/ holds

  lab.txt      as below
  stub.patch   takes the solution out of the tree (paths from the repository's
               top, links followed); the tree itself is the solution
  test/        optional: more host tests, with a test.mk, for exercise/test/

and lab.txt, in this order,

  Stage: 02-paging
  Title: Walk a page table
  Edit: paging/pagetable.c ...     the files that are the student's to change

  What is to be done, in a few paragraphs.

  Item: a page that is mapped is found
      host paging-pagetable name_of_the_test_function
  Item: Vellum moves to its range
      boot TEST=1
      a regular expression for what is printed

A tree that `make lab` has made has the same as .lab/, with an archive of the
tree as it was given out. An item must fail with the stub and pass without it.
"""
import re
import shlex
import shutil
from dataclasses import dataclass, field
from email import message_from_string
from pathlib import Path

from common import TOP, ToolError, command, need
from values import RUN_DEFAULTS

GIVEN = '.lab'          # in a lab: what came with it
ARCHIVE = 'tree.tar.gz'


@dataclass
class Item:
    """One thing that is judged."""
    title: str
    program: str = ''       # a host test program, and a function in it
    function: str = ''
    settings: tuple = ()    # or of a boot: settings of run.py
    pattern: re.Pattern = None


@dataclass
class Exercise:
    """A graded exercise."""
    path: Path
    name: str
    stage: str
    title: str
    edit: list
    text: str
    items: list = field(default_factory=list)

    def take_out(self, tree):
        """Replace the solution by its stub in a copy of the stage. What comes
        before a file's name in the patch is the stage that adds the file."""
        patch = self.path / 'stub.patch'
        found = re.search(rf'^--- (\S+/){re.escape(self.edit[0])}\b',
                          patch.read_text(), re.MULTILINE)
        if not found:
            raise ToolError(f'{patch}: does not change {self.edit[0]}')
        command([need('patch', 'patch'), f'-p{found[1].count("/")}', '-N',
                 '-F0', '-s', '--no-backup-if-mismatch', '-i', patch], cwd=tree)

    def add_tests(self, tree):
        """Put tests that are the exercise's own into a copy of the stage."""
        if (self.path / 'test').is_dir():
            shutil.copytree(self.path / 'test', tree / 'exercise' / 'test')


def _item(path, title, how):
    """An item from the lines under `Item:`."""
    words = shlex.split(how[0]) if how else ['']
    if words[0] == 'host' and len(words) == 3 and len(how) == 1:
        return Item(title, program=words[1], function=words[2])
    bad = [word for word in words[1:]
           if word.partition('=')[0] not in RUN_DEFAULTS]
    if words[0] != 'boot' or len(how) != 2 or bad:
        raise ToolError(f'{path}: Item: {title}: wants "host PROGRAM TEST", '
                        'or "boot [SETTING=...]" and a pattern')
    try:
        pattern = re.compile(how[1], re.MULTILINE)
    except re.error as error:
        raise ToolError(f'{path}: Item: {title}: {error}') from error
    return Item(title, settings=tuple(words[1:]), pattern=pattern)


def read(folder, name):
    """The exercise that folder/lab.txt describes."""
    path = folder / 'lab.txt'
    try:
        text = path.read_text()
    except OSError as error:
        raise ToolError(f'{path}: {error.strerror}') from error
    head, *items = re.split(r'^Item: *', text, flags=re.MULTILINE)
    fields = message_from_string(head)
    missing = {'Stage', 'Title', 'Edit'} - set(fields.keys())
    if missing or not items:
        raise ToolError(f'{path}: no {", ".join(missing) or "Item"}:')
    made = Exercise(folder, name, fields['Stage'], fields['Title'],
                    fields['Edit'].split(),
                    fields.get_payload().strip() + '\n')
    for lines in items:
        title, *how = [line.strip() for line in lines.strip().split('\n')]
        made.items.append(_item(path, title, how))
    return made


def exercises():
    """All exercises, by name, in the order in which the book has them; none in
    a copy of a stage."""
    text = ''.join(path.read_text() for path in
                   sorted((TOP / 'book').glob('*.md')))
    shown = re.findall(r'^::: \{\.exercise .*\blab=([\w-]+)', text,
                       re.MULTILINE)
    paths = {path.parent.name: path.parent for path in
             sorted((TOP / 'book/labs').glob('*/lab.txt'))}
    return {name: read(paths[name], name)
            for name in dict.fromkeys([*shown, *paths]) if name in paths}


def of_lab(lab):
    """Name of the exercise that a lab directory is for."""
    path = Path(lab) / GIVEN / 'name'
    if not path.is_file():
        raise ToolError(f'{lab} has no exercise in it: make lab STAGE=... '
                        'DIR=... makes a tree that has')
    return path.read_text(errors='replace').strip()[:100]
