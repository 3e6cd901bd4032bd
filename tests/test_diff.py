"""make diff is a lesson: a summary of a screen, then the code."""
import os
import re
import subprocess

import pytest
from common import TOP, stages

SCREEN = 24


def diff(first, second, **env):
    """What it prints, not on a terminal."""
    done = subprocess.run(
        ['/usr/bin/python3', TOP / 'tools/diff.py', first, second],
        stdout=subprocess.PIPE, text=True, check=True, errors='replace',
        env={**os.environ, **env})
    return done.stdout


@pytest.mark.parametrize('first, second', list(zip(stages(), stages()[1:])))
def test_the_summary_of_neighbours_fits_on_a_screen(first, second):
    """What main.c calls more, and what is new; no tests, no corpus."""
    text = diff(first, second)
    head = text.partition('\n---')[0]
    assert head.startswith(f'From {first} to {second}\n')
    assert len(head.splitlines()) <= SCREEN
    assert 'main.c has these lines more:\n    ' in head
    assert 'lines in all, tests apart' in head
    assert not re.search(r'^\+\+\+ \S*(/test/|corpus)', text, re.M)


def test_tests_come_when_they_are_asked_for():
    """But no corpus, which nobody reads."""
    text = diff('02-paging', '03-buddy', TESTS='1')
    assert re.search(r'^\+\+\+ \S*/page/test/pool_test.c', text, re.M)
    assert not re.search(r'^\+\+\+ \S*corpus', text, re.M)
