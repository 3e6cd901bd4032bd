"""GDB's commands for Vellum; `make gdb` and `make replay` load them.

  vellum page ADDRESS       what the page allocator knows of the page there
  vellum nested GPA [CPU]   the walk of the nested page table to an address
  vellum vcpu [CPU]         the guest's state on a CPU, and its exits so far
  vellum log                what Vellum has printed

They read Vellum's variables, so the CPU must be in Vellum, not in the guest.
With `make replay` there are two more:

  vellum when               how many instructions into the run this is
  vellum goto COUNT         to that instruction, backwards or forwards

and GDB's own reverse-stepi, reverse-step and reverse-continue.
"""
import re

import gdb      # GDB's own Python has it

VMM_VIRT = 0x40000000
PAGE = 4096
ADDRESS = 0x000ffffffffff000


def value(text):
    """What an expression in C is worth."""
    return gdb.parse_and_eval(text)


def memory(address, size):
    """What is at an address, as bytes."""
    return bytes(gdb.selected_inferior().read_memory(address, size))


def has(symbol):
    """Has this stage such a variable?"""
    return bool(gdb.lookup_global_symbol(symbol)
                or gdb.lookup_static_symbol(symbol))


def need(symbol, folder):
    """Raise an error that says where a variable comes from."""
    if not has(symbol):
        raise gdb.GdbError(f'not in this stage: that comes with {folder}/')


def in_vellum():
    """Is Vellum what is at Vellum's addresses now? The guest's page tables
    have something else there, or nothing. GDB reads our text from the file, if
    it may."""
    try:
        with gdb.with_parameter('trust-readonly-sections', True):
            wanted = memory(VMM_VIRT, 512)
        return memory(VMM_VIRT, 512) == wanted
    except gdb.MemoryError:
        return False


def phys(address):
    """A pointer to the u64 at a physical address of Vellum's range."""
    base = int(value('boot_info.vmm_base.v'))
    virt = address - base + VMM_VIRT
    return gdb.Value(virt).cast(gdb.lookup_type('u64').pointer())


def cpus():
    """The offset of each CPU's variables, by the CPU's number."""
    found = {0: 0}
    if has('smp_cpus') and int(value('smp_cpus')):
        for number in range(1, int(value('smp_count'))):
            cpu = value('smp_cpus')[number]
            if int(cpu['stack_top']):
                found[number] = int(cpu['percpu_offset'])
    return found


def vcpu_of(number):
    """The struct vcpu of a CPU, or None."""
    need('all_vcpus', 'vmm')
    there = cpus()
    if number not in there:
        raise gdb.GdbError(f'no CPU {number}: there are '
                           + ', '.join(map(str, there)))
    at = int(value('&percpu_current_vcpu')) + there[number]
    pointer = gdb.Value(at).cast(
        gdb.lookup_type('struct vcpu').pointer().pointer()).dereference()
    return pointer.dereference() if int(pointer) else None


def show_page(address):
    """vellum page"""
    need('vmm_pool', 'page')
    pool, base = value('vmm_pool'), int(value('boot_info.vmm_base.v'))
    pages = int(pool['pages'])
    at = int(value(address))
    if base <= at < base + pages * PAGE:
        at += VMM_VIRT - base
    number = (at - VMM_VIRT) // PAGE
    if not pages or not 0 <= number < pages:
        raise gdb.GdbError(f'{at:#x}: not in our range (now, {pages} pages '
                           f'at {VMM_VIRT:#x})')
    free = int(value('PAGE_NOT_HEAD'))
    head = number
    while int(pool['page'][head]['type']) == free and head:
        head -= 1
    page = pool['page'][head]
    kind = int(page['type'])
    if kind < free:
        what, count = 'free', 1 << kind
    else:   # PAGE_ALLOCATED and so on: the enum's own word
        what = str(page['type'].cast(gdb.lookup_type('enum page_type')))
        what, count = what.removeprefix('PAGE_').lower(), int(page['pages'])
    print(f'page {number} at {VMM_VIRT + number * PAGE:#x}, physical '
          f'{base + number * PAGE:#x}')
    print(f'  block: {what}, ' + (f'{count} of 4 KiB, ' if count else '')
          + f'from page {head} on')
    print(f'  vmm_pool.page[{head}] = {page}')


def describe_entry(table_format, entry, level):
    """An entry of a nested page table, in words; is it the last one?"""
    if not entry & int(table_format['table']) & 7:
        return 'nothing is mapped', True
    ept = bool(table_format['has_type'])
    leaf = level == 1 or bool(entry & 1 << 7)
    if not leaf:
        return f'table at {entry & ADDRESS:#x}', False
    rights = ''.join(letter if on else '-' for letter, on in (
        ('r', entry & 1), ('w', entry & 2),
        ('x', entry & 4 if ept else not entry >> 63)))
    kind = f', memory type {entry >> 3 & 7}' if ept else ''
    size = {1: '4 KiB', 2: '2 MiB', 3: '1 GiB'}[level]
    below = (PAGE << 9 * (level - 1)) - 1
    return f'{rights} {size} at {entry & ADDRESS & ~below:#x}{kind}', True


def show_nested(gpa, number='0'):
    """vellum nested"""
    vcpu = vcpu_of(int(number))
    if vcpu is None:
        raise gdb.GdbError(f'CPU {number} has no virtual CPU yet')
    at = int(value(gpa))
    table = int(vcpu['root']['table']['v'])
    table_format = vcpu['root']['map']['format'].dereference()
    print(f'CPU {number}, guest-physical {at:#x}, root at {table:#x}')
    for level in (4, 3, 2, 1):
        slot = at >> (12 + 9 * (level - 1)) & 511
        entry = int(phys(table)[slot])
        text, last = describe_entry(table_format, entry, level)
        print(f'  level {level}: entry {slot:3} is {entry:#018x}: {text}')
        if last:
            return
        table = entry & ADDRESS


def show_vcpu(number=None):
    """vellum vcpu"""
    for cpu in [int(number)] if number else cpus():
        vcpu = vcpu_of(cpu)
        if vcpu is None:
            print(f'CPU {cpu} has no virtual CPU yet')
            continue
        print(f'CPU {cpu}: struct vcpu at {int(vcpu.address):#x}, '
              f'nested root {int(vcpu["root"]["table"]["v"]):#x}')
        if str(value('vcpu_ops').dereference()['name'].string())[:3] == 'SVM':
            show_vmcb(vcpu)
        else:
            print('  its VMCS is in the CPU: vmx_dump() can print it')
        regs = vcpu['regs']
        print('  ' + ' '.join(f'{field.name} {int(regs[field.name]):x}'
                              for field in regs.type.fields()))
        show_exits(vcpu['stats'])


def show_vmcb(vcpu):
    """What an AMD CPU keeps of the guest in memory."""
    backend = vcpu['backend'].cast(
        gdb.lookup_type('struct svm_vcpu').pointer())
    save = backend['vmcb']['save']
    print('  ' + ' '.join(f'{name} {int(save[name]):x}' for name in (
        'rip', 'rsp', 'rflags', 'cr0', 'cr3', 'cr4', 'efer')))
    print('  ' + ' '.join(
        f'{name} {int(save[name]["selector"]):04x}:'
        f'{int(save[name]["base"]):x}' for name in ('cs', 'ss', 'ds')))
    control = backend['vmcb']['control']
    print(f'  last exit {int(control["exit_code"]):#x}, info '
          f'{int(control["exit_info1"]):#x} {int(control["exit_info2"]):#x}')


def show_exits(stats):
    """How many exits of each kind there were."""
    names = {field.enumval: field.name.removeprefix('EXIT_')
             for field in gdb.lookup_type('enum exit_reason').fields()}
    first, last = stats.type.range()
    counts = {names[i]: int(stats[i]['count'])
              for i in range(first, last + 1)}
    print('  exits: ' + (' '.join(f'{name} {count}' for name, count
                                  in counts.items() if count) or 'none'))


def show_log():
    """vellum log"""
    written, ring = int(value("'log.c'::written")), value("'log.c'::ring")
    size = ring.type.sizeof
    data = memory(ring.address, size)
    at = written % size
    kept = data[at:] + data[:at] if written > size else data[:written]
    print(kept.decode(errors='replace'), end='')


# --- in a recorded run

def icount():
    """How many instructions were executed until here."""
    said = gdb.execute('monitor info replay', to_string=True)
    found = re.search(r'Replaying .*instruction count = (\d+)', said, re.S)
    if not found:
        raise gdb.GdbError('this run is not recorded: `make replay` does it')
    return int(found[1])


def restart(stop):
    """To the beginning of the run; forwards from there, it will stop at a
    number of instructions, unless a break point comes before."""
    gdb.execute('monitor replay_delete_break', to_string=True)
    gdb.execute('monitor loadvm start', to_string=True)
    gdb.execute('maintenance flush register-cache', to_string=True)
    gdb.execute(f'monitor replay_break {stop}', to_string=True)


def go_on():
    """Continue, and say nothing of where that stops."""
    with gdb.with_parameter('suppress-cli-notifications', True):
        gdb.execute('continue', to_string=True)


def go_to(count):
    """Replay from the beginning to a number of instructions."""
    restart(count)
    while count and icount() < count:
        go_on()
    gdb.execute('monitor replay_delete_break', to_string=True)


def show_when():
    """vellum when"""
    print(f'instruction {icount()} of the run')


def show_place(count):
    """vellum goto"""
    go_to(int(value(count)))
    gdb.execute('frame')


class ReverseContinue(gdb.Command):
    """To where a break point or watch point was passed before; without one,
    to the beginning of the run. Not for tbreak, which is gone when the run has
    come by once: an instruction that faults has no number of its own, so only
    a break point stops right before it.

    In place of GDB's own: QEMU 7.2 hangs when it goes back to a break point,
    while it replays forwards, and steps back, without fault."""

    def __init__(self):
        super().__init__('reverse-continue', gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        """Two passes: which was the last one; and to there."""
        here, last = icount(), 0
        restart(here)
        while icount() < here:
            go_on()
            if icount() < here:
                last = icount()
        go_to(last)
        if not last:
            print('no break point was passed before: the beginning')
        gdb.execute('frame')


class ReverseStep(gdb.Command):
    """Back to the line of the source, whichever function it is in, that was
    executed before. An instruction at a time, so it takes seconds."""

    def __init__(self):
        super().__init__('reverse-step', gdb.COMMAND_RUNNING)

    def invoke(self, argument, from_tty):
        """Until it is another line."""
        def line():
            sal = gdb.selected_frame().find_sal()
            return sal.symtab and sal.symtab.filename, sal.line
        before = line()
        while icount() and line() == before:
            gdb.execute('reverse-stepi', to_string=True)
        gdb.execute('frame')


class ReverseOther(gdb.Command):
    """Not with QEMU 7.2, which hangs in it. What works is reverse-stepi,
    reverse-step, and a break point with reverse-continue."""

    def invoke(self, argument, from_tty):
        """Say so."""
        raise gdb.GdbError(self.__doc__)


def replace_reverse_commands():
    """GDB's own hang with QEMU."""
    ReverseContinue()
    ReverseStep()
    ReverseOther('reverse-next', gdb.COMMAND_RUNNING)
    ReverseOther('reverse-nexti', gdb.COMMAND_RUNNING)
    ReverseOther('reverse-finish', gdb.COMMAND_RUNNING)


class Vellum(gdb.Command):
    __doc__ = __doc__
    ANYWHERE = {'when': (show_when, 0, 0), 'goto': (show_place, 1, 1)}
    COMMANDS = {'page': (show_page, 1, 1), 'nested': (show_nested, 1, 2),
                'vcpu': (show_vcpu, 0, 1), 'log': (show_log, 0, 0),
                **ANYWHERE}

    def __init__(self):
        super().__init__('vellum', gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        """GDB calls this with what was typed behind the command."""
        words = gdb.string_to_argv(argument)
        function, least, most = self.COMMANDS.get(
            words[0] if words else '', (None, 0, 0))
        if not function or not least <= len(words) - 1 <= most:
            raise gdb.GdbError(__doc__.strip())
        if words[0] not in self.ANYWHERE and not in_vellum():
            raise gdb.GdbError('the CPU is not in Vellum, but in its guest or '
                               'in what came before: stop in Vellum first, as '
                               'by `break exit_dispatch` and `continue`')
        function(*words[1:])

    def complete(self, text, word):
        """The Tab key."""
        return [name for name in self.COMMANDS if name.startswith(word)]


Vellum()
replace_reverse_commands()
