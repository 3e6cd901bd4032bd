"""`make setup`: installs the Debian packages of packages.txt that are missing.

The goals named with it choose the groups (`make setup run`, `make setup
test`); alone it takes all. Nothing is asked and no root is needed when
nothing is missing.
"""
import os
import shutil
import subprocess
import sys

from common import TOP, ToolError, main, system

GROUPS_OF_GOALS = {
    'run': ['run'], 'all': ['run'], 'doctor': ['run'], 'gdb': ['run', 'test'],
    'replay': ['run', 'test'],
    'bench': ['run'], 'iso': ['run'], 'test': ['run', 'test', 'book'],
    'check': ['run', 'test'], 'book': ['book'], 'lab': ['run'],
    'grade': ['run', 'test'], 'test-breakit': ['run', 'test'],
    'transcripts': ['run', 'test'], 'bench-memory': ['run', 'test'],
    'fuzz': ['run', 'test'], 'fuzz-memory': ['run', 'test'],
    'soak': ['run', 'test'], 'size': ['run', 'test'],
    'test-configs': ['run', 'test'],
    'final': ['run'], 'report': ['run'],
}


def read_groups():
    """packages.txt as group -> list of packages; a|b is a, or else b."""
    groups = {'run': [], 'test': [], 'syslog': [], 'book': []}
    for line in (TOP / 'packages.txt').read_text().splitlines():
        line = line.split('#')[0].strip()
        if line:
            group, _, names = line.partition(':')
            groups[group.strip()] += names.split()
    return groups


def _lines(*argv):
    """The words of each line that a program prints."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.DEVNULL, text=True)
    return [line.split() for line in done.stdout.splitlines()]


def missing(packages):
    """Those of packages that are not installed."""
    names = [name for package in packages for name in package.split('|')]
    installed = {words[0] for words in _lines(
        'dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\n', *names)
        if words[1:] == ['installed']}
    return [package for package in packages
            if not installed & set(package.split('|'))]


def available(packages):
    """What to install for packages, and those that this system has not."""
    names = [name for package in packages for name in package.split('|')]
    there = {words[1] for words in _lines(
        'apt-cache', 'show', '--no-all-versions', *names)
        if words[:1] == ['Package:']}
    found, absent = [], []
    for package in packages:
        known = [name for name in package.split('|') if name in there]
        if known:
            found.append(known[0])
        else:
            absent.append(package.replace('|', ' or '))
    return found, absent


def become_root(packages):
    """The words in front of a command that root is to run."""
    if os.geteuid() == 0:
        return []
    if shutil.which('sudo') and subprocess.run(['sudo', 'true'],
                                               check=False).returncode == 0:
        return ['sudo']
    raise ToolError(
        'packages are missing, and you may not install any. Ask who '
        'administers this computer for:\n'
        '  apt-get update && apt-get install --no-install-recommends '
        + ' '.join(package.split('|')[0] for package in packages)
        + '\nor use a container: README.md, "In a container"')


def install(packages):
    """Install packages with apt-get, as root or through sudo."""
    prefix = [*become_root(available(packages)[0] or packages),
              'env', 'DEBIAN_FRONTEND=noninteractive']
    apt = [*prefix, 'apt-get', '-y', '--no-install-recommends', 'install']
    found, absent = available(packages)
    if absent or subprocess.run([*apt, *found], check=False).returncode:
        # No package lists yet, or old ones.
        if subprocess.run([*prefix, 'apt-get', 'update'],
                          check=False).returncode:
            raise ToolError('apt-get cannot fetch its lists of packages: no '
                            'network, or a wrong /etc/apt/sources.list')
        found, absent = available(packages)
        if found and subprocess.run([*apt, *found], check=False).returncode:
            raise ToolError('apt-get could not install: ' + ' '.join(found))
    if absent:
        raise ToolError(
            f'{system()} has no package {", ".join(absent)}; all others are '
            'installed. What README.md says was tried on Debian 12: see "In a '
            'container"')


def setup(goals):
    """Install what the goals need; the exit status."""
    if not shutil.which('apt-get'):
        raise ToolError(f'make setup installs Debian packages, and {system()} '
                        'has no apt-get: see "In a container" in README.md')
    groups = read_groups()
    wanted = [group for goal in goals for group in GROUPS_OF_GOALS.get(
        goal, ['run'] if goal.endswith('config') else [])]
    if os.environ.get('LOG') == 'syslog' and 'run' in wanted:
        wanted.append('syslog')
    wanted = list(dict.fromkeys(wanted or groups))
    packages = [name for group in wanted for name in groups[group]]
    lacking = missing(packages)
    if lacking:
        print('setup: installing ' + ' '.join(lacking), flush=True)
        install(lacking)
    print(f'setup: the packages for {", ".join(wanted)} are installed')
    return 0


if __name__ == '__main__':
    main(lambda: setup(sys.argv[1:]))
