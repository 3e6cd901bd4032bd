"""The Bochs configuration for a machine (see emulator.py).

Bochs emulates Intel's VMX with EPT. It has no loader of its own, so Vellum
comes from a small medium with GRUB: a CD when the guest boots from a disk
(which stays drive 0x80), a disk when the guest boots from a CD.
"""
import os
import re
from pathlib import Path

import bootdisk
import uefi
from common import ToolError, need
from values import megabytes

BIOS = '/usr/share/bochs/BIOS-bochs-latest'
VGABIOS = '/usr/share/bochs/VGABIOS-lgpl-latest'
MODEL = 'corei7_haswell_4770'
MAC = '52:54:00:12:34:56'   # as QEMU's


def _vellum_medium(machine, folder):
    """Make the medium that starts Vellum; kind and path."""
    files = {'vellum.elf': Path(machine.image)}
    config = f'multiboot /vellum.elf {machine.cmdline}\n'
    for number, module in enumerate(machine.modules):
        files[f'module{number}'] = Path(module)
        config += f'module /module{number}\n'
    if machine.conf:
        files['vellum.conf'] = machine.conf
        config += 'module /vellum.conf vellum.conf\n'
    config += 'boot\n'
    if machine.cdrom:
        path = folder / 'vellum.img'
        bootdisk.disk(path, files, config, ['multiboot'])
        return 'disk', path
    path = folder / 'vellum.iso'
    bootdisk.cdrom(path, files, config, ['multiboot'])
    return 'cdrom', path


def _plain(path, folder):
    """A name for path, seen from folder, that Bochs reads as it is: in its
    configuration a $ begins a variable, and nothing quotes a quote."""
    path = Path(path).absolute()
    if path.parent == folder:
        return path.name
    if re.fullmatch(r'[\w/.+@=,-]+', str(path), re.ASCII):
        return str(path)
    link = folder / f'link{len(list(folder.glob("link*")))}'
    link.symlink_to(path)
    return link.name


def _disk_line(channel, path, mode, folder):
    """Configuration of a hard disk; Bochs wants whole cylinders."""
    return (f'{channel}: type=disk, path="{_plain(path, folder)}", '
            f'mode={mode}, translation=lba')


def _cdrom_line(path, folder):
    return (f'ata1-master: type=cdrom, path="{_plain(path, folder)}", '
            'status=inserted')


def _media(machine, folder):
    """Configuration lines for disks and boot order."""
    lines, boot = [], 'disk'
    channel = 'ata0-master'
    disk, mode = machine.disk, 'flat' if machine.writable else 'volatile'
    if machine.firmware == 'uefi':
        path = uefi.vellum_volume(machine, folder)
        if path:
            lines.append(_disk_line(channel, path, 'flat', folder))
            channel = 'ata0-slave'
    elif machine.image:
        kind, path = _vellum_medium(machine, folder)
        if kind == 'disk':
            if disk:
                raise ToolError('Bochs: a guest disk and a guest CD at once '
                                'are not supported')
            disk, mode = path, 'flat'
        else:
            boot = 'cdrom'
            lines.append(_cdrom_line(path, folder))
    elif machine.cdrom:
        boot = 'cdrom'
    if disk:
        lines.append(_disk_line(channel, disk, mode, folder) +
                     (', journal=journal' if mode == 'volatile' else ''))
    if machine.cdrom:
        lines.append(_cdrom_line(machine.cdrom, folder))
    return lines + [f'boot: {boot}']


def _cpu_line(machine):
    """The CPU: machine.cpu is a model, or options to add ("model=.., x=..")."""
    cpu = machine.cpu or ''
    if cpu and '=' not in cpu:
        cpu = f'model={cpu}'
    if 'model=' not in cpu:
        model = MODEL if machine.cpus == 1 else 'corei7_skylake_x'
        cpu = f'model={model}' + (f', {cpu}' if cpu else '')
    return (f'cpu: count={machine.cpus}, ips=100000000, {cpu}, '
            f'reset_on_triple_fault={int(machine.triple_fault_resets)}, '
            f'ignore_bad_msrs={int(machine.ignore_bad_msrs)}')


def configuration(machine, folder, tty):
    """Write bochsrc into folder; tty is the terminal behind COM1."""
    rom = f'file={need(BIOS, "bochsbios")}'
    if machine.firmware == 'uefi':
        rom = f'file={need(uefi.BOTH, "ovmf")}, address=0x0, options=none'
    lines = [
        'config_interface: textconfig',
        'display_library: term',
        _cpu_line(machine),
        f'megs: {megabytes(machine.mem)}',
        f'romimage: {rom}',
        f'vgaromimage: file={need(VGABIOS, "vgabios")}',
        'pci: enabled=1, chipset=i440fx, slot1=pcivga'
        + ', slot2=e1000' * bool(machine.nic),
        *[f'e1000: enabled=1, mac={MAC}, ethmod=slirp'] * bool(machine.nic),
        'vga: extension=vbe, update_freq=1',
        'ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14',
        'ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15',
        *_media(machine, folder),
        f'clock: sync={"slowdown" if machine.interactive else "none"}',
        f'com1: enabled=1, mode=term, dev={tty}',
        'sound: waveoutdrv=dummy',
        'panic: action=fatal',
        'error: action=report',
        'info: action=report',
        'debug: action=ignore',
        f'magic_break: enabled={int(machine.debugger)}',
        'log: emulator.log',
        *machine.extra_args,
    ]
    (folder / 'bochsrc').write_text('\n'.join(lines) + '\n')
    # Debian's Bochs is built with its debugger; "c" means continue.
    if machine.debugger:
        os.mkfifo(folder / 'bochs.rc')
    else:
        (folder / 'bochs.rc').write_text('c\n')


def arguments():
    """The command line; it is run in the machine's folder."""
    return [need('bochs', 'bochs'), '-q', '-f', 'bochsrc', '-rc', 'bochs.rc']


def complaint(folder):
    """What made Bochs end, by its log or by what was on its screen."""
    for name in ('emulator.log', 'screen.log'):
        path = folder / name
        text = path.read_text(errors='replace') if path.is_file() else ''
        found = re.findall(r'>>PANIC<< ([^\r\n\x1b]+)', text)
        if found:
            return '\n'.join(dict.fromkeys(found))
    return ''
