"""make check finds what it is for: a copy of the tree is broken on purpose."""
import re
import shutil
import subprocess

import pytest
from common import TOP, stages

SKIP = shutil.ignore_patterns('build', '.git', '__pycache__')


@pytest.fixture
def copy(tmp_path):
    """A copy of the tree to break."""
    target = tmp_path / 'tree'
    shutil.copytree(TOP, target, symlinks=True, ignore=SKIP)
    return target


def check(copy, name):
    """Run one check in the copy; status and output."""
    done = subprocess.run(['/usr/bin/python3', copy / 'tools/check.py', name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def first_stage(copy):
    """Directory of stage 01 in the copy."""
    return copy / 'stages' / stages()[0]


def test_an_early_layer_that_includes_a_later_one_is_found(copy):
    """lib/ of stage 01 must not know page/ of stage 03."""
    with open(first_stage(copy) / 'lib/string.c', 'a',
              encoding='utf-8') as file:
        file.write('#include "page/page.h"\n')
    status, text = check(copy, 'layers')
    assert status == 1
    assert 'lib/string.c' in text
    assert '01-boot includes page/, which comes with 03-buddy' in text


def test_a_file_that_knows_its_stage_is_found(copy):
    """So that it is enough to compile each file in the last stage."""
    with open(first_stage(copy) / 'lib/string.c', 'a',
              encoding='utf-8') as file:
        file.write('#if __has_include("page/page.h")\n#endif\n')
    status, text = check(copy, 'layers')
    assert status == 1
    assert 'lib/string.c' in text
    assert 'compiles into something else in another stage' in text


def test_wrong_links_are_found(copy):
    """A link that is missing, one that leads nowhere, one too many."""
    last = copy / 'stages' / stages()[1]
    (last / 'lib').unlink()
    (last / 'nowhere').symlink_to('../none')
    (copy / 'stages' / stages()[0] / 'later').symlink_to('../../tests')
    status, text = check(copy, 'links')
    assert status == 1
    assert f'{last.name}/lib: no link to ../01-boot/lib' in text
    assert 'nowhere: a link that leads nowhere' in text
    assert 'later: a link to ../../tests, expected no link here' in text


def test_a_header_that_needs_another_is_found(copy):
    """Each header includes what it uses."""
    (first_stage(copy) / 'lib/alone.h').write_text('u64 f(struct no_such n);\n'
                                                   'size_of_page g;\n')
    status, text = check(copy, 'headers')
    assert status == 1
    assert 'lib/alone.h does not compile alone' in text


def test_long_lines_functions_and_files_are_found(copy):
    """80 columns, 60 lines, 500 lines."""
    path = first_stage(copy) / 'lib/long.c'
    path.write_text('/* ' + 'x' * 80 + ' */\nvoid f(void)\n{\n' + '\tf();\n'
                    * 500 + '}\n')
    status, text = check(copy, 'lengths')
    assert status == 1
    assert 'lib/long.c: 504 lines, at most 500' in text
    assert 'f() has 503 lines, at most 60' in text
    status, text = check(copy, 'columns')
    assert status == 1
    assert 'lib/long.c:1: longer than 80 columns' in text


def test_wrong_format_is_found(copy):
    """Spaces for tabs."""
    (first_stage(copy) / 'lib/bad.c').write_text('int f(void)\n{\n'
                                                 '  return 0;\n}\n')
    status, text = check(copy, 'format')
    assert status == 1
    assert 'clang-format -i stages/01-boot/lib/bad.c' in text


def test_a_warning_is_an_error(copy):
    """A value that is set and not used (in a tree of one stage)."""
    shutil.rmtree(copy / 'final')
    for name in stages()[1:-1]:
        shutil.rmtree(copy / 'stages' / name)
    (first_stage(copy) / 'lib/warn.c').write_text(
        'int f(void);\nint f(void)\n{\n\tint x = 1;\n\n\treturn 2;\n}\n')
    status, text = check(copy, 'warnings')
    assert status == 1
    assert 'lib/warn.c' in text
    # What takes long says what it is at.
    assert text.startswith('check warnings ...\n  01-boot ...\n')


def test_what_contributing_names_is_there():
    """Each file, whole or from the stage of the sentence."""
    text = (TOP / 'CONTRIBUTING.md').read_text()
    names = re.findall(r'`([\w./-]+/[\w.-]*\.\w+)`|\]\((.*?)\)', text)
    assert len(names) > 8
    for name in map(''.join, names):
        assert (TOP / name).exists() or \
            (TOP / 'stages/05-vmx-ept' / name).exists(), name
