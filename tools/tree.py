"""What is in the tree: stages, the folders they add, and source files."""
from common import TOP, stage_dir, stages

# Links that every stage has beside those to earlier folders.
SHARED = ('mk', 'tools', 'tests')


def added():
    """Folder -> the stage that adds it, in stage order."""
    found = {}
    for stage in stages():
        for path in sorted(stage_dir(stage).iterdir()):
            if path.is_dir() and not path.is_symlink() \
                    and not path.name.startswith('.'):
                found.setdefault(path.name, stage)
    return found


def sources(*suffixes, tests=True):
    """Real source files of the stages (and of tests/), no links."""
    for folder, stage in added().items():
        for path in sorted((stage_dir(stage) / folder).rglob('*')):
            if path.suffix in suffixes and not path.is_symlink() \
                    and (tests or 'test' not in path.parts):
                yield path
    if tests:
        yield from (path for path in sorted((TOP / 'tests').rglob('*'))
                    if path.suffix in suffixes)


def stage_of(path):
    """The stage that a real source file belongs to."""
    parts = path.relative_to(TOP).parts
    return parts[1] if parts[0] == 'stages' else 'final'


def scripts():
    """The Python files of the tools and tests."""
    yield from sorted((TOP / 'tools').rglob('*.py'))
    yield from sources('.py')


def short(path):
    """A path as one writes it from the top."""
    return path.relative_to(TOP)
