"""Copies to and from a program's memory, judged byte by byte."""
from judge import Wrong, item, shown

BASE, PAGE, FAULT = 0x400000, 4096, -14
P, W, U, NX = 1, 2, 4, 1 << 63
FIRST, LAST = 6, 31                 # pages of the arena that may be mapped
KINDS = {'text': P | U, 'rodata': P | U | NX, 'data': P | U | W | NX,
         'Vellum\'s': P | W | NX, 'not present': U | W}


class Space:
    """The model: which page is at an address, and what is in each."""

    def __init__(self, lab, kinds):
        """Pages of these kinds, one behind the other from BASE on; None is a
        hole. Each lies somewhere else in memory."""
        self.lab, self.lines, self.checks = lab, [], []
        self._line('new')
        self.at, self.memory = {}, {}
        places = lab.random.sample(range(FIRST, LAST), len(kinds))
        for number, (kind, place) in enumerate(zip(kinds, places)):
            pattern = lab.random.randbytes(256)
            self._line(f'fill {place} {pattern.hex()}')
            self.memory[place] = bytearray(pattern * 16)
            if kind:
                address = BASE + number * PAGE
                self._line(f'map {address:#x} {place} {KINDS[kind]:#x}')
                self.at[address] = place, KINDS[kind]

    def _line(self, line, wanted=None):
        self.lines.append(line)
        self.checks.append(wanted)

    def _bytes(self, address, size, need):
        """(page, offset) of each byte; None where one may not be touched."""
        found = []
        for at in range(address, address + size):
            page, bits = self.at.get(at & ~(PAGE - 1), (0, 0))
            if bits & need != need:
                return None
            found.append((page, at % PAGE))
        return found

    def read(self, address, size):
        """Vellum reads."""
        places = self._bytes(address, size, P | U)
        if places is None:
            self._line(f'read {address:#x} {size}', f'{FAULT} -')
        else:
            data = bytes(self.memory[page][at] for page, at in places)
            self._line(f'read {address:#x} {size}', f'0 {data.hex() or "-"}')

    def write(self, address, size):
        """Vellum writes, and each page is looked at."""
        data = self.lab.random.randbytes(size)
        places = self._bytes(address, size, P | U | W)
        self._line(f'write {address:#x} {data.hex()}',
                   str(FAULT if places is None else 0))
        if places is None:
            for page, bits in self.at.values():
                if bits & (P | U | W) == P | U | W:
                    # Some of it may have been copied.
                    self._line(f'fill {page} 00')
                    self.memory[page] = bytearray(PAGE)
            return
        for (page, at), byte in zip(places, data):
            self.memory[page][at] = byte
        self.look()

    def look(self):
        """Is all memory as it should be?"""
        for page, data in self.memory.items():
            self._line(f'peek {page} 0 {PAGE}', data.hex())

    def far(self, address):
        """A length beyond all memory."""
        self._line(f'read {address:#x} {(1 << 64) - 1}', f'{FAULT} -')
        self._line(f'far {address:#x}', str(FAULT))

    def check(self):
        """Let the child do it."""
        answers, last = self.lab.ask(self.lines), ''
        for line, wanted, seen in zip(self.lines, self.checks, answers):
            if not line.startswith(('peek', 'fill')):
                last = shown(line)
            if wanted not in (None, seen):
                raise Wrong(f'{last}: expected {different(wanted, seen, line)}'
                            )


def different(wanted, seen, line):
    """Two answers, where they begin to differ."""
    error, _, data = wanted.rpartition(' ')
    other, _, got = seen.rpartition(' ')
    if error != other:
        return f'{error or data}, saw {other or got}'
    if not line.startswith(('peek', 'read')):
        return f'{wanted}, saw {seen}'
    at = next((at for at in range(0, len(data), 2)
               if data[at:at + 2] != got[at:at + 2]), len(data)) // 2
    where = f' of page {line.split()[1]}' if line.startswith('peek') else ''
    return (f'byte {at}{where} to be {data[2 * at:2 * at + 2] or "the last"}, '
            f'saw {got[2 * at:2 * at + 2] or "none"}')


def spot(lab, pages=1):
    """An address in the first pages."""
    return BASE + lab.random.randrange(pages * PAGE)


@item('what the program may read is read, within a page', 2, required=True)
def within(lab):
    """From any place in it."""
    space = Space(lab, ['data', 'rodata', 'text'])
    for _ in range(30):
        at = spot(lab, 3)
        space.read(at, lab.random.randrange(1, PAGE - at % PAGE + 1))
    space.check()


@item('what is written is there, and nothing else is changed', 2,
      required=True)
def written(lab):
    """Each page is looked at."""
    space = Space(lab, ['data', 'data'])
    for _ in range(8):
        at = spot(lab)
        space.write(at, lab.random.randrange(1, PAGE - at % PAGE + 1))
        space.read(at, 1)
    space.check()


@item('a copy crosses into pages that are elsewhere', 3)
def across(lab):
    """Three pages, in any order in memory."""
    space = Space(lab, ['data'] * 4)
    for _ in range(6):
        at, size = spot(lab), lab.random.randrange(PAGE, 2 * PAGE)
        space.write(at, size)
        space.read(at, size)
    space.read(BASE + 3 * PAGE, PAGE)
    space.check()


@item('only what the program may do itself is done', 3)
def rights(lab):
    """Each kind of page, alone and as the end of a copy."""
    for kind in (*KINDS, None):
        space = Space(lab, ['data', kind])
        for size in (1, lab.random.randrange(2, 99)):
            space.read(BASE + PAGE, size)
            space.write(BASE + PAGE, size)
            space.read(BASE + PAGE - 1, size + 1)
            space.write(BASE + PAGE - 1, size + 1)
        space.check()


@item('no address but the program\'s is followed', 3)
def addresses(lab):
    """Vellum's, those that wrap round, those that are none."""
    space = Space(lab, ['data', 'data'])
    for at in (0, BASE - 1, BASE + 2 * PAGE, 1 << 30, (1 << 30) + 5 * PAGE,
               0xffff800000000000, 0x800000000000, (1 << 48) + BASE,
               (1 << 64) - 1, (1 << 64) - 8):
        space.read(at, 8)
        space.write(at, 8)
    space.read(BASE - 8, 16)
    space.read(0, 0)
    space.look()
    space.check()


@item('a length beyond all memory ends at the first hole', 2)
def beyond(lab):
    """Address plus size may be more than 64 bits hold."""
    space = Space(lab, ['data', 'data'])
    space.far(spot(lab))
    space.far(BASE + PAGE)
    space.check()


@item('random copies agree with a model', 4)
def at_random(lab):
    """All kinds of pages, side by side."""
    for _ in range(3):
        kinds = [lab.random.choice(('data', 'data', 'rodata', 'text', None))
                 for _ in range(10)]
        space = Space(lab, kinds)
        for _ in range(15):
            size = lab.random.randrange(1, 2 * PAGE)
            (space.read if lab.random.randrange(2) else space.write)(
                spot(lab, 10), size)
        space.check()
