"""The steps of the Dockerfile, in a new Debian 12, and what README.md has one
do in the container. CONTAINER=1 runs this (some minutes, and 300 MB fetched;
it needs root, and mmdebstrap); CONTAINER=all with all packages and more tests.
There is no container engine here: the root directory is changed instead."""
import os
import re
import shlex
import shutil
import subprocess

import pytest
from common import TOP, command
from stage_names import BOOT, HEAP, VMM

CHOSEN = os.environ.get('CONTAINER')
pytestmark = pytest.mark.skipif(not CHOSEN, reason='CONTAINER=1 runs it')
GOALS = 'run test' if CHOSEN == 'all' else 'run'
# Mounts end with the name space.
ENTER = """set -e
mount --rbind /dev {root}/dev
mount -t proc proc {root}/proc
mount --bind {tree} {root}/vellum
exec chroot --userspec={user} {root} /bin/sh -c "$1"
"""


def steps():
    """The Dockerfile's instructions, as (word, rest)."""
    text = (TOP / 'Dockerfile').read_text().replace('\\\n', ' ')
    return [line.split(maxsplit=1) for line in text.splitlines()
            if line and not line.startswith('#')]


class Container:
    """A directory that becomes the root, and what Docker would remember."""

    def __init__(self, root, tree):
        self.root, self.tree = root, tree
        self.env = {'PATH': os.environ['PATH'], 'HOME': '/root'}
        self.where = '/'

    def run(self, line, user='0:0'):
        """Run a line of sh, without a terminal; status and output."""
        enter = ENTER.format(root=shlex.quote(str(self.root)), user=user,
                             tree=shlex.quote(str(self.tree)))
        done = subprocess.run(
            ['unshare', '--mount', 'sh', '-c', enter, 'sh',
             f'cd {self.where} && {line}'], env=self.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def build(self):
        """Do as the Dockerfile says."""
        for word, rest in steps():
            if word == 'RUN':
                status, text = self.run(rest)
                assert status == 0, f'{rest}\n{text}'
            elif word == 'WORKDIR':
                self.where = rest
                (self.root / rest[1:]).mkdir(parents=True, exist_ok=True)
            elif word == 'COPY':
                *sources, target = rest.split()
                for name in sources:
                    command(['cp', '-r', TOP / name,
                             self.root / self.where[1:] / target])
            elif word in ('ARG', 'ENV'):
                name, value = rest.split('=', 1)
                self.env[name] = GOALS if name == 'GOALS' else \
                    shlex.split(value)[0]
            else:
                assert (word, rest) in (('FROM', 'docker.io/library/debian:12'),
                                        ('CMD', '["bash"]'))


@pytest.fixture
def container(tmp_path):
    """The built one, with a clone of this tree that somebody else owns."""
    root, tree = tmp_path / 'root', tmp_path / 'tree'
    command(['mmdebstrap', '--variant=minbase', '--skip=cleanup/tmp',
             'bookworm', root])
    (root / 'vellum').mkdir()
    tree.mkdir()
    shutil.copytree(TOP, tree, symlinks=True, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns('build', '__pycache__'))
    command(['chown', '-R', '-h', '1234:1234', tree])
    made = Container(root, tree)
    made.build()
    yield made
    shutil.rmtree(root)


def linux_boots(container):
    """As `docker run -u 1234:1234`, without a terminal."""
    status, text = container.run('make run BATCH=1', '1234:1234')
    assert status == 0, text[-3000:]
    assert re.search(r'^run: all that was expected was seen', text, re.M)
    assert not [path for path in container.tree.glob('build/*')
                if path.stat().st_uid != 1234]


def bochs_runs(container):
    """It wants terminals of its own."""
    status, text = container.run(
        f'make run STAGE={VMM} EMU=bochs BATCH=1', '1234:1234')
    assert status == 0, text[-3000:]


def another_users_tree_is_explained(container):
    """Docker run without -u, for a user other than its owner."""
    status, text = container.run(f'make {BOOT}', '4321:4321')
    assert status and 'BUILD_ROOT=DIR' in text
    status, text = container.run(f'make {BOOT} BUILD_ROOT=/tmp/b', '4321:4321')
    assert status == 0, text


def the_tests_run(container):
    """Those of one stage, host tests and boots."""
    status, text = container.run(f'make test STAGE={HEAP}', '1234:1234')
    assert status == 0 and ' passed' in text, text[-3000:]


def test_the_container_builds_runs_and_tests(container):
    """One test, as each worker of pytest's would make a container for its
    own."""
    linux_boots(container)
    bochs_runs(container)
    another_users_tree_is_explained(container)
    if CHOSEN == 'all':
        the_tests_run(container)
