"""Boot tests of stage 05 with bare-metal guests (guest/test/metal/).

One image, all.img, runs nearly everything in one boot, because a boot of
Bochs takes seconds; the others are for people and for what needs a machine of
its own.
"""
import re
import subprocess

import pytest

import expectations
from common import BUILD

MIB = 1 << 20
SIZE = 128 * MIB
LAUNCH = r'^vellum: launching the guest[^\n]*\n'
# A stage says so when it gets there; final's preflight check is earlier.
REFUSED = r'^vellum: (no guest on CPU 0: )?'
DONE = r'^guest: done *\n'


@pytest.fixture
def guest(stage, needs_guest):
    """A function: path of a test guest's image."""
    # pylint: disable=unused-argument
    def path(name):
        image = BUILD / stage / 'guest' / f'{name}.img'
        assert image.is_file(), f'{image} is not built: make does it'
        return image
    return path


def finish(pc):
    """Wait for the end of a test guest; nothing in it may have failed."""
    pc.expect(DONE)
    failed = re.findall(r'^guest: .*FAILED.*$', pc.serial, re.M)
    if failed:
        pc.fail(f'the guest says: {failed[0]}')
    return pc.serial


def guest_lines(text, test):
    """What a test of the guest said."""
    return re.findall(rf'^guest: {test}: (.*?)\r?$', text, re.M)


def check_memory(lines):
    """Compare the three BIOS interfaces; return the E820 map."""
    said = '\n'.join(lines)
    entries = [(int(a, 16), int(b, 16), int(c)) for a, b, c in re.findall(
        r'^e820 ([0-9a-f]{16}) ([0-9a-f]{16}) (\d+)$', said, re.M)]
    end = next(base + size for base, size, kind in entries
               if kind == 1 and base == MIB)
    low, high = re.search(r'^e801 ax (\d+) bx (\d+)', said, re.M).groups()
    assert int(low) == (min(end, 16 * MIB) - MIB) // 1024
    assert int(high) == max(end - 16 * MIB, 0) // 65536
    assert f'88 ax {(min(end, 64 * MIB) - MIB) // 1024} flags 0' in said
    kib = int(re.search(r'^12 ax (\d+)$', said, re.M)[1])
    assert entries[0] == (0, kib * 1024, 1)
    for what in ('bad signature', 'size 19', 'ebx past the end'):
        assert f'e820 with {what}: refused' in said
    return entries


def check_hidden(text, entries):
    """Vellum's range is where Vellum says, and reserved."""
    base, last = (int(x, 16) for x in re.search(
        r'^paging: our range is 0x([0-9a-f]+)-0x([0-9a-f]+)', text,
        re.M).groups())
    assert (base, last + 1 - base, 2) in entries
    assert last + 1 - base >= SIZE
    assert base % (4 * MIB) == 0 and last < 1 << 32


def test_a_guest_finds_a_machine_and_no_vellum(machine, guest, emu):
    """Modes, tasks, memory, hidden range, instructions, NMIs, MTRRs; then a
    triple fault, which resets the machine, and all of it again."""
    pc = machine(emu=emu, disk=guest('all'), cmdline='boot=0x80',
                 reboot=True, ignore_bad_msrs=False)
    pc.expect(LAUNCH)
    pc.expect(r'^guest: triple: now')
    pc.expect(LAUNCH)
    text = finish(pc)
    for test in ('modes task memory hidden instructions nmi mtrr breakpoints '
                 'triple').split():
        assert f'guest: {test}: ok' in text
    assert 'guest: triple: after reset' in text
    assert 'guest: nmi: 141 NMIs, 1 deep' in text
    said = guest_lines(text.split('guest: triple: now')[0], 'instructions')
    for name in ('VMXON', 'VMRUN', 'VMCALL', 'VMMCALL', 'INVEPT', 'SKINIT'):
        assert f'{name}: #UD' in said
    assert 'bad XSETBV: #GP; good XSETBV works' in said
    assert 'CR4 VMXE: #GP' in said
    assert 'WRMSR (moved) of MSR 0x1b: #GP' in said
    if emu == 'bochs':  # QEMU knows no unknown MSRs: it reads 0
        for msr in ('0x3fff', '0x4fffffff', '0xc0001fff'):
            assert f'RDMSR of MSR {msr}: #GP' in said
            assert f'WRMSR of MSR {msr}: #GP' in said
    check_hidden(text, check_memory(guest_lines(
        text.split('guest: triple: now')[0], 'memory')))
    assert pc.wait_exit(30) == 'poweroff'


def test_a_triple_fault_resets_the_machine(machine, guest):
    """QEMU ends at a reset unless it is told to go on."""
    pc = machine(disk=guest('triple'), cmdline='boot=0x80')
    pc.expect(r'^guest: triple: now')
    assert pc.wait_exit(30) == 'reset'


def test_code_runs_in_memory_that_no_map_has_listed(machine, guest):
    """RAM above 4 GiB that is there, but was not at the BIOS's count."""
    pc = machine(disk=guest('high'), cmdline='boot=0x80', extra_args=(
        '-m', '512M,slots=1,maxmem=2G',
        '-object', 'memory-backend-ram,id=more,size=256M',
        '-device', 'pc-dimm,memdev=more'))
    assert 'guest: high: ok' in finish(pc)


@pytest.mark.slow('bochs')
def test_a_guest_that_can_never_get_on_is_reset(machine, guest, emu):
    """Its handler of #GP lies where nothing may be executed."""
    pc = machine(emu=emu, disk=guest('stuck'), cmdline='boot=0x80',
                 reboot=True)
    pc.expect(r'^guest: stuck: now')
    pc.expect(r'^vmm: the guest is stuck: exit 0x(30|400) at 0x[0-9a-f]+ for '
              'the 1000th time: reset')
    pc.expect(LAUNCH)


def test_an_nmi_from_outside_reaches_the_guest(machine, guest):
    """QEMU's monitor presses the button."""
    pc = machine(disk=guest('wait'), cmdline='boot=0x80')
    pc.expect(r'^guest: wait: ready')
    pc.qmp('inject-nmi')
    pc.expect(r'^guest: wait: NMI 1\r?\n')
    pc.qmp('inject-nmi')
    pc.expect(r'^guest: wait: NMI 2\r?\n')
    finish(pc)


def test_debug_exceptions_come_as_on_the_bare_machine(machine, guest, emu):
    """Each #DB once, at the same place, with the same DR6."""
    def told(**settings):
        pc = machine(emu=emu, disk=guest('breakpoints'), **settings)
        return guest_lines(finish(pc), 'breakpoints')
    assert told(cmdline='boot=0x80') == told(native=True)


def test_nested_tables_follow_the_guests_mtrrs(machine, guest, emu):
    """Once for each change: two types, and back; the log says so."""
    pc = machine(emu=emu, disk=guest('mtrr'),
                 cmdline='boot=0x80 hypercall')
    text = finish(pc)
    assert 'guest: mtrr: the nested tables followed 3 times' in text


@pytest.mark.parametrize('mem', ['160M', '1G', '5G'])
def test_memory_of_any_size_is_told_rightly(machine, guest, mem):
    """Little memory, a usual machine, and memory above 4 GiB."""
    pc = machine(disk=guest('memory'), cmdline='boot=0x80', mem=mem)
    text = finish(pc)
    entries = check_memory(guest_lines(text, 'memory'))
    check_hidden(text, entries)
    if mem == '5G':
        assert any(base == 1 << 32 and kind == 1 for base, _, kind in entries)


def exits_of(text, name):
    """What a demo guest showed: the exits that each of its lines cost."""
    return {what.strip(): int(count) for what, count in re.findall(
        rf'^guest: {name}: (.*): (\d+) exits?\r?$', text, re.M)}


@pytest.mark.slow('bochs')
def test_the_first_guest_shows_what_exits_and_resets_on_demand(machine, guest,
                                                               emu):
    """CPUID does, HLT and ports do not; a triple fault starts the machine
    anew."""
    pc = machine(emu=emu, disk=guest('first'), reboot=True,
                 cmdline='boot=0x80 hypercall')
    pc.expect('^guest: first: press t for')
    exits = exits_of(pc.serial, 'first')
    assert 'FAILED' not in pc.serial and sorted(exits.values()) == [0, 0, 1]
    assert exits['CPUID: leaf 0x40000000 says "VellumVellum"'] == 1
    pc.send('t')
    pc.expect(LAUNCH)
    pc.expect('^guest: first: press t for')
    pc.send('x')
    finish(pc)
    assert pc.wait_exit(30) == 'poweroff'


def test_the_hole_guest_finds_one_page_that_is_not_ours(machine, guest, emu):
    """Only the first write to each page exits."""
    pc = machine(emu=emu, disk=guest('hole'), cmdline='boot=0x80 hypercall')
    exits = exits_of(finish(pc), 'hole')
    assert sorted(exits.values()) == [0] * (len(exits) - 3) + [1] * 3
    assert {what.split()[0] for what, count in exits.items() if count} == {
        'write', 'call'}


@pytest.mark.slow('bochs')
def test_the_filters_guest_shows_what_is_refused(machine, guest, emu):
    """And what passes without an exit."""
    pc = machine(emu=emu, disk=guest('filters'), cmdline='boot=0x80 hypercall')
    exits = {' '.join(what.split()): count for what, count
             in exits_of(finish(pc), 'filters').items()}
    for what in ('CR4.PGE works', 'RDMSR TSC works', 'WRMSR FS_BASE works',
                 'OUT 0x80 works'):
        assert exits[what] == 0
    for what in ('VMX or SVM in CPUID neither', 'CR4.VMXE #GP',
                 'WRMSR BIOS_UPDT_TRIG works'):
        assert exits[what] == 1
    assert exits['IN, OUT at the sleep port works'] == 2


def test_demo_guest_counts_exits_where_hypercalls_are_allowed(machine, guest):
    """The hypercalls of Vellum's ABI, from a guest without an operating
    system."""
    pc = machine(disk=guest('demo'), cmdline='boot=0x80 hypercall')
    text = finish(pc)
    assert re.search(r'^guest: demo: exits: CPUID +\d+, \d+ cycles', text,
                     re.M)
    assert re.search(r'^guest: demo: Vellum has \d+ of 32768 pages left',
                     text, re.M)


def test_demo_guest_has_no_hypercalls_by_default(machine, guest):
    """VMMCALL is an undefined instruction then."""
    pc = machine(disk=guest('demo'), cmdline='boot=0x80')
    assert 'guest: demo: hypercalls: not allowed (#UD)' in finish(pc)


# --- what the BIOS guest boots

@pytest.fixture
def guest_cd(guest, tmp_path):
    """A function: a CD whose El Torito boot image is a test guest."""
    def make(name):
        tree, iso = tmp_path / 'tree', tmp_path / f'{name}.iso'
        tree.mkdir()
        image = guest(name).read_bytes().rstrip(b'\0')
        sectors = -(-len(image) // 512)
        (tree / 'boot.img').write_bytes(image.ljust(sectors * 512, b'\0'))
        subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-b',
                        'boot.img', '-no-emul-boot', '-boot-load-size',
                        str(sectors), '-o', iso, tree], check=True,
                       stderr=subprocess.DEVNULL)
        return iso
    return make


def test_a_cd_boots_by_el_torito(machine, guest_cd):
    """Boot record, catalog, boot image without emulation."""
    pc = machine(cdrom=guest_cd('demo'), cmdline='boot=0xe0')
    assert 'the BIOS booted drive 0xe0' in finish(pc)


@pytest.mark.parametrize('drive, message', [
    ('0x80', 'no boot sector (55 AA is missing)'),
    ('0x81', 'cannot read the boot sector'),
    ('0xe0', 'cannot read the CD'),
])
def test_a_drive_that_cannot_boot_is_named(machine, needs_guest, tmp_path,
                                           drive, message):
    """The stub says what is wrong, as a BIOS would."""
    # pylint: disable=unused-argument
    disk = tmp_path / 'empty.img'
    disk.write_bytes(bytes(516096))
    pc = machine(disk=disk, cmdline=f'boot={drive}')
    pc.expect(rf'^vellum: drive {drive}: {re.escape(message)}\r?\n'
              r"vellum: the word boot= on Vellum's command line chooses")
    pc.expect(r'^vellum: halted', panic_ends=False)


def test_a_cd_without_boot_record_is_named(machine, needs_guest, tmp_path):
    """A disc of nothing but zeros."""
    # pylint: disable=unused-argument
    disc = tmp_path / 'empty.iso'
    disc.write_bytes(bytes(1 << 20))
    pc = machine(cdrom=disc, cmdline='boot=0xe0')
    pc.expect(r'^vellum: drive 0xe0: no bootable CD')


@pytest.mark.parametrize('word', ['boot=disk', 'boot=0x100', 'boot='])
def test_nonsense_for_boot_is_refused(machine, needs_guest, word):
    """Vellum does not guess."""
    # pylint: disable=unused-argument
    pc = machine(cmdline=word)
    pc.expect(rf'^command line: `{word}` is wrong: it must be boot=0..0xff')
    pc.expect(r'^vellum: nothing was launched: correct the settings; ',
              panic_ends=False)


# --- machines on which Vellum cannot, or not wholly, do its work

@pytest.mark.parametrize('cpu, why', [
    ('-svm,-hypervisor', 'look for "SVM Mode" .AMD-V. in the firmware set-up'),
    ('-npt', 'SVM without nested paging'),
])
def test_no_virtualisation_is_said_and_vellum_halts(machine, guest, cpu,
                                                    why):
    """Nothing is booted without Vellum below it."""
    pc = machine(disk=guest('demo'), cpu=cpu)
    pc.expect(rf'{REFUSED}[^\n]*{why}', panic_ends=False)
    assert 'launching' not in pc.serial


def test_more_cpus_than_one_are_warned_of(machine, guest, stage):
    """The stage with smp/ mends it."""
    if expectations.has_folder(stage, 'smp'):
        pytest.skip(f'{stage} starts them')
    pc = machine(disk=guest('demo'), cpus=2, cmdline='boot=0x80')
    pc.expect(r'^vellum: this machine has 2 CPUs, and Vellum is on one, CPU 0')
    finish(pc)
