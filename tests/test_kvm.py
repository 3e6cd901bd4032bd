"""EMU=kvm up to the point where it is refused, and what QEMU would be told.
The rest needs a CPU whose virtualisation is handed on: nothing here has one."""
import errno
import subprocess
from types import SimpleNamespace

import doctor
import kvm
import pytest
import qemu
from common import TOP, ToolError
from settings import Settings

INTEL = {'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu vmx sse2\n\n',
         'sys/module/kvm_intel/parameters/nested': 'Y\n', 'dev/kvm': ''}
AMD = {'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu svm sse2\n\n',
       'sys/module/kvm_amd/parameters/nested': '1\n', 'dev/kvm': ''}


def computer(root, files):
    """Lay a computer's dev, proc and sys below root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture(autouse=True)
def answers(monkeypatch):
    """A plain file that answers as /dev/kvm does, with that version."""
    says = SimpleNamespace(version=12)
    monkeypatch.setattr(kvm, 'fcntl', SimpleNamespace(
        ioctl=lambda device, number: {0xae00: says.version}[number]))
    return says


@pytest.mark.parametrize('files', [INTEL, AMD])
def test_a_computer_that_hands_its_virtualisation_on_can_be_used(tmp_path,
                                                                 files):
    """Either vendor's."""
    assert kvm.refusal(computer(tmp_path, files), 'x86_64') is None


@pytest.mark.parametrize('files, changes, message', [
    (INTEL, {'proc/cpuinfo': 'flags : fpu sse2 svm_lock vmxx\n'},
     "switch it on in the firmware's setup"),
    (INTEL, {'proc/cpuinfo': None}, "switch it on in the firmware's setup"),
    (INTEL, {'sys/module/kvm_intel/parameters/nested': None},
     'sudo modprobe kvm_intel'),
    (AMD, {'sys/module/kvm_amd/parameters/nested': None},
     'sudo modprobe kvm_amd'),
    (INTEL, {'sys/module/kvm_intel/parameters/nested': 'N\n'},
     'options kvm_intel nested=1'),
    (AMD, {'sys/module/kvm_amd/parameters/nested': '0\n'},
     'options kvm_amd nested=1'),
    (INTEL, {'sys/module/kvm_intel/parameters/nested': ''},
     'options kvm_intel nested=1'),
    # The other vendor's module is loaded; ours is not.
    (AMD, {'sys/module/kvm_amd/parameters/nested': None,
           'sys/module/kvm_intel/parameters/nested': 'Y\n'},
     'sudo modprobe kvm_amd'),
    (INTEL, {'dev/kvm': None}, '--device /dev/kvm'),
])
def test_what_is_missing_is_named_in_one_line(tmp_path, files, changes,
                                              message):
    """With what to switch on."""
    there = {name: text for name, text in {**files, **changes}.items()
             if text is not None}
    reason = kvm.refusal(computer(tmp_path, there), 'x86_64')
    assert message in reason and '\n' not in reason


def test_another_architecture_is_refused_first(tmp_path):
    """Nothing that one could switch on would help."""
    assert kvm.refusal(computer(tmp_path, INTEL), 'aarch64') == \
        'this computer is aarch64, and Vellum is for x86-64'


def test_another_version_of_the_interface_is_refused(tmp_path, answers):
    """There has been one since 2007."""
    answers.version = 11
    assert 'speaks version 11' in kvm.refusal(computer(tmp_path, INTEL),
                                              'x86_64')


@pytest.mark.parametrize('error, message', [
    (PermissionError(errno.EACCES, 'Permission denied'), 'usermod -aG kvm'),
    (OSError(errno.EBUSY, 'Device or resource busy'), 'resource busy'),
])
def test_a_device_that_does_not_open_says_why(tmp_path, monkeypatch, error,
                                              message):
    """Most often the user is not in the group kvm."""
    def refuses(*_, **__):
        raise error
    monkeypatch.setattr(kvm, 'open', refuses, raising=False)
    assert message in kvm.refusal(computer(tmp_path, INTEL), 'x86_64')


def words(monkeypatch, tmp_path, **settings):
    """QEMU's command line for a machine on a computer that has all."""
    monkeypatch.setattr(kvm, 'refusal', lambda: None)
    return qemu.arguments(Settings(**settings), [], tmp_path)


def test_qemu_is_told_to_use_the_hosts_cpu(monkeypatch, tmp_path):
    """Not the list of what is emulated; a change to it is kept."""
    argv = words(monkeypatch, tmp_path, emu='kvm', cpus=2)
    assert argv[1:5] == ['-accel', 'kvm', '-cpu', 'host,kvm=off']
    assert 'pc,smm=off' in argv and '-icount' not in argv
    argv = words(monkeypatch, tmp_path, emu='kvm', cpu='-x2apic')
    assert argv[argv.index('-cpu') + 1] == 'host,kvm=off,-x2apic'
    argv = words(monkeypatch, tmp_path, emu='qemu')
    assert '-accel' not in argv and '+svm' in argv[argv.index('-cpu') + 1]


def test_without_kvm_the_machine_does_not_start(monkeypatch, tmp_path):
    """QEMU is not even asked; `make run` ends with the line."""
    monkeypatch.setattr(kvm, 'refusal', lambda: 'no such luck')
    with pytest.raises(ToolError, match='^EMU=kvm: no such luck$'):
        qemu.arguments(Settings(emu='kvm'), [], tmp_path)


def test_doctor_says_what_run_says(monkeypatch, capsys):
    """In its line on the hardware."""
    for reason, line in (('no such luck', 'no   nested KVM'),
                         (None, 'yes  nested KVM')):
        monkeypatch.setattr(kvm, 'refusal', lambda reason=reason: reason)
        doctor.hardware()
        printed = capsys.readouterr().out
        assert line in printed and (reason or 'EMU=kvm') in printed


@pytest.mark.skipif(not kvm.refusal(), reason='this computer can EMU=kvm')
def test_make_run_ends_with_the_line():
    """On a computer that cannot."""
    done = subprocess.run(
        ['/usr/bin/python3', TOP / 'tools/run.py', 'EMU=kvm', 'NATIVE=1',
         'GUEST=none', 'BATCH=1', 'TIMEOUT=5'], stderr=subprocess.PIPE,
        text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith('error: EMU=kvm: ')
    assert done.stderr.count('\n') == 1
