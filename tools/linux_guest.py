"""Builds the Linux guest: a disk with Debian's kernel and our initramfs.

The kernel and busybox come from Debian packages (see debs.py), the initramfs
holds them, final/demo/init and vellumctl. Everything is made of plain files in
build/guest; an image is made again only when something that goes in changed.
"""
import gzip
import hashlib
import json
import lzma
import os
import tempfile
from pathlib import Path

import bootdisk
import debs
import uefi
from common import (BUILD, command, demo_dir, locked, main, need, need_file,
                    stage_dir)

GUEST = BUILD / 'guest'
LOCK = GUEST / '.lock'      # of whoever builds there
KERNEL_PACKAGE = 'linux-image-cloud-amd64'
BUSYBOX_PACKAGE = 'busybox-static'
PACKAGES = (KERNEL_PACKAGE, BUSYBOX_PACKAGE)
KVM_MODULES = ('irqbypass', 'kvm', 'kvm-amd', 'kvm-intel')
# Linux' tests of its own cryptography are a quarter of its start in QEMU, and
# half of it in Bochs.
CMDLINE = 'console=ttyS0,115200 panic=-1 cryptomgr.notests'


def _digest(*parts):
    """Hash over strings and over the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(f'{len(data)}:'.encode() + data)
    return total.hexdigest()


def _fresh(target, digest):
    """Is target there, and made of what digest stands for?"""
    stamp = target.with_name(target.name + '.stamp')
    return (target.is_file() and stamp.is_file()
            and json.loads(stamp.read_text()) == digest)


def _stamp(target, digest):
    target.with_name(target.name + '.stamp').write_text(json.dumps(digest))


def tool(name):
    """Compile a program of the demo guest, NAME*.c; its path."""
    sources = sorted(demo_dir().glob(f'{name}*.c'))
    target = GUEST / name
    digest = _digest(*sources, *sorted(demo_dir().glob(f'{name}*.h')))
    if not _fresh(target, digest):
        need('gcc', 'gcc')
        command(['gcc', '-std=gnu11', '-Wall', '-Wextra', '-O2', '-static',
                 '-o', target, *sources])
        _stamp(target, digest)
    return target


def kernel():
    """The stock Debian kernel's path."""
    return debs.one_file(debs.unpack(KERNEL_PACKAGE) / 'boot', 'vmlinuz-*')


def module(name):
    """The path of one of its modules; compressed from Debian 13 on."""
    return debs.one_file(debs.unpack(KERNEL_PACKAGE),
                         f'**/modules/*/kernel/**/{name}.ko*')


def fetch(own_kernel=None, own_initrd=None):
    """Fetch the packages that build() takes something from, before anything
    else is done that needs time."""
    if not own_kernel:
        debs.fetch(KERNEL_PACKAGE)
    if not own_initrd:
        debs.fetch(BUSYBOX_PACKAGE)


def initramfs():
    """Make the demo's initramfs; the file's path. It may be what is made first,
    and by several at once."""
    with locked(LOCK):
        return make_initramfs()


def make_initramfs(inner=None, own_kernel=None):
    """The same, for who has the lock (LOCK).

    own_kernel is another kernel than ours, for which we have no modules.
    inner is an initramfs for another kernel, that this one is to start by
    kexec; then both are in it, with KVM for them, beside the program that does
    it.
    """
    files = {
        'init': demo_dir() / 'init', 'bin/vellumctl': tool('vellumctl'),
        'bin/busybox': debs.one_file(debs.unpack(BUSYBOX_PACKAGE),
                                     '**/bin/busybox'),
        'bin/rekexec': tool('rekexec'),
        'bin/vellum-report': stage_dir('final') / 'install' / 'vellum-report'}
    if not own_kernel:
        files['efivarfs.ko'] = module('efivarfs')
    if inner:
        files.update({'kexec/vmlinuz': kernel(), 'kexec/initrd.gz': inner})
        files.update({f'kexec/{name}.ko': module(name)
                      for name in KVM_MODULES})
    kind = '-kexec' if inner else '-plain' if own_kernel else ''
    target = GUEST / f'initrd{kind}.gz'
    digest = _digest(*files.values())
    if not _fresh(target, digest):
        _archive(target, files)
        _stamp(target, digest)
    return target


def _archive(target, files):
    """Write an archive of files (name -> path), which is the same for the same
    files. The kernel has a console device of its own."""
    with tempfile.TemporaryDirectory(dir=GUEST) as name:
        tree = Path(name)
        for folder in ('dev', 'proc', 'sys', 'tmp', 'bin', 'kexec'):
            (tree / folder).mkdir()
        for name, path in files.items():
            data = path.read_bytes()
            (tree / name).write_bytes(
                lzma.decompress(data) if path.suffix == '.xz' else data)
            (tree / name).chmod(0o755)
        (tree / 'bin/sh').symlink_to('busybox')
        names = sorted(tree.rglob('*'))
        for path in names:
            os.utime(path, (0, 0), follow_symlinks=False)
        command([need('cpio', 'cpio'), '-o', '-H', 'newc', '-R', '0:0',
                 '--reproducible', '-O', target], cwd=tree, data='\n'.join(
                     str(path.relative_to(tree)) for path in names).encode())
    data = gzip.compress(target.read_bytes(), 6, mtime=0)
    # Another archive may follow, at a multiple of 4 bytes.
    target.write_bytes(data + bytes(-len(data) % 4))


def _uefi_disk(target, vmlinuz, initrd, words):
    """Make a volume whose startup.nsh starts the kernel, as an EFI program.
    Nothing on it is a boot loader, so the firmware comes to its shell."""
    uefi.volume(target, {
        'vmlinuz.efi': vmlinuz, 'initrd.gz': initrd,
        'startup.nsh': uefi.script([
            'for %a in fs0 fs1 fs2', 'if exist %a:\\vmlinuz.efi then', '%a:',
            f'vmlinuz.efi {words} initrd=\\initrd.gz', 'endif', 'endfor'])})


def _bios_disk(target, vmlinuz, initrd, words):
    """Make a disk whose GRUB starts the kernel, by its 16-bit entry: for the
    32-bit one, GRUB 2.06 moves the 53 MiB that the kernel is to have, byte by
    byte, which takes an emulator longer than all of the loading."""
    config = ('echo "GRUB: the kernel ..."\n'
              f'linux16 /vmlinuz {words}\n'
              'echo "GRUB: the initramfs ..."\n'
              'initrd16 /initrd.gz\n'
              'echo "GRUB: Linux starts ..."\nboot\n')
    bootdisk.disk(target, {'vmlinuz': vmlinuz, 'initrd.gz': initrd},
                  config, modules=['linux16'])


def build(batch=False, own_kernel=None, own_initrd=None, cmdline=None,
          firmware='bios'):
    """Make the guest's disk image for that firmware; its path.

    own_kernel and own_initrd replace the kernel and the initramfs; cmdline
    is added to the kernel's command line. batch tells our init to report
    and power off.
    """
    words = CMDLINE
    if batch and not own_initrd:
        words += ' demo.batch=1'
    if cmdline:
        words += ' ' + cmdline
    if own_kernel:
        own_kernel = need_file(own_kernel, 'KERNEL')
    if own_initrd:
        own_initrd = need_file(own_initrd, 'INITRD')
    with locked(LOCK):
        vmlinuz = own_kernel or kernel()
        initrd = own_initrd or make_initramfs(own_kernel=own_kernel)
        if 'demo.kexec=' in words:
            initrd = make_initramfs(inner=initrd)
        digest = _digest(vmlinuz, initrd, words, *map(Path, (
            __file__, bootdisk.__file__, uefi.__file__)))
        name = ('linux' + ('-uefi' if firmware == 'uefi' else '')
                + ('-batch' if batch else ''))
        if own_kernel or own_initrd or cmdline:
            name += '-' + digest[:12]
        target = GUEST / f'{name}.img'
        if not _fresh(target, digest):
            print(f'making the guest disk {target} ...', flush=True)
            make = _uefi_disk if firmware == 'uefi' else _bios_disk
            make(target, vmlinuz, initrd, words)
            _stamp(target, digest)
    return target


if __name__ == '__main__':
    main(fetch)
