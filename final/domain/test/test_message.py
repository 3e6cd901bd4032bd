"""Programs in ring 3 that try to see, or do, more than they may (TEST=1)."""
import re

import pytest

import linux_guest

# Each attempt is a line or two on the console, and Bochs takes its time.
pytestmark = pytest.mark.slow('bochs')


def _run(machine, emu, program):
    """What was printed until a program had ended with 0."""
    pc = machine(test=True, emu=emu, cmdline=f'program={program}', limit=900)
    pc.expect(rf'^domain: program {program} has ended: 0\r?\n')
    return pc.serial


def test_whatever_a_program_tries_ends_it_or_is_an_error(machine, emu):
    """400 attempts: instructions, memory, INT n, flags, system calls."""
    said = _run(machine, emu, 'hostile')
    tried = re.findall(r'^hostile: (\w+): (?:ended|goes on)\r?$', said, re.M)
    assert len(set(tried)) > 140
    assert 'ESCAPED' not in said
    assert re.search(r'^hostile: INT n: 255 of 255 ended', said, re.M)
    assert re.search(r'^hostile: ok', said, re.M)


def test_the_pages_of_a_message_show_no_byte_of_anyone_else(machine, emu):
    """Each byte of them is looked at, with two messages under way."""
    said = _run(machine, emu, 'pagedump')
    looks = re.findall(r'^pagedump: \w+: (\d) pages, (\d+) bytes of others',
                       said, re.M)
    assert looks == [('1', '0'), ('2', '0'), ('1', '0')]


@pytest.mark.slow
def test_linux_goes_on_beside_a_hostile_program(machine):
    """What programs try is nothing to the guest whose CPU they are on."""
    disk = linux_guest.build(batch=True, cmdline='demo.shell=hostile')
    pc = machine(test=True, disk=disk, cpus=2, limit=600,
                 cmdline='boot=0x80 hypercall')
    pc.expect(r'^demo: shell: hostile: ok\r?\n')
    pc.expect(r'^demo: done\r?\n')
    pc.wait_exit()
