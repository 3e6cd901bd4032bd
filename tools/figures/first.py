"""Figures of chapter 1: power-on, the early page tables, the stack."""
from canvas import Figure


def boot_path():
    """From power-on to C."""
    f = Figure('01-boot-path', 'From power-on to boot_main()',
               "Boxes from left to right. Somebody else's: reset in real mode "
               'at 0xfffffff0; the firmware, which finds a disk; the boot '
               'loader, which copies us. Ours: entry, in 32 bits without '
               'paging; entry64 at the linked address; boot_main() in C.',
               760, 190)
    boxes = (('reset', 'real mode,', '0xfffffff0'),
             ('firmware', 'BIOS: 16 bits;', 'finds a disk'),
             ('boot loader', 'GRUB, QEMU:', 'copies us'),
             ('entry', '32 bits,', 'no paging'),
             ('entry64', '64 bits,', '0x40000000'),
             ('boot_main()', 'C, on a', 'stack'))
    for i, (name, *lines) in enumerate(boxes):
        x, ours = 14 + i * 124, i > 2
        f.box(x, 56, 112, 74, kind='ours' if ours else 'plain', heavy=ours)
        f.text(x + 56, 78, name, 13, mono=ours, bold=True)
        for row, line in enumerate(lines):
            f.text(x + 56, 99 + row * 18, line, 12)
        if i:
            f.arrow((x - 12, 93), (x, 93))
    for left, right, text in ((14, 374, "somebody else's"),
                              (386, 746, 'ours: boot/entry.S, boot/main.c')):
        f.line((left, 44), (left, 34), (right, 34), (right, 44))
        f.text((left + right) / 2, 24, text, 13)
    f.arrow((380, 154), (380, 97))
    f.text(380, 172, 'EAX, EBX, and a contract: Multiboot', 12)
    return f


def early_map():
    """Three windows on physical memory."""
    f = Figure('01-early-map', 'What the early page tables show',
               'Virtual addresses on the left, physical memory on the right. '
               'The first GiB and GiB 2 and 3 lead to the same physical '
               'addresses. 0x40000000 leads to the image at physical 1 MiB; '
               'the rest of that GiB to nothing. 0xffff800000000000 leads to '
               'physical 0 to 4 GiB.', 760, 450)
    f.text(190, 24, 'virtual', bold=True)
    f.text(590, 24, 'physical', bold=True)
    f.box(110, 36, 160, 110, 'direct map', '4 GiB', kind='dim')
    for x in (110, 270):
        f.line((x, 150), (x, 176), dash=True)
    f.box(110, 180, 160, 70, 'identity, GiB 2 and 3', size=13)
    f.box(110, 250, 160, 44, 'nothing', size=13, dash=True)
    f.box(110, 294, 160, 30, 'the image, 4 MiB', kind='ours', size=13,
          bold=True, heavy=True)
    f.box(110, 324, 160, 70, 'identity, GiB 0', size=13)
    for y, text in ((138, '0xffff8000'), (152, '00000000'),
                    (254, '0x80000000'), (328, '0x40000000'), (396, '0')):
        f.text(104, y, text, 12, anchor='end', mono=True)
    f.box(510, 150, 160, 244)
    f.box(510, 352, 160, 26, 'the image', kind='ours', size=13, bold=True,
          heavy=True)
    for y, text in ((156, '4 GiB'), (380, '1 MiB'), (397, '0')):
        f.text(678, y, text, 12, anchor='start')
    f.curve(270, 90, 510, 180)
    f.text(405, 92, 'the same page directories', 12)
    f.curve(270, 215, 510, 215)
    f.text(390, 207, '2 MiB pages', 12)
    f.curve(270, 309, 508, 365, heavy=True)
    f.text(440, 310, '4 KiB pages', 12)
    f.curve(270, 380, 510, 388)
    f.text(390, 405, '2 MiB pages', 12)
    f.text(380, 436, 'not to scale', 12, dim=True)
    return f


def frames():
    """A chain of frame pointers."""
    f = Figure('01-frames', 'Frames on a stack',
               'A stack with three frames. RBP points to the lowest pair of a '
               'saved RBP and a return address; that saved RBP points to the '
               'next pair, higher up; the last saved RBP is 0, and ends the '
               'walk.', 760, 400)
    rows = (('return address into entry64', 'ours'), ('saved RBP: 0', 'ours'),
            ('variables of boot_main()', 'plain'),
            ('return address into boot_main()', 'ours'),
            ('saved RBP', 'ours'), ('variables of boot_phases()', 'plain'),
            ('return address into boot_phases()', 'ours'),
            ('saved RBP', 'ours'), ('variables of panic()', 'plain'))
    f.text(380, 24, 'higher addresses', 12, dim=True)
    for i, (text, kind) in enumerate(rows):
        f.box(255, 36 + i * 32, 250, 32, text, kind=kind, size=13,
              heavy=kind == 'ours')
    for low, high in ((7, 4), (4, 1)):
        y, to_y = 36 + low * 32 + 16, 36 + high * 32 + 16
        f.arrow((505, y - 5), (560, y - 5), (560, to_y + 5), (505, to_y + 5))
    f.text(120, 281, 'RBP', 14, mono=True, bold=True)
    f.arrow((140, 276), (255, 276))
    f.text(574, 88, '0: the end of the walk', 13, anchor='start')
    f.text(574, 234, 'each frame: a pair', 13, anchor='start')
    f.text(380, 344, 'lower addresses: the stack grows down', 12, dim=True)
    f.text(380, 380, 'backtrace <- boot_phases <- boot_main <- entry64', 13,
           mono=True)
    return f


FIGURES = (boot_path, early_map, frames)
