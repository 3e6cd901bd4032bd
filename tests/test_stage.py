"""Every stage boots in each emulator, shows what its chapter is about, and
ends in order."""
import expectations
import pytest
from common import BUILD, stages
from values import has_guest


def pytest_generate_tests(metafunc):
    """With --stage this stage only, else all."""
    if 'each' in metafunc.fixturenames:
        only = metafunc.config.getoption('stage')
        metafunc.parametrize('each', [only] if only else stages())


def _boot(machine, each, emu, build):
    image = BUILD / build / 'vellum.elf'
    if not image.is_file():
        pytest.fail(f'{image} is not built', pytrace=False)
    pc = machine(image, emu=emu, limit=60, cmdline='boot=0x80')
    expectations.banner(pc, each)
    ends = expectations.launch_only if has_guest(each) else \
        expectations.no_guest
    missing = ends(pc, each)
    if missing:
        pc.fail('not seen: ' + '; '.join(missing))
    return pc


def test_a_stage_shows_its_chapter_and_ends_in_order(machine, each, emu):
    """Banner first, then what it is about, then the end; no panic."""
    _boot(machine, each, emu, each)


@pytest.mark.slow('bochs')
def test_the_self_tests_of_a_stage_pass(machine, each, emu):
    """The TEST=1 build runs those of all its folders at boot."""
    pc = _boot(machine, each, emu, each + '-test')
    missing = expectations.selftests(pc.serial, each)
    if missing:
        pc.fail('not seen: ' + '; '.join(missing))
