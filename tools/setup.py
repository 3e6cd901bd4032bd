"""`make setup`: installs the Debian packages of packages.txt that are missing.

The goals named with it choose the groups (`make setup run`, `make setup
test`); alone it takes all. Nothing is asked and no root is needed when
nothing is missing.
"""
import os
import shutil
import subprocess
import sys

from common import TOP, ToolError, main

GROUPS_OF_GOALS = {
    'run': ['run'], 'all': ['run'], 'doctor': ['run'], 'gdb': ['run', 'test'],
    'bench': ['run'], 'iso': ['run'], 'test': ['run', 'test', 'book'],
    'check': ['run', 'test'], 'book': ['book'], 'lab': ['run'],
    'grade': ['run', 'test'], 'test-breakit': ['run', 'test'],
    'transcripts': ['run', 'test'], 'bench-memory': ['run', 'test'],
    'fuzz': ['run', 'test'], 'fuzz-memory': ['run', 'test'], 'soak': ['run'],
    'final': ['run'], 'report': ['run'],
}


def read_groups():
    """packages.txt as group -> list of packages."""
    groups = {'run': [], 'test': [], 'book': []}
    for line in (TOP / 'packages.txt').read_text().splitlines():
        line = line.split('#')[0].strip()
        if line:
            group, _, names = line.partition(':')
            groups[group.strip()] += names.split()
    return groups


def missing(packages):
    """Those of packages that are not installed."""
    done = subprocess.run(
        ['dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\n',
         *packages], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, check=False)
    installed = {line.split()[0] for line in done.stdout.splitlines()
                 if line.endswith(' installed')}
    return [name for name in packages if name not in installed]


def install(packages):
    """Install packages with apt-get, as root or through sudo."""
    prefix = []
    if os.geteuid():
        if not shutil.which('sudo'):
            raise ToolError('missing packages, and neither root nor sudo to '
                            'install them; as root:\n  apt-get install '
                            + ' '.join(packages))
        prefix = ['sudo']
    prefix += ['env', 'DEBIAN_FRONTEND=noninteractive']
    apt = [*prefix, 'apt-get', '-y', '--no-install-recommends', 'install',
           *packages]
    if subprocess.run(apt, check=False).returncode == 0:
        return
    # No package lists yet, or old ones.
    subprocess.run([*prefix, 'apt-get', 'update'], check=False)
    if subprocess.run(apt, check=False).returncode:
        raise ToolError('apt-get could not install: ' + ' '.join(packages))


def setup(goals):
    """Install what the goals need; the exit status."""
    if not shutil.which('apt-get'):
        raise ToolError('make setup needs Debian (apt-get); the packages '
                        'are listed in packages.txt')
    groups = read_groups()
    wanted = [group for goal in goals
              for group in GROUPS_OF_GOALS.get(goal, [])]
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
