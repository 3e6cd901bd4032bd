"""Vellum's range as a guest finds it: one blank page, and a scratch page where
it has written. Judged by which pages are the same, in both formats."""
from judge import Wrong, expect, item

GIB, MIB, PAGE, M2 = 1 << 30, 1 << 20, 4096, 2 << 20
ENOMEM, EPERM, EINVAL = -12, -1, -22
FORMATS = {0: 'EPT', 1: 'NPT'}
WRITE = 2                       # the bit, in both
NX = {0: 4, 1: 1 << 63}         # what says that a fetch is refused


class Range:
    """A map that a child has, with Vellum's range in it."""

    def __init__(self, lab, npt, size=None):
        self.lab, self.npt = lab, npt
        self.size = size or M2 * lab.random.randrange(2, 65)
        self.base = GIB + M2 * lab.random.randrange(400)
        self.lines = [f'start {npt} {self.base:#x} {self.size:#x}', 'counts']
        self.at = []            # of each look: its number in the answers

    def add(self, *lines):
        """Commands."""
        self.lines += lines

    def spots(self, count):
        """Pages of the range, each another one, as addresses within them."""
        pages = self.lab.random.sample(range(self.size // PAGE), count)
        return [self.base + page * PAGE + self.lab.random.randrange(PAGE)
                for page in pages]

    def look(self, *places):
        """Look at these places, what is there."""
        self.at.append(len(self.lines))
        self.lines += [f'look {place:#x}' for place in places]

    def ask(self):
        """All answers."""
        return self.lab.ask(self.lines)

    def blank_bits(self, entry):
        """May an entry of a page of the range be like this, without W?"""
        refused = entry & NX[self.npt]
        return not entry & WRITE and bool(refused) == bool(self.npt)


def seen(text):
    """(page, entry, size) of a look; None when nothing is there."""
    error, page, entry, size = text.split()
    return None if error != '0' else (int(page, 16) & ~(PAGE - 1),
                                      int(entry, 16), int(size, 16))


def count(text):
    """The counts, by name."""
    return dict(zip(('pages', 'hidden_tables', 'hidden_writes', 'live',
                     'locked'), map(int, text.split())))


def check_counts(what, before, after, tables, writes):
    """After `tables` more tables and so many writes."""
    for name, more in (('pages', tables), ('hidden_tables', tables),
                       ('hidden_writes', writes), ('live', tables)):
        label = 'tables allocated' if name == 'live' else f'map->{name}'
        expect(f'{what}: {label}', before[name] + more, after[name])
    expect(f'{what}: the lock is held', 0, after['locked'])


@item('the blank page is blank, and everywhere', 3, required=True)
def blank(lab):
    """Through one table, read-only, and not to be executed."""
    for npt, name in FORMATS.items():
        area = Range(lab, npt)
        places = [area.base + at for at in range(0, area.size, PAGE)]
        area.look(*places, area.base - 1, area.base + area.size)
        area.add(f'page {area.base:#x}')
        answers = area.ask()
        expect(f'{name}: nested_map_build()', '0', answers[0])
        start = count(answers[1])
        expect(f'{name}: map->hidden_tables', 1, start['hidden_tables'])
        expect(f'{name}: map->pages', start['live'], start['pages'])
        looks = [seen(text) for text in answers[2:-1]]
        first = looks[0]
        for place, there in zip(places, looks):
            if not there or there[2] != PAGE or there[0] != first[0] or \
                    not area.blank_bits(there[1]):
                raise Wrong(f'{name}: {place:#x}: expected the blank page, '
                            'read-only and not to be executed, saw '
                            + ('nothing' if not there else
                               f'an entry {there[1]:#x} for {there[2]} bytes'))
        for place, there in zip((area.base - 1, area.base + area.size),
                                looks[-2:]):
            if not there or there[0] != place & ~(PAGE - 1):
                raise Wrong(f'{name}: {place:#x}, beside the range: expected '
                            'to be mapped to itself')
        expect(f'{name}: the blank page', '00' * PAGE, answers[-1])


def write_to(area, places):
    """The guest writes to places: faults, and does it again."""
    for place in places:
        area.add(f'touch {place:#x} 1', f'fault {place:#x} 1',
                 f'touch {place:#x} 1')


@item('the first write to a page moves it to scratch', 4, required=True)
def scratch(lab):
    """The page alone; in a copy of the table that is its 2 MiB's."""
    for npt, name in FORMATS.items():
        area = Range(lab, npt, 16 * MIB)
        places = area.spots(12)
        area.add(f'touch {places[0]:#x} 0')
        write_to(area, places)
        area.add('counts')
        every = [area.base + at for at in range(0, area.size, PAGE)]
        area.look(*every)
        answers = area.ask()
        steps, wrote = answers[3:3 + 3 * len(places)], set()
        for number, place in enumerate(places):
            expect(f'{name}: a first write to {place:#x} (exit, answer of '
                   'nested_map_fault(), and again)', ['0', '0', '1'],
                   steps[3 * number:3 * number + 3])
            wrote.add(place & ~(PAGE - 1))
        check_counts(f'{name}: after writes to {len(places)} pages',
                     count(answers[1]), count(answers[3 + len(steps)]),
                     len({place // M2 for place in places}), len(places))
        looks = dict(zip(every, map(seen, answers[-len(every):])))
        pages = {there[0] for at, there in looks.items() if at in wrote}
        others = {there[0] for at, there in looks.items() if at not in wrote}
        if len(pages) != 1 or len(others) != 1 or pages == others:
            raise Wrong(f'{name}: expected one scratch page where the guest '
                        f'wrote, and one blank page elsewhere, saw '
                        f'{len(pages)} and {len(others)} pages')
        for at, there in looks.items():
            if bool(there[1] & WRITE) != (at in wrote):
                raise Wrong(f'{name}: {at:#x}: expected '
                            f'{"W" if at in wrote else "no W"}, saw an entry '
                            f'{there[1]:#x}')


@item('a fetch is refused for good', 2)
def fetch(lab):
    """Before a write, and after it."""
    for npt, name in FORMATS.items():
        area = Range(lab, npt)
        place, = area.spots(1)
        area.add(f'fault {place:#x} 0')
        write_to(area, [place])
        area.add(f'fault {place:#x} 0', 'counts')
        area.look(place)
        answers = area.ask()
        expect(f'{name}: a fetch from {place:#x}', str(EPERM), answers[2])
        expect(f'{name}: a fetch after a write', str(EPERM), answers[6])
        check_counts(f'{name}: after one write and two fetches',
                     count(answers[1]), count(answers[7]), 1, 1)
        if bool(seen(answers[8])[1] & NX[npt]) != bool(npt):
            raise Wrong(f'{name}: the scratch page may be executed')


@item('the second CPU finds the work done', 2)
def second(lab):
    """Although the hardware has set bits in the entry."""
    for npt, name in FORMATS.items():
        area = Range(lab, npt)
        place, = area.spots(1)
        write_to(area, [place])
        area.add('counts', f'fault {place:#x} 1', f'fault {place ^ 8:#x} 1',
                 'counts')
        answers = area.ask()
        expect(f'{name}: a second fault on {place:#x}', ['0', '0'],
               answers[6:8])
        check_counts(f'{name}: after a second fault', count(answers[5]),
                     count(answers[8]), 0, 0)


@item('a write without memory changes nothing and can be tried again', 2)
def no_memory(lab):
    """The table of the 2 MiB cannot be had."""
    for npt, name in FORMATS.items():
        area = Range(lab, npt)
        place, = area.spots(1)
        area.add('room 0', f'fault {place:#x} 1', 'counts',
                 f'touch {place:#x} 1', f'room {(1 << 31) - 1}')
        write_to(area, [place])
        area.add('counts')
        answers = area.ask()
        expect(f'{name}: a write without memory', str(ENOMEM), answers[3])
        check_counts(f'{name}: after it', count(answers[1]),
                     count(answers[4]), 0, 0)
        expect(f'{name}: and with memory again', ['0', '0', '0', '1'],
               [answers[5], *answers[7:10]])
        check_counts(f'{name}: in the end', count(answers[1]),
                     count(answers[10]), 1, 1)


@item('new memory types keep what was written to', 2)
def types(lab):
    """A new tree has the same tables of the range."""
    for npt, name in FORMATS.items():
        area = Range(lab, npt)
        written = area.spots(5)
        write_to(area, written)
        others = [place for place in area.spots(20)
                  if place // PAGE not in {each // PAGE for each in written}]
        area.look(*written, *others)
        area.add('counts', 'retype 4')
        area.look(*written, *others)
        area.add('counts')
        answers = area.ask()
        size = len(written) + len(others)
        first = area.at[0]
        before = [seen(each) for each in answers[first:first + size]]
        after = [seen(each) for each in answers[-size - 1:-1]]
        expect(f'{name}: what is in the range after new types',
               [each[:2] for each in before], [each[:2] for each in after])
        expect(f'{name}: map->hidden_writes', 5,
               count(answers[-1])['hidden_writes'])


@item('a range that is not made of whole 2 MiB is refused', 1)
def odd(lab):
    """And nothing stays allocated."""
    for npt, name in FORMATS.items():
        for base, size in ((GIB + PAGE, 4 * MIB), (GIB, 4 * MIB + PAGE),
                           (GIB + MIB * lab.random.choice((1, 3)), 8 * MIB)):
            answers = lab.ask([f'start {npt} {base:#x} {size:#x}', 'counts'])
            expect(f'{name}: a range of {size:#x} bytes at {base:#x}',
                   str(EINVAL), answers[0])
            expect(f'{name}: tables that stay allocated', 0,
                   count(answers[1])['live'])


def nested_root(machine):
    """Where the nested page tables of the machine are: by what the guest's
    CPU has been told (nCR3 of the VMCB)."""
    for page in range(machine.base, machine.base + (16 << 20), PAGE):
        # VMCB: nested paging on, an nCR3 in Vellum's range, an ASID.
        if machine.word(page + 0x90) & 1 and machine.word(page + 0x58) \
                & 0xffffffff == 1:
            root = machine.word(page + 0xb0)
            if machine.base <= root < machine.base + (128 << 20) and \
                    not root & 0xfff:
                return root
    raise Wrong('expected a VMCB with nested paging in Vellum\'s memory')


@item('the guest of the machine cannot see Vellum', 3)
def boots(lab):
    """A walk through the nested page tables in the machine's memory."""
    machine = lab.boot(guest=lab.guest('guest.S'),
                       until=lambda m: m.memory(0x9000, 4) == b'done',
                       seconds=40)
    root, pages = nested_root(machine), set()
    for at in range(machine.base, machine.base + (128 << 20), PAGE):
        entry, level = machine.walk(root, at)
        pages.add((entry & 0xffffffffff000, level, entry & WRITE,
                   bool(entry & NX[1])))
        if len(pages) > 1:
            break
    page, level, write, refused = pages.pop()
    if pages or level != 1 or write or not refused:
        raise Wrong(f'nested page tables at {root:#x}: expected one read-only '
                    'page that cannot be executed in all of Vellum\'s range, '
                    f'saw at {at:#x} another')
    if any(machine.memory(page, PAGE)):
        raise Wrong('expected the blank page to be blank')
    if machine.walk(root, machine.base - PAGE)[0] & 0xffffffffff000 \
            not in (machine.base - PAGE, machine.base - M2,
                    (machine.base - 1) & ~(GIB - 1)):
        raise Wrong('expected what is below the range to be mapped to itself')
