"""Boot test of the panic path: memory for whoever comes after a panic."""
import os
import subprocess

import expectations
import pytest

from common import BUILD, stage_dir


@pytest.fixture(scope='module')
def failing_image(tmp_path_factory):
    """Vellum whose second allocation fails: that of the demonstration."""
    root = BUILD / 'test-panic'
    subprocess.run(['make', '--no-print-directory', '-C',
                    stage_dir('03-buddy'), 'all', 'MM_FAIL_AT=2', 'TEST=',
                    f'BUILD_ROOT={root}'], check=True,
                   env={**os.environ, 'MAKEFLAGS': ''})
    return root / '03-buddy/vellum.elf'


def test_a_panic_frees_the_reserve_for_the_cpu_that_panicked(
        machine, failing_image):
    """What was free before is still there, and 256 pages more."""
    pc = machine(failing_image)
    free = pc.expect(r'^page: \d+ reserved for the program, 256 kept for a '
                     r'panic, (\d+) free\r?\n')[1]
    pc.expect(r'^mm: allocation 2 fails on purpose\r?\n')
    pc.expect(r"^panic\(CPU0\): page: 3 pages can't be allocated\r?\n")
    left = pc.expect(r'^page: (\d+) pages are left, for CPU0 alone\r?\n')[1]
    pc.expect(expectations.PANIC_END, panic_ends=False)
    assert int(left) == int(free) + 256
