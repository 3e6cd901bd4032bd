"""The image of `make iso` boots as a CD and as a disk, in both firmwares."""
import iso
import linux_guest
import pytest
import qemu
import uefi
from common import command

# How the machine starts it: as what, and with which firmware.
WAYS = [('cdrom', 'bios'), ('disk', 'bios'), ('cdrom', 'uefi'),
        ('disk', 'uefi')]
# What does not depend on the way is tried in two of them.
TWO_WAYS = pytest.mark.parametrize('boot', [WAYS[0], WAYS[3]],
                                   ids='-'.join, indirect=True)


@pytest.fixture(scope='session')
def image_file():
    """The image, made anew."""
    return iso.build()


@pytest.fixture(params=WAYS, ids='-'.join)
def boot(request, machine, image_file):
    """A function that starts the image, without a key unless one is given."""
    medium, firmware = request.param

    def start(key=None, **settings):
        settings.setdefault('limit', 90)
        pc = machine(native=True, firmware=firmware, **{medium: image_file},
                     **settings)
        if key:
            pc.expect('Vellum, then the Linux demo')
            pc.send(key)
        return pc
    return start


def reaches_shell(pc, words):
    """The Linux demo reports and gives a shell, for these words."""
    pc.expect(r'^demo: uname: Linux ')
    pc.expect(r'^demo: vellumctl shell is')
    pc.expect('/ # ')
    pc.send(f'{words}\n')


@pytest.mark.slow
def test_linux_runs_under_vellum_without_a_key(boot):
    """The menu's timeout is enough; and so it is after a reset."""
    pc = boot(reboot=True, limit=300)
    for after in ('reboot', 'poweroff'):
        pc.expect('^Vellum final\\b')
        pc.expect('^vellum: launching the guest')
        reaches_shell(pc, after)
    assert pc.wait_exit() == 'poweroff'
    assert pc.serial.count('demo: leaf: VellumVellum ') == 2
    assert pc.serial.count('Vellum final') == 2


@pytest.mark.slow('cdrom')
@TWO_WAYS
def test_the_demo_runs_without_vellum(boot):
    """For comparison, and for machines that can't run Vellum."""
    pc = boot('n')
    reaches_shell(pc, 'poweroff')
    assert pc.wait_exit() == 'poweroff'
    assert 'VellumVellum' not in pc.serial
    assert 'the hypervisor is not Vellum' in pc.serial


@pytest.mark.slow('uefi')
@TWO_WAYS
def test_the_preflight_check_can_be_chosen(boot):
    """It says what it has to say, and launches nothing."""
    pc = boot('p')
    pc.expect(r'^preflight: this machine can run Vellum\r?\n')
    pc.expect(r'^vellum: preflight done; ', panic_ends=False)
    assert 'launching' not in pc.serial


def second_disk(path, more=''):
    """QEMU's arguments for one more disk."""
    return ['-drive', f'file={qemu.escape(path)},format=raw,if=none,id=own,'
            'snapshot=on', '-device', f'ide-hd,drive=own{more}']


def boot_loader(folder):
    """A UEFI disk whose boot loader is Linux itself, with its words built
    in by a GRUB."""
    (folder / 'own.cfg').write_text(
        'search --set=root --file /vmlinuz.efi\n'
        f'linux /vmlinuz.efi {linux_guest.CMDLINE} demo.batch=1\n'
        'initrd /initrd.gz\nboot\n')
    command(['grub-mkimage', '-O', 'x86_64-efi', '-o', folder / 'own.efi',
             '-p', '/none', '-c', folder / 'own.cfg', 'part_msdos', 'fat',
             'search', 'linux', 'boot'])
    return uefi.volume(folder / 'own.img', {
        uefi.LOADER: folder / 'own.efi', 'vmlinuz.efi': linux_guest.kernel(),
        'initrd.gz': linux_guest.initramfs()})


@pytest.mark.slow('cdrom')
@pytest.mark.parametrize('way', ['cdrom-bios', 'disk-bios', 'disk-uefi'])
def test_the_machines_own_disk_is_booted(machine, image_file, tmp_path,
                                         way):
    """The first disk that is not the image itself, which stands before it in
    the boot order, and as a stick takes its place as the first disk."""
    medium, firmware = way.split('-')
    own = linux_guest.build(batch=True, firmware=firmware)
    if firmware == 'uefi':
        own = boot_loader(tmp_path)
    extra = ['-boot', 'order=d'] if medium == 'cdrom' else []
    # OVMF connects only disks that it may boot.
    later = ',bootindex=9' if firmware == 'uefi' else ''
    pc = machine(native=True, firmware=firmware, limit=60,
                 extra_args=[*extra, *second_disk(own, later)],
                 **{medium: image_file})
    pc.expect('Vellum, then the Linux demo')
    pc.send('d')
    pc.expect('^vellum: launching the guest')
    pc.expect('^demo: leaf: VellumVellum ')
    pc.expect('^demo: done')
