"""EMU=kvm: QEMU on the CPU's own virtualisation instead of an emulated CPU.

Vellum is KVM's guest then, and wants virtualisation for a guest of its own. So
the CPU must have it, KVM must be loaded, its user must be allowed to use it,
and it must be set to hand it on ("nested"): refusal() says which is missing.
"""
import fcntl
import os
from pathlib import Path

DEVICE = 'dev/kvm'
KVM_GET_API_VERSION = 0xae00        # <linux/kvm.h>: _IO(KVMIO, 0x00)
API_VERSION = 12                    # the only one there has been since 2007
# The CPU's flag: whose it is, KVM's module for it, and the setting's name.
VENDORS = {'vmx': ('Intel VT-x', 'kvm_intel'), 'svm': ('AMD-V', 'kvm_amd')}


def _flags(root):
    """What the first CPU can do, as Linux lists it."""
    try:
        text = (root / 'proc/cpuinfo').read_text(errors='replace')
    except OSError:
        return []
    for line in text.splitlines():
        name, _, value = line.partition(':')
        if name.strip() == 'flags':
            return value.split()
    return []


def _device_refusal(path):
    """Why the device cannot be used; None when it can."""
    try:
        with open(path, 'r+b', buffering=0) as device:
            version = fcntl.ioctl(device, KVM_GET_API_VERSION)
    except FileNotFoundError:
        return (f'there is no {path}: in a container, start it with '
                '--device /dev/kvm')
    except PermissionError:
        return (f'you may not use {path}: sudo usermod -aG kvm $USER, '
                'then log in anew')
    except OSError as error:
        return f'{path}: {error.strerror}'
    if version != API_VERSION:
        return f'{path} speaks version {version}, not {API_VERSION}'
    return None


def refusal(root=Path('/'), machine=None):
    """Why EMU=kvm cannot work here and what to switch on, in one line; None
    when it can. root is where dev, proc and sys are."""
    machine = machine or os.uname().machine
    if machine != 'x86_64':
        return f'this computer is {machine}, and Vellum is for x86-64'
    flags = _flags(root)
    found = [VENDORS[flag] for flag in VENDORS if flag in flags]
    if not found:
        return ('the CPU shows no virtualisation: switch it on in the '
                'firmware\'s setup (Intel VT-x, AMD-V or SVM); when this is '
                'a virtual machine, switch on nested virtualisation in the '
                'one outside (WSL: nestedVirtualization=true in .wslconfig)')
    name, module = found[0]
    folder = root / 'sys/module' / module
    if not folder.is_dir():
        return (f'KVM for {name} is not loaded: sudo modprobe {module} (when '
                'that fails, the firmware has it switched off)')
    try:
        nested = (folder / 'parameters/nested').read_text().strip()
    except OSError as error:
        return f'{error.filename}: {error.strerror}'
    if nested not in ('1', 'Y', 'y'):
        return (f'KVM keeps {name} for itself: echo options {module} nested=1 '
                '| sudo tee /etc/modprobe.d/vellum.conf; then restart, or '
                f'sudo modprobe -r {module}; sudo modprobe {module}')
    return _device_refusal(root / DEVICE)
