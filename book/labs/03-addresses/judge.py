"""Address-ordered free lists, judged by a model that knows the free pages.

They tell all: each free page is in the largest free block that it can be in,
and an allocation takes the lowest block of the smallest order that will do.
"""
from judge import Wrong, expect, item

ORDERS = 13


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


class Pool:
    """The model, and the commands for the child."""

    def __init__(self, lab, pages, used=0):
        self.lab, self.free = lab, set(range(used, pages))
        self.held = []              # by handle: (first page, pages) or None
        self.lines, self.right = [f'setup {pages} {used}'], ['0']

    def alloc(self, pages):
        """Take pages from the lowest block of the smallest order; a handle."""
        order = (pages - 1).bit_length()
        found = min(((each, page) for page, each in
                     free_blocks(self.free).items() if each >= order),
                    default=None)
        self.lines.append(f'alloc {pages}')
        self.held.append((found[1], pages) if found else None)
        if found:
            self.free -= set(range(found[1], found[1] + pages))
            self.right.append(f'0 {found[1]}')
        else:
            self.right.append(f'-12 {0xdead}')
        return len(self.held) - 1

    def _give(self, line, first, end):
        self.lines.append(line)
        self.right.append('')
        self.free |= set(range(first, end))

    def release(self, handle):
        """Free a block."""
        if self.held[handle]:
            first, pages = self.held[handle]
            self._give(f'free {handle}', first, first + pages)
            self.held[handle] = None

    def shrink(self, handle, pages):
        """Keep the first pages of a block."""
        first, before = self.held[handle]
        self._give(f'shrink {handle} {pages}', first + pages, first + before)
        self.held[handle] = first, pages

    def add(self, page, pages):
        """Reserved pages become free."""
        self._give(f'add {page} {pages}', page, page + pages)
        self.right[-1] = '0'

    def check(self):
        """Let the child do it all; is it as in the model, and sorted?"""
        said = self.lab.ask([*self.lines, 'dump'])
        for line, right, saw in zip(self.lines, self.right, said):
            if right == saw:
                continue
            if right.startswith('0 '):
                raise Wrong(f'{line}: expected {in_words(right)}, the lowest '
                            'block of the smallest order that will do; saw '
                            f'{in_words(saw)}')
            raise Wrong(f'{line}: expected {in_words(right)}, saw '
                        f'{in_words(saw)}')
        self._check_lists(said[-1])

    def _check_lists(self, dump):
        """The free blocks by the page array, then those on the lists."""
        state, _, lists = dump.partition(' |')
        available, locked, *blocks = state.split()
        wanted = sorted(free_blocks(self.free).items())
        expect('pages available', len(self.free), int(available))
        expect('the lock', '0', locked)
        expect('free blocks (page:order) in the page array',
               ' '.join(f'{page}:{order}' for page, order in wanted),
               ' '.join(blocks))
        expect('the free lists, from order 0 on', ' '.join(
            f'{page}:{order}' for order in range(ORDERS)
            for page, each in wanted if each == order), lists.strip())


def in_words(answer):
    """What an allocation answered."""
    error, _, page = answer.partition(' ')
    return f'page {page}' if error == '0' and page else f'"{answer}"'


def scattered(lab, order, blocks):
    """A pool of so many blocks of an order, all of them held; the handles of
    every other one, in any order: no two of them are buddies."""
    pool = Pool(lab, blocks << order)
    handles = [pool.alloc(1 << order) for _ in range(blocks)]
    chosen = [handles[i + lab.random.randrange(2)]
              for i in range(0, blocks, 2)]
    lab.random.shuffle(chosen)
    return pool, chosen


@item('of single pages the lowest is taken first', 3, required=True)
def single_pages(lab):
    """Whatever the order in which they were freed."""
    pool, chosen = scattered(lab, 0, 64)
    for handle in chosen:
        pool.release(handle)
    for _ in chosen:
        pool.alloc(1)
    pool.check()


@item('so are larger blocks', 2)
def larger_blocks(lab):
    """Of any order."""
    for order in lab.random.sample(range(1, 7), 3):
        pool, chosen = scattered(lab, order, 16)
        for handle in chosen:
            pool.release(handle)
        for _ in chosen[:-1]:
            pool.alloc((1 << order) - lab.random.randrange(1 << order - 1))
        pool.check()


@item('what merges takes its place in the next list', 2)
def merged(lab):
    """Two buddies become one block between others."""
    pool = Pool(lab, 128)
    handles = [pool.alloc(1) for _ in range(128)]
    pairs = lab.random.sample(range(0, 32), 16)
    for pair in pairs:
        pool.release(handles[4 * pair])
        pool.release(handles[4 * pair + 1])
    for _ in range(6):
        pool.alloc(2)
    pool.check()


@item('so do the rest of an odd block and what is shrunk away', 2)
def rests(lab):
    """put_pages() frees them in pieces."""
    pool = Pool(lab, 256)
    handles = [pool.alloc(16) for _ in range(16)]
    lab.random.shuffle(handles)
    for handle in handles[:8]:
        pool.shrink(handle, lab.random.randrange(1, 16))
    for _ in range(8):
        pool.alloc(lab.random.randrange(1, 4))
    pool.check()


@item('pages may be added in any order', 1)
def added(lab):
    """As at the start, and when the panic reserve is freed."""
    pool = Pool(lab, 64, 64)
    pages = list(range(0, 64, 2))
    lab.random.shuffle(pages)
    for page in pages:
        pool.add(page, 1)
    for _ in range(10):
        pool.alloc(1)
    pool.check()


@item('a random walk agrees with the model', 4)
def random_walk(lab):
    """Mostly taking and mostly giving in turns."""
    for pages, used, largest in ((100, 3, 30), (257, 1, 12), (64, 0, 3)):
        pool, held = Pool(lab, pages, used), []
        for step in range(250):
            if not held or lab.random.randrange(8) < (5, 3)[step // 50 % 2]:
                held.append(pool.alloc(1 + lab.random.randrange(largest)))
            else:
                pool.release(held.pop(lab.random.randrange(len(held))))
        pool.check()


def lists_of(machine):
    """The numbers of the pages on each list, as memory has them."""
    pool = machine.read('vmm_pool')
    head = machine.symbol('vmm_pool')
    array = int.from_bytes(pool[240:248], 'little')
    for order in range(ORDERS):
        place, pages = head + 16 * order, []
        node = int.from_bytes(pool[16 * order:16 * order + 8], 'little')
        while node != place:
            if len(pages) > 65536:
                raise Wrong(f'the list of order {order} does not end')
            pages.append((node - array) // 24)
            node = int.from_bytes(machine.at(node, 8), 'little')
        yield pages


@item('Vellum boots, tests itself, and its lists ascend', 2)
def boots(lab):
    """In the memory of the machine, when it has halted."""
    machine = lab.boot(test=True, until='halted')
    lists = list(lists_of(machine))
    if sum(map(len, lists)) < 3:
        raise Wrong('there are hardly any free blocks')
    for order, pages in enumerate(lists):
        expect(f'the free list of order {order}', sorted(pages), pages)
