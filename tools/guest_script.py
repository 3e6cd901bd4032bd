"""A guest for the judges of labs: it does what a script says, and the results
are read from the machine's memory (tests/host/script.S).

  script = Script()
  script.write(0x1234000, 7)
  before = script.cpuid(0x40000004, 3)
  machine = script.run(lab, cmdline='hypercall')
  eax, ebx, ecx, edx = script.results(machine, before)
"""
import struct

from common import TOP

RESULTS, DONE, IS_DONE = 0x20000, 0x1fff0, 0x600d600d
READ_AT, WRITE_AT = 0, 1        # the first results: addresses of instructions
(END, READ, WRITE, HYPERCALL, CPUID, HALT, TICKS, WRMSR, CALL, EXITS, WAIT) = \
    range(11)


def is_done(machine):
    """Has the script come to its end?"""
    return machine.word(DONE) & 0xffffffff == IS_DONE


class Script:
    """Operations, and where in memory the results of each go."""

    def __init__(self):
        self.words, self.count = [], 2

    def _add(self, operation, *arguments, results=0):
        """One more operation; the place of its results."""
        self.words += [operation, *arguments]
        place = slice(self.count, self.count + results)
        self.count += results
        return place

    def read(self, address):
        """The word at an address, which is a result."""
        return self._add(READ, address, results=1)

    def write(self, address, value):
        """A word to an address."""
        self._add(WRITE, address, value)

    def hypercall(self, number, argument):
        """Results: RAX (0 or a negative errno), RBX, RDX, RSI; 32 bits."""
        return self._add(HYPERCALL, number, argument, results=4)

    def cpuid(self, leaf, subleaf=0):
        """Results: EAX, EBX, ECX, EDX."""
        return self._add(CPUID, leaf, subleaf, results=4)

    def halt(self, times):
        """STI, HLT, CLI: each takes one tick of the timer."""
        self._add(HALT, times)

    def ticks(self):
        """How many ticks there have been: a result."""
        return self._add(TICKS, results=1)

    def wait(self):
        """Until the timer ticks, without HLT. The next tick is far then."""
        self._add(WAIT)

    def wrmsr(self, msr, value):
        """WRMSR."""
        self._add(WRMSR, msr, value & 0xffffffff, value >> 32)

    def call(self, segment, offset):
        """A far call in real mode; what is there returns by RETF."""
        self._add(CALL, segment << 16 | offset)

    def exits(self, count):
        """So many instructions that exit: CPUID."""
        self._add(EXITS, count)

    def run(self, lab, seconds=30, **settings):
        """Boot it under a hand-in; the machine, when the script is done."""
        disk = lab.guest(
            TOP / 'tests/host/script.S', RESULTS=RESULTS, DONE=DONE,
            SCRIPT=','.join(hex(word & 0xffffffff) for word in self.words))
        return lab.boot(guest=disk, seconds=seconds,
                        until=is_done,
                        **settings)

    @staticmethod
    def results(machine, place):
        """Results of an operation: a number, or a list of several."""
        data = machine.memory(RESULTS + 4 * place.start,
                              4 * (place.stop - place.start))
        found = list(struct.unpack(f'<{len(data) // 4}I', data))
        return found[0] if len(found) == 1 else found

    @staticmethod
    def address_of(machine, which):
        """Where the instruction of READ or WRITE is in the guest."""
        return struct.unpack('<I', machine.memory(RESULTS + 4 * which, 4))[0]
