"""What every tool shares: where things are, and how errors are reported.

A tree is either the whole repository or one stage copied out of it by
`cp -rL` (a lab): both have tools/ at the top, so the top is found from here.
"""
import errno
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get('BUILD_ROOT') or TOP / 'build').absolute()


class ToolError(Exception):
    """An error that is explained by its message; no traceback is wanted."""


def wrong_python(error):
    """A library is missing: it is Debian's, for Debian's Python alone."""
    sys.exit(f'error: {error} for {sys.executable}: start the tools by make, '
             'or with /usr/bin/python3, for which `make setup` installs it')


def stages():
    """Names of the stage directories, in order; final is the last."""
    names = sorted(p.name for p in (TOP / 'stages').glob('[0-9][0-9]-*'))
    if (TOP / 'final').is_dir():
        names.append('final')
    return names


def stage_dir(stage):
    """The directory of a stage: stages/NN-name, final, or a lab's top."""
    if stage == 'final':
        candidates = [TOP / 'final', TOP]
    else:
        candidates = [TOP / 'stages' / stage, TOP]
    for path in candidates:
        if (path / 'Makefile').is_file():
            return path
    raise ToolError(f'no directory for stage {stage}')


def demo_dir():
    """The directory of the Linux demo guest."""
    for path in (TOP / 'final' / 'demo', TOP / 'demo'):
        if (path / 'init').is_file():
            return path
    raise ToolError('the Linux demo guest (final/demo) is not in this tree')


def need(name, package):
    """The path of a program, or of a file by its whole path; a ToolError that
    names the package when it is missing."""
    whole = '/' in str(name)
    found = Path(name).is_file() and name if whole else shutil.which(name)
    if not found:
        raise ToolError(f'{name} not found: install the Debian package '
                        f'{package}, or run `make setup`')
    return found


def first_hit(patterns, text):
    """What the first of the patterns that is there finds, or ''."""
    hits = (re.search(pattern, text) for pattern in patterns)
    return next((hit.group().strip() for hit in hits if hit), '')


def need_file(path, what):
    """Return path as a Path; a ToolError when no such file exists."""
    path = Path(path)
    if not path.is_file():
        raise ToolError(f'{what}: no such file: {path}')
    return path


def command(argv, data=None, **kwargs):
    """Run a helper program, with data (bytes) as its input; its output, or a
    ToolError with that when it fails."""
    argv = [str(arg) for arg in argv]
    done = subprocess.run(argv, stdout=subprocess.PIPE, input=data,
                          stderr=subprocess.STDOUT, check=False, **kwargs)
    text = done.stdout.decode(errors='replace')
    if done.returncode:
        raise ToolError(f'failed ({done.returncode}): {shlex.join(argv)}\n'
                        f'{text.rstrip()}')
    return text


def make_environment(**more):
    """Our environment for a make of its own, which shares no job slots with
    one that has called us, nor its variables; and more. It builds the
    defaults, whatever .config says."""
    ours = ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES')
    kept = {name: value for name, value in os.environ.items()
            if name not in ours}
    return {'KCONFIG_CONFIG': '/dev/null', **kept, **more}


@contextmanager
def locked(path):
    """Keep others, who lock the same file, from what we do meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'a+', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def image(stage):
    """The path of a stage's vellum.elf."""
    return need_file(BUILD / stage / 'vellum.elf',
                     f'{stage} is not built (make does it)')


def built_with(image_path):
    """The options of the build that an image is of, as make has them: name ->
    value, which is empty where it is off."""
    path = Path(image_path).with_name('config.mk')
    return dict(re.findall(r'^CONFIG_(\w+) := ?(.*)$', path.read_text(),
                           re.MULTILINE)) if path.is_file() else {}


def system():
    """The name of the operating system that we run on."""
    try:
        release = Path('/etc/os-release').read_text(encoding='utf-8')
        return re.search(r'^PRETTY_NAME="?([^"\n]+)', release, re.M)[1]
    except (OSError, TypeError):
        return os.uname().sysname


def need_links():
    """A ToolError when this copy of the repository has lost its symbolic
    links: files, with the links' targets as text, are in their place."""
    folders = [stage_dir(name) for name in stages()]
    parts = {'mk', 'tools', 'tests', *(
        path.name for folder in folders for path in folder.iterdir()
        if path.is_dir())}
    for path in (folder / part for folder in folders for part in parts):
        if path.is_file():
            raise ToolError(
                f'{path.relative_to(TOP)} is no folder: this copy of the tree '
                'has lost its symbolic links. Get it with `git clone -c '
                'core.symlinks=true`; on Windows do that inside WSL or a '
                'container. A zip file will not do')


def _explained(error):
    """A ToolError for what the system refuses, when it is clear what to do."""
    place = Path(error.filename or '').absolute()
    if error.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC) \
            or not error.filename:
        return error
    cure = '; BUILD_ROOT=DIR builds in another place' \
        if BUILD in (place, *place.parents) else ''
    return ToolError(f'{place}: {error.strerror}{cure}')


def main(function):
    """Run a tool's main function; print a ToolError as one message.

    A signal to end, or a terminal that goes away, unwinds like an error, so
    that what the tool started is ended as well.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    try:
        need_links()
        try:
            status = function()
        except OSError as error:
            raise _explained(error) from None
        sys.stdout.flush()
        sys.exit(status)
    except ToolError as error:
        sys.stdout.flush()
        print(f'error: {error}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:     # whoever read our output (head) is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
