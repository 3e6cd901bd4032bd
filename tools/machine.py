"""A boot of a hand-in, judged from outside: by what is in the machine's memory.

The machine's RAM is a file, which the judge reads. What Vellum prints is a
student's to print: it says when to look, and never what is right.
"""
import os
import re
import struct
import time
from pathlib import Path

import sandbox
from common import ToolError, command
from console import EOF, TIMEOUT
from elf import Elf
from emulator import HALTED, Machine
from judge import Wrong
from outside import VIRTUAL
from values import megabytes

BOOT_SECONDS = 30
DISK_SIZE = 516096              # a disk of one cylinder (mk/guests.mk)
PRESENT, LARGE, ADDRESS = 1, 1 << 7, 0xffffffffff000
STEP = 2 << 20                  # Vellum's range begins at a multiple of it
LIMITS = {'memory': 8 << 30, 'file': 4 << 30}


def assemble(source, folder, defines):
    """A boot disk of an assembly file, which is loaded at 0x7c00."""
    made = Path(folder) / f'{source.stem}.img'
    work = Path(folder) / f'{source.stem}.o'
    command(['gcc', '-c', '-x', 'assembler-with-cpp', '-m32', '-o', work,
             *(f'-D{name}={value}' for name, value in defines.items()),
             source])
    command(['ld', '-m', 'elf_i386', '-Ttext', '0x7c00', '-e', '0x7c00',
             '--oformat', 'binary', '-o', made, work])
    data = made.read_bytes()
    if len(data) > 510 and data[510:512] != b'\x55\xaa':
        raise ToolError(f'{source}: no 0x55, 0xaa at 510, where a boot '
                        'sector ends')
    data = data.ljust(510, b'\0')[:510] + b'\x55\xaa' + data[512:]
    made.write_bytes(data.ljust(DISK_SIZE, b'\0'))
    made.chmod(0o644)
    return made


class Seen:
    """A machine that has run until there is something to see, and stands."""

    def __init__(self, lab, guest=None, cmdline='', test=False, until=None,
                 seconds=BOOT_SECONDS, mem='512M', **settings):
        # pylint: disable=too-many-arguments
        self.lab = lab
        image = lab.tree.image(test)
        self.elf = Elf(image)
        self.size = megabytes(mem) << 20
        number = len(lab.machines)
        self.ram = lab.tree.scratch / f'ram-{number}'
        self.ram.touch()
        os.truncate(self.ram, self.size)
        self.ram.chmod(0o666)
        self._base = None
        if guest and settings.get('firmware', 'bios') == 'bios':
            cmdline = f'boot=0x80 {cmdline}'.strip()
        self.machine = Machine(
            image, disk=guest, cmdline=cmdline, mem=mem, limit=seconds + 30,
            wrap=self._wrap, extra_args=(
                '-object', f'memory-backend-file,id=ram,size={self.size},'
                f'mem-path={self.ram},share=on',
                '-machine', 'memory-backend=ram'), **settings)
        try:
            self._wait(until, seconds)
        except BaseException:
            self.close()
            raise

    def _wrap(self, argv, folder):
        """QEMU in the sandbox."""
        sandbox.open_to_all(folder)
        limits = sandbox.Limits(seconds=self.machine_limit(), **LIMITS)
        return sandbox.command(
            argv, limits, reads=[self.lab.tree.scratch],
            writes=[folder, self.ram], cwd=os.getcwd())

    @staticmethod
    def machine_limit():
        """Seconds of a CPU, at most, that QEMU gets."""
        return 300

    @property
    def serial(self):
        """What was printed: for messages alone."""
        return self.machine.serial

    def _reached(self, until):
        """Wait a little; is it time to look? None: it has ended."""
        patterns = [HALTED] if until is None or callable(until) else \
            [until, HALTED]
        which = self.machine.console.wait_for(patterns, 0.1)
        if callable(until) and until(self):
            return True
        if which is TIMEOUT:
            return False
        if which is EOF and not self.serial:
            self.machine.fail('the emulator did not start')
        if which is EOF or which == len(patterns) - 1:
            return True if until is None else None
        return True

    def _wait(self, until, seconds):
        """Let it run until there is something to see; then it stands."""
        end = time.monotonic() + seconds
        while (reached := self._reached(until)) is False:
            if time.monotonic() > end:
                self.lab.time.boots = False
                raise Wrong(f'the boot is not done after {seconds} s; the '
                            f'last line is {self.last_line()}')
        if reached is None:
            said = re.search(r'^(?:panic\(|.*exercise: ).*$', self.serial,
                             re.MULTILINE)
            if said:
                raise Wrong(f'the boot ends with: {said.group().strip()}')
            if not self.machine.running():
                raise Wrong('the machine has ended; the last line is '
                            f'{self.last_line()}')
        if self.machine.running():
            self.machine.qmp('stop')

    def last_line(self):
        """What was printed last."""
        return repr(self.serial.strip().rpartition('\n')[2][-100:])

    def resume(self, until=None, seconds=BOOT_SECONDS):
        """Let it go on."""
        self.machine.qmp('cont')
        self._wait(until, seconds)

    # --- looking

    def memory(self, phys, size):
        """Bytes of the machine's memory."""
        if phys < 0 or phys + size > self.size:
            raise Wrong(f'physical address {phys:#x} is no memory')
        with open(self.ram, 'rb') as file:
            file.seek(phys)
            return file.read(size)

    def word(self, phys):
        """64 bits of the machine's memory."""
        return struct.unpack('<Q', self.memory(phys, 8))[0]

    def symbol(self, name):
        """Where something of Vellum's image is in Vellum's address space."""
        if name not in self.elf.symbols:
            raise Wrong(f'the image has no {name}')
        return self.elf.symbols[name]

    @property
    def base(self):
        """Where in memory Vellum's range begins: found by what must be there,
        the part of the image that is never written."""
        if self._base is None:
            address, data = self.elf.read_only()[0]
            offset, size = address - VIRTUAL, min(len(data), 4096)
            # Where it moves to, or, before it can, where it was loaded.
            for base in (*range(self.size - STEP, 0, -STEP),
                         self.elf.load_address()):
                if base + offset + size <= self.size and \
                        self.memory(base + offset, size) == data[:size]:
                    self._base = base
                    return base
            raise Wrong('Vellum is not in the memory of the machine')
        return self._base

    def phys(self, virt):
        """The physical address of one of Vellum's."""
        return virt - VIRTUAL + self.base

    def at(self, virt, size):
        """Bytes at an address of Vellum's."""
        return self.memory(self.phys(virt), size)

    def read(self, name, size=None):
        """Bytes of a variable of Vellum's."""
        address = self.symbol(name)
        return self.at(address, size or self.elf.sizes[name])

    def walk(self, root, address, levels=4):
        """The entry that ends a walk of page tables, also nested ones, and its
        level; an entry of 0 when there is none."""
        table = root & ADDRESS
        for level in range(levels, 0, -1):
            entry = self.word(table + 8 * (address >> 12 + 9 * (level - 1)
                                           & 511))
            if not entry & 7 or level == 1 or level < 4 and entry & LARGE:
                return entry, level
            table = entry & ADDRESS
        return 0, 0

    def registers(self):
        """Registers by name, as QEMU prints them for the first CPU."""
        return {name: int(value, 16) for name, value in re.findall(
            r'\b(R\w\w?|CR\d|EFER|RIP)\s*=\s*([0-9a-f]+)',
            self.machine.hmp('info registers'))}

    def close(self):
        """End it."""
        self.machine.close()
        self.ram.unlink(missing_ok=True)
