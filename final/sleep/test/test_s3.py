"""Linux sleeps in RAM (S3), and wakes under Vellum: all CPUs, and with what it
was doing before; or is told that it can't, and goes on."""
import re
import time

import linux_guest
import network
import pytest

# Firmware, CPUs, and how often.
SLEEPS = [('bios', 2, 1), ('bios', 1, 10), ('bios', 4, 10), ('uefi', 1, 10),
          ('uefi', 4, 10)]


def sleeper(machine, firmware, cpus, times, words='', **settings):
    """The demo, which sleeps; it has come to its end."""
    disk = linux_guest.build(batch=True, firmware=firmware,
                             cmdline=f'demo.sleep={times}')
    guest = machine(
        disk=disk, cpus=cpus, firmware=firmware, limit=300, **settings,
        cmdline=('' if firmware == 'uefi' else 'boot=0x80 ')
        + f'hypercall console=com1 {words}')
    guest.expect(r'^demo: done$', timeout=280)
    return guest


def leaves(text):
    """Each CPU that says that Vellum is below it, before the sleeps."""
    return re.findall(r'sleep: before: VellumVellum .*CPU (\d+)\s', text)


def check_demo(text, cpus, times):
    """What the guest itself has looked at, before and after."""
    assert leaves(text) == [str(n) for n in range(cpus)]
    for wrong in ('CHANGED', 'WRONG', 'FAILED'):
        assert f'sleep: a sum is {wrong}' not in text
        assert wrong not in ''.join(re.findall(r'demo: sleep: .*', text))
    for n in range(1, times + 1):
        assert f'demo: sleep: {n} of {times}, ' in text
    online = '0' if cpus == 1 else f'0-{cpus - 1}'
    assert re.search(fr'demo: sleep: \d+ times, CPUs {online}\s', text)


def hidden_word(text):
    """What the guest finds where Vellum's image begins."""
    base = re.search(r'our range is (0x[0-9a-f]+)-', text)[1]
    return re.search(fr'sleep: before: {base} (\w+)', text)[1]


@pytest.mark.slow('-10')
@pytest.mark.parametrize('firmware, cpus, times', SLEEPS)
def test_linux_sleeps_and_wakes_under_vellum(machine, firmware, cpus, times):
    """The guest's sums are right, each CPU says who is below it, and Vellum's
    memory is hidden, as before."""
    guest = sleeper(machine, firmware, cpus, times)
    text = guest.serial
    check_demo(text, cpus, times)
    assert f'demo: sleep: {times} times, ' in text
    assert hidden_word(text) == '0x00000000'
    assert text.count('sleep: the guest wakes at 0x') == times
    if cpus > 1:
        assert text.count(f'smp: {cpus} of {cpus} CPUs are under Vellum; 0 '
                          'pages for each') == times
    assert guest.wait_exit() == 'poweroff'


@pytest.mark.slow
@pytest.mark.parametrize('words, test, why', [
    ('s3=off', False, 's3=off'),
    ('s3-fails', True, 'the machine did not fall asleep')])
def test_a_guest_that_did_not_sleep_goes_on(machine, words, test, why):
    """It is told that it has slept; all of its CPUs are as they were."""
    guest = sleeper(machine, 'bios', 4, 2, words, test=test)
    text = guest.serial
    check_demo(text, 4, 2)
    assert hidden_word(text) == '0x00000000'
    assert re.search(r'asked for sleep state S3: refused \(number 2\): '
                     + why, text)
    assert 'sleep: the guest wakes' not in text
    assert guest.wait_exit() == 'poweroff'


# Firmware, unit, and where what must be on again is: in which register.
UNITS = [('uefi', 'intel-iommu', 0xfed9001c, 1 << 31),
         ('bios', 'amd-iommu', 0xfed80018, 1 << 0)]


def register(guest, address):
    """What stands there."""
    return int(guest.hmp(f'xp /1wx {address:#x}').split()[1], 16)


@pytest.mark.slow
@pytest.mark.parametrize('firmware, unit, address, bit', UNITS)
def test_devices_are_kept_out_and_the_log_goes_out_after_it(
        machine, firmware, unit, address, bit):
    """Unit and card have lost all that they were told. Woken by hand."""
    with network.Receiver('udp') as ear:
        guest = machine(
            firmware=firmware, cpus=2, nic='e1000e',
            disk=linux_guest.build(firmware=firmware),
            cmdline=f'{"boot=0x80 " * (firmware == "bios")}hypercall '
            f'iommu=require {ear.words}',
            extra_args=('-machine', 'q35,smm=off', '-device', unit))
        guest.expect('poweroff ends')
        assert register(guest, address) & bit
        guest.send('echo deep >/sys/power/mem_sleep\n'
                   'echo mem >/sys/power/state; vellumctl leaf\n')
        while guest.qmp('query-status')['status'] != 'suspended':
            time.sleep(0.2)
        guest.hmp('system_wakeup')
        guest.expect('^VellumVellum')
        assert register(guest, address) & bit
        assert 'sleep: the guest wakes at' in ear.text()
        assert ear.faults(guest.serial) == []
        guest.send('vellumctl stats | grep DMA\n')
        guest.expect('^DMA faults: 0')
