"""What can be seen of Vellum from outside, by the emulator alone: neither the
guest that attacks it nor Vellum itself is asked.

look() checks that

  the read-only part of the image is in memory as it is in its file,
  data that Vellum never changes after the launch is as it was the first time,
  each CPU has virtualisation on, as no CPU has that runs without Vellum.

QEMU says so in its monitor. Bochs has a debugger, which stops when a guest
executes XCHG BX, BX, and prints memory and registers; its command `crc` never
ends, so words are compared there, too.
"""
import re
import struct
import time

from common import stage_dir
from console import EOF, TIMEOUT
from elf import Elf
from emulator import HALTED

VIRTUAL = 0x40000000    # where Vellum's image is in its own address space
CANARIES = ('boot_info', 'vcpu_ops', 'idt', 'handlers', 'control_watch')
EFER_SVME = 1 << 12
BREAK = r'^\((\d+)\) Magic breakpoint'


class Outside:
    """A running machine, and what its memory was like at first."""

    def __init__(self, machine, stage):
        self.machine = machine
        self.elf = Elf(machine.set.image)
        found = re.search(r'^paging: our range is 0x([0-9a-f]+)-',
                          machine.serial, re.MULTILINE)
        self.base = int(found[1], 16)
        self.every_cpu = (stage_dir(stage) / 'smp').is_dir()
        self.canaries = None
        self.breaks = 0

    def look(self, when):
        """What is not as it should be; says what was looked at."""
        look = self._bochs if self.machine.set.emu == 'bochs' else self._qemu
        areas = [(self._phys(address), len(data))
                 for address, data in self.elf.read_only()]
        areas += [(self._phys(self.elf.symbols[name]), self.elf.sizes[name])
                  for name in CANARIES]
        memory, cpus = look(areas)
        wanted = [data for _, data in self.elf.read_only()]
        image, canaries = memory[:len(wanted)], memory[len(wanted):]
        wrong = [f'{when}: {sum(map(int.__ne__, is_, should))} bytes of '
                 "Vellum's image are changed"
                 for is_, should in zip(image, wanted) if is_ != should]
        self.canaries = self.canaries or canaries
        wrong += [f'{when}: {name} is changed'
                  for name, was, is_ in zip(CANARIES, self.canaries, canaries)
                  if was != is_]
        wrong += [f'{when}: CPU {number} is not under Vellum'
                  for number, ours in cpus.items() if not ours]
        print(f'\nrun: from outside, {when}: {sum(map(len, image)) >> 10} KiB '
              f'of image, {len(canaries)} canaries, CPUs: {len(cpus)}: '
              + ('; '.join(wrong) or 'all as it should be'), flush=True)
        return wrong

    def _phys(self, address):
        return address - VIRTUAL + self.base

    def _qemu(self, areas):
        self.machine.qmp('stop')
        memory, path = [], self.machine.dir / 'memory'
        for address, size in areas:
            self.machine.qmp('pmemsave', val=address, size=size,
                             filename=str(path.resolve()))
            memory.append(path.read_bytes())
            path.unlink()
        text = self.machine.hmp('info registers -a')
        self.machine.qmp('cont')
        efer = [int(value, 16) for value in
                re.findall(r'\bEFER=([0-9a-f]+)', text)]
        halted = [int(value) for value in re.findall(r'\bHLT=(\d)', text)]
        # Where Vellum is on one CPU, the others sleep as the BIOS left them.
        return memory, {
            number: bool(efer[number] & EFER_SVME)
            or (number and not self.every_cpu and halted[number])
            for number in range(len(efer))}

    def _screen(self):
        return (self.machine.dir / 'screen.log').read_text(errors='replace')

    def _next_break(self):
        """Wait for the debugger to stop; on which CPU it did."""
        while True:
            found = re.findall(BREAK, self._screen(), re.MULTILINE)
            if len(found) > self.breaks:
                self.breaks += 1
                return int(found[self.breaks - 1])
            which = self.machine.console.wait_for([HALTED], 0.1)
            if which in (0, EOF):
                self.machine.fail('Vellum, or Bochs, has ended')
            if which is TIMEOUT:
                self.machine.check_time()

    def _ask(self, command, end):
        """A command of the debugger; what it printed, up to its end."""
        before = len(self._screen())
        self.machine.debug(command)
        while not re.search(end, text := self._screen()[before:]):
            self.machine.check_time()
            time.sleep(0.05)
        return text

    def _bochs(self, areas):
        """Breaks on other CPUs than the first are from where the guest has
        started them, and looked at on the way."""
        cpus, memory = {}, []
        while 0 not in cpus:
            number = self._next_break()
            text = self._ask('creg', r'XCR0=.*\n')
            cpus[number] = ' VMX ' in re.search(r'CR4=.*', text)[0]
            if number == 0:
                memory = [self._words(*area) for area in areas]
            self.machine.debug('c')
        return memory, cpus

    def _words(self, address, size):
        count = -(-size // 16) * 4
        last = address + count * 4 - 16
        text = self._ask(f'xp /{count}wx {address:#x}',
                         rf'{last:#018x} <.*\n')
        words = re.findall(r'\t0x([0-9a-f]{8})', text)
        return struct.pack(f'<{len(words)}I',
                           *(int(word, 16) for word in words))[:size]
