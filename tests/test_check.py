"""make check finds what it is for: a copy of the tree is broken on purpose."""
import re
import shutil
import subprocess

import pytest
from book.rules import words
from common import TOP, stages
from stage_names import BOOT, PAGE

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
    assert f'{BOOT} includes page/, which comes with {PAGE}' in text


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
    assert f'{last.name}/lib: no link to ../{BOOT}/lib' in text
    assert 'nowhere: a link that leads nowhere' in text
    assert 'later: a link to ../../tests, expected no link here' in text


def test_a_stage_without_main_is_found(copy):
    """Nobody would call what it adds."""
    (copy / 'stages' / stages()[1] / 'main.c').unlink()
    status, text = check(copy, 'links')
    assert status == 1
    assert f'stages/{stages()[1]}: no main.c' in text


def override(copy, name='boot/report.h', change='/* Ours. */\n'):
    """The last numbered stage overrides a file of the first, in order."""
    stage, folder = copy / 'stages' / stages()[-2], name.partition('/')[0]
    (stage / folder).unlink()
    (stage / folder).mkdir()
    for path in (first_stage(copy) / folder).iterdir():
        (stage / folder / path.name).symlink_to(
            f'../../{stages()[0]}/{folder}/{path.name}')
    text = (stage / name).read_text()
    (stage / name).unlink()
    (stage / name).write_text(text + change)
    makefile = stage / 'Makefile'
    makefile.write_text(makefile.read_text().replace(
        'OVERRIDES :=', f'OVERRIDES := {name}'))
    (copy / 'final' / folder).unlink()
    (copy / 'final' / folder).symlink_to(f'../stages/{stage.name}/{folder}')
    return stage


def test_an_override_that_the_makefile_names_is_right(copy):
    """A file of its own, links for the others, and final/ inherits both."""
    override(copy)
    assert check(copy, 'links') == (0, 'check links ...\ncheck links: ok\n')


SEES = """
import test, tree
from common import TOP
from book.coverage import needed
path = TOP / 'stages/{stage}/boot/settings.c'
print(path in tree.sources('.c'), test.folders('{stage}', False),
      sorted(needed(path)), len(path.read_text().splitlines()))
"""


def test_every_tool_sees_an_override(copy):
    """It is a source file, its folder is tested, and a chapter must show the
    lines that differ; make compiles it."""
    stage = override(copy, 'boot/settings.c', 'u32 ours;\n')
    done = subprocess.run(['/usr/bin/python3', '-c',
                           SEES.format(stage=stage.name)], check=True,
                          env={'PYTHONPATH': str(copy / 'tools')},
                          stdout=subprocess.PIPE, text=True)
    lines = len((stage / 'boot/settings.c').read_text().splitlines())
    assert done.stdout == (f"True ['boot', 'console', 'lib', 'smp'] [{lines}] "
                           f'{lines}\n')
    for folder in (stage, copy / 'final'):
        made = copy / f'out/{folder.name}/boot/settings.o'
        subprocess.run(['make', '-s', f'BUILD_ROOT={copy}/out', made],
                       cwd=folder, check=True, timeout=60)
        done = subprocess.run(['nm', made], stdout=subprocess.PIPE, text=True,
                              check=True)
        assert ' ours\n' in done.stdout


@pytest.mark.parametrize('spoil, wanted', [
    (lambda stage: (stage / 'boot/new.c').write_text('/* */\n'),
     f'boot/new.c: is no link to ../../{BOOT}/boot/new.c, and OVERRIDES in'),
    # What `sed -i` does to a link.
    (lambda stage: (shutil.copyfile(stage / 'boot/memmap.c', stage / 'x'),
                    (stage / 'boot/memmap.c').unlink(),
                    (stage / 'x').rename(stage / 'boot/memmap.c')),
     f'boot/memmap.c: is no link to ../../{BOOT}/boot/memmap.c, and OVERRIDES'),
    (lambda stage: (stage / 'boot/report.h').unlink(),
     'OVERRIDES: boot/report.h is not there'),
    (lambda stage: (stage / 'boot/settings.c').unlink(),
     f'boot/settings.c: no link to that of {BOOT}'),
    (lambda stage: (stage.parent / f'{BOOT}/boot/added.c').write_text('\n'),
     f'boot/added.c: no link to that of {BOOT}'),
    (lambda stage: (stage / 'boot/settings.c').symlink_to('settings.h')
     if (stage / 'boot/settings.c').unlink() is None else None,
     'boot/settings.c: a link to settings.h, expected '
     f'../../{BOOT}/boot/settings.c'),
    (lambda stage: (stage / 'boot/report.h').write_bytes(
        (stage.parent / f'{BOOT}/boot/report.h').read_bytes()),
     f'boot/report.h differs in 0 lines from stages/{BOOT}/boot/report.h'),
    (lambda stage: (stage / 'boot/report.h').write_text('/* */\n' * 41),
     f'lines from stages/{BOOT}/boot/report.h, allowed are 1 to 40'),
    (lambda stage: (stage / 'Makefile').write_text(
        'OVERRIDES := boot/report.h boot/a.c boot/b.c \\\n\tnone/c.c\n'),
     'none/c.c: no earlier stage has it'),
    (lambda stage: (stage / 'Makefile').write_text(
        'OVERRIDES := boot/report.h boot/a.c boot/b.c boot/c.c\n'),
     'OVERRIDES: 4 files, at most 3'),
])
def test_an_override_that_is_not_as_named_is_found(copy, spoil, wanted):
    """Real but unnamed, named but missing, a lost link, another file."""
    spoil(override(copy))
    status, text = check(copy, 'links')
    assert status == 1
    assert wanted in text


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
    assert f'clang-format -i stages/{BOOT}/lib/bad.c' in text


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
    assert text.startswith(f'check warnings ...\n  {BOOT} ...\n')


def test_two_files_that_call_each_other_are_found(copy):
    """By what the linker sees (in a tree of one stage)."""
    shutil.rmtree(copy / 'final')
    for name in stages()[1:-1]:
        shutil.rmtree(copy / 'stages' / name)
    for name, other in (('one', 'two'), ('two', 'one')):
        (first_stage(copy) / f'lib/{name}.c').write_text(
            f'void {name}(void);\nvoid {other}(void);\n\n'
            f'void {name}(void)\n{{\n\t{other}();\n}}\n')
    status, text = check(copy, 'circles')
    assert status == 1
    assert text.count('a circle: ') == 1
    assert 'lib/one.c uses two' in text and 'lib/two.c uses one' in text


@pytest.mark.parametrize('name', ['CONTRIBUTING.md', 'ARCHITECTURE.md'])
def test_a_path_that_a_document_names_is_there(name):
    """Each file, from the top, or from the directory of the sentence."""
    text = (TOP / name).read_text()
    names = re.findall(r'`([\w./-]+/[\w.-]*\.\w+)`|\]\((.*?)\)', text)
    assert len(names) > 8
    for each in map(''.join, names):
        path = each.partition('#')[0]
        assert any((TOP / top / path).exists()
                   for top in ('', 'stages/05-vmx-ept', 'final')), each


@pytest.mark.parametrize('name', ['CONTRIBUTING.md', 'ARCHITECTURE.md'])
def test_a_function_that_a_document_names_is_in_the_code(name):
    """Each `name()`: a word of some stage, comments and strings apart."""
    named = set(re.findall(r'`(\w+)\(\)`', (TOP / name).read_text()))
    assert named or name == 'CONTRIBUTING.md'
    assert named <= words(None), named - words(None)
