"""Panics to their end: the question, the shell, the reboot."""
import re
import subprocess
import time

import breakit
import copytree
import expectations
import pytest

from common import BUILD, TOP, command, make_environment, stage_dir
from elf import Elf

RANGE = 0x40000000  # where Vellum has its own, virtually
NEVER = 1 << 40
PATIENCE = 60       # seconds for a command, on a busy machine
RESERVE = 256       # pages that are kept for a panic
SHELL = r'^> '


@pytest.fixture
def broken(machine):
    """A function: the machine that panics as the word broken= says, and asks
    what now."""
    def start(how, words='', **settings):
        settings.setdefault('limit', 300)
        boot = '' if settings.get('firmware') == 'uefi' else 'boot=0x80'
        pc = machine(test=True, cmdline=f'{boot} broken={how} {words}'.strip(),
                     **settings)
        pc.expect(expectations.PANIC_END, panic_ends=False)
        return pc
    return start


def tell(pc, line, answer=None):
    """Give the shell a line; wait for the match of an answer, and for the
    next prompt. What was said."""
    begin = len(pc.serial)
    pc.send(line + '\n')
    found = pc.expect(answer, PATIENCE, panic_ends=False) if answer else None
    pc.expect(SHELL, PATIENCE, panic_ends=False)
    return found or pc.serial[begin:]


def shell(pc):
    """Ask for it."""
    pc.send('s')
    pc.expect(SHELL, PATIENCE, panic_ends=False)


def reboot(pc):
    """Leave the shell, and have the machine reset."""
    pc.send('\x04')
    pc.expect(expectations.PANIC_END, panic_ends=False)
    pc.send('r')
    pc.expect(r'^vellum: rebooting\r?\n', panic_ends=False)


def in_image(name):
    """The address of a function in the image under test, and its first eight
    bytes as a dump shows them."""
    elf = Elf(BUILD / 'final-test/vellum.elf')
    code = elf.words(elf.symbols[name], 1)[0].to_bytes(8, 'little').hex()
    return f'{elf.symbols[name]:x}', ' '.join(re.findall('....', code))


MACHINES = [('qemu', 'bios', '1'), ('qemu', 'bios', '4'),
            ('qemu', 'uefi', '1'), ('qemu', 'uefi', '4'),
            ('bochs', 'bios', '1'), ('bochs', 'bios', '2'),
            ('bochs', 'uefi', '1')]


@pytest.mark.slow('uefi', 'bochs', 'bios-1')
@pytest.mark.parametrize('kind', MACHINES, ids='-'.join)
def test_a_panic_ends_in_a_shell_and_that_in_a_reboot(broken, kind):
    """Ten commands with right answers. The next life tells of the last; in
    Bochs only one CPU and a BIOS have one (book/appendix-emulators.md)."""
    emu, firmware, cpus = kind[0], kind[1], int(kind[2])
    pc = broken('assert', emu=emu, firmware=firmware, cpus=cpus, reboot=True,
                limit=300 if emu == 'qemu' else 1200)
    left = re.search(r'^page: (\d+) pages are left, for CPU0 alone', pc.serial,
                     re.M)[1]
    shell(pc)
    names = tell(pc, 'help')
    for name in ('backtrace', 'check', 'cpus', 'dump', 'free', 'halt', 'heap',
                 'log', 'pages', 'reboot', 'regs', 'settings', 'stats', 'sym'):
        assert re.search(rf'^  {name} ', names, re.M), name
    free = int(tell(pc, 'free', r'(\d+) available')[1])
    assert int(left) - 32 < free < int(left)
    tell(pc, 'settings', r'broken=assert')
    tell(pc, 'check', r'every invariant|sound')
    address, code = in_image('fault_assert')
    tell(pc, 'sym fault_assert', rf'^0x{address} fault_assert')
    tell(pc, 'log 3', r'^vellum: shell or reboot')
    tell(pc, 'backtrace', r'fault_at_start\+0x')
    tell(pc, 'regs', r'fault_assert')
    tell(pc, 'dump v 0x1000', r'not mapped')
    tell(pc, f'dump v {address} 16', code)
    tell(pc, 'fre', r'did you mean free')
    if firmware == 'bios':
        for cpu in range(1, cpus):
            tell(pc, f'backtrace {cpu}', r'ap_main\+0x')
    reboot(pc)
    if emu == 'bochs' and (cpus > 1 or firmware == 'uefi'):
        pc.expect(rf'^smp: {cpus} of {cpus} CPUs are out of VMX',
                  panic_ends=False)
        pc.expect(r'^reset: ', panic_ends=False)
        return
    pc.expect(r'^last log: the last run ended in a panic: .*Assertion failed!',
              panic_ends=False)


@pytest.mark.slow('bochs')
def test_a_panic_under_a_guest_tells_what_each_cpu_did(machine, emu):
    """One serves an exit, the other is in the guest, in an NMI handler that
    does not end. A guest has run, so an unattended machine will come back."""
    pc = machine(test=True, emu=emu, cpus=2, limit=600,
                 disk=BUILD / 'final/guest/panic.img',
                 cmdline='boot=0x80 panic-msr')
    pc.expect(expectations.PANIC_END, panic_ends=False)
    assert '[s/r]; in 60 s: reboot' in pc.serial
    assert re.search(r'^smp: CPU 1 was in the guest, at 0x', pc.serial, re.M)
    shell(pc)
    tell(pc, 'regs', r'rcx 0000000000001041 ')
    rip = re.search(r'^smp: CPU 1 was in the guest, at 0x(\w+)', pc.serial,
                    re.M)[1]
    tell(pc, 'regs 1', rf'rip 0*{rip} ')
    tell(pc, 'backtrace 1', r'ap_main\+0x')
    tell(pc, 'stats', r'WRMSR')
    pc.send('reboot\n')
    pc.expect(r'^smp: 2 of 2 CPUs are out of VMX and SVM', PATIENCE,
              panic_ends=False)


def test_the_shell_runs_on_the_reserve(broken):
    """All pages are taken, and the other CPUs have stopped."""
    pc = broken('memory', cpus=4)
    shell(pc)
    left = int(tell(pc, 'free', r'of the \d+ kept for a panic (\d+) are left')
               [1])
    assert RESERVE - 32 < left < RESERVE
    tell(pc, 'hello', 'hello')
    assert int(tell(pc, 'free', r'panic (\d+) are left')[1]) == left
    reboot(pc)


def test_the_shell_gets_by_locks_that_are_held(broken):
    """Whoever held one will never release it."""
    pc = broken('lock', cpus=2)
    shell(pc)
    tell(pc, 'free', r'\d+ available')
    reboot(pc)


def test_failures_in_steps_and_commands_do_not_end_it(broken):
    """In a hook, in a command, in a panic in a command, in a program; but
    three panics of its own are enough."""
    pc = broken('hook', cpus=2)
    assert re.search(r'^smp: 2 of 2 CPUs have stopped', pc.serial, re.M)
    assert len(re.findall(r'^panic\(CPU0\): ', pc.serial, re.M)) == 2
    shell(pc)
    tell(pc, 'fault read', r'page fault')
    for fault, more in ('assert', True), ('stack', True), ('lock', False):
        pc.send(f'fault {fault}\n')
        pc.expect(r'^panic\(CPU0\): ', panic_ends=False)
        if more:
            pc.expect(expectations.PANIC_END, panic_ends=False)
            shell(pc)
            tell(pc, 'free', r'\d+ available')
    pc.expect(r'^panic: 3 faults: there is no shell any more\r?\n'
              r'vellum: halted', panic_ends=False)


def test_ctrl_c_ends_a_program_and_not_the_shell(broken):
    """But the shell, too, on an empty line: then the question comes again."""
    pc = broken('assert')
    shell(pc)
    pc.send('sendint\n')
    pc.expect(r'^sendint> ', panic_ends=False)
    pc.send('\x03')
    pc.expect(SHELL, panic_ends=False)
    tell(pc, 'free', r'\d+ available')
    pc.send('\x03')
    pc.expect(expectations.PANIC_END, panic_ends=False)


def test_nobody_answers(broken):
    """What panic= says is done: a reboot here, and the machine comes back."""
    pc = broken('assert', 'panic=reboot:2', reboot=True)
    assert '[s/r]; in 2 s: reboot' in pc.serial
    pc.expect(r'^vellum: rebooting', panic_ends=False)
    pc.expect(r'^Vellum final', panic_ends=False)


@pytest.mark.slow
def test_a_start_that_panics_does_not_come_again_and_again(broken):
    """Without panic= it halts, after its time."""
    pc = broken('assert', 'panic=ask:1')
    assert '[s/r]; in 1 s: halt' in pc.serial
    pc.expect(r'^vellum: halted', panic_ends=False)


def key(pc, name):
    """Press a key of the keyboard, and release it."""
    for down in True, False:
        pc.qmp('input-send-event', events=[{'type': 'key', 'data': {
            'down': down, 'key': {'type': 'qcode', 'data': name}}}])
        time.sleep(0.05)


def test_the_keyboard_is_one_to_type_on(broken):
    """With Shift, and a cursor key."""
    pc = broken('assert')
    key(pc, 's')
    pc.expect(SHELL, panic_ends=False)
    for name in ('f', 'r', 'e', 'e', 'ret'):
        key(pc, name)
    pc.expect(r'\d+ available', panic_ends=False)
    pc.expect(SHELL, panic_ends=False)
    key(pc, 'up')
    key(pc, 'ret')
    pc.expect(r'\d+ available', panic_ends=False)


@pytest.fixture
def failing_image(tmp_path):
    """A function: the test image in which allocation n fails (page/fail.h). It
    is built once; the number is a variable in it."""
    root = BUILD / 'fail-test'
    command(['make', '-j2', '-C', stage_dir('final'), 'all', 'TEST=1',
             f'BUILD_ROOT={root}', f'MM_FAIL_AT={NEVER}'],
            env=make_environment())

    def image(number):
        elf = Elf(root / 'final-test/vellum.elf')
        elf.put('mm_fail_at', number)
        path = tmp_path / f'fail-{number}.elf'
        path.write_bytes(elf.data)
        return path
    return image


def allocations(pc, image):
    """How many there were until now."""
    base = re.search(r'^paging: our range is (0x[0-9a-f]+)-', pc.serial,
                     re.M)[1]
    at = Elf(image).symbols['mm_allocations'] - RANGE + int(base, 16)
    return int(pc.hmp(f'xp /1gx {at:#x}').split()[-1], 16)


@pytest.mark.slow
def test_every_allocation_until_the_shell_runs_may_fail(broken, failing_image):
    """Then that is said, and the question comes again; nothing is lost but
    what the start has needed."""
    pc = broken('assert', image=failing_image(NEVER))
    first = allocations(pc, failing_image(NEVER))
    shell(pc)
    last = allocations(pc, failing_image(NEVER))
    pc.close()
    assert first < last
    for number in range(first + 1, last + 1):
        pc = broken('assert', image=failing_image(number))
        pc.send('s')
        pc.expect(rf'^mm: allocation {number} fails on purpose', PATIENCE,
                  panic_ends=False)
        pc.expect(rf'{SHELL}|{expectations.PANIC_END}', PATIENCE,
                  panic_ends=False)
        if not pc.serial.endswith('> '):
            assert re.search(r'error -?12\b', pc.serial)
            shell(pc)
        tell(pc, 'free', r'\d+ available')
        assert len(re.findall(r'^panic\(', pc.serial, re.M)) == 1
        pc.close()


@pytest.fixture(scope='session')
def wasteful_image(tmp_path_factory):
    """final, each CPU with 1,024 pages reserved for nested tables: the
    break-it patch of chapter 6."""
    tree = tmp_path_factory.mktemp('prealloc')
    copytree.renew(tree, TOP)
    breakit.apply(breakit.patches()['06-prealloc'], tree)
    subprocess.run(['make', '-j2', '-C', tree / 'final', 'all', 'TEST='],
                   env=copytree.environment(tree / 'build'), check=True,
                   stdout=subprocess.DEVNULL)
    return tree / 'build/final/vellum.elf'


@pytest.mark.slow
def test_out_of_memory_on_32_cpus_keeps_its_shell(machine, wasteful_image):
    """The story of chapter 6, with an end."""
    pc = machine(wasteful_image, cpus=32, cmdline='boot=0x80', limit=300)
    pc.expect(r'^panic\(CPU\d+\): Out of memory: CPU \d+ got ',
              panic_ends=False)
    pc.expect(expectations.PANIC_END, panic_ends=False)
    shell(pc)
    tell(pc, 'free', r'of the 256 kept for a panic 2\d\d are left')
    tell(pc, 'cpus')
    reboot(pc)
