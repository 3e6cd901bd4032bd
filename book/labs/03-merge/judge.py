"""Split and merge, judged by a model that knows who has each page.

The free blocks follow from that: two buddies that are both free are never left
apart, so each free page is in the largest block of free pages that it can be in.
"""
import struct

from judge import Wrong, item

ORDERS = 13
ENOMEM = -12


def free_blocks(free):
    """{first page: order} of all free blocks; free: a set of pages."""
    blocks, left = {}, set(free)
    for order in reversed(range(ORDERS)):
        size = 1 << order
        heads = [page for page in left if page % size == 0 and
                 all(page + k in left for k in range(size))]
        for head in heads:
            blocks[head] = order
            left.difference_update(range(head, head + size))
    return blocks


def order_of(pages):
    """The order of the block that so many pages are taken from."""
    return (pages - 1).bit_length()


class Pool:
    """The model, and the commands that lead to it."""

    def __init__(self, lab, pages, used):
        self.lab, self.pages = lab, pages
        self.free = set(range(used, pages))
        self.held = {}                  # handle -> [first page, pages]
        self.were = {}                  # the same, of those freed as well
        self.lines, self.checks = [], []
        self._line(f'setup {pages} {used}', self._see_zero)
        self.count = 0

    def _line(self, line, check):
        """A command, what is to be seen of it, and a dump behind it."""
        self.lines += [line, 'dump']
        self.checks.append(check)

    @staticmethod
    def _see_zero(said):
        if said != '0':
            raise Wrong(f'expected 0, saw {said}')

    def alloc(self, pages):
        """Allocate; the handle."""
        handle = self.count
        self.count += 1
        self._line(f'alloc {pages}', lambda said: self._got(handle, pages,
                                                            said))
        return handle

    def _got(self, handle, pages, said):
        error, first = map(int, said.split())
        order = order_of(pages)
        there = [head for head, size in free_blocks(self.free).items()
                 if size >= order]
        if not there or pages > 4096:
            if (error, first) != (ENOMEM, 0xdead):
                raise Wrong(f'expected -ENOMEM and no address, saw {error} '
                            f'and page {first}')
            return
        if error:
            raise Wrong(f'expected a block, as one is free at {min(there)}, '
                        f'saw {error}')
        if first % (1 << order):
            raise Wrong(f'expected a multiple of {1 << order}, saw page '
                        f'{first}')
        wanted = set(range(first, first + pages))
        if not wanted <= self.free:
            raise Wrong(f'page {min(wanted - self.free)} is not free, and '
                        f'part of the block at {first} that was given out')
        self.free -= wanted
        self.held[handle] = [first, pages]

    def release(self, handle):
        """Free what alloc() got; nothing when that was none."""
        self._line(f'free {handle}', lambda said: self._freed(handle))

    def _freed(self, handle):
        first, pages = self.held.pop(handle, (0, 0))
        self.free |= set(range(first, first + pages))

    def add(self, first, pages):
        """Free reserved pages."""
        def added(said):
            self._see_zero(said)
            self.free |= set(range(first, first + pages))
        self._line(f'add {first} {pages}', added)

    def check(self):
        """Let the child do all that, and look at each step."""
        answers = self.lab.ask(self.lines)
        for number, check in enumerate(self.checks):
            line = self.lines[2 * number]
            try:
                check(answers[2 * number])
                self._compare(answers[2 * number + 1])
            except Wrong as wrong:
                raise Wrong(f'after {self._told(line)}: {wrong}') from None
        return self

    def _told(self, line):
        """A command with what it was about."""
        name, _, handle = line.partition(' ')
        if name == 'free' and int(handle) in self.were:
            first, pages = self.were[int(handle)]
            return f'free_page(page {first}, {pages} pages)'
        return {'alloc': f'alloc_pages({handle})',
                'add': f'free_reserved_pages({handle.replace(" ", ", ")})',
                'setup': 'setup_pages() of {} pages, {} taken'.format(
                    *line.split()[1:3], '')}.get(name, line)

    def _compare(self, said):
        """The free blocks are what they have to be."""
        head, _, lists = said.partition(' |')
        available, locked, *array = head.split()
        self.were.update(self.held)
        wanted = free_blocks(self.free)
        for what, text in (('the page array', array),
                           ('the free lists', lists.split())):
            seen = {}
            for word in text:
                page, order = word.split(':')
                if page == 'broken':
                    raise Wrong(f'the free list of order {order} does not '
                                'lead back')
                if int(page) in seen:
                    raise Wrong(f'page {page} is twice in {what}')
                seen[int(page)] = int(order)
            if seen != wanted:
                raise Wrong(different(wanted, seen, what))
        if int(available) != len(self.free):
            raise Wrong(f'expected {len(self.free)} pages available, saw '
                        f'{available}')
        if locked != '0':
            raise Wrong('the lock is still held')


def named(blocks):
    """Blocks in words, at most four."""
    words = [f'order {order} at {page}'
             for page, order in sorted(blocks.items())[:4]]
    more = len(blocks) - 4
    return (', '.join(words) or 'none') + (f' and {more} more' * (more > 0))


def different(wanted, seen, what):
    """The blocks around the first place where two sets differ."""
    place = min(page for page in {*wanted, *seen}
                if wanted.get(page) != seen.get(page))
    order = max(blocks.get(place, 0) for blocks in (wanted, seen))
    area = range(place, place + (1 << order))
    return (f'expected free in {what}: '
            f'{named({p: o for p, o in wanted.items() if p in area})}; saw: '
            f'{named({p: o for p, o in seen.items() if p in area})}')


@item('what is freed at first makes the largest blocks', 2, required=True)
def first_blocks(lab):
    """put_block() alone."""
    for _ in range(6):
        pages = lab.random.randrange(2, 6000)
        Pool(lab, pages, lab.random.randrange(pages)).check()
    Pool(lab, 4096, 0).check()


@item('pages that are freed one by one merge', 3, required=True)
def one_by_one(lab):
    """In any order."""
    size = lab.random.choice((64, 128, 200))
    pool = Pool(lab, size, size)
    order = list(range(size))
    lab.random.shuffle(order)
    for page in order:
        pool.add(page, 1)
    pool.check()


@item('a block is split down to the order that is asked for', 3)
def split(lab):
    """One page of the largest block splits all orders, and they merge."""
    for pages in (4096, 4096 + lab.random.randrange(4096)):
        pool = Pool(lab, pages, 0)
        pool.release(pool.alloc(1))
        pool.check()


@item('a block is aligned to the next power of two, and no page is wasted', 2)
def aligned(lab):
    """Whatever its size."""
    pool = Pool(lab, 3 * 4096, 1)
    sizes = [lab.random.randrange(1, 1 << lab.random.randrange(1, 13))
             for _ in range(24)]
    for size in sizes:
        pool.release(pool.alloc(size))
    pool.check()


@item('the last page is given out, and then -ENOMEM returned', 2)
def last_page(lab):
    """And nothing changes."""
    size = lab.random.randrange(100, 300)
    pool = Pool(lab, size, 0)
    handles = [pool.alloc(1) for _ in range(size)]
    for order in range(ORDERS):
        pool.alloc(1 << order)
    pool.release(lab.random.choice(handles))
    pool.alloc(2)
    pool.alloc(1)
    pool.check()


@item('every other page held leaves no block of two', 1)
def every_other(lab):
    """Buddies merge when the second of them comes back."""
    pool = Pool(lab, 128, 0)
    handles = [pool.alloc(1) for _ in range(128)]
    rest = handles[1::2]
    lab.random.shuffle(rest)
    for handle in handles[::2]:
        pool.release(handle)
    pool.alloc(2)
    for handle in rest:
        pool.release(handle)
    pool.check()


@item('a freed page is the next one given out', 1)
def next_one(lab):
    """While its neighbours are held."""
    pool = Pool(lab, 64, 0)
    handles = [pool.alloc(1) for _ in range(40)]
    again = []
    for handle in lab.random.sample(handles, 12):
        pool.release(handle)
        again.append((handle, pool.alloc(1)))
    pool.check()
    for old, new in again:
        was, is_ = pool.were[old][0], pool.were[new][0]
        if was != is_:
            raise Wrong(f'page {was} was freed last: expected it to be given '
                        f'out next, saw page {is_}')


@item('a random walk agrees with the model', 4)
def random_walk(lab):
    """Three pools, mostly taking and mostly giving in turns."""
    for pages, used, largest in ((100, 3, 40), (257, 1, 64), (1000, 9, 5)):
        pool, held = Pool(lab, pages, used), []
        for step in range(300):
            if not held or lab.random.randrange(8) < (5, 3)[step // 60 % 2]:
                held.append(pool.alloc(1 + lab.random.randrange(largest)))
            else:
                pool.release(held.pop(lab.random.randrange(len(held))))
        pool.check()


@item('what is no block cannot be freed', 1)
def no_block(lab):
    """And it is said what it is."""
    first = 8 * lab.random.randrange(2, 6)
    start = ['setup 64 3', *['alloc 8'] * (first // 8), 'alloc 7']
    seven = int(lab.ask(start)[-1].split()[1])
    lines = [*start, f'page {seven}']
    for page, what in ((seven, 'already free'), (seven + 3, 'already free'),
                       (1, 'reserved for the program'),
                       (64, 'not page memory')):
        lab.ask([*lines, f'page {page}'], panics=what)
    lab.ask([*start, f'page {seven + 3}'], panics='inside a block')


@item('the machine boots, and its pages are whole', 2)
def boots(lab):
    """vmm_pool and its array in the memory of the machine that has halted."""
    machine = lab.boot(until='halted')
    array, pages = struct.unpack('<QQ', machine.read('vmm_pool')[240:256])
    if not 1000 < pages < 200000:
        raise Wrong(f'expected a pool of some thousand pages, saw {pages}')
    types = [int.from_bytes(machine.at(array + 24 * page + 20, 4), 'little')
             for page in range(pages)]
    seen = {page: kind for page, kind in enumerate(types) if kind < ORDERS}
    free = {page + k for page, kind in seen.items() for k in range(1 << kind)}
    if len(free) < pages // 2 or seen != free_blocks(free):
        raise Wrong(different(free_blocks(free), seen, 'the page array')
                    if free else 'no page is free')
