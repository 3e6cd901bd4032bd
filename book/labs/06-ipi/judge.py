"""To whom an interrupt command goes: by names that are spelt out as sets."""
from judge import Wrong, item

LOGICAL, FLAT, CLUSTER = 1 << 11, 0xffffffff, 0x0fffffff
SHORTHANDS = ('none', 'self', 'all', 'all but self')


def command(lab, dest, *, logical=False, x2apic=False, shorthand=0,
            sender=False, ident=None, ldr=0, dfr=FLAT):
    """A command and a CPU; mode and vector are by chance."""
    noise = lab.random.getrandbits(32) & (0x7ff | 1 << 14 | 1 << 15)
    return {'icr': noise | LOGICAL * logical | shorthand << 18, 'dest': dest,
            'x2apic': x2apic, 'sender': sender,
            'id': ident if ident is not None else lab.random.randrange(16),
            'ldr': ldr, 'dfr': dfr}


def names(cpu):
    """The logical names of a CPU, each as a pair: number of its cluster (None
    where there are no clusters), and number within it."""
    if cpu['x2apic']:
        return {(cpu['id'] >> 4, cpu['id'] & 15)}
    name = cpu['ldr'] >> 24
    if cpu['dfr'] >> 28 == 15:
        return {(None, bit) for bit in range(8) if name >> bit & 1}
    return {(name >> 4, bit) for bit in range(4) if name >> bit & 1}


def called(cpu):
    """The logical names that a destination calls."""
    dest = cpu['dest']
    if cpu['x2apic']:
        return {(dest >> 16, bit) for bit in range(16) if dest >> bit & 1}
    if cpu['dfr'] >> 28 == 15:
        return {(None, bit) for bit in range(8) if dest >> bit & 1}
    clusters = range(16) if dest >> 4 == 15 else (dest >> 4,)
    return {(cluster, bit) for cluster in clusters for bit in range(4)
            if dest >> bit & 1}


def right(cpu):
    """Is this CPU addressed?"""
    shorthand = cpu['icr'] >> 18 & 3
    if shorthand:
        return (cpu['sender'], True, not cpu['sender'])[shorthand - 1]
    if cpu['dest'] == (0xffffffff if cpu['x2apic'] else 0xff):
        return True
    if cpu['icr'] & LOGICAL:
        return bool(names(cpu) & called(cpu))
    return cpu['dest'] == cpu['id']


def judge_commands(lab, cases):
    """Each is answered as it has to be."""
    answers = lab.ask('ask {icr:#x} {dest:#x} {x2apic:d} {sender:d} {id:#x} '
                      '{ldr:#x} {dfr:#x}'.format(**case) for case in cases)
    for case, said in zip(cases, answers):
        if said != str(int(right(case))):
            mode = 'x2APIC' if case['x2apic'] else 'xAPIC'
            kind = 'logical' if case['icr'] & LOGICAL else 'physical'
            raise Wrong(
                f'{mode}, {kind} destination {case["dest"]:#x}, shorthand '
                f'{SHORTHANDS[case["icr"] >> 18 & 3]}, a CPU of ID '
                f'{case["id"]:#x}, LDR {case["ldr"]:#x}, DFR '
                f'{case["dfr"]:#x}{", the sender" * case["sender"]}: expected '
                f'{"yes" if right(case) else "no"}, saw '
                f'{"no" if right(case) else "yes"}')


@item('a physical destination is an APIC ID, or all ones', 2, required=True)
def physical(lab):
    """Of 8 bits, or of 32."""
    cases = []
    for _ in range(30):
        ident = lab.random.randrange(255)
        far = lab.random.getrandbits(31)
        cases += [command(lab, dest, ident=ident)
                  for dest in (ident, ident ^ 1, 0xff)]
        cases += [command(lab, dest, ident=far, x2apic=True)
                  for dest in (far, far & 0xff, far ^ 1 << 20, 0xff,
                               0xffffffff)]
    judge_commands(lab, cases)


@item('a shorthand needs no destination', 1)
def shorthands(lab):
    """Nor does it look at one."""
    judge_commands(lab, [
        command(lab, dest, shorthand=shorthand, sender=sender, ident=3,
                x2apic=x2apic, logical=logical)
        for dest in (3, 9, 0xff) for shorthand in (1, 2, 3)
        for sender in (False, True) for x2apic in (False, True)
        for logical in (False, True)])


@item('flat logical names are single bits', 2)
def flat(lab):
    """A destination may have several."""
    judge_commands(lab, [
        command(lab, lab.random.randrange(256), logical=True,
                ldr=lab.random.choice((1 << lab.random.randrange(8), 0)) << 24)
        for _ in range(200)] + [command(lab, 0xff, logical=True, ldr=0)])


@item('clusters have a number, and names within it', 3)
def clusters(lab):
    """Number 15 means all of them."""
    judge_commands(lab, [
        command(lab, cluster << 4 | lab.random.randrange(16), logical=True,
                ldr=(mine << 4 | 1 << lab.random.randrange(4)) << 24,
                dfr=CLUSTER)
        for mine in range(15) for cluster in {mine, (mine + 1) % 15, 15}
        for _ in range(4)])


@item('x2APIC names follow from the ID', 3)
def x2apic(lab):
    """16 bits of cluster, 16 names in it."""
    cases = []
    for _ in range(100):
        ident = lab.random.randrange(1 << 19)
        bits = lab.random.choice((1 << (ident & 15), 0xffff,
                                  0xffff ^ 1 << (ident & 15),
                                  lab.random.getrandbits(16)))
        cluster = (ident >> 4) ^ lab.random.choice((0, 0, 1))
        cases.append(command(lab, cluster << 16 | bits, logical=True,
                             x2apic=True, ident=ident))
    judge_commands(lab, cases + [command(lab, 0xffffffff, logical=True,
                                         x2apic=True, ident=5)])


@item('random commands agree with a model', 3)
def at_random(lab):
    """Everything at once."""
    pick = lab.random.choice
    judge_commands(lab, [command(
        lab, lab.random.randrange(256), logical=pick((True, False)),
        shorthand=pick((0, 0, 0, 1, 2, 3)), sender=pick((True, False)),
        ldr=lab.random.randrange(256) << 24, dfr=pick((FLAT, CLUSTER)))
        for _ in range(2000)])
