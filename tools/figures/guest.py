"""Figures of chapters 5 and 6: exits, the hole in the EPT, more CPUs."""
from canvas import Figure


def vm_exit():
    """One round trip, with who does what."""
    f = Figure('vm-exit', 'A VM exit and the way back',
               'Four columns: guest, CPU, assembly, C. The guest executes '
               'CPUID. The CPU saves the guest state in the VMCS, loads the '
               'host state, and goes on at vmx_exit_label. Assembly stores '
               'the general registers and returns to vmx_run(). C finds out '
               'the reason and calls its handler, which changes registers '
               'and skips the instruction. Assembly loads the registers and '
               'executes VMRESUME; the CPU loads the guest state.', 760, 530)
    columns = ((20, 'guest', 'guest'), (200, 'CPU', 'dim'),
               (390, 'vmx/entry.S', 'ours'), (575, 'C', 'ours'))
    for x, name, kind in columns:
        f.text(x + 82, 24, name, bold=True)
        f.box(x, 36, 165, 440, kind=kind)
    f.box(30, 50, 145, 40, '`mov $0, %eax`', '`cpuid`', kind='plain', size=12)
    f.box(210, 76, 145, 86, 'guest state to VMCS:', 'RIP, RSP, RFLAGS,',
          'segments, CR0/3/4 ...', 'reason, length, ...', size=12)
    f.box(210, 172, 145, 60, 'host state from VMCS:', 'RIP = vmx_exit_label,',
          'RSP, CR3, ...', size=12)
    f.box(400, 202, 145, 60, '`vmx_exit_label:`', 'RAX ... R15 and CR2',
          'to struct guest_regs', size=12)
    f.box(585, 222, 145, 40, '`vmx_run()`', 'decodes the reason', size=12)
    f.box(585, 278, 145, 24, '`exit_dispatch()`', size=12)
    f.box(585, 318, 145, 62, 'the handler: new', 'RAX, RBX, RCX, RDX;',
          'RIP past CPUID', size=12)
    f.box(400, 392, 145, 60, 'RAX ... R15 and CR2', 'of the guest',
          '`vmresume`', size=12)
    f.box(210, 404, 145, 60, 'checks, then guest', 'state from VMCS',
          size=12)
    f.box(30, 424, 145, 40, 'the instruction', 'after CPUID', size=12)
    f.arrow((175, 82), (210, 96), heavy=True)
    f.text(282, 64, 'VM exit', 13, bold=True)
    f.arrow((282, 162), (282, 172))
    f.arrow((355, 214), (400, 222), heavy=True)
    f.arrow((545, 240), (585, 240))
    f.arrow((657, 262), (657, 278))
    f.arrow((657, 302), (657, 318))
    f.arrow((657, 380), (657, 422), (545, 422))
    f.arrow((400, 440), (355, 436), heavy=True)
    f.arrow((210, 444), (175, 444), heavy=True)
    f.text(282, 394, 'VM entry', 13, bold=True)
    f.text(380, 502, 'with SVM: VMRUN and the VMCB; VMLOAD and VMSAVE move FS, '
           'GS, TR and some MSRs beside it', 12, dim=True)
    f.text(380, 521, 'RAX and RSP of the guest are in the VMCB', 12, dim=True)
    return f


def ept_hole():
    """Identity, but for our own range."""
    f = Figure('ept-hole', "The guest's memory, and the hole in it",
               "Left guest-physical memory, right the machine's. Everything "
               'is mapped to itself in large leaves with the types of the '
               "MTRRs, but Vellum's range: each 2 MiB of it lead to one "
               'shared table of level 1, whose 512 entries all lead to one '
               'blank page, read-only. A page that the guest wrote to leads '
               'to the scratch page, through a private copy of that table.',
               760, 480)
    f.text(110, 24, 'guest-physical', bold=True)
    f.text(650, 24, 'physical', bold=True)
    for x in (30, 570):
        f.box(x, 40, 160, 400)
        f.box(x, 40, 160, 60, 'devices', kind='dim', size=13)
        f.box(x, 100, 160, 36, 'RAM', size=13)
        f.box(x, 270, 160, 130, 'RAM', size=13)
        f.box(x, 400, 160, 40, 'first MiB', kind='dim', size=13)
    f.box(30, 136, 160, 134, 'nothing but zeros', 'reserved in its map',
          kind='bad', size=13)
    f.box(570, 136, 160, 134, kind='ours', heavy=True)
    f.text(650, 156, "Vellum's range", 13, bold=True)
    f.box(580, 168, 140, 26, 'text, data, heap', kind='ours', size=12)
    f.box(580, 202, 140, 26, 'blank page', kind='plain', size=12)
    f.box(580, 236, 140, 26, 'scratch page', kind='guest', size=12)
    for y, text in ((70, 'uncached, 2 MiB or 1 GiB'), (118, 'write-back'),
                    (335, 'write-back, 2 MiB or 1 GiB leaves'),
                    (420, '4 KiB leaves: the fixed MTRRs')):
        f.arrow((190, y), (570, y))
        f.text(380, y - 6, text, 12)
    f.box(300, 168, 130, 40, 'one table, shared', '512 times blank', size=12,
          kind='ours')
    f.box(300, 222, 130, 40, 'its copy, private', 'one entry differs',
          size=12, kind='ours')
    f.arrow((190, 160), (270, 160), (270, 180), (300, 180))
    f.arrow((190, 190), (300, 190))
    f.arrow((190, 242), (300, 242))
    f.text(245, 236, 'written to', 11)
    f.arrow((430, 188), (500, 188), (500, 210), (580, 210))
    f.arrow((430, 234), (500, 234), (500, 222), (580, 222), dash=True)
    f.arrow((430, 250), (580, 250))
    f.text(505, 182, 'read-only', 11)
    f.text(505, 264, 'writable', 11)
    f.text(380, 466, 'what is equal on all CPUs is one table: 128 MiB are '
           'hidden by a single page', 12, dim=True)
    return f


def _lane(f, x, name, kind):
    f.text(x + 100, 24, name, bold=True)
    f.box(x, 36, 200, 460, kind=kind)


def cpu_startup():
    """From CPU 0 to all CPUs."""
    f = Figure('cpu-startup', 'Starting the other CPUs',
               'CPU 0 copies a trampoline below 1 MiB, and sends INIT, then '
               'for each CPU a start-up IPI. The CPU begins in real mode in '
               'the trampoline, enters 64-bit mode in one step, and comes to '
               'C on its own stack, where it runs the phases trap and cpu. '
               'Then it waits, halted. When the guest sends its own INIT and '
               'start-up IPI, Vellum passes them on, and the CPU enters the '
               'guest in real mode at the page that the guest has named.',
               760, 530)
    _lane(f, 20, 'CPU 0, in Vellum', 'ours')
    _lane(f, 280, 'CPU 1', 'dim')
    _lane(f, 540, "CPU 0's guest", 'guest')
    f.box(30, 72, 180, 40, 'trampoline to a page', 'below 1 MiB', size=12)
    f.arrow((210, 134), (290, 134), heavy=True)
    f.box(30, 122, 180, 24, 'INIT, 10 ms', size=12)
    f.box(290, 122, 180, 24, 'waits for SIPI', size=12, kind='dim')
    f.box(30, 156, 180, 24, 'SIPI, vector VV', size=12)
    f.arrow((210, 168), (250, 168), (250, 217), (290, 217), heavy=True)
    f.box(290, 190, 180, 54, 'real mode at VV00:0000',
          'EFER.LME, CR4.PAE, CR3,', 'one write of CR0: 64 bits', size=12)
    f.box(290, 254, 180, 40, '`ap_entry()`', "own stack, GS, Vellum's CR3",
          size=12)
    f.box(290, 304, 180, 40, 'phases trap and cpu:', 'IDT, VMX or SVM, vCPU',
          size=12)
    f.arrow((290, 324), (210, 324), dash=True)
    f.box(30, 312, 180, 24, 'CPU 1 is ready', size=12)
    f.box(290, 354, 180, 28, 'waits in HLT', size=12, kind='dim')
    f.arrow((120, 336), (120, 350), (260, 350), (260, 298), (515, 298),
            (515, 314), (550, 314))
    f.box(550, 300, 180, 28, 'boots, finds the MADT', size=12, kind='plain')
    f.arrow((640, 328), (640, 346))
    f.box(550, 346, 180, 28, 'writes INIT, SIPI to ICR', size=12)
    f.arrow((550, 360), (496, 360), (496, 398), (210, 398))
    f.text(510, 412, 'exit', 11)
    f.box(30, 384, 180, 28, 'note for CPU 1, NMI', size=12)
    f.arrow((120, 412), (120, 430), (290, 430))
    f.box(290, 416, 180, 28, 'VM entry, real mode', size=12, kind='guest')
    f.arrow((340, 444), (340, 462))
    f.box(290, 462, 180, 28, "the guest's own trampoline", size=12,
          kind='guest')
    for y, end in ((146, 190), (244, 254), (294, 304), (344, 354),
                   (382, 416)):
        f.arrow((340, y), (340, end))
    f.text(380, 518, 'UEFI: the firmware starts the CPUs; the loader takes '
           'them one by one through MP services', 12, dim=True)
    return f


FIGURES = (vm_exit, ept_hole, cpu_startup)
