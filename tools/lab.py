"""`make lab` and `make diff`: a stage as a tree of its own, and beside another.

  lab.py lab STAGE DIR [EXERCISE]    EXERCISE= names a graded exercise of the
                                     book; without it the stage's first; none:
                                     the whole program, to play with
  lab.py diff FROM TO
"""
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import exercise
from common import TOP, ToolError, command, main, need, stage_dir, stages
from copytree import copy_stage


def known(name, value):
    """The directory of a stage that the user named."""
    if value not in stages():
        raise ToolError(f'{name}={value}: there are {", ".join(stages())}')
    return stage_dir(value)


def choose(stage, name):
    """The exercise that is asked for, or None."""
    there = {each.name: each for each in exercise.exercises().values()
             if each.stage == stage}
    if name == 'none' or not (name or there):
        return None
    if name and name not in there:
        raise ToolError(f'EXERCISE={name}: {stage} has '
                        f'{", ".join([*there, "none"])}')
    return there[name or min(there)]


def take_out(asked, target):
    """Replace the solution by its stub; keep what grading needs."""
    command([need('patch', 'patch'), '-p3', '-N', '-F0', '-s', '-i',
             asked.path / 'stub.patch'], cwd=target)
    asked.add_tests(target)
    given = target / exercise.GIVEN
    given.mkdir()
    (given / 'name').write_text(asked.name + '\n')
    (given / 'lab.txt').write_text((asked.path / 'lab.txt').read_text())
    (target / 'EXERCISE').write_text(
        f'{asked.title}\n\nYours to change: {", ".join(asked.edit)}\n\n'
        f'{asked.text}\nTo be seen by `make grade`:\n'
        + ''.join(f'- {item.title}\n' for item in asked.items))
    with tarfile.open(given / exercise.ARCHIVE, 'w:gz') as archive:
        for path in sorted(target.iterdir()):
            if path != given:
                archive.add(path, path.name)


def lab(stage, target, name):
    """Copy a stage, links followed, to a new directory."""
    source, target = known('STAGE', stage), Path(target).expanduser()
    if target.exists():
        raise ToolError(f'DIR={target} is there already')
    asked = choose(stage, name)
    copy_stage(source, target)
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


def diff(first, second):
    """Show what a stage adds to another; 0 whether they differ or not."""
    left, right = known('FROM', first), known('TO', second)
    done = subprocess.run(['diff', '-ruN', '-x', '__pycache__',
                           left.relative_to(TOP), right.relative_to(TOP)],
                          cwd=TOP, check=False)
    return 0 if done.returncode < 2 else done.returncode


def start(argv):
    """lab STAGE DIR [EXERCISE], or diff FROM TO."""
    name, first, second, third = (argv + ['', '', '', ''])[:4]
    if not first or not second:
        raise ToolError('make lab STAGE=04-slab DIR=~/lab' if name == 'lab'
                        else 'make diff FROM=02-paging TO=03-buddy')
    return lab(first, second, third) if name == 'lab' else diff(first, second)


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
