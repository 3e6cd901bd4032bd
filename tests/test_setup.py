"""make setup on computers that lack something: packages, sudo, apt itself."""
import ast
import os
import subprocess
import sys

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
            'run': ['gcc', 'new|old'], 'test': ['z3'], 'book': [],
            'syslog': ['rsyslog']})
        return lambda: log.read_text().splitlines()
    return make


def test_packages_are_installed_in_one_go(computer):
    """Those of the goals, the first of the alternatives that there is."""
    said = computer(root=True, known='gcc old z3')
    assert setup.setup(['run']) == 0
    assert [line for line in said() if line.startswith('apt-get')] == [
        'apt-get -y --no-install-recommends install gcc old']


def test_rsyslog_is_installed_for_who_wants_it(computer, monkeypatch):
    """It starts a service, so not for whoever boots Linux."""
    said = computer(root=True, known='gcc old rsyslog')
    monkeypatch.setenv('LOG', 'syslog')
    assert setup.setup(['run']) == 0
    assert said()[-1].endswith('install gcc old rsyslog')


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


def imported(tool, seen):
    """What a tool imports that isn't ours, nor Python's own."""
    package = TOP / 'tools' / tool
    paths = (list(package.glob('*.py')) if package.is_dir() else
             [path for path in [package.with_suffix('.py')] if path.exists()])
    if not paths:
        return set() if tool in sys.stdlib_module_names else {tool}
    if tool in seen:
        return set()
    seen.add(tool)
    names = set()
    for node in (node for path in paths
                 for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split('.')[0])
    return set().union(*(imported(name, seen) for name in names))


PACKAGES = {'pexpect': 'python3-pexpect', 'elftools': 'python3-pyelftools',
            'yaml': 'python3-yaml', 'pytest': 'python3-pytest'}


@pytest.mark.parametrize('goal, tool', [
    ('run', 'run'), ('run', 'linux_guest'), ('doctor', 'doctor'),
    ('bench', 'bench'), ('iso', 'iso'), ('lab', 'lab'), ('report', 'report'),
    ('soak', 'soak'), ('gdb', 'gdb'), ('grade', 'grade'), ('fuzz', 'fuzz'),
    ('transcripts', 'transcripts'), ('check', 'check'), ('test', 'test')])
def test_a_goal_installs_what_its_tool_imports(goal, tool):
    """Else it works wherever somebody has run the tests, and nowhere else."""
    groups = setup.read_groups()
    there = {name for group in setup.GROUPS_OF_GOALS[goal]
             for name in groups[group]}
    assert {PACKAGES[name] for name in imported(tool, set())} <= there


def test_all_packages_are_ones_of_this_system():
    """A misspelt name would stop every newcomer."""
    names = [name for names in setup.read_groups().values() for name in names]
    assert not setup.missing(names)
