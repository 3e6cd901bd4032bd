"""Page tables, judged by a walk of the judge's own, and by what was mapped."""
from judge import Wrong, item

POOL = 0x7000000
P, W, PS, NX = 1, 2, 1 << 7, 1 << 63
ADDRESS = 0xffffffffff000
SIZE = {1: 1 << 12, 2: 1 << 21, 3: 1 << 30}
MIB, GIB = 1 << 20, 1 << 30
ENOMEM, EEXIST = -12, -17


class Tables:
    """The tables that a child has dumped."""

    def __init__(self, text, levels):
        used, self.counted, *entries = text.split()
        self.used, self.levels = int(used), levels
        self.counted = int(self.counted)
        self.entries = {}
        for each in entries:
            place, value = each.split('=')
            table, index = place.split('.')
            self.entries[int(table), int(index)] = int(value, 16)

    def walk(self, address):
        """(entry, level) where a CPU's walk ends."""
        table = 0
        for level in range(self.levels, 0, -1):
            index = address >> 12 + 9 * (level - 1) & 511
            entry = self.entries.get((table, index), 0)
            if not entry & P or level == 1 or entry & PS:
                return entry, level
            table = ((entry & ADDRESS) - POOL) >> 12
            if not 0 < table < self.used:
                raise Wrong(f'the entry of level {level} for {address:#x} '
                            f'leads to {entry & ADDRESS:#x}, where no table '
                            'is')
        return 0, 0


class Areas:
    """What was mapped: by it is known what an address must lead to."""

    def __init__(self, lab, levels=4, largest=3, tables=600):
        self.lab, self.levels, self.largest = lab, levels, largest
        self.lines = [f'new {levels} {largest} {tables}']
        self.wanted = ['0']             # None: anything
        self.areas, self.split = [], set()

    def line(self, text, wanted=None):
        """A command, and what its answer must be."""
        self.lines.append(text)
        self.wanted.append(wanted)

    def map(self, virt, phys, size, bits=P, error=0):
        """Map an area."""
        self.line(f'map {virt:#x} {phys:#x} {size:#x} {bits:#x}', str(error))
        if not error:
            self.areas.append((virt, phys, size, bits))

    def page(self, address):
        """(first byte, physical address, level, bits) of the page that must
        be at an address; None: nothing is mapped there."""
        for virt, phys, size, bits in self.areas:
            while size:
                level = max(each for each in SIZE if each <= self.largest and
                            size >= SIZE[each] and
                            (virt | phys) % SIZE[each] == 0 or each == 1)
                if virt <= address < virt + SIZE[level]:
                    return self._piece(address, virt, phys, level, bits)
                step = SIZE[level]
                virt, phys, size = virt + step, phys + step, size - step
                if virt > address:
                    break
        return None

    def _piece(self, address, virt, phys, level, bits):
        """The same where a page was split at some addresses."""
        while level > 1 and any(virt <= at < virt + SIZE[level]
                                for at in self.split):
            level -= 1
            offset = (address - virt) // SIZE[level] * SIZE[level]
            virt, phys = virt + offset, phys + offset
        return virt, phys, level, bits

    def look(self, places):
        """Do all of it; then each of the places must be as it should be, for
        pt_lookup() and for a walk of our own."""
        lines = [*self.lines, 'dump',
                 *(f'lookup {place:#x}' for place in places), 'dump']
        answers = self.lab.ask(lines)
        for line, wanted, seen in zip(lines, self.wanted, answers):
            if wanted not in (None, seen):
                raise Wrong(f'{line}: expected {wanted}, saw {seen}')
        before, *found, after = answers[len(self.lines):]
        if before != after:
            raise Wrong('pt_lookup() has changed the tables')
        tables = Tables(before, self.levels)
        if tables.counted != tables.used:
            raise Wrong(f'expected {tables.used} tables in pt->tables, saw '
                        f'{tables.counted}')
        for place, said in zip(places, found):
            self._compare(place, tables.walk(place), said)
        return tables

    def _compare(self, place, walked, said):
        """One place."""
        want = self.page(place)
        entry, level, same = said.split()
        entry, level = int(entry, 16), int(level)
        for who, (value, depth) in (('the tables', walked),
                                    ('pt_lookup()', (entry, level))):
            if want is None:
                if value & P:
                    raise Wrong(f'{place:#x}: expected nothing there, saw in '
                                f'{who} an entry {value:#x} of level {depth}')
                continue
            _, phys, size, bits = want
            bits |= PS if size > 1 else 0
            if (value, depth) != (phys | bits, size):
                raise Wrong(f'{place:#x}: expected in {who} an entry '
                            f'{phys | bits:#x} of level {size}, saw '
                            f'{value:#x} of level {depth}')
        if (entry, level) != walked or same != '1':
            raise Wrong(f'{place:#x}: expected pt_lookup() to find '
                        f'{walked[0]:#x} of level {walked[1]}, saw '
                        f'{entry:#x} of level {level}')

    def edges(self):
        """Where areas begin and end, and what is beside them."""
        return sorted({at for virt, _, size, _ in self.areas
                       for at in (virt, virt + size - 1, virt + size,
                                  max(virt - 1, 0), virt + size // 2)})


def pages(lab, most):
    """A size of some pages."""
    return 4096 * lab.random.randrange(1, most)


@item('what is mapped in small pages is found', 2, required=True)
def small(lab):
    """One page here and there, at random."""
    areas = Areas(lab)
    for _ in range(20):
        at = 4096 * lab.random.randrange(1 << 35)
        areas.map(at, 4096 * lab.random.randrange(1 << 24), 4096,
                  P | W * lab.random.randrange(2) | NX)
    areas.look(areas.edges())


@item('the largest pages that fit are used', 2, required=True)
def largest(lab):
    """Below a GiB and above the next: each size once."""
    for limit in (3, 2, 1):
        areas = Areas(lab, largest=limit)
        at = GIB * lab.random.randrange(5, 100) - 2 * MIB - 4096
        areas.map(at, at - 4 * GIB, (GIB if limit == 3 else 6 * MIB) +
                  2 * (2 * MIB + 4096), P | NX)
        areas.look(areas.edges() + [at + 4096, at + 4096 + 2 * MIB])
    areas = Areas(lab)
    areas.map(0, 4096 * lab.random.randrange(1, 512), 2 * MIB)
    areas.look(areas.edges() + [4096, MIB])


@item('five levels work like four', 1)
def five(lab):
    """The root has one level more."""
    areas = Areas(lab, levels=5)
    for _ in range(10):
        areas.map(4096 * lab.random.randrange(1 << 44),
                  4096 * lab.random.randrange(1 << 20), 4096)
    areas.map(0xfffffffffffff000, MIB, 4096)
    areas.look([at for at in areas.edges() if at < 1 << 64])


@item('what is mapped is not mapped again', 1)
def again(lab):
    """And stays."""
    areas, at = Areas(lab), 2 * MIB * lab.random.randrange(3, 99)
    areas.map(at, 8 * MIB, 2 * MIB)
    areas.map(at, 0, 2 * MIB, error=EEXIST)
    areas.map(at + 2 * MIB - 4096, 4096 * lab.random.randrange(9), 4096,
              error=EEXIST)
    areas.split.add(at + 2 * MIB - 4096)
    areas.look([at, at + MIB, at + 2 * MIB - 1])


@item('a page that was split maps what it did before', 3)
def split(lab):
    """512 pieces, and in the one that was asked for another 512."""
    for _ in range(3):
        areas, base = Areas(lab), GIB * lab.random.randrange(1, 9)
        areas.map(base, GIB * lab.random.randrange(9), GIB, P | W | NX)
        at = base + 4096 * lab.random.randrange(GIB >> 12)
        areas.line(f'entry {at:#x} 1', '1')
        areas.split.add(at)
        near = [at ^ bit
                for bit in (0, 4096, 8192, 2 * MIB, 4 * MIB, GIB >> 1)]
        tables = areas.look(near + [base + pages(lab, GIB >> 12)
                                    for _ in range(40)])
        if tables.used != 4:
            raise Wrong(f'expected 4 tables, saw {tables.used}')


@item('without memory for a table an error is returned', 2)
def no_memory(lab):
    """A map that is not made, an entry that is not found."""
    at = 4096 * lab.random.randrange(1 << 35)
    for tables in (1, 2, 3):
        areas = Areas(lab, tables=tables)
        areas.map(at, 0, 4096, error=ENOMEM)
        areas.line(f'entry {at:#x} 1', '0')
        areas.look([at, at ^ 4096])


@item('a split without memory leaves the large page', 2)
def no_split(lab):
    """A split in two steps may fail at the second."""
    for room in (0, 1):
        areas, base = Areas(lab), GIB * lab.random.randrange(1, 9)
        areas.map(base, 7 * GIB, GIB, P | W)
        areas.line(f'room {room}')
        at = base + 4096 * lab.random.randrange(512, GIB >> 12)
        areas.line(f'entry {at:#x} 1', '0')
        areas.lines += [f'lookup {at:#x}']
        areas.wanted += [None]
        tables = lab.ask([*areas.lines, 'dump'])[-1]
        entry, level = Tables(tables, 4).walk(at)
        if (entry & ADDRESS) + at % SIZE[level] != 7 * GIB + at - base or \
                not entry & PS:
            raise Wrong(f'{at:#x}: expected {7 * GIB + at - base:#x} behind '
                        f'it as before, saw an entry {entry:#x} of level '
                        f'{level}')


@item('bit 7 is no PS at level 1', 1)
def pat(lab):
    """It is the PAT's there, and no leaf is split twice."""
    areas, at = Areas(lab), 4096 * lab.random.randrange(1 << 34)
    areas.map(at, 12 * MIB, 4096, P | PS | NX)
    areas.line(f'entry {at:#x} 1', '1')
    areas.look([at, at ^ 4096])
    areas = Areas(lab, largest=2)
    at = 2 * MIB * lab.random.randrange(1 << 20)
    areas.map(at, 0, 2 * MIB)
    areas.line(f'entry {at:#x} 1', '1')
    areas.split.add(at)
    areas.look([at, at + 4096, at + 2 * MIB - 1])


@item('random areas are found where they were mapped', 3)
def at_random(lab):
    """Some in step, so that large pages fit."""
    for number in range(4):
        areas, at = Areas(lab, 4 + number % 2, 1 + number % 3), 4096
        for _ in range(20):
            size, phys = pages(lab, 2000), pages(lab, 1 << 24)
            if lab.random.randrange(2):
                phys = phys // GIB * GIB + at % GIB
            areas.map(at, phys, size, P | lab.random.choice((W | NX, 0)))
            at += size + pages(lab, 1000)
        areas.look(areas.edges())


@item('Vellum runs on its own page tables, and nothing is both writable and '
      'executable', 3)
def boots(lab):
    """CR3 of the machine that has halted, and a walk through its memory."""
    machine = lab.boot(until='halted')
    root = machine.registers()['CR3']
    guards = 0
    if not machine.base <= root < machine.base + (128 << 20):
        raise Wrong(f'expected the root of the page tables in Vellum\'s range '
                    f'from {machine.base:#x} on, saw CR3 = {root:#x}')
    for address, data in machine.elf.read_only():
        for at in range(address & ~4095, address + len(data), 4096):
            entry, level = machine.walk(root, at)
            if not entry & P or (entry & ADDRESS) + at % SIZE[level] != \
                    machine.phys(at) or entry & W:
                raise Wrong(f'{at:#x}, in the read-only part of the image: '
                            f'expected {machine.phys(at):#x} without W, saw '
                            f'an entry {entry:#x} of level {level}')
    at = 1 << 30
    while at < (1 << 30) + (128 << 20):
        entry, level = machine.walk(root, at)
        guards += not entry & P and bool(entry & 1 << 9)
        if entry & P and entry & W and not entry & NX:
            raise Wrong(f'{at:#x} is writable and executable (entry '
                        f'{entry:#x})')
        at += SIZE[level]
    if not guards:
        raise Wrong('expected a guard page under the stack, saw none')
