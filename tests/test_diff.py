"""make diff is a lesson: a summary of a screen, then the code."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import tree
from common import TOP, stages

SCREEN = 40


def diff(first, second, top=TOP, **env):
    """What it prints, not on a terminal."""
    done = subprocess.run(
        ['/usr/bin/python3', top / 'tools/diff.py', first, second],
        stdout=subprocess.PIPE, text=True, check=True, errors='replace',
        env={**os.environ, **env})
    return done.stdout


@pytest.mark.parametrize('first, second', list(zip(stages(), stages()[1:])))
def test_the_summary_of_neighbours_fits_on_a_screen(first, second):
    """What main.c calls more, and what is new; no tests, no corpus."""
    text = diff(first, second)
    head = text.partition('\n---')[0]
    assert head.startswith(f'From {first} to {second}: ')
    assert len(head.splitlines()) <= SCREEN
    assert 'main.c has these lines more:\n    ' in head
    assert 'lines in all, tests apart' in head
    assert not re.search(r'^\+\+\+ \S*(/test/|corpus)', text, re.M)


def lines_more(first, second):
    """The lines of main.c that the summary lists."""
    return re.findall(r'^    (.+)', diff(first, second).partition('\n---')[0],
                      re.M)


def test_a_comment_that_has_moved_is_no_news():
    """final's main.c aligns those of old calls anew, and puts an if before
    smp_start()."""
    found = '\n'.join(lines_more('06-smp', 'final'))
    assert 'mempool_init();' in found and 'efi_expect_cpus(' in found
    assert not re.search(r'(?m)heap_init\(|guest_boot_bios|smp_start|^if|^else$'
                         '|SELFTEST', found)


@pytest.mark.parametrize('first, second', list(zip(stages(), stages()[1:])))
def test_main_c_comes_first_and_the_makefile_last(first, second):
    """It calls all the rest; demo and install are no part of it."""
    names = re.findall(r'^\+\+\+ (\S+)', diff(first, second), re.M)
    top = 'final' if second == 'final' else f'stages/{second}'
    assert names[0] == f'{top}/main.c'
    assert names[-1] == f'{top}/Makefile'
    assert not [name for name in names if set(Path(name).parts)
                & {*tree.BESIDE, *tree.SHARED}]


def test_a_folder_without_files_is_not_listed(tmp_path):
    """As one that is left over where a folder has moved."""
    top = tmp_path / 'tree'
    shutil.copytree(TOP, top, symlinks=True,
                    ignore=shutil.ignore_patterns('build', '.git'))
    (top / 'final/moved').mkdir()
    head = diff('06-smp', 'final', top).partition('\n---')[0]
    assert re.findall(r'(\w+)/: +new, [1-9]', head) == [
        name for name, stage in tree.added().items()
        if stage == 'final' and name not in tree.BESIDE]
    assert 'moved' not in head and ' 0 files' not in head


def test_tests_come_when_they_are_asked_for():
    """But no corpus, which nobody reads."""
    text = diff('02-paging', '03-buddy', TESTS='1')
    assert re.search(r'^\+\+\+ \S*/page/test/pool_test.c', text, re.M)
    assert not re.search(r'^\+\+\+ \S*corpus', text, re.M)
