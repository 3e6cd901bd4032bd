"""What students hand in: labs, archives of them as learning platforms give
them, or only the files that were theirs to change.

Nothing is unpacked: what is wanted is read out of a directory or an archive
into memory, and all names in it are data. So a name that leads elsewhere and a
link have no effect; they are refused by name.
"""
import re
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import exercise
from common import ToolError

FILE_LIMIT = 1 << 20            # bytes of a student's file
ARCHIVE_LIMIT = 256 << 20       # of all that is in an archive
MEMBER_LIMIT = 20000            # files in a hand-in
DEEPEST = 3                     # folders above the lab's own files
ARCHIVES = ('.tar.gz', '.tgz', '.tar', '.zip')
MARKS = ('EXERCISE', 'NAME', f'{exercise.GIVEN}/name',
         f'{exercise.GIVEN}/hints')


class Refused(Exception):
    """A hand-in that is not read, and why."""


@dataclass
class Handin:
    """What somebody hands in."""
    path: Path
    student: str = ''
    asked: object = None                        # the exercise.Exercise
    files: dict = field(default_factory=dict)   # name in the lab -> bytes
    hints: int = 0
    problems: list = field(default_factory=list)


def plain(text):
    """A line of a student's as one that may be printed."""
    line = text.strip().splitlines()[0] if text.strip() else ''
    return ''.join(each for each in line if each.isprintable())[:60].strip()


def stem(path):
    """A name without an archive's ending."""
    for ending in ARCHIVES:
        if path.name.lower().endswith(ending):
            return path.name[:-len(ending)]
    return path.name


def called(path):
    """The student's name, by that of the folder or archive. Moodle's have more
    behind it: "Ada Example_123_assignsubmission_file"."""
    return plain(re.sub(r'_\d+_assignsubmission_file_?$', '', stem(path)))


def is_archive(path):
    """Does its name say that it is an archive?"""
    return path.name.lower().endswith(ARCHIVES)


class Content:
    """The files of a hand-in that may matter: path -> bytes, or why not."""

    def __init__(self, wanted):
        self.wanted = {name.rpartition('/')[2] for name in wanted}
        self.files, self.refused, self.count, self.size = {}, {}, 0, 0

    def matters(self, name):
        """Is it a file that we look for?"""
        return name.rpartition('/')[2] in self.wanted and \
            name.count('/') < DEEPEST + 4

    def counts(self, size=0):
        """One member more; too many, or too large, are refused."""
        self.count, self.size = self.count + 1, self.size + size
        if self.count > MEMBER_LIMIT or self.size > ARCHIVE_LIMIT:
            raise Refused(f'more than {MEMBER_LIMIT} files or '
                          f'{ARCHIVE_LIMIT >> 20} MiB when it is unpacked')

    def take(self, name, file):
        """Keep a file's bytes."""
        data = file.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            self.refused[name] = f'larger than {FILE_LIMIT} bytes'
        else:
            self.files[name] = data


def safe(name):
    """A member's name; one that leads out of its archive is refused."""
    path = PurePosixPath(name.replace('\\', '/'))
    if path.is_absolute() or '..' in path.parts or \
            re.match(r'[A-Za-z]:', name):
        raise Refused(f'has a file {plain(name)!r}, which leads out of it')
    return str(path)


def read_tar(path, content):
    """The files of a tar archive."""
    with tarfile.open(path, 'r|*') as archive:
        for member in archive:
            name = safe(member.name)
            content.counts(member.size)
            if not content.matters(name):
                continue
            if member.isreg():
                content.take(name, archive.extractfile(member))
            elif not member.isdir():
                content.refused[name] = 'is a link, or no file'


def read_zip(path, content):
    """The files of a zip archive."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = safe(member.filename)
            content.counts(member.file_size)
            if member.is_dir() or not content.matters(name):
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                content.refused[name] = 'is a link'
                continue
            with archive.open(member) as file:
                content.take(name, file)


def read_folder(top, content):
    """The files of a directory, links not followed; the archives in it."""
    archives, waiting = [], [top]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            name = str(path.relative_to(top))
            content.counts()
            if path.is_symlink():
                if content.matters(name) or path.is_dir():
                    content.refused[name] = 'is a symbolic link'
            elif path.is_dir():
                if name.count('/') < DEEPEST + 4 and path.name != 'build':
                    waiting.append(path)
            elif content.matters(name) and path.is_file():
                with open(path, 'rb') as file:
                    content.take(name, file)
            elif is_archive(path) and '/' not in name:
                archives.append(path)
    return archives


def read_archive(path, content):
    """The files of an archive, whatever it is."""
    try:
        if path.name.lower().endswith('.zip'):
            read_zip(path, content)
        else:
            read_tar(path, content)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError,
            OSError, RuntimeError, NotImplementedError) as error:
        raise Refused(f'cannot be read as an archive: {error}') from error


def read(path, known):
    """All that may matter of a hand-in."""
    wanted = [*MARKS, *(name for each in known.values()
                        for name in each.edit)]
    content = Content(wanted)
    if path.is_symlink():
        raise Refused('is a symbolic link')
    if path.is_dir():
        archives = read_folder(path, content)
        if not content.files and len(archives) == 1:
            read_archive(archives[0], content)
    elif is_archive(path):
        read_archive(path, content)
    else:
        raise Refused('is no folder, and no archive ('
                      f'{", ".join(ARCHIVES)})')
    return content


def find(name, content):
    """Where in the hand-in a lab's file is, or None: in its folder, one or
    more folders deep, or without its folder."""
    there = [*content.files, *content.refused]
    for ending in (name, name.rpartition('/')[2]):
        hits = [path for path in there
                if path == ending or path.endswith('/' + ending)]
        hits = [path for path in hits
                if path.count('/') - ending.count('/') <= DEEPEST]
        if hits:
            return min(hits, key=lambda path: (path.count('/'), path))
    return None


def text_of(name, content):
    """A text file of the hand-in, or an empty string."""
    path = find(name, content)
    if not path or not path.endswith(name):
        return ''
    return content.files.get(path, b'').decode(errors='replace')


def which(content, known, chosen):
    """The exercise that it is for."""
    title = plain(text_of('EXERCISE', content))
    said = chosen or plain(text_of(f'{exercise.GIVEN}/name', content))
    if said:
        if said not in known:
            raise Refused(f'no exercise {said}; there are '
                          f'{", ".join(known)}')
        return known[said]
    found = [each for each in known.values() if each.title == title] or [
        each for each in known.values()
        if all(find(name, content) for name in each.edit)]
    if len(found) == 1:
        return found[0]
    names = ', '.join(each.name for each in found)
    raise Refused(f'may be for {names}: EXERCISE= says which' if found else
                  'has the files of no exercise')


def open_handin(path, known, chosen=''):
    """A hand-in; what is wrong with it is in its problems."""
    made = Handin(path, called(path))
    try:
        content = read(path, known)
        made.student = plain(text_of('NAME', content)) or made.student
        made.asked = which(content, known, chosen)
    except Refused as error:
        made.problems.append(str(error))
        return made
    hints = text_of(f'{exercise.GIVEN}/hints', content).strip()
    made.hints = int(hints) if re.fullmatch(r'\d', hints) else 0
    for name in made.asked.edit:
        place = find(name, content)
        linked = [each for each in content.refused
                  if place is None and name.startswith(each + '/')]
        if place in content.files:
            made.files[name] = content.files[place]
        elif place:
            made.problems.append(f'{name}: {content.refused[place]}')
        elif linked:
            made.problems.append(f'{linked[0]}: {content.refused[linked[0]]}')
        else:
            made.problems.append(f'{name}: no such file')
    return made


def handins(where, known, chosen=''):
    """All hand-ins at a place: it, or what is in it."""
    top = Path(where).expanduser()
    if not top.exists():
        raise ToolError(f'{top}: no such file or directory')
    top = top.resolve() if top.is_dir() else top
    if top.is_dir() and not _is_one(top, known):
        # What is no hand-in is named as well: it may be meant for one.
        paths = [path for path in sorted(top.iterdir())
                 if not path.name.startswith('.')]
        if not paths:
            raise ToolError(f'{top}: no lab, and no directory of labs')
    else:
        paths = [top]
    for path in paths:
        yield open_handin(path, known, chosen)


def _is_one(top, known):
    """Is a directory a hand-in itself, not one of hand-ins?"""
    return (top / exercise.GIVEN).is_dir() or any(
        (top / place).is_file() for each in known.values()
        for name in each.edit for place in (name, name.rpartition('/')[2]))
