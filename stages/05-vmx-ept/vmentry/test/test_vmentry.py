"""Boot tests of the VM-entry checker, in Bochs: entries that fail."""
import expectations
import pytest

# break-vmcs= word: how the entry fails, and the field that must be named.
BROKEN = {
    'guest_cs_ar': ('invalid guest state', 'GUEST_CS_AR', '27.3.1.2'),
    'guest_tr_ar': ('invalid guest state', 'GUEST_TR_AR', '27.3.1.2'),
    'link_pointer': ('invalid guest state', 'LINK_POINTER', '27.3.1.5'),
    'host_tr': ('invalid host-state fields', 'HOST_TR_SELECTOR', '27.2.3'),
    'host_cr4': ('invalid host-state fields', 'HOST_CR4', '27.2.2'),
    'ept_pointer': ('invalid control fields', 'EPT_POINTER', '27.2.1.1'),
    'pin_controls': ('invalid control fields', 'PIN_CONTROLS', '27.2.1.1'),
}


@pytest.mark.slow('host_', 'guest_tr', 'pin_', 'ept_', 'link_')
@pytest.mark.parametrize('word', BROKEN)
def test_broken_vmcs_field_is_named(machine, needs_guest, word):
    """The checker finds what the CPU only hints at."""
    # pylint: disable=unused-argument
    failure, field, section = BROKEN[word]
    vellum = machine(test=True, emu='bochs',
                     cmdline=f'boot=0x80 break-vmcs={word}')
    vellum.expect(f'^broken rule: VMCS field {field} = ')
    vellum.expect(rf'^panic\(CPU0\): VM entry failed: {failure}: '
                  rf'field {field}: [^\n]*\(SDM 3C {section}\)')
    vellum.expect(expectations.PANIC_END, panic_ends=False)
