"""Boot tests of the VMX back end, in Bochs."""
import pytest

from common import BUILD

# CPU models that lack something, and what Vellum says of them.
LACKING = {
    'p4_prescott_celeron_336': 'this CPU has no VMX',
    'core2_penryn_t9600': 'the CPU lacks extended page tables',
    'corei5_lynnfield_750': 'the CPU lacks the VMX control unrestricted '
                            'guest',
}


@pytest.mark.parametrize('model', LACKING)
def test_lacking_cpu_is_told_why(machine, needs_guest, model):
    """No guest without protection. (In final/ the preflight check says so,
    earlier and without a panic.)"""
    # pylint: disable=unused-argument
    vellum = machine(emu='bochs', cpu=model)
    vellum.expect(r'^vellum: (no guest on CPU 0: )?'
                  + LACKING[model], panic_ends=False)
    assert 'launching' not in vellum.serial


def test_debug_exceptions_and_interrupted_events_arrive(machine, stage,
                                                        needs_guest):
    """CR0.NE, single steps, and events whose delivery causes an exit."""
    # pylint: disable=unused-argument
    vellum = machine(emu='bochs', cmdline='boot=0x80 hypercall',
                     ignore_bad_msrs=False,
                     disk=BUILD / stage / 'guest' / 'vmx.img')
    vellum.expect('^guest: debug: ok')
    vellum.expect('^guest: delivery: ok')
