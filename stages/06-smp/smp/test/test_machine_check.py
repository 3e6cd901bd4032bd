"""Machine checks from QEMU's monitor, to CPUs that are in Vellum."""
import re

import expectations
import pytest
from common import BUILD

# Valid, not corrected, enabled, with address and misc (SDM 3B 16.3.2.2); and in
# MCG_STATUS one that lets the CPU go on, in progress.
ERROR = 0xbc00000000000000
STATUS = 5
BANK = 2


@pytest.fixture
def waiting(machine, stage):
    """A machine whose guest runs on CPU 0; CPUs 1 and 2 wait in Vellum."""
    if not expectations.has_folder(stage, 'smp'):
        pytest.skip(f'{stage} knows one CPU')
    pc = machine(disk=BUILD / stage / 'guest' / 'wait.img', cpus=3,
                 cmdline='boot=0x80')
    pc.expect(r'^guest: wait: ready')
    return pc


def machine_check(pc, cpu, address):
    """Memory at this address is lost, says a bank of the CPU."""
    said = pc.hmp(f'mce {cpu} {BANK} {ERROR:#x} {STATUS} {address:#x} 0x8c')
    assert 'CPU' not in said, said  # QEMU says why it does nothing


def test_a_machine_check_that_is_not_about_us_is_no_panic(waiting):
    """The guest goes on; one in our own memory is another matter."""
    start = int(re.search(r'our range is (0x[0-9a-f]+)', waiting.serial)[1], 16)
    machine_check(waiting, 1, start - 4096)
    waiting.qmp('inject-nmi')
    waiting.expect(r'^guest: wait: NMI 1\r?\n')
    machine_check(waiting, 2, start)
    waiting.expect(r'^panic\(CPU2\): exception 18, #MC machine check',
                   panic_ends=False)
    waiting.expect(rf"^machine check: status 0x{STATUS:x}, in Vellum's memory",
                   panic_ends=False)
    waiting.expect(rf'^machine check: bank {BANK}: status 0x{ERROR:x}, '
                   rf'address 0x{start:x}, misc 0x8c', panic_ends=False)
