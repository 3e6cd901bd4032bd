"""A leaf with the number of exits: what is counted is chosen here, on the host
as on a booted machine, where a guest does what a script says."""
from guest_script import Script
from judge import expect, item

LEAF = 0x40000004
REASONS = ('UNKNOWN', 'CPUID', 'RDMSR', 'WRMSR', 'XSETBV', 'CR_WRITE',
           'HYPERCALL', 'VIRT_INSTRUCTION', 'INVD', 'IO', 'MEMORY', 'NMI',
           'NMI_WINDOW', 'TRIPLE_FAULT', 'INIT', 'SIPI', 'TASK_SWITCH')
REGISTERS = ('EAX', 'EBX', 'ECX', 'EDX')
MICROCODE = 0x79        # an MSR whose writes exit, and do nothing


def words(text):
    """A text's characters as registers."""
    data = text.encode()
    return [int.from_bytes(data[i:i + 4], 'little')
            for i in range(0, len(data), 4)]


def name_of(reason):
    """What ECX and EDX have."""
    return words(REASONS[reason][:8].ljust(8, '\0'))


def check(leaf, subleaf, right, said):
    """Compare what an execution of CPUID left, register by register."""
    *saw, skipped = (int(each, 0) for each in said.split())
    for name, each, other in zip(REGISTERS, right, saw):
        expect(f'CPUID {leaf:#x}, subleaf {subleaf:#x}: {name}', hex(each),
               hex(other))
    expect(f'CPUID {leaf:#x}: instructions stepped over', 1, skipped)


def counted(lab, counts, asked):
    """Ask for some subleaves, where reasons have these counts."""
    lines = [f'exits {reason} {count}' for reason, count in counts.items()]
    said = lab.ask([*lines, *(f'cpuid {LEAF} {each}' for each in asked)])
    for each, answer in zip(asked, said[len(lines):]):
        count = counts.get(each, 0)
        right = [count & 0xffffffff, count >> 32, *name_of(each)] \
            if each < len(REASONS) else [0, 0, 0, 0]
        check(LEAF, each, right, answer)


@item('the leaf tells the count of a reason, and its name', 3, required=True)
def counts_and_names(lab):
    """All reasons, each with a count of its own."""
    counts = {reason: lab.random.randrange(1 << 31)
              for reason in range(len(REASONS))}
    counted(lab, counts, lab.random.sample(range(len(REASONS)), 17))


@item('a count may have more than 32 bits', 1)
def large(lab):
    """In two registers."""
    counts = {reason: lab.random.getrandbits(64)
              for reason in lab.random.sample(range(len(REASONS)), 5)}
    counted(lab, counts, list(counts))


@item('where there is no such reason, all is zero', 1)
def no_reason(lab):
    """Any number can be a subleaf; a real one is asked for as well."""
    counts = {reason: lab.random.getrandbits(40)
              for reason in range(len(REASONS))}
    counted(lab, counts, [
        3, 17, 18, 31, 63, 1000, 1 << 31, 0xffffffff,
        *(lab.random.randrange(17, 1 << 32) for _ in range(20))])


@item('each virtual CPU has its own counts', 2)
def own_counts(lab):
    """Two of them."""
    first, second = lab.random.sample(range(1, 1 << 30), 2)
    reason = lab.random.randrange(len(REASONS))
    said = lab.ask([f'exits {reason} {first}', 'choose 1',
                    f'exits {reason} {second}', f'cpuid {LEAF} {reason}',
                    'choose 0', f'cpuid {LEAF} {reason}'])
    check(LEAF, reason, [second, 0, *name_of(reason)], said[3])
    check(LEAF, reason, [first, 0, *name_of(reason)], said[5])


@item('the other leaves say what they did, and which one is the last', 2)
def others(lab):
    """A version that is longer than its leaves is cut."""
    version = ''.join(lab.random.choice('abcdefgh0123456789-')
                      for _ in range(60))
    leaves = [LEAF - 4, LEAF - 3, LEAF - 2, LEAF - 1, LEAF + 1, LEAF + 0x100]
    said = lab.ask(['exits 0 77', f'version {version}',
                    *(f'cpuid {leaf} 0' for leaf in leaves),
                    f'cpuid {LEAF} 0'])[2:]
    right = [[LEAF, *words('VellumVellum')], [1, 2, 0, 0],
             words(version[:16]), words(version[16:32]), [0] * 4, [0] * 4]
    for leaf, each, answer in zip(leaves, right, said):
        check(leaf, 0, each, answer)
    check(LEAF, 0, [77, 0, *name_of(0)], said[-1])


@item('a guest counts its own exits', 4)
def booted(lab):
    """CPUID, WRMSR and hypercalls, as often as the script says."""
    script = Script()
    asked = {'CPUID': 1, 'WRMSR': 3, 'HYPERCALL': 6}
    times = {name: lab.random.randrange(10, 100) for name in asked}
    before = {name: script.cpuid(LEAF, reason)
              for name, reason in asked.items()}
    script.exits(times['CPUID'])
    for _ in range(times['WRMSR']):
        script.wrmsr(MICROCODE, 0)
    for _ in range(times['HYPERCALL']):
        script.hypercall(3, 0)
    after = {name: script.cpuid(LEAF, reason)
             for name, reason in asked.items()}
    machine = script.run(lab, cmdline='hypercall')
    # The questions between the two for CPUID are exits of that kind, too.
    times['CPUID'] += len(asked)
    for name, reason in asked.items():
        low, high, *text = script.results(machine, before[name])
        low_2, high_2, _, _ = script.results(machine, after[name])
        expect(f'the name of reason {reason} in the guest', name_of(reason),
               text)
        expect(f'exits for {name} between two questions', times[name],
               (low_2 | high_2 << 32) - (low | high << 32))
