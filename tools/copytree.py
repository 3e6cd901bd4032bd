"""Copies of the program, to be broken or graded. One that is renewed, not made
anew, keeps the files that are the same as they are: so make builds only what
differs from the last time."""
import os
import shutil
from pathlib import Path

from common import BUILD
from values import CHECKS

# What a program consists of: the repository, or a stage with links followed.
PARTS = ('Makefile', 'mk', 'tools', 'tests', 'stages', 'final')
NEVER = ('__pycache__', 'build', '.lab')


def _parts(top):
    """What to copy from the top of a repository or a stage."""
    if (top / 'stages').is_dir():
        return PARTS
    return [path.name for path in top.iterdir() if path.name not in NEVER]


def _files(top, parts):
    """Paths of all files and links, from the top."""
    for part in parts:
        if (top / part).is_file():
            yield Path(part)
            continue
        for folder, names, files in os.walk(top / part):
            names[:] = [name for name in names if name not in NEVER]
            links = [name for name in names
                     if (Path(folder) / name).is_symlink()]
            for name in files + links:
                yield (Path(folder) / name).relative_to(top)


def _same(one, other):
    """Are two paths the same file or the same link?"""
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and \
            os.readlink(one) == os.readlink(other)
    return other.is_file() and one.read_bytes() == other.read_bytes()


def renew(tree, top):
    """Make tree a copy of the program at top, with a build/ of its own."""
    wanted = set(_files(top, _parts(top)))
    if tree.is_dir():
        for name in set(_files(tree, _parts(tree))) - wanted:
            (tree / name).unlink()
    for name in wanted:
        source, target = top / name, tree / name
        if _same(source, target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if source.is_symlink():
            target.symlink_to(os.readlink(source))
        else:
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode)
    (tree / 'build').mkdir(parents=True, exist_ok=True)
    cache = tree / 'build' / 'cache'
    if (BUILD / 'cache').is_dir() and not cache.exists():
        cache.symlink_to(BUILD / 'cache')


def copy_stage(source, target):
    """Copy a stage, links followed, to a new directory."""
    shutil.copytree(source, target, symlinks=False, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(*NEVER))


def environment(build):
    """Our environment without what this make or its caller has set, and with
    a place of its own to build in."""
    names = ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'ONLY',
             *CHECKS)
    kept = {name: value for name, value in os.environ.items()
            if name not in names}
    return {**kept, 'BUILD_ROOT': str(build)}
