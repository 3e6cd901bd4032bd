"""`make iso`: build/final/vellum.iso, an image for CDs and USB sticks.

grub-mkrescue makes it bootable in four ways: by a BIOS and by UEFI, from a CD
and from a disk. The menu and what belongs to it come from final/demo/iso.

linux.img is a GRUB of its own, which Vellum starts as the guest's boot code on
a BIOS machine. It finds the very medium that it came from by a file that has
this image's own name, and goes on with linux.cfg.
"""
import hashlib
import shutil
import tempfile
from pathlib import Path

import linux_guest
from common import (BUILD, ToolError, built_with, command, demo_dir, image,
                    locked, main, need)

STAGE = BUILD / 'final'
TARGET = STAGE / 'vellum.iso'
GRUB = Path('/usr/lib/grub')
PLATFORMS = {'i386-pc': 'grub-pc-bin', 'x86_64-efi': 'grub-efi-amd64-bin'}
# What a GRUB needs to find the medium; all else it loads from there.
MODULES = ['biosdisk', 'part_msdos', 'part_gpt', 'iso9660', 'search',
           'search_fs_file', 'normal']
# A BIOS jumps to 0000:7c00. There, for a GRUB that is loaded already, must be
# what jumps to it: its first sector, which would load it, is to lie at 0x8000,
# and the rest behind that. (ljmp $0, $0x8200)
HEAD = bytes.fromhex('ea00820000').ljust(0x8000 - 0x7c00, b'\0')


def need_tools():
    """Say which Debian package is missing, if one is."""
    need('grub-mkrescue', 'grub-common')
    need('xorriso', 'xorriso')
    need('mformat', 'mtools')
    for platform, package in PLATFORMS.items():
        need(GRUB / platform / 'moddep.lst', package)


def files():
    """What goes below /vellum: name -> path."""
    lacks = [name for name in ('UEFI', 'PREFLIGHT')
             if not built_with(image('final')).get(name)]
    if lacks:
        raise ToolError('its menu is for all machines, and has the preflight '
                        f'check: it needs CONFIG_{" and CONFIG_".join(lacks)}')
    found = {path.name: path
             for path in sorted((demo_dir() / 'iso').glob('*.cfg'))
             if path.name != 'grub.cfg'}
    for suffix in ('.elf', '.efi'):
        found['vellum' + suffix] = image('final').with_suffix(suffix)
    found['vmlinuz'] = linux_guest.kernel()
    found['initrd.gz'] = linux_guest.make_initramfs()
    return found


def second_grub(folder, marker):
    """Make the GRUB that starts the guest; its bytes."""
    config = folder / 'early.cfg'
    config.write_text(f'search --no-floppy --set=root --file {marker}\n'
                      'set prefix=($root)/boot/grub\n'
                      'normal /vellum/linux.cfg\n')
    core = folder / 'core.img'
    command(['grub-mkimage', '-O', 'i386-pc', '-o', core, '-p', '/boot/grub',
             '-c', config, *MODULES])
    return HEAD + core.read_bytes()


def fill(tree):
    """Write all files of the image but GRUB's own."""
    vellum = tree / 'vellum'
    vellum.mkdir(parents=True)
    total = hashlib.sha256()
    for name, path in files().items():
        data = path.read_bytes()
        total.update(data)
        (vellum / name).write_bytes(data)
    marker = f'id-{total.hexdigest()[:12]}'
    (vellum / marker).write_text('This name tells this image from others.\n')
    (vellum / 'linux.img').write_bytes(
        second_grub(tree.parent, f'/vellum/{marker}'))
    (tree / 'boot' / 'grub').mkdir(parents=True)
    shutil.copyfile(demo_dir() / 'iso' / 'grub.cfg',
                    tree / 'boot' / 'grub' / 'grub.cfg')


def build():
    """Make the image; its path."""
    need_tools()
    with tempfile.TemporaryDirectory(dir=STAGE) as name:
        folder = Path(name)
        with locked(linux_guest.LOCK):
            fill(folder / 'tree')
        command(['grub-mkrescue', '-o', folder / 'iso', '--locales=',
                 '--fonts=', '--themes=', folder / 'tree', '--',
                 '-volid', 'VELLUM'])
        (folder / 'iso').rename(TARGET)
    size = TARGET.stat().st_size / (1 << 20)
    print(f'{TARGET}: {size:.0f} MiB; the README says how to write it to a '
          'USB stick')
    return TARGET


if __name__ == '__main__':
    main(lambda: build() and 0)
