"""What INSTALL.md tells a reader to do, done: each file of install/ is used as
it would be on a machine, up to a Linux that runs under Vellum. What a machine
without virtualisation does, and `make report`: with ALL=1."""
import os
import re
import subprocess
from pathlib import Path

import pytest

import bootdisk
import expectations
import linux_guest
import report
import uefi
from common import BUILD, TOP, command, stage_dir

INSTALL = stage_dir('final') / 'install'
MKCONFIG = '/usr/share/grub'
# What grub-probe says where the only disk has a FAT file system.
PROBE = """#!/bin/sh
for word; do case $word in --target=*) target=${word#--target=}; esac; done
case $target in
device) echo /dev/sda1 ;;
partmap) echo msdos ;;
fs) echo fat ;;
compatibility_hint) echo "$DISK" ;;
esac
"""
LINUX = f"""
menuentry 'Debian GNU/Linux' {{
    linux /vmlinuz {linux_guest.CMDLINE} demo.batch=1
    initrd /initrd.gz
}}
"""
MODULES = ['normal', 'configfile', 'fat', 'part_msdos', 'search',
           'search_fs_uuid', 'loadenv', 'test', 'linux', 'sleep', 'read',
           'regexp', 'minicmd', 'reboot']


def settings(folder, options=None, disk='hd0,msdos1'):
    """The environment that grub-mkconfig gives to a script of grub.d."""
    (folder / 'default').mkdir()
    (folder / 'vellum').mkdir()
    lines = f'VELLUM_DIR={folder}/vellum\n'
    if options is not None:
        lines += f'VELLUM_OPTIONS="{options}"\n'
    (folder / 'default' / 'vellum').write_text(lines)
    for name, text in (('probe', PROBE),
                       ('relpath', '#!/bin/sh\necho "/${1##*/}"\n')):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {**os.environ, 'pkgdatadir': MKCONFIG, 'sysconfdir': str(folder),
            'grub_probe': f'{folder}/probe', 'DISK': disk,
            'GRUB_DISABLE_UUID': 'true',
            'grub_mkrelpath': f'{folder}/relpath', 'LC_ALL': 'C',
            'GRUB_DEFAULT': 'vellum', 'GRUB_TIMEOUT': '1',
            'GRUB_TERMINAL_INPUT': 'serial', 'GRUB_TERMINAL_OUTPUT': 'serial',
            'GRUB_SERIAL_COMMAND': 'serial --unit=0 --speed=115200'}


def menu(folder, **chosen):
    """A grub.cfg as grub-mkconfig puts it together: Debian's own head, an
    entry for Linux, and ours, which is the default."""
    env = settings(folder, **chosen)
    for name in ('vellum.elf', 'vellum.efi'):
        (folder / 'vellum' / name).touch()
    config = folder / 'grub.cfg'
    config.write_text(
        command(['sh', '/etc/grub.d/00_header'], env=env) + LINUX +
        subprocess.run(['sh', INSTALL / '42_vellum'], env=env, check=True,
                       stdout=subprocess.PIPE, text=True).stdout)
    command(['grub-script-check', config])
    return config


@pytest.fixture
def parts(tmp_path):
    """What lies on the disk beside GRUB."""
    stage = BUILD / 'final'
    command(['grub-editenv', tmp_path / 'grubenv', 'create'])
    return {'vmlinuz': linux_guest.kernel(),
            'initrd.gz': linux_guest.initramfs(),
            'grub/grubenv': tmp_path / 'grubenv',
            'vellum/vellum.conf': '# no hypercall\npanic = halt\n',
            'vellum/vellum.elf': stage / 'vellum.elf',
            'vellum/vellum.efi': stage / 'vellum.efi'}


def bios(machine, folder, files, **more):
    """A BIOS machine that has GRUB, the menu, and these files."""
    disk = folder / 'disk.img'
    if not disk.exists():
        bootdisk.disk(disk, {**files, 'grub/grub.cfg': menu(folder)},
                      'normal\n', [*MODULES, 'multiboot'])
    return machine(native=True, disk=disk, limit=120, **more)


def efi(machine, folder, files, **more):
    """The same with UEFI."""
    grub = folder / 'grubx64.efi'
    command(['grub-mkimage', '-O', 'x86_64-efi', '-o', grub, '-p', '/grub',
             'serial', 'terminal', 'echo', 'boot', 'chain', *MODULES])
    return machine(native=True, firmware='uefi', limit=240, files={
        **files, uefi.LOADER: grub, 'grub/grub.cfg': menu(folder, disk='hd0')},
        **more)


@pytest.mark.slow('efi')
@pytest.mark.parametrize('start', [bios, efi])
def test_the_menu_entry_starts_vellum_then_linux(machine, start, tmp_path,
                                                 parts):
    """Without a key: the default entry is Vellum's, and the second menu takes
    the first. vellum.conf lies beside Vellum."""
    pc = start(machine, tmp_path, parts)
    expectations.banner(pc, 'final')
    missing = expectations.linux_demo(pc, False, 128 << 20)
    assert not missing, pc.fail(f'not seen: {missing}')
    assert 'setting: panic=halt (vellum.conf:2)' in pc.serial
    assert pc.serial.count('Vellum final') == 2     # once in vellumctl log


@pytest.mark.slow
def test_a_bios_machine_without_virtualisation_starts_its_system_next_time(
        machine, tmp_path, parts):
    """Who resets it need not choose."""
    pc = bios(machine, tmp_path, parts, cpu='-svm', writable=True)
    pc.expect_line('without nested virtualisation')
    pc.close()
    pc = bios(machine, tmp_path, parts, cpu='-svm', writable=True)
    pc.expect('^demo: done')
    assert 'Vellum final' not in pc.serial


@pytest.mark.slow
def test_a_uefi_machine_without_virtualisation_goes_on_at_once(machine,
                                                               tmp_path,
                                                               parts):
    """Vellum gives the machine back to GRUB, which says so."""
    pc = efi(machine, tmp_path, parts, cpu='-svm')
    pc.expect_line('without nested virtualisation')
    pc.expect_line('going on without it')
    pc.expect('^demo: done')


def test_without_vellums_files_there_are_no_entries(tmp_path):
    """Removing them is enough; update-grub goes on."""
    done = subprocess.run(['sh', INSTALL / '42_vellum'], check=True,
                          env=settings(tmp_path), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    assert done.stdout == '' and 'no menu entries' in done.stderr


def test_words_for_vellum_come_from_a_file(tmp_path):
    """/etc/default/vellum."""
    text = menu(tmp_path, options='console=com2 hypercall').read_text()
    assert re.search(r'^\t\tvellum_start console=com2 hypercall$', text, re.M)


SNAKEOIL = uefi.VARIABLES.with_name('OVMF_VARS_4M.snakeoil.fd')
KEY = Path('/usr/share/ovmf/PkKek-1-snakeoil.key')


def sign(folder):
    """Sign vellum.efi as INSTALL.md says, by the key that OVMF's example of a
    machine with Secure Boot trusts; the new file."""
    key, signed = folder / 'vellum.key', folder / 'signed.efi'
    command(['openssl', 'rsa', '-in', KEY, '-passin', 'pass:snakeoil', '-out',
             key])
    certificate = KEY.with_suffix('.pem')
    command(['sbsign', '--key', key, '--cert', certificate, '--output', signed,
             BUILD / 'final' / 'vellum.efi'])
    command(['sbverify', '--cert', certificate, signed])
    return signed


def test_under_secure_boot_only_a_signed_vellum_is_started(
        machine, tmp_path, monkeypatch):
    """And it works as without."""
    monkeypatch.setattr(uefi, 'VARIABLES', SNAKEOIL)
    def boot(loader):
        return machine(native=True, firmware='uefi', limit=90, files={
            uefi.LOADER: loader, 'EFI/BOOT/vellum.conf': 'hypercall\n'})

    pc = boot(BUILD / 'final' / 'vellum.efi')
    pc.expect(r'failed to (load|start) Boot0001 .*(Access Denied|Violation)')
    assert 'Vellum final' not in pc.serial
    pc.close()
    pc = boot(sign(tmp_path))
    expectations.banner(pc, 'final')
    pc.expect(r'^vellum: launching the guest')


def told(heading, root):
    """The commands below a heading of INSTALL.md, for a machine whose files
    lie below root. What needs the network or a person is left out."""
    text = (TOP / 'INSTALL.md').read_text()
    part = re.search(rf'^## {heading}\n(.*?)(?=^## |\Z)', text, re.M | re.S)[1]
    lines = re.findall(r'^    \$ (.*)$', part, re.M)
    left_out = ('make ', 'sudo update-grub', 'sudo vellumctl', 'sudo apt ',
                'sudo mokutil ', 'sudo efibootmgr ')
    return [re.sub(r'(?<= )/(?=boot|etc|usr)', f'{root}/',
                   line.removeprefix('sudo ').replace('| sudo', '|'))
            for line in lines if not line.startswith(left_out)]


def do(commands, folder):
    """Run commands in a folder that has what was built and the sources."""
    for name, path in (('build', BUILD), ('final', stage_dir('final'))):
        if not (folder / name).exists():
            (folder / name).symlink_to(path)
    for line in commands:
        command(['sh', '-c', line], cwd=folder)


def installed(root):
    """The files below root."""
    return sorted(str(path.relative_to(root)) for path in root.rglob('*')
                  if path.is_file())


def test_the_commands_of_install_md_do_what_it_says(tmp_path):
    """Install, sign, and remove, line by line; nothing is left behind."""
    root, here = tmp_path / 'root', tmp_path / 'here'
    for path in (here, *(root / name for name in (
            'etc/grub.d', 'usr/local/sbin', 'boot/efi/EFI'))):
        path.mkdir(parents=True)
    do(told('Install', root), here)
    assert installed(root) == [
        'boot/efi/EFI/vellum/vellum.conf', 'boot/efi/EFI/vellum/vellum.efi',
        'boot/vellum/vellum.efi', 'boot/vellum/vellum.elf',
        'etc/grub.d/42_vellum', 'usr/local/sbin/vellum-report',
        'usr/local/sbin/vellumctl']
    do(told('Secure Boot', root), here)
    command(['sbverify', '--cert', here / 'vellum.pem',
             root / 'boot' / 'vellum' / 'vellum.efi'])
    do(told('Update, go back, remove', root), here)
    assert installed(root) == []


def sections(text):
    """A report's sections: title -> text."""
    parts = re.split(r'^== (.*)\n', text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def test_a_report_is_made_where_there_is_no_vellum(tmp_path):
    """It says so, adds the console's text, and tells no secrets."""
    console = tmp_path / 'console.txt'
    console.write_bytes(b'preflight: a line\r\n')
    done = subprocess.run(['sh', INSTALL / 'vellum-report', console],
                          stdout=subprocess.PIPE, text=True, check=True,
                          env={**os.environ, 'LC_ALL': 'C'})
    found = sections(done.stdout)
    assert list(found) == ['system', 'machine', 'Vellum', 'what Linux says',
                           'console', 'end']
    assert 'firmware: ' in found['machine']
    assert 'vellumctl' in found['Vellum']       # which was not found
    assert 'preflight: a line\n' in found['console']
    assert 'root=' not in done.stdout and 'UUID' not in done.stdout


@pytest.mark.slow
def test_make_report_has_the_check_and_the_log(monkeypatch, tmp_path):
    """All that the script asks of Vellum has an answer."""
    monkeypatch.setattr(report, 'TARGET', tmp_path / 'report.txt')
    assert report.start([]) == 0
    found = sections((tmp_path / 'report.txt').read_text())
    assert 'preflight: this machine can run Vellum' in found['console']
    assert 'vellum: launching the guest' in found['Vellum']
    assert 'check: every invariant' in found['Vellum']
    assert '(status' not in found['Vellum']
