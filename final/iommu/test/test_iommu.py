"""Devices that are kept out of Vellum's range, or not: a guest that has one
copy memory for it (attack_dma.c), and Linux, whose devices must work."""
import hashlib
import re
import struct

import expectations
import linux_guest
import network
import pytest
import reboot
from common import BUILD
from run import COPIER

UNITS = ['intel-iommu', 'amd-iommu']
WAYS = ['written to', 'read']
OUT = r'^iommu: (DMAR|IVRS), 1 unit, (\d) levels, (\d+) pages of tables: '
# Of a table of devices, for AMD's.
DEVICES = {'intel-iommu': 0, 'amd-iommu': 512}
ATTACK = 'boot=0x80 hypercall'
MARK = '05ca1ab1e0ddba11'       # what it has a device write


def q35(unit=None, *more):
    """QEMU's words for a machine with that IOMMU."""
    return ('-machine', 'q35,smm=off',
            *(['-device', unit] if unit else []), *more)


def attacked(machine, unit, words='', *more, **settings):
    """A machine whose guest has tried everything."""
    pc = machine(disk=BUILD / 'final/guest/attack.img',
                 cmdline=f'{ATTACK} {words}',
                 extra_args=q35(unit, *more, *COPIER), **settings)
    pc.expect(r'^guest: attack: .* attempts: ')
    return pc


def verdicts(pc):
    """What became of the attempts by a device: name -> verdict."""
    return dict(re.findall(r'^guest: attack: (.*? by a device|the IOMMU.*?): '
                           r'(refused|ESCAPED|as on hardware)', pc.serial,
                           re.M))


@pytest.mark.parametrize('unit', UNITS)
def test_a_device_that_the_guest_programs_does_not_reach_vellum(machine, unit):
    """Neither to write nor to read; Intel's unit tells who it was."""
    pc = attacked(machine, unit)
    found = verdicts(pc)
    assert found["the IOMMU's registers"] == 'refused'
    for way in WAYS:
        assert found[f"Vellum's range, {way} by a device"] == 'refused'
    assert expectations.devices_kept_out(pc.serial) == []
    base, end = re.search(r'our range is (0x\w+)-(0x\w+),', pc.serial).groups()
    middle = (int(base, 16) + int(end, 16) + 1) // 2
    assert MARK not in pc.hmp(f'xp /1gx {middle:#x}')
    faults = re.findall(r'refused, fault \d+: 00:0\d\.0 may not (\w+)(?: to)? '
                        r'0x[0-9a-f]+ \(reason \d\)', pc.serial)
    assert faults == (['write', 'read'] if unit == 'intel-iommu'
                      else [])              # book, appendix on emulators


@pytest.mark.slow
def test_so_does_a_unit_of_four_levels_that_notes_what_is_not_there(machine):
    """Tables of another shape; and each change of them must be told."""
    pc = attacked(machine, 'intel-iommu,aw-bits=48,caching-mode=on')
    assert re.search(OUT, pc.serial, re.M)[2] == '4'
    for way in WAYS:
        assert verdicts(pc)[f"Vellum's range, {way} by a device"] == 'refused'


@pytest.mark.slow('amd')
@pytest.mark.parametrize('unit', UNITS)
def test_with_the_unit_off_the_same_device_does(machine, unit):
    """The control: it is the unit that keeps it out."""
    pc = attacked(machine, unit, 'iommu=off')
    assert re.search('^iommu: off: a device of the guest', pc.serial, re.M)
    for way in WAYS:
        name = f"Vellum's range, {way} by a device"
        assert verdicts(pc)[name] == 'ESCAPED'


@pytest.mark.slow
@pytest.mark.parametrize('unit', UNITS)
def test_the_card_reaches_its_rings_and_nobody_reaches_the_card(machine, unit):
    """The log still goes over it."""
    with network.Receiver('udp') as ear:
        pc = attacked(machine, unit, ear.words, '-device',
                      'pcie-root-port,id=other,chassis=1', nic='e1000e')
        assert ear.faults(pc.serial) == []
    own = re.search(r'^iommu: 00:0\d\.0 is ours, and reaches '
                    r'0x([0-9a-f]+)-0x([0-9a-f]+) alone', pc.serial, re.M)
    assert int(own[2], 16) + 1 - int(own[1], 16) <= 40 * 4096
    assert verdicts(pc)["the card's registers by a device"] == 'refused'
    assert verdicts(pc)['its configuration space by a device'] == 'refused'
    for what in ('by ports', 'in ECAM', "'s registers"):
        assert re.search(rf'^guest: attack: the card ?{what}: refused',
                         pc.serial, re.M), what
    assert 'another bridge to its bus: refused' in pc.serial


BEHIND = ('-netdev', 'user,id=net', '-device', 'pcie-pci-bridge,id=other',
          '-device', 'e1000,netdev=net,bus=other,addr=3')


@pytest.mark.slow
@pytest.mark.parametrize('words, taken', [('', False), ('iommu=off', True)])
def test_a_card_that_shares_its_number_is_left_to_the_guest(machine, words,
                                                            taken):
    """Where an IOMMU would have to tell it from its neighbours."""
    pc = machine(disk=BUILD / 'final/guest/demo.img',
                 extra_args=q35('intel-iommu', *BEHIND),
                 cmdline=f'boot=0x80 net=on net.ip=10.0.2.15 {words}')
    pc.expect(expectations.LAUNCH)
    assert bool(re.search('^net: .*: left to the guest: a bridge above it '
                          'speaks for all', pc.serial, re.M)) is not taken
    assert bool(re.search('^net: .*: taken', pc.serial, re.M)) is taken


def table(tmp_path, body):
    """QEMU's words for a DMAR table with those structures."""
    path = tmp_path / 'dmar'
    path.write_bytes(struct.pack('<BB10x', 38, 1) + body)
    return '-acpitable', f'sig=DMAR,data={path}'


BROKEN = {
    'no-end': (struct.pack('<HH', 0, 0), 'a structure has no end'),
    'no-address': (struct.pack('<HHBBHQ', 0, 16, 1, 0, 0, 0),
                   'a unit has no address'),
    'no-unit': (struct.pack('<HHBBHQ', 0, 16, 1, 0, 0, 0xfed90000),
                'does not answer'),
}


@pytest.mark.slow('no-address', 'no-unit')
@pytest.mark.parametrize('what', [None, *BROKEN])
def test_require_starts_no_guest_where_devices_cannot_be_kept_out(
        machine, tmp_path, what):
    """And names what is in the way. Without the setting it only does that."""
    body, said = BROKEN[what] if what else (None, 'this machine has none')
    args = q35(None, *(table(tmp_path, body) if what else ()))
    pc = machine(cmdline='boot=0x80 iommu=require', extra_args=args)
    pc.expect(r'^vellum: .*; halted', panic_ends=False)
    assert 'launching' not in pc.serial
    assert "iommu=require, and devices can't be kept out" in pc.serial
    pc = machine(cmdline='boot=0x80', extra_args=args)
    pc.expect(expectations.LAUNCH)
    assert re.search(rf"^iommu: .*{said}: a device of the guest's can reach",
                     pc.serial, re.M)


@pytest.mark.slow
def test_under_uefi_a_unit_of_amds_that_is_on_is_refused(machine):
    """The firmware, which goes on, would wait for what it stores. So after
    such a reset a guest that requires one does not start."""
    pc = machine(firmware='uefi', cmdline='iommu=require', reboot=True,
                 extra_args=q35('amd-iommu'))
    pc.expect(expectations.LAUNCH)
    reboot.warm_reset(pc)
    pc.expect('^iommu: .*translates for the firmware, which goes on')
    pc.expect("^vellum: .* devices can't be kept out; back to the firmware")


@pytest.mark.slow
@pytest.mark.parametrize('unit, said', [
    ('intel-iommu', 'DMAR, units: 1: tried at the start'),
    ('amd-iommu', 'IVRS, units: 1: tried at the start'),
    (None, 'this machine has none')])
def test_preflight_says_what_there_is(machine, unit, said):
    """For `require` it is a need."""
    for words, mark in (('', None), ('iommu=require', 'ok' if unit else 'NO')):
        pc = machine(cmdline=f'boot=0x80 check {words}',
                     extra_args=q35(unit))
        pc.expect(r'^vellum: preflight done', panic_ends=False)
        part = re.search(r'^preflight: IOMMU\r?\n +(.*)\r?\n(.*)', pc.serial,
                         re.M)
        assert part[1] == said
        assert not mark or re.match(rf'  {mark}  IOMMUs to try', part[2])
        assert mark or 'IOMMUs' not in part[2]


@pytest.fixture(name='disk')
def fixture_disk(tmp_path):
    """A disk of 16 MiB, of what no other one has: path, sum."""
    path = tmp_path / 'disk'
    path.write_bytes(b''.join(hashlib.sha256(b'%d' % n).digest()
                              for n in range(1 << 19)))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize('firmware', ['bios', 'uefi'])
@pytest.mark.parametrize('unit', UNITS)
def test_linux_uses_its_devices_and_sees_no_iommu(machine, disk, unit,
                                                  firmware):
    """Four CPUs; a disk that is read and written by DMA, and no fault."""
    path, total = disk
    words = 'hypercall' + ' boot=0x80' * (firmware == 'bios')
    pc = machine(firmware=firmware, cpus=4, cmdline=words, mem='1G',
                 disk=linux_guest.build(firmware=firmware), extra_args=q35(
                     unit, '-drive', f'file={path},format=raw,if=none,id=d,'
                     'snapshot=on', '-device', 'nvme,serial=1,drive=d'))
    pc.expect('poweroff ends')
    found = re.search(OUT, pc.serial, re.M)
    assert int(found[3]) - DEVICES[unit] <= 16
    for command, answer in (
            ('sha256sum </dev/nvme0n1', total),
            ('dd if=/dev/nvme0n1 of=/dev/nvme0n1 bs=1M skip=8 count=8 '
             'conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; '
             'cmp -n 8388608 /dev/nvme0n1 /dev/nvme0n1 0 8388608 && '
             'echo moved', 'moved'),
            ('vellumctl stats | grep DMA', 'DMA faults: 0'),
            ('ls /sys/firmware/acpi/tables | grep -cE "DMAR|IVRS"', '0'),
            ('cat /sys/bus/pci/devices/*/class | grep -c 0x0806', '0'),
            ('grep -c ^processor /proc/cpuinfo', '4')):
        pc.send(command + '\n')
        pc.expect(rf'^{answer}\b')


def test_eight_gigabytes_take_no_more_than_16_pages(machine):
    """Largest leaves, and one map for all devices."""
    pc = machine(disk=BUILD / 'final/guest/demo.img', mem='8G',
                 cmdline='boot=0x80', extra_args=q35('intel-iommu'))
    pc.expect(expectations.LAUNCH)
    assert int(re.search(OUT, pc.serial, re.M)[3]) <= 16
