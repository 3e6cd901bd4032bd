"""Figures that are read out of a stage's ELF file and its boot log: what lies
where in memory, and who is called in which order."""
import re

import order
import transcripts
from canvas import Figure
from common import BUILD, ToolError, need_file
from elf import Elf

ROW, WIDE = 36, 226
KINDS = {'RAM': 'plain', 'reserved': 'dim', 'ACPI': 'dim', 'NVS': 'dim'}
E820 = {1: 'RAM', 2: 'reserved', 3: 'ACPI', 4: 'NVS', 5: 'bad'}


def boot_logs():
    """Stage -> what it prints on a BIOS machine in QEMU."""
    logs = {}
    for row in transcripts.transcripts().values():
        stage = re.fullmatch(r'STAGE=(\S+)( CPUS=\d+)?', row.what)
        if row.kind != 'run' or not stage or not row.path.is_file():
            continue
        stage = stage[1]
        text = row.path.read_text()
        if text.startswith(f'Vellum {stage}\n'):
            logs.setdefault(stage, text)
    return logs


def image(stage):
    """A stage's ELF file."""
    return Elf(need_file(BUILD / stage / 'vellum.elf',
                         f'{stage} is not built (make does it)'))


def ranges(text, pattern):
    """(first, last, rest of the line) of each line of a map."""
    return [(int(first, 16), int(last, 16), rest.strip())
            for first, last, rest in re.findall(
                pattern + r'([0-9a-f]+)-(?:0x)?([0-9a-f]+) (.*)', text,
                re.MULTILINE)]


def section(text, head):
    """The indented lines after a line that begins with head."""
    found = re.search(rf'^{head}.*\n((?:  .*\n)*)', text, re.MULTILINE)
    return found[1] if found else ''


def size_text(size):
    """A size as one says it."""
    for unit, name in ((1 << 30, 'GiB'), (1 << 20, 'MiB'), (1 << 10, 'KiB')):
        if size >= unit:
            return f'{size / unit:.4g} {name}'
    return f'{size} bytes'


def physical(text, elf):
    """The machine's memory as (first, last, name, kind), Vellum cut out."""
    own = re.search(r'^paging: our range is 0x([0-9a-f]+)-0x([0-9a-f]+)',
                    text, re.MULTILINE)
    if own:
        low, high = int(own[1], 16), int(own[2], 16)
        name = "Vellum's range"
    else:
        low = elf.load_address()
        high = low + elf.symbols['image_end'] - \
            elf.symbols['image_start'] - 1
        name = "Vellum's image"
    parts = []
    for first, last, kind in ranges(section(text, 'memory: '), r'^  0x'):
        if not first <= low <= last:
            parts.append((first, last, kind, KINDS.get(kind, 'dim')))
            continue
        if first < low:
            parts.append((first, low - 1, kind, 'plain'))
        parts.append((low, high, name, 'ours'))
        if high < last:
            parts.append((high + 1, last, kind, 'plain'))
    return parts


def virtual(text, elf):
    """Our address space: as printed, or what the linker has made."""
    found = ranges(section(text, r'paging: virtual map'), r'^  0x')
    if found:
        return [(first, last, name.partition(' ')[2] + ', ' +
                 name.partition(' ')[0],
                 'ours' if first < 1 << 47 else 'plain')
                for first, last, name in found]
    at = elf.symbols
    return [(at[f'{name}_start'], at[f'{name}_end'] - 1, title, 'ours')
            for name, title in (('text', 'text'), ('rodata', 'rodata'),
                                ('data', 'data, bss, stack'))]


def guest(text):
    """What the guest is told, when there is one."""
    return [(first, last, E820.get(int(rest.split()[-1]), 'other'),
             'guest' if rest.endswith('1') else 'dim')
            for first, last, rest in ranges(text, r'^guest: demo: E820 ')]


def _column(f, x, name, parts, bottom, shift):
    f.text(x + WIDE / 2, 24, name, bold=True)
    y = bottom
    previous = None
    for first, last, title, kind in parts:
        if previous is not None and first != previous + 1:
            y -= 14
            f.line((x + 10, y), (x + 10, y + 14), dash=True)
            f.line((x + WIDE - 10, y), (x + WIDE - 10, y + 14), dash=True)
        y -= ROW
        f.box(x, y, WIDE, ROW, kind=kind)
        title, _, rights = title.partition(', r')
        f.text(x + 8, y + 15, title, 12, anchor='start',
               bold='Vellum' in title)
        if rights:
            f.text(x + WIDE - 6, y + 15, 'r' + rights, 11, anchor='end',
                   mono=True)
        f.text(x + 8, y + 30, f'0x{first:0{shift}x}-0x{last:0{shift}x}'
               if shift <= 10 else f'0x{first:0{shift}x}', 10,
               anchor='start', mono=True, dim=True)
        f.text(x + WIDE - 6, y + 30, size_text(last - first + 1), 10,
               anchor='end', dim=True)
        previous = last


def _height(parts):
    gaps = sum(b[0] != a[1] + 1 for a, b in zip(parts, parts[1:]))
    return len(parts) * ROW + gaps * 14


def memory_map(stage, text):
    """Memory of a stage, seen by the machine, by Vellum, by the guest."""
    elf = image(stage)
    columns = [('the machine', physical(text, elf), 10),
               ("Vellum's virtual addresses", virtual(text, elf), 16)]
    if guest(text):
        columns.append(("the guest's memory map", guest(text), 10))
    if not columns[0][1]:
        raise ToolError(f'{stage}: no memory map in its boot log')
    height = max(_height(parts) for _, parts, _ in columns)
    names = '; '.join(
        f'{name}: ' + ', '.join(f'{title} from 0x{first:x}'
                                for first, _, title, _ in parts)
        for name, parts, _ in columns)
    f = Figure(f'{stage}-memory', f'Memory of {stage}',
               f'Read from the boot log and the ELF file; low addresses '
               f'below. {names}.', 20 + len(columns) * 246, height + 76)
    for i, (name, parts, shift) in enumerate(columns):
        _column(f, 20 + i * 246, name, parts, height + 36, shift)
    f.text(f.width / 2, height + 62, 'QEMU, 512 MiB, BIOS; not to scale', 12,
           dim=True)
    return f


def call_order(stage, text):
    """The functions of each phase, in the order in which they are called."""
    elf, rows = image(stage), []
    said = {line.split()[0]: line.split()[1:]
            for line in section(text, 'boot order:').splitlines()}
    for phase in order.PHASES:
        entries = list(order.entries(elf, phase))
        if said and said.get(phase) != [name for name, _ in entries]:
            raise ToolError(f'{stage}: the ELF file and the boot log have '
                            f'different functions in the phase {phase}')
        for start in range(0, len(entries) or 1, 4):
            rows.append((phase if not start else '',
                         entries[start:start + 4]))
    f = Figure(f'{stage}-order', f'Boot sequence of {stage}',
               'Read from the ELF file and compared with the boot log. '
               'boot_main() runs the phases from top to bottom: ' + '; '.join(
                   f'{phase}: ' + (', '.join(name for name, _ in entries)
                                   or 'nothing') for phase, entries in rows),
               760, 36 + len(rows) * 58)
    before = None
    for i, (phase, entries) in enumerate(rows):
        y = 20 + i * 58
        if phase:
            f.box(16, y, 84, 40, phase, kind='dim', mono=True, size=13)
            if before is not None:
                f.arrow((58, before + 40), (58, y))
            before = y
        for k, (name, file) in enumerate(entries):
            x = 124 + k * 158
            f.arrow((x - 24 if not k else x - 18, y + 20), (x, y + 20))
            f.box(x, y, 140, 40, kind='ours')
            f.text(x + 70, y + 17, name, 12 if len(name) < 19 else 10,
                   mono=True)
            f.text(x + 70, y + 33, file, 11, dim=True)
    return f


def figures():
    """Both figures of each stage that has a boot log."""
    return [draw(stage, text) for stage, text in boot_logs().items()
            for draw in (memory_map, call_order)]
