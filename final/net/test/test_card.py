"""The card that Vellum takes, and a firmware that has it already."""
import re
import shutil
import subprocess

import expectations
import linux_guest
import network
import pytest
from bootdisk import SERIAL
from common import BUILD
from uefi import STATUS


def parts(text):
    """What the shell printed after each `echo begin NAME`: NAME -> text."""
    text = re.sub(r'\x1b\[[0-9;=]*[A-Za-z]', '', text).replace('\r', '')
    found = re.split(r'^begin (\w+)\n', text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2]))


@pytest.mark.slow
def test_the_firmwares_driver_lets_go_of_the_card(machine, image):
    """If Vellum only checks the machine, it has it again. If Vellum stays, it
    does not find it any more, though it looks."""
    net = 'net=52:54:00:12:34:56 net.ip=10.0.2.15'
    look = 'dh -p SimpleNetwork'
    lines = ('connect -r', 'echo begin native', look,
             f'vellum.efi check {net}', STATUS, 'echo begin checked', look,
             f'vellum.efi {net}', STATUS, 'echo begin taken', look,
             'connect -r', 'echo begin searched', look, 'pci', 'reset -s')
    pc = machine(native=True, firmware='uefi', nic='e1000', shell=lines,
                 files={'vellum.efi': image.with_suffix('.efi')})
    assert pc.wait_exit() == 'poweroff'
    seen = parts(pc.serial)
    for name in ('native', 'checked'):
        assert ': SimpleNetwork' in seen[name]
    for name in ('taken', 'searched'):
        assert 'Handle dump' in seen[name]
        assert ': SimpleNetwork' not in seen[name]
    assert re.search(r'^net: 00:02.0, 82540EM: taken', seen['checked'], re.M)
    assert 'does not let go' not in pc.serial
    assert pc.serial.count('status 0x0') == 2
    assert 'Vendor 8086 Device 29C0' in seen['searched']
    assert 'Device 100E' not in seen['searched']


@pytest.mark.slow
def test_a_card_that_is_pulled_out_is_lost_and_nothing_hangs(machine):
    """Linux ejects it, though it can't see it: for that it asks the slot."""
    card = '-netdev user,id=net -device e1000,netdev=net,id=card'
    pc = machine(cmdline='boot=0x80 hypercall debug panic=ask net=on '
                 f'net.ip={network.OURS} log.udp=10.0.2.2',
                 disk=linux_guest.build(), extra_args=tuple(card.split()))
    pc.expect('poweroff ends')
    pc.qmp('device_del', id='card')
    pc.send('sleep 3; vellumctl shell net\n')
    pc.expect(rf'^82540EM, .*, {network.OURS}/24: lost\r?\n')
    pc.send('vellumctl shell panic\n')
    pc.expect(expectations.PANIC_END, panic_ends=False)
    pc.send('r')
    pc.expect(r'^vellum: rebooting', panic_ends=False)


@pytest.mark.slow
def test_a_machine_that_booted_from_its_card_loses_it_to_vellum(
        machine, image, tmp_path):
    """Its BIOS has loaded GRUB over the network, by the driver in the card's
    ROM, and GRUB has loaded Vellum."""
    ear = network.Receiver('udp')
    shutil.copy(image, tmp_path / 'vellum.elf')
    script = tmp_path / 'grub.cfg'
    script.write_text(f'{SERIAL}net_bootp\nmultiboot (tftp,10.0.2.2)/'
                      f'vellum.elf boot=0x80 {ear.words}\nboot\n')
    subprocess.run(
        ['grub-mkimage', '-O', 'i386-pc-pxe', '-p', '/', '-c', script, '-o',
         tmp_path / 'core.0', 'pxe', 'tftp', 'multiboot', 'serial', 'terminal',
         'boot', 'net'], check=True)
    wire = f'user,id=net,tftp={tmp_path},bootfile=core.0'
    pc = machine(native=True, disk=BUILD / 'final/guest/demo.img', extra_args=(
        '-netdev', wire, '-device', 'e1000,netdev=net,bootindex=0'))
    pc.expect(r'^loader: GRUB')
    pc.expect(expectations.LAUNCH)
    pc.expect(r'^guest: demo: hello')
    assert ear.faults(pc.serial) == []
    ear.close()
