"""The QEMU command line for a machine (see emulator.py)."""
import os
import shutil

import kvm
import uefi
from common import ToolError, need

# Named CPU models make TCG print a warning for each feature that it lacks, so
# the list says what QEMU 7.2 emulates: AMD's SVM with nested paging, no VMX.
FEATURES = """
    svm npt svme-addr-chk pdpe1gb rdtscp syscall nx lahf-lm cr8legacy abm
    cx16 ssse3 sse4.1 sse4.2 sse4a popcnt movbe aes pclmulqdq rdrand
    xsave xsaveopt xgetbv1 avx avx2 f16c fma bmi1 bmi2 adx
    fsgsbase smep smap umip erms clflushopt clwb mca arat
""".split()
CPU = ','.join(['qemu64,family=23,model=1,stepping=2,xlevel=0x8000001f',
                *('+' + name for name in FEATURES)])


# What the host's CPU has. KVM's own interface is hidden: a guest of Vellum's
# would call KVM with VMCALL, and reach Vellum.
HOST_CPU = 'host,kvm=off'


def cpu_model(cpu, emu='qemu'):
    """Value for -cpu: our list or the host's CPU; that, with "+x,-y" changed;
    or as given."""
    ours = HOST_CPU if emu == 'kvm' else CPU
    if not cpu:
        return ours
    if cpu[0] in '+-':
        return f'{ours},{cpu}'
    return cpu


def _accelerator(emu):
    """Arguments that say who executes the instructions."""
    if emu != 'kvm':
        return []
    reason = kvm.refusal()
    if reason:
        raise ToolError(f'EMU=kvm: {reason}')
    return ['-accel', 'kvm']


def _network(nic, folder):
    """Arguments for a network card or none; net.pcap holds what it did."""
    if not nic:
        return ['-nic', 'none']
    return ['-netdev', 'user,id=net', '-device', f'{nic},netdev=net',
            '-object', 'filter-dump,id=dump,netdev=net,file='
            + escape(folder / 'net.pcap')]


def _drive(path, writable):
    """Arguments for the first hard disk. Ours are on AHCI, where SeaBIOS uses
    DMA, not a PIO loop for each sector. A user's own disk, which is written
    to, stays on IDE: its kernel may have no driver for AHCI (Debian's for
    cloud machines has none)."""
    form = 'qcow2' if str(path).endswith('.qcow2') else 'raw'
    drive = f'file={escape(path)},format={form}'
    if writable:
        return ['-drive', f'{drive},if=ide,index=0,media=disk']
    # QEMU's own -kernel is 0 in the boot order; drive 0x80 is what is next.
    return ['-drive', f'{drive},if=none,id=disk,snapshot=on',
            '-device', 'ich9-ahci,id=ahci',
            '-device', 'ide-hd,bus=ahci.0,drive=disk,bootindex=1']


def escape(path):
    """A path as a QEMU option's value: commas are doubled."""
    return str(path).replace(',', ',,')


def _modules(m, folder):
    """The Multiboot modules: the guest's boot code, Vellum's settings. QEMU
    takes what is behind a blank in a path for something else."""
    modules = list(m.modules)
    if m.conf:
        modules.append(os.path.relpath(shutil.copyfile(
            m.conf, folder / 'vellum.conf')))
    return ['-initrd', ','.join(map(escape, modules))] if modules else []


def _bios(m, folder):
    """Arguments for a BIOS machine: Vellum as QEMU's -kernel, and drives."""
    argv = ['-machine', 'pc,smm=off']
    if m.image:
        # From here on, since the name is part of Vellum's command line.
        argv += ['-kernel', os.path.relpath(m.image)]
        if m.cmdline:
            argv += ['-append', m.cmdline]
        argv += _modules(m, folder)
    elif m.modules or m.conf:
        raise ToolError('modules need an image')
    if m.disk:
        argv += _drive(m.disk, m.writable)
    if m.cdrom:
        argv += ['-drive', f'file={escape(m.cdrom)},format=raw,if=ide,'
                 'index=2,media=cdrom,readonly=on']
        if not m.disk:
            argv += ['-boot', 'order=d']
    return argv


def _uefi(m, folder):
    """Arguments for a UEFI machine: OVMF in flash, and drives in the order
    in which they boot."""
    argv = ['-machine', 'q35,smm=off']
    for path, mode in ((need(uefi.CODE, 'ovmf'), ',readonly=on'),
                       (uefi.variables(folder), '')):
        argv += ['-drive',
                 f'if=pflash,format=raw,file={escape(path)}{mode}']
    drives = [(uefi.vellum_volume(m, folder), 'hd', ''),
              (m.disk, 'hd', '' if m.writable else ',snapshot=on'),
              (m.cdrom, 'cd', ',readonly=on')]
    for number, (path, kind, mode) in enumerate(drives):
        if path:
            form = 'qcow2' if str(path).endswith('.qcow2') else 'raw'
            argv += ['-drive', f'file={escape(path)},format={form},if=none,'
                     f'id=drive{number}{mode}',
                     '-device', f'ide-{kind},bus=ide.{number},'
                     f'drive=drive{number},bootindex={number}']
    return argv


def arguments(machine, serial, folder):
    """The whole command line; serial is the list of console arguments, folder
    is the run's."""
    m = machine
    argv = [need('qemu-system-x86_64', 'qemu-system-x86'),
            *_accelerator(m.emu), '-cpu', cpu_model(m.cpu, m.emu),
            '-m', m.mem, '-smp', str(m.cpus),
            *_network(m.nic, folder),
            '-display', 'none', '-vga', 'std', *serial]
    if m.icount:
        argv += ['-icount', 'shift=0,sleep=off']
    if not m.reboot:
        argv += ['-no-reboot']
    argv += _uefi(m, folder) if m.firmware == 'uefi' else _bios(m, folder)
    return argv + list(m.extra_args)
