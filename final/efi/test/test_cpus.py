"""The other CPUs of a UEFI machine."""
import re

import pytest

import expectations
import linux_guest

VMMSIZE = 128 << 20


def linux(machine, options='', **settings):
    """Boot the Linux demo on two CPUs; the machine, when it is off."""
    disk = linux_guest.build(batch=True, firmware='uefi')
    pc = machine(disk=disk, cpus=2, firmware='uefi', limit=240,
                 cmdline=f'boot=0x80 hypercall {options}', **settings)
    missing = expectations.linux_demo(pc, False, VMMSIZE)
    assert not missing, pc.fail(f'not seen: {missing}')
    return pc


def test_cpus_come_at_their_first_init(machine):
    """OVMF wakes its CPUs by INIT, so Vellum has them before OVMF does."""
    assert re.search(r'^smp: 2 of 2 CPUs are under Vellum',
                     linux(machine).serial, re.M)


@pytest.mark.slow
def test_cpus_that_only_the_firmware_knows_come(machine):
    """Without ACPI's tables Linux starts one; both are Vellum's."""
    disk = linux_guest.build(batch=True, firmware='uefi')
    pc = machine(disk=disk, cpus=2, firmware='uefi', limit=240,
                 cmdline='boot=0x80 hypercall',
                 extra_args=['-machine', 'acpi=off'])
    pc.expect(r'^smp: 2 CPUs here, 0 in ACPI.s MADT')
    pc.expect(r'^smp: 2 of 2 CPUs are under Vellum')
    pc.expect(r'^demo: done')


@pytest.mark.slow
def test_the_firmware_brings_cpus_by_its_protocol(machine):
    """With those INITs let through, each arrives in the midst of a call."""
    pc = linux(machine, 'firmware-starts', test=True)
    assert 'smp: the firmware has brought CPU 1' in pc.serial
    assert 'under Vellum;' not in pc.serial


def test_a_cpu_that_panics_in_its_start_up_has_stopped(machine):
    """So has the first, which waits for it."""
    pc = machine(firmware='uefi', test=True, cpus=2, limit=100,
                 cmdline='boot=0x80 panic-early')
    pc.expect(r'^panic\(CPU1\): in the midst of a start-up',
              panic_ends=False)
    pc.expect(expectations.PANIC_END, panic_ends=False)
    assert re.search(r'^smp: 2 of 2 CPUs have stopped', pc.serial, re.M)
