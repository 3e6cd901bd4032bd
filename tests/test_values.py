"""Wrong values: one sentence, before anything is built, wherever make is
called. What each value may be is in tools/values.py."""
import os
import subprocess

import lab
import pytest
import values
from common import TOP, ToolError, stage_dir
from stage_names import BOOT, HEAP, PAGE, PAGING

BOOT_SECTOR = bytes(510) + b'\x55\xaa'


def make(*words, where=TOP, **environment):
    """Run a Makefile, but no recipe; its status and errors."""
    env = {name: value for name, value in os.environ.items()
           if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL')}
    done = subprocess.run(['make', '-C', where, '-n', *words],
                          env={**env, **environment}, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize('words, message', [
    (['setup', 'nosuch'], 'nosuch: no such goal; see `make help`'),
    (['rnu'], 'rnu: no such goal; did you mean run? see `make help`'),
    (['run', 'OPTION=junk'], 'OPTION: no such variable; did you mean OPTIONS'),
    (['help', 'STAGE=07-none'], f'STAGE=07-none: there are {BOOT}'),
    (['run', 'STAGE=03-budy'], f'STAGE=03-budy: did you mean {PAGE}? there'),
    (['test', 'EMU=kvm'], 'EMU=kvm: no emulator (kvm is for'),
    (['run', 'EMU=xen'], 'EMU=xen: there are qemu, bochs, kvm'),
    (['run', f'STAGE={PAGE}', 'GUEST=linux'],
     f'GUEST=linux: STAGE={PAGE} has no guest yet'),
    (['transcripts', 'NAME=01-boot-boch'], 'did you mean 01-boot-bochs?'),
    (['figures', 'NAME=01-boot-boch'], 'no such figures; '),
    (['test-breakit', 'PATCH=02-no-wp 2-no-wp'],
     'PATCH=2-no-wp: no such patch; did you mean 02-no-wp?'),
    (['fuzz', 'TARGET=page-fuz'], 'did you mean page-fuzz?'),
    (['book', 'CHAPTER=02-pagin'], f'did you mean {PAGING}?'),
    (['diff', f'FROM={BOOT}', 'TO=02-page'], 'TO=02-page: did you mean '),
    (['lab', f'STAGE={PAGING}', 'EXERCISE=01-memmap', 'DIR=/no/such'],
     f'no such exercise for STAGE={PAGING}; '),
    (['grade', 'DIR=/no/such'], 'DIR=/no/such: no such directory or archive'),
    (['check', 'CHECK=liks'], 'no such check; did you mean links? there are '),
    (['soak', 'N=x'], 'N=x: not a number from 1 on'),
    (['soak', 'WAYS=kbd kdunp'], 'no such way to reset; did you mean kdump? '),
    (['soak', 'WAYS=kbd', 'CPUS=2'], 'WAYS=kbd: on machines that have'),
    (['all', 'CC=no-such-compiler'], 'CC=no-such-compiler: no such program'),
])
def test_make_names_what_it_does_not_know(words, message):
    """Nothing is taken for "all", nor silently left out. One line."""
    status, errors = make(*words)
    assert (status, errors.count('\n')) == (2, 1)
    assert message in errors


@pytest.mark.parametrize('where, words', [
    (TOP, ['run', f'STAGE={PAGE}']), (stage_dir(PAGE), ['run']),
    (stage_dir(PAGE), ['all'])])
@pytest.mark.parametrize('value, message', [
    ('MM_FAIL_AT=08', 'not a number from 0 on'), ('CPUS=1000', 'to 255'),
    ('TEST=2', '1 or nothing'), ('BATCH=0', '1 or nothing'),
    ('BACTH=1', 'did you mean BATCH?'), ("EMU_ARGS='-x", 'no closing'),
    ('GUEST=linux', 'no guest yet')])
def test_make_refuses_the_same_in_a_stage(where, words, value, message):
    """By a stage's own Makefile, which is a lab's, as by the one on top."""
    status, errors = make(*words, value, where=where)
    assert (status, errors.count('\n')) == (2, 1)
    assert value.partition('=')[0] in errors and message in errors


def test_a_lab_takes_its_own_stage_and_no_other(tmp_path):
    """The folders say which it is; another name would build into the place of
    another."""
    lab.lab(PAGING, tmp_path / 'lab', 'none')
    assert make('run', where=tmp_path / 'lab')[0] == 0
    assert make('run', f'STAGE={PAGING}', where=tmp_path / 'lab')[0] == 0
    status, errors = make('run', f'STAGE={PAGE}', where=tmp_path / 'lab')
    assert status == 2 and f'STAGE={PAGE}: there are {PAGING}' in errors


def test_make_takes_values_with_spaces_quotes_and_equals_signs():
    """They are words for Linux, for Vellum, or for the emulator."""
    assert make('run', 'CMDLINE=a=1 foo="2 \' 3"', 'EMU_ARGS=-d int -D "a b"',
                'OPTIONS=console=com2 hypercall') == (0, '')
    assert make('check', 'CHECK=links columns') == (0, '')
    for value in ('', '0', '10', '1099511627776'):
        assert make('help', f'MM_FAIL_AT={value}') == (0, '')


def test_the_environment_gives_settings_but_no_common_words():
    """NAME is the computer's in WSL, TIME a format for time(1)."""
    assert make('figures', NAME='my-pc', TIME='%e') == (0, '')
    status, errors = make('run', CPUS='x')
    assert status == 2 and 'CPUS=x: not a number' in errors


@pytest.mark.parametrize('given, message', [
    ({'CPUS': 'two'}, 'CPUS=two: not a number from 1 to 255'),
    ({'CPUS': '16', 'EMU': 'bochs'}, 'CPUS=16: .* from 1 to 15'),
    ({'MEM': '0M'}, 'MEM=0M: not a size such as'),
    ({'MEM': '3G', 'EMU': 'bochs'}, 'up to 2048M'),
    ({'TIMEOUT': '0'}, 'TIMEOUT=0: not a number from 1'),
    ({'TIME': '-1'}, 'TIME=-1: not a number'),
    ({'SEED': '1' * 10}, 'not a number from 0 to 999999999'),
    ({'VMMSIZE_ALL': '2G'}, 'not a number'),
    ({'NATIVE': '1', 'TEST': '1'}, 'does not run with NATIVE=1'),
    ({'NATIVE': '1', 'OPTIONS': 'check'}, 'does not run with NATIVE=1'),
    ({'CONF': '/no/such/file'}, 'no such file'),
    ({'CONF': '/tmp'}, 'that is a directory'),
    ({'CONF': '/dev/null', 'STAGE': '06-smp'}, 'that comes with final'),
    ({'NATIVE': '1', 'GUEST': 'none', 'KERNEL': 'x'}, 'with GUEST=linux'),
    ({'STAGE': PAGE, 'CMDLINE': 'quiet'}, 'has no guest yet'),
    ({'STAGE': PAGE, 'NET': '1'}, 'no network: that comes with final'),
    ({'NATIVE': '1', 'NET': '1'}, 'does not run with NATIVE=1'),
    ({'NET': 'on'}, 'NET=on: 1 or nothing'),
    ({'LOG': 'syslog'}, 'LOG=syslog: goes with NET=1'),
    ({'NET': '1', 'LOG': 'sylog'}, r'did you mean syslog\?'),
    ({'NET': '1', 'EMU': 'bochs', 'NIC': 'e1000e'}, 'there are e1000$'),
    ({'GUEST': 'demo', 'FIRMWARE': 'uefi'}, 'a guest for a BIOS'),
    ({'STAGE': PAGE, 'FIRMWARE': 'uefi'},
     f'FIRMWARE=uefi: STAGE={PAGE} is a program for a BIOS; '),
    ({'GUEST': 'lunix'}, 'no such file; did you mean linux?'),
    ({'GUEST': 'fisrt'}, 'no such file; did you mean first?'),
    ({'STAGE': HEAP, 'GUEST': 'hole'}, 'no guest yet'),
    ({'GUEST': 'hole', 'FIRMWARE': 'uefi'}, 'a guest for a BIOS'),
    ({'STAGE': HEAP, 'TEST_FOLDERS': 'page hepa'},
     'TEST_FOLDERS=hepa: no such folder; did you mean heap?'),
    ({'GUEST': '/no/such.img'}, '/no/such.img: no such file'),
])
def test_values_that_do_not_go_together_are_refused(given, message):
    """The sentence begins with the one that is wrong."""
    with pytest.raises(ToolError, match=message):
        values.check(given, ['run'])


@pytest.mark.parametrize('name, content, given, message', [
    ('d.img', None, {}, 'that is a directory'),
    ('d.img', b'just text\n', {}, 'not an image that boots'),
    ('d.img', BOOT_SECTOR, {}, None),
    ('d.img', b'QFI\xfb' + bytes(508), {}, 'their names end in .qcow2'),
    ('d.qcow2', b'QFI\xfb' + bytes(508), {}, None),
    ('d.qcow2', b'QFI\xfb' + bytes(508), {'EMU': 'bochs'}, 'for QEMU'),
    ('d.qcow2', BOOT_SECTOR, {}, 'not an image that boots'),
    ('d.iso', bytes(40000), {}, 'not the image of a CD'),
    ('d.iso', bytes(32769) + b'CD001' + bytes(2048), {}, None),
])
def test_a_guest_that_is_no_image_is_refused(tmp_path, name, content, given,
                                             message):
    """A text file, an unknown format, a name that says something else."""
    judge(tmp_path / name, content, 'GUEST', given, message)


def judge(path, content, name, given, message):
    """Check a value that is a file (None: a directory), for the sentence."""
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    given = {name: str(path), **given}
    if message:
        with pytest.raises(ToolError, match=message):
            values.check(given, ['run'])
    else:
        values.check(given, ['run'])


def bzimage(start=b'MZ'):
    """The start of a kernel, as the boot protocol has it."""
    return start.ljust(0x1fe, b'\0') + b'\x55\xaa' + bytes(2) + b'HdrS' + \
        bytes(600)


@pytest.mark.parametrize('name, content, given, message', [
    ('KERNEL', None, {}, 'that is a directory'),
    ('KERNEL', b'text\n' * 300, {}, 'not a Linux kernel for x86'),
    ('KERNEL', b'\x7fELF' + bytes(2000), {}, 'a bzImage, such as'),
    ('KERNEL', bzimage(), {'FIRMWARE': 'uefi'}, None),
    ('KERNEL', bzimage(b''), {}, None),
    ('KERNEL', bzimage(b''), {'FIRMWARE': 'uefi'}, 'CONFIG_EFI_STUB'),
    ('INITRD', b'text\n' * 300, {}, 'not an initramfs'),
    ('INITRD', b'070701000', {}, None),
    ('INITRD', b'\x1f\x8b\x08\x00', {}, None),
    ('INITRD', b'', {}, 'not an initramfs'),
])
def test_what_is_no_kernel_is_refused(tmp_path, name, content, given, message):
    """At once, and not after the whole time-out."""
    judge(tmp_path / 'file', content, name, given, message)


def test_tools_ask_as_well():
    """Whoever starts one without make gets the same sentence, and no
    traceback."""
    for words in (['run.py', 'STAGE=99-none'], ['run.py', 'CPUS=two'],
                  ['run.py', 'COLOUR=red'], ['fuzz.py', 'TIME=soon'],
                  ['soak.py', 'x'], ['soak.py', '1', 'x'],
                  ['breakit.py', 'no'], ['transcripts.py', 'no'],
                  ['diff.py', BOOT, 'no'],
                  ['lab.py', BOOT, '/dev/null/lab']):
        done = subprocess.run(
            ['/usr/bin/python3', TOP / 'tools' / words[0], *words[1:]],
            stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and 'Traceback' not in done.stderr
        assert done.stderr.startswith('error: '), words
