"""`make lab` and `make diff`: a stage as a tree of its own, and beside another.
"""
import shutil
import subprocess
import sys
from pathlib import Path

from common import TOP, ToolError, main, stage_dir, stages


def known(name, value):
    """The directory of a stage that the user named."""
    if value not in stages():
        raise ToolError(f'{name}={value}: there are {", ".join(stages())}')
    return stage_dir(value)


def lab(stage, target):
    """Copy a stage, links followed, to a new directory."""
    source, target = known('STAGE', stage), Path(target).expanduser()
    if target.exists():
        raise ToolError(f'DIR={target} is there already')
    shutil.copytree(source, target, symlinks=False,
                    ignore=shutil.ignore_patterns('__pycache__'))
    print(f'{target} is a tree of its own now: '
          f'make -C {target} run, make -C {target} test')
    return 0


def diff(first, second):
    """Show what a stage adds to another; 0 whether they differ or not."""
    left, right = known('FROM', first), known('TO', second)
    done = subprocess.run(['diff', '-ruN', '-x', '__pycache__',
                           left.relative_to(TOP), right.relative_to(TOP)],
                          cwd=TOP, check=False)
    return 0 if done.returncode < 2 else done.returncode


def start(argv):
    """lab STAGE DIR, or diff FROM TO."""
    name, first, second = (argv + ['', '', ''])[:3]
    if not first or not second:
        raise ToolError('make lab STAGE=04-slab DIR=~/lab' if name == 'lab'
                        else 'make diff FROM=02-paging TO=03-buddy')
    return lab(first, second) if name == 'lab' else diff(first, second)


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
