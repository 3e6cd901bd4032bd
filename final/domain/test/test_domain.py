"""Programs in ring 3, on the machine itself (TEST=1)."""
import pytest

OVER_CPUS = r'^domain: one thread has run on {} CPUs\r?\n'
OK = r'^selftest: domain: ok\r?\n'


@pytest.mark.slow('bochs', 'uefi')
@pytest.mark.parametrize('firmware', ['bios', 'uefi'])
def test_a_thread_goes_from_cpu_to_cpu(machine, emu, firmware):
    """It stops on one and goes on on the next, with all that it had. UEFI's
    firmware brings the others after the test."""
    cpus = 2 if firmware == 'bios' else 1
    pc = machine(emu=emu, test=True, cpus=cpus, firmware=firmware, limit=300)
    pc.expect(OVER_CPUS.format(cpus))
    pc.expect(r'^hello from ring 3\r?\n')
    pc.expect(OK)


def test_an_nmi_that_comes_in_ring_3_is_survived(machine):
    """QEMU's monitor presses the button while a program counts."""
    pc = machine(test=True, cmdline='program=wander')
    pc.expect(r'^wander: counts\r?\n')
    for _ in range(5):
        pc.qmp('inject-nmi')
    pc.expect(r'^wander: has counted well\r?\n')
    pc.expect(r'^domain: program wander has ended: 0\r?\n')


def test_a_program_out_of_memory_ends_and_vellum_goes_on(machine):
    """Its heap is its own array: what is Vellum's is as it was."""
    pc = machine(test=True, cmdline='program=exhaust')
    pc.expect(r'^exhaust: 219 of 219 areas were whole\r?\n')
    pc.expect(r'^domain exhaust: panic in process: out of memory\r?\n')
    pc.expect(r'^domain: program exhaust has ended: -14\r?\n')
    pc.expect(r'^vmm: .*\r?\n')
