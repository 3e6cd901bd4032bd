"""`make lab`: a stage as a tree of its own.

  lab.py [STAGE [DIR [EXERCISE]]]    EXERCISE= names a graded exercise of the
                                     book; without it the stage's first; none:
                                     the whole program, to play with. Without
                                     DIR it only lists them
  lab.py --hint                      in a lab: the next hint
"""
import shlex
import shutil
import sys
import tarfile
from pathlib import Path

import exercise
from common import TOP, ToolError, main, stage_dir, stages
from copytree import copy_stage
from values import one_of


def listed(rows):
    """A line for each exercise."""
    return '\n'.join(f'  {each.name:<14} {each.title}' for each in rows)


def choose(stage, name):
    """The exercise that is asked for, or None: the stage's first in the book,
    when nothing is said. The user learns of the others."""
    rows = [each for each in exercise.exercises().values()
            if each.stage == stage]
    if name == 'none' or not (name or rows):
        return None
    if name:
        one_of('EXERCISE', name, [*(each.name for each in rows), 'none'],
               f'such exercise for STAGE={stage}')
        return next(each for each in rows if each.name == name)
    if len(rows) > 1:
        print(f'{stage} has these exercises, and this is the first; '
              f'EXERCISE= names another:\n{listed(rows)}')
    return rows[0]


def take_out(asked, target):
    """Replace the solution by its stub; keep what grading needs."""
    asked.take_out(target)
    given = target / exercise.GIVEN
    shutil.copytree(asked.path, given, ignore=shutil.ignore_patterns(
        *exercise.OURS, '__pycache__'))
    (given / 'name').write_text(asked.name + '\n')
    (target / 'EXERCISE').write_text(
        f'{asked.title}\n\nYours to change: {", ".join(asked.edit)}\n\n'
        f'{asked.text}\nTo be seen by `make grade`:\n'
        + ''.join(f'- {item.title} ({item.weight})'
                  f'{", required" if item.required else ""}\n'
                  for item in asked.items)
        + '\n`make hint` gives a hint, and then another, up to three.\n')
    with tarfile.open(given / exercise.ARCHIVE, 'w:gz') as archive:
        for path in sorted(target.iterdir()):
            if path != given:
                archive.add(path, path.name)


def hint():
    """In a lab: the next hint; those that were seen are counted."""
    asked = exercise.read(TOP / exercise.GIVEN, exercise.of_lab(TOP))
    seen, hints = TOP / exercise.GIVEN / 'hints', asked.hints()
    count = int(seen.read_text()) if seen.is_file() else 0
    for number, text in enumerate(hints[:count + 1], 1):
        print(f'Hint {number} of {len(hints)}: {text}\n')
    seen.write_text(f'{min(count + 1, len(hints))}\n')
    return 0


def lab(stage, target, name):
    """Copy a stage, links followed, to a new directory."""
    one_of('STAGE', stage, stages())
    target = Path(target).expanduser()
    if target.exists():
        raise ToolError(f'DIR={target}: is there already')
    asked = choose(stage, name)
    try:
        target.mkdir(parents=True)
    except OSError as error:
        raise ToolError(f'DIR={target}: {error.strerror}') from error
    copy_stage(stage_dir(stage), target)
    again = f'make -C {shlex.quote(str(target))}'
    if not asked:
        print(f'{target} is a tree of its own now: {again} run, {again} test')
        return 0
    take_out(asked, target)
    print(f'{target} is a tree of its own now, with a part for you to write: '
          f'{asked.title}\nRead {target}/EXERCISE, change '
          f'{", ".join(asked.edit)} there, then: {again} grade\n'
          '(EXERCISE=none makes a copy of the whole program instead.)')
    return 0


def list_all(stage):
    """Print the exercises of a stage, or of all."""
    for each in [stage] if stage else stages():
        rows = [row for row in exercise.exercises().values()
                if row.stage == each]
        print(f'{each}:\n{listed(rows) or "  (none)"}')


def start(argv):
    """[STAGE [DIR [EXERCISE]]]"""
    first, second, third = (argv + ['', '', ''])[:3]
    if first == '--hint':
        return hint()
    if not second:
        list_all(first)
        make = f'make lab STAGE={first or stages()[0]} DIR=~/lab'
        if first:
            raise ToolError(f'where to? {make} makes a tree for one of them')
        print(f'{make} makes a tree for one of them')
        return 0
    return lab(first, second, third)


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
