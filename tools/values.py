"""Every value that make and the tools take: what it may be, and the sentence
that says so when it is something else.

make asks here before it builds anything (mk/values.mk), in the repository, in
a stage's directory and in a lab; tools that are started without make ask here
again. Names are looked up in the tree, so there is no second list of them.

  values.py [--stage NAME] [GOAL...] [NAME=VALUE...]
  values.py --nearest NAME THERE...

The settings of make run may be in the environment, too. --stage names the only
stage that there is, in its own directory and in a lab.
"""
import difflib
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import kvm
from common import TOP, ToolError, stage_dir, stages

EMULATORS = ('qemu', 'bochs')
# For `make run` only: what the tests expect is known of the emulators.
MACHINES = (*EMULATORS, 'kvm')
FIRMWARE = ('bios', 'uefi')
# More CPUs than these the emulators refuse, or fail with.
MOST_CPUS = {'qemu': 255, 'bochs': 15, 'kvm': 255}
BOCHS_MEM = 2048        # MiB
# Network cards that Vellum drives, and the ways of its log over them.
CARDS = {'qemu': ('e1000', 'e1000e'), 'kvm': ('e1000', 'e1000e'),
         'bochs': ('e1000',)}
LOGS = ('udp', 'syslog')
# The settings of run.py (make run), and what they are when not given.
RUN_DEFAULTS = {
    'STAGE': 'final', 'EMU': 'qemu', 'FIRMWARE': 'bios', 'CPUS': '1',
    'MEM': '512M', 'GUEST': '', 'KERNEL': '', 'INITRD': '', 'CMDLINE': '',
    'OPTIONS': '', 'CONF': '', 'EMU_ARGS': '', 'TIMEOUT': '', 'BATCH': '',
    'TEST': '', 'DEBUG': '', 'NATIVE': '', 'NET': '', 'NIC': '', 'LOG': '',
    'VMMSIZE_ALL': str(128 << 20),
}
# What make builds into the image that is booted, beside TEST and VMMSIZE_ALL.
BUILT_IN = ('MM_FAIL_AT',)

SECTOR = 512
# How an initramfs begins: a cpio archive, or one that Linux can unpack.
INITRAMFS = (b'070701', b'070702', b'\x1f\x8b', b'\xfd7zXZ', b'BZh',
             b'\x28\xb5\x2f\xfd', b'\x02\x21\x4c\x18', b'\x5d\0\0', b'\x89LZO')


def refuse(name, value, why):
    """Raise the error that explains why a value is none."""
    raise ToolError(f'{name}={value}: {why}')


def nearest(value, there):
    """The question whether another name was meant, or nothing."""
    near = difflib.get_close_matches(value, there, 1)
    return f'did you mean {near[0]}? ' if near else ''


def one_of(name, value, there, what=''):
    """The value, which must be among the names that are there."""
    there = list(there)
    if value not in there:
        what = f'no {what}; ' if what else ''
        refuse(name, value,
               f'{what}{nearest(value, there)}there are {", ".join(there)}')
    return value


def number(name, value, low=0, high=(1 << 63) - 1, unit=''):
    """The number that a value is. Make hands some to the compiler as they
    are, where a 0 in front would make them octal."""
    if not re.fullmatch(r'0|[1-9]\d*', value, re.ASCII) \
            or not low <= int(value) <= high:
        limits = f'from {low} to {high}' if high < 1 << 62 else \
            f'from {low} on'
        refuse(name, value, f'not a number {limits}{unit}')
    return int(value)


def megabytes(mem, emu=''):
    """A memory size such as 512M or 1G (MiB without a letter) in MiB."""
    found = re.fullmatch(r'(\d+)([MG]?)', mem, re.IGNORECASE | re.ASCII)
    size = int(found[1]) * (1024 if found[2] in ('G', 'g') else 1) \
        if found else 0
    if not size:
        refuse('MEM', mem, 'not a size such as 512M or 1G')
    if emu == 'bochs' and size > BOCHS_MEM:
        refuse('MEM', mem, f'EMU=bochs can have up to {BOCHS_MEM}M')
    return size


def file_start(name, value, size):
    """The first bytes of a file that a value names."""
    path = Path(value)
    if path.is_dir():
        refuse(name, value, 'that is a directory, not a file')
    if not path.exists():
        refuse(name, value, 'no such file')
    try:
        with open(path, 'rb') as file:
            return file.read(size)
    except OSError as error:
        return refuse(name, value, error.strerror)


# --- what each may be: functions of its name, its value and all values

def _stage(name, value, chosen):
    there = [chosen['own']] if chosen['own'] else stages()
    if there:       # none in a lab, whose stage only make knows
        one_of(name, value, there)


def _emulator(name, value, chosen):
    if 'run' not in chosen['goals']:
        one_of(name, value, EMULATORS, 'emulator (kvm is for `make run`)')
    one_of(name, value, MACHINES)
    reason = kvm.refusal() if value == 'kvm' else None
    if reason:
        refuse(name, value, reason)


def has_uefi(stage):
    """Is there a vellum.efi of this stage?"""
    return (stage_dir(stage) / 'efi').is_dir()


def _firmware(name, value, chosen):
    one_of(name, value, FIRMWARE)
    stage = chosen['STAGE'] or stages()[-1]
    if value == 'uefi' and not chosen['NATIVE'] and not has_uefi(stage):
        refuse(name, value, f'STAGE={stage} is a program for a BIOS; UEFI '
               'comes with final')


def _cpus(name, value, chosen):
    emu = chosen['EMU']
    number(name, value, 1, MOST_CPUS[emu], f', as many as EMU={emu} can have')


def _mem(_, value, chosen):
    megabytes(value, chosen['EMU'])


def _switch(name, value, _):
    if value != '1':
        refuse(name, value, '1 or nothing')


def _number(low, high=(1 << 63) - 1, unit=''):
    return lambda name, value, _: number(name, value, low, high, unit)


def brought_by(there, what):
    """Which stage is the first to have what there(stage) tells."""
    first = next(filter(there, stages()), 'a later stage')
    return f'{what}: that comes with {first}'


def has_guest(stage):
    """Does this stage launch a guest?"""
    return (stage_dir(stage) / 'guest').is_dir()


def demos(stage):
    """The names of the bare-metal guests that a stage builds for people."""
    return sorted(path.stem for path in
                  (stage_dir(stage) / 'guest/test/demo').glob('*.c'))


def _guest(name, value, chosen):
    stage = chosen['STAGE']
    if not has_guest(stage) and not chosen['NATIVE'] and value != 'none':
        refuse(name, value, brought_by(
            has_guest, f'STAGE={stage} has no guest yet'))
    if value in demos(stage):
        if chosen['FIRMWARE'] == 'uefi':
            refuse(name, value, 'a guest for a BIOS; with FIRMWARE=uefi there '
                   'is GUEST=linux')
    elif value not in ('linux', 'none'):
        _image(name, value, chosen)


def _image(name, value, chosen):
    """A disk that has a boot sector, or a CD."""
    if not Path(value).exists() and '/' not in value and '.' not in value:
        there = ('linux', *demos(chosen['STAGE']), 'none', 'FILE.img',
                 'FILE.iso')
        one_of(name, value, there, 'such file')
    start = file_start(name, value, 17 * 2048)
    kind = Path(value).suffix.lower()
    if start[:4] == b'QFI\xfb':
        if kind != '.qcow2' or chosen['EMU'] == 'bochs':
            refuse(name, value, 'a qcow2 image: those are for QEMU, and their '
                   'names end in .qcow2')
    elif kind == '.iso':
        if start[16 * 2048 + 1:][:5] != b'CD001':
            refuse(name, value, 'not the image of a CD')
    elif kind == '.qcow2' or start[SECTOR - 2:SECTOR] != b'\x55\xaa':
        refuse(name, value, 'not an image that boots: the first 512 bytes of '
               'a disk end in 55 aa (qemu-img convert -O raw makes a raw image '
               'of others)')
    if kind != '.iso' and not os.access(value, os.W_OK):
        refuse(name, value, 'cannot be written, and the guest writes to its '
               'disk')


def _linux_only(name, value, chosen):
    """KERNEL, INITRD and CMDLINE are those of the Linux guest."""
    if not has_guest(chosen['STAGE']) and not chosen['NATIVE']:
        refuse(name, value, brought_by(
            has_guest, f'STAGE={chosen["STAGE"]} has no guest yet'))
    if chosen['GUEST'] not in ('', 'linux'):
        refuse(name, value, 'goes with GUEST=linux, not with '
               f'GUEST={chosen["GUEST"]}')


def _kernel(name, value, chosen):
    _linux_only(name, value, chosen)
    start = file_start(name, value, 2 * SECTOR)
    # Linux, Documentation/arch/x86/boot.rst: where a bzImage has its header.
    if start[0x202:0x206] != b'HdrS':
        refuse(name, value, 'not a Linux kernel for x86 (a bzImage, such as '
               '/boot/vmlinuz-*)')
    if chosen['FIRMWARE'] == 'uefi' and start[:2] != b'MZ':
        refuse(name, value, 'a kernel without CONFIG_EFI_STUB: no EFI program')


def _initrd(name, value, chosen):
    _linux_only(name, value, chosen)
    if not file_start(name, value, 8).startswith(INITRAMFS):
        refuse(name, value, 'not an initramfs (a cpio archive, as it is or '
               'compressed)')


def _words(name, value, _):
    try:
        shlex.split(value)
    except ValueError as error:
        refuse(name, value, f'{error}'.lower())


def _options(name, value, chosen):
    if chosen['NATIVE']:
        refuse(name, value, 'words for Vellum, which does not run with '
               'NATIVE=1')


def has_conf(stage):
    """Does this stage read vellum.conf?"""
    return (stage_dir(stage) / 'settings').is_dir()


def _conf(name, value, chosen):
    _options(name, value, chosen)
    file_start(name, value, 1)
    if not has_conf(chosen['STAGE']):
        refuse(name, value, brought_by(
            has_conf, f'STAGE={chosen["STAGE"]} reads no vellum.conf'))


def _test(name, value, chosen):
    _switch(name, value, chosen)
    _options(name, value, chosen)


def has_network(stage):
    """Can this stage send its log over a network?"""
    return (stage_dir(stage) / 'net').is_dir()


def _net(name, value, chosen):
    _test(name, value, chosen)
    if not has_network(chosen['STAGE']):
        refuse(name, value, brought_by(
            has_network, f'STAGE={chosen["STAGE"]} has no network'))


def _network(there):
    def judge(name, value, chosen):
        if not chosen['NET']:
            refuse(name, value, 'goes with NET=1')
        one_of(name, value, there(chosen))
    return judge


def _program(name, value, _):
    if value.split() and not shutil.which(value.split()[0]):
        refuse(name, value, 'no such program')


def _stems(pattern):
    """Names of the files that match, without their suffix."""
    return sorted(path.stem for path in TOP.glob(pattern))


def _patch(name, value, _):
    for word in value.split():
        one_of(name, word, _stems('book/breakit/*.patch'), 'such patch')


def _chapter(name, value, _):
    one_of(name, Path(value).stem,
           [stem for stem in _stems('book/*.md') if stem != 'README'],
           'such chapter')


def _exercise(name, value, chosen):
    if 'grade' in chosen['goals']:
        one_of(name, value, [path.parent.name for path in sorted(
            TOP.glob('book/labs/*/lab.txt'))], 'such exercise')
        return
    there = [path.parent.name for path in sorted(
        TOP.glob('book/labs/*/lab.txt')) if re.search(
            rf'^Stage: *{re.escape(chosen["STAGE"])}$', path.read_text(),
            re.MULTILINE)]
    one_of(name, value, [*there, 'none'],
           f'such exercise for STAGE={chosen["STAGE"]}')


def _target(name, value, _):
    there = {word for path in TOP.glob('final/*/test/fuzz.mk') for line in
             re.findall(r'^FUZZ_TARGETS \+= (.*)', path.read_text(), re.M)
             for word in line.split()}
    for word in value.split():
        one_of(name, word, sorted(there), 'such fuzz target')


def _name(name, value, chosen):
    there = []
    if 'savedefconfig' in chosen['goals'] \
            and not re.fullmatch(r'[\w-]+', value):
        refuse(name, value, 'a file in final/configs: letters, digits, - and _')
    if 'figures' in chosen['goals']:
        there += _stems('book/figures/*-memory.svg')
    if 'transcripts' in chosen['goals']:
        there += re.findall(r'^\[(.+)\]$', (
            TOP / 'book/transcripts/list.ini').read_text(), re.MULTILINE)
    for word in value.split() if there else ():
        one_of(name, word, there, f'such {" or ".join(chosen["goals"])}')


def _folder(name, value, chosen):
    path = Path(value).expanduser()
    if 'grade' in chosen['goals'] and not path.exists():
        refuse(name, value, 'no such directory or archive')
    if 'lab' in chosen['goals'] and path.exists():
        refuse(name, value, 'is there already')


def _test_folders(name, value, chosen):
    there = [path.name for path in stage_dir(chosen['STAGE']).iterdir()
             if path.is_dir()]
    for word in value.split():
        one_of(name, word, sorted(there), 'such folder')


def _ways(name, value, chosen):
    # Not imported: that wants packages which may not be there yet.
    there = re.findall(r"""^    '(\w+)': ['"]""", (
        TOP / 'tools/reboot.py').read_text(), re.MULTILINE)
    for word in value.split():
        one_of(name, word, there, 'such way to reset')
    if chosen['CPUS'] != RUN_DEFAULTS['CPUS']:
        refuse(name, value, 'on machines that have all features, and 4 CPUs')


def _check(name, value, _):
    # Not imported: it wants packages that may not be there before `make setup`.
    there = re.findall(r"'(\w+)': check_",
                       (TOP / 'tools' / 'check.py').read_text())
    for word in value.split():
        one_of(name, word, there, 'such check')


def _any(*_):
    """Text that is passed on, or that is checked where it is used."""


CHECKS = {
    'STAGE': _stage, 'EMU': _emulator, 'FIRMWARE': _firmware, 'CPUS': _cpus,
    'MEM': _mem, 'NATIVE': _switch, 'GUEST': _guest, 'KERNEL': _kernel,
    'INITRD': _initrd, 'CMDLINE': _linux_only, 'OPTIONS': _options,
    'CONF': _conf,
    'NET': _net, 'NIC': _network(lambda chosen: CARDS[chosen['EMU']]),
    'LOG': _network(lambda _: LOGS),
    'EMU_ARGS': _words, 'TIMEOUT': _number(1, 10 ** 6, ' (seconds)'),
    'BATCH': _switch, 'TEST': _test, 'DEBUG': _switch, 'GDB_ARGS': _words,
    'SWEEP': _switch, 'WERROR': _switch,
    'MM_FAIL_AT': _number(0),
    'VMMSIZE_ALL': _number(4 << 20, 1 << 30, ' (bytes)'),
    'N': _number(1), 'SEED': _number(0, 10 ** 9 - 1), 'OPS': _number(0),
    'TIME': _number(1, 10 ** 6, ' (seconds)'), 'PATCH': _patch,
    'EXERCISE': _exercise, 'CHAPTER': _chapter, 'NAME': _name,
    'CHECK': _check, 'WAYS': _ways, 'TARGET': _target, 'FROM': _stage,
    'TO': _stage, 'DIR': _folder,
    'CC': _program, 'HOST_CC': _program, 'FUZZ_CC': _program,
    'PYTHON': _program, 'PYTEST': _words, 'BUILD_ROOT': _any,
    'TEST_FOLDERS': _test_folders, 'TESTS': _any, 'ONLY': _any,
    'FUZZ_TARGETS': _any, 'ALL': _switch, 'KCONFIG_CONFIG': _any,
}


def check(given, goals=(), own=None):
    """Refuse the first wrong one of the values, NAME -> text; empty ones are
    not given. What one may be can depend on others, and on the goals. own is
    the only stage, where there is but one."""
    given = {name: value for name, value in given.items() if value}
    for name in given:
        if name not in CHECKS:
            raise ToolError(f'{name}: no such variable; '
                            f'{nearest(name.upper(), CHECKS)}'
                            f'there are {", ".join(CHECKS)}')
    chosen = {**dict.fromkeys(CHECKS, ''), **RUN_DEFAULTS, 'own': own,
              'goals': goals, **({'STAGE': own} if own else {}), **given}
    for name, judge in CHECKS.items():
        if name in given:
            judge(name, given[name], chosen)


def environment(names=(*RUN_DEFAULTS, *BUILT_IN)):
    """What the environment sets of these; as it is, for make run. Other
    programs have a LOG, too."""
    given = {name: os.environ[name] for name in names if os.environ.get(name)}
    return {name: value for name, value in given.items()
            if 'NET' in given or name not in ('NIC', 'LOG')}


def settings(argv, given, defaults, goals=()):
    """The values of NAME=VALUE arguments, of what is given else, and of the
    defaults, where the names are."""
    for word in argv:
        name, equals, value = word.partition('=')
        if not equals or name not in defaults:
            raise ToolError(f'{word}: not a setting; there are '
                            + ', '.join(defaults))
        if value:
            given = {**given, name: value}
    check(given, goals)
    return {**defaults, **given}


def start(argv):
    """Print what is wrong; the exit status."""
    own, words = None, list(argv)
    if words[:1] == ['--nearest']:
        print(nearest(words[1], words[2:]).rstrip())
        return 0
    if words[:1] == ['--stage']:
        own, words = words[1], words[2:]
    given = environment()
    if own:
        given.pop('STAGE', None)    # the directory says which it is
    given.update(word.split('=', 1) for word in words if '=' in word)
    try:
        check(given, [word for word in words if '=' not in word], own)
    except ToolError as error:
        print(error)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(start(sys.argv[1:]))
