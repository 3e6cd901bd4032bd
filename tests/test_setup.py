"""make setup on computers that lack something: packages, sudo, apt itself."""
import os
import subprocess

import pytest
import setup
from common import TOP, ToolError, system

APT_CACHE = 'for name; do for known in {known}; do\n' \
    '[ "$name" != $known ] || echo "Package: $known"; done; done\n'


@pytest.fixture
def computer(tmp_path, monkeypatch):
    """A function that makes a computer: what its programs do, as sh scripts.
    It has no other programs. Its result is what apt-get was asked for."""
    log = tmp_path / 'log'
    log.touch()

    def make(root=False, known='', **programs):
        bodies = {'apt-get': 'exit 0', 'dpkg-query': 'exit 1',
                  'apt-cache': APT_CACHE.format(known=known or "''"),
                  'env': 'shift; exec "$@"', **programs}
        (tmp_path / 'bin').mkdir()
        for name, body in bodies.items():
            path = tmp_path / 'bin' / name
            if body:
                path.write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\n'
                                f'{body}\n')
                path.chmod(0o755)
        monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
        monkeypatch.setattr(os, 'geteuid', lambda: 0 if root else 1000)
        monkeypatch.setattr(setup, 'read_groups', lambda: {
            'run': ['gcc', 'new|old'], 'test': ['z3'], 'book': []})
        return lambda: log.read_text().splitlines()
    return make


def test_packages_are_installed_in_one_go(computer):
    """Those of the goals, the first of the alternatives that there is."""
    said = computer(root=True, known='gcc old z3')
    assert setup.setup(['run']) == 0
    assert [line for line in said() if line.startswith('apt-get')] == [
        'apt-get -y --no-install-recommends install gcc old']


def test_nothing_is_asked_when_nothing_is_missing(computer):
    """No root, no sudo, no network."""
    said = computer(**{'dpkg-query': 'echo gcc installed; echo old installed'})
    assert setup.setup(['run']) == 0
    assert not [line for line in said() if line.startswith(('apt', 'sudo'))]


@pytest.mark.parametrize('sudo', ['', 'exit 1'])
def test_who_may_not_install_gets_the_line_for_who_may(computer, sudo):
    """Without sudo, or with one that refuses; apt-get is not started."""
    said = computer(sudo=sudo, known='gcc old')
    with pytest.raises(ToolError) as caught:
        setup.setup(['run'])
    assert '\n  apt-get update && apt-get install --no-install-recommends ' \
        'gcc old\n' in str(caught.value)
    assert 'In a container' in str(caught.value)
    assert not [line for line in said() if line.startswith('apt-get')]


def test_a_package_that_the_system_has_not_is_named(computer):
    """After a look at new lists; the others are installed."""
    said = computer(root=True, known='z3')
    with pytest.raises(ToolError) as caught:
        setup.setup(['run', 'test'])
    assert f'{system()} has no package gcc, ' in str(caught.value)
    assert '-y --no-install-recommends install ' not in str(caught.value)
    asked = [line for line in said() if line.startswith('apt-get')]
    assert asked[0] == 'apt-get update' and 'install z3' in asked[1]


def test_without_apt_a_container_is_named(computer):
    """On Fedora, for one."""
    computer(**{'apt-get': ''})
    with pytest.raises(ToolError, match='has no apt-get.*In a container'):
        setup.setup([])


@pytest.mark.parametrize('programs, message', [
    ({'apt-get': ''}, 'no apt-get: see "In a container"'),
    ({'sudo': 'exit 1', 'id': 'echo 1000'},
     'apt-get update && apt-get install --no-install-recommends gcc make'),
])
def test_the_same_is_said_where_there_is_no_python(computer, tmp_path,
                                                   programs, message):
    """By a shell script then."""
    said = computer(**programs)
    for name in ('dirname', 'sed'):
        (tmp_path / 'bin' / name).symlink_to(f'/usr/bin/{name}')
    done = subprocess.run(['/bin/sh', TOP / 'tools/python.sh'], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 1 and message in done.stderr
    assert '|' not in done.stderr and 'apt-get' not in ''.join(said())


def test_all_packages_are_ones_of_this_system():
    """A misspelt name would stop every newcomer."""
    names = [name for names in setup.read_groups().values() for name in names]
    assert not setup.missing(names)
