"""What the CPU may run ahead to in Vellum is not for the guest to choose."""
import re
import subprocess

import pytest
from common import BUILD


def _code(stage):
    """The instructions of a stage's image."""
    image = BUILD / stage / 'vellum.elf'
    if not image.is_file():
        pytest.fail(f'{image} is not built', pytrace=False)
    return subprocess.run(['objdump', '-d', '--no-show-raw-insn', image],
                          check=True, capture_output=True, text=True).stdout


def _function(code, name):
    return re.search(rf'^\w+ <{name}>:\n(.*?)(?:\n\n|\Z)', code,
                     re.M | re.S)[1]


@pytest.mark.parametrize('stage', ['05-vmx-ept', '06-smp', 'final'])
def test_no_indirect_branch_is_left_but_at_the_entry(stage):
    """The firmware's way in, before there is a guest, has some."""
    code = _code(stage)
    assert '<__x86_indirect_thunk_rax>' in code
    assert {line for line in re.findall(r'(?:call|jmp) +(\*.*)', code)
            if line != '*%r13'} == set()


@pytest.mark.parametrize('exit_label', ['vmx_exit_label', 'svm_enter'])
def test_calls_of_our_own_come_before_the_first_return(exit_label):
    """An exit is followed by 32 calls, in a loop of 16, and then by RET."""
    code = _code('05-vmx-ept')
    body = _function(code, exit_label)
    fill = body[body.index('$0x10,%ecx'):]
    assert len(re.findall(r'\bcall\b', fill)) == 2
    assert '$0x100,%rsp' in fill
    assert 'ret' not in body[:body.index('$0x10,%ecx')].split()
