"""What the options leave out: what is built of it, and what a run expects."""
import re

import configs
import expectations
import pytest
import run
import tree
from common import ToolError

CHOSEN = {'NET': False, 'LOG': 'udp', 'BATCH': True}
# Without CONFIG_ASSERT none of these is called: they change nothing.
PURE = {'code_size', 'in_vmm_range', 'in_window', 'virt_to_phys', 'sizeof',
        'ARRAY_SIZE'}


def test_an_assertion_changes_nothing():
    found = 0
    for path in tree.sources('.c', tests=False):
        for text in re.findall(r'\bassert\((.*?)\);', path.read_text(), re.S):
            found += 1
            called = set(re.findall(r'\b(\w+)\(', text))
            assert called <= PURE, f'{path}: assert({text})'
            assert not re.search(r'\+\+|--|[^=!<>]=[^=]', text), \
                f'{path}: assert({text})'
    assert found > 5


def test_each_option_is_turned_round_alone():
    there = configs.switches()
    assert {'VMX', 'SVM', 'BACKTRACE', 'TEST'} <= there.keys()
    round_ = configs.turned_round()
    assert len(round_) == len(there)
    assert round_['VMX=n'] == 'CONFIG_VMX=n\n'
    assert round_['TEST=y'] == 'CONFIG_TEST=y\n'


def test_chance_can_be_repeated():
    assert configs.by_chance(7) == configs.by_chance(7)
    assert len(set(configs.by_chance(7).values())) == configs.RANDOM


@pytest.mark.parametrize('option, more, words', [
    ('NET', {'NET': True}, 'NET=1 wants a log over the network'),
    ('SERIAL', {}, 'BATCH=1 reads the serial port'),
])
def test_a_run_names_the_option_that_it_wants(option, more, words):
    chosen = {**CHOSEN, **more}
    run.need_options(chosen, {option: 'y'})
    run.need_options(chosen, {})        # an early stage has no such option
    with pytest.raises(ToolError, match=f'{words}.*CONFIG_{option} is off'):
        run.need_options(chosen, {option: ''})


def test_what_is_left_out_is_not_expected():
    text = ''.join(f'selftest: {name}: ok\n'
                   for name in ('paging', 'page', 'heap'))
    assert expectations.selftests(text, 'final', {'DOMAIN'}) == []
    assert expectations.selftests(text, 'final') == [
        'self-test pool: ok', 'self-test domain: ok']
    assert expectations.selftests('selftest: heap: FAILED\n', 'final',
                                  {'DOMAIN'})
