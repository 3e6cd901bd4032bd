"""HLT that exits. The VMX half is judged on the host, by what it chooses and
what it leaves in a VMCS; the SVM half by a guest that sleeps as often as a
script says, whose timer ticks tell whether it has."""
from guest_script import Script
from judge import Wrong, expect, item

LEAF = 0x40000004
PROC_HLT, MISC_HLT = 1 << 7, 1 << 6
STI = 1


@item('VMX: HLT exits, and what that needs is asked for', 2, required=True)
def vmx_controls(lab):
    """The control and the activity state; a CPU that lacks one is refused."""
    chosen, good, no_exit, no_state = lab.ask([
        'controls', 'enough 0 0', f'enough {PROC_HLT} 0',
        f'enough 0 {MISC_HLT}'])
    if not int(chosen, 0) & PROC_HLT:
        raise Wrong('expected bit 7 among the primary controls, saw '
                    f'{chosen}')
    expect('a good CPU is enough', '0 ', good)
    for what, said in (('HLT exiting', no_exit),
                       ('the activity state "HLT"', no_state)):
        error, _, why = said.partition(' ')
        expect(f'a CPU without {what}', '-19', error)
        if not why:
            raise Wrong(f'a CPU without {what} is refused without a reason')


@item('VMX: the exit is known', 1)
def vmx_reason(lab):
    """Basic reason 12 is HLT, and its neighbours are not."""
    expect('is it HLT? for basic reasons 10 to 14', ['0', '0', '1', '0', '0'],
           lab.ask(f'reason {each}' for each in range(10, 15)))


@item('VMX: the next entry halts, behind the instruction', 2)
def vmx_state(lab):
    """And nothing is left of the shadow of STI."""
    for shadow in (0, STI):
        rip = lab.random.randrange(1 << 47)
        saw = lab.ask([f'halt {rip} {shadow}'])[0]
        expect(f'RIP, interruptibility and activity after HLT at {rip:#x}',
               f'{rip + 1:#x} 0 1', saw)


class Night:
    """A guest that sleeps, does other things, and sleeps again. QEMU forgets at
    VMRUN that STI holds interrupts back for one instruction. So each part
    begins behind a tick, and time is counted in instructions: no interrupt
    comes between a HLT that exits and the entry that executes it."""

    def __init__(self, lab):
        self.lab, self.script = lab, Script()
        self.times, self.points = [], []
        for _ in range(4):
            for halts, exits in ((lab.random.randrange(3, 30), 0),
                                 (0, lab.random.randrange(3, 300)),
                                 (1, lab.random.randrange(1, 3))):
                self.times.append((halts, exits))
                self.script.wait()
                self.points.append(self._point())
                if halts:
                    self.script.halt(halts)
                if exits:
                    self.script.exits(exits)
                self.points.append(self._point())

    def _point(self):
        """The counts of now."""
        return self.script.cpuid(LEAF), self.script.ticks()

    def spent(self):
        """For each part of it: HLT that it has executed, HLT that were
        counted, ticks that came."""
        machine = self.script.run(self.lab, cmdline='hypercall', seconds=40,
                                  icount=True)
        seen = []
        for leaf, ticks in self.points:
            low, high, _, _ = self.script.results(machine, leaf)
            seen.append((low | high << 32,
                         self.script.results(machine, ticks)))
        for (halts, exits), before, after in zip(self.times, seen[::2],
                                                 seen[1::2]):
            yield halts, exits, after[0] - before[0], after[1] - before[1]


def night(lab):
    """The same one for all items."""
    lab.random.seed(lab.seed)
    return list(Night(lab).spent())


@item('SVM: each HLT of a guest is counted, and nothing else', 4)
def svm_count(lab):
    """Several without another exit between them, and one with."""
    for halts, exits, counted, _ in night(lab):
        expect(f'counted after {halts} times HLT and {exits} CPUID', halts,
               counted)


@item('SVM: the guest sleeps until its timer ticks', 4)
def svm_sleep(lab):
    """As many ticks as HLT, at least; they come one by one."""
    parts = night(lab)
    if not any(counted for _, _, counted, _ in parts):
        raise Wrong('no HLT was counted, so the guest sleeps by itself')
    for halts, exits, _, ticks in parts:
        if ticks < halts:
            raise Wrong(f'expected a tick for each of {halts} times HLT, saw '
                        f'{ticks}: the guest goes on before its interrupt '
                        'has come')
