"""Copies of the program, to be broken or graded. One that is renewed, not made
anew, keeps the files that are the same as they are: so make builds only what
differs from the last time."""
import os
import shutil

from common import BUILD, command, need
from values import CHECKS

# What a program consists of: the repository, or a stage with links followed.
PARTS = ('Makefile', 'mk', 'tools', 'tests', 'stages', 'final')
NEVER = ('__pycache__', 'build', '.lab', '.config', '.config.old')


def renew(tree, top):
    """Make tree a copy of the program at top, with a build/ of its own."""
    parts = PARTS if (top / 'stages').is_dir() else [
        path.name for path in top.iterdir() if path.name not in NEVER]
    (tree / 'build').mkdir(parents=True, exist_ok=True)
    command([need('rsync', 'rsync'), '-rlpc', '--delete',
             *(f'--exclude={name}' for name in NEVER),
             *(part for part in parts if (top / part).exists()), tree],
            cwd=top)
    cache = tree / 'build' / 'cache'
    if (BUILD / 'cache').is_dir() and not cache.exists():
        cache.symlink_to(BUILD / 'cache')


def copy_stage(source, target):
    """Copy a stage, links followed, to a new directory."""
    shutil.copytree(source, target, symlinks=False, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(*NEVER))


def environment(build):
    """Our environment without what this make or its caller has set, and with
    a place of its own to build in; what is built has its defaults."""
    names = ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'ONLY',
             *CHECKS)
    kept = {name: value for name, value in os.environ.items()
            if name not in names}
    return {**kept, 'BUILD_ROOT': str(build), 'KCONFIG_CONFIG': '/dev/null'}
