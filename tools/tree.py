"""What is in the tree: stages, the folders they add, and source files.

A stage has, real and not as links: main.c, the folders that it adds, and of an
earlier folder only the files that its Makefile names in OVERRIDES.
"""
import re
from difflib import SequenceMatcher

from common import TOP, stage_dir, stages

# Links that every stage has beside those to earlier folders.
SHARED = ('mk', 'tools', 'tests')
# Folders of final/ that are no part of the hypervisor.
BESIDE = ('demo', 'install', 'configs')


def real_folders(stage):
    """The folders of a stage that are no links: added or overridden ones."""
    return sorted(path.name for path in stage_dir(stage).iterdir()
                  if path.is_dir() and not path.is_symlink()
                  and not path.name.startswith('.')
                  and path.name not in ('build', '__pycache__'))


def overrides(stage):
    """What the stage's Makefile names in OVERRIDES, as folder/file."""
    text = (stage_dir(stage) / 'Makefile').read_text().replace('\\\n', ' ')
    found = re.search(r'^OVERRIDES *:?= *(.*)$', text, re.MULTILINE)
    return found[1].split() if found else []


def added():
    """Folder -> the stage that adds it, in stage order."""
    found = {}
    for stage in stages():
        for name in real_folders(stage):
            found.setdefault(name, stage)
    return found


def home(stage, folder):
    """Where the folder that a stage inherits is real: the latest before it."""
    before = stages()[:stages().index(stage)]
    return next((name for name in reversed(before)
                 if folder in real_folders(name)), None)


def own():
    """(name, stage) of all that stages add or change: main.c, folders,
    overridden files."""
    for stage in stages():
        if (stage_dir(stage) / 'main.c').is_file():
            yield 'main.c', stage
        for folder, origin in added().items():
            if origin == stage:
                yield folder, stage
        for name in overrides(stage):
            yield name, stage


def sources(*suffixes, tests=True):
    """Real source files of the stages (and of tests/), no links."""
    for stage in stages():
        paths = [stage_dir(stage) / 'main.c']
        for folder in real_folders(stage):
            paths += sorted((stage_dir(stage) / folder).rglob('*'))
        for path in paths:
            if path.suffix in suffixes and path.is_file() \
                    and not path.is_symlink() \
                    and (tests or 'test' not in path.parts):
                yield path
    if tests:
        yield from (path for path in sorted((TOP / 'tests').rglob('*'))
                    if path.suffix in suffixes)


def stage_of(path):
    """The stage that a real source file belongs to."""
    parts = path.relative_to(TOP).parts
    return parts[1] if parts[0] == 'stages' else 'final'


def base_of(path):
    """What an overridden file, or a later stage's main.c, stands in for; None
    for a file that is new in its stage."""
    if any(path.is_relative_to(TOP / name) for name in SHARED):
        return None
    stage = stage_of(path)
    before = stages()[:stages().index(stage)]
    old = before and stage_dir(before[-1]) / path.relative_to(stage_dir(stage))
    return old.resolve() if old and old.is_file() else None


def changed_lines(old, new):
    """Numbers (from 1) of the lines of new that old has not, and how many
    lines differ, those that went included."""
    numbers, count = set(), 0
    ways = SequenceMatcher(None, old, new, False).get_opcodes()
    for way, first, last, start, end in ways:
        if way != 'equal':
            numbers.update(range(start + 1, end + 1))
            count += max(last - first, end - start)
    return numbers, count


def scripts():
    """The Python files of the tools and tests."""
    yield from sorted((TOP / 'tools').rglob('*.py'))
    yield from sources('.py')


def short(path):
    """A path as one writes it from the top."""
    return path.relative_to(TOP)
