"""The log over the network, as it is heard: by a real rsyslogd, or packet by
packet. The card is no longer the guest's then."""
import re

import expectations
import linux_guest
import network
import pytest
import reboot
from common import BUILD

LIMIT = {'qemu': 240, 'bochs': 900}
MACHINES = [('qemu', 'bios', 'e1000', 'syslog'),
            ('qemu', 'bios', 'e1000e', 'udp'),
            ('qemu', 'uefi', 'e1000', 'udp'),
            ('qemu', 'uefi', 'e1000e', 'syslog'),
            ('bochs', 'bios', 'e1000', 'syslog'),
            ('bochs', 'uefi', 'e1000', 'udp')]
EMERGENCY, INFORMATION = 0, 6       # RFC 5424 6.2.1


@pytest.fixture
def heard(machine):
    """A function that starts a machine whose log is heard: both."""
    ears = []

    def start(log='syslog', nic='e1000', cmdline='', **settings):
        ears.append(network.Receiver(log))
        settings.setdefault('limit', LIMIT[settings.get('emu', 'qemu')])
        return ears[-1], machine(
            nic=nic, cmdline=f'{ears[-1].words} {cmdline}', **settings)
    yield start
    for each in ears:
        each.close()


def boot_words(firmware):
    """Words for Vellum, where a disk is the guest's."""
    return 'hypercall' + ' boot=0x80' * (firmware == 'bios')


@pytest.mark.slow('uefi', 'bochs', 'e1000e')
@pytest.mark.parametrize('kind', MACHINES, ids='-'.join)
def test_the_log_of_a_boot_arrives_and_linux_has_no_card(heard, kind):
    """All of it, in order; and Linux is as well as ever."""
    emu, firmware, nic, log = kind
    ear, pc = heard(log, nic, boot_words(firmware), emu=emu, firmware=firmware,
                    disk=linux_guest.build(batch=True, firmware=firmware))
    missing = expectations.linux_demo(pc, False, reboot.VMMSIZE)
    assert not missing + ear.faults(pc.serial)


@pytest.mark.slow
@pytest.mark.parametrize('kind', MACHINES, ids='-'.join)
def test_without_the_setting_the_card_is_the_guests(machine, kind):
    """Whatever else is set; Vellum doesn't touch it."""
    emu, firmware, nic, log = kind
    pc = machine(emu=emu, firmware=firmware, nic=nic, limit=LIMIT[emu],
                 cmdline=f'{boot_words(firmware)} log.{log}=10.0.2.2',
                 disk=linux_guest.build(batch=True, firmware=firmware))
    pc.expect(r'^demo: network cards: 1\n')


USER = '-netdev user,id=net '
LAYOUTS = {     # QEMU's words, and how many cards Linux must see
    'beside-another': ('bios', USER + '-device virtio-net-pci,addr=6 '
                       '-device e1000,netdev=net,addr=7', 1),
    'function-0-of-two': ('bios', USER + '-device virtio-net-pci,addr=6.1 '
                          '-device e1000,netdev=net,addr=6.0,multifunction=on',
                          1),
    'function-1-of-two': ('uefi', USER + '-device e1000e,netdev=net,addr=6.1 '
                          '-device virtio-net-pci,addr=6.0,multifunction=on',
                          1),
    'below-a-port': ('uefi', USER + '-device pcie-root-port,id=above,chassis=1 '
                     '-device e1000e,netdev=net,bus=above', 0),
}


@pytest.mark.slow
@pytest.mark.parametrize('layout', LAYOUTS)
def test_only_the_card_is_hidden_wherever_it_is(heard, layout):
    """Its neighbours, and other functions of its device, are the guest's."""
    firmware, devices, count = LAYOUTS[layout]
    ear, pc = heard('udp', None, boot_words(firmware), firmware=firmware,
                    disk=linux_guest.build(batch=True, firmware=firmware),
                    extra_args=tuple(devices.split()))
    pc.expect(rf'^demo: network cards: {count}\n')
    assert pc.wait_exit() == 'poweroff'
    assert ear.faults(pc.serial) == []


@pytest.mark.slow('uefi', 'bochs')
@pytest.mark.parametrize('kind', ['qemu-bios', 'qemu-uefi', 'bochs-bios'])
def test_a_panic_is_heard_to_its_end(heard, kind):
    """And through its shell to the reset. A panic is an emergency."""
    emu, firmware = kind.split('-')
    words = 'broken=assert' + ' boot=0x80' * (firmware == 'bios')
    ear, pc = heard(cmdline=words, test=True, emu=emu, firmware=firmware)
    pc.expect(expectations.PANIC_END, panic_ends=False)
    pc.send('s')
    pc.expect(r'^> ', panic_ends=False)
    pc.send('\x04')
    pc.expect(expectations.PANIC_END, panic_ends=False)
    pc.send('r')
    pc.expect(r'^vellum: rebooting\r?\n', panic_ends=False)
    while 'reset: ' not in ear.text():
        pc.check_time()
    assert ear.faults(pc.serial) == []
    found = [(int(line['priority']) & 7, line['text']) for line in ear.lines()]
    said = [text for _, text in found]
    assert (INFORMATION, re.search('^Vellum .*', pc.serial, re.M)[0]) in found
    assert (EMERGENCY, re.search(r'^panic\(.*', pc.serial, re.M)[0]) in found
    assert 'vellum: rebooting' in said[-4:]
    assert len([text for text in said if 'shell or reboot?' in text]) == 2


@pytest.mark.slow
def test_four_cpus_that_print_at_once_lose_no_line(heard):
    """Nor does one of them that panics meanwhile."""
    ear, pc = heard('udp', cmdline='boot=0x80 panic-storm', test=True, cpus=4)
    pc.expect(expectations.PANIC_END, panic_ends=False)
    assert ear.faults(pc.serial) == []
    assert ' 4 of 4 CPUs have stopped' in ear.text()


@pytest.mark.slow
@pytest.mark.parametrize('kind, nic, ways', [
    (reboot.Kind('qemu', 'uefi', 2), 'e1000e', ['acpi', 'efi']),
    (reboot.Kind('bochs', 'bios', 1), 'e1000', ['pci'])], ids=str)
def test_no_reset_loses_a_line(heard, kind, nic, ways):
    """Each start has its own numbers, from the first line on."""
    settings = reboot.settings(kind)
    ear, pc = heard('syslog', nic, settings.pop('cmdline'), **settings)
    reboot.life(pc, ways)
    assert ear.faults(pc.serial) == []
    assert len(network.lives(ear.lines())[0]) == 1 + len(ways)


@pytest.mark.slow
def test_no_panic_loses_a_line_be_it_linux_or_vellum_that_does(heard):
    """Behind a reset by the keyboard controller."""
    settings = reboot.settings(reboot.Kind('qemu', 'bios', 1))
    ear, pc = heard(cmdline=settings.pop('cmdline'), **settings)
    reboot.life(pc, ['kbd'])
    pc.send('echo c >/proc/sysrq-trigger\n')
    reboot.comes_up(pc, 'the last run ended without a panic')
    reboot.again(pc, 'panic')
    assert ear.faults(pc.serial) == []
    found = network.lives(ear.lines())[0]
    assert len(found) == 4
    assert 'vellum: rebooting' in found[2]


@pytest.mark.slow
def test_a_cable_that_is_pulled_costs_a_bounded_wait_and_no_line(heard):
    """Vellum starts its guest without; what it had to say comes later."""
    ear, pc = heard(cmdline=f"{boot_words('bios')} s3=off",
                    disk=linux_guest.build())
    pc.hmp('set_link net off')
    pc.expect('poweroff ends')
    assert ear.lines() == []
    pc.hmp('set_link net on')
    pc.send('echo deep >/sys/power/mem_sleep\n')
    # Each is a line to send: one asks for the way, others have it.
    for number in range(1, 6):
        pc.send(f'sleep 2; echo mem >/sys/power/state; echo slept {number}\n')
        pc.expect(rf'^slept {number}')
    assert ear.faults(pc.serial) == []
    assert 'S3: refused (number 5)' in ear.text()


@pytest.mark.slow
@pytest.mark.parametrize('words', [
    'log.udp=10.0.2.99', 'log.syslog=192.0.2.1 net.gateway=10.0.2.99'])
def test_nobody_on_the_other_side_is_no_reason_to_wait_for_ever(machine, words):
    """No answer to ARP; the guest starts, and Vellum says what was lost."""
    pc = machine(nic='e1000', disk=BUILD / 'final/guest/demo.img',
                 cmdline=f'boot=0x80 net=on net.ip={network.OURS} {words}')
    pc.expect(expectations.LAUNCH)
    pc.expect(r'^guest: ')


@pytest.mark.slow
@pytest.mark.parametrize('words, message', [
    ('net=e1000', 'nothing was launched: correct the settings'),
    ('net=on net.ip=10.0.2', 'must be net.ip=A.B.C.D'),
    ('net=on log.udp=10.0.2.2:0', 'must be log.udp=A.B.C.D'),
    ('net=on log.udp=10.0.2.2', 'there is no net.ip=: all cards are left'),
    ('net=00:04.0 net.ip=10.0.2.15', '00:03.0 is not the card that net= names'),
    ('net=52:54:00:12:34:57 net.ip=10.0.2.15', 'there is no such card'),
    ('log.syslog=10.0.2.2', 'log.syslog: there is no network, so nothing is'),
    ('net=off log.sylog=10.0.2.2', 'did you mean `log.syslog='),
])
def test_words_that_make_no_sense_leave_the_card_alone(machine, words, message):
    """And it is said what is wrong with them."""
    pc = machine(nic='e1000', disk=BUILD / 'final/guest/demo.img',
                 cmdline=f'boot=0x80 {words}')
    pc.expect(f'{expectations.LAUNCH}|{expectations.HALTED}')
    assert message in pc.serial
    assert 'taken from the guest' not in pc.serial
