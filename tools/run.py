"""`make run`: boots a stage in an emulator.

Settings are NAME=VALUE, as arguments or in the environment:

  STAGE=NN-name|final     which program (default final)
  EMU=qemu|bochs|kvm      emulated SVM, emulated VMX, this computer's own
  FIRMWARE=bios|uefi  CPUS=1  MEM=512M
  GUEST=linux             the Linux demo (default of final)
        demo              a bare-metal guest (default of 05-vmx-ept); others
                          are first, hole, filters, and attack, which
                          wants to get past Vellum; for a BIOS only
        none              no disk at all
        FILE.img|FILE.iso any disk or CD image; a disk is written to
  KERNEL= INITRD= CMDLINE=  replace those of the Linux demo
  OPTIONS=                more words for Vellum's command line
  CONF=FILE               settings for Vellum, its vellum.conf
  EMU_ARGS=               passed to the emulator as they are (Bochs: each is a
                          line for bochsrc; whole paths)
  TIMEOUT=                limit of the run in seconds
  BATCH=1                 no input; status 0 only if all was seen
  TEST=1                  the build with self-tests
  DEBUG=1                 the build for debuggers (-Og)
  NET=1                   a network card, over which Vellum sends its log to
                          this computer; what arrived is shown at the end
  LOG=udp|syslog          as packets of text, or to an rsyslogd
  NIC=e1000|e1000e        which card (Bochs has e1000 alone)
  NATIVE=1                the guest on the bare machine, without Vellum
"""
import shlex
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import expectations
import linux_guest
import network
import values
from common import (BUILD, ToolError, built_with, image, main, need_file,
                    stage_dir)
from emulator import Machine
from values import demos, has_guest
from values import RUN_DEFAULTS as DEFAULTS

BATCH_LIMIT = {'qemu': 240, 'bochs': 600, 'kvm': 240}


def read_settings(argv):
    """Settings from the environment, overridden by the arguments."""
    if {'-h', '--help'} & set(argv):
        print(__doc__)
        sys.exit(0)
    chosen = values.settings(argv, values.environment(), DEFAULTS, ['run'])
    for name in ('BATCH', 'TEST', 'DEBUG', 'NATIVE', 'NET'):
        chosen[name] = chosen[name] == '1'
    chosen['LOG'] = chosen['LOG'] or 'udp'
    for name in ('CPUS', 'TIMEOUT'):
        chosen[name] = int(chosen[name] or '0')
    return chosen


def image_of(chosen):
    """Vellum's image for the stage; None when the guest runs natively."""
    stage = chosen['STAGE']
    if chosen['NATIVE']:
        return None
    return image(stage + '-test' * chosen['TEST'] + '-debug' * chosen['DEBUG'])


def kernel_words(chosen):
    """More words for Linux: CMDLINE, and `nosmp` where Vellum has one CPU."""
    words = chosen['CMDLINE']
    if chosen['CPUS'] > 1 and not chosen['NATIVE'] \
            and not (stage_dir(chosen['STAGE']) / 'smp').is_dir():
        print('run: Vellum is on one CPU only, so Linux is told nosmp')
        words = f'{words} nosmp'.strip()
    return words


def kind_of(chosen):
    """Kind of guest: linux, demo, image or none."""
    stage, guest = chosen['STAGE'], chosen['GUEST']
    own = any(chosen[name] for name in ('KERNEL', 'INITRD', 'CMDLINE'))
    if not has_guest(stage) and not chosen['NATIVE']:
        return 'none'
    if not guest:
        small = (stage != 'final' and demos(stage) and not own
                 and chosen['FIRMWARE'] == 'bios')
        return 'demo' if small else 'linux'
    if guest in demos(stage):
        return 'demo'
    return guest if guest in ('linux', 'none') else 'image'


def guest_of(chosen):
    """Kind of guest, and its disk or CD."""
    kind, stage, path = kind_of(chosen), chosen['STAGE'], None
    if kind == 'linux':
        path = linux_guest.build(
            chosen['BATCH'], chosen['KERNEL'], chosen['INITRD'],
            kernel_words(chosen), chosen['FIRMWARE'])
    elif kind == 'demo':
        name = chosen['GUEST'] or 'demo'
        path = need_file(BUILD / stage / 'guest' / f'{name}.img',
                         f'GUEST={name} is not built (make does it)')
    elif kind == 'image':
        path = Path(chosen['GUEST']).resolve()
    return kind, path


def repeat_command(argv):
    """The make command that does this run again."""
    chosen = values.environment()
    chosen.update(word.split('=', 1) for word in argv)
    return ' '.join(['make run', *(f'{name}={shlex.quote(value)}'
                                   for name, value in chosen.items())])


# A device for the guest that attacks: it copies memory as it is told.
COPIER = ['-device', 'edu,dma_mask=0xffffffff']


def machine_settings(chosen, kind, path, argv):
    """Arguments for Machine."""
    options = []
    attacks = chosen['GUEST'] == 'attack' and not chosen['NATIVE']
    is_cd = kind == 'image' and path.suffix.lower() == '.iso'
    if has_guest(chosen['STAGE']) and chosen['FIRMWARE'] == 'bios':
        options.append('boot=0xe0' if is_cd else 'boot=0x80')
    if kind in ('linux', 'demo'):
        options.append('hypercall')
    options.append(chosen['OPTIONS'])
    batch, emu = chosen['BATCH'], chosen['EMU']
    return {
        'emu': emu, 'firmware': chosen['FIRMWARE'], 'mem': chosen['MEM'],
        'cpus': chosen['CPUS'],
        'nic': chosen['NET'] and (chosen['NIC'] or 'e1000') or None,
        'cmdline': ' '.join(filter(None, options)),
        'disk': None if is_cd else path, 'cdrom': path if is_cd else None,
        'conf': Path(chosen['CONF']) if chosen['CONF'] else None,
        'writable': kind == 'image', 'reboot': not batch,
        'extra_args': shlex.split(chosen['EMU_ARGS'])
        + COPIER * (attacks and emu != 'bochs'),
        'debugger': batch and attacks,
        'interactive': not batch, 'echo': batch,
        'limit': chosen['TIMEOUT'] or
        (BATCH_LIMIT.get(emu, 60) if batch else None),
        'repeat': repeat_command(argv),
    }


@contextmanager
def listening(chosen):
    """NET=1: who hears the log, or None; Vellum is told where to send it.
    What arrived is shown in the end."""
    if not chosen['NET']:
        yield None
        return
    with network.Receiver(chosen['LOG']) as ear:
        chosen['OPTIONS'] = f'{ear.words} {chosen["OPTIONS"]}'.strip()
        print(f'(the log over the network: {ear.path})', flush=True)
        try:
            yield ear
        finally:
            print(f'\n--- arrived over the network ({ear.path}):\n'
                  + ear.text(), flush=True)


def need_options(chosen, built):
    """A ToolError when the run wants what was left out of the image. (What a
    machine wants is refused by settings.py.)"""
    for name, wanted, why in (
            ('NET', chosen['NET'], 'NET=1 wants a log over the network'),
            ('NET_E1000', chosen['NET'], 'NET=1 has a card of that family'),
            (f'NET_LOG_{chosen["LOG"].upper()}', chosen['NET'],
             f'LOG={chosen["LOG"]} wants that way out'),
            ('SERIAL', chosen['BATCH'], 'BATCH=1 reads the serial port')):
        if wanted and built.get(name) == '':
            raise ToolError(f'{why}, and CONFIG_{name} is off in .config '
                            '(`make menuconfig`; KCONFIG_CONFIG=/dev/null '
                            'builds all defaults)')


def judge(machine, chosen, kind, built):
    """BATCH=1: watch the run; a list of what was missing."""
    stage, native = chosen['STAGE'], chosen['NATIVE']
    off = {name for name, value in built.items() if not value}
    if not native:
        expectations.banner(machine, stage)
    if kind == 'linux' and not chosen['INITRD']:
        size = int(built.get('VMMSIZE_ALL', 0)) << 20
        missing = expectations.linux_demo(machine, native, size, off)
    elif kind in ('linux', 'image'):
        missing = expectations.powers_off(machine, native)
    elif kind == 'demo':
        missing = expectations.bare_metal(machine, native, stage,
                                          chosen['GUEST'])
    elif has_guest(stage):
        missing = expectations.launch_only(machine, stage)
    else:
        missing = expectations.no_guest(machine, stage)
    if built.get('TEST'):
        missing += expectations.selftests(machine.serial, stage, off)
    return missing


def fetch(argv):
    """Fetch what the guest will be made of: before anything is built."""
    chosen = read_settings(argv)
    if kind_of(chosen) == 'linux':
        linux_guest.fetch(chosen['KERNEL'], chosen['INITRD'])
    return 0


def run(argv):
    """Boot what the settings say; the exit status."""
    if argv[:1] == ['--fetch']:
        return fetch(argv[1:])
    chosen = read_settings(argv)
    vellum = image_of(chosen)
    built = built_with(vellum) if vellum else {}
    need_options(chosen, built)
    kind, path = guest_of(chosen)
    start = time.monotonic()
    with listening(chosen) as ear, Machine(vellum, **machine_settings(
            chosen, kind, path, argv)) as machine:
        if not chosen['BATCH']:
            print('(Ctrl-A x leaves the emulator)', flush=True)
            machine.interact()
            return 0
        missing = judge(machine, chosen, kind, built)
        missing += ear.faults(machine.serial) if ear else []
        if missing:
            machine.fail('not seen: ' + '; '.join(missing))
    print(f'\nrun: all that was expected was seen '
          f'({time.monotonic() - start:.1f} s; {machine.dir})')
    return 0


if __name__ == '__main__':
    main(lambda: run(sys.argv[1:]))
