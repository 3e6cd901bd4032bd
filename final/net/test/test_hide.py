"""A guest that knows the card and looks for it (attack_card.c)."""
import re

import pytest

from common import BUILD

# Behind a bridge, on a machine with ECAM.
BEHIND_BRIDGE = ['-machine', 'q35,smm=off',
                 '-device', 'pcie-root-port,id=above,chassis=1',
                 '-device', 'e1000e,bus=above']
ALL = {'the card by ports', 'the card in ECAM', "the card's registers",
       'ECAM moved', 'the card under another number', 'a reset of its bus'}
MACHINES = {'qemu': ({'extra_args': BEHIND_BRIDGE, 'cpus': 2}, ALL),
            'bochs': ({'nic': 'e1000'},
                      {'the card by ports', "the card's registers"})}


@pytest.mark.slow
@pytest.mark.parametrize('where', ['qemu', 'bochs'])
def test_who_looks_for_the_card_finds_nothing(machine, where):
    """Each door that the machine has is tried, and each is closed."""
    settings, doors = MACHINES[where]
    pc = machine(emu=where, disk=BUILD / 'final/guest/attack.img',
                 cmdline='boot=0x80 hypercall net=on net.ip=10.0.2.15',
                 **settings)
    pc.expect(r'attempts: .* 0 ESCAPED\n')
    assert re.search('^net: hidden from the guest: ', pc.serial, re.M)
    refused = set(re.findall('^guest: attack: (.*?): refused', pc.serial,
                             re.M))
    assert ALL & refused == doors
