"""The first page tables, walked by the judge, as the CPU would."""
from judge import Wrong, item

P, W, PS, ADDRESS = 1, 2, 1 << 7, 0xffffffffff000
M2, MIB, GIB, TABLES, ENOMEM = 2 << 20, 1 << 20, 1 << 30, 24, -12
DIRECT = 0xffff800000000000


class Map:
    """What is to be mapped, and what was."""

    def __init__(self, lab, levels):
        self.lab, self.levels = lab, levels
        self.lines, self.areas = [f'new {levels}'], []

    def add(self, virt, phys, size, bits=0):
        """An area; what was there is replaced."""
        self.lines.append(f'map {virt:#x} {phys:#x} {size:#x} {bits:#x}')
        self.areas.append((virt, phys, size, bits))

    def wanted(self, address):
        """The entry that must map an address; 0: none."""
        for virt, phys, size, bits in reversed(self.areas):
            if virt <= address < virt + size:
                at = phys + (address - virt) // M2 * M2
                return at | P | W | PS | bits
        return 0

    def check(self, places=()):
        """Do it, and walk to the edges of all areas, and to the places."""
        *errors, said = self.lab.ask([*self.lines, 'dump'])
        for line, error in zip(self.lines[1:], errors[1:]):
            if error != '0':
                raise Wrong(f'{line}: expected 0, saw {error}')
        edges = {at for virt, _, size, _ in self.areas
                 for at in (virt, virt + size - 1, virt + size,
                            virt + size // 2, max(virt - 1, 0))}
        base, used, *entries = said.split()
        base, tables = int(base, 16), read(entries)
        for at in sorted({*edges, *places}):
            if at < 1 << 64:
                self._look(at, tables, base)
        if not 1 < int(used) <= TABLES:
            raise Wrong(f'expected map->used to count the tables, saw {used}')
        top = max(table for table, _ in tables)
        if top >= int(used):
            raise Wrong(f'table {top} is used, but map->used is {used}')

    def _look(self, address, tables, base):
        """One walk."""
        table, wanted = 0, self.wanted(address)
        for level in range(self.levels, 1, -1):
            index = address >> 12 + 9 * (level - 1) & 511
            entry = tables.get((table, index), 0)
            if not entry & P:
                break
            if level == 2:
                break
            if not entry & W or entry & PS or entry >> 63:
                raise Wrong(f'{address:#x}: the entry of level {level}, '
                            f'{entry:#x}, does not point to a table that '
                            'allows everything')
            table = ((entry & ADDRESS) - base) >> 12
            if not 0 < table < TABLES:
                raise Wrong(f'{address:#x}: the entry of level {level}, '
                            f'{entry:#x}, leads to no table')
        if (entry if entry & P else 0) != wanted:
            raise Wrong(f'{address:#x}: expected an entry {wanted:#x}, saw '
                        f'{entry:#x}')


def read(entries):
    """{(table, index): entry} of what the child says."""
    found = {}
    for each in entries:
        place, value = each.split('=')
        table, index = place.split('.')
        found[int(table), int(index)] = int(value, 16)
    return found


def as_the_loader(lab, levels):
    """All that the loader maps."""
    base = 4 * MIB * lab.random.randrange(50, 700)
    screen = GIB * lab.random.randrange(8, 1 << 16)
    made = Map(lab, levels)
    made.add(0, 0, 4 * GIB)
    made.add(GIB, base, 128 * MIB)
    made.add(DIRECT, 0, 4 * GIB)
    made.add(DIRECT + screen, screen, 32 * MIB, 8)
    return made


@item('a page is mapped where it is wanted', 2, required=True)
def one_page(lab):
    """And nowhere else."""
    for levels in (4, 5):
        made = Map(lab, levels)
        made.add(M2 * lab.random.randrange(1 << 26),
                 M2 * lab.random.randrange(1 << 20), M2,
                 lab.random.choice((0, 8, 0x18)))
        made.check()


@item('four levels, the way the loader uses them', 3)
def four(lab):
    """What was mapped before is replaced."""
    as_the_loader(lab, 4).check([0x1234, 3 * GIB + 5])


@item('five levels', 2)
def five(lab):
    """The root has one level more."""
    as_the_loader(lab, 5).check([0x1234, 3 * GIB + 5])


@item('without a table left it says so', 2)
def none_left(lab):
    """And takes none that is not there."""
    size = GIB * lab.random.randrange(40, 90)
    for levels in (4, 5):
        answers = lab.ask([f'new {levels}', f'map 0 0 {size:#x} 0', 'dump'])
        if answers[1] != str(ENOMEM):
            raise Wrong(f'{size >> 30} GiB do not fit: expected {ENOMEM}, saw '
                        f'{answers[1]}')
        if answers[2].split()[1] != str(TABLES):
            raise Wrong(f'expected {TABLES} tables used, saw '
                        f'{answers[2].split()[1]}')


@item('Vellum starts under UEFI, and the firmware goes on as its guest', 3)
def boots(lab):
    """boot_info of the Vellum that runs, in the memory of the machine."""
    machine = lab.boot(firmware='uefi', seconds=60,
                       until=r'launching the guest')
    info, base = machine.read('boot_info'), machine.base
    if info[0] != 1 or not 0 < info[8] <= 128:
        raise Wrong('expected boot_info to be filled in, saw firmware '
                    f'{info[0]} and {info[8]} ranges of memory')
    if base.to_bytes(8, 'little') not in info:
        raise Wrong(f'expected boot_info to have Vellum\'s range from '
                    f'{base:#x} on, saw another')
