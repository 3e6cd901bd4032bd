"""tools/heapview.py: a list of blocks becomes a picture of all of them."""
import random
import re
from xml.etree import ElementTree

import heapview
import pytest
from common import TOP, ToolError, command

LIST = """boot: something else
page-map: 8192 pages\r
page-map: 0 reserved 1 x 259\r
page-map: 259 free 1 x 1\r
page-map: 260 allocated 1 x 4\r
page-map: 264 free 8 x 1
page-map: 272 allocated 100 x 1
page-map: 372 free 4 x 1
some line between
page-map: 376 free 8 x 1
page-map: 384 free 128 x 1
page-map: 512 free 512 x 1
page-map: 1024 free 1024 x 1
page-map: 2048 free 2048 x 1
page-map: 4096 free 4096 x 1
demo: vellumctl pages: status 0
"""
SVG = '{http://www.w3.org/2000/svg}'


def areas(picture):
    """Area in pages of the rectangles of each class, without the legend."""
    total = {}
    for rect in ElementTree.fromstring(picture).iter(SVG + 'rect'):
        if rect.get('width') == '12':
            continue
        size = int(rect.get('width')) * int(rect.get('height'))
        kind = rect.get('class')
        total[kind] = total.get(kind, 0) + size // heapview.CELL ** 2
    return total


def test_every_page_is_drawn_in_the_colour_of_its_state():
    """The areas are the sums of the list."""
    pages, blocks = heapview.parse(LIST)
    found = areas(heapview.draw(pages, blocks))
    assert pages == 8192
    assert found == {'reserved': 259, 'allocated': 104,
                     'free': 8192 - 259 - 104, 'chunk': 8192}


def test_no_page_is_drawn_twice():
    """Aligned pieces of all orders have places of their own."""
    rng = random.Random(1)
    first, taken = 0, set()
    while first < heapview.CHUNK:
        pages = min(rng.randint(1, 200), heapview.CHUNK - first)
        for at, order in heapview.pieces(first, pages):
            assert at % (1 << order) == 0
            x, y, width, height = heapview.place(at, order)
            assert width * height == 1 << order
            cells = {(x + i, y + j) for i in range(width)
                     for j in range(height)}
            assert not cells & taken
            taken |= cells
        first += pages
    assert len(taken) == heapview.CHUNK


def test_buddies_touch():
    """A block and its buddy are one rectangle, that of the next order."""
    for order in range(heapview.ORDERS - 1):
        x, y, width, height = place = heapview.place(0, order)
        x2, y2, *_ = heapview.place(1 << order, order)
        assert (x2, y2) in ((x + width, y), (x, y + height))
        both = heapview.place(0, order + 1)
        assert both[2] * both[3] == 2 * place[2] * place[3]


@pytest.mark.parametrize('old,new', [
    ('page-map: 264 free 8 x 1', 'page-map: 265 free 8 x 1'),   # a gap
    ('page-map: 4096 free 4096 x 1\n', ''),                     # too short
    ('free 128 x 1', 'none 128 x 1'),           # it changed meanwhile
    ('page-map: 8192 pages', 'pages'),
    (LIST, 'page-map: 0 pages\n'),              # nothing to draw
])
def test_a_list_that_cannot_be_is_refused(old, new):
    """No picture of half the memory."""
    with pytest.raises(ToolError):
        heapview.parse(LIST.replace(old, new))


@pytest.mark.parametrize('prefix', ['[    1.234567] ', '<6>[12.5] ', '\t',
                                    '2024-05-01T10:00:00 host kernel: '])
def test_lines_may_have_something_before_them(prefix):
    """Time stamps of a kernel or of a terminal program."""
    stamped = re.sub('^', prefix, LIST, flags=re.M)
    assert heapview.parse(stamped) == heapview.parse(LIST)
    with pytest.raises(ToolError):
        heapview.parse(LIST.replace('page-map', 'no-page-map'))


@pytest.mark.parametrize('words, message', [
    (['missing'], 'missing: No such file'),
    (['.'], '.: Is a directory'),
    (['log', '-o', 'missing/map.svg'], '-o missing/map.svg: No such file'),
    (['log', '-o', '.'], '-o .: Is a directory'),
    (['log', 'log'], 'usage: '),
])
def test_files_that_cannot_be_are_named(tmp_path, monkeypatch, words,
                                        message):
    """An error of the tool, with the name that was given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'log').write_text(LIST)
    with pytest.raises(ToolError, match='^' + re.escape(message)):
        heapview.heapview(words)


def test_the_tool_writes_an_svg_for_light_and_dark(tmp_path):
    """Nothing has a fixed colour that a dark page would hide."""
    (tmp_path / 'log').write_text('noise\n' + LIST.replace('8192', '9')
                                  + LIST)
    command(['/usr/bin/python3', TOP / 'tools' / 'heapview.py',
             tmp_path / 'log', '-o', tmp_path / 'map.svg'])
    text = (tmp_path / 'map.svg').read_text()
    assert 'prefers-color-scheme: dark' in text and 'currentColor' in text
    assert not re.search(r'(fill|stroke)="', text)
    assert areas(text)['allocated'] == 104
