"""`make order STAGE=`: the boot sequence of a stage, read out of its ELF.

Each INIT() leaves {name, function, file} in a table that the linker sorts
(lib/init.h); boot/main.c walks it. Nobody has to guess who calls what.
"""
import sys

from common import BUILD, main, need_file
from elf import Elf

PHASES = ('trap', 'console', 'memory', 'heap', 'device', 'cpu', 'cpus',
          'guest')
ENTRY = 24


def entries(elf, phase):
    """(name, file) of each function of a phase, in order."""
    start = elf.symbols.get(f'__init_{phase}_start', 0)
    end = elf.symbols.get(f'__init_{phase}_end', 0)
    for address in range(start, end, ENTRY):
        name, _, file = elf.words(address, 3)
        yield elf.string(name), elf.string(file)


def order(stage):
    """Print the boot sequence of a stage; the exit status."""
    image = need_file(BUILD / stage / 'vellum.elf',
                      f'{stage} is not built (make does it)')
    elf = Elf(image)
    print(f'{stage}: boot_main() in boot/main.c runs')
    for phase in PHASES:
        rows = list(entries(elf, phase))
        print(f'  {phase}' + ('' if rows else '   (nothing)'))
        for name, file in rows:
            print(f'    {name:<24} {file}')
    return 0


if __name__ == '__main__':
    main(lambda: order(sys.argv[1]))
