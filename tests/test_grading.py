"""Grading is not deceived: what a hand-in says of itself does not count, what
it must not see is not there, and what does not end is ended. And hand-ins are
taken as they come, or named."""
import csv
import io
import json
import os
import re
import tarfile
import time
import zipfile

import exercise
import grade
import handin
import judge
import lab
import pytest
import sandbox
from common import BUILD, TOP, ToolError
from test_labs import CONSTRUCTOR, EVERY, UNWRITTEN, a_tree, graded


def slow(*values):
    """Values for a test's variants that run with ALL=1."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


WHOLE = pytest.mark.skipif(bool(sandbox.missing()), reason=sandbox.missing())
MERGE, IPI = EVERY['03-merge'], EVERY['06-ipi']


@pytest.fixture(scope='module')
def merge():
    """The judge of 03-merge, and its stub; tests run side by side."""
    worker = os.environ.get('PYTEST_XDIST_WORKER', 'alone')
    return a_tree(MERGE, BUILD / 'labs' / f'grading-{worker}')


def changed(stub, body='', behind=''):
    """The stub with other bodies, and more behind it."""
    return {name: (re.sub(UNWRITTEN, lambda _: body, data.decode(),
                          flags=re.MULTILINE) + behind).encode()
            for name, data in stub.items()}


@pytest.mark.parametrize('number', [0, *slow(1, 2, 4)])
def test_a_constructor_that_prints_that_all_is_well_gets_nothing(merge,
                                                                 number):
    """Nor do answers that are the same to whatever is asked."""
    tree, stub = merge
    files = changed(stub, behind=CONSTRUCTOR.replace('%d', str(number)))
    result = graded(MERGE, files, tree)
    assert result['points'] == 0
    assert 'does not build' not in result['items'][0]['why']


def test_constants_in_the_place_of_answers_get_nothing(merge):
    """A body that makes one and the same block, whatever was freed."""
    tree, stub = merge
    result = graded(MERGE, changed(
        stub, '\tlink_block(&vmm_pool.page[0], 4);\n\treturn 0;\n'), tree)
    assert result['points'] == 0


@pytest.mark.slow
@pytest.mark.parametrize('end', ['nothing to boot; halted', 'no end'])
def test_a_boot_that_prints_what_a_good_one_prints_gets_nothing(merge, end):
    """All else is right; only the machine's memory is not. Or it has no
    end."""
    tree, _ = merge
    files = MERGE.solution(tree.given)
    text = files['page/page.c'].decode()
    lie = """#ifdef __VELLUM__
#include "console/printf.h"
int setup_pages(struct page *page, void *virt, phys_t phys, u32 pages, u32 used)
{
	printf("selftest: page: ok\\nvellum: END\\n");
	for (;;)
		asm volatile("cli; hlt");
}
#else
int setup_pages("""
    lie = lie.replace('END', end)
    files['page/page.c'] = (text.replace('int setup_pages(', lie)
                            + '#endif\n').encode()
    result = graded(MERGE, files, tree)
    wrong = [each['item'] for each in result['items'] if not each['pass']]
    assert wrong == ['the machine boots, and its pages are whole']


@pytest.mark.parametrize('which', [2, *slow(0, 1)])
def test_what_hangs_costs_one_limit(merge, which):
    """Whichever of the three functions it is; the others are right."""
    tree, stub = merge
    asked = [r'(put_block\(u64 i, u32 order\)\n\{\n)',
             r'(split_block\(.*\n\{\n)', r'(take_block\(u32 order\)\n\{\n)']
    good = MERGE.solution(tree.given)['page/page.c'].decode()
    text, count = re.subn(asked[which], r'\1\tfor (;;)\n\t\tasm("");\n', good)
    assert count == 1
    begin = time.monotonic()
    tree.take({'page/page.c': text.encode()}, 'lab')
    mine = judge.Lab(tree, MERGE.path, 1)
    tree.child()
    built = time.monotonic()
    items = judge.judge(MERGE.items, mine, lambda *_: None)
    assert time.monotonic() - built < judge.HANG_SECONDS + 5, begin
    assert any('does not end' in each['why'] for each in items)
    assert not all(each['pass'] for each in items)


@WHOLE
@pytest.mark.parametrize('line', [
    f'#include "{MERGE.path}/judge.py"', *slow(
        'asm(".incbin \\"/etc/shadow\\"");', '#include "/etc/passwd"',
        f'asm(".incbin \\"{MERGE.path}/judge.py\\"");',
        'asm(".include \\"/etc/passwd\\"");'),
])
def test_a_compiler_does_not_read_what_is_not_the_labs(merge, line):
    """There is no such file where it runs."""
    tree, stub = merge
    result = graded(MERGE, changed(stub, behind=f'\n{line}\n'), tree)
    assert re.search(r'does not build: .*No such file|can.t open|not found',
                     result['items'][0]['why']), result['items'][0]['why']


@WHOLE
def test_a_program_in_the_sandbox_sees_and_changes_nothing(tmp_path):
    """No file of ours, no network, no right, and a limit for each thing."""
    (tmp_path / 'secret').write_text('secret')
    script = (f'cat {tmp_path}/secret {TOP}/README.md /etc/shadow; id -u; '
              'touch /usr/x /tmp/x/y /x; cat /proc/net/route | wc -l; '
              'ls /root /home; echo end')
    done = sandbox.run(['sh', '-c', script], sandbox.Limits(seconds=10))
    assert 'secret' not in done.out and 'root:' not in done.out
    assert done.out.split()[-1] == 'end'
    if sandbox.is_root():
        assert done.out.split()[0] == sandbox.NOBODY
    assert sandbox.run(['sleep', '60'], sandbox.Limits(1)).status is None
    large = sandbox.run(['head', '-c', '99M', '/dev/zero'],
                        sandbox.Limits(10))
    assert large.status != 0 and len(large.out) <= sandbox.OUTPUT
    hungry = 'x = bytearray(3 << 30)'
    assert sandbox.run(['python3', '-c', hungry],
                       sandbox.Limits(10)).status != 0


@pytest.mark.skipif(not sandbox.is_root(), reason='only root can be another')
def test_without_bubblewrap_it_is_another_user_with_limits(monkeypatch,
                                                           capsys):
    """And what is lacking is said."""
    monkeypatch.setattr(sandbox, 'missing', lambda: 'not here')
    done = sandbox.run(['sh', '-c', 'id -u; ulimit -t; cat /etc/shadow'],
                       sandbox.Limits(seconds=2))
    assert done.out.split() == [sandbox.NOBODY, '9']
    sandbox.warn()
    assert 'not here' in capsys.readouterr().out


def test_what_was_seen_is_said(merge):
    """With the numbers of the pages."""
    tree, stub = merge
    text = MERGE.solution(tree.given)['page/page.c'].decode().replace(
        '\tif (page[buddy].type != PAGE_FREE + order)\n\t\t\tbreak;',
        '\tif (order > 2 || page[buddy].type != PAGE_FREE + order)\n'
        '\t\t\tbreak;')
    result = graded(MERGE, {'page/page.c': text.encode()}, tree)
    assert re.search(r'expected free in the page array: order \d+ at \d+; '
                     r'saw: order \d at \d+, order \d at \d+',
                     ' '.join(each['why'] for each in result['items']))
    result = graded(MERGE, changed(stub, behind='int broken(void) {'), tree)
    assert re.search(r'does not build: \S+page/page.c:\d+:\d+: error',
                     result['items'][0]['why'])


@pytest.mark.parametrize('trouble, said', [
    (ToolError('QEMU: ended\nmore'), 'cannot be judged: QEMU: ended'),
    (IndexError('list index out of range'), 'an answer that is none: list'),
    (judge.Wrong('expected 1\x1b[2J'), 'expected 1?[2J')])
def test_one_item_that_cannot_be_judged_does_not_end_a_class(trouble, said):
    """The next is judged, and the next hand-in."""
    def fails(_):
        raise trouble
    items = [judge.Item('one', fails), judge.Item('two', lambda _: None)]
    one, two = judge.judge(items, judge.Lab(None, None, 1), lambda *_: None)
    assert one['why'].startswith(said) and two['pass']


# --- hand-ins

def ipi(folder, text=None):
    """A folder with the one file of 06-ipi."""
    (folder / 'smp').mkdir(parents=True)
    data = IPI.solution(None)['smp/lapic.c']
    (folder / 'smp/lapic.c').write_bytes(data if text is None else text)
    return folder


def members(*pairs):
    """A tar archive's members."""
    for name, data in pairs:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        yield info, io.BytesIO(data)


def test_hand_ins_are_taken_as_they_come(tmp_path):
    """A lab, an archive of it one folder deep, a file alone; with names."""
    data = IPI.solution(None)['smp/lapic.c']
    with tarfile.open(tmp_path / 'ben.tar.gz', 'w:gz') as archive:
        for member in members(('lab/smp/lapic.c', data),
                              ('lab/.lab/name', b'06-ipi\n'),
                              ('lab/.lab/hints', b'2\n'),
                              ('lab/NAME', 'Bên Őz\n'.encode())):
            archive.addfile(*member)
    with zipfile.ZipFile(tmp_path / 'cleo.zip', 'w') as archive:
        archive.writestr('x/y/smp/lapic.c', data)
        archive.writestr('x/y/EXERCISE', IPI.title + '\n')
    ipi(tmp_path / 'anna')
    (tmp_path / 'dan').mkdir()
    (tmp_path / 'dan' / 'lapic.c').write_bytes(data)
    moodle = tmp_path / 'Eve Ex_42_assignsubmission_file_'
    moodle.mkdir()
    (tmp_path / 'cleo.zip').rename(moodle / 'cleo.zip')
    found = list(handin.handins(tmp_path, EVERY, '06-ipi'))
    assert [each.student for each in found] == ['Eve Ex', 'anna', 'Bên Őz',
                                                'dan']
    assert all(each.files == {'smp/lapic.c': data} and each.asked is IPI
               and not each.problems for each in found)
    assert found[2].hints == 2
    assert [each.asked for name in ('dan', 'anna', 'ben.tar.gz') for each in
            handin.handins(tmp_path / name, EVERY)] == [IPI] * 3
    assert [each.asked for each in handin.handins(tmp_path, EVERY)] == \
        [IPI] * 4


def test_a_hand_in_that_leads_elsewhere_is_refused(tmp_path):
    """Links, and names with `..`: each is named, and nothing is read."""
    (tmp_path / 'link').symlink_to('/etc')
    folder = ipi(tmp_path / 'one')
    (folder / 'smp/lapic.c').unlink()
    (folder / 'smp/lapic.c').symlink_to('/etc/shadow')
    (tmp_path / 'two').mkdir()
    (tmp_path / 'two' / 'smp').symlink_to('/etc')
    with tarfile.open(tmp_path / 'slip.tgz', 'w:gz') as archive:
        archive.addfile(*next(members(('../../smp/lapic.c', b'x'))))
    with tarfile.open(tmp_path / 'tarlink.tgz', 'w:gz') as archive:
        info = tarfile.TarInfo('smp/lapic.c')
        info.type, info.linkname = tarfile.SYMTYPE, '/etc/shadow'
        archive.addfile(info)
    with zipfile.ZipFile(tmp_path / 'zipslip.zip', 'w') as archive:
        archive.writestr('/etc/smp/lapic.c', 'x')
    (tmp_path / 'zzz.zip').write_bytes(b'no archive')
    (tmp_path / 'gina.pdf').write_bytes(b'%PDF')
    found = {each.student: each for each in
             handin.handins(tmp_path, EVERY, '06-ipi')}
    said = {name: each.problems[0] for name, each in found.items()}
    assert all(not each.files for each in found.values())
    assert said == {
        'link': 'is a symbolic link',
        'one': 'smp/lapic.c: is a symbolic link',
        'two': 'smp: is a symbolic link',
        'slip': "has a file '../../smp/lapic.c', which leads out of it",
        'tarlink': 'smp/lapic.c: is a link, or no file',
        'zipslip': "has a file '/etc/smp/lapic.c', which leads out of it",
        'gina.pdf': 'is no folder, and no archive (.tar.gz, .tgz, .tar, .zip)',
        'zzz': 'cannot be read as an archive: File is not a zip file'}


def test_an_archive_that_is_too_large_is_refused(tmp_path, monkeypatch):
    """By what it says of itself, before it is unpacked."""
    monkeypatch.setattr(handin, 'ARCHIVE_LIMIT', 1 << 20)
    with zipfile.ZipFile(tmp_path / 'bomb.zip', 'w',
                         zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('zeros', bytes(2 << 20))
    with tarfile.open(tmp_path / 'bomb.tar.gz', 'w:gz') as archive:
        archive.addfile(*next(members(('zeros', bytes(2 << 20)))))
    monkeypatch.setattr(handin, 'FILE_LIMIT', 100)
    for each in handin.handins(tmp_path, EVERY):
        assert 'when it is unpacked' in each.problems[0]
    ipi(tmp_path / 'large' / 'x', b'x' * 101)
    large, = handin.handins(tmp_path / 'large', EVERY, '06-ipi')
    assert large.problems == ['smp/lapic.c: larger than 100 bytes']


def test_which_exercise_it_is_for_must_be_clear(tmp_path):
    """Two that ask for the same file are told apart by EXERCISE=."""
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a' / 'page.c').write_text('')
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / 'other.c').write_text('')
    first, second = handin.handins(tmp_path, {'03-merge': MERGE, 'other':
                                              exercise.Exercise(
        MERGE.path, 'other', MERGE.stage, 'x', ['page/page.c'], '')})
    assert first.problems == ['may be for 03-merge, other: EXERCISE= says '
                              'which']
    assert second.problems == ['has the files of no exercise']
    with pytest.raises(ToolError, match='no lab, and no directory of labs'):
        (tmp_path / 'none').mkdir()
        list(handin.handins(tmp_path / 'none', EVERY))


def test_a_class_is_graded_with_a_table_at_the_end(tmp_path, monkeypatch,
                                                   capsys):
    """make grade DIR=: a file for each, and one of all, as JSON and CSV."""
    monkeypatch.setattr(exercise, 'exercises', lambda: {IPI.name: IPI})
    monkeypatch.setattr(grade, 'BUILD', BUILD / 'labs' / 'class')
    monkeypatch.chdir(tmp_path)
    lab.lab(IPI.stage, tmp_path / 'anna', IPI.name)
    ben = '$(shell touch x) `x` ;'      # what make and a shell would run
    ipi(tmp_path / ben)
    (tmp_path / ben / 'NAME').write_text('=1+1\x1b[2J Ben\n')
    (tmp_path / 'carl').symlink_to('/')
    assert grade.grade([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert not list(tmp_path.glob('**/x'))
    assert re.search(r'^--- anna .*\n06-ipi: .*\n  FAIL +0 of 2  .*\n +ask .*'
                     r'panic: exercise: .*\n  -  ', said, re.MULTILINE)
    total = sum(each.weight for each in IPI.items)
    summary = said.partition('\nSummary\n')[2]
    assert re.search(rf'=1\+1\[2J Ben +06-ipi +{total} of {total}  \n'
                     rf'  anna +06-ipi +0 of {total}  ask .*\n'
                     r'  carl +- +is a symbolic link', summary)
    results = json.loads((BUILD / 'labs/class/grades.json').read_text())
    assert sorted(each['points'] for each in results) == [0, 0, total]
    table = list(csv.reader((BUILD / 'labs/class/grades.csv').open()))
    assert [row[0] for row in table] == ['student', "'=1+1[2J Ben", 'anna',
                                         'carl']
