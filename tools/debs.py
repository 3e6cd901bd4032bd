"""Fetches Debian packages with apt into build/cache and unpacks them.

`apt-get download` checks each package against the signed release files. Once
the cache is filled nothing here needs the network. No root is needed: when the
system's package lists are missing or too old, lists of our own are fetched
into the cache with the system's sources and keys.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import BUILD, ToolError, command, need, stages, system
from values import demos, has_guest

CACHE = BUILD / 'cache'
# Who has no network is to know at once.
ONCE = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10',
        '-o', 'Acquire::https::Timeout=10']
NO_NETWORK = re.compile(
    'Temporary failure resolving|Could not resolve|Could not connect|'
    'Cannot initiate the connection|Unable to connect|Connection timed out|'
    'Network is unreachable|No route to host')
SHOW_EVERY = 5          # seconds, where there is no terminal


def without():
    """What works without Linux, for messages."""
    plain = [name for name in stages() if not has_guest(name)]
    small = [name for name in stages() if demos(name)]
    return '\n'.join([
        'Without it there are',
        *(f'  make run STAGE={name:<24}the stages that have no guest yet'
          for name in plain[-1:]),
        *(f'  make run STAGE={name + " GUEST=demo":<24}a small guest of our '
          'own; later, too' for name in small[:1]),
        '  make run KERNEL=FILE INITRD=FILE       Linux from files of yours'])


class NoNetwork(ToolError):
    """No package server can be reached."""


def _progress(status, what):
    """Show how far apt is, by what it writes to its status descriptor."""
    terminal, shown = sys.stdout.isatty(), time.monotonic()
    for line in status:
        found = re.match(r'dlstatus:\d+:(\d+)', line)
        if found and (terminal or time.monotonic() - shown > SHOW_EVERY):
            shown = time.monotonic()
            print(f'{what}: {found[1]} %', end='\r' if terminal else '\n',
                  flush=True)


def _apt_get(options, *words, what, cwd=None):
    """Run apt-get, and show that it works."""
    reading, writing = os.pipe()
    argv = ['apt-get', *ONCE, *options, '-o', f'APT::Status-Fd={writing}',
            *words]
    with open(CACHE / 'apt.log', 'w+', encoding='utf-8',
              errors='replace') as log, os.fdopen(reading) as status:
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                              stderr=log, pass_fds=[writing],
                              env={**os.environ, 'LC_ALL': 'C.UTF-8'},
                              cwd=cwd) as apt:
            os.close(writing)
            _progress(status, what)
        log.seek(0)
        text = log.read()
    # An update that reached nobody warns, and ends well.
    if apt.returncode or 'Some index files failed' in text:
        kind = NoNetwork if NO_NETWORK.search(text) else ToolError
        errors = [line for line in text.splitlines()
                  if line.startswith(('E:', 'W:'))]
        raise kind('\n'.join(errors or text.splitlines()[-3:]))


def _apt_options(private):
    """Options for apt; private means lists of our own below the cache."""
    # As whoever we are: nobody else may write to the cache.
    options = ['-o', f'APT::Sandbox::User={"" if os.geteuid() else "root"}']
    if private:
        state = CACHE / 'apt'
        for sub in ('lists/partial', 'cache/archives/partial'):
            (state / sub).mkdir(parents=True, exist_ok=True)
        options += ['-o', f'Dir::State::Lists={state}/lists',
                    '-o', f'Dir::Cache={state}/cache']
    return options


def _resolve(name, options):
    """The real package behind a meta package such as linux-image-amd64."""
    if not name.startswith('linux-image-'):
        return name
    text = command(['apt-cache', *options, 'depends', '--important', name])
    found = re.search(r'Depends: (linux-image-\S*\d\S*)', text)
    if not found:
        raise ToolError(f'{name} names no kernel package:\n{text}')
    return found[1]


def _download(name, private):
    """Download one package with apt into the cache; the file's path."""
    options = _apt_options(private)
    if private:
        _apt_get(options, 'update', what='fetching the lists of packages')
    real = _resolve(name, options)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        _apt_get(options, 'download', real, what=f'fetching {real}',
                 cwd=folder)
        path = one_file(Path(folder), '*.deb')
        return path.rename(CACHE / path.name)


def fetched(name):
    """Path of the package called name in the cache, or None."""
    stamp = CACHE / f'{name}.name'
    path = CACHE / (stamp.read_text().strip() if stamp.is_file() else name)
    return path if path.is_file() else None


def fetch(name):
    """Path of the package called name, downloaded if not in the cache."""
    cached = fetched(name)
    if cached:
        return cached
    if not shutil.which('apt-get'):
        raise ToolError(f'{name} comes from Debian, and {system()} has no '
                        f'apt-get: README.md, "In a container"\n{without()}')
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f'fetching the Debian package {name} with apt ...', flush=True)
    try:
        try:
            path = _download(name, private=False)
        except NoNetwork:
            raise
        except ToolError:
            path = _download(name, private=True)
    except NoNetwork as error:
        raise ToolError(f'no network, and no {name} in {CACHE}:\n'
                        f'{error}\n{without()}') from error
    except ToolError as error:
        raise ToolError(f'cannot fetch {name} with the package sources of '
                        f'{system()}:\n{error}\n{without()}') from error
    (CACHE / f'{name}.name').write_text(path.name + '\n')
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
