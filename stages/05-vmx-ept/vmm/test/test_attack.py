"""A guest tries to get past Vellum (guest/test/demo/attack.c), watched from
outside. Each attempt has a control, which makes its line say ESCAPED: a
break-it patch, all of which are tried with `make test SWEEP=1` (and one or the
other always, by the sample in tests/test_breakit.py), or a host test.
"""
import os
import re
from types import SimpleNamespace

import pytest

import breakit
import expectations
import outside
from common import BUILD, TOP

ROW = re.compile(r'\{"([^"]+)",\s*\w+,\s*(SHOWN_BY|TESTED_BY)\("([^"]+)"\)')
# With these no line comes: Vellum refuses to start the guest, or panics.
FALLS = ('05-no-vmrun-intercept', '05-attack-cr0', '05-attack-hypercall')
CONTROLS = sorted(name for name in breakit.patches() if '-attack-' in name)


def attempts():
    """(what, kind of control, control) of each attempt."""
    found = []
    for path in sources('metal/attack_*.c'):
        found += ROW.findall(path.read_text())
    return found


def sources(name):
    """Files in the folders' test/, each once."""
    found = [*(TOP / 'stages').glob(f'*/*/test/{name}'),
             *(TOP / 'final').glob(f'*/test/{name}')]
    return sorted({path.resolve() for path in found})


@pytest.mark.parametrize('cpus', [
    1, pytest.param(2, marks=pytest.mark.slow)])
def test_nothing_gets_past_vellum(machine, stage, needs_guest, emu, cpus):
    """Not by what the guest says, and not as seen from outside."""
    # pylint: disable=unused-argument
    pc = machine(emu=emu, cpus=cpus, disk=BUILD / stage / 'guest/attack.img',
                 cmdline='boot=0x80 hypercall', debugger=emu == 'bochs',
  )
    missing = expectations.bare_metal(pc, False, stage, 'attack')
    assert not missing, pc.fail('; '.join(missing))
    said = re.search(r'^guest: attack: (\d+) attempts: \d+ as on hardware, '
                     r'\d+ refused, 0 ESCAPED', pc.serial, re.M)
    assert int(said[1]) >= 30
    lines = re.findall(r'^guest: attack: .*: (?:as on hardware|refused)\b',
                       pc.serial, re.M)
    assert len(lines) == int(said[1])


@pytest.mark.parametrize('at, complaint', [
    (None, None), (1, "1 bytes of Vellum's image are changed"),
    (-1, 'control_watch is changed'), ('cpu', 'CPU 1 is not under Vellum')])
def test_a_change_is_seen_from_outside(stage, needs_guest, at, complaint):
    """A byte of the image, of the data, and a CPU that left."""
    # pylint: disable=unused-argument
    watch = outside.Outside(SimpleNamespace(
        set=SimpleNamespace(image=BUILD / stage / 'vellum.elf', emu='qemu'),
        serial='paging: our range is 0x1000000-0x8ffffff, 128 MiB'), stage)
    memory = [data for _, data in watch.elf.read_only()]
    memory += [bytes(watch.elf.sizes[name]) for name in outside.CANARIES]
    cpus = {0: True, 1: True}
    # pylint: disable=protected-access
    watch._qemu = lambda areas: (list(memory), dict(cpus))
    assert watch.look('before') == []
    if at == 'cpu':
        cpus[1] = False
    elif at:
        memory[at] = bytes([memory[at][0] ^ 1]) + memory[at][1:]
    wrong = watch.look('after')
    assert wrong == ([f'after: {complaint}'] if complaint else [])


def test_each_attempt_has_its_control():
    """A patch under which it escapes or Vellum falls, or a host test."""
    host_tests = ' '.join(path.read_text() for path in sources('test.mk'))
    patches = breakit.patches()
    assert len(attempts()) >= 30
    for what, kind, control in attempts():
        if kind == 'TESTED_BY':
            assert re.search(rf'\b{control}\.sources', host_tests), control
            continue
        symptom = patches[control].symptom.pattern
        assert f'{what}: ESCAPED' in symptom or control in FALLS, what
    assert set(CONTROLS) <= {control for _, _, control in attempts()}


def test_without_its_guard_each_attempt_escapes():
    """Each control builds Vellum anew: so with SWEEP=1 only."""
    if os.environ.get('SWEEP') != '1':
        pytest.skip('with SWEEP=1')
    known = breakit.patches()
    assert breakit.try_all([known[name] for name in CONTROLS]) == 0
