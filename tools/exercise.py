"""Graded exercises: what a lab asks for, and how each item of it is judged.

book/labs/NAME/ holds

  lab.txt         as below
  stub.patch      takes the solution out of the tree (paths from the
                  repository's top, links followed); the tree itself is the
                  solution
  solution.patch  where it is not: from the tree with the stub to the solution;
                  it never gets into a student's tree
  hints.md        three hints, between lines "---"
  judge.py        the items, and how each is judged (tools/judge.py)
  child.c         the program for it that is linked with the student's files

and lab.txt, in this order,

  Stage: 02-paging
  Title: Walk a page table
  Edit: paging/pagetable.c ...     the files that are the student's to change
  Child: paging/pagetable.c ...    what child.c is linked with
  Flags: -DX ...                   optional: for the compiler, of the child

  What is to be done, in a few paragraphs.

A tree that `make lab` has made has it as .lab/, with an archive of the tree as
it was given out, but without the patches.
"""
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from email import message_from_string
from functools import cached_property
from pathlib import Path

import judge
from common import TOP, ToolError, command, need, stage_dir

GIVEN = '.lab'          # in a lab: what came with it
ARCHIVE = 'tree.tar.gz'
OURS = ('stub.patch', 'solution.patch')     # not for students


@dataclass
class Exercise:
    """A graded exercise."""
    path: Path
    name: str
    stage: str
    title: str
    edit: list
    text: str
    child: list = field(default_factory=list)
    flags: str = ''

    @cached_property
    def items(self):
        """What is judged."""
        return judge.load(self.path)

    def take_out(self, tree):
        """Replace the solution by its stub in a copy of the stage."""
        self._patch('stub.patch', tree)

    def _patch(self, name, tree):
        """Apply a patch. What comes before a file's name in it is the stage
        that adds the file."""
        patch = self.path / name
        found = re.search(rf'^[-+]{{3}} (\S+/){re.escape(self.edit[0])}\b',
                          patch.read_text(), re.MULTILINE)
        if not found:
            raise ToolError(f'{patch}: does not change {self.edit[0]}')
        command([need('patch', 'patch'), f'-p{found[1].count("/")}', '-N',
                 '-F0', '-s', '--no-backup-if-mismatch', '-i', patch], cwd=tree)

    def solution(self, given):
        """The files of the solution, for a tree as given out."""
        if not (self.path / 'solution.patch').is_file():
            return {name: (stage_dir(self.stage) / name).read_bytes()
                    for name in self.edit}
        with tempfile.TemporaryDirectory() as folder:
            for name in self.edit:
                target = Path(folder) / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if (given / name).is_file():
                    shutil.copy(given / name, target)
            self._patch('solution.patch', folder)
            return {name: (Path(folder) / name).read_bytes()
                    for name in self.edit}

    def hints(self):
        """The hints, in turn."""
        path = self.path / 'hints.md'
        text = path.read_text() if path.is_file() else ''
        return [each.strip() for each in
                re.split(r'^---$', text, flags=re.MULTILINE) if each.strip()]


def read(folder, name):
    """The exercise that folder/lab.txt describes."""
    path = folder / 'lab.txt'
    try:
        text = path.read_text()
    except OSError as error:
        raise ToolError(f'{path}: {error.strerror}') from error
    fields = message_from_string(text)
    missing = {'Stage', 'Title', 'Edit'} - set(fields.keys())
    if missing:
        raise ToolError(f'{path}: no {", ".join(sorted(missing))}:')
    return Exercise(folder, name, fields['Stage'], fields['Title'],
                    fields['Edit'].split(),
                    fields.get_payload().strip() + '\n',
                    fields.get('Child', '').split(), fields.get('Flags', ''))


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
