"""Makes boot media with GRUB out of plain files: no loop device, no root.

disk() makes a BIOS hard disk: GRUB's boot.img in sector 0, its core.img from
sector 1 on, and one FAT partition, written with mtools. boot.img looks for
core.img at sector 1 as it comes, so nothing has to be patched.
cdrom() makes an El Torito CD (no emulation) that holds the same files.
"""
import os
import struct
import tempfile
from pathlib import Path

from common import ToolError, command, need

GRUB = Path('/usr/lib/grub/i386-pc')
SECTOR = 512
CYLINDER = 16 * 63 * SECTOR     # Bochs wants disks of whole ones
START = 2048            # first sector of the partition: 1 MiB, as usual
# No `normal`, which has the menu, is most of the code, and clears the screen.
MODULES = ['serial', 'terminal', 'echo', 'boot']
SERIAL = ('serial --unit=0 --speed=115200\n'
          'terminfo serial dumb\n'
          'terminal_input console serial\n'
          'terminal_output serial\n')


def _core(folder, form, prefix, config, modules):
    """Build GRUB's core image, with its configuration, in folder."""
    need('grub-mkimage', 'grub-common')
    need(GRUB / 'boot.img', 'grub-pc-bin')
    out, script = folder / 'core.img', folder / 'core.cfg'
    script.write_text(SERIAL + config)
    command(['grub-mkimage', '-O', form, '-o', out, '-p', prefix,
             '-c', script, *MODULES, *modules])
    return out.read_bytes()


def fat(image, files, start=0):
    """Make a FAT file system of files (name -> path, text or bytes) in an
    image, from the sector start to its end; the number of sectors."""
    need('mformat', 'mtools')
    data = {name: what.read_bytes() if isinstance(what, Path) else
            what.encode() if isinstance(what, str) else what
            for name, what in files.items()}
    size = sum(map(len, data.values())) * 17 // 16 + (8 << 20)
    sectors = -(-size // CYLINDER) * CYLINDER // SECTOR
    image.touch()
    os.truncate(image, (start + sectors) * SECTOR)
    drive = f'{image}@@{start * SECTOR}'
    command(['mformat', '-i', drive, '-T', sectors, '-h', 16, '-s', 63,
             '-H', start, '-v', 'VELLUM', '::'])
    folders = {str(parent) for name in data for parent in Path(name).parents}
    for name in sorted(folders - {'.'}):
        command(['mmd', '-i', drive, f'::/{name}'])
    for name, content in data.items():
        command(['mcopy', '-i', drive, '-', f'::/{name}'], data=content)
    return sectors


def _first_sector(sectors):
    """GRUB's boot.img with a partition table for one active FAT partition."""
    boot = bytearray((GRUB / 'boot.img').read_bytes()[:SECTOR])
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', 0x0e,
                        b'\xfe\xff\xff', START, sectors)
    boot[446:510] = entry + bytes(48)
    boot[510:512] = b'\x55\xaa'
    return bytes(boot)


def disk(target, files, config, modules=()):
    """Make the disk image target with files and this GRUB configuration."""
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        core = _core(folder, 'i386-pc', '(,msdos1)/grub', config,
                     ['biosdisk', 'part_msdos', 'fat', *modules])
        if len(core) > (START - 1) * SECTOR:
            raise ToolError("GRUB's core image does not fit before 1 MiB")
        sectors = fat(folder / 'disk', files, START)
        with open(folder / 'disk', 'r+b') as out:
            out.write(_first_sector(sectors) + core)
        (folder / 'disk').rename(target)


def cdrom(target, files, config, modules=()):
    """Make the CD image target with files and this GRUB configuration."""
    need('xorriso', 'xorriso')
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        tree = folder / 'tree'
        (tree / 'grub').mkdir(parents=True)
        core = _core(folder, 'i386-pc-eltorito', '(cd)/grub', config,
                     ['biosdisk', 'iso9660', *modules])
        (tree / 'grub' / 'boot.img').write_bytes(core)
        for path, source in files.items():
            (tree / path).write_bytes(Path(source).read_bytes())
        command(['xorriso', '-as', 'mkisofs', '-quiet', '-V', 'VELLUM', '-R',
                 '-b', 'grub/boot.img', '-no-emul-boot', '-boot-load-size',
                 '4', '-boot-info-table', '-o', folder / 'cd', tree])
        (folder / 'cd').rename(target)
