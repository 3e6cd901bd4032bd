"""A machine that is reset starts Vellum again, over all that its earlier life
left in RAM. (More kinds of machine, and all ways: `make soak`.)"""
from contextlib import nullcontext

import pytest

import reboot
import soak
from common import ToolError
from reboot import Kind

REBOOTS = [(Kind('qemu', 'bios', 1), ['kbd', 'triple']),
           (Kind('qemu', 'uefi', 1), ['acpi']),
           (Kind('qemu', 'uefi', 4), ['acpi', 'panic']),
           (Kind('qemu', 'bios', 2, 'amd-iommu'), ['warm']),
           (Kind('qemu', 'bios', 2), ['kdump']),
           (Kind('bochs', 'bios', 1), ['pci'])]


@pytest.mark.slow('bochs', '4 CPUs', 'kdump')
@pytest.mark.parametrize('kind, ways', REBOOTS, ids=str)
def test_vellum_starts_again_after_a_reset(machine, kind, ways):
    """Each boot is as good as the first."""
    reboot.life(machine(**reboot.settings(kind, ways=ways)), ways)


def test_only_what_works_on_the_bare_machine_can_fail(monkeypatch, tmp_path,
                                                      capsys):
    """A way that doesn't is named, kept, and no failure of Vellum's."""
    works = {True: ['kbd', 'pci', 'triple'], False: ['kbd', 'triple']}

    def life(native, ways, after=lambda way: None):
        for way in ways:
            if way not in works[native]:
                raise ToolError('it hangs')
            after(way)

    kind = Kind('qemu', 'bios', 1)
    monkeypatch.setattr(soak, 'KNOWN', tmp_path / 'reboots.json')
    monkeypatch.setattr(soak, 'Machine', lambda native: nullcontext(native))
    monkeypatch.setattr(reboot, 'life', life)
    monkeypatch.setattr(reboot, 'settings', lambda kind, native=False,
                        ways=(): {'native': native})
    assert soak.reboots((kind, ['kbd', 'pci', 'pci', 'acpi', 'triple'])) == 1
    said = capsys.readouterr().out
    assert 'qemu bios, 1 CPU: pci: FAILED\nit hangs' in said
    assert ': acpi: does not reboot without Vellum either' in said
    assert ': kbd: ok' in said and ': triple: ok' in said
    assert soak.known(kind) == ['acpi'] and not soak.known(soak.KINDS[1])
    assert soak.reboots((kind, ['kbd', 'panic'])) == 1
    tried = [ways for each, ways in soak.all_kinds(False) if each == kind]
    assert not any('acpi' in ways for ways in tried)
    assert {way for ways in tried for way in ways} == {
        'kbd', 'pci', 'triple', 'kexec', 'panic'}
    assert ['warm' in each.ways() for each in soak.FULL] == [True, False]
