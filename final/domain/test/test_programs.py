"""Programs in the image, and what their library knows."""
import graphlib
import re
import subprocess

import pytest
from common import BUILD, stage_dir

COUNTER = '__sanitizer_cov_trace_pc'
INSTRUCTION = re.compile(r'^ *([0-9a-f]+):\t(\S+) *([0-9a-f]+)? ?(<\S+>)?')


def _ways(path):
    """Where each instruction leads to. A call of the counter leads nowhere:
    who comes to it has yielded, or will."""
    text = subprocess.run(['objdump', '-d', '--no-show-raw-insn', path],
                          check=True, capture_output=True, text=True).stdout
    found = list(filter(None, map(INSTRUCTION.match, text.splitlines())))
    ways = {}
    for one, following in zip(found, found[1:] + [None]):
        at, name, target, symbol = one.groups()
        ways[at] = set()
        if symbol == f'<{COUNTER}>':
            continue
        if target and symbol:
            ways[at].add(target)
        if following and name not in ('jmp', 'ret', 'ud2'):
            ways[at].add(following[1])
    return ways


def _assert_loops_yield(path):
    assert _ways(path)
    try:
        graphlib.TopologicalSorter(_ways(path)).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f'{path}: a loop without a yield: '
                    f'{" ".join(error.args[1])}', pytrace=False)


def _compile(folder, text):
    path = folder / 'loop.o'
    subprocess.run(['gcc', '-Os', '-fsanitize-coverage=trace-pc', '-x', 'c',
                    '-c', '-o', path, '-'], input=text, text=True, check=True)
    # Its calls have addresses when it is linked.
    subprocess.run(['ld', '-e', '0', '-o', folder / 'loop',
                    f'--defsym={COUNTER}=0x10000', path], check=True)
    return folder / 'loop'


def test_every_loop_of_every_program_yields():
    """But for those in assembly, which the user library has none of."""
    programs = sorted((BUILD / 'final' / 'programs').rglob('*.elf'))
    assert programs, 'final is not built: make final does it'
    for program in programs:
        _assert_loops_yield(program)


def test_an_empty_loop_is_one_that_gcc_does_not_count(tmp_path):
    """So make refuses it, and this finds it."""
    counted = 'void f(volatile int *p) { while (*p); }'
    _assert_loops_yield(_compile(tmp_path, counted))
    empty = _compile(tmp_path, 'void f(void) { for (;;); }')
    with pytest.raises(pytest.fail.Exception, match='without a yield'):
        _assert_loops_yield(empty)


def test_every_error_of_vellum_has_a_text_for_people():
    """error_text() has a row for each number of lib/errno.h, in their order."""
    final = stage_dir('final')
    numbers = re.findall(r'#define (E\w+) +\d',
                         (final / 'lib' / 'errno.h').read_text())
    assert 'ENOENT' in numbers
    assert re.findall(r'\{(E\w+), "\w.*"\},',
                      (final / 'domain/user/user.c').read_text()) == numbers
