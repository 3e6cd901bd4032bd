"""What is built: Kconfig files, .config, and the goals that make it."""
import os
import re
import subprocess
import sys

import kconfig
import lab
import pexpect
import pytest
from common import TOP, command, need, stage_dir
from stage_names import BOOT, HEAP, PAGING, VMM

OUTSIDE = ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'VMMSIZE_ALL',
           'TEST', 'DEBUG')
DOWN, ESCAPE = '\x1b[B', '\x1b'


def environment(**more):
    """Ours, without what a make that has called us said."""
    return {**{name: value for name, value in os.environ.items()
               if name not in OUTSIDE}, **more}


@pytest.fixture
def place(tmp_path):
    """A .config of our own, and a place to build in."""
    return environment(KCONFIG_CONFIG=str(tmp_path / '.config'),
                       BUILD_ROOT=str(tmp_path / 'build'))


def make(*words, where=TOP, env=None):
    """Status, and all that make says."""
    done = subprocess.run(
        ['make', '--no-print-directory', *words], cwd=where, text=True,
        env=env or environment(), stdin=subprocess.DEVNULL, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def generate(tmp_path, lines, *switches, stage='final'):
    """Status, what is said, and config.h as name -> value."""
    (tmp_path / '.config').write_text(lines)
    done = subprocess.run(
        [sys.executable, TOP / 'tools/kconfig.py', 'generate', tmp_path / 'out',
         tmp_path / '.config', *switches], cwd=stage_dir(stage), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    header = tmp_path / 'out/config.h'
    text = header.read_text() if header.is_file() else ''
    return done.returncode, done.stdout, dict(
        re.findall(r'^#define CONFIG_(\w+) (.*)$', text, re.MULTILINE))


def test_every_option_is_a_number_on_or_off(tmp_path):
    """So `if (CONFIG_X)` compiles, whatever X is."""
    status, _, defaults = generate(tmp_path, '')
    assert status == 0 and set(defaults.values()) > {'0', '1'}
    status, _, fewer = generate(tmp_path, 'CONFIG_DOMAIN=n\n'
                                '# CONFIG_VGA is not set\n')
    assert status == 0 and fewer.keys() == defaults.keys()
    off = {name for name in fewer if fewer[name] != defaults[name]}
    # What needs an option goes with it.
    assert {'DOMAIN', 'VGA', 'SHELL'} <= off
    assert all(fewer[name] == '0' for name in off)


@pytest.mark.parametrize('line, message', [
    ('CONFIG_SERAIL=y', 'CONFIG_SERAIL: no such option; did you mean SERIAL?'),
    ('CONFIG_serial=y', 'CONFIG_serial: no such option; did you mean SERIAL?'),
    ('# CONFIG_VAG is not set', 'CONFIG_VAG: no such option; did you mean VGA'),
    ('CONFIG_QQQQQQQQ=y', 'CONFIG_QQQQQQQQ: no such option\n'),
    ('CONFIG_VGA=yes', 'CONFIG_VGA=yes: not y or n'),
    ('CONFIG_VGA=', 'CONFIG_VGA=: not y or n'),
    ('CONFIG_LOG_SIZE=0', 'CONFIG_LOG_SIZE=0: not a number from '),
    ('CONFIG_LOG_SIZE=many', 'CONFIG_LOG_SIZE=many: not a number from '),
    ('VGA=n', 'VGA=n: no line such as CONFIG_NAME=y'),
    ('CONFIG_VGA = n', 'CONFIG_VGA = n: no line such as CONFIG_NAME=y'),
])
def test_a_wrong_line_is_named_with_its_number(tmp_path, line, message):
    """And nothing is built: a misspelt option is not silently a default."""
    status, text, header = generate(tmp_path, f'# mine\n\n{line}\n')
    assert status == 1 and not header
    assert f'{tmp_path}/.config:3: {message}' in text


def test_a_file_of_the_tree_is_named_from_its_top_on(tmp_path, monkeypatch):
    """Make looks at it from a stage's directory."""
    (tmp_path / '.config').write_text('CONFIG_VAG=n\n')
    (tmp_path / 'stage').mkdir()
    found = kconfig.options(kconfig.ALL)
    monkeypatch.setattr(kconfig, 'TOP', tmp_path)
    monkeypatch.chdir(tmp_path / 'stage')
    said, = kconfig.complaints('../.config', found)
    assert said.startswith('.config:1: CONFIG_VAG: no such option')


def test_a_wrong_line_stops_the_build(place, tmp_path):
    """Of any stage, by make."""
    (tmp_path / '.config').write_text('CONFIG_VAG=n\n')
    for words in ([BOOT], ['run', f'STAGE={BOOT}', 'BATCH=1']):
        status, text = make(*words, env=place)
        assert status == 2 and '.config:1: CONFIG_VAG: no such opt' in text
        assert 'CC ' not in text


def test_a_file_that_is_not_there_is_no_configuration(place, tmp_path):
    """Where one is named; .config itself need not be there."""
    status, text = make(BOOT, env=place)
    assert status == 2
    assert f'KCONFIG_CONFIG={tmp_path}/.config: no such file' in text


def test_what_another_stage_has_is_no_error(tmp_path):
    """One .config is for all of them."""
    lines = 'CONFIG_UEFI=n\nCONFIG_SVM=n\nCONFIG_VGA=n\n'
    status, text, header = generate(tmp_path, lines, stage=BOOT)
    assert (status, text, header['VGA']) == (0, '', '0')
    assert 'UEFI' not in header


def test_what_can_have_no_effect_is_said(tmp_path):
    """An option that needs another; and one back end there must be."""
    status, text, header = generate(
        tmp_path, 'CONFIG_SVM=n\nCONFIG_VMX=n\nCONFIG_DOMAIN=n\n'
        'CONFIG_SHELL=y\n')
    assert status == 0 and (header['VMX'], header['SHELL']) == ('1', '0')
    assert '.config:2: CONFIG_VMX=n has no effect: that needs SVM' in text
    assert '.config:4: CONFIG_SHELL=y has no effect: that needs DOMAIN' in text
    assert text.count('\n') == 2


def test_switches_of_make_win_over_the_file(tmp_path):
    """By their old names, VMMSIZE_ALL in bytes."""
    lines = 'CONFIG_VMMSIZE_ALL=64\nCONFIG_TEST=n\n'
    assert generate(tmp_path, lines)[2]['VMMSIZE_ALL'] == '64'
    header = generate(tmp_path, lines, 'VMMSIZE_ALL=33554432', 'TEST=1')[2]
    assert (header['VMMSIZE_ALL'], header['TEST']) == ('32', '1')
    header = generate(tmp_path, 'CONFIG_TEST=y\n', 'TEST=', 'DEBUG=1')[2]
    assert (header['TEST'], header['DEBUG']) == ('1', '1')
    status, text, _ = generate(tmp_path, lines, 'VMMSIZE_ALL=2097152')
    assert status == 1 and '=2097152: 2 MiB is not a number from 4 to' in text


def test_make_hands_its_switches_on(place, tmp_path):
    """As in `make run TEST=1 VMMSIZE_ALL=...`, with a .config besides."""
    (tmp_path / '.config').write_text('CONFIG_VMMSIZE_ALL=64\n')
    status, text = make('-n', 'all', 'TEST=1', 'VMMSIZE_ALL=33554432',
                        where=stage_dir(HEAP), env=place)
    assert status == 0 and '-DVELLUM_TEST' in text
    header = (tmp_path / f'build/{HEAP}-test/config.h').read_text()
    assert '#define CONFIG_VMMSIZE_ALL 32\n' in header
    assert '#define CONFIG_HEAP_DEBUG 1\n' in header


@pytest.mark.parametrize('goal, message', [
    ('tiy_defconfig', 'did you mean tiny_defconfig? see `make help`'),
    ('menuconfg', 'did you mean menuconfig?'),
    ('savedefconfig NAME=../x', 'NAME=../x: a file in final/configs: '),
    ('menuconfig', 'menuconfig wants a terminal'),
    ('config', 'no more answers'),
])
def test_a_goal_that_cannot_be_is_explained(place, tmp_path, goal, message):
    """And .config is not touched."""
    status, text = make(*goal.split(), env=place)
    assert status == 2 and message in text
    assert 'Traceback' not in text and not (tmp_path / '.config').exists()


@pytest.mark.parametrize('path', sorted((TOP / 'final/configs').iterdir()),
                         ids=lambda path: path.name)
def test_each_configuration_of_ours_becomes_a_config(place, tmp_path, path):
    """Whole, and read again it says the same; the short form is what it was
    made of."""
    status, text = make(f'{path.name}_defconfig', env=place)
    assert status == 0 and 'warning' not in text
    whole = (tmp_path / '.config').read_text()
    assert make('olddefconfig', env=place)[0] == 0
    assert (tmp_path / '.config').read_text() == whole
    status, text, _ = generate(tmp_path, whole)
    assert (status, text) == (0, '')


def test_olddefconfig_drops_what_is_no_option(place, tmp_path):
    """It says so, and keeps the rest."""
    (tmp_path / '.config').write_text('CONFIG_OLD=y\nCONFIG_VGA=n\n')
    status, text = make('olddefconfig', env=place)
    assert status == 0 and 'CONFIG_OLD: no such option; dropped' in text
    text = (tmp_path / '.config').read_text()
    assert 'OLD' not in text and '# CONFIG_VGA is not set\n' in text


def test_config_asks_for_what_is_open(place, tmp_path):
    """An option that .config decides is not asked for again."""
    assert make('default_defconfig', env=place)[0] == 0
    path = tmp_path / '.config'
    path.write_text(path.read_text().replace('CONFIG_VGA=y\n', ''))
    with pexpect.spawn('make', ['config'], cwd=TOP, env=place, timeout=60,
                       encoding='utf-8') as child:
        child.expect(r'text mode \(VGA, defined at .*Kconfig:\d+\) \[n/Y\]')
        child.sendline('?')
        child.expect('80 x 25 characters')
        child.expect(r'\[n/Y\]')
        child.sendline('n')
        child.expect(pexpect.EOF)
    assert '# CONFIG_VGA is not set\n' in path.read_text()


def test_a_lab_has_a_configuration_of_its_own(tmp_path):
    """Its options are its stage's; what is saved gets a goal."""
    where = tmp_path / 'lab'
    lab.lab(PAGING, where, 'none')
    env = environment()
    env.pop('KCONFIG_CONFIG', None)
    (where / '.config').write_text('CONFIG_VGA=n\nCONFIG_SVM=n\n')
    status, text = make('all', where=where, env=env)
    assert status == 2 and '.config:2: CONFIG_SVM: no such option' in text
    assert make('olddefconfig', where=where, env=env)[0] == 0
    assert make('savedefconfig', 'NAME=less', where=where, env=env)[0] == 0
    assert (where / 'configs/less').read_text() == '# CONFIG_VGA is not set\n'
    (where / '.config').unlink()
    assert make('less_defconfig', where=where, env=env)[0] == 0
    assert make('-j2', 'all', where=where, env=env)[0] == 0
    built = command([need('nm', 'binutils'),
                     where / f'build/{PAGING}/vellum.elf'])
    assert 'serial' in built and 'vga' not in built


def test_the_menu_changes_what_is_built_and_booted(place, tmp_path):
    """`make menuconfig` in a terminal: VGA is switched off there. What is
    built then has no line of it, and boots."""
    with pexpect.spawn('make', ['menuconfig'], cwd=TOP, timeout=60, env={
            **place, 'TERM': 'xterm'}, dimensions=(40, 100),
            encoding='utf-8') as child:
        child.expect('Console and panic')
        child.send('/')             # look for a symbol, and go there
        child.expect('Jump to')
        child.send('VGA\r')
        child.expect(r'\[\*\] Log to the screen')
        child.send('nq')
        child.expect('Save configuration')
        child.send('y')
        child.expect(pexpect.EOF)
    assert '# CONFIG_VGA is not set\n' in (tmp_path / '.config').read_text()
    words = ['run', f'STAGE={BOOT}', 'BATCH=1']
    status, text = make(*words, env=place)
    assert status == 0 and 'all that was expected was seen' in text
    image = tmp_path / f'build/{BOOT}/vellum.elf'
    assert '#define CONFIG_VGA 0\n' in image.with_name('config.h').read_text()
    assert 'vga' not in command([need('nm', 'binutils'), image])
    # And back: what is concerned is built anew, nothing else is left over.
    (tmp_path / '.config').write_text('')
    status, text = make(BOOT, env=place)
    assert status == 0 and 'vga.c' in text
    assert 'vga' in command([need('nm', 'binutils'), image])
    assert make(BOOT, env=place) == (0, '')


@pytest.mark.parametrize('goal', ['check', 'fuzz'])
def test_what_is_compared_with_records_has_the_defaults(place, tmp_path, goal):
    """Whatever .config says; a line tells of it."""
    (tmp_path / '.config').write_text('CONFIG_VGA=n\n')
    status, text = make('-n', goal, env=place)
    assert status == 0 and f'make {goal}: builds the defaults' in text


def test_what_the_rules_leave_out_is_there():
    """A name that is misspelt there would leave nothing out."""
    text = (TOP / 'mk/config.mk').read_text().replace('\\\n', ' ')
    named = re.findall(r'^left-out-\$\(CONFIG_(\w+)\) \+?= (.*)$', text, re.M)
    options = '\n'.join(path.read_text()
                        for path in (TOP / 'final').glob('*/Kconfig'))
    assert named
    for option, rest in named:
        assert re.search(rf'^config {option}$', options, re.M)
        prefix = re.search(r'addprefix (\S+),(.*)\)', rest)
        words = [prefix[1] + word for word in prefix[2].split()] if prefix \
            else rest.split()
        for word in words:
            assert list((TOP / 'final').glob(word.replace('%', '*'))), word


@pytest.mark.slow
@pytest.mark.parametrize('off, own, other', [('SVM', 'bochs', 'qemu'),
                                             ('VMX', 'qemu', 'bochs')])
def test_a_build_for_one_vendor_has_nothing_of_the_other(place, tmp_path, off,
                                                         own, other):
    """Not a symbol; it boots a guest on its own machines, and is refused on
    the others before they are started."""
    (tmp_path / '.config').write_text(f'CONFIG_{off}=n\n')
    words = ['run', f'STAGE={VMM}', 'BATCH=1', 'GUEST=first']
    status, text = make(*words, f'EMU={own}', env=place)
    assert status == 0, text
    names = command([need('nm', 'binutils'),
                     tmp_path / f'build/{VMM}/vellum.elf']).lower()
    assert off.lower() not in names and ('vmcs' in names) == (off == 'SVM')
    status, text = make(*words, f'EMU={other}', env=place)
    assert status == 2 and f'EMU={other}: Vellum was built without ' in text


@pytest.mark.slow
def test_what_is_left_out_is_missed_by_its_name(place, tmp_path):
    """A panic offers no shell that is not there; and who asks for the check
    before the start must not get the start instead."""
    (tmp_path / '.config').write_text('CONFIG_SHELL=n\nCONFIG_PREFLIGHT=n\n')
    words = ['run', 'BATCH=1', 'TEST=1', 'GUEST=none', 'TIMEOUT=60']
    status, text = make(*words, 'OPTIONS=fault=ud panic=shell:2', env=place)
    assert status == 2 and 'panic(CPU0): exception 6' in text
    assert 'vellum: reboot? [r]; in 2 s: halt' in text
    status, text = make(*words, 'OPTIONS=check', env=place)
    assert status == 2 and 'launching' not in text
    assert 'vellum: this build has no preflight check; halted' in text
