"""The proof of the blocks' arithmetic, by Debian's theorem prover z3."""
import subprocess
from pathlib import Path

import pytest

THEOREM = Path(__file__).with_name('buddy.smt2').read_text()


def answers(theorem):
    """What z3 says to each claim: unsat when nothing can break it."""
    done = subprocess.run(['z3', '-in'], input=theorem, text=True,
                          stdout=subprocess.PIPE, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert not [line for line in lines if 'error' in line]
    return dict(zip(lines[::2], lines[1::2]))


def test_split_and_merge_are_proved_for_all_64_bit_numbers():
    """Seven claims hold, and are not empty: there are such blocks."""
    said = answers(THEOREM)
    assert said.pop('such blocks exist') == 'sat'
    assert list(said.values()) == 7 * ['unsat']


@pytest.mark.parametrize('right, wrong', [
    ('(bvxor i (power order))', '(bvor i (power order))'),
    ('(bvxor i (power order))', '(bvxor i order)'),
    ('(bvand i buddy)', '(bvor i buddy)'),
    ('(assert (bvult order highest))', '(assert (bvule order highest))')])
def test_a_wrong_formula_is_not_proved(right, wrong):
    """So an "unsat" above means something."""
    assert right in THEOREM
    assert 'sat' in list(answers(THEOREM.replace(right, wrong)).values())[:-1]
