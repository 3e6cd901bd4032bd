"""A watch that strikes once: the page, the access and the instruction are
chosen here, on tables of both formats and in a guest that does a script."""
from guest_script import READ_AT, WRITE_AT, Script
from judge import Wrong, expect, item

PAGE, VELLUM, REGISTERS = 4096, 1 << 30, 0xfee00000
EINVAL, NOTHING = 22, '-2'
MEMORY_EXITS, STATS, START, READ = 10, 1, 18, 19
MTRR_DEFAULT = 0x2ff
FAR_RETURN = 0xcb


class Guest:
    """Commands for the child, and what the report must be."""

    def __init__(self, lab, kind):
        self.lab, self.kind = lab, kind
        self.lines, self.checks = [f'machine {kind}'], [None]
        self.page, self.report = None, NOTHING
        self.known = set()      # (CPU, page) that cost no exit any more

    def _line(self, line, check=None):
        self.lines.append(line)
        self.checks.append(check)

    def start(self, page, cpu=0):
        """Set the watch."""
        self._line(f'start {cpu} {page * PAGE}', self._started)
        self.page, self.report = page, NOTHING
        self.known.clear()

    @staticmethod
    def _started(said):
        error, flushes = said.split()
        expect('watch_start()', '0', error)
        if flushes == '0':
            raise Wrong('the CPU does not flush what it knows of the tables')

    def touch(self, page, write, cpu=0):
        """An access somewhere in a page, by an instruction somewhere."""
        at = page * PAGE + self.lab.random.randrange(PAGE)
        rip = self.lab.random.getrandbits(47)
        known = (cpu, page) in self.known
        self.known.add((cpu, page))
        if page == self.page:
            self.page = None
            self.report = f'0 {at:#x} {rip:#x} {int(write)}'
        what = f'{"write to" if write else "read of"} {at:#x} by CPU {cpu}'
        self._line(f'touch {cpu} {at} {int(write)} {rip}',
                   lambda said: self._touched(what, known, said))
        right = self.report
        self._line('report', lambda said: expect(
            f'the report (error, address, RIP, write) after a {what}, with '
            f'{self.kind.upper()}', right, said))

    @staticmethod
    def _touched(what, known, said):
        exits, refused = map(int, said.split())
        if refused:
            raise Wrong(f'a {what}: the guest got exception {refused}')
        if exits >= 5:
            raise Wrong(f'a {what} exits again and again')
        if known and exits:
            raise Wrong(f'a {what}, for which the page had been free: '
                        f'expected no exit, saw {exits}')

    def own(self, page, write):
        """As touch(), by Vellum on the guest's behalf."""
        at = page * PAGE + self.lab.random.randrange(PAGE)
        rip = self.lab.random.getrandbits(47)
        if page == self.page:
            self.page = None
            self.report = f'0 {at:#x} {rip:#x} {int(write)}'
        what = f'{"write to" if write else "read of"} {at:#x} by Vellum'
        self._line(f'own 0 {at} {int(write)} {rip}', lambda said: expect(
            f'nested_root_lookup() for a {what}', f'0 {at:#x}', said))
        right = self.report
        self._line('report', lambda said: expect(
            f'the report after a {what}, with {self.kind.upper()}', right,
            said))

    def retype(self, cpu=0):
        """The guest changes its MTRRs."""
        self._line(f'retype {cpu}',
                   lambda said: expect('nested_root_retype()', '0', said))
        self.known.clear()

    def run(self):
        """Do it."""
        for check, said in zip(self.checks, self.lab.ask(self.lines)):
            if check:
                check(said)


def somewhere(lab):
    """A page of RAM above 16 MiB, not Vellum's."""
    return lab.random.randrange(0x1000, (VELLUM >> 12) - 64)


def coin(lab):
    """True or false."""
    return bool(lab.random.randrange(2))


def both(lab, do):
    """Do something with each format."""
    for kind in ('ept', 'npt'):
        guest = Guest(lab, kind)
        do(guest)
        guest.run()


@item('the first access is reported, with address and RIP', 3, required=True)
def first(lab):
    """A read or a write; another watch forgets the report."""
    def some(guest):
        for write in (coin(lab), True, False):
            page = somewhere(lab)
            guest.start(page)
            guest.touch(page, write)
    both(lab, some)


@item('an access to other pages is not, and the watch goes on', 2)
def others(lab):
    """Neighbours in the same 2 MiB first of all."""
    def some(guest):
        page = somewhere(lab) & ~511 | 200
        guest.start(page)
        for _ in range(12):
            guest.touch(page + lab.random.choice((-100, -2, -1, 1, 2, 7, 300,
                                                  1000)), coin(lab))
        guest.touch(page, coin(lab))
    both(lab, some)


@item('it strikes once, and then the page is free', 2)
def once(lab):
    """No exits any more, and no other report."""
    def some(guest):
        page = somewhere(lab)
        guest.start(page)
        for _ in range(8):
            guest.touch(page, coin(lab))
            guest.touch(page + 1, coin(lab))
    both(lab, some)


@item('there is one watch, and a new one ends the old one', 1)
def anew(lab):
    """The page of before is free as well."""
    def some(guest):
        page, other = somewhere(lab), somewhere(lab)
        guest.start(page)
        guest.start(other)
        guest.touch(page, coin(lab))
        guest.touch(other, coin(lab))
        guest.start(other)
        guest.touch(other, coin(lab))
    both(lab, some)


@item('what can not be watched is refused, and nothing changes', 1)
def refused(lab):
    """Vellum's pages, registers, and no pages at all."""
    page = somewhere(lab)
    bad = (page * PAGE + 8, VELLUM, VELLUM + (4 << 20) - PAGE, REGISTERS,
           1 << 36, 1 << 48, (1 << 64) - PAGE)
    said = lab.ask(['machine npt', f'start 0 {page * PAGE}',
                    *(f'start 0 {at}' for at in bad),
                    'report', f'touch 0 {page * PAGE + 4} 1 0x1234', 'report'])
    for at, answer in zip(bad, said[2:]):
        expect(f'watch_start({at:#x})', str(-EINVAL), answer.split()[0])
    expect('the report of the watch that was there', NOTHING, said[-3])
    expect('the same, when its page was written to',
           f'0 {page * PAGE + 4:#x} 0x1234 1', said[-1])


@item('the guest may change its MTRRs meanwhile', 2)
def mtrrs(lab):
    """All leaves are built anew, but not this one."""
    def some(guest):
        page = somewhere(lab)
        guest.start(page)
        guest.retype()
        guest.touch(page + 1, coin(lab))
        guest.retype()
        guest.touch(page, coin(lab))
        guest.retype()
        guest.touch(page, coin(lab))
    both(lab, some)


@item("what Vellum accesses on the guest's behalf counts", 1)
def behalf(lab):
    """Also where Vellum has known the piece to be plain memory."""
    def some(guest):
        page = somewhere(lab)
        guest.own(page, coin(lab))
        guest.start(page)
        guest.own(page ^ 1, coin(lab))
        guest.own(page, coin(lab))
        guest.touch(page, coin(lab))
    both(lab, some)


@item('CPUs whose tables differ both get through', 2)
def two_cpus(lab):
    """The first of them is reported."""
    def some(guest):
        guest.retype(1)
        page = somewhere(lab)
        cpus = lab.random.sample((0, 1), 2)
        guest.start(page, cpus[0])
        for cpu in cpus[::-1] * 2:
            guest.touch(page + 2, coin(lab), cpu)
            guest.touch(page, coin(lab), cpu)
    both(lab, some)


class Watched:
    """A guest with three watches: for a write, a read, and a call."""

    def __init__(self, lab):
        self.script = script = Script()
        self.high = lab.random.sample(range(0x2000, 0x12000), 2)
        self.low = lab.random.randrange(0x30, 0x80)     # real mode gets there
        self.value = lab.random.getrandbits(32)
        offset = 4 * lab.random.randrange(1024)
        self.right, self.reports, self.starts = [], [], []
        for page, which in zip(self.high, (WRITE_AT, READ_AT)):
            at = page * PAGE + offset
            script.write(page * PAGE, 1)
            self._start(page)
            script.write((page + 1) * PAGE, 1)
            script.wrmsr(MTRR_DEFAULT, 0xc00)
            script.wrmsr(MTRR_DEFAULT, 0xc06)
            self.early = script.hypercall(READ, 0)
            if which == WRITE_AT:
                script.write(at, self.value)
            else:
                script.read(at)
            self._report(at, which, which == WRITE_AT)
        script.write(self.low * PAGE, FAR_RETURN)
        self._start(self.low)
        script.call(self.low << 8, 0)
        self._report(self.low * PAGE, None, False)
        self.before = script.hypercall(STATS, MEMORY_EXITS)
        for page in (*self.high, self.low) * 2:
            script.read(page * PAGE)
            script.write(page * PAGE + 64, 1)
        self.after = script.hypercall(STATS, MEMORY_EXITS)
        self.arrived = self.high[0] * PAGE + offset

    def _start(self, page):
        self.starts.append(self.script.hypercall(START, page * PAGE))

    def _report(self, at, which, write):
        self.right.append((at, which, write))
        self.reports.append(self.script.hypercall(READ, 0))


@item('a guest watches itself', 4)
def booted(lab):
    """A write, a read and a call, under SVM; RIP is the script's."""
    guest = Watched(lab)
    machine = guest.script.run(lab, cmdline='hypercall')

    def results(place):
        return guest.script.results(machine, place)
    for start in guest.starts:
        expect('RAX of the hypercall that sets a watch', 0, results(start)[0])
    expect('RAX of the other one, when nothing has touched the page',
           -2 & 0xffffffff, results(guest.early)[0])
    for (at, which, write), report in zip(guest.right, guest.reports):
        rip = 0 if which is None else guest.script.address_of(machine, which)
        names = 'RAX', 'address', 'RIP', 'write'
        expect(f'the report of the access to {at:#x}',
               dict(zip(names, map(hex, (0, at, rip, int(write))))),
               dict(zip(names, map(hex, results(report)))))
    expect('what was written', guest.value,
           machine.word(guest.arrived) & 0xffffffff)
    expect('exits for memory when all three are free', 0,
           results(guest.after)[1] - results(guest.before)[1])
