"""A class of 48 bytes, judged by addresses: where objects lie, and that no two
of them share a byte, is known without knowing how the heap finds its slots."""
from collections import Counter

from judge import Wrong, expect, item

PAGE, HEADER = 4096, 64
SIZES = (16, 32, 48, 64, 128, 256, 512, 1024)


def class_for(size):
    """The size of the class for so many bytes."""
    return next(each for each in SIZES if each >= max(size, 1))


def classes(text):
    """{size: (slots, pages, used)} from what "stats" answers."""
    return {int(size): tuple(map(int, rest)) for size, *rest in
            (each.split(':') for each in text.split())}


def place(text):
    """An address."""
    if text == 'none':
        raise Wrong('expected an address, saw NULL')
    return int(text)


def check_objects(objects):
    """objects: {handle: (address, bytes)}; is each where an object may be, and
    apart from all others?"""
    last = 0
    for address, size in sorted(objects.values()):
        where = f'{size} bytes at offset {address % PAGE} of a page'
        if address % 16 or size > 48 and address % class_for(size):
            raise Wrong(f'{where} are not aligned')
        if address % PAGE < HEADER:
            raise Wrong(f'{where} lie in the header')
        if address % PAGE + size > PAGE:
            raise Wrong(f'{where} reach into the next page')
        if address < last:
            raise Wrong(f'{where} overlap the object before them')
        last = address + size


@item('33 to 48 bytes come from a class of 48', 3, required=True)
def right_class(lab):
    """And all other sizes from where they did before."""
    sizes = [33, 48, 32, 49,
             *(lab.random.randrange(1, 200) for _ in range(20)),
             *(lab.random.randrange(33, 49) for _ in range(6))]
    lines = ['setup 1024', 'stats']
    for size in sizes:
        lines += [f'alloc {size}', 'stats']
    said = lab.ask(lines)[1:]
    if tuple(classes(said[0])) != SIZES:
        raise Wrong(f'expected classes of {SIZES}, saw '
                    f'{tuple(classes(said[0]))}')
    used = Counter()
    for size, stats in zip(sizes, said[2::2]):
        used[class_for(size)] += 1
        for each, (_, _, count) in classes(stats).items():
            expect(f'objects in the class of {each} after alloc({size})',
                   used[each], count)


@item('a page holds 83 of them, and no two share a byte', 3, required=True)
def full_pages(lab):
    """Addresses of some hundred objects."""
    count = lab.random.randrange(200, 400)
    sizes = [lab.random.randrange(33, 49) for _ in range(count)]
    said = lab.ask(['setup 1024', *(f'alloc {size}' for size in sizes),
                    'stats', 'check'])
    places = [place(each) for each in said[1:-2]]
    check_objects({i: (each, 48) for i, each in enumerate(places)})
    pages = list(Counter(each // PAGE for each in places).values())
    if min(pages[:-1]) < 83:
        raise Wrong(f'expected 83 objects or more in a full page, saw '
                    f'{min(pages[:-1])}')
    slots, held, used = classes(said[-2])[48]
    expect('get_heap_stats() of the class: slots, pages, used',
           (max(pages), len(pages), count), (slots, held, used))
    expect('mm_check()', '0', said[-1])


@item('what was freed is used again, and empty pages go back', 2)
def pages_go_back(lab):
    """Freed in any order; one page is kept."""
    count = lab.random.randrange(200, 300)
    order = list(range(count))
    lab.random.shuffle(order)
    again = lab.random.sample(order, 40)
    said = lab.ask(['setup 1024', *(f'alloc {48}' for _ in order), 'stats',
                    *(f'free {each}' for each in again),
                    *('alloc 40' for _ in again), 'stats',
                    *(f'free {each}' for each in order if each not in again),
                    *(f'free {count + i}' for i in range(40)),
                    'stats', 'available', 'check'])
    before, between = [classes(each)[48] for each in said if ':' in each][:2]
    expect('(slots, pages, used) when 40 were freed and 40 allocated', before,
           between)
    _, pages, used = classes(said[-3])[48]
    if used or pages > 1:
        raise Wrong('all was freed: expected 0 objects and 1 page, saw '
                    f'{used} and {pages}')
    expect('available pages', int(said[0]) - pages, int(said[-2]))
    expect('mm_check()', '0', said[-1])


@item('realloc() knows how much room there is', 2)
def realloc(lab):
    """In place up to 48 bytes, and with the bytes carried over beyond."""
    small, byte = lab.random.randrange(33, 48), lab.random.randrange(1, 256)
    grown = lab.random.randrange(49, 64)
    first, _, same, less, more, bytes_ = lab.ask([
        'setup 1024', f'alloc {small}', f'fill 0 {byte}', 'realloc 0 48',
        'realloc 0 34', f'realloc 0 {grown}', 'look 0 33'])[1:]
    expect(f'realloc from {small} to 48 bytes', first, same)
    expect('realloc from 48 to 34 bytes', first, less)
    if place(more) % 64 or more == first:
        raise Wrong(f'realloc to {grown} bytes: expected an object of 64 '
                    f'bytes, saw offset {place(more) % PAGE}')
    expect('the bytes after realloc', str(byte), bytes_)


@item('what is no object of the class cannot be freed', 2)
def wrong_frees(lab):
    """And it is said what it is."""
    start = ['setup 1024', *['alloc 48'] * lab.random.randrange(20, 60)]
    at = place(lab.ask(start)[-1])
    page = at - at % PAGE
    for line, wanted in (
            (f'free-at {at + 16}', 'inside an object'),
            (f'free-at {at + 32}', 'inside an object'),
            (f'free-at {at + lab.random.randrange(1, 16)}', 'inside'),
            (f'free-at {page + 48}', 'header'),
            (f'free-at {page + PAGE - 16}', ''),
            (f'free-at {page + PAGE - 8}', '')):
        lab.ask([*start, line], panics=wanted or 'free(0x')
    lab.ask([*start, 'free 3', 'free 3'], panics='already free')
    free_slot = at + 48
    lab.ask([*start, f'free-at {free_slot}'], panics='already free')


@item('mm_check() knows which bits no object belongs to', 2)
def nobodys_bits(lab):
    """A bit past the last slot, and a count that agrees with it."""
    start = ['setup 1024', 'alloc 48', 'alloc 33', 'alloc 64', 'check']
    for bit in (lab.random.randrange(85, 128), 85, 127):
        said = lab.ask([*start, f'free-bit 1 {bit}', 'check'])
        expect('mm_check()', '0', said[-3])
        expect(f'mm_check() when bit {bit} of a page of 48-byte objects says '
               'that a slot is free', '-22', said[-1])


class Walk:
    """Objects of random sizes, and what must be in them."""

    def __init__(self, lab):
        self.random, self.lines = lab.random, ['setup 1024']
        self.live, self.count = {}, 0       # handle -> [line, bytes, byte]
        self.seen = []                      # (line, what to do with it)

    def _line(self, line, check=None):
        self.lines.append(line)
        self.seen.append(check)

    def alloc(self):
        """One more, filled with a byte of its own."""
        handle, size = self.count, self.random.randrange(1, 100)
        byte = self.random.randrange(256)
        self.count += 1
        self._line(f'alloc {size}', (handle, size))
        self._line(f'fill {handle} {byte}')
        self.live[handle] = [size, byte]

    def touch(self):
        """Free one, or give it another size; its bytes must be there."""
        handle = self.random.choice(list(self.live))
        size, byte = self.live[handle]
        self._line(f'look {handle} {size}', str(byte))
        if self.random.randrange(3):
            self._line(f'free {handle}', (handle, None))
            del self.live[handle]
            return
        new = self.random.randrange(1, 100)
        self._line(f'realloc {handle} {new}', (handle, new))
        self._line(f'look {handle} {min(size, new)}', str(byte))
        self._line(f'fill {handle} {byte}')
        self.live[handle][0] = new

    def check(self, lab):
        """Do it; where is each object, and what is in it?"""
        self._line('check', '0')
        objects = {}
        for line, check, said in zip(self.lines[1:], self.seen,
                                     lab.ask(self.lines)[1:]):
            if isinstance(check, str):
                expect(line, check, said)
            elif check:
                handle, size = check
                objects.pop(handle, None)
                if size:
                    objects[handle] = place(said), size
                    check_objects(objects)


@item('a random walk damages no object', 4)
def random_walk(lab):
    """Sizes up to 99 bytes, of four classes and more."""
    walk = Walk(lab)
    for step in range(600):
        if not walk.live or lab.random.randrange(10) < (7, 3)[step // 150 % 2]:
            walk.alloc()
        else:
            walk.touch()
    walk.check(lab)


@item('Vellum boots, and tests its heap', 2)
def boots(lab):
    """With canaries and poison (TEST=1): size_class[] as memory has it."""
    machine = lab.boot(test=True, until='halted')
    table = machine.read('size_class')
    classes_of = [int.from_bytes(table[i:i + 8], 'little')
                  for i in range(0, len(table), 8)]
    wanted = [SIZES.index(class_for(16 * i + 16)) for i in range(64)]
    expect('size_class[], by number of the class', wanted,
           [sorted(set(classes_of)).index(each) for each in classes_of])
    pool = machine.read('vmm_pool')
    available = int.from_bytes(pool[228:232], 'little')
    if available < 1000:
        raise Wrong('the memory is not free after the self-test')
