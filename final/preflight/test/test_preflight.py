"""Boot tests of the preflight check, the word `check`."""
import re

import pytest
import uefi

CAN = r'^preflight: this machine can run Vellum\r?\n'
CANNOT = r'^preflight: this machine cannot run Vellum: (\d+) reasons?\r?\n'
END = r'^vellum: preflight done; halted\r?\n'

# What lacks: how to get such a machine, and the lines that must say so.
LACKING = {
    'svm': ({'emu': 'qemu', 'cpu': '-svm,-hypervisor'},
            ['SVM (CPUID 0x80000001 ECX bit 2): this CPU has no SVM, or its '
             'firmware hides it']),
    'nested': ({'emu': 'qemu', 'cpu': '-svm'},
               ['VMX or SVM: this is a virtual machine (of TCGTCGTCGTCG) '
                'without nested virtualisation: its host must switch']),
    'npt': ({'emu': 'qemu', 'cpu': '-npt'},
            ['nested paging: this CPU has SVM without nested paging']),
    'vmx': ({'emu': 'bochs', 'cpu': 'p4_prescott_celeron_336'},
            ['VMX (CPUID.1:ECX bit 5): this CPU has no VMX']),
    'unrestricted-guest': (
        {'emu': 'bochs', 'cpu': 'corei5_lynnfield_750'},
        ['unrestricted guest: the CPU lacks the VMX control unrestricted '
         'guest, without which no guest can be in real mode']),
    'memory-qemu': (
        {'emu': 'qemu', 'mem': '96M'},
        ['memory for Vellum: the largest piece, aligned to 4 MiB, has '
         '88 MiB: add memory']),
    'memory-bochs': (
        {'emu': 'bochs', 'mem': '64M'},
        ['memory for Vellum: the largest piece, aligned to 4 MiB, has ']),
}


def check(machine, **settings):
    """Run the check to its end; the machine."""
    pc = machine(cmdline='boot=0x80 check', **settings)
    pc.expect(END, panic_ends=False)
    assert 'launching' not in pc.serial
    assert 'panic' not in pc.serial
    return pc


def lines(text, mark):
    """What stands behind the mark ok, NO or -."""
    return re.findall(rf'^  {mark} +([^\r\n]*)', text, re.M)


def test_a_good_machine_passes(machine, needs_guest, emu):
    """All is ok, and the range is the one that a launch would take."""
    # pylint: disable=unused-argument
    text = check(machine, emu=emu).serial
    assert re.search(CAN, text, re.M)
    assert not lines(text, 'NO') and not lines(text, '-')
    wanted = {'qemu': ['SVM allowed by the firmware (VM_CR)',
                       'nested paging'],
              'bochs': ['VMX allowed by the firmware', 'NMI exiting',
                        'extended page tables (EPT)', 'unrestricted guest',
                        'EPT pages of 2 MiB']}[emu]
    good = lines(text, 'ok')
    assert set(wanted) < set(good)
    assert good[-1] == 'memory for Vellum'
    assert re.search(r'^      (EPT|NPT) pages: 4 KiB, 2 MiB', text, re.M)
    assert re.search(r'^      8 variable ones, on; ', text, re.M)
    assert re.search(r'^      CPUID tells of 1 CPU\r?$', text, re.M)
    chosen = re.search(r"Vellum's range: (0x[0-9a-f]+-0x[0-9a-f]+)", text)[1]
    launched = machine(emu=emu, cmdline='boot=0x80')
    launched.expect(rf'^paging: our range is {chosen}, 128 MiB')


@pytest.mark.parametrize('what', LACKING)
def test_what_lacks_is_named(machine, needs_guest, what):
    """One problem is one reason, whatever depends on it."""
    # pylint: disable=unused-argument
    settings, wanted = LACKING[what]
    text = check(machine, **settings).serial
    missing = lines(text, 'NO')
    for said in wanted:
        assert any(line.startswith(said) for line in missing), missing
    assert int(re.search(CANNOT, text, re.M)[1]) == len(missing) == 1


@pytest.mark.slow('bochs')
def test_uefi_goes_on_after_the_check(machine, needs_guest, emu):
    """vellum.efi comes back with success, for there is nothing wrong with
    the check itself."""
    # pylint: disable=unused-argument
    pc = machine(firmware='uefi', emu=emu,
                 shell=('vellum.efi check', uefi.STATUS))
    pc.expect(CAN)
    pc.expect(r'^vellum: preflight done; back to the firmware\r?\n')
    pc.expect(r'status 0x0\r?\n')


def test_several_cpus_are_counted(machine, needs_guest):
    """By CPUID and by ACPI; and the guest gets all of them."""
    # pylint: disable=unused-argument
    text = check(machine, cpus=2).serial
    assert re.search(r'^      CPUID tells of 2 CPUs\r?$', text, re.M)
    assert re.search(r"^      2 CPUs in ACPI's MADT\r?$", text, re.M)
