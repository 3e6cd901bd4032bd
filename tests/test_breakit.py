"""The book's break-it patches do what they say: a sample, which moves on with
each commit (all: make test-breakit), and the tool that tries them."""
import os
import re
import subprocess
import sys

import breakit
import pytest
from common import TOP, ToolError, stages
from stage_names import PAGING

SAMPLE = 3 if os.environ.get('ALL') == '1' else 1
GOOD = f'''\
Stage: {PAGING}
Run: make run STAGE={PAGING} TEST=1
Symptom: it (broke|burnt)

Something is taken away.

--- a/stages/{PAGING}/paging/trap.c
+++ b/stages/{PAGING}/paging/trap.c
'''


def patch(tmp_path, text):
    """A patch file with this text, as read."""
    path = tmp_path / '02-x.patch'
    path.write_text(text)
    return breakit.read(path)


def test_every_patch_fits_the_tree(tmp_path):
    """All are read, and would apply without fuzz. Of a chapter about final, one
    may break an earlier stage, which shows the same in less."""
    known, last = breakit.patches(), stages()[-2]
    assert known
    breakit.renew(tmp_path, TOP)
    for each in known.values():
        assert each.name[:2] == each.stage[:2] or each.name[:2] > last[:2]
        breakit.apply(each, tmp_path, '--dry-run')


def test_each_stage_has_two_patches():
    """At least."""
    count = dict.fromkeys(stages(), 0)
    for each in breakit.patches().values():
        count[each.stage] += 1
    assert min(count.values()) >= 2, count


def test_a_sample_shows_its_symptoms():
    """As `make test-breakit`, which tries all."""
    done = subprocess.run(
        [sys.executable, TOP / 'tools/breakit.py', '--sample', str(SAMPLE)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert len(re.findall(': ok ', done.stdout)) == SAMPLE


def test_the_sample_comes_round_to_all():
    """With each commit it begins where the last one ended."""
    names = [f'{number:02}' for number in range(10)]
    seen = [breakit.sample(names, 3, number) for number in range(10)]
    assert all(len(each) == 3 for each in seen)
    assert {name for each in seen for name in each} == set(names)


@pytest.mark.parametrize('old, new, message', [
    (f'Stage: {PAGING}\n', '', 'no line Stage'),
    (f'Stage: {PAGING}\n', 'Stage: 02-pages\n', 'no stage 02-pages'),
    ('Run: make', 'Run: rm', 'Run: must be make'),
    ('TEST=1', 'TETS=1', 'not TETS=1'),
    ('Symptom: it (', 'Symptom: it ((', 'Symptom: '),
    ('Symptom', 'Sympton', 'no line Symptom'),
    ('Symptom:', 'Host: paging\nSymptom:', 'either Run: or Host:'),
    ('Something is taken away.', '', 'says nothing'),
    ('\n--- a', '\n-- a', 'no diff'),
])
def test_a_patch_with_a_bad_head_is_refused(tmp_path, old, new, message):
    """Each of these lines is needed, and is checked."""
    assert patch(tmp_path, GOOD).command == [
        'make', 'run', 'TIMEOUT=60', f'STAGE={PAGING}', 'TEST=1', 'BATCH=1']
    assert old in GOOD
    with pytest.raises(ToolError, match=re.escape(message)):
        patch(tmp_path, GOOD.replace(old, new))


@pytest.mark.parametrize('unbroken, status, broken, complaint', [
    ('all is well', 0, 'well, it broke', None),
    ('all is well', 0, 'all is well', "no 'it (broke|burnt)' in what"),
    ('it broke', 0, 'it broke', 'shows the symptom, too'),
    ('bad luck', 1, 'it broke', 'fails unbroken, too'),
])
def test_a_symptom_must_come_with_the_patch_and_only_then(
        tmp_path, monkeypatch, unbroken, status, broken, complaint):
    """The unbroken run must succeed without it, the broken one show it."""
    each, runs = patch(tmp_path, GOOD), [(status, unbroken), (None, broken)]
    monkeypatch.setattr(breakit, 'renew', lambda *_: None)
    monkeypatch.setattr(breakit, 'apply', lambda *_: None)
    monkeypatch.setattr(breakit, 'output_of', lambda *_: runs.pop(0))
    bench = breakit.Bench(tmp_path)
    if complaint is None:
        assert bench.judge(each) == 'it broke'
    else:
        with pytest.raises(ToolError, match=re.escape(complaint)):
            bench.judge(each)
