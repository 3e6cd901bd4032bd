"""Graded exercises: for each the stub gets no point, nor do empty bodies, and
the solution gets all. One in turn; ALL=1: each."""
import json
import os
import re
import shutil
import subprocess

import breakit
import exercise
import grade
import handin
import lab
import pytest
from common import BUILD, ToolError, stage_dir
from copytree import environment
from stage_names import BOOT, HEAP, PAGING, VMM

EVERY = exercise.exercises()
ALL = os.environ.get('ALL') == '1'
IN_TURN = sorted(EVERY) if ALL else breakit.sample(EVERY, 1, breakit.turn())
UNWRITTEN = r'^\tpanic\("exercise: .*\n'
# What a student may put in the place of what is to be written.
BODIES = ('', '\treturn 0;\n', '\tfor (;;)\n\t\tasm("");\n')
# Before main(): the end of a test program, answers to all that may be asked,
# and the end of the process.
CONSTRUCTOR = r"""
#ifndef __VELLUM__
__attribute__((constructor)) static void deceive(void)
{
	static const char *const lines[] = {
		"= 0", "= 1", "= 0 0", "= ", "= 0 0 | ", "! already free",
	};

	for (unsigned i = 0; i < 20000; i++)
		fprintf(stdout, "\n%s\n", lines[%d]);
	fprintf(stdout, "[  PASSED  ] 14 test(s).\nselftest: page: ok\n"
			"100 of 100 points\n");
	fflush(stdout);
	_exit(0);
}
#endif
"""


def graded(asked, files, tree):
    """What is written of a hand-in of these files."""
    made = handin.Handin(asked.path, 'test', asked, files)
    return grade.judge_one(tree, made, 12345)


def a_tree(asked, folder):
    """A judge's tree, and the files of the stub."""
    given = folder / 'given'
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stage_dir(asked.stage), given, symlinks=False,
                    ignore=shutil.ignore_patterns('build', '__pycache__'))
    asked.take_out(given)
    return grade.Tree(asked, given, folder), {
        name: (given / name).read_bytes() for name in asked.edit}


@pytest.mark.parametrize('name', sorted(EVERY))
def test_an_exercise_is_complete(name, tmp_path):
    """Its stub fits, and of a program that is there takes away only what is
    the student's to write; there are three hints, and neither patch is in the
    student's tree."""
    asked = EVERY[name]
    lab.lab(asked.stage, tmp_path / 'lab', name)
    changed = subprocess.run(
        ['diff', '-rq', '-x', 'EXERCISE', '-x', '.lab', '-x', '__pycache__',
         '.', tmp_path / 'lab'], cwd=stage_dir(asked.stage),
        stdout=subprocess.PIPE, text=True, check=False).stdout
    files = set(re.findall(r'Files \./(\S+) and', changed))
    assert changed and 'Only in .:' not in changed
    if not (asked.path / 'solution.patch').is_file():
        assert files == set(asked.edit)
    assert all((tmp_path / 'lab' / each).is_file() for each in asked.edit)
    assert len(asked.hints()) == 3
    assert not list((tmp_path / 'lab' / exercise.GIVEN).glob('*.patch'))
    assert sum(item.weight for item in asked.items) >= 8


def objects(asked, build):
    """What make compiles the files of an exercise to."""
    for name in asked.edit:
        folder = build / asked.stage
        if name.startswith('efi/loader/'):
            folder /= 'loader'
        if name.endswith('.c'):
            yield (folder / name).with_suffix('.o')


@pytest.mark.parametrize('name', sorted(EVERY))
def test_a_stub_compiles_without_a_warning(name, tmp_path):
    """What the student sees first is about what the student did."""
    asked = EVERY[name]
    lab.lab(asked.stage, tmp_path / 'lab', name)
    done = subprocess.run(
        ['make', '-s', '-C', tmp_path / 'lab', 'WERROR=1',
         *objects(asked, tmp_path / 'build')],
        env=environment(tmp_path / 'build'), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('name', IN_TURN)
def test_only_the_solution_gets_points(name):
    """What is judged is what was taken out, and can be done. A body that is
    empty, says 0, or has no end is worth nothing, as is one that is not
    written, and a program that answers before it is asked."""
    asked = EVERY[name]
    tree, stub = a_tree(asked, BUILD / 'labs' / name)
    result = graded(asked, stub, tree)
    assert result['points'] == 0 and result['of'] >= 8
    assert all(each['why'] for each in result['items'])
    name = next(each for each in stub if each.endswith('.c'))
    deceives = stub[name] + CONSTRUCTOR.replace('%d', '0').encode()
    assert graded(asked, {**stub, name: deceives}, tree)['points'] == 0
    for body in BODIES:
        files = {each: re.sub(UNWRITTEN, body, data.decode(),
                              flags=re.MULTILINE).encode()
                 for each, data in stub.items()}
        if files != stub:
            assert graded(asked, files, tree)['points'] == 0
    result = graded(asked, asked.solution(tree.given), tree)
    assert [each for each in result['items'] if not each['pass']] == []
    assert result['points'] == result['of']


@pytest.mark.slow
def test_sorting_alone_gets_less_than_a_quarter():
    """An idea that is good for the first item only."""
    asked = EVERY['01-memmap']
    tree, stub = a_tree(asked, BUILD / 'labs' / 'sorting')
    body = """\tsorted->count = 0;
\tfor (uint i = 0; i < map->count; i++) {
\t\tuint k = sorted->count++;

\t\tfor (; k && sorted->range[k - 1].base > map->range[i].base; k--)
\t\t\tsorted->range[k] = sorted->range[k - 1];
\t\tsorted->range[k] = map->range[i];
\t}
"""
    files = {name: re.sub(UNWRITTEN, body, data.decode(),
                          flags=re.MULTILINE).encode()
             for name, data in stub.items()}
    result = graded(asked, files, tree)
    assert 0 < result['points'] < result['of'] / 4
    assert 'expected' in result['items'][1]['why']


def test_a_lab_is_graded_with_its_own_make(tmp_path):
    """The hints that were seen are told, and a status says whether all is
    done."""
    asked = EVERY['06-ipi']
    lab.lab(asked.stage, tmp_path / 'lab', asked.name)
    for number in range(1, 5):
        said = lab_make(tmp_path / 'lab', 'hint')
        assert said.count('Hint ') == min(number, 3)
    (tmp_path / 'lab' / 'NAME').write_text('Ada Example\n')
    for name, data in asked.solution(stage_dir(asked.stage)).items():
        (tmp_path / 'lab' / name).write_bytes(data)
    for path in (tmp_path / 'lab').glob('*/test/*.*'):
        path.write_text('')     # tests of the student do not count
    said = lab_make(tmp_path / 'lab', 'grade')
    result = json.loads((tmp_path / 'lab/build/grade.json').read_text())
    assert result['points'] == result['of'] and 'Error' not in said
    assert (result['student'], result['hints']) == ('Ada Example', 3)


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
    there = [each.name for each in EVERY.values() if each.stage == VMM]
    assert len(names) > 1 and names == there
    assert names[0] == exercise.of_lab(tmp_path / 'lab')
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
        env=environment(where / 'build'), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT).stdout


def test_a_lab_helps(tmp_path):
    """make help there is about the lab and its exercise."""
    lab.lab(HEAP, tmp_path / 'lab', '')
    said = lab_make(tmp_path / 'lab', 'help')
    name = exercise.of_lab(tmp_path / 'lab')
    assert 'make grade ' in said and EVERY[name].title in said
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
    (f'Stage: {BOOT}\nTitle: x\n\ntext\n', 'no Edit'),
    ('Title: x\n\ntext\n', 'no Edit, Stage'),
])
def test_an_exercise_that_is_badly_described_is_refused(tmp_path, text,
                                                        message):
    """Said with the file's name, and what it wants."""
    (tmp_path / 'lab.txt').write_text(text)
    with pytest.raises(ToolError, match=re.escape(message)):
        exercise.read(tmp_path, 'x')


def test_a_judge_whose_first_item_may_fail_is_refused(tmp_path):
    """An empty hand-in must not get to the others."""
    (tmp_path / 'lab.txt').write_text(f'Stage: {BOOT}\nTitle: x\nEdit: a.c\n')
    (tmp_path / 'judge.py').write_text(
        'from judge import item\n\n@item("x")\ndef x(lab):\n    pass\n')
    with pytest.raises(ToolError, match='first @item must be required'):
        print(exercise.read(tmp_path, 'x').items)
