"""`make gdb STAGE=`: QEMU waits at its first instruction for GDB.

Vellum keeps its virtual addresses when it moves to the high range, so one
symbol file is right from the first C function on, before and after the move.
"""
import socket
import subprocess
import sys

import run
from common import TOP, main, need
from emulator import Machine


def free_port():
    """A TCP port on the loopback that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def gdb(argv):
    """Start the stage stopped, and GDB on it; GDB's exit status."""
    need('gdb', 'gdb')
    chosen = run.read_settings(argv)
    chosen['BATCH'] = True
    image = run.image_of(chosen)
    kind, path = run.guest_of(chosen)
    settings = run.machine_settings(chosen, kind, path, argv)
    port = free_port()
    settings.update(emu='qemu', echo=False, limit=24 * 3600, extra_args=[
        *settings['extra_args'], '-S', '-gdb', f'tcp:127.0.0.1:{port}'])
    with Machine(image, **settings) as machine:
        print(f'The serial console: tail -f {machine.dir}/serial.log\n'
              'GDB stops at boot_phases; break points after it are ordinary '
              'ones.', flush=True)
        # Nothing is mapped at Vellum's addresses yet: only a hardware break
        # point can be set on them from here.
        return subprocess.run(
            ['gdb', '-q', str(image), '-ex', f'target remote 127.0.0.1:{port}',
             '-ex', 'hbreak boot_phases', '-ex', 'continue'],
            cwd=TOP, check=False).returncode


if __name__ == '__main__':
    main(lambda: gdb(sys.argv[1:]))
