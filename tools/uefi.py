"""UEFI machines: OVMF, and the volumes that they boot from.

Vellum's own volume is made for each run. It has either startup.nsh, lines for
the firmware's shell (Settings.shell), beside vellum.efi; or vellum.efi in the
place where firmware looks for a boot loader, with its options in vellum.conf:
then it is the first in the boot order, and the guest's disk is the second.
"""
import shutil
from pathlib import Path

import bootdisk
from common import need, need_file

# Code in one flash chip, variables in another, so that these are kept.
CODE = Path('/usr/share/OVMF/OVMF_CODE_4M.fd')
VARIABLES = Path('/usr/share/OVMF/OVMF_VARS_4M.fd')
# Both in one, for Bochs, which has no flash.
BOTH = Path('/usr/share/ovmf/OVMF.fd')
LOADER = 'EFI/BOOT/BOOTX64.EFI'

# The shell asks this; any key but ESC goes on at once.
COUNTDOWN = r'any other key to continue'
# Behind each program that the shell starts: what it returned.
STATUS = 'echo status %lasterror%'


def volume(target, files):
    """Make a FAT volume of files: name -> path, text or bytes."""
    scratch = target.with_name(target.name + '.part')
    bootdisk.fat(scratch, files)
    return scratch.rename(target)


def script(lines):
    """Lines for the shell, as text of a startup.nsh."""
    return ''.join(line + '\r\n' for line in lines)


def vellum_volume(machine, folder):
    """Make the volume that starts Vellum; None when it is not to start."""
    if not machine.image and not machine.files:
        return None
    target = folder / 'vellum.img'
    if target.exists():
        return target
    files = dict(machine.files or {})
    if machine.image:
        loader = need_file(Path(machine.image).with_suffix('.efi'),
                           'Vellum for UEFI is not built (make does it)')
        conf = machine.conf.read_bytes() + b'\n' if machine.conf else b''
        if machine.shell is None:
            files[LOADER] = loader
            # Behind the file's own lines, which keep their numbers.
            files[str(Path(LOADER).with_name('vellum.conf'))] = \
                conf + f'{machine.cmdline}\n'.encode()
        else:
            files['vellum.efi'] = loader
            if conf:
                files['vellum.conf'] = conf
    if machine.shell is not None:
        files['startup.nsh'] = script(['fs0:', *machine.shell])
    return volume(target, files)


def variables(folder):
    """A copy of OVMF's empty variable store for one run."""
    return shutil.copyfile(need(VARIABLES, 'ovmf'), folder / 'variables.fd')
