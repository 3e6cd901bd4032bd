"""A command that finds a word: the memory is filled here, so what it must say
is known, line by line."""
from judge import Wrong, expect, item

BASE, PAGE, PIECE, MOST = 0x40000000, 4096, 64 << 10, 1024
INSPECT, CHANGE = 1, 2
EPERM, EINVAL = -1, -22


class Memory:
    """Vellum's range: words that are not 0, and pages that are missing."""

    def __init__(self, lab, pages):
        self.lab, self.size = lab, pages * PAGE
        self.words, self.holes = {}, set()
        self.lines = [f'memory {pages}']

    def put(self, at, value, count=1):
        """Words of a value."""
        self.lines.append(f'put {BASE + at} {value} {count}')
        for i in range(count):
            self.words[at + 8 * i] = value

    def hole(self, page):
        """A page that is not mapped."""
        self.lines.append(f'hole {page}')
        self.holes.add(page)

    def right(self, at, length, value):
        """What find must say."""
        first, end = (at + 7) // 8 * 8, (at + length) // 8 * 8
        there = range(first, end, 8)
        found = [each for each in there if self.words.get(each, 0) == value
                 and each // PAGE not in self.holes] if value == 0 else \
            sorted(each for each, other in self.words.items()
                   if other == value and first <= each < end and
                   each // PAGE not in self.holes)
        missing = len([page for page in self.holes if first < end and
                       first // PAGE <= page <= (end - 8) // PAGE])
        what = '' if not missing else ', 1 page is not mapped' \
            if missing == 1 else f', {missing} pages are not mapped'
        return ''.join(f'{BASE + each:#018x}\n' for each in found) + \
            f'{len(found)} found{what}\n'

    def find(self, *asked):
        """Run the command for each (offset, length, word), and compare."""
        said = self.lab.ask([*self.lines, *(
            f'run find {BASE + at:x} {length} {value:#x}'
            for at, length, value in asked)])
        for (at, length, value), answer in zip(asked,
                                               said[len(self.lines):]):
            self._check(at, length, value, answer)

    def _check(self, at, length, value, answer):
        result, pieces, most, text = answer.split()
        what = f'find {BASE + at:x} {length} {value:#x}'
        saw = '' if text == '-' else bytes.fromhex(text).decode()
        right = self.right(at, length, value)
        for number, (each, other) in enumerate(
                zip(right.splitlines(), saw.splitlines()), 1):
            expect(f'{what}: line {number}', each, other)
        expect(f'{what}: what it says', right, saw)
        expect(f'{what}: its result', '0', result)
        if int(most) > MOST:
            raise Wrong(f'{what}: a piece says {most} bytes: expected '
                        f'{MOST} at most')
        if int(pieces) < length // PIECE:
            raise Wrong(f'{what}: expected {length // PIECE} pieces or more, '
                        f'saw {pieces}')


def a_word(lab):
    """One that is nowhere by chance."""
    return lab.random.getrandbits(63) | 1


@item('words are found, in order, and counted', 3, required=True)
def found(lab):
    """Some, none, and one at each end."""
    memory, value = Memory(lab, 40), a_word(lab)
    places = [0, memory.size - 8,
              *lab.random.sample(range(8, memory.size - 8, 8), 12)]
    for at in places:
        memory.put(at, value)
    for at in lab.random.sample(range(8, memory.size - 8, 8), 12):
        if at not in places:
            memory.put(at, value ^ 1 << lab.random.randrange(64))
    middle = lab.random.randrange(8, memory.size // 2) & ~7
    memory.find((0, memory.size, value), (middle, 9 * PAGE, value),
                (0, memory.size, a_word(lab)), (0, 0, value))


@item('only whole words at multiples of 8 count', 1)
def whole_words(lab):
    """From the first that lies behind ADDR to the last before its end."""
    memory, value = Memory(lab, 4), a_word(lab)
    memory.put(PAGE, value, 6)
    asked = [(PAGE + at, length, value) for at in range(9)
             for length in (0, 7, 8, 15, 16, 30)]
    memory.find(*lab.random.sample(asked, 25))


@item('many words take many pieces', 2)
def many(lab):
    """No piece says too much, and none is lost between two."""
    memory, value = Memory(lab, 20), a_word(lab)
    memory.put(PAGE // 2, value, 700)
    memory.put(9 * PAGE, value, lab.random.randrange(100, 512))
    memory.find((0, memory.size, value))


@item('a piece is short, whatever there is', 2)
def short(lab):
    """16 MiB with hardly a word in them."""
    memory, value = Memory(lab, 4096), a_word(lab)
    for at in lab.random.sample(range(0, memory.size, 8), 5):
        memory.put(at, value)
    memory.find((0, memory.size, value))


@item('pages that are not mapped are passed over, and counted', 3)
def holes(lab):
    """At the ends, and several in a row."""
    memory, value = Memory(lab, 60), a_word(lab)
    for page in range(60):
        memory.put(page * PAGE + 8 * lab.random.randrange(512), value)
    first = lab.random.randrange(20, 50)
    for page in {0, 59, first, first + 1, lab.random.randrange(1, 19)}:
        memory.hole(page)
    memory.find((0, memory.size, value),
                (2 * PAGE - 16, (first - 2) * PAGE + 24, value),
                (59 * PAGE, PAGE, value), (first * PAGE + 100, 50, value))


@item('what is not Vellum\'s is refused, and what is no number', 2)
def refused(lab):
    """With a message; the last byte of the range is Vellum's."""
    memory = Memory(lab, 8)
    bad = [f'{BASE - 8:x} 8 1', f'{BASE:x} {memory.size + 1} 1',
           f'{BASE + memory.size - 8:x} 9 1', '0 8 1', f'{2 ** 64 - 8:x} 8 1',
           f'{BASE + 8:x} {2 ** 64 - 8} 1', f'{BASE:x} {2 ** 64 - 1} 1',
           f'{BASE:x} x 1', f'{BASE:x} 8 g', 'hello 8 1', f'{BASE:x} 8 '
           f'{2 ** 64:x}', f'{BASE + memory.size + 8:x} 0 1']
    said = lab.ask([*memory.lines, *(f'run find {each}' for each in bad)])[1:]
    for words, answer in zip(bad, said):
        result, _, _, text = answer.split()
        expect(f'find {words}: its result', str(EINVAL), result)
        if text == '-':
            raise Wrong(f'find {words} is refused without a message')
    memory.find((memory.size - 8, 8, 0), (memory.size, 0, 0))


@item('it takes three words, and the right to look', 2)
def words_and_rights(lab):
    """The shell says what it is called with."""
    memory, value = Memory(lab, 2), a_word(lab)
    memory.put(8, value)
    good = f'run find {BASE:x} 0x100 {value:x}'
    said = lab.ask([*memory.lines, good, f'run find {BASE:x} 8',
                    f'run find {BASE:x} 8 1 2', f'rights {CHANGE}', good,
                    f'rights {INSPECT}', good])[len(memory.lines):]
    results = [int(each.split()[0]) for each in said if each]
    expect('results: good, two words, four words, without the right, with it',
           [0, EINVAL, EINVAL, EPERM, 0], results)
    if f'{BASE + 8:x}'.encode().hex() in said[4]:
        raise Wrong('without the right, expected that nothing is shown')
