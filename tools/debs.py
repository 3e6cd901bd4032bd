"""Fetches Debian packages with apt into build/cache and unpacks them.

`apt-get download` checks each package against the signed release files. Once
the cache is filled nothing here needs the network. No root is needed: when the
system's package lists are missing or too old, lists of our own are fetched
into the cache with the system's sources and keys.
"""
import os
import re
import shutil
from pathlib import Path

from common import BUILD, ToolError, command, need

CACHE = BUILD / 'cache'


def _apt_options(private):
    """Options for apt; private means lists of our own below the cache."""
    options = ['-o', 'APT::Sandbox::User=' if os.geteuid() else
               'APT::Sandbox::User=root']
    if private:
        state = CACHE / 'apt'
        for sub in ('lists/partial', 'cache/archives/partial'):
            (state / sub).mkdir(parents=True, exist_ok=True)
        options += ['-o', f'Dir::State::Lists={state}/lists',
                    '-o', f'Dir::Cache={state}/cache']
    return options


def _resolve(name, options):
    """The real package behind a meta package such as linux-image-amd64."""
    text = command(['apt-cache', *options, 'depends', '--important', name])
    if name.startswith('linux-image-'):
        found = re.search(r'Depends: (linux-image-\S*\d\S*)', text)
        if not found:
            raise ToolError(f'{name} names no kernel package:\n{text}')
        return found.group(1)
    return name


def _download(name, folder, private):
    """Download one package with apt into folder; the file's path."""
    options = _apt_options(private)
    if private:
        command(['apt-get', *options, 'update'])
    real = _resolve(name, options)
    before = set(folder.glob('*.deb'))
    command(['apt-get', *options, 'download', real], cwd=folder)
    new = sorted(set(folder.glob(real + '_*.deb')) - before)
    if not new:
        new = sorted(folder.glob(real + '_*.deb'))
    if not new:
        raise ToolError(f'apt-get download {real} left no file in {folder}')
    return new[-1]


def fetch(name):
    """Path of the package called name, downloaded if not in the cache."""
    stamp = CACHE / f'{name}.name'
    if stamp.is_file():
        cached = CACHE / stamp.read_text().strip()
        if cached.is_file():
            return cached
    need('apt-get', 'apt')
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f'fetching the Debian package {name} with apt ...', flush=True)
    try:
        path = _download(name, CACHE, private=False)
    except ToolError:
        try:
            path = _download(name, CACHE, private=True)
        except ToolError as error:
            raise ToolError(f'cannot fetch {name}: there is no copy in '
                            f'{CACHE}, and apt says:\n{error}') from error
    stamp.write_text(path.name + '\n')
    return path


def unpack(name):
    """Directory with the contents of the package called name."""
    need('dpkg-deb', 'dpkg')
    deb = fetch(name)
    folder = CACHE / deb.stem
    if not folder.is_dir():
        partial = Path(f'{folder}.{os.getpid()}')
        shutil.rmtree(partial, ignore_errors=True)
        command(['dpkg-deb', '-x', deb, partial])
        partial.rename(folder)
    return folder


def one_file(folder, pattern):
    """The single file in folder that matches pattern."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ToolError(f'{folder}: expected one {pattern}, '
                        f'found {len(found)}')
    return found[0]
