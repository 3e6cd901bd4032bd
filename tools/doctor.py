"""`make doctor`: what can this machine run?"""
import re
import shutil
import subprocess
from pathlib import Path

import kvm
from common import main

TOOLS = (
    ('gcc', '--version', 'builds everything'),
    ('ld', '--version', 'links it'),
    ('make', '--version', 'runs the builds'),
    ('/usr/bin/python3', '--version', 'runs these tools'),
    ('qemu-system-x86_64', '--version', 'emulates AMD SVM'),
    ('bochs', '--help', 'emulates Intel VMX'),
    ('grub-mkimage', '--version', 'boot media'),
    ('mformat', '--version', 'boot media'),
    ('xorriso', '--version', 'boot media for Bochs'),
    ('clang-format', '--version', 'make check'),
    ('ctags', '--version', 'make check'),
    ('gdb', '--version', 'make gdb'),
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
    """Versions of the programs that are used."""
    for name, option, use in TOOLS:
        found = shutil.which(name)
        version = ''
        if found:
            text = output(name, option)
            number = re.search(r'\d+\.\d+(\.\d+)?', text)
            version = number.group() if number else ''
        row(found, Path(name).name, f'{version or "":<10} {use}')


def doctor():
    """Print the report; status 1 when `make run` cannot work here."""
    print('Hardware virtualisation (not needed):')
    hardware()
    print('Emulators:')
    fine = emulators()
    print('Programs:')
    tools()
    print('`make run` works here.' if fine else
          '`make setup run` installs what is missing.')
    return 0 if fine else 1


if __name__ == '__main__':
    main(doctor)
