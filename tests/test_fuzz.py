"""make fuzz finds what it is for: a bug that is put into a copy of the tree."""
import re
import shutil
import subprocess

import pytest
from common import TOP
from stage_names import PAGE

SKIP = shutil.ignore_patterns('build', '.git', '__pycache__')


@pytest.fixture(scope='module')
def copy(tmp_path_factory):
    """A copy of the tree, with a target built."""
    target = tmp_path_factory.mktemp('fuzz') / 'tree'
    shutil.copytree(TOP, target, symlinks=True, ignore=SKIP)
    return target


def fuzz(copy, *words):
    """Search in the page layer for two seconds; status and output."""
    done = subprocess.run(
        ['/usr/bin/python3', copy / 'tools/fuzz.py', 'TIME=2', 'SEED=1',
         f'STAGE={PAGE}', 'TARGET=page-fuzz', *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    return done.returncode, done.stdout


def test_a_sound_layer_gives_no_finding_and_ops_is_reached(copy):
    """Two seconds are too short for this many, so it must go on."""
    status, text = fuzz(copy, 'OPS=1000000')
    assert status == 0, text
    assert int(re.search(r'^all +\S+ +(\S+)$', text, re.M)[1]
               .replace(',', '')) >= 1000000
    assert re.search(r'^fuzz: [\d,]+ operations$', text, re.M)


def test_a_bug_is_found_and_its_input_repeats_it(copy):
    """Freed blocks that do not merge break an invariant."""
    subprocess.run(['patch', '-sp1', '-d', copy, '-i',
                    TOP / 'book/breakit/03-no-merge.patch'], check=True)
    status, text = fuzz(copy)
    assert status == 1
    assert 'FOUND SOMETHING' in text
    repeat = re.search(r'repeat with:\n  (\S+) (\S+)$', text, re.M)
    assert re.search(r'^    \S*page_fuzz\.c:\d+: does not hold: ', text, re.M)
    done = subprocess.run(repeat.groups(), stderr=subprocess.PIPE, text=True,
                          check=False)
    assert done.returncode != 0
    assert 'page_fuzz.c' in done.stderr and 'does not hold' in done.stderr
    assert re.search(r'^operations: \d+$', done.stderr, re.M)


def test_what_is_no_setting_is_named(copy):
    """A misspelt word must not be a shorter search."""
    for word, answer in (('TIME=x', 'not a number from 1'),
                         ('OPS=-1', 'not a number from 0'),
                         ('SEED=x', 'not a number from 0 to'),
                         ('TARGET=page', 'did you mean page-fuzz'),
                         ('NAME=1', 'not a setting')):
        status, text = fuzz(copy, word)
        assert status == 1
        assert answer in text
        assert 'FUZZCC' not in text     # nor is anything compiled for it
