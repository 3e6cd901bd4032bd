"""Slots, judged by a model that knows where each object is, and by it which bit
of which page must be what."""
import struct

from judge import Wrong, item

PAGE, HEADER, RESERVE = 4096, 64, 256
SIZES = (16, 32, 64, 128, 256, 512, 1024)
FREED_TWICE = 'already free'


def class_of(size):
    """Bytes of the slot that an object of some bytes gets."""
    return next(each for each in SIZES if each >= size)


def slots(size):
    """First usable slot of a page, and how many there are."""
    return -(-HEADER // size), PAGE // size


class Heap:
    """The model, and the commands that lead to it."""

    def __init__(self, lab, pages=320):
        self.lab, self.free_pages = lab, pages - RESERVE
        self.lines, self.checks = [f'setup {pages}', 'dump'], [None]
        self.objects = {}               # handle -> (page, slot, slot size)
        self.slabs = {size: set() for size in SIZES}    # pages of a class
        self.count, self.freed = 0, {}

    def alloc(self, size):
        """Allocate; the handle."""
        handle, self.count = self.count, self.count + 1
        self.lines += [f'alloc {size}', 'dump']
        self.checks.append(lambda said: self._got(handle, size, said))
        return handle

    def release(self, handle):
        """Free it."""
        self.lines += [f'free {handle}', 'dump']
        self.checks.append(lambda said: self._gone(handle))

    def _taken(self, page, size):
        return {slot for each, slot, kind in self.objects.values()
                if each == page and kind == size}

    def _room(self, size):
        """Pages of a class that have a free slot, by the model."""
        first, count = slots(size)
        return {page for page in self.slabs[size]
                if len(self._taken(page, size)) < count - first}

    def _got(self, handle, size, said):
        size = class_of(size)
        room = self._room(size)
        if said == 'null':
            if room or self.free_pages:
                raise Wrong('expected an object, as there is memory, saw NULL')
            return
        page, offset = divmod(int(said, 16), PAGE)
        slot, beyond = divmod(offset, size)
        first, count = slots(size)
        if beyond or not first <= slot < count:
            raise Wrong(f'expected a slot of {size} bytes behind the header, '
                        f'saw {offset:#x} in page {page}')
        if slot in self._taken(page, size):
            raise Wrong(f'slot {slot} of page {page} is in use, and was given '
                        'out again')
        if page not in self.slabs[size]:
            if room:
                raise Wrong(f'expected a slot of page {min(room)}, which has '
                            f'one, saw a new page, {page}')
            self.slabs[size].add(page)
            self.free_pages -= 1
        self.objects[handle] = page, slot, size

    def _gone(self, handle):
        if handle in self.objects:
            self.freed[handle] = self.objects.pop(handle)

    def check(self):
        """Let the child do it, and look at each step."""
        answers = self.lab.ask(self.lines)
        for number, check in enumerate(self.checks):
            try:
                if check:
                    check(answers[2 * number])
                self._compare(answers[2 * number + 1])
            except Wrong as wrong:
                raise Wrong(f'after {self._told(self.lines[2 * number])}: '
                            f'{wrong}') from None
        return self

    def _told(self, line):
        """A command in words."""
        name, _, word = line.partition(' ')
        if name == 'free' and int(word) in self.freed:
            page, slot, size = self.freed[int(word)]
            return f'free(slot {slot} of page {page}, {size} bytes)'
        return f'{name}({word})'

    def _compare(self, said):
        """All classes as the child has them."""
        head, *classes = said.split(' | ')
        available, locked = head.split()
        if locked != '0':
            raise Wrong('a lock is still held')
        told = {}
        for text in classes:
            rest, _, listed = text.partition(' ;')
            shift, pages, current, *slabs = rest.split()
            if int(shift) not in range(4, 11):
                raise Wrong(f'there is no class of shift {shift}')
            told[1 << int(shift)] = (int(pages), int(current, 16), slabs,
                                     listed.split())
        for size in SIZES:
            self._class(size, *told.get(size, (0, (1 << 64) - 1, [], [])))
        if int(available) != self.free_pages:
            raise Wrong(f'expected {self.free_pages} pages available, saw '
                        f'{available}')

    def _class(self, size, pages, current, slabs, listed):
        """One class: its pages are those that have objects, and one."""
        found = dict(self._slab(size, text) for text in slabs)
        if len(found) != pages:
            raise Wrong(f'{size} bytes: expected {len(found)} pages in '
                        f'cls->pages, saw {pages}')
        have = {page for page in self.slabs[size] if self._taken(page, size)}
        if have - set(found):
            raise Wrong(f'page {min(have - set(found))} has objects of {size} '
                        'bytes, and is no page of the class')
        empty = set(found) - have
        if empty - {current}:
            raise Wrong(f'expected page {min(empty - {current})}, which is '
                        'empty and not the current one, to go back')
        gone = self.slabs[size] - set(found)
        self.free_pages += len(gone)
        self.slabs[size] = set(found)
        wanted = self._room(size) - {current}
        if 'broken' in listed or sorted(int(each, 16) for each in listed) != \
                sorted(wanted):
            raise Wrong(f'{size} bytes, current page {current}: expected on '
                        f'the list {[hex(each) for each in sorted(wanted)]}, '
                        f'saw {listed}')
        for page, (word, link, bits) in found.items():
            if link != (page in wanted):
                raise Wrong(f'page {page}: link.next says that it is '
                            f'{"" if link else "not "}on the list')
            if page in wanted and not bits >> 64 * word & (1 << 64) - 1:
                raise Wrong(f'page {page} is on the list, and its word, '
                            f'{word}, has no free slot')

    def _slab(self, size, text):
        """A page's header against the objects that are there."""
        page, used, word, link, words = text.split(':')
        page = int(page, 16)
        bits = sum(int(each, 16) << 64 * number
                   for number, each in enumerate(words.split(',')))
        first, count = slots(size)
        taken = self._taken(page, size)
        wanted = sum(1 << slot for slot in range(first, count)
                     if slot not in taken)
        if bits != wanted:
            slot = ((bits ^ wanted) & -(bits ^ wanted)).bit_length() - 1
            raise Wrong(f'page {page}, slot {slot} of {size} bytes: expected '
                        f'it to be {"free" if wanted >> slot & 1 else "taken"}'
                        ' by the bitmap, saw the other')
        if int(used) != len(taken):
            raise Wrong(f'page {page}: expected {len(taken)} objects in '
                        f'slab->used, saw {used}')
        return page, (int(word), link != '0', bits)


@item('objects get slots of their class, and the header leaves them all', 3,
      required=True)
def all_slots(lab):
    """Until the page is full, and one more."""
    for size in lab.random.sample(SIZES, 4):
        first, count = slots(size)
        heap = Heap(lab)
        for _ in range(count - first + 2):
            heap.alloc(lab.random.randrange(size // 2 + 1, size + 1))
        heap.check()


@item('a freed slot is used before a new page', 3, required=True)
def again(lab):
    """Of any page of the class."""
    for size in (16, 64, 256, 1024):
        first, count = slots(size)
        heap = Heap(lab)
        handles = [heap.alloc(size) for _ in range(3 * (count - first))]
        for handle in lab.random.sample(handles, 4):
            heap.release(handle)
        for _ in range(5):
            heap.alloc(size)
        heap.check()


@item('the lowest free slot of a word is taken', 1)
def lowest(lab):
    """All words have one free slot or more."""
    heap = Heap(lab)
    handles = [heap.alloc(64) for _ in range(63)]
    freed = lab.random.sample(handles, 9)
    for handle in freed:
        heap.release(handle)
    new = [heap.alloc(64) for _ in freed]
    heap.check()
    wanted = sorted(heap.freed[each][1] for each in freed)
    seen = [heap.objects[each][1] for each in new]
    if seen != wanted:
        raise Wrong(f'expected the slots {wanted}, in this order, saw {seen}')


@item('one empty page of each class is kept, others go back', 2)
def go_back(lab):
    """In any order."""
    for size in (1024, lab.random.choice((256, 512))):
        first, count = slots(size)
        heap = Heap(lab)
        handles = [heap.alloc(size) for _ in range(4 * (count - first))]
        lab.random.shuffle(handles)
        for handle in handles:
            heap.release(handle)
        heap.alloc(size)
        heap.check()


@item('one object that comes and goes takes no page each time', 1)
def comes_and_goes(lab):
    """The current page stays."""
    heap = Heap(lab)
    for _ in range(10):
        heap.release(heap.alloc(lab.random.choice((64, 64, 1000))))
    heap.check()
    if heap.free_pages < 62:
        raise Wrong(f'expected two pages to be kept, saw '
                    f'{64 - heap.free_pages}')


@item('out of memory is NULL, and memory that comes back is used', 2)
def no_memory(lab):
    """Every page has three objects of 1024 bytes."""
    heap = Heap(lab, RESERVE + 12)
    handles = [heap.alloc(1024) for _ in range(38)]
    heap.alloc(16)
    for handle in lab.random.sample(handles[:36], 3):
        heap.release(handle)
        heap.alloc(1000)
        heap.alloc(1000)
    heap.check()


@item('what cannot be freed is named', 3)
def named(lab):
    """Freed twice, or no object; and no lock is held then."""
    size = lab.random.choice((64, 128, 256))
    start = ['setup 320', *[f'alloc {size}'] * 5, 'alloc 9000', 'free 2']
    for line, text in (
            ('free 2', FREED_TWICE), (f'freeat 4 {size}', FREED_TWICE),
            (f'freeat 1 {size // 4}', 'inside an object, not its start'),
            ('freeat 1 1', 'inside an object, not its start'),
            ('freeat 5 64', 'inside a block, not its start'),
            ('freeaddress 1', 'not page memory')):
        refused(lab, [*start, line], text)
    refused(lab, ['setup 320', *['alloc 1024'] * 6,
                  *(f'free {each}' for each in range(6)), 'free 5'],
            FREED_TWICE)
    refused(lab, ['setup 320', 'alloc 64', 'free 0', 'free 0'], FREED_TWICE)


def refused(lab, lines, text):
    """The last line must panic, with no lock held."""
    said = lab.ask(lines, panics=text)[-1]
    if 'with a lock held' in said:
        raise Wrong(f'{lines[-1]}: panics with a lock held')


@item('a header that contradicts itself is not believed', 3)
def header(lab):
    """Where it says that there is a slot, and there is none."""
    words, text = 8, 'header of the page'
    used = struct.pack('<I', lab.random.randrange(1, 60)).hex()
    refused(lab, ['setup 320', *['alloc 64'] * 20, f'poke 0 0 {"00" * words}',
                  f'poke 0 56 {used}', 'alloc 64'], text)
    # Then the current page is full, and the other one on the list.
    full = ['setup 320', *['alloc 16'] * 504, 'free 3', 'free 300',
            'alloc 16']
    for place, data in ((0, '00' * 32), (60, struct.pack('<I', 4).hex()),
                        (60, lab.random.randbytes(3).hex() + '70')):
        refused(lab, [*full, f'poke 300 {place} {data}', 'alloc 16'], text)


@item('a random walk agrees with the model', 4)
def random_walk(lab):
    """All classes, mostly taking and mostly giving in turns."""
    heap, held = Heap(lab), []
    for step in range(700):
        if not held or lab.random.randrange(8) < (6, 3)[step // 140 % 2]:
            held.append(heap.alloc(lab.random.choice(
                (1, 16, 40, 64, 200, 500, 1024))))
        else:
            heap.release(held.pop(lab.random.randrange(len(held))))
    heap.check()


@item('threads never get the same object', 3)
def threads(lab):
    """Who had what, from when to when."""
    said = lab.ask([f'setup {RESERVE + 300}', 'threads', 'dump'])
    spans = {}
    for word in said[1].split():
        start, end, offset, size = word.split(',')
        if int(offset, 16) != (1 << 64) - 1:
            spans.setdefault(int(offset, 16), []).append(
                (int(start), int(end), int(size)))
    if sum(map(len, spans.values())) < 6000:
        raise Wrong('expected most allocations of four threads to succeed')
    for offset, each in spans.items():
        each.sort()
        for (_, end, _), (start, _, _) in zip(each, each[1:]):
            if start < end:
                raise Wrong(f'the object at {offset:#x} was given to two '
                            'threads at a time')
        if not offset % PAGE or offset % class_of(min(one[2]
                                                      for one in each)):
            raise Wrong(f'{offset:#x} is not where an object begins')
    for text in said[2].split(' | ')[1:]:
        slabs = text.partition(' ;')[0].split()[3:]
        if len(slabs) > 1 or slabs and slabs[0].split(':')[1] != '0':
            raise Wrong('expected one empty page of each class when all is '
                        f'freed, saw {text}')


@item('the debug build boots, and each slot is as it was left', 2)
def boots(lab):
    """Pages of the heap in the memory of the machine that has halted: free
    slots are poisoned, taken ones have their trailer."""
    machine = lab.boot(test=True, until='halted', seconds=60)
    pages = 0
    for number in range(7):
        base = machine.symbol('heap_classes') + 64 * number
        fields = machine.at(base, 64)
        owned, current = struct.unpack('<IQ', fields[4:16])
        size, empty = 16 << number, machine.symbol('no_slab')
        if struct.unpack('<I', fields[32:36])[0] != 4 + number:
            raise Wrong(f'class {number} of the machine is damaged')
        if owned > 100:
            raise Wrong(f'expected few pages of {size} bytes, saw {owned}')
        if current != empty:
            check_page(machine.at(current, PAGE), size)
            pages += 1
    if not pages:
        raise Wrong('expected the self-tests to have used the heap')


def check_page(data, size):
    """A page of the debug build."""
    bits = int.from_bytes(data[:32], 'little')
    first, count = slots(size)
    for slot in range(first, count):
        text = data[slot * size:(slot + 1) * size]
        free = bits >> slot & 1
        if free and text != b'\xdb' * size:
            raise Wrong(f'a free slot of {size} bytes is not poisoned: '
                        'slot_freed() has not seen it')
        if not free and text[-4:] != b'\x1e\x0b\x4d\x0e':
            raise Wrong(f'an object of {size} bytes has no trailer: '
                        'slot_allocated() has not seen it')
    used = struct.unpack('<I', data[56:60])[0]
    if used + bin(bits).count('1') != count - first:
        raise Wrong(f'a page of {size} bytes: bitmap and count disagree')
