"""Graded exercises: the stub fails each item, the tree as it is passes all,
and grading is not deceived. One exercise in turn; ALL=1: each."""
import json
import os
import re
import shutil
import subprocess

import breakit
import exercise
import grade
import lab
import pytest
from common import BUILD, ToolError, stage_dir
from stage_names import BOOT, HEAP, PAGING, VMM

EVERY = exercise.exercises()
ALL = os.environ.get('ALL') == '1'
IN_TURN = sorted(EVERY) if ALL else breakit.sample(EVERY, 1, breakit.turn())


def graded(where, name):
    """Grade a lab with its own make; what grade.json says."""
    env = grade.environment(BUILD / 'labs' / name)
    subprocess.run(['make', '-C', where, 'grade'], env=env, check=False,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return json.loads((BUILD / 'labs' / name / 'grade.json').read_text())


def solve(where, asked):
    """Put the solution, which is our tree, into a lab."""
    for name in asked.edit:
        shutil.copyfile(stage_dir(asked.stage) / name, where / name)


@pytest.fixture
def small(tmp_path, monkeypatch, request):
    """A lab of the first stage with an item for the host, and its judge; in a
    place of its own, since tests run side by side."""
    asked = EVERY['01-memmap']
    assert lab.lab(asked.stage, tmp_path / 'lab', asked.name) == 0
    asked.items = [item for item in asked.items if item.function ==
                   'where_entries_overlap_what_is_not_ram_wins']
    build = BUILD / 'labs' / request.node.name
    monkeypatch.setattr(grade, 'BUILD', build)
    monkeypatch.setattr(grade, 'TEST_SECONDS', 3)
    (build / 'grade').mkdir(parents=True, exist_ok=True)
    return tmp_path / 'lab', grade.Tree(asked, grade.given_here(asked)), asked


@pytest.mark.parametrize('name', sorted(EVERY))
def test_an_exercise_is_complete(name, tmp_path):
    """Its stub fits, changes only what is the student's, and its files and
    test functions are there."""
    asked = EVERY[name]
    lab.lab(asked.stage, tmp_path / 'lab', name)
    changed = subprocess.run(
        ['diff', '-rq', '-x', 'EXERCISE', '-x', '.lab', '-x', 'exercise',
         '-x', '__pycache__', '.', tmp_path / 'lab'],
        cwd=stage_dir(asked.stage), stdout=subprocess.PIPE, text=True,
        check=False).stdout
    assert set(re.findall(r'Files \./(\S+) and', changed)) == set(asked.edit)
    assert 'Only in' not in changed
    tests = ''.join(path.read_text() for path in
                    (tmp_path / 'lab').glob('*/test/*.c'))
    for item in asked.items:
        assert not item.program or re.search(
            item.function.replace('*', r'\w*'), tests), item.title


def objects(asked, build):
    """What make compiles the files of an exercise to."""
    for name in asked.edit:
        folder = build / asked.stage
        if name.startswith('efi/loader/'):
            folder /= 'loader'
        yield (folder / name).with_suffix('.o')


@pytest.mark.parametrize('name', sorted(EVERY))
def test_a_stub_compiles_without_a_warning(name, tmp_path):
    """What the student sees first is about what the student did."""
    asked = EVERY[name]
    lab.lab(asked.stage, tmp_path / 'lab', name)
    done = subprocess.run(
        ['make', '-s', '-C', tmp_path / 'lab', 'WERROR=1',
         *objects(asked, tmp_path / 'build')],
        env=grade.environment(tmp_path / 'build'), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('name', IN_TURN)
def test_a_stub_fails_each_item_and_the_solution_passes_all(name):
    """What is graded is what was taken out, and can be done."""
    asked, where = EVERY[name], BUILD / 'labs' / name / 'lab'
    shutil.rmtree(where, ignore_errors=True)
    lab.lab(asked.stage, where, name)
    result = graded(where, name)
    assert [each['item'] for each in result['items'] if each['pass']] == []
    assert all(each['why'] for each in result['items'])
    solve(where, asked)
    result = graded(where, name)
    assert [each for each in result['items'] if not each['pass']] == []
    assert result['passed'] == result['of'] == len(asked.items)


def test_tests_and_tools_of_the_student_do_not_count(small):
    """Only the files that are named are taken from a lab."""
    where, tree, _ = small
    for path in [*where.glob('*/test/*'), *where.glob('tests/host/*'),
                 *where.glob('mk/*'), *where.glob('tools/*')]:
        if path.is_file():
            path.write_text('')
    result = tree.judge(where)
    assert (result['passed'], result['of']) == (0, 1)
    assert 'is yours to write' in result['items'][0]['why']


def test_what_does_not_build_is_told_and_what_was_right_passes(small):
    """A result for each item, whatever the files are like."""
    where, tree, asked = small
    solve(where, asked)
    assert tree.judge(where)['passed'] == 1
    with open(where / asked.edit[0], 'a', encoding='utf-8') as file:
        file.write('int broken(void) { return }\n')
    assert f'does not build: {where}/boot/memmap.c' in \
        tree.judge(where)['items'][0]['why']
    (where / asked.edit[0]).unlink()
    result = tree.judge(where)
    assert result['problems'] == ['boot/memmap.c: no such file']
    assert result['passed'] == 0


def test_what_never_ends_is_ended(small):
    """After some seconds, and counts as failed."""
    where, tree, asked = small
    solve(where, asked)
    path = where / asked.edit[0]
    path.write_text(path.read_text().replace(
        '\treport_overlaps(map);\n', '\tfor (;;)\n\t\t;\n'))
    assert tree.judge(where)['items'][0]['why'] == 'not done after 3 s'


def test_a_class_is_graded_lab_by_lab(tmp_path, monkeypatch, capsys):
    """make grade DIR=: one result each, and all of them in one file."""
    asked = EVERY['01-memmap']
    asked.items = asked.items[:1]
    monkeypatch.setattr(exercise, 'exercises', lambda: {asked.name: asked})
    monkeypatch.setattr(grade, 'BUILD', BUILD / 'labs' / 'class')
    (BUILD / 'labs' / 'class' / 'grade').mkdir(parents=True, exist_ok=True)
    for name in ('anna', 'ben'):
        lab.lab(asked.stage, tmp_path / name, asked.name)
    solve(tmp_path / 'ben', asked)
    assert grade.grade([str(tmp_path)]) == 0
    results = json.loads((BUILD / 'labs/class/grades.json').read_text())
    assert [(each['lab'].rpartition('/')[2], each['passed'])
            for each in results] == [('anna', 0), ('ben', 1)]
    said = capsys.readouterr().out
    assert re.search(r'^--- .*/ben\n01-memmap: .*\n  pass  .*\n'
                     r'1 of 1 items pass', said, re.MULTILINE)


def test_a_lab_without_exercise_is_the_whole_program(tmp_path):
    """EXERCISE=none, as make lab has always done; and there is no other."""
    lab.lab(PAGING, tmp_path / 'lab', 'none')
    assert not (tmp_path / 'lab' / exercise.GIVEN).exists()
    assert subprocess.run(
        ['diff', '-rq', '-x', '__pycache__', stage_dir(PAGING),
         tmp_path / 'lab'], check=False).returncode == 0
    with pytest.raises(ToolError, match='no such exercise .*none'):
        lab.lab(PAGING, tmp_path / 'other', '01-memmap')


def test_without_exercise_all_are_named_and_the_books_first_is_taken(
        tmp_path, capsys):
    """A line for each, in the order of the chapters; and without DIR, too."""
    lab.lab(VMM, tmp_path / 'lab', '')
    said = capsys.readouterr().out
    names = re.findall(r'^  (\S+) +\S', said, re.MULTILINE)
    assert len(names) > 1 and set(names) == {
        each.name for each in EVERY.values() if each.stage == VMM}
    # The chapter that introduces vmm/ comes before that of vmx/.
    assert names[0] == exercise.of_lab(tmp_path / 'lab') == '05-hide'
    with pytest.raises(ToolError, match=f'make lab STAGE={VMM} DIR='):
        lab.start([VMM])
    assert re.findall(r'^  (\S+) +\S', capsys.readouterr().out,
                      re.MULTILINE) == names


def test_a_lab_of_the_first_stage_is_about_its_chapter(tmp_path):
    """What is for UEFI is in final/."""
    lab.lab(BOOT, tmp_path / 'lab', '')
    assert exercise.of_lab(tmp_path / 'lab') == '01-memmap'


def lab_make(where, *words):
    """make in a lab, called from elsewhere; what it says."""
    return subprocess.run(
        ['make', '-C', where, *words], cwd='/', check=False, text=True,
        env=grade.environment(where / 'build'), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT).stdout


def test_a_lab_helps(tmp_path):
    """make help there is about the lab and its exercise."""
    lab.lab(HEAP, tmp_path / 'lab', '')
    said = lab_make(tmp_path / 'lab', 'help')
    assert 'make grade ' in said and EVERY['04-slots'].title in said
    assert 'STAGE=' not in said and 'make lab' not in said


def test_what_the_compiler_and_the_linker_say_leads_to_the_file(tmp_path):
    """From wherever make was called: an editor opens it at a click."""
    where = tmp_path / 'lab'
    lab.lab(BOOT, where, 'none')
    path = where / 'boot' / 'memmap.c'
    good = path.read_text()
    path.write_text(good + 'int broken(void) { return }\n')
    assert f'{path}:{good.count(chr(10)) + 1}:' in lab_make(where)
    path.write_text(good)
    path = where / 'main.c'     # what is used: the rest is not linked
    path.write_text('int missing(void);\n' + path.read_text().replace(
        '\n{\n', '\n{\n\tmissing();\n'))
    assert re.search(rf'{path}:\d+: undefined reference to `missing',
                     lab_make(where))


@pytest.mark.parametrize('text, message', [
    (f'Stage: {BOOT}\nTitle: x\n\nItem: y\n    host a b\n', 'no Edit'),
    (f'Stage: {BOOT}\nTitle: x\nEdit: a.c\n', 'no Item'),
    (f'Stage: {BOOT}\nTitle: x\nEdit: a.c\n\nItem: y\n    host a\n',
     'wants "host PROGRAM TEST"'),
    (f'Stage: {BOOT}\nTitle: x\nEdit: a.c\n\nItem: y\n    boot NO=1\n    z\n',
     'wants "host PROGRAM TEST"'),
    (f'Stage: {BOOT}\nTitle: x\nEdit: a.c\n\nItem: y\n    boot\n    (\n',
     'Item: y: '),
])
def test_an_exercise_that_is_badly_described_is_refused(tmp_path, text,
                                                        message):
    """Said with the file's name, and what it wants."""
    (tmp_path / 'lab.txt').write_text(text)
    with pytest.raises(ToolError, match=re.escape(message)):
        exercise.read(tmp_path, 'x')
