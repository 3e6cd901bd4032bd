"""`make soak N=100`: boots in a row, to find what goes wrong only sometimes.

  soak.py N [CPUS...]   N boots of the Linux demo, on each number in its turn

Each boot takes CPUs away and brings them back, too. A boot that fails is
reported with its log, and the others go on.
"""
import sys

import expectations
import linux_guest
import values
from common import BUILD, ToolError, main, need_file
from emulator import Machine

CPUS = (2, 4)
LIMIT = 240
VMMSIZE = 128 << 20


def boot(image, disk, cpus):
    """One boot; raises an error that says what was missing."""
    with Machine(image, disk=disk, cpus=cpus, limit=LIMIT, name='soak',
                 cmdline='boot=0x80 hypercall') as machine:
        missing = expectations.linux_demo(machine, False, VMMSIZE)
        if missing:
            machine.fail('not seen: ' + '; '.join(missing))


def soak(times, cpu_counts):
    """All boots; the exit status."""
    image = need_file(BUILD / 'final' / 'vellum.elf', 'final is not built')
    disk = linux_guest.build(batch=True, cmdline='demo.hotplug=3')
    failures = 0
    for number in range(1, times + 1):
        cpus = cpu_counts[number % len(cpu_counts)]
        try:
            boot(image, disk, cpus)
            result = 'ok'
        except ToolError as error:
            failures += 1
            result = f'FAILED\n{error}'
        print(f'soak: boot {number} of {times}, on {cpus} CPUs: {result}',
              flush=True)
    print(f'soak: {failures} of {times} boots failed')
    return 1 if failures else 0


def start(argv):
    """soak.py N [CPUS...]."""
    times = values.number('N', argv[0] if argv else '', 1)
    counts = [values.number('CPUS', word, 1, values.MOST_CPUS['qemu'])
              for word in argv[1:]]
    return soak(times, counts or CPUS)


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
