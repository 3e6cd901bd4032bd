"""What a run without a person (BATCH=1) must have shown to count as good.

Each function waits for what a kind of guest has to print, then looks through
all of the console's text and returns a list of what is missing.
"""
import re

import outside
from common import stage_dir

LAUNCH = r'vellum: launching the guest[^\n]*\n'
# The question at the end of a panic, up to stage 06, and in final: its whole
# line, so that what was said until then is all there.
PANIC_END = (r'^vellum: (?:press a key to reboot|shell or reboot\? \[s/r\])'
             r'[^\n]*\n')
HALTED = r'vellum: (?!halted)[^\n]*(halted|back to the firmware)[^\n]*\n'

DEMO = {
    'the kernel version': r'^demo: uname: Linux ',
    'the CPUs': r'^demo: CPUs online: ',
    'the memory size': r'^demo: MemTotal: ',
    'the reserved ranges': r'^demo: iomem: ',
    'the interrupts': r'^demo: interrupts: ',
}
DEMO_VELLUM = {
    "Vellum's CPUID leaf": r'^demo: leaf: VellumVellum ',
    'the version that the banner has':
        r'^Vellum \S+ (?P<version>\S+)\s[^\0]*'
        r'^demo: version: Vellum (?P=version)\s',
}
DEMO_HYPERCALL = {
    'the exit counts (vellumctl stats)': r'^demo: vellumctl stats: status 0',
    'the total of the exits': r'^total +\d+',
    'the free pages (vellumctl free)': r'^demo: vellumctl free: status 0',
    "Vellum's memory is sound (vellumctl check)":
        r'^demo: vellumctl check: status 0',
    "Vellum's blocks of pages (vellumctl pages)":
        r'^page-map: \d+ free \d+ x \d+\s+(page-map:.*\s+)*'
        r'demo: vellumctl pages: status 0',
    "Vellum's log (vellumctl log)": r'^demo: vellumctl log: status 0',
}
# A stage before final boots the same Linux, and has no shell.
DEMO_SHELL = {
    'the debug shell (vellumctl shell free)':
        r'^demo: vellumctl shell free: status 0',
    'its commands (vellumctl shell help)':
        r'^demo: vellumctl shell help: status 0',
}
DEMO_UEFI = {
    'an EFI variable that was written': r'^demo: EFI variable: written by ',
    'an EFI variable that was removed': r'^demo: EFI variable: removed',
}
DEMO_NIC = {
    'a network card that is hidden': r'^demo: network cards: 0$',
}
ALIGNMENT = 4 << 20

# The folders with a self-test in the TEST=1 build.
SELFTESTS = ('paging', 'page', 'heap', 'pool', 'domain')

# What the chapters about these folders show; a stage that has them shows it,
# and so does a copy of it.
CHAPTERS = {
    'boot': {
        'the loader and the command line': r'^loader: .+; command line: ',
        'the CPU': r'^cpu: \S+, ',
        'the size of the memory': r'^memory: [1-9]\d* MiB of RAM',
        'RAM in the memory map': r'^  0x[0-9a-f]+-0x[0-9a-f]+ RAM$',
        'reserved ranges in the memory map':
            r'^  0x[0-9a-f]+-0x[0-9a-f]+ reserved$',
        'the phases': r'^phase: console$',
    },
    'paging': {
        'the range': r'^paging: our range is 0x[0-9a-f]+-0x[0-9a-f]+, \d+ MiB',
        'the virtual map': r'^paging: virtual map \(W\^X: ',
        'text that cannot be written':
            r'^  0x[0-9a-f]+-0x[0-9a-f]+ r-x text$',
        'data that cannot be executed': r'^  0x[0-9a-f]+-0x[0-9a-f]+ rw- data',
        'the page tables': r'^paging: .* tables \(\d+ KiB\), root 0x',
        'W^X that holds':
            r'^paging: W\^X holds: a write to our own text raised exception 14',
        'a stack guard that holds': r'^paging: stack guard holds: ',
    },
    'page': {
        'the pages': r'^page: [1-9]\d* pages \(\d+ MiB\) at 0x',
        'the free pages': r'^page: .* kept for a panic, [1-9]\d* free$',
        'the free blocks': r'^page: free blocks by order, .*:( \d+){13}$',
        'an allocation': r'^page: alloc_pages\(3\) returns 0x[1-9a-f]',
        'blocks that merge': r'^page: free_page\(.*\), merged as before:',
    },
    'heap': {
        'the smallest class': r'^heap: class +16: ',
        'the largest class': r'^heap: class 1024: ',
        'an object': r'^heap: alloc\(1024\) returns 0x[1-9a-f]',
        'whole pages': r'^heap: alloc\(1025\) returns 0x[1-9a-f][0-9a-f]*000, ',
    },
    'vmm': {
        'the virtual CPU': r'^vmm: (SVM with NPT|VMX with EPT); [1-9]',
    },
    'smp': {
        'how many CPUs there are':
            r'^smp: ([1-9]\d* CPUs? here, \d+ in |.*: one CPU$)',
    },
}


def missing_lines(text, wanted):
    """Names of the patterns in wanted that text does not hold."""
    return [name for name, pattern in wanted.items()
            if not re.search(pattern, text, re.MULTILINE)]


def has_folder(stage, name):
    """Does a stage have this folder, its own or inherited?"""
    return (stage_dir(stage) / name).is_dir()


def chapters(text, stage):
    """What a stage, or a copy of it, has not shown of what it is about."""
    return [f'{name} ({folder}/)' for folder, wanted in CHAPTERS.items()
            if has_folder(stage, folder)
            for name in missing_lines(text, wanted)]


def hidden_range(text, size):
    """Is there a reserved range of at least size bytes, as Vellum's is?

    It may have grown at its end: Linux joins it with a reserved neighbour.
    """
    for found in re.finditer(
            r'^demo: iomem: ([0-9a-f]+)-([0-9a-f]+) : Reserved', text,
            re.MULTILINE | re.IGNORECASE):
        start, last = int(found[1], 16), int(found[2], 16)
        # The guest's memory is below; high ranges belong to the machine.
        if start % ALIGNMENT == 0 and last < 0xf0000000 \
                and last + 1 - start >= size:
            return True
    return False


def banner(machine, stage):
    """Wait for Vellum's first line."""
    machine.expect(rf'^Vellum {re.escape(stage)} \S+\n')


def no_guest(machine, stage):
    """A stage without guest phase prints its part and halts."""
    machine.expect(HALTED)
    return chapters(machine.serial, stage)


def launch_only(machine, stage):
    """A machine without a guest: Vellum ends, or launches into nothing."""
    machine.expect(f'{HALTED}|{LAUNCH}')
    return chapters(machine.serial, stage)


def bare_metal(machine, native, stage, guest):
    """The small guests of our own print guest: lines. Some ask whether they
    shall make a triple fault, which resets the machine. The one that attacks
    is watched from outside."""
    missing, emu = [], machine.set.emu
    watch = None
    if not native:
        machine.expect(LAUNCH)
        if guest == 'attack':
            if emu != 'bochs':      # soon it sleeps, and is under nobody
                machine.qmp('stop')
            watch = outside.Outside(machine, stage)
            missing += watch.look('before the attack')
            if emu == 'bochs':
                missing += watch.look('after it')
    end = machine.expect(r'^guest: (?:done|\w+: .*press t).*\n')[0]
    if watch and emu != 'bochs':
        missing += watch.look('after it')
    if 'press t' in end:
        # Bochs stops at one without Vellum, and its BIOS at one with two CPUs;
        # else it starts over where QEMU ends.
        stops = emu == 'bochs' and (native or machine.set.cpus > 1)
        machine.send('q' if stops else 't')
        if emu == 'bochs':
            machine.expect(r'^guest: done' if stops else r'^Vellum ')
        elif machine.wait_exit() != 'reset':
            missing.append('the reset after a triple fault')
    if watch:
        missing += devices_kept_out(machine.serial)
    failed = re.findall(r'^guest: .*FAILED.*$', machine.serial, re.MULTILINE)
    return missing + [f'a guest without failures ({line})' for line in failed]


def devices_kept_out(text):
    """Where Vellum says so, a device has tried to reach its range, and is
    refused: that none has tried does not count."""
    if not re.search('^iommu: .*devices are kept out', text, re.MULTILINE):
        return []
    return missing_lines(text, {
        f'a device that is refused (range {how} by it)':
            rf"^guest: attack: Vellum's range, {how} by a device: refused"
        for how in ('written to', 'read')})


def powers_off(machine, native):
    """A guest that is not ours must power the machine off by itself."""
    if not native:
        machine.expect(LAUNCH)
    how = machine.wait_exit()
    return [] if how == 'poweroff' else [
        f'power off (the run ended by: {how})']


def every_cpu(text, count, native=False):
    """Each CPU is online, and a task on it finds Vellum there."""
    online = '0' if count == 1 else f'0-{count - 1}'
    wanted = {f'all {count} CPUs online':
              rf'^demo: CPUs online: {online} \({count}\)'}
    for cpu in range(count):
        wanted[f'a task on CPU {cpu}'] = rf'^demo: task on CPU {cpu}: ' + (
            '' if native else rf'VellumVellum .*\bCPU {cpu}\b')
    return missing_lines(text, wanted)


def linux_demo(machine, native, size, off=()):
    """The Linux demo reports, and powers off; size is VMMSIZE_ALL. What needs
    an option that is off can't be seen."""
    missing = powers_off(machine, native)
    text = machine.serial
    missing += missing_lines(text, DEMO)
    missing += every_cpu(text, machine.set.cpus, native)
    if machine.set.firmware == 'uefi':
        missing += missing_lines(text, DEMO_UEFI)
    if not native:
        missing += missing_lines(text, DEMO_VELLUM)
        if machine.set.nic:
            missing += missing_lines(text, DEMO_NIC)
        if 'HYPERCALL' not in off:
            missing += missing_lines(text, DEMO_HYPERCALL)
        if not re.search(r'^Vellum 0\d-', text, re.MULTILINE) \
                and 'DEBUG_SHELL' not in off:
            missing += missing_lines(text, DEMO_SHELL)
        if not hidden_range(text, size):
            missing.append("a reserved range in /proc/iomem that can be "
                           "Vellum's")
    missing += [f'a demo without: {line}' for line in re.findall(
        r'^demo: .*\b(?:CHANGED|WRONG|FAILED)\b.*', text, re.MULTILINE)]
    missing += missing_lines(text, {'its end': r'^demo: done'})
    return missing


def selftests(text, stage, off=()):
    """Those of this stage and all before it ran; none failed."""
    results = re.findall(r'^selftest: (\S+): (ok|FAILED)', text,
                         re.MULTILINE)
    missing = [f'self-test {name} without failure'
               for name, result in results if result != 'ok']
    return missing + [f'self-test {name}: ok' for name in SELFTESTS
                      if has_folder(stage, name)
                      and not (name in ('pool', 'domain') and 'DOMAIN' in off)
                      and (name, 'ok') not in results]
