"""Boot tests: Vellum leaves the machine, and the guest goes on."""
import os
import re

import pytest

import linux_guest
import reboot
from common import BUILD
from reboot import Kind

ALLOWED = 'hypercall unload=allowed'
LEFT = 'Vellum has left the machine'
# QEMU's emulation shows a leaf of its own where Vellum's was.
NATIVE = (r'vellumctl: (?:no hypervisor below this system|the hypervisor is '
          r'not Vellum \(.*"TCG)')


def metal(machine, options, **settings):
    """Boot the guest that has Vellum leave; its machine, when it is done."""
    pc = machine(disk=BUILD / 'final/guest/unload.img',
                 cmdline=f'boot=0x80 {options}', **settings)
    pc.expect('^guest: done')
    assert 'FAILED' not in pc.serial, pc.fail('a check of the guest failed')
    return pc.serial


@pytest.mark.slow('bochs')
def test_no_register_changes_and_who_waits_starts_without_us(machine, emu):
    """Neither a CPU without a task nor one in real mode can be left: nobody
    leaves. In the end one CPU runs and the other waits for a start-up IPI."""
    text = metal(machine, ALLOWED, emu=emu, cpus=2)
    assert re.findall(r'^guest: unload: refused by CPU (\d): (.*?)\r?$', text,
                      re.M) == [('0', 'it has no task register'),
                                ('1', 'it is not in 64-bit mode')]
    assert re.search('^guest: unload: CPU 1 starts without Vellum', text, re.M)
    assert re.search('^guest: unload: Vellum has left', text, re.M)


def test_it_is_refused_by_default(machine):
    """To the guest there is no such port, and the call says why."""
    assert re.search('^guest: unload: not allowed: -1\r?$',
                     metal(machine, 'hypercall'), re.M)


KINDS = [Kind('qemu', 'bios', 2),
         pytest.param(Kind('qemu', 'uefi', 4), marks=pytest.mark.slow)]
if os.environ.get('SWEEP') == '1':
    KINDS += [Kind('qemu', 'bios', 1), Kind('qemu', 'bios', 4),
              Kind('qemu', 'uefi', 1), Kind('bochs', 'bios', 1),
              Kind('bochs', 'bios', 2)]


def linux(machine, kind, words='demo.unload=1', options=ALLOWED):
    """Boot Linux, which has Vellum leave in the midst of work."""
    boot = ' boot=0x80' * (kind.firmware == 'bios')
    pc = machine(emu=kind.emu, firmware=kind.firmware, cpus=kind.cpus,
                 cmdline=options + boot, limit=600,
                 disk=linux_guest.build(batch=True, cmdline=words,
                                        firmware=kind.firmware))
    assert pc.wait_exit() == 'poweroff', pc.fail('no power off')
    return pc.serial


@pytest.mark.parametrize('kind', KINDS, ids=str)
def test_linux_goes_on_under_load(machine, kind):
    """Two tasks on each CPU make the same sum again and again; each comes out
    right, and each CPU is without Vellum."""
    text = linux(machine, kind)
    assert re.search(f'^demo: unload: {LEFT}', text, re.M)
    before, total, kinds = re.search(
        r'^demo: unload: (\d+) sums before, (\d+) in all, (\d+) different',
        text, re.M).groups()
    assert int(total) >= int(before) + 3 * 2 * kind.cpus and kinds == '1'
    after = text[text.index(LEFT):]
    assert len(re.findall(rf'^demo: task on CPU \d: {NATIVE}', after,
                          re.M)) == kind.cpus
    assert not re.search('BUG|Oops|NMI received|lockup', text)


@pytest.mark.slow
def test_linux_is_told_that_it_is_not_allowed(machine):
    """And goes on under Vellum."""
    text = linux(machine, Kind('qemu', 'bios', 1), options='hypercall')
    assert re.search('^demo: unload: vellumctl: Vellum may not be unloaded; '
                     'boot it with unload=allowed', text, re.M)
    assert re.search('^demo: unload: VellumVellum ', text, re.M)


@pytest.mark.slow
def test_a_new_kernel_takes_over_without_vellum(machine):
    """kexec, after Vellum has left: all CPUs are started natively, and KVM is
    to be had. The first kernel still believes that its CPUs have no SVM."""
    text = linux(machine, Kind('qemu', 'bios', 2),
                 'demo.unload=1 demo.kvm=1 demo.kexec=1')
    assert re.findall(r'^demo: KVM: (.*?)\r?$', text, re.M) == [
        'none', '/dev/kvm']
    again = text[text.index('demo: kexec: 1 to go'):]
    assert re.search(r'^demo: CPUs online: 0-1 \(2\)', again, re.M)
    assert re.search(f'^demo: leaf: {NATIVE}', again, re.M)


@pytest.mark.slow
def test_the_machine_reboots_into_vellum(machine):
    """After Vellum has left, the reset is Linux' own; and the last line of
    Vellum's log is still there."""
    settings = reboot.settings(Kind('qemu', 'bios', 2))
    settings['cmdline'] += ' unload=allowed'
    pc = machine(**settings)
    reboot.comes_up(pc)
    pc.send('vellumctl unload\n')
    pc.expect(f'^{LEFT}')
    reboot.again(pc, 'kbd')
    pc.send('vellumctl log --last | grep unload:\n')
    pc.expect('^unload: 2 CPUs go on without Vellum')
