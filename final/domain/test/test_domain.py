"""Programs in ring 3, on the machine itself (TEST=1)."""
import pytest

OVER_CPUS = r'^domain: one thread has run on {} CPUs\r?\n'
OK = r'^selftest: domain: ok\r?\n'


@pytest.mark.slow('bochs', 'uefi')
@pytest.mark.parametrize('firmware', ['bios', 'uefi'])
def test_a_thread_goes_from_cpu_to_cpu(machine, emu, firmware):
    """It stops on one and goes on on the next, with all that it had. UEFI's
    firmware brings the others after the test. And an NMI in ring 3 is no fault
    of the program's."""
    cpus = 2 if firmware == 'bios' else 1
    pc = machine(emu=emu, test=True, cpus=cpus, firmware=firmware, limit=300)
    pc.expect(OVER_CPUS.format(cpus))
    pc.expect(r'^hello from ring 3\r?\n')
    pc.expect(r'^domain: 1 of 2 NMIs came in ring 3\r?\n')
    pc.expect(OK)
