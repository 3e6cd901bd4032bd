"""A write log: the pages that a guest writes to are chosen here, and must be
what is read, on tables of both formats and in a guest that does a script."""
from guest_script import Script
from judge import Wrong, expect, item

PAGE, VELLUM, REGISTERS = 4096, 1 << 30, 0xfee00000
EINVAL = 22
MEMORY_EXITS, STATS, START, READ = 10, 1, 16, 17
MTRR_DEFAULT = 0x2ff


class Log:
    """Commands for the child, and what the log must have."""

    def __init__(self, lab, kind):
        self.lab, self.kind = lab, kind
        self.lines, self.checks = [f'machine {kind}'], [None]
        self.pages, self.order = [], []
        self.known = set()      # (CPU, page) that cost no exit any more

    def _line(self, line, check=None):
        self.lines.append(line)
        self.checks.append(check)

    def start(self, first, pages, cpu=0):
        """Begin a log."""
        self._line(f'start {cpu} {first * PAGE} {pages}', self._started)
        self.pages, self.order = list(range(first, first + pages)), []
        self.known.clear()

    @staticmethod
    def _started(said):
        error, flushes = said.split()
        expect('write_log_start()', '0', error)
        if flushes == '0':
            raise Wrong('the CPU does not flush what it knows of the tables')

    def touch(self, page, write, cpu=0):
        """An access somewhere in a page."""
        at = page * PAGE + self.lab.random.randrange(PAGE)
        known = (cpu, page, write) in self.known
        self.known |= {(cpu, page, False), (cpu, page, write)}
        if write and page in self.pages and page not in self.order:
            self.order.append(page)
        what = f'{"write to" if write else "read of"} {at:#x} by CPU {cpu}'
        self._line(f'touch {cpu} {at} {int(write)}',
                   lambda said: self._touched(what, known, said))

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
        if write and page in self.pages and page not in self.order:
            self.order.append(page)
        self._line(f'own 0 {at} {int(write)}', lambda said: expect(
            f'nested_root_lookup() of {at:#x} for a '
            f'{"write" if write else "read"}', f'0 {at:#x}', said))

    def retype(self, cpu=0):
        """The guest changes its MTRRs."""
        self._line(f'retype {cpu}',
                   lambda said: expect('nested_root_retype()', '0', said))
        self.known.clear()

    def check(self):
        """The log, now."""
        right = ' '.join(hex(page * PAGE) for page in self.order)
        self._line('log', lambda said: expect(
            f'the log, with {self.kind.upper()}', right, said.strip()))

    def run(self):
        """Do it."""
        for check, said in zip(self.checks, self.lab.ask(self.lines)):
            if check:
                check(said)


def somewhere(lab, pages=64):
    """The first of so many pages of RAM, above 16 MiB, not Vellum's."""
    return lab.random.randrange(0x1000, (VELLUM >> 12) - pages)


def both(lab, do):
    """Do something with each format."""
    for kind in ('ept', 'npt'):
        log = Log(lab, kind)
        do(log)
        log.check()
        log.run()


@item('the pages that are written to are noted, in their order', 3,
      required=True)
def noted(lab):
    """In the middle of what was a large leaf."""
    def some(log):
        first, count = somewhere(lab), lab.random.randrange(8, 65)
        log.start(first, count)
        for page in lab.random.sample(range(first, first + count), 6):
            log.touch(page, True)
            log.check()
    both(lab, some)


@item('reads are not, nor what is beside the range', 2)
def others(lab):
    """Also in the same 2 MiB."""
    def some(log):
        first, count = somewhere(lab) & ~511 | 100, 20
        log.start(first, count)
        for page in lab.random.sample(range(first - 20, first + 40), 50):
            log.touch(page, bool(lab.random.randrange(2)))
    both(lab, some)


@item('only the first write costs an exit', 2)
def first_only(lab):
    """And reads do not, once the page is mapped."""
    def some(log):
        first = somewhere(lab)
        log.start(first, 10)
        for _ in range(60):
            log.touch(lab.random.randrange(first, first + 10),
                      bool(lab.random.randrange(2)))
    both(lab, some)


@item('a new log forgets the old one', 1)
def anew(lab):
    """What was read-only for it is so no longer."""
    def some(log):
        first, second = somewhere(lab), somewhere(lab)
        for start in (first, second, first):
            log.start(start, 16)
            other = first + second - start
            for page in (*range(other, other + 16), *range(start, start + 16)):
                log.touch(page, other <= page < other + 16)
            for page in lab.random.sample(range(start, start + 16), 5):
                log.touch(page, True)
            log.check()
    both(lab, some)


@item('what can not be watched is refused, and nothing changes', 1)
def refused(lab):
    """Vellum's pages, registers, too many pages, none."""
    first = somewhere(lab)
    lines = ['machine ept', f'start 0 {first * PAGE} 8', f'touch 0 '
             f'{(first + 1) * PAGE} 1']
    bad = [(first * PAGE, 0), (first * PAGE, 65), (first * PAGE + 16, 1),
           (VELLUM, 1), (VELLUM - 4 * PAGE, 5), (VELLUM + (4 << 20) - PAGE, 1),
           (REGISTERS, 1), (REGISTERS - PAGE, 2), ((1 << 36) - PAGE, 2),
           ((1 << 64) - PAGE, 1), (1 << 48, 1)]
    for base, pages in bad:
        lines.append(f'start 0 {base} {pages}')
    said = lab.ask([*lines, 'log', f'touch 0 {(first + 2) * PAGE} 1', 'log',
                    'read 2', 'read 1000'])
    for (base, pages), answer in zip(bad, said[3:]):
        expect(f'write_log_start({base:#x}, {pages})', str(-EINVAL),
               answer.split()[0])
    pages = [hex((first + i) * PAGE) for i in (1, 2)]
    expect('the log that was there', pages[0], said[-5].strip())
    expect('the log that was there, after one write more', ' '.join(pages),
           said[-3].strip())
    expect('what write_log_read() says of what is not there', ['-2', '-2'],
           said[-2:])


@item('the guest may change its MTRRs meanwhile', 2)
def mtrrs(lab):
    """All leaves are built anew."""
    def some(log):
        first = somewhere(lab)
        log.start(first, 12)
        order = lab.random.sample(range(first, first + 12), 12)
        for page in order[:4]:
            log.touch(page, True)
        for part in (order[4:8], order[8:]):
            log.retype()
            log.touch(order[0], True)
            log.touch(order[0], True)
            for page in part:
                log.touch(page, True)
    both(lab, some)


@item("what Vellum writes on the guest's behalf counts", 1)
def behalf(lab):
    """Also where Vellum has known the piece to be plain memory."""
    def some(log):
        first = somewhere(lab)
        for page in (first, first + 11):
            log.own(page, True)
        log.start(first, 12)
        for page in lab.random.sample(range(first, first + 12), 6):
            log.own(page, False)
            log.own(page, True)
            log.check()
            log.touch(page, True)
    both(lab, some)


@item('CPUs whose tables differ write the same pages', 2)
def two_cpus(lab):
    """Both get through, and a page is noted once."""
    def some(log):
        log.retype(1)
        first = somewhere(lab)
        log.start(first, 12)
        for page in lab.random.sample(range(first, first + 12), 8):
            for cpu in lab.random.sample((0, 1), 2):
                log.touch(page, True, cpu)
                log.touch(page, True, cpu)
    both(lab, some)


@item('a guest begins a log, writes, and reads it', 4)
def booted(lab):
    """In 512 MiB, under SVM; what it writes must arrive, too."""
    script = Script()
    first = lab.random.randrange(0x2000, 0x12000)
    count = lab.random.randrange(8, 40)
    script.write(first * PAGE, 1)
    start = script.hypercall(START, first * PAGE + count)
    order = lab.random.sample(range(first, first + count), 8)
    values = {}
    for page in order:
        if len(values) == 4:
            script.wrmsr(MTRR_DEFAULT, 0xc00)
            script.wrmsr(MTRR_DEFAULT, 0xc06)
        script.read(page * PAGE)
        values[page] = lab.random.getrandbits(32)
        script.write(page * PAGE + 8, values[page])
        script.write((first + count) * PAGE, 1)
    before = script.hypercall(STATS, MEMORY_EXITS)
    for page in order * 3:
        script.write(page * PAGE + 16, 1)
    after = script.hypercall(STATS, MEMORY_EXITS)
    reads = [script.hypercall(READ, i) for i in range(len(order) + 1)]
    machine = script.run(lab, cmdline='hypercall')
    expect('RAX of the hypercall that begins a log', 0,
           script.results(machine, start)[0])
    said = [script.results(machine, each) for each in reads]
    expect('the log', [hex(page * PAGE) for page in order],
           [hex(each[1]) for each in said[:-1] if not each[0]])
    expect('RAX for the entry that is not there', -2 & 0xffffffff,
           said[-1][0])
    for page, value in values.items():
        expect(f'what was written to {page * PAGE + 8:#x}', value,
               machine.word(page * PAGE + 8) & 0xffffffff)
    expect(f'exits for memory at {len(order) * 3} writes to these pages', 0,
           script.results(machine, after)[1] -
           script.results(machine, before)[1])
