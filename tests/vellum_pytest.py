"""The pytest plug-in for boot tests: options, and fixtures for machines.

    def test_banner(machine, emu):
        with_vellum = machine(emu=emu)
        with_vellum.expect(r'^Vellum ')

`machine` starts an emulator with the image of the stage that is tested and
ends it with the test. A test that takes `emu` runs once in each emulator.
"""
import os
import re
import shutil
from pathlib import Path

import pytest

import linux_guest
from common import BUILD, TOP, ToolError, stages
from emulator import Machine
from values import EMULATORS, FIRMWARE, has_guest

# What tests build has its defaults, whatever .config says.
os.environ.setdefault('KCONFIG_CONFIG', '/dev/null')


def pytest_addoption(parser):
    """The filters of make test."""
    group = parser.getgroup('vellum')
    group.addoption('--stage', help='test this stage, not the one that adds '
                    'the folder')
    group.addoption('--emu', choices=EMULATORS, help='only this emulator')
    group.addoption('--firmware', choices=FIRMWARE, help='only this one')


def pytest_collection_modifyitems(config, items):
    """What is marked slow, or slow('bochs') for some of a test's variants, runs
    with ALL=1, as for each change that lands, or when its file is named:
    another test in each `make test` is of its kind."""
    if os.environ.get('ALL') == '1':
        return

    def is_slow(item):
        mark = item.get_closest_marker('slow')
        variant = item.name.partition('[')[2]
        return mark and (not mark.args
                         or any(word in variant for word in mark.args))
    slow = [item for item in items if is_slow(item)]
    items[:] = [item for item in items if not is_slow(item)]
    config.hook.pytest_deselected(items=slow)


def pytest_generate_tests(metafunc):
    """A test with the argument emu runs in each emulator."""
    if 'emu' in metafunc.fixturenames:
        only = metafunc.config.getoption('emu')
        metafunc.parametrize('emu', [only] if only else EMULATORS)


def owner(path):
    """The stage that adds the folder that a test file is in."""
    parts = Path(path).resolve().relative_to(TOP).parts
    return parts[1] if parts[0] == 'stages' else 'final'


@pytest.fixture
def stage(request):
    """Name of the stage under test."""
    return request.config.getoption('stage') or owner(request.path)


def _image(name):
    path = BUILD / name / 'vellum.elf'
    if not path.is_file():
        pytest.fail(f'{path} is not built: make test does it',
                    pytrace=False)
    return path


@pytest.fixture
def image(stage):
    """Vellum's image of the stage under test."""
    return _image(stage)


@pytest.fixture
def test_image(stage):
    """The image with boot-time self-tests."""
    return _image(stage + '-test')


@pytest.fixture(scope='session')
def linux_disk():
    """The disk of the Linux demo that reports and powers off."""
    return linux_guest.build(batch=True)


@pytest.fixture
def needs_guest(stage):
    """Skip in stages that launch no guest."""
    if not has_guest(stage):
        pytest.skip(f'{stage} launches no guest')


@pytest.fixture
def machine(request, stage):
    """A function that starts a Machine; all are ended with the test.

    Arguments are those of emulator.Settings. image defaults to the stage's
    (test=True: the one with self-tests; native=True: none).
    """
    only = request.config.getoption('emu')
    only_firmware = request.config.getoption('firmware')
    started = []

    def start(image=None, test=False, native=False, **settings):
        if only and settings.get('emu', 'qemu') != only:
            pytest.skip(f'--emu {only}')
        if only_firmware and \
                settings.get('firmware', 'bios') != only_firmware:
            pytest.skip(f'--firmware {only_firmware}')
        if not image and not native:
            image = _image(stage + ('-test' if test else ''))
        settings.setdefault('name', re.sub(r'[^\w-]+', '-', request.node.name)
                            .strip('-'))
        started.append(Machine(image, **settings))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A run that failed says so itself: no Python traceback is needed."""
    outcome = yield
    if call.excinfo and isinstance(call.excinfo.value, ToolError):
        report = outcome.get_result()
        line = call.excinfo.traceback[-1]
        for entry in call.excinfo.traceback:
            if Path(str(entry.path)) == item.path:
                line = entry
        report.longrepr = (f'{line.path}:{line.lineno + 1}: '
                           f'{call.excinfo.value}')


def pytest_configure(config):
    """Say early what cannot work."""
    config.addinivalue_line('markers', 'slow(*variants): only with ALL=1')
    chosen, known = config.getoption('stage'), stages()
    if chosen and known and chosen not in known:
        raise pytest.UsageError(f'--stage {chosen}: there are '
                                + ', '.join(known))
    for program in ('qemu-system-x86_64', 'bochs'):
        if not shutil.which(program):
            raise pytest.UsageError(f'{program} not found: `make setup test`')
