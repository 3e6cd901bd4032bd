"""`make doctor`: what can this machine run?"""
import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import debs
import kvm
import linux_guest
from common import BUILD, main

# Those that `make run` cannot do without, then the others.
NEEDED = (
    ('gcc', '--version', 'builds everything'),
    ('ld', '--version', 'links it'),
    ('make', '--version', 'runs the builds'),
    ('/usr/bin/python3', '--version', 'runs these tools'),
    ('qemu-system-x86_64', '--version', 'emulates AMD SVM'),
    ('grub-mkimage', '--version', 'boot media'),
    ('mformat', '--version', 'boot media'),
    ('cpio', '--version', "the guest's initramfs"),
)
OTHERS = (
    ('bochs', '--help', 'emulates Intel VMX'),
    ('xorriso', '--version', 'boot media for Bochs'),
    ('bwrap', '--version', 'make grade: the sandbox'),
    ('clang-format', '--version', 'make check'),
    ('ctags', '--version', 'make check'),
    ('gdb', '--version', 'make gdb'),
    ('qemu-img', '--version', 'make replay'),
    ('/usr/sbin/rsyslogd', '-v', 'make run NET=1 LOG=syslog'),
)


def output(*argv):
    """First lines of what a program says; '' when it does not start."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              stdin=subprocess.DEVNULL, errors='replace',
                              timeout=20, check=False)
        return done.stdout
    except (OSError, subprocess.TimeoutExpired):
        return ''


def row(mark, name, text):
    """Print one line of the report."""
    print(f'  {"yes" if mark else "no ":<4} {name:<24} {text}')


def hardware():
    """Virtualisation that this machine has itself."""
    reason = kvm.refusal()
    row(not reason, 'nested KVM',
        reason or "EMU=kvm: this CPU's own virtualisation")


def emulators():
    """What the emulators can do; True when the main job works."""
    help_text = output('qemu-system-x86_64', '-cpu', 'help')
    svm = bool(re.search(r'\bsvm\b', help_text))
    row(svm, 'QEMU with SVM', 'EMU=qemu: AMD back end, nested paging' if svm
        else 'install qemu-system-x86')
    bochs = bool(shutil.which('bochs'))
    models = output('bochs', '--help', 'cpu')
    vmx = bochs and 'corei7_haswell_4770' in models
    term = any(Path('/usr/lib').glob('*/bochs/plugins/libbx_term_gui.so'))
    row(vmx and term, 'Bochs with VMX',
        'EMU=bochs: Intel back end, EPT' if vmx and term
        else 'install bochs, bochs-term, bochsbios, vgabios')
    ovmf = Path('/usr/share/ovmf/OVMF.fd').is_file()
    row(ovmf, 'OVMF', 'FIRMWARE=uefi' if ovmf else 'install ovmf')
    return svm


def tools():
    """Versions of the programs; True when all that a run needs are there."""
    fine = True
    for name, option, use in (*NEEDED, *OTHERS):
        found = shutil.which(name)
        version = ''
        if found:
            text = output(name, option)
            number = re.search(r'\d+\.\d+(\.\d+)?', text)
            version = number.group() if number else ''
        fine = fine and bool(found or (name, option, use) in OTHERS)
        row(found, Path(name).name, f'{version or "":<10} {use}')
    options = bool(find_spec('kconfiglib'))
    row(options, 'python3-kconfiglib', f'{"":<10} reads the options')
    return fine and options


def places():
    """Where is built, and what Linux is made of; True when both are there."""
    there = BUILD
    while not there.exists():
        there = there.parent
    writable = os.access(there, os.W_OK)
    row(writable, 'a place to build', str(BUILD) if writable else
        f'{there} cannot be written: BUILD_ROOT=DIR')
    cached = all(map(debs.fetched, linux_guest.PACKAGES))
    apt = bool(shutil.which('apt-get'))
    row(cached or apt, 'Linux as a guest',
        f'in {debs.CACHE}' if cached else 'apt will fetch it' if apt else
        'no apt-get to fetch it: KERNEL= INITRD=, or GUEST=demo')
    return writable and (cached or apt)


def doctor():
    """Print the report; status 1 when `make run` cannot work here."""
    print('Hardware virtualisation (not needed):')
    hardware()
    print('Emulators:')
    fine = [emulators()]
    print('Programs:')
    fine.append(tools())
    print('Places:')
    if not places():
        print('`make run` does not work here: see "Places".')
        return 1
    print('`make run` works here.' if all(fine) else
          '`make setup run` installs what is missing.')
    return 0 if all(fine) else 1


if __name__ == '__main__':
    main(doctor)
