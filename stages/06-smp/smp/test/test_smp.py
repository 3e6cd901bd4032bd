"""Boot tests with more than one CPU."""
import re
import subprocess
import threading

import breakit
import copytree
import expectations
import linux_guest
import pytest

from common import BUILD, TOP

VMMSIZE = 128 << 20
READY = r'^smp: {0} of {0} CPUs are under Vellum; \d+ pages for each'
VELLUM = 'boot=0x80 hypercall'
PAGES_MOST = 24  # 96 KiB for each CPU


@pytest.fixture
def smp_stage(stage):
    """Skip in stages that know one CPU."""
    if not expectations.has_folder(stage, 'smp'):
        pytest.skip(f'{stage} knows one CPU')
    return stage


@pytest.fixture
def guest(smp_stage):
    """A function: path of a test guest's image."""
    def path(name):
        image = BUILD / smp_stage / 'guest' / f'{name}.img'
        assert image.is_file(), f'{image} is not built: make does it'
        return image
    return path


def linux(machine, cpus, emu='qemu', cmdline='', options='', **settings):
    """Boot the Linux demo on so many CPUs; the machine, when it is off."""
    disk = linux_guest.build(batch=True, cmdline=cmdline)
    pc = machine(emu=emu, disk=disk, cpus=cpus, cmdline=f'{VELLUM} {options}',
                 limit=480 if emu == 'bochs' else 240, **settings)
    missing = expectations.linux_demo(pc, False, VMMSIZE)
    assert not missing, pc.fail(f'not seen: {missing}')
    return pc


@pytest.mark.slow
def test_linux_runs_a_task_on_each_of_2_cpus(machine, smp_stage, emu):
    """SVM in QEMU, VMX in Bochs; each task finds Vellum below it."""
    # pylint: disable=unused-argument
    pc = linux(machine, 2, emu)
    assert re.search(READY.format(2), pc.serial, re.M)


def test_linux_runs_a_task_on_each_of_4_cpus(machine, smp_stage):
    """As with 2."""
    # pylint: disable=unused-argument
    linux(machine, 4)


def test_cpus_go_and_come_20_times(machine, smp_stage):
    """Each time an INIT and start-up IPIs; and they are Vellum's after it.
    Linux finds no interrupt in the local APIC of before the INIT."""
    # pylint: disable=unused-argument
    pc = linux(machine, 2, cmdline='demo.hotplug=20')
    assert re.search(r'^demo: hotplug: 20 rounds, 0 failures, 0 with a stale',
                     pc.serial, re.M)


@pytest.mark.slow
def test_a_new_kernel_takes_over_twice(machine, smp_stage):
    """kexec: nothing is reset but by the new kernel's INITs."""
    # pylint: disable=unused-argument
    pc = linux(machine, 2, cmdline='demo.kexec=2')
    found = re.findall(r'^demo: task on CPU 1: VellumVellum .* CPU 1\b',
                       pc.serial, re.M)
    assert len(found) == 3


def test_64_cpus_come_up_and_are_cheap(machine, guest):
    """Stage 06 alone, with a guest that uses one."""
    pc = machine(disk=guest('demo'), cpus=64, cmdline=VELLUM, limit=120)
    line = pc.expect_line(r'^smp: \d+ of \d+ CPUs are under Vellum')
    assert re.match(READY.format(64), line)
    assert int(re.search(r'(\d+) pages for each', line)[1]) <= PAGES_MOST
    pc.expect(r'^guest: done')


def all_is_told_of_who_stopped(pc):
    """A panic comes to its end. The CPU that panicked counts as stopped, and
    each that came to Vellum and does not is named. How many came."""
    pc.expect(expectations.PANIC_END, panic_ends=False)
    text = pc.serial
    number = re.search(r'^panic\(CPU(\d+)\)', text, re.M)[1]
    running = re.findall(r'^smp: CPU (\d+) has not stopped', text, re.M)
    found = re.search(r'^smp: (\d+) of (\d+) CPUs have stopped', text, re.M)
    stopped, come = int(found[1]), int(found[2])
    assert number not in running
    assert stopped + len(running) == come
    return come


@pytest.fixture(scope='session')
def wasteful_image(tmp_path_factory):
    """Stage 06, each CPU with 1,024 pages reserved for nested tables: the
    break-it patch of the book."""
    tree = tmp_path_factory.mktemp('prealloc')
    copytree.renew(tree, TOP)
    breakit.apply(breakit.patches()['06-prealloc'], tree)
    subprocess.run(['make', '-j2', '-C', tree / 'stages/06-smp', 'all',
                    'TEST='],
                   env=copytree.environment(tree / 'build'), check=True,
                   stdout=subprocess.DEVNULL)
    return tree / 'build/06-smp/vellum.elf'


def test_reserved_tables_of_32_cpus_eat_up_the_memory(
        machine, guest, wasteful_image):
    """The story of chapter 6: some CPU panics, and says where. With tables as
    they are needed, as many CPUs boot (64 do, in the test above)."""
    pc = machine(wasteful_image, disk=guest('demo'), cpus=32,
                 cmdline=VELLUM, limit=120)
    pc.expect(r'^panic\(CPU\d+\): Out of memory: CPU \d+ got \d+ of 1024 pages'
              r' for its nested page tables\r?\n'
              r'backtrace(<-0x[0-9a-f]+){2}', panic_ends=False)
    all_is_told_of_who_stopped(pc)
    assert re.search(r'^  0x[0-9a-f]+ nested_root_init\+0x', pc.serial, re.M)


def test_reserved_tables_of_24_cpus_just_fit(machine, guest, wasteful_image):
    """Here all else is small; the machine of the story had no more."""
    pc = machine(wasteful_image, disk=guest('demo'), cpus=24,
                 cmdline=VELLUM, limit=120)
    pc.expect(READY.format(24))
    pc.expect(r'^guest: done')


def signals(machine, image, emu, cpus):
    """Run the guest that sends them."""
    pc = machine(emu=emu, disk=image, cpus=cpus, cmdline=VELLUM, limit=200)
    pc.expect(r'^guest: done')
    assert 'FAILED' not in pc.serial
    assert f'guest: signals: {cpus - 1} CPUs started at once' in pc.serial
    assert 'guest: signals: boot CPU restarted' in pc.serial


@pytest.mark.slow('bochs')
def test_signals_do_what_hardware_does(machine, guest, emu):
    """INIT and start-up IPIs alone, in the wrong order, in a storm, to all,
    to a CPU in its NMI handler, and to the boot CPU."""
    signals(machine, guest('signals'), emu, 2)


def test_signals_among_4_cpus(machine, guest):
    """The same with more to go wrong."""
    signals(machine, guest('signals'), 'qemu', 4)


@pytest.mark.slow('bochs')
def test_a_panic_stops_all_cpus(machine, guest, emu):
    """The other CPU is in the guest, in an NMI handler that does not end."""
    pc = machine(test=True, emu=emu, disk=guest('panic'), cpus=2,
                 cmdline=VELLUM + ' panic-msr', limit=100)
    pc.expect(r'^panic\(CPU0\): a guest asked for it', panic_ends=False)
    pc.expect(r'^smp: 2 of 2 CPUs have stopped', panic_ends=False)
    all_is_told_of_who_stopped(pc)


def test_a_cpu_that_panics_in_its_start_up_has_stopped(machine, smp_stage):
    """So has the first, which waits for it; others may come or not."""
    # pylint: disable=unused-argument
    pc = machine(test=True, cpus=4, cmdline='boot=0x80 panic-early',
                 limit=100)
    pc.expect(r'^panic\(CPU1\): in the midst of a start-up',
              panic_ends=False)
    come = all_is_told_of_who_stopped(pc)
    assert 'CPU 0 has not stopped' not in pc.serial
    more = re.search(r'^smp: (\d+) more have never come', pc.serial, re.M)
    assert come + int(more[1] if more else 0) == 4


@pytest.mark.slow('bochs')
def test_a_panic_is_not_torn_by_what_others_print(machine, smp_stage, emu):
    """They print without end, and stop before the first word of it. Each line
    is whole but the one in which a CPU was stopped."""
    # pylint: disable=unused-argument
    cpus = {'qemu': 4, 'bochs': 2}[emu]
    pc = machine(emu=emu, test=True, cpus=cpus,
                 cmdline='boot=0x80 panic-storm', limit=100)
    pc.expect(rf'^smp: {cpus} of {cpus} CPUs have stopped',
              panic_ends=False)
    storm, told = re.split(r'^panic\(CPU0\): in the midst of a storm\r?\n',
                           pc.serial, flags=re.M)
    lines = re.findall(r'^storm:[^\n]*\n', storm, re.M)
    assert len(lines) > cpus and 'storm:' not in told
    torn = [line for line in lines[:-1] if not re.match(
        r'storm: CPU \d abcdefghijklmnopqrstuvwxyz\r?\n$', line)]
    assert not torn
    assert storm.endswith('\n')


def test_a_lock_taken_out_of_order_is_named(machine, smp_stage):
    """Test builds hold each lock against the table in smp/lock_order.c."""
    # pylint: disable=unused-argument
    pc = machine(test=True, cpus=2, cmdline='boot=0x80 lock-order')
    pc.expect(r'^panic\(CPU0\): the lock &maps_lock is taken while '
              r'&space_lock is held', panic_ends=False)


def test_nmis_end_nothing_in_any_phase(machine, smp_stage):
    """A button that is pressed without end, from the IDT on, through the start
    of the other CPU, and a panic, which is the one that was asked for."""
    # pylint: disable=unused-argument
    pc = machine(test=True, cpus=2, cmdline='boot=0x80 lock-order',
                 limit=120)
    over = threading.Event()
    pressed = []

    def press():
        while not over.is_set():
            pc.qmp('inject-nmi')
            pressed.append(1)
            over.wait(0.001)
    button = threading.Thread(target=press)
    pc.expect(r'^phase: console', panic_ends=False)
    button.start()
    try:
        pc.expect(r'^panic\(', panic_ends=False)
        assert all_is_told_of_who_stopped(pc) == 2
    finally:
        over.set()
        button.join()
    panics = re.findall(r'^panic\(CPU\d+\): .*', pc.serial, re.M)
    assert len(panics) == 1 and 'the lock &maps_lock' in panics[0]
    assert len(pressed) > 100


def test_one_cpu_is_not_watched(machine, guest):
    """Nothing to do for this stage, and nothing done."""
    pc = machine(disk=guest('demo'), cmdline=VELLUM)
    pc.expect(r'^guest: done')
    assert "smp: 1 CPU here, 1 in ACPI's MADT" in pc.serial
    assert 'others may come' not in pc.serial
    assert 'under Vellum' not in pc.serial
    assert not re.search(r'exits: MEMORY +[2-9]', pc.serial)


@pytest.mark.slow('bochs')
def test_every_store_to_the_local_apic_is_done_or_faults(machine, guest, emu):
    """As to memory; a command counts as a whole or not at all; and in x2APIC
    mode, which Bochs has, only commands exit."""
    pc = machine(emu=emu, disk=guest('stores'), cpus=2, cmdline=VELLUM,
                 limit=200)
    pc.expect(r'^guest: done')
    assert 'FAILED' not in pc.serial
    for line in ('34 stores as to memory', '25 interrupts',
                 'no command but whole ones', 'others fault',
                 {'qemu': 'no x2APIC',
                  'bochs': 'x2APIC: an exit for each command'}[emu]):
        assert f'guest: stores: {line}' in pc.serial


def test_a_cpu_that_no_table_lists_is_under_vellum(machine, guest):
    """Without ACPI there are no tables at all; the hardware is asked."""
    pc = machine(disk=guest('signals'), cpus=2, cmdline=VELLUM, limit=100,
                 extra_args=['-machine', 'acpi=off'])
    pc.expect(r'^smp: 2 CPUs here, 0 in ACPI.s MADT')
    pc.expect(r'^smp: others may come: ')
    pc.expect(r'^guest: done')
    assert 'FAILED' not in pc.serial


def hot_add(pc, number):
    """Plug the machine's next CPU in."""
    assert not pc.hmp(f'device_add qemu64-x86_64-cpu,id=c{number},'
                      f'socket-id=0,core-id={number},thread-id=0')


@pytest.mark.slow
@pytest.mark.parametrize('cpus', [1, 2])
def test_linux_puts_a_cpu_that_is_plugged_in_on_line(machine, smp_stage,
                                                     cpus):
    """As on the bare machine; and Vellum is below it."""
    # pylint: disable=unused-argument
    disk = linux_guest.build(batch=True, cmdline=f'demo.late={cpus}')
    pc = machine(disk=disk, cpus=cpus, cmdline=VELLUM, limit=240,
                 extra_args=['-smp', f'{cpus},maxcpus={cpus + 1}'])
    pc.expect(rf'^demo: late: waits for CPU {cpus}')
    hot_add(pc, cpus)
    pc.expect(rf'^demo: late: CPU {cpus} is on line')
    pc.expect(rf'^demo: task on CPU {cpus}: VellumVellum .* CPU {cpus}\b')


def test_a_cpu_that_is_plugged_in_comes_under_vellum(machine, guest):
    """Before, its start is dropped, with a word. The guest writes over the
    trampoline's page meanwhile, and what it writes does not get there."""
    pc = machine(disk=guest('late'), cpus=2, cmdline=VELLUM, limit=60,
                 extra_args=['-smp', '2,maxcpus=3'])
    pc.expect(r'^smp: others may come: the MADT lists CPUs')
    pc.expect(r'^guest: late: nobody has come')
    hot_add(pc, 2)
    pc.expect(r'^guest: late: CPU 2 has come')
    pc.expect(r'^guest: done')
    assert 'FAILED' not in pc.serial
