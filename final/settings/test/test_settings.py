"""Boot tests of vellum.conf on a BIOS machine, where it is a Multiboot module;
what UEFI does with one is in efi/test/test_efi.py."""
import re

import pytest

CONF = """\
# What a server has
consol = com2
console = com1    # the serial cable is there
panic = reboot:5
panic = never

hypercall
check
"""


@pytest.mark.slow('bochs')
def test_a_wrong_line_is_named_and_the_rest_is_used(machine, emu, tmp_path):
    """QEMU names a module by its path, Bochs' GRUB by what stands behind it;
    the command line overrules the file."""
    conf = tmp_path / 'vellum.conf'
    conf.write_text(CONF)
    pc = machine(emu=emu, conf=conf, cmdline='panic=halt boot=0x80')
    pc.expect(r'^vellum.conf:2: `consol=com2` is unknown; did you mean '
              r'`console=com2[|][^\n]*`[?]\r?\n')
    pc.expect(r'^vellum.conf:5: `panic=never` is wrong: it must be '
              r'panic=ask[^\n]*; it is left out\r?\n')
    pc.expect(r'^vellum: preflight done; halted\r?\n', panic_ends=False)
    assert set(re.findall(r'^setting: (.*?)\r?$', pc.serial, re.M)) == {
        'boot=0x80 (command line)', 'panic=halt (command line)',
        'console=com1 (vellum.conf:3)', 'hypercall (vellum.conf:7)',
        'check (vellum.conf:8)'}
