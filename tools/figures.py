"""`make figures`: draws each stage's memory, book/figures/STAGE-memory.svg,
out of its boot log and its ELF file. The other figures are SVG files as they
are, for any editor.

  figures.py [--check] [NAME...]    --check writes nothing; status 1 when a
                                    file is not what would be written

Lines and text have the colour of the text around them (currentColor), and
fills are tints that let the background through: so a figure reads in a light
page and in a dark one, inside the page or as an image of its own, and on paper.
Addresses grow upwards. What is Vellum's is blue.
"""
import argparse
import re
import sys
from xml.sax.saxutils import escape

import transcripts
from common import TOP, ToolError, image, main, stages
from elf import Elf
from values import one_of

ROW, WIDE, GAP, STEP = 42, 242, 14, 270
TINTS = {'plain': '', 'dim': 'fill="currentColor" fill-opacity=".07"',
         'ours': 'fill="#3b82f6" fill-opacity=".25"',
         'guest': 'fill="#a855f7" fill-opacity=".2"'}
KINDS = {'RAM': 'plain', 'reserved': 'dim', 'ACPI': 'dim', 'NVS': 'dim'}
E820 = {1: 'RAM', 2: 'reserved', 3: 'ACPI', 4: 'NVS', 5: 'bad'}
HEAD = '''\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" \
height="{1}" role="img" fill="none" stroke="currentColor" stroke-width="1.5" \
font-family="sans-serif" font-size="14">
<title>{2}</title>
<desc>{3}</desc>
<style>svg:root{{color:#1f2328}}@media(prefers-color-scheme:dark)\
{{svg:root{{color:#e6edf3}}}}</style>
'''


def boot_logs():
    """Stage -> what it prints on a BIOS machine in QEMU."""
    logs = {}
    for row in transcripts.transcripts().values():
        stage = re.fullmatch(r'STAGE=(\S+)( CPUS=\d+)?', row.what)
        if row.kind != 'run' or not stage or not row.path.is_file():
            continue
        text = row.path.read_text()
        if text.startswith(f'Vellum {stage[1]} '):
            logs.setdefault(stage[1], text)
    missing = set(stages()) - set(logs)
    if missing:
        raise ToolError('no transcript of a boot of '
                        + ', '.join(sorted(missing)))
    return logs


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
            return f'{size / unit:.3g} {name}'
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


def text_at(x, y, words, more=''):
    """A line of text."""
    return (f'<text x="{x:g}" y="{y:g}" fill="currentColor" stroke="none"'
            f'{more}>{escape(words)}</text>')


def column(x, name, parts, bottom, whole):
    """The elements of one address space, from the bottom up; whole: each part
    goes on to the next, so only its beginning is said."""
    end, dim = ' text-anchor="end"', ' fill-opacity=".75"'
    mono = ' font-family="monospace"'
    yield text_at(x + WIDE / 2, 24, name,
                  ' text-anchor="middle" font-weight="bold"')
    y, previous = bottom, None
    for first, last, title, kind in parts:
        if previous is not None and first != previous + 1:
            y -= GAP
            for side in (x + 10, x + WIDE - 10):
                yield (f'<path d="M{side} {y}v{GAP}" '
                       'stroke-dasharray="5 4"/>')
        y -= ROW
        yield (f'<rect x="{x}" y="{y}" width="{WIDE}" height="{ROW}" '
               f'{TINTS[kind]}/>')
        title, _, rights = title.partition(', r')
        yield text_at(x + 8, y + 17, title, ' font-size="13"' + (
            ' font-weight="bold"' if 'Vellum' in title else ''))
        if rights:
            yield text_at(x + WIDE - 6, y + 17, 'r' + rights,
                          ' font-size="13"' + end + mono)
        span = f'0x{first:x}' + ('' if whole else f'-0x{last:x}')
        yield text_at(x + 8, y + 35, span, ' font-size="12"' + mono + dim)
        yield text_at(x + WIDE - 6, y + 35, size_text(last - first + 1),
                      ' font-size="12"' + end + dim)
        previous = last


def height_of(parts):
    """The height of a column."""
    gaps = sum(b[0] != a[1] + 1 for a, b in zip(parts, parts[1:]))
    return len(parts) * ROW + gaps * GAP


def edges(parts, bottom):
    """Where Vellum's part of a column begins and ends."""
    mine = [i for i, part in enumerate(parts) if part[3] == 'ours']
    below, above = parts[:mine[0] + 1], parts[:mine[-1] + 1]
    return bottom - height_of(below) + ROW, bottom - height_of(above)


def memory_map(stage, text):
    """Memory of a stage, seen by the machine, by Vellum, by the guest: the
    text of an SVG file."""
    elf = Elf(image(stage))
    columns = [('the machine', physical(text, elf), False),
               ("Vellum's virtual addresses", virtual(text, elf), True)]
    if guest(text):
        columns.append(("the guest's memory map", guest(text), False))
    if not columns[0][1]:
        raise ToolError(f'{stage}: no memory map in its boot log')
    height = max(height_of(parts) for _, parts, _ in columns)
    names = '; '.join(
        f'{name}: ' + ', '.join(f'{title} from 0x{first:x}'
                                for first, _, title, _ in parts)
        for name, parts, _ in columns)
    width = 20 + len(columns) * STEP
    parts = [each for i, (name, parts, whole) in enumerate(columns)
             for each in column(20 + i * STEP, name, parts, height + 36,
                                whole)]
    # What is Vellum's in the machine is what lies at its own addresses.
    (low, high), (start, end) = (edges(column, height + 36)
                                 for _, column, _ in columns[:2])
    parts += [f'<path d="M{20 + WIDE} {a}L{20 + STEP} {b}" stroke-width="1" '
              'stroke-dasharray="3 3"/>' for a, b in
              ((low, start), (high, end))]
    foot = text_at(width / 2, height + 62, 'QEMU, 512 MiB, BIOS; not to scale',
                   ' font-size="12" text-anchor="middle" fill-opacity=".75"')
    return HEAD.format(
        width, height + 76, f'Memory of {stage}', 'Read from the boot log and '
        f'the ELF file; low addresses below. {escape(names)}.') + '\n'.join(
            [*parts, foot, '</svg>', ''])


def start(argv):
    """Write or compare; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true')
    parser.add_argument('names', nargs='*')
    asked = parser.parse_args(argv)
    logs, stale = boot_logs(), 0
    known = {f'{stage}-memory': stage for stage in logs}
    for name in asked.names or known:
        one_of('NAME', name, known, 'figure that is drawn from a run')
        path = TOP / 'book' / 'figures' / f'{name}.svg'
        text = memory_map(known[name], logs[known[name]])
        if path.is_file() and path.read_text() == text:
            continue
        stale += 1
        print(f'figure {name}: ' + ('STALE' if asked.check else 'written'))
        if not asked.check:
            path.write_text(text)
    return 1 if stale and asked.check else 0


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
