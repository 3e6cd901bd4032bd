"""`make report`: build/report.txt, what vellum-report makes of an emulated PC.

On a real machine one runs that script oneself (INSTALL.md); here it is run in
the Linux demo, and what the console showed of the preflight check is added.

  report.py      EMU= FIRMWARE= CPUS= MEM= as for make run
"""
import re
import sys

import linux_guest
from common import BUILD, image, main
from emulator import Machine
from run import read_settings

TARGET = BUILD / 'report.txt'
LIMIT = {'qemu': 240, 'bochs': 480}


def preflight(machine):
    """What the preflight check shows."""
    machine.expect(r'^vellum: preflight done[^\n]*\n', panic_ends=False)
    return machine.serial[machine.serial.index('Vellum final'):]


def report(machine):
    """What vellum-report prints in the guest's shell."""
    machine.expect('poweroff ends')
    machine.send('vellum-report; poweroff\n')
    machine.expect(r'^== end\n')
    machine.wait_exit()
    return re.search(r'^Vellum report of .*?(?=^== end\n)', machine.serial,
                     re.M | re.S)[0]


def start(argv):
    """Make the report; the exit status."""
    chosen = read_settings(argv)
    same = {'emu': chosen['EMU'], 'firmware': chosen['FIRMWARE'],
            'cpus': chosen['CPUS'], 'mem': chosen['MEM'], 'name': 'report',
            'limit': LIMIT.get(chosen['EMU'], 240)}
    drive = 'boot=0x80 ' if chosen['FIRMWARE'] == 'bios' else ''
    print('report: the preflight check ...', flush=True)
    with Machine(image('final'), cmdline='check', **same) as machine:
        console = preflight(machine)
    print('report: Linux under Vellum ...', flush=True)
    disk = linux_guest.build(firmware=chosen['FIRMWARE'])
    with Machine(image('final'), disk=disk, cmdline=f'{drive}hypercall',
                 **same) as machine:
        text = report(machine)
    TARGET.write_text(f'{text}\n== console\n{console}\n== end\n')
    print(f'report: {TARGET}')
    return 0


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
