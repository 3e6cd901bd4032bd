"""Figures of chapters 1 and 2: how Vellum starts, and where it goes."""
from canvas import Figure


def boot_paths():
    """Two firmwares, one program."""
    f = Figure('boot-paths', 'Two ways in, one program',
               'Left: a BIOS machine. A Multiboot loader puts vellum.elf at '
               'physical 1 MiB and calls it in 32-bit protected mode; entry.S '
               'builds page tables and enters long mode. Right: a UEFI '
               'machine. The firmware starts vellum.efi in long mode; it '
               'allocates a range, puts the image there and switches page '
               'tables. Both ways meet in boot_phases(), which runs the '
               'phases trap, console, memory, heap, device, cpu and guest.',
               760, 500)
    for x, name in ((190, 'BIOS'), (570, 'UEFI')):
        f.text(x, 22, name, 15, bold=True)
    left = [('plain', 'BIOS: real mode', 'reads a boot sector'),
            ('plain', 'GRUB, or QEMU -kernel', 'Multiboot: loads by address'),
            ('ours', '`boot/entry.S`', '32-bit, at physical 1 MiB'),
            ('ours', 'page tables, long mode',
             'then the linked address, from 1 GiB'),
            ('ours', '`boot_main()`', 'reads the Multiboot information')]
    right = [('plain', 'firmware: long mode', 'boot services are there'),
             ('ours', '`efi_main()`', 'vellum.efi, wherever it was loaded'),
             ('ours', 'AllocatePages: our range', 'image copied into it'),
             ('ours', '`switch.S`', 'CR3 := early page tables'),
             ('ours', '`efi_entry, efi_from_loader()`',
              'copies what the loader says')]
    for x, column in ((70, left), (450, right)):
        for row, (kind, *lines) in enumerate(column):
            y = 36 + row * 66
            f.box(x, y, 240, 46, *lines, kind=kind, size=13)
            if row:
                f.arrow((x + 120, y - 20), (x + 120, y))
    f.box(190, 382, 380, 34, 'boot_phases(): the same from here on',
          kind='ours', bold=True)
    f.arrow((190, 346), (190, 364), (280, 364), (280, 382))
    f.arrow((570, 346), (570, 364), (480, 364), (480, 382))
    phases = ('trap', 'console', 'memory', 'heap', 'device', 'cpu', 'guest')
    for i, phase in enumerate(phases):
        x = 50 + i * 96
        f.box(x, 436, 84, 30, phase, kind='ours', size=13, mono=True)
        if i:
            f.arrow((x - 12, 451), (x, 451))
    f.arrow((190, 399), (24, 399), (24, 451), (50, 451))
    f.text(380, 490, 'stage 02 moves a BIOS-booted image in the phase memory; '
           'UEFI has put it in place already', 12, dim=True)
    return f


def _strip(f, x, name, cr3, parts):
    """Physical memory: parts are (y, height, text, kind)."""
    f.text(x + 70, 24, name, 14, bold=True)
    f.box(x, 40, 140, 330)
    for y, height, text, kind in parts:
        f.box(x, y, 140, height, text, kind=kind, size=12,
              heavy=kind == 'ours')
    f.box(x, 404, 140, 30, '0x40000000', kind='dim', size=13, mono=True)
    f.text(x + 70, 456, cr3, 12, dim=True)


def relocation():
    """The move to the high range."""
    f = Figure('relocation', 'Moving to the high range',
               'Three pictures of physical memory. Before: the image is at 1 '
               'MiB, and virtual 0x40000000 leads there; our own page tables '
               'have been written at the top, behind the place for the image. '
               'During: the image has been copied there, CR3 not yet loaded. '
               'After: CR3 is loaded, 0x40000000 leads to the copy, and the '
               'old place has been wiped.', 760, 470)
    for x, name, cr3, parts, target in (
            (60, 'before', 'CR3: early tables',
             [(60, 60, 'rest of the range', 'plain'),
              (120, 26, 'our page tables', 'ours'),
              (146, 44, 'place for the image', 'dim'),
              (310, 40, 'image', 'ours')], 330),
            (300, 'copied', 'CR3: early tables',
             [(60, 60, 'rest of the range', 'plain'),
              (120, 26, 'our page tables', 'ours'),
              (146, 44, 'image, copied', 'used'),
              (310, 40, 'image', 'ours')], 330),
            (540, 'CR3 loaded', 'CR3: our page tables',
             [(60, 60, 'rest of the range', 'plain'),
              (120, 26, 'our page tables', 'ours'),
              (146, 44, 'image', 'ours'),
              (310, 40, 'wiped: zeros', 'dim')], 168)):
        _strip(f, x, name, cr3, parts)
        f.arrow((x + 140, 419), (x + 172, 419), (x + 172, target),
                (x + 142, target), heavy=True)
    for y, text in ((354, '1 MiB'), (372, '0'), (64, 'top'), (194, 'base')):
        f.text(54, y, text, 12, anchor='end', dim=True)
    f.text(54, 424, 'virtual', 12, anchor='end', dim=True)
    f.arrow((300, 330), (274, 330), (274, 168), (299, 168), dash=True)
    f.text(262, 250, 'copy', 12, 'end')
    return f


def uefi_switch():
    """What two address spaces show."""
    f = Figure('uefi-switch', 'Two address spaces in the loader',
               'Left the map of the firmware, which is the identity. Right '
               'the early map: equal to it but for the piece from 1 GiB on, '
               'where it shows our range, and for the direct map at the top. '
               'The code that loads CR3 lies below 1 GiB, where both agree.',
               760, 440)
    f.text(160, 24, "the firmware's map", bold=True)
    f.text(600, 24, 'the early map', bold=True)
    f.box(60, 150, 200, 250)
    f.box(500, 150, 200, 250)
    f.box(500, 44, 200, 60, 'direct map', '0 to 4 GiB once more', kind='dim',
          size=13)
    f.line((500, 108), (500, 146), dash=True)
    f.line((700, 108), (700, 146), dash=True)
    f.text(494, 104, '0xffff8000 00000000', 12, 'end', mono=True)
    for x in (60, 500):
        f.box(x, 150, 200, 100, 'identity' if x > 300 else
              'identity: all of it', size=13)
        f.box(x, 320, 200, 80)
        f.text(x + 100, 340, 'identity', 13)
        f.box(x, 352, 200, 24, 'switch.S, handoff, tables', kind='used',
              size=12)
    f.box(60, 250, 200, 70, "firmware's memory", 'perhaps vellum.efi itself',
          kind='guest', size=13)
    f.box(500, 280, 200, 40, "Vellum's range", kind='ours', heavy=True,
          bold=True)
    f.box(500, 250, 200, 30, 'identity', size=13)
    f.arrow((260, 364), (500, 364), heavy=True)
    f.text(380, 356, 'mov CR3: the next instruction is here too', 11)
    f.text(54, 404, '0', 12, 'end', mono=True)
    f.text(54, 324, '1 GiB', 12, 'end')
    f.text(494, 324, '1 GiB', 12, 'end')
    f.text(54, 154, '4 GiB', 12, 'end')
    f.text(494, 154, '4 GiB', 12, 'end')
    f.text(380, 424, 'not to scale', 12, dim=True)
    return f


FIGURES = (boot_paths, relocation, uefi_switch)
