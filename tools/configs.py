"""Vellum as it can be configured: what is built by which options, and boots.

  configs.py size           what each option costs, in bytes of image, and in
                            pages of memory when a guest would start
  configs.py test-configs   builds tiny, default, debug, each option turned
                            round alone, and ten configurations by chance
                            (SEED=n); boots Linux under some of them

ccache compiles: most files are the same for most configurations.
"""
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import expectations
import kconfig
import linux_guest
from common import (BUILD, ToolError, built_with, main, make_environment,
                    need)
from elf import Elf
from emulator import Machine

ROOT = BUILD / 'configs'
BUILT = ROOT / 'final'
RANDOM = 10                     # configurations by chance
BOOTED = 3                      # of them
LOG_SIZES = [1 << i for i in range(2, 11)]      # KiB
RANGES = (16, 32, 64, 128, 256)                 # MiB
VIRTUAL = 0x40000000            # of the image
TINY_IMAGE, TINY_RANGE = 100 << 10, 16          # bytes; MiB


def switches():
    """The options that are on or off: name -> its default."""
    return {each.name: each.str_value
            for each in kconfig.options(kconfig.ALL).unique_defined_syms
            if each.type is kconfig.BOOL and each.nodes[0].prompt}


def turned_round():
    """Each option alone as it is not by default: name -> text of .config."""
    return {f'{name}={"yn"[value == "y"]}':
            f'CONFIG_{name}={"yn"[value == "y"]}\n'
            for name, value in switches().items()}


def by_chance(seed):
    """Configurations that nobody would think of."""
    found = {}
    for i in range(RANDOM):
        dice = random.Random(seed + i)
        lines = [f'CONFIG_{name}={dice.choice("yn")}' for name in switches()]
        lines += [f'CONFIG_LOG_SIZE={dice.choice(LOG_SIZES)}',
                  f'CONFIG_VMMSIZE_ALL={dice.choice(RANGES)}']
        found[f'SEED={seed + i}'] = '\n'.join(lines) + '\n'
    return found


def build(name, text):
    """Build a configuration; where its vellum.elf is."""
    ROOT.mkdir(parents=True, exist_ok=True)
    config = ROOT / 'config'
    config.write_text(text)
    argv = ['make', '--no-print-directory', f'-j{os.cpu_count()}', '-C',
            kconfig.ALL, 'CHECKED=yes', 'WERROR=1', 'CC=ccache gcc',
            f'BUILD_ROOT={ROOT}', f'KCONFIG_CONFIG={config}']
    for goal in ('config.mk', 'vellum.elf', 'vellum.efi'):
        if goal == 'vellum.efi' and not built_with(BUILT / goal)['UEFI']:
            break
        done = subprocess.run(
            [*argv, BUILT / goal], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, env=make_environment(
                CCACHE_DIR=str(ROOT / 'ccache'), CCACHE_NODIRECT='1'))
        if done.returncode:
            raise ToolError(f'{name} is not built:\n{done.stdout[-3000:]}\n'
                            f'.config was:\n{text}')
    kept = ROOT / 'kept' / re.sub(r'\W', '-', name)
    kept.mkdir(parents=True, exist_ok=True)
    for file in ('vellum.elf', 'vellum.map', 'config.mk'):
        shutil.copy2(BUILT / file, kept)
    return kept / 'vellum.elf'


def image_size(path):
    """Bytes that a loader copies."""
    elf = Elf(path)
    return elf.symbols['loaded_end'] - elf.symbols['image_start']


def used(path):
    """The same without what only fills up: to the next page, for the most."""
    end = Elf(path).symbols['loaded_end']
    fills = re.findall(r'^ \*fill\* +0x([0-9a-f]+) +0x([0-9a-f]+)',
                       path.with_suffix('.map').read_text(), re.MULTILINE)
    return image_size(path) - sum(int(length, 16) for at, length in fills
                                  if VIRTUAL <= int(at, 16) < end)


def can_boot(path):
    """Can QEMU start it, and can it be heard?"""
    options = built_with(path)
    return options['SVM'] and options['SERIAL']


def pages(path):
    """Pages of our range that are taken when a guest would start, of which
    256 are the reserve for a panic; None: it can't be known."""
    if not can_boot(path):
        return None
    elf = Elf(path)
    with Machine(path, name='size') as machine:
        machine.expect(expectations.LAUNCH)
        base, reserved = (int(re.search(
            pattern, machine.serial, re.MULTILINE)[1], 0) for pattern in (
                r'^paging: our range is (0x[0-9a-f]+)-',
                r'^page: (\d+) reserved for the program'))
        dump = machine.dir / 'pool'
        machine.qmp('pmemsave', val=elf.symbols['vmm_pool'] - VIRTUAL + base,
                    size=elf.sizes['vmm_pool'], filename=str(dump.resolve()))
        words = struct.unpack(f'<{elf.sizes["vmm_pool"] // 4}I',
                              dump.read_bytes())
    # struct page_pool: available, then reserved, which the log has told.
    available = words[words.index(reserved) - 1]
    return (int(built_with(path)['VMMSIZE_ALL']) << 8) - available


def size():
    """Print what each option costs; the exit status."""
    base = build('default', '')
    base_used, base_pages = used(base), pages(base)
    print(f'{"":24}{"bytes of image":>16}{"pages":>8}\n'
          f'{"default":24}{base_used:16}{base_pages:8}', flush=True)
    for name, text in turned_round().items():
        path = build(name, text)
        taken = pages(path)
        print(f'{name:24}{used(path) - base_used:+16}' + (
            f'{taken - base_pages:+8}' if taken else f'{"-":>8}'), flush=True)
    for path in sorted(kconfig.CONFIGS.iterdir()):
        if path.name != 'default':
            made = build(path.name, path.read_text())
            print(f'{path.name:24}{used(made):16}{pages(made) or "-":>8}',
                  flush=True)
    print('A line with = shows the difference that one option makes, with '
          'what needs it.')
    return 0


def boot(name, path):
    """Boot Linux under it, or say why not; what was missing."""
    options = built_with(path)
    off = {option for option, value in options.items() if not value}
    start = time.monotonic()
    with Machine(path, disk=linux_guest.build(batch=True), limit=400,
                 cmdline='boot=0x80 hypercall', name='configs') as machine:
        missing = expectations.linux_demo(
            machine, False, int(options['VMMSIZE_ALL']) << 20, off)
        if options['TEST']:
            missing += expectations.selftests(machine.serial, 'final', off)
        where = machine.dir
    print(f'configs: {name} boots Linux ({time.monotonic() - start:.0f} s)'
          if not missing else f'configs: {name}: not seen: '
          + '; '.join(missing) + f' ({where})', flush=True)
    return missing


def test_configs():
    """Build all, and boot some; the exit status."""
    start = time.monotonic()
    seed = int(os.environ.get('SEED') or 1)
    named = {path.name: path.read_text()
             for path in kconfig.CONFIGS.iterdir()}
    chance = by_chance(seed)
    made = {}
    for name, text in {**named, **turned_round(), **chance}.items():
        made[name] = build(name, text)
        print(f'configs: {name}: {image_size(made[name])} bytes', flush=True)
    tiny = made['tiny']
    if image_size(tiny) > TINY_IMAGE or \
            int(built_with(tiny)['VMMSIZE_ALL']) > TINY_RANGE:
        raise ToolError(f'tiny is not so any more: {TINY_IMAGE} bytes, '
                        f'{TINY_RANGE} MiB')
    some = [name for name in chance if can_boot(made[name])][:BOOTED]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(pool.map(lambda name: boot(name, made[name]),
                              ['tiny', 'debug', 'BACKTRACE=n', *some]))
    print(f'configs: {len(made)} built, {len(wrong)} booted, SEED={seed} '
          f'({time.monotonic() - start:.0f} s)')
    return 1 if any(wrong) else 0


def start(argv):
    """What the argument asks for; the exit status."""
    need('ccache', 'ccache')
    return size() if argv == ['size'] else test_configs()


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
