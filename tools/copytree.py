"""A copy of the program that is renewed, not made anew: files that are the same
stay untouched, so make builds only what differs from the last time."""
import os
from pathlib import Path

from common import BUILD

PARTS = ('Makefile', 'mk', 'tools', 'tests', 'stages', 'final')


def files_below(top):
    """Paths of all files and links of the program, from its top."""
    for part in PARTS:
        if (top / part).is_file():
            yield Path(part)
            continue
        for folder, names, files in os.walk(top / part):
            names[:] = [name for name in names if name != '__pycache__'
                        and name != 'build']
            links = [name for name in names
                     if (Path(folder) / name).is_symlink()]
            for name in files + links:
                yield (Path(folder) / name).relative_to(top)


def same(one, other):
    """Are two paths the same file or the same link?"""
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and \
            os.readlink(one) == os.readlink(other)
    return other.is_file() and one.read_bytes() == other.read_bytes()


def renew(tree, top):
    """Make tree a copy of the program at top, with a build/ of its own."""
    wanted = set(files_below(top))
    if tree.is_dir():
        for name in set(files_below(tree)) - wanted:
            (tree / name).unlink()
    for name in wanted:
        source, target = top / name, tree / name
        if same(source, target):
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
