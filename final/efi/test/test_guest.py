"""The firmware of a UEFI machine as the guest."""
import re

import pytest

import expectations
import linux_guest
import uefi
from common import command

LAUNCH = r'^vellum: launching the guest[^\n]*\n'
LIMIT = {'qemu': 120, 'bochs': 300}
VMMSIZE = 128 << 20


@pytest.mark.slow('bochs')
def test_the_shell_goes_on_under_vellum_which_starts_once(machine, emu):
    """With its self-tests; a second start is refused. In Bochs OVMF has no
    ACPI tables, by which a power off could be told from S3."""
    pc = machine(emu=emu, test=True, firmware='uefi', limit=LIMIT[emu],
                 shell=('vellum.efi', uefi.STATUS) * 2
                 + ('reset -s',) * (emu == 'qemu'))
    expectations.banner(pc, 'final')
    pc.expect(LAUNCH)
    pc.expect(r'^status 0x0')
    pc.expect_line('Vellum is running already')
    pc.expect(r'^status 0x14')
    assert not expectations.selftests(pc.serial, 'final')
    if emu == 'qemu':
        assert pc.wait_exit() == 'poweroff'
        assert ' rw- write-combining framebuffer\n' in pc.serial


@pytest.mark.slow('bochs')
@pytest.mark.usefixtures('needs_guest')
def test_linux_runs_under_vellum(machine, stage, emu):
    """Vellum as a boot option; the boot order goes on to the guest's disk."""
    disk = linux_guest.build(batch=True, firmware='uefi')
    pc = machine(emu=emu, firmware='uefi', disk=disk, cmdline='hypercall',
                 limit=2 * LIMIT[emu])
    expectations.banner(pc, stage)
    missing = expectations.linux_demo(pc, False, VMMSIZE)
    assert not missing, pc.fail(f'not seen: {missing}')


@pytest.mark.slow
@pytest.mark.usefixtures('needs_guest')
def test_next_is_started_with_what_follows_the_dashes(machine):
    """vellum.conf names a kernel and its command line."""
    files = {'EFI/BOOT/vmlinuz.efi': linux_guest.kernel(),
             'initrd.gz': linux_guest.initramfs()}
    options = (r'initrd=\initrd.gz demo.batch=1 '
               f'{linux_guest.CMDLINE}')
    pc = machine(firmware='uefi', files=files,
                 cmdline=f'next=vmlinuz.efi hypercall -- {options}')
    pc.expect(LAUNCH)
    assert pc.wait_exit() == 'poweroff'
    assert set(re.findall(r'^setting: (.*)\r?$', pc.serial, re.M)) == {
        'next=vmlinuz.efi (vellum.conf:1)', 'hypercall (vellum.conf:1)'}


@pytest.mark.usefixtures('needs_guest')
def test_a_next_that_is_not_there_is_explained(machine):
    """By its name, before anything is launched; the boot order goes on."""
    pc = machine(firmware='uefi', cmdline=r'next=\no\such.efi',
                 shell=None)
    pc.expect(r'^vellum.efi: next=\\no\\such.efi is not there, on the volume '
              r'that I am on; nothing was launched\r?\n')
    pc.expect(r'failed to start Boot\d+.*Not Found')
    assert 'launching' not in pc.serial


@pytest.mark.usefixtures('needs_guest')
def test_without_virtualisation_the_firmware_goes_on_without_us(machine):
    """A clear message, and an error status for the boot order."""
    pc = machine(firmware='uefi', cpu='-svm')
    pc.expect_line('virtual machine .* without nested virtualisation')
    pc.expect(r'^vellum: no guest without protection; back to the firmware\n')
    pc.expect(r'failed to start Boot\d+.*Unsupported')


@pytest.mark.slow
@pytest.mark.usefixtures('needs_guest')
def test_a_boot_entry_starts_vellum_after_a_reset(machine, stage, image):
    """Started from the shell first, which makes the entry and resets; the
    variable of the shell, kept in flash like the entry, tells it that."""
    options = f'{linux_guest.CMDLINE} demo.batch=1'
    pc = machine(native=True, firmware='uefi', reboot=True, files={
        'vellum.efi': image.with_suffix('.efi'), 'vellum.conf': 'hypercall',
        'vmlinuz.efi': linux_guest.kernel(),
        'initrd.gz': linux_guest.initramfs()}, shell=(
            'if "%entry%" == "made" then',
            rf'vmlinuz.efi {options} initrd=\initrd.gz', 'endif',
            r'bcfg boot add 0 fs0:\vellum.efi "entry for Vellum"',
            'set entry made', 'vellum.efi', uefi.STATUS, 'reset -w'))
    expectations.banner(pc, stage)
    pc.expect(r'^status 0x0')
    pc.expect(r'BdsDxe: starting Boot\d+ "entry for Vellum"')
    expectations.banner(pc, stage)
    missing = expectations.linux_demo(pc, False, VMMSIZE)
    assert not missing, pc.fail(f'not seen: {missing}')


@pytest.mark.slow
@pytest.mark.usefixtures('needs_guest')
def test_grub_starts_vellum_and_then_linux(machine, image, tmp_path):
    """GRUB's chainloader gets success, so GRUB goes on with Linux."""
    grub = tmp_path / 'grubx64.efi'
    command(['grub-mkimage', '-O', 'x86_64-efi', '-o', grub, '-p', '/',
             'fat', 'normal', 'configfile', 'serial', 'terminal', 'boot',
             'linux', 'chain'])
    config = ('serial --unit=0 --speed=115200\nterminal_output serial\n'
              'chainloader /vellum.efi hypercall\nboot\n'
              f'linux /vmlinuz {linux_guest.CMDLINE} demo.batch=1\n'
              'initrd /initrd.gz\nboot\n')
    pc = machine(native=True, firmware='uefi', files={
        uefi.LOADER: grub, 'grub.cfg': config,
        'vellum.efi': image.with_suffix('.efi'),
        'vmlinuz': linux_guest.kernel(),
        'initrd.gz': linux_guest.initramfs()})
    expectations.banner(pc, image.parent.name)
    missing = expectations.linux_demo(pc, False, VMMSIZE)
    assert not missing, pc.fail(f'not seen: {missing}')
