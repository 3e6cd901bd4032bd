"""Boot tests of stage 02: the range, the address space, exceptions."""
import fcntl
import re
import subprocess
import termios
import time

import expectations
import pytest

from common import ToolError

MIB = 1 << 20
SIZE = 128 * MIB
ALIGN = 4 * MIB
GIB4 = 1 << 32

# fault= word: the function that faults, and what the panic says.
FAULTS = {
    'ud': ('fault_ud', r'#UD invalid opcode'),
    'de': ('fault_de', r'#DE divide error'),
    'pf': ('fault_pf', r'#PF page fault: write to 0x1000, '
                       r'which is not mapped \(error 0x2\)'),
    'gp': ('fault_gp', r'#GP general protection fault'),
    'stack': ('recurse', r'#DF double fault: stack overflow into the guard '
                         r'page at 0x4[0-9a-f]+'),
    'df': ('fault_df', r'#DF double fault \('),
}


def chosen_range(machine):
    """Base and size of Vellum's range, and the RAM ranges it was told of."""
    found = machine.expect(r'^paging: our range is 0x([0-9a-f]+)-'
                           r'0x([0-9a-f]+), (\d+) MiB[^\n]*\n')
    base, last, size = int(found[1], 16), int(found[2], 16), int(found[3])
    assert last + 1 - base == size * MIB
    ram = [(int(a, 16), int(b, 16) + 1) for a, b in re.findall(
        r'^  0x([0-9a-f]+)-0x([0-9a-f]+) RAM\r?$', machine.serial, re.M)]
    return base, size * MIB, ram


@pytest.mark.parametrize('mem', ['160M', '256M', '1G', '5G'])
def test_range_is_the_highest_aligned_one_below_4_gib(machine, mem):
    """Nothing aligned is free above it; all of it is RAM."""
    base, size, ram = chosen_range(machine(mem=mem))
    assert size >= SIZE and base % ALIGN == 0
    assert base + size <= GIB4
    assert any(start <= base and base + size <= end for start, end in ram)
    for start, end in ram:
        higher = (min(end, GIB4) - size) // ALIGN * ALIGN
        assert higher <= base or higher < start


def test_moves_protects_itself_and_goes_on(machine, emu):
    """The whole transcript of the chapter, in both emulators."""
    with_vellum = machine(emu=emu)
    base, _, _ = chosen_range(with_vellum)
    with_vellum.expect(r'^paging: moved there from 0x100000\r?\n')
    table = with_vellum.expect(r'^paging: virtual map[^\n]*\n'
                               r'((?:  0x[^\n]*\n)+)paging: \d+ pages')[1]
    rights = {name: rwx for rwx, name in re.findall(
        r' (r[w-][x-])(?: uncached)? ([^\r\n]*)', table)}
    assert rights['text'] == 'r-x'
    assert rights['rodata'] == rights['BIOS ROMs'] == 'r--'
    assert rights['pages to allocate'] == 'rw-'
    assert rights['RAM, our range left out'] == 'rw-'
    root = with_vellum.expect(r'root 0x([0-9a-f]+)\r?\n')[1]
    assert base < int(root, 16) < base + 4 * MIB
    for _ in range(5):
        with_vellum.expect(r'^paging: [^\n]* holds: [^\n]* raised '
                           r'exception 14, as it must\r?\n')
    assert 'DOES NOT HOLD' not in with_vellum.serial


@pytest.mark.parametrize('mem', ['16M', '96M', '128M'])
def test_too_little_memory_says_how_much(machine, mem):
    """Needed and found are named, and the machine halts."""
    with_vellum = machine(mem=mem)
    with_vellum.expect(
        rf'^panic\(CPU0\): Not enough memory: Vellum needs {SIZE // MIB} MiB '
        rf'in one piece, aligned to 4 MiB, below 4 GiB; the largest such '
        rf'piece found has {int(mem[:-1]) - 8} MiB\r?\n')
    with_vellum.expect(expectations.PANIC_END, panic_ends=False)


def test_selftest_finds_every_right_enforced(machine, emu):
    """W^X, guard pages, the direct map, map_phys(), guarded()."""
    machine(emu=emu, test=True).expect(r'^selftest: paging: ok')


@pytest.mark.parametrize('cpu', ['-nx', '-pdpe1gb', '-nx,-pdpe1gb'])
def test_selftest_on_a_cpu_with_less(machine, cpu):
    """Without NX or pages of 1 GiB everything else holds."""
    with_vellum = machine(cpu=cpu, mem='5G', test=True)
    found = with_vellum.expect(r'(\d+) of 2 MiB, (\d+) of 1 GiB in')
    assert (int(found[2]) == 0) == ('-pdpe1gb' in cpu)
    with_vellum.expect(r'^selftest: paging: ok')
    no_nx = 'paging: this CPU has no NX' in with_vellum.serial
    assert no_nx == ('-nx' in cpu)


def key_event(name, down):
    """A key of the keyboard goes down or up, in QEMU's words."""
    return {'type': 'key', 'data': {
        'down': down, 'key': {'type': 'qcode', 'data': name}}}


def places(image, addresses):
    """Function and file:line of each address, from addr2line."""
    said = subprocess.run(['addr2line', '-f', '-e', image, *addresses],
                          check=True, capture_output=True, text=True)
    lines = said.stdout.splitlines()
    return list(zip(lines[::2], lines[1::2]))


def assert_fault_reported(machine, image, kind, emu):
    """Panic message, backtrace that addr2line knows, and registers."""
    function, message = FAULTS[kind]
    with_vellum = machine(emu=emu, test=True, cmdline=f'fault={kind}')
    with_vellum.expect(rf'^panic\(CPU0\): exception \d+, {message}',
                       panic_ends=False)
    raw = with_vellum.expect(r'^backtrace((?:<-0x[0-9a-f]+)+)\r?\n',
                             panic_ends=False)[1]
    found = places(image, raw.split('<-')[1:])
    assert found[0][0] == function
    assert re.search(r'paging/selftest\.c:\d+', found[0][1])
    assert all('??' not in place for pair in found for place in pair)
    if kind != 'stack':
        assert found[-1][0] == 'entry64'
    rip = with_vellum.expect(r' rip ([0-9a-f]{16}) ', panic_ends=False)[1]
    assert int(rip, 16) == int(raw.split('<-')[1], 16)
    with_vellum.expect(r'cr2 [0-9a-f]{16} cr3 [0-9a-f]{16}',
                       panic_ends=False)
    with_vellum.expect(expectations.PANIC_END, panic_ends=False)


def type_while_it_stands(pc, key):
    """The key is in QEMU's UART before the machine goes on. One alone: QEMU
    takes the next from the socket when that one was read, and on a busy host
    a key comes later by that than it was typed."""
    pc.qmp('stop')
    pc.send(key)
    for _ in range(300):
        left = fcntl.ioctl(pc.console.typed, termios.FIONREAD, bytes(4))
        if not any(left):
            break
        time.sleep(0.1)
    else:
        pc.fail('QEMU does not take what is typed')
    pc.qmp('cont')


def test_a_key_after_a_panic_reboots_and_an_old_one_does_not(machine, emu):
    """What was typed before the panic is thrown away. (More of it than a FIFO
    holds: console/test/keys_test.c.)"""
    pc = machine(emu=emu, test=True, cmdline='fault=pf', reboot=True,
                 limit=200)
    pc.expect(r'^Vellum ')
    if emu == 'qemu':
        type_while_it_stands(pc, 'k')
    else:
        pc.send('old keys, which nobody reads')
    pc.expect(expectations.PANIC_END, panic_ends=False)
    with pytest.raises(ToolError, match='no .* on the serial'):
        pc.expect(r'^vellum: rebooting', timeout=1, panic_ends=False)
    pc.send('r')
    pc.expect(r'^vellum: rebooting\r?\n', panic_ends=False)
    pc.expect(r'^Vellum ')


def test_a_key_of_the_keyboard_reboots(machine):
    """Not its release: that of one that is held down as the panic comes."""
    pc = machine(test=True, cmdline='fault=pf')
    pc.qmp('input-send-event', events=[key_event('a', True)])
    pc.expect(expectations.PANIC_END, panic_ends=False)
    pc.qmp('input-send-event', events=[key_event('a', False)])
    with pytest.raises(ToolError, match='no .* on the serial'):
        pc.expect(r'^vellum: rebooting', timeout=1, panic_ends=False)
    pc.qmp('input-send-event', events=[key_event('r', True)])
    pc.expect(r'^vellum: rebooting\r?\n', panic_ends=False)
    assert pc.wait_exit() == 'reset'


@pytest.mark.parametrize('kind', FAULTS)
def test_fault_is_reported(machine, test_image, kind):
    """Each kind of exception in QEMU."""
    assert_fault_reported(machine, test_image, kind, 'qemu')


@pytest.mark.parametrize('kind', ['stack', 'de'])
def test_fault_is_reported_in_bochs(machine, test_image, kind):
    """One with a stack of its own and one without."""
    assert_fault_reported(machine, test_image, kind, 'bochs')
