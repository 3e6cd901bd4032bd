"""The memory map, judged by a model that asks for each place of its own."""
from judge import Wrong, item

END, RAM, MOST = 1 << 64, 1, 128


def cut(base, size):
    """An entry as it counts: one that runs past the end of memory is cut."""
    return (base, size if base + size < END else END - base - 1)


def model(entries):
    """The map that entries (base, size, type) make: between two places where
    something begins or ends, the highest type that covers it."""
    whole = [(*cut(base, size), kind) for base, size, kind in entries if size]
    places = sorted({at for base, size, _ in whole
                     for at in (base, base + size)})
    made = []
    for at, end in zip(places, places[1:]):
        kind = max((kind for base, size, kind in whole
                    if base <= at < base + size), default=0)
        if kind and made and made[-1][2] == kind and sum(made[-1][:2]) == at:
            made[-1] = (made[-1][0], end - made[-1][0], kind)
        elif kind:
            made.append((at, end - at, kind))
    return made


def read(text):
    """The map that the child answers."""
    if 'too many' in text:
        raise Wrong('the finished map has more ranges than it has room for')
    return [(int(base, 16), int(size, 16), int(kind)) for base, size, kind in
            (word.split(',') for word in text.split())]


def told(entry):
    """An entry in words."""
    return '{:#x}+{:#x} type {}'.format(*entry)


def compare(entries, wanted, seen):
    """Wrong at the first range that differs."""
    for number, (one, other) in enumerate(zip([*wanted, None],
                                              [*seen, None])):
        if one != other:
            given = '; '.join(told(each) for each in entries[:6])
            raise Wrong(f'of {len(entries)} entries ({given}'
                        f'{"; ..." * (len(entries) > 6)}): range {number}: '
                        f'expected {told(one) if one else "no more"}, saw '
                        f'{told(other) if other else "no more"}')


def lines_of(entries):
    """The commands that make a map of entries."""
    return ['clear', *('add {:#x} {:#x} {}'.format(*each)
                       for each in entries), 'finish']


def judge_maps(lab, maps):
    """Each of the maps is what the model says, in one child."""
    lines, ends = [], []
    for entries in maps:
        lines += lines_of(entries)
        ends.append(len(lines) - 1)
    answers = lab.ask(lines)
    for entries, end in zip(maps, ends):
        compare(entries, model(entries), read(answers[end]))


def apart(lab, count, kinds=(1, 2, 3)):
    """Entries that do not touch each other, in any order."""
    at, made = 0x100000, []
    for _ in range(count):
        at += 0x1000 * lab.random.randrange(1, 50)
        size = 0x1000 * lab.random.randrange(1, 50)
        made.append((at, size, lab.random.choice(kinds)))
        at += size
    lab.random.shuffle(made)
    return made


@item('unsorted entries are sorted', 1, required=True)
def is_sorted(lab):
    """They do not touch each other."""
    judge_maps(lab, [sorted(apart(lab, 12), reverse=True)]
               + [apart(lab, 4 + count) for count in range(12)])


@item('where entries overlap, the higher type wins', 4, required=True)
def overlap(lab):
    """A hole in the middle, at an edge, over an edge."""
    maps = []
    for _ in range(8):
        base = 0x1000 * lab.random.randrange(256, 4096)
        kind = lab.random.randrange(2, 6)
        maps += [[(base, 0x10000, RAM), (base + 0x4000, 0x1000, kind)],
                 [(base + 0x4000, 0x1000, kind), (base, 0x10000, RAM)],
                 [(base, 0x10000, RAM), (base + 0x8000, 0x10000, kind)],
                 [(base, 0x10000, kind), (base, 0x10000, RAM)],
                 [(base, 0x9000, kind), (base + 0x3000, 0x2000, 6 - kind)]]
    judge_maps(lab, maps)


@item('neighbours of one type are joined', 2, required=True)
def joined(lab):
    """And those of two types are not."""
    maps = []
    for _ in range(12):
        base, made = 0x1000 * lab.random.randrange(256, 4096), []
        for _ in range(lab.random.randrange(2, 9)):
            size = 0x1000 * lab.random.randrange(1, 9)
            made.append((base, size, lab.random.randrange(1, 3)))
            base += size
        lab.random.shuffle(made)
        maps.append(made)
    judge_maps(lab, maps)


@item('an entry may begin at 0, and end where memory ends', 2)
def edges(lab):
    """Base + size may be more than 64 bits hold."""
    size = 0x400 * lab.random.randrange(100, 640)
    last = END - 0x1000 * lab.random.randrange(1, 4096)
    judge_maps(lab, [
        [(0, size, RAM)], [(0, size, RAM), (0x100, 0x100, 2)],
        [(last, END - last - 1, 2)], [(last, 2 * (END - last), 2)],
        [(last, END - 1, 2), (0, size, RAM)],
        [(last, END - last, 2), (last - 0x10000, END - 1, RAM)]])


@item('types that are not known are kept', 1)
def unknown(lab):
    """Firmware has some of its own."""
    judge_maps(lab, [apart(lab, 9, (7, 12, 14, 0x70000000))
                     for _ in range(6)])


@item('a map may need more ranges than it has entries', 2)
def more(lab):
    """A hundred holes in RAM, and some beside it."""
    holes = [(0x200000 + 0x10000 * each, 0x1000, 2 + each % 3)
             for each in range(60)]
    lab.random.shuffle(holes)
    judge_maps(lab, [[(0x100000, 0x1000000, RAM), *holes]])


@item('too many entries lose RAM, and never gain any', 2)
def too_many(lab):
    """What is given up is the smallest."""
    entries = [(0x100000 + 0x10000 * each, 0x8000, RAM) for each in range(140)]
    entries += [(0x104000 + 0x10000 * each, 0x8000, 2)
                for each in lab.random.sample(range(140), 30)]
    lab.random.shuffle(entries)
    entries.insert(lab.random.randrange(170), (1 << 32, 1 << 35, RAM))
    seen = read(lab.ask(lines_of(entries))[-1])
    wanted = model(entries)
    for (base, size, _), (after, *_) in zip(seen, seen[1:]):
        if base + size > after:
            raise Wrong(f'ranges at {base:#x} and {after:#x} overlap, or are '
                        'not sorted')
    for base, size, kind in seen:
        if kind == RAM and not any(
                first <= base and base + size <= first + length
                for first, length, what in wanted if what == RAM):
            raise Wrong(f'{told((base, size, kind))} is not all RAM, by the '
                        'entries')
    if (1 << 32, 1 << 35, RAM) not in seen:
        raise Wrong('expected the largest RAM, 32 GiB at 4 GiB, to be kept')


@item('random maps agree with a model', 4)
def random_maps(lab):
    """Entries that lie over each other, many of them."""
    maps = [[(lab.random.randrange(200), lab.random.randrange(50),
              lab.random.randrange(1, 6))
             for _ in range(lab.random.randrange(1, 20))]
            for _ in range(200)]
    judge_maps(lab, maps)


@item('Vellum boots, and has the machine\'s memory map', 2)
def boots(lab):
    """boot_info.map in the memory of the machine that has halted."""
    size = lab.random.choice((96, 160, 320))
    machine = lab.boot(until='halted', mem=f'{size}M')
    data = machine.read('boot_info')
    count = int.from_bytes(data[8:12], 'little')
    ranges = [(int.from_bytes(data[at:at + 8], 'little'),
               int.from_bytes(data[at + 8:at + 16], 'little'),
               int.from_bytes(data[at + 16:at + 20], 'little'))
              for at in range(16, 16 + 24 * min(count, MOST), 24)]
    ram = sum(length for _, length, kind in ranges if kind == RAM) >> 10
    if not (size << 10) - 2048 < ram <= size << 10:
        raise Wrong(f'expected nearly {size} MiB of RAM, saw {ram} KiB in '
                    f'{count} ranges')
    compare(ranges, model(ranges), ranges)
