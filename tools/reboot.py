"""Reboots the demo's Linux in all the ways that there are.

RAM survives a reset, and so does what Vellum's earlier life left there. So
each boot must be as good as the first: Vellum's banner (but not after kexec,
which only changes the guest), Linux on all CPUs, and `vellumctl check`. The
one thing that Vellum may know of its earlier life is how that ended.

A machine with an IOMMU is one with all features: Vellum has a network card of
its own besides, and devices are kept out in each life, or no guest starts.
"""
import re
from dataclasses import dataclass

import expectations
import linux_guest
from common import command, image, need

# Name -> what resets the machine. The first five are Linux's own, with their
# names in its file /sys/kernel/reboot/type.
WAYS = {
    'kbd': 'the keyboard controller, port 0x64',
    'pci': 'the chipset, port 0xcf9',
    'triple': 'a triple fault',
    'acpi': "ACPI's reset register, as by default",
    'efi': "UEFI's ResetSystem()",
    'kexec': 'nothing: kexec starts the next Linux',
    'kdump': 'nothing: a Linux that crashed starts another; then that one ends',
    'panic': 'a key, after a panic of Vellum',
    'warm': 'a reset that leaves the IOMMU on, with the tables of a past life',
}
# Where QEMU has the registers of an IOMMU: the address of its tables, and what
# is written where, to have it use them (VT-d 4.1, 11.4; AMD IOMMU 3.07, 3.4).
UNITS = {
    'intel-iommu': (0xfed90020, ((0xfed90018, 1 << 30), (0xfed90018, 1 << 31))),
    'amd-iommu': (0xfed80000, ((0xfed80018, 1),)),
}
VMMSIZE = 128 << 20
# For the Linux that starts when one has crashed; the machine must have a piece
# of that size wherever KASLR puts the first one.
CRASH_MEMORY, CRASH_MACHINE = '128M', '1G'
BOOT_LIMIT = {'qemu': 300, 'bochs': 450}    # seconds, on a busy machine
# Bochs' HPET keeps the timer interrupt from the PIC after a reset, so that
# its BIOS waits for ever: Linux must not use it there.
WORDS = {'qemu': '', 'bochs': 'hpet=disable'}


@dataclass(frozen=True)
class Kind:
    """A kind of machine."""
    emu: str
    firmware: str
    cpus: int
    iommu: str = ''     # QEMU's name of it

    def __str__(self):
        return f'{self.emu} {self.firmware}, {self.cpus} CPU' + \
            's' * (self.cpus > 1) + f', {self.iommu}' * bool(self.iommu)

    def ways(self):
        """What to try on it. Only QEMU lets us break Vellum under Linux; and
        under UEFI Vellum refuses a unit of AMD's that is on (amdvi.c)."""
        no = {'panic' if self.emu != 'qemu' else None,
              'efi' if self.firmware == 'bios' else None,
              'warm' if not self.iommu
              or (self.firmware, self.iommu) == ('uefi', 'amd-iommu')
              else None}
        return [way for way in WAYS if way not in no]


def settings(kind, native=False, ways=()):
    """Arguments of Machine: that kind, with Linux as its guest; or natively.
    For some ways its initramfs holds a kernel, which takes longer to load."""
    words = [WORDS[kind.emu]]
    words += ['demo.kexec=0'] * bool({'kexec', 'kdump'} & set(ways))
    words += [f'crashkernel={CRASH_MEMORY}'] * ('kdump' in ways)
    options = ['hypercall'] + ['boot=0x80'] * (kind.firmware == 'bios')
    full = {}
    if kind.iommu:
        options += ['debug', 'iommu=require']
        full = {'nic': 'e1000',
                'extra_args': ('-machine', 'q35', '-device', kind.iommu)}
    return {
        'image': None if native else image('final'), 'emu': kind.emu,
        'firmware': kind.firmware, 'cpus': kind.cpus, 'reboot': True,
        'cmdline': '' if native else ' '.join(options),
        'mem': CRASH_MACHINE if 'kdump' in ways else '512M',
        'disk': linux_guest.build(cmdline=' '.join(filter(None, words)),
                                  firmware=kind.firmware),
        'limit': max(30, len(ways)) * BOOT_LIMIT[kind.emu], 'name': 'reboot',
        **full}


def comes_up(machine, last='no previous log here', cpus=None):
    """Wait for Linux's shell, on all CPUs or so many; what is below it must
    be as after power on, but for what Vellum says of its last run. None: it
    was not started anew."""
    pc, wait = machine, BOOT_LIMIT[machine.set.emu]
    native = not pc.set.image
    begin = len(pc.serial)
    if last and not native:
        pc.expect(r'^Vellum final\b[^\n]*\n', wait)
        pc.expect(rf'^last log: {last}', wait)
        pc.expect(expectations.LAUNCH, wait)
    pc.expect(r'^demo: uname: ', wait)
    pc.expect(r'^/ # ', wait)
    text = pc.serial[begin:]
    wanted = {'Linux on all CPUs':
              rf'^demo: CPUs online: .*\({cpus or pc.set.cpus}\)$'}
    if last and not native and '-device' in pc.set.extra_args:
        wanted['the IOMMU'] = r'^iommu: .*: devices are kept out$'
    if not native:
        wanted['Vellum below Linux'] = r'^demo: leaf: VellumVellum '
        pc.send('vellumctl check; echo "status $?"\n')
        pc.expect(r'^check: every invariant of Vellum.s memory holds')
        pc.expect(r'^status 0\n')
        pc.send('vellumctl log --last | grep -c -e ^Vellum -e "^log --last"\n')
        pc.expect(r'^1\n')
    missing = expectations.missing_lines(text, wanted)
    if not native and not expectations.hidden_range(text, VMMSIZE):
        missing.append("a reserved range that can be Vellum's")
    if missing:
        pc.fail(f'not seen: {", ".join(missing)}')


def _poke(machine, *stores):
    """Write to physical memory or registers, past the CPU: each store is a
    type of C, an address, and a value."""
    lines = [f'set var *(unsigned {kind} *)({address}) = {value:#x}'
             for kind, address, value in stores]
    machine.hmp(f'gdbserver unix:{machine.dir}/gdb,server=on,wait=off')
    command([need('gdb', 'gdb'), '-nx', '-batch', image('final')]
            + [word for line in (f'target remote {machine.dir}/gdb',
                                 'maint packet Qqemu.PhyMemMode:1',
                                 *lines, 'detach') for word in ('-ex', line)])


def _panic(machine):
    """Change Vellum's program, where no guest can reach, and have it run:
    Linux asks for the CPU's features. Then press a key."""
    base = re.findall(r'^paging: our range is (0x[0-9a-f]+)-',
                      machine.serial, re.M)[-1]
    _poke(machine, ('short', f'(long)cpuid_filter - 0x40000000 + {base}',
                    0x0b0f))
    machine.send('vellumctl leaf\n')
    machine.expect(r'^panic\(CPU\d+\): ', BOOT_LIMIT['qemu'])
    machine.expect(expectations.PANIC_END, BOOT_LIMIT['qemu'],
                   panic_ends=False)
    machine.send('r')
    machine.expect(r'^vellum: rebooting\n', 30, panic_ends=False)


def _kexec(machine):
    """As the demo's init does for demo.kexec=."""
    machine.send('(cat /kexec/initrd.gz; cd /; find kexec | '
                 'cpio -o -H newc) >/tmp/initrd 2>/dev/null\n')
    machine.send('rekexec /kexec/vmlinuz /tmp/initrd "$(cat /proc/cmdline)"'
                 '\n')


def _kdump(machine):
    """Have Linux crash, on its last CPU: the others stop where they are, and
    another Linux starts there, in memory that was kept for it. It has one CPU,
    as all have that are started so; it finds the other's memory, and resets
    the machine."""
    machine.send('rekexec -p /kexec/vmlinuz /kexec/initrd.gz '
                 f'"{linux_guest.CMDLINE} nr_cpus=1 reset_devices" && '
                 f'taskset -c {machine.set.cpus - 1} '
                 'sh -c "echo c >/proc/sysrq-trigger"\n')
    comes_up(machine, None, 1)
    machine.send('head -c 4 /proc/vmcore; echo " status $?"\n')
    machine.expect(r'^.ELF status 0\n')
    machine.send('reboot -f\n')


def warm_reset(machine):
    """A reset clears QEMU's IOMMU. Do as a machine would where it does not:
    before the firmware's first instruction it is on again, and walks what is
    left in memory."""
    name = next(word for word in machine.set.extra_args if word in UNITS)
    root, switch = UNITS[name]
    tables = machine.hmp(f'xp /1gx {root:#x}').split()[1]
    machine.hmp('stop')
    machine.hmp('system_reset')
    while 'prelaunch' not in machine.hmp('info status'):
        machine.check_time()
    _poke(machine, ('long', root, int(tables, 16)),
          *(('int', address, value) for address, value in switch))
    machine.hmp('cont')


def again(machine, way):
    """From Linux's shell, reboot in this way, until its shell is back."""
    if way == 'panic':
        _panic(machine)
    elif way == 'warm':
        warm_reset(machine)
    elif way == 'kexec':
        _kexec(machine)
    elif way == 'kdump':
        _kdump(machine)
    else:
        machine.send(f'echo {way} >/sys/kernel/reboot/type; '
                     'echo 1 >/sys/kernel/reboot/force; reboot -f\n')
    comes_up(machine, None if way == 'kexec' else
             f'the last run ended {"in" if way == "panic" else "without"} a '
             'panic')


def life(machine, ways, after=lambda way: None):
    """From the start of a machine through these reboots, one after the other;
    after is called with each that went well."""
    comes_up(machine)
    for way in ways:
        again(machine, way)
        after(way)
