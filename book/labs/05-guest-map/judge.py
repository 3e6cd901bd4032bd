"""The guest's memory map, judged by ranges that are cut one by one."""
from judge import Wrong, item

END, RAM, RESERVED, KIB, MIB, GIB = 1 << 64, 1, 2, 1 << 10, 1 << 20, 1 << 30


def model(machine, taken):
    """What is left of the machine's ranges, and the taken ones, in order."""
    pieces = [(base, base + size, kind) for base, size, kind in machine]
    for low, size, _ in taken:
        high, left = low + size, []
        for first, end, kind in pieces:
            left += [(first, min(end, low), kind), (max(first, high), end,
                                                    kind)]
        pieces = [each for each in left if each[0] < each[1]]
    pieces += [(base, base + size, kind) for base, size, kind in taken]
    return [(first, end - first, kind) for first, end, kind in sorted(pieces)]


def told(entry):
    """An entry in words."""
    return '{:#x}+{:#x} type {}'.format(*entry) if entry else 'no more'


def judge_maps(lab, cases):
    """Each (machine, taken) gives what the model says."""
    lines, ends = [], []
    for machine, taken in cases:
        lines += ['clear',
                  *('add {:#x} {:#x} {}'.format(*each) for each in machine),
                  *('take {:#x} {:#x} {}'.format(*each) for each in taken),
                  'build']
        ends.append(len(lines) - 1)
    answers = lab.ask(lines)
    for (machine, taken), end in zip(cases, ends):
        wanted = model(machine, taken)
        seen = [(int(base, 16), int(size, 16), int(kind))
                for base, size, kind in
                (word.split(',') for word in answers[end].split())]
        for number, (one, other) in enumerate(zip([*wanted, None],
                                                  [*seen, None])):
            if one != other:
                raise Wrong(
                    f'of {len(machine)} ranges (first {told(machine[0])}), '
                    f'with {" and ".join(map(told, taken)) or "none"} taken: '
                    f'entry {number}: expected {told(one)}, saw '
                    f'{told(other)}')


def pc(lab):
    """A machine of some hundred MiB."""
    size = lab.random.randrange(300, 900)
    return size, [(0, 0x9fc00, RAM), (0x9fc00, KIB, RESERVED),
                  (MIB, (size - 1) * MIB, RAM), (size * MIB, MIB, 42),
                  (0xfffc0000, 0x40000, RESERVED), (4 * GIB, GIB, RAM)]


@item('a PC loses two ranges and nothing else', 3, required=True)
def loses_two(lab):
    """Vellum's range and the stub's."""
    cases = []
    for _ in range(10):
        size, machine = pc(lab)
        base = 4 * lab.random.randrange(2, (size - 130) // 4) * MIB
        cases.append((machine, [(0x9e800, 0x1400, RESERVED),
                                (base, 128 * MIB, RESERVED)]))
    judge_maps(lab, cases)


@item('what is not taken stays as it is', 1)
def stays(lab):
    """Nothing is joined, nothing is lost."""
    judge_maps(lab, [(pc(lab)[1], []), (pc(lab)[1], [(2 * GIB, MIB, 2)])])


@item('one range may contain both of the taken ones', 2)
def both(lab):
    """In either order, side by side, and at its edges."""
    cases = []
    for _ in range(6):
        low = 0x1000 * lab.random.randrange(1, 99)
        mid = low + 0x1000 * lab.random.randrange(10, 99)
        far = mid + 0x1000 * lab.random.randrange(10, 99)
        cases += [([(0, far + 0x9000, RAM)], [(low, 0x2000, 2),
                                              (mid, 0x3000, 2)]),
                  ([(0, far + 0x9000, RAM)], [(mid, 0x3000, 2),
                                              (low, mid - low, 4)]),
                  ([(low, far - low, RAM)], [(far - 0x1000, 0x1000, 2),
                                             (low, 0x1000, 2)])]
    judge_maps(lab, cases)


@item('a taken range may cover whole entries, and reach into others', 2)
def covers(lab):
    """From the middle of one into the middle of another."""
    cases = []
    for _ in range(8):
        _, machine = pc(lab)
        first = 0x400 * lab.random.randrange(1, 600)
        cases.append((machine, [(first, lab.random.randrange(
            2 * MIB, 5 * GIB), RESERVED)]))
    judge_maps(lab, cases)


@item('the last byte of all may be the last of a range', 2)
def the_end(lab):
    """Where base + size is 0."""
    at = END - 0x1000 * lab.random.randrange(2, 99)
    low = 0x1000 * lab.random.randrange(1, 99)
    judge_maps(lab, [
        ([(MIB, END - MIB, RAM)], [(at, END - at, RESERVED)]),
        ([(MIB, END - MIB, RAM)], [(at, 0x1000, RESERVED)]),
        ([(low, END - low, RAM)], [(low, END - low, RESERVED)]),
        ([(0, low, 3), (low, END - low, RAM)], [(0, low + 5, 2),
                                                (at, END - at, 2)])])


@item('random maps agree with a model', 4)
def at_random(lab):
    """A hundred ranges, two taken."""
    cases = []
    for _ in range(200):
        machine, at = [], 0
        for _ in range(lab.random.randrange(1, 100)):
            at += lab.random.randrange(3) * KIB
            size = 1 + lab.random.randrange(0x2000)
            machine.append((at, size, 1 + lab.random.randrange(7)))
            at += size
        first = lab.random.randrange(0x40000)
        size = 1 + lab.random.randrange(0x8000)
        taken = [(first, size, 2),
                 (first + size + lab.random.randrange(0x1000),
                  1 + lab.random.randrange(0x8000), 2)]
        lab.random.shuffle(taken)
        cases.append((machine, taken))
    judge_maps(lab, cases)
