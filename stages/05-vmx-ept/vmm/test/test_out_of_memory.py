"""Each allocation of a whole boot fails once (MM_FAIL_AT, page/fail.h).

Vellum may refuse by name, stop in good order, or do without; it may not fall
silent, reset the machine, run into an exception, or leave memory damaged. Every
fourth allocation is tried in QEMU and, with ALL=1, one in Bochs; with SWEEP=1
all of them in QEMU and every fourth in Bochs.
"""
import fcntl
import os
import re

import expectations
import pytest

from common import BUILD, command, stage_dir
from elf import Elf

NEVER = 1 << 40
# The end of a panic, of a refusal, of the whole run.
END = (rf'{expectations.PANIC_END}|^vellum: halted$|; halted$'
       r'|^guest: done *$')


@pytest.fixture
def failing_image(stage, needs_guest, tmp_path):
    """A function: the image in which allocation n fails. It is built once;
    the number is a variable in it."""
    # pylint: disable=unused-argument
    root = BUILD / 'fail'
    built = root / stage / 'vellum.elf'
    env = {name: value for name, value in os.environ.items()
           if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'TEST')}
    root.mkdir(parents=True, exist_ok=True)
    with open(root / '.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)    # one worker of pytest builds
        command(['make', f'-j{os.cpu_count()}', '-C', stage_dir(stage),
                 built, f'BUILD_ROOT={root}', f'MM_FAIL_AT={NEVER}'],
                env=env)

    def image(number):
        elf = Elf(built)
        elf.put('mm_fail_at', number)
        path = tmp_path / f'fail-{number}.elf'
        path.write_bytes(elf.data)
        return path
    return image


def boot(machine, stage, emu, image):
    """Boot to an end; the console's text."""
    disk = BUILD / stage / 'guest' / 'demo.img'
    pc = machine(image=image, emu=emu, disk=disk, cmdline='boot=0x80',
                 name=f'out-of-memory-{emu}-{image.stem}')
    pc.expect(END, timeout=60, panic_ends=False)
    text = pc.serial.replace('\r', '')
    pc.close()
    return text


def judge(text, number):
    """What is wrong with how allocation `number` failed; or None."""
    if f'mm: allocation {number} fails on purpose' not in text:
        return 'it did not fail'
    panics = re.findall(r'^panic\(CPU0\): (.*)$', text, re.M)
    if any(line.startswith('exception') for line in panics):
        return f'an exception: {panics}'
    if re.search(r'^guest: .*FAILED', text, re.M):
        return 'the guest suffered'
    verdicts = re.findall(r'^mm: \d+ allocations until here, memory is (.*)$',
                          text, re.M)
    if not verdicts or set(verdicts) != {'sound'}:
        return f'memory is not checked, or damaged: {verdicts}'
    if len(panics) > 1:
        return f'more than one panic: {panics}'
    return None


def chosen(total, emu):
    """The numbers to try of 1 to total; Bochs takes its time."""
    if os.environ.get('SWEEP') == '1':
        return range(1, total + 1, 1 if emu == 'qemu' else 4)
    return range(4, total + 1, 4) if emu == 'qemu' else [total // 2]


@pytest.mark.slow('bochs')
def test_every_allocation_of_a_boot_may_fail(machine, stage, emu,
                                             failing_image):
    """Counted in a boot where none fails."""
    whole = boot(machine, stage, emu, failing_image(NEVER))
    assert 'guest: done' in whole and 'panic(' not in whole
    total = int(re.findall(r'^mm: (\d+) allocations until here', whole,
                           re.M)[-1])
    assert total > 10
    wrong = {}
    for number in chosen(total, emu):
        text = boot(machine, stage, emu, failing_image(number))
        end = re.findall(r'^(?:panic|guest: done).*$', text, re.M)
        print(f'{emu}: allocation {number} of {total}: {end[-1:]}')
        verdict = judge(text, number)
        if verdict:
            wrong[number] = verdict
    assert not wrong
