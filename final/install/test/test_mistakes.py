"""Boot tests of what the user of a real machine gets wrong most easily. Each
ends in a sentence that says what to do, before anything has been done."""
import re
import time
from pathlib import Path

import bootdisk
import expectations
import pytest
import uefi
from common import command

LAUNCH = r'^vellum: launching the guest[^\n]*\n'
REFUSED = (r'^vellum: nothing was launched: correct the settings; '
           r'(halted|back to the firmware)\r?\n')
NOT_PROTECTED = r'^vellum: no guest without protection; halted\r?\n'


def nothing_was_done(pc):
    """No memory was taken, and nothing launched."""
    return not re.search(r'^paging:|launching|^panic\(', pc.serial, re.M)


@pytest.mark.usefixtures('needs_guest')
def test_a_mistyped_word_is_named_with_the_one_that_was_meant(machine):
    """And the guest starts all the same."""
    pc = machine(cmdline='boot=0x80 hypercal')
    pc.expect('^command line: `hypercal` is unknown; did you mean '
              '`hypercall`[?]\r?\n')
    pc.expect(r'^  boot=0[.][.]0xff: the BIOS drive to boot')
    pc.expect(LAUNCH)


@pytest.mark.usefixtures('needs_guest')
@pytest.mark.parametrize('words, said', [
    ('boot=0x80 chekc', '`chekc` is unknown, and may stand for `check`: '
                        'nothing will be launched'),
    ('console=com3', '`console=com3` is wrong: it must be '
                     'console=com2|com1|vga|fb|none'),
    pytest.param('x' * 600, 'some of it is lost: nothing', id='long'),
])
def test_nothing_is_launched_after_a_word_that_is_wrong(machine, words, said):
    """What was meant can't be known."""
    pc = machine(cmdline=words)
    pc.expect('^command line: ' + re.escape(said))
    pc.expect(REFUSED, panic_ends=False)
    assert nothing_was_done(pc)


@pytest.mark.usefixtures('needs_guest')
def test_uefi_goes_on_after_a_word_that_is_wrong(machine):
    """Each start is refused with an error; after them a check is not."""
    lines = []
    for words in ('chekc', 'hypercall=1', 'next=\\none.efi check', 'check'):
        lines += [f'vellum.efi {words}', uefi.STATUS]
    pc = machine(firmware='uefi', shell=(*lines, 'reset -s'))
    for said in ('`chekc` is unknown, and may stand', '`hypercall=1` is wr'):
        pc.expect('^command line: ' + re.escape(said))
        pc.expect(REFUSED)
        pc.expect(r'status 0x3\r?\n')
    pc.expect(r'^vellum.efi: next=\\none.efi is not there, on the volume '
              r'that I am on; nothing was launched\r?\n')
    pc.expect(r'status 0xE\r?\n')
    assert nothing_was_done(pc)
    pc.expect(r'^preflight: this machine can run Vellum\r?\n')
    pc.expect(r'status 0x0\r?\n')
    assert pc.wait_exit() == 'poweroff'


@pytest.mark.usefixtures('needs_guest')
def test_the_wrong_image_on_a_uefi_machine_is_told(machine, image, tmp_path):
    """Its GRUB starts vellum.elf by Multiboot as a BIOS's does."""
    grub = tmp_path / 'grubx64.efi'
    command(['grub-mkimage', '-O', 'x86_64-efi', '-o', grub, '-p', '/',
             'fat', 'normal', 'configfile', 'serial', 'terminal', 'boot',
             'multiboot', 'efi_gop'])
    pc = machine(native=True, firmware='uefi', files={
        uefi.LOADER: grub, 'vellum.elf': image,
        'grub.cfg': 'multiboot /vellum.elf boot=0x80\nboot\n'})
    expectations.banner(pc, image.parent.name)
    pc.expect('^console: .* fb present;')
    pc.expect(r'^vellum: this machine was started by UEFI, and has no BIOS: '
              r'start vellum.efi instead of vellum.elf')
    pc.expect(NOT_PROTECTED, panic_ends=False)
    assert nothing_was_done(pc)


def signed(loader, folder):
    """Sign vellum.efi with the key that OVMF's snakeoil variables trust."""
    key, out = folder / 'key.pem', folder / 'signed.efi'
    pair = Path('/usr/share/ovmf/PkKek-1-snakeoil')
    command(['openssl', 'rsa', '-in', pair.with_suffix('.key'), '-passin',
             'pass:snakeoil', '-out', key])
    command(['sbsign', '--key', key, '--cert', pair.with_suffix('.pem'),
             '--output', out, loader])
    return out


@pytest.mark.usefixtures('needs_guest')
def test_a_next_that_secure_boot_does_not_trust_is_told(
        machine, image, tmp_path, monkeypatch):
    """Vellum is signed, and what it is to start is not."""
    monkeypatch.setattr(uefi, 'VARIABLES',
                        uefi.VARIABLES.with_name('OVMF_VARS_4M.snakeoil.fd'))
    loader = image.with_suffix('.efi')
    pc = machine(native=True, firmware='uefi', files={
        uefi.LOADER: signed(loader, tmp_path), 'other.efi': loader,
        'EFI/BOOT/vellum.conf': 'next=\\other.efi\n'})
    pc.expect(r'^vellum.efi: next=\\other.efi is not signed by a key that '
              r'Secure Boot trusts here; nothing was launched\r?\n')
    pc.expect(r'failed to start Boot\d+ .*: Access Denied')


@pytest.mark.usefixtures('needs_guest')
def test_vellum_under_vellum_is_told_from_a_cpu_without_svm(machine, image,
                                                           tmp_path):
    """A menu entry that is chosen a second time, in the guest."""
    disk = tmp_path / 'disk.img'
    bootdisk.disk(disk, {'vellum.elf': image},
                  'multiboot /vellum.elf boot=0x80\nboot\n', ['multiboot'])
    pc = machine(disk=disk, cmdline='boot=0x80')
    pc.expect(LAUNCH)
    pc.expect(r'^vellum: Vellum is running already, and this is its guest: '
              r'start your own system, not Vellum\r?\n')
    pc.expect(NOT_PROTECTED, panic_ends=False)


def screen(pc):
    """What stands on the VGA text screen."""
    dump = pc.hmp('xp /4000bx 0xb8000')
    data = [int(byte, 16) for byte in re.findall(r'0x([0-9a-f]{2})\b', dump)]
    text = bytes(data[::2]).decode('ascii', 'replace')
    return '\n'.join(text[at:at + 80].rstrip()
                     for at in range(0, len(text), 80))


@pytest.mark.usefixtures('needs_guest')
def test_a_machine_without_serial_port_says_so_on_its_screen(machine):
    """The emulator's is moved to where nobody looks. There is no disk, so the
    screen keeps what it has."""
    pc = machine(cmdline='console=com1 boot=0x80', limit=60,
                 extra_args=['-global', 'isa-serial.iobase=0x3e8'])
    while 'vellum: launching' not in screen(pc):
        assert pc.running(), 'the time is over'
        time.sleep(0.2)
    text = screen(pc).replace('\n', '')
    assert 'console: console=com1 chooses one that is absent' in text


def test_what_to_do_without_a_serial_port_is_on_the_screen(machine):
    """The CPU ends the run while the screen still has the first lines."""
    pc = machine(cpu='-svm', limit=60,
                 extra_args=['-global', 'isa-serial.iobase=0x3e8'])
    while 'vellum: no guest without' not in screen(pc):
        assert pc.running(), 'the time is over'
        time.sleep(0.2)
    assert 'console: no serial port answers at 0x3f8 or 0x2f8' in \
        screen(pc).replace('\n', '')
