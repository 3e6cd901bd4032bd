"""Figures of chapters 2 to 4: page tables, pages, slabs and pools."""
from canvas import Figure


def page_walk():
    """A virtual address, level by level."""
    f = Figure('page-walk', 'Walking a page table',
               'A virtual address of 48 bits is four indices of nine bits and '
               'an offset of twelve. CR3 leads to the root table; each index '
               'picks an entry, which leads to the next table, until one '
               'leads to a page. An entry of level 2 or 3 with the bit PS is '
               'a leaf: the rest of the address is the offset in a page of 2 '
               'MiB or 1 GiB.', 760, 384)
    parts = ((60, 'sign', '63:48'), (130, 'level 4', '47:39'),
             (130, 'level 3', '38:30'), (130, 'level 2', '29:21'),
             (130, 'level 1', '20:12'), (120, 'offset', '11:0'))
    x, centres = 30, []
    for wide, name, bits in parts:
        f.box(x, 34, wide, 34, name, kind='dim' if name == 'sign' else 'plain',
              size=13)
        f.text(x + wide / 2, 26, bits, 12, mono=True, dim=True)
        centres.append(x + wide / 2)
        x += wide
    tables = [(centre - 44, 120) for centre in centres[1:5]]
    names = ('PML4', 'PDPT', 'page directory', 'page table')
    for level, (left, top) in enumerate(tables):
        f.box(left, top, 88, 150)
        f.text(left + 44, top - 8, names[level], 12, dim=True)
        row = top + 30 + level * 14
        f.box(left, row, 88, 24, 'entry', kind='ours', size=12)
        index = centres[level + 1]
        f.arrow((index, 68), (index, 88), (left - 12, 88),
                (left - 12, row + 12), (left, row + 12))
        nxt = tables[level + 1] if level < 3 else (centres[5] - 44, 190)
        bottom = nxt[1] + 150 if level < 3 else 270
        f.line((left + 88, row + 12), (left + 100, row + 12),
               (left + 100, bottom - 4))
        f.arrow((left + 100, bottom - 4), (nxt[0], bottom - 4))
    f.box(30, 246, 60, 24, 'CR3', kind='dim', size=12, mono=True)
    f.arrow((90, 266), (tables[0][0], 266))
    page = centres[5] - 44
    f.box(page, 120, 88, 150, kind='free')
    f.text(page + 44, 112, 'page, 4 KiB', 12, dim=True)
    f.box(page, 160, 88, 20, 'byte', kind='used', size=12)
    f.arrow((centres[5], 68), (centres[5], 84), (page - 12, 84),
            (page - 12, 170), (page, 170), dash=True)
    for level, size in ((1, '1 GiB'), (2, '2 MiB')):
        left, top = tables[level]
        f.box(left, 322, 88, 46, 'page', size, kind='free', size=12)
        f.arrow((left + 30, top + 54 + level * 14), (left + 30, 322),
                dash=True)
    f.text(466, 336, 'PS set in level 3: the offset is 29:0', 12,
           anchor='start', dim=True)
    f.text(466, 358, 'PS set in level 2: the offset is 20:0', 12,
           anchor='start', dim=True)
    f.text(30, 352, 'or a leaf higher up:', 13, anchor='start')
    return f


def _blocks(f, x, y, unit, blocks):
    """A row of blocks: (pages, text, kind)."""
    for pages, text, kind in blocks:
        f.box(x, y, unit * pages, 30, text, kind=kind, size=13)
        x += unit * pages


def buddy():
    """Split and merge."""
    f = Figure('buddy', 'Split and merge',
               'Left, alloc_pages(1) with one free block of eight pages: the '
               'block is split into four and four, the lower half into two '
               'and two, its lower half into one and one, and the lowest page '
               'is taken. Right, free_page() of it: page 0 merges with its '
               'buddy 1, the pair with 2 and 3, the four with 4 to 7.',
               760, 330)
    f.text(190, 24, 'alloc_pages(1)', mono=True)
    f.text(570, 24, 'free_page()', mono=True)
    rows = [[(8, '0: 8 pages, free', 'free')],
            [(4, '0: 4', 'free'), (4, '4: 4 free', 'free')],
            [(2, '0: 2', 'free'), (2, '2: 2 free', 'free'),
             (4, '4: 4 free', 'free')],
            [(1, '0', 'used'), (1, '1', 'free'), (2, '2: 2 free', 'free'),
             (4, '4: 4 free', 'free')]]
    back = [[(1, '0', 'free'), (1, '1', 'free'), (2, '2: 2 free', 'free'),
             (4, '4: 4 free', 'free')],
            [(2, '0: 2', 'free'), (2, '2: 2 free', 'free'),
             (4, '4: 4 free', 'free')],
            [(4, '0: 4', 'free'), (4, '4: 4 free', 'free')],
            [(8, '0: 8 pages, free', 'free')]]
    steps = (('take from order 3, split', 'split', 'split, take page 0'),
             ('0 ^ 1 = 1 is free: merge', '0 ^ 2 = 2 is free: merge',
              '0 ^ 4 = 4 is free: merge'))
    for column, (x, pictures) in enumerate(((30, rows), (410, back))):
        for row, blocks in enumerate(pictures):
            y = 40 + row * 62
            _blocks(f, x, y, 40, blocks)
            if row:
                f.arrow((x + 40, y - 32), (x + 40, y))
                f.text(x + 54, y - 11, steps[column][row - 1], 12,
                       anchor='start', dim=True)
    f.text(190, 288, 'free lists now: orders 0, 1 and 2', 13)
    f.text(570, 288, 'free lists now: order 3', 13)
    f.text(380, 318, 'the number is that of the first page; a buddy differs '
           'from it in one bit', 12, dim=True)
    return f


def slab_page():
    """One page of the byte allocator."""
    f = Figure('slab-page', 'A page that was cut up for objects of 16 bytes',
               'The header takes the first 64 bytes of the page: a bitmap of '
               '256 bits, two list links, a pointer to the class and two '
               'counts. It covers slots 0 to 3, whose bits are 0 for '
               'good. The other 252 slots are objects. Below, the class of '
               '1024 bytes: slot 0 for the header, and three objects.',
               760, 380)
    f.text(40, 24, '16-byte class: slots 0 to 3 are the header',
           anchor='start', bold=True)
    x = 40
    for wide, name, kind in ((150, 'bitmap', 'ours'), (74, 'link', 'ours'),
                             (62, 'class', 'ours'), (56, 'used', 'ours'),
                             (56, 'word', 'ours'), (70, 'slot 4', 'used'),
                             (70, 'slot 5', 'free'), (62, '...', 'plain'),
                             (80, 'slot 255', 'free')):
        f.box(x, 56, wide, 44, name, kind=kind, size=13)
        x += wide
    for x, text in ((40, '0'), (190, '32'), (264, '48'), (326, '56'),
                    (382, '60'), (438, '64'), (508, '80'), (720, '4096')):
        f.text(x, 48, text, 11, mono=True, dim=True)
    f.line((40, 100), (60, 150))
    f.line((190, 100), (612, 150))
    bits = [(0, 'dim')] * 4 + [(0, 'used'), (1, 'free'), (1, 'free'),
                               (0, 'used'), (1, 'free')]
    for i, (bit, kind) in enumerate(bits):
        f.box(60 + i * 46, 150, 46, 34, str(bit), kind=kind, mono=True)
        f.text(83 + i * 46, 200, str(i), 11, mono=True, dim=True)
    f.box(60 + 9 * 46, 150, 138, 34, '... 256 bits', size=13)
    f.text(152, 222, 'never 1: the header', 12, dim=True)
    f.text(430, 222, '1: the slot is free; counting trailing zeros finds it',
           12, dim=True)
    f.text(40, 268, '1024-byte class', anchor='start', bold=True)
    f.box(40, 284, 60, 44, 'header', kind='ours', size=13)
    f.box(100, 284, 110, 44, 'not used', kind='dim', size=13)
    for i in range(3):
        f.box(210 + i * 170, 284, 170, 44, f'slot {i + 1}', kind='free',
              size=13)
    for x, text in ((40, '0x000'), (210, '0x400'), (380, '0x800'),
                    (550, '0xc00')):
        f.text(x, 346, text, 11, mono=True, anchor='start', dim=True)
    f.text(380, 370, 'no object begins at a page boundary: low 12 bits of 0 '
           'mean whole pages', 12, dim=True)
    return f


def pool():
    """Blocks of a memory pool, and their runs."""
    f = Figure('pool', 'A memory pool',
               'The pool has a list of blocks; one of them is kept though it '
               'has no objects. Each block has an array of runs, each an '
               'offset and a length, used or free, which cover its pages '
               'without a gap. Pool, blocks and runs come from alloc() and '
               'are private; only the pages of the blocks are seen by '
               'others.', 760, 400)
    f.box(30, 60, 110, 66, '`mempool`', 'blocks', kind='ours', size=13)
    f.box(200, 60, 110, 50, '`block`', '1 page', kind='ours', size=13)
    f.box(200, 140, 110, 50, '`block`', 'kept, empty', kind='ours', size=13)
    f.arrow((140, 85), (200, 85))
    f.arrow((222, 110), (222, 140))
    for i, (text, kind) in enumerate((('(0, 64)', 'used'),
                                      ('(64, 192)', 'free'),
                                      ('(256, 3840)', 'used'))):
        f.box(400 + i * 110, 60, 110, 50, text, kind, kind='ours', size=12)
    f.arrow((310, 85), (400, 85))
    f.text(565, 48, 'runs: (offset, length), one array', 12, dim=True)
    f.line((30, 226), (730, 226), dash=True)
    f.text(30, 218, 'private: from alloc()', 12, anchor='start', dim=True)
    f.text(30, 244, 'shared: whole pages from alloc_pages()', 12,
           anchor='start', dim=True)
    f.box(200, 284, 40, 50, kind='used')
    f.box(240, 284, 96, 50, 'free', kind='free', size=13)
    f.box(336, 284, 394, 50, 'object of 3840 bytes', kind='used', size=13)
    for x, text in ((200, '0'), (240, '64'), (336, '256'), (728, '4096')):
        f.text(x, 352, text, 11, mono=True, dim=True)
    f.text(186, 314, "the block's page", 13, anchor='end')
    f.arrow((286, 110), (286, 126), (352, 126), (352, 262), (212, 262),
            (212, 284), dash=True)
    f.text(374, 180, 'base', 12, mono=True)
    f.text(465, 386, 'two neighbours are never both free; nothing but objects '
           'lies in the pages', 12, dim=True)
    return f


FIGURES = (page_walk, buddy, slab_page, pool)
