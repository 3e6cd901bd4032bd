"""Boot tests of the VMX back end, in Bochs."""
import pytest

from common import BUILD

# break-vmcs= word: how the entry fails, and the field that must be named.
BROKEN = {
    'guest_cs_ar': ('invalid guest state', 'GUEST_CS_AR', '27.3.1.2'),
    'guest_tr_ar': ('invalid guest state', 'GUEST_TR_AR', '27.3.1.2'),
    'link_pointer': ('invalid guest state', 'LINK_POINTER', '27.3.1.5'),
    'host_tr': ('invalid host-state fields', 'HOST_TR_SELECTOR', '27.2.3'),
    'pin_controls': ('invalid control fields', 'PIN_CONTROLS', '27.2.1.1'),
}

# CPU models that lack something, and what Vellum says of them.
LACKING = {
    'p4_prescott_celeron_336': 'this CPU has no VMX',
    'core2_penryn_t9600': 'the CPU lacks extended page tables',
    'corei5_lynnfield_750': 'the CPU lacks the VMX control unrestricted '
                            'guest',
}


@pytest.mark.slow('host_tr', 'guest_tr', 'pin_', 'link_')
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
    vellum.expect('^vellum: press a key to reboot', panic_ends=False)


@pytest.mark.parametrize('model', LACKING)
def test_lacking_cpu_is_told_why(machine, needs_guest, model):
    """No guest without protection, and no panic either."""
    # pylint: disable=unused-argument
    vellum = machine(emu='bochs', cpu=model)
    vellum.expect(f'^vellum: {LACKING[model]}')
    vellum.expect('^vellum: no guest without protection; halted',
                  panic_ends=False)
    assert 'panic(CPU' not in vellum.serial


def test_unprotected_goes_on_without_vmx(machine, needs_guest):
    """The word on the command line is enough."""
    # pylint: disable=unused-argument
    vellum = machine(emu='bochs', cpu='core2_penryn_t9600',
                     cmdline='boot=0x80 unprotected')
    vellum.expect('^vellum: going on without protection, as asked')


def test_debug_exceptions_and_interrupted_events_arrive(machine, stage,
                                                        needs_guest):
    """CR0.NE, single steps, and events whose delivery causes an exit."""
    # pylint: disable=unused-argument
    vellum = machine(emu='bochs', cmdline='boot=0x80', ignore_bad_msrs=False,
                     disk=BUILD / stage / 'guest' / 'vmx.img')
    vellum.expect('^guest: debug: ok')
    vellum.expect('^guest: delivery: ok')
