"""The book's figures: drawn from what is there now, and readable by all."""
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from common import TOP, stages

SVG = '{http://www.w3.org/2000/svg}'
FILES = sorted((TOP / 'book' / 'figures').glob('*.svg'))
NARROW = " .,:;'|!()[]ijlrtfI1"


def test_no_figure_is_stale(request):
    """`make figures` would change nothing: the memory maps are those of the
    ELF files and transcripts of now."""
    if request.config.getoption('stage') or request.config.getoption('emu'):
        pytest.skip('only in a run of all tests')
    done = subprocess.run(
        [sys.executable, TOP / 'tools/figures.py', '--check'], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout


def test_each_stage_has_its_memory_map():
    """For all that is built, final included."""
    assert {f'{stage}-memory' for stage in stages()} <= {
        path.stem for path in FILES}


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_a_figure_can_be_read_by_all(path):
    """It has a title and words for who can't see it; its lines and letters
    take the colour of the text around; nothing is loaded from elsewhere."""
    text = path.read_text()
    root = ElementTree.fromstring(text)
    title, about = root.find(f'{SVG}title'), root.find(f'{SVG}desc')
    assert root.get('role') == 'img' and root.get('viewBox')
    assert title is not None and len(title.text) > 4
    assert about is not None and len(about.text) > 40
    assert 'prefers-color-scheme' in text
    for element in root.iter():
        assert element.get('fill') in (None, 'none', 'currentColor') or \
            float(element.get('fill-opacity', '1')) <= .3
        assert element.get('stroke') in (None, 'none', 'currentColor')
    assert 'http' not in text.replace('http://www.w3.org/2000/svg', '')
    # Several stand in one page: what is named must be named once; and markers
    # are not drawn alike everywhere.
    assert all(name.startswith(path.stem + '-')
               for name in re.findall(r'\bid="([^"]*)"', text))


def number(element, name, default=0):
    """An attribute that is a number."""
    return float(element.get(name, default))


def extent(text):
    """About where a line of text begins and ends."""
    size, words = number(text, 'font-size', 14), text.text
    narrow = sum(char in NARROW for char in words)
    wide = len(words) * size * .61 if text.get('font-family') else \
        narrow * size * .38 + (len(words) - narrow) * size * (
            .64 if text.get('font-weight') else .60)
    left = number(text, 'x') - wide * {'middle': .5, 'end': 1}.get(
        text.get('text-anchor'), 0)
    return left, left + wide


def sticks_out(root):
    """The texts that leave the picture, or the smallest box around their
    anchor when that is in its middle."""
    _, top, width, height = map(float, root.get('viewBox').split())
    boxes = [tuple(number(box, name) for name in ('x', 'y', 'width', 'height'))
             for box in root.iter(f'{SVG}rect')]
    for text in root.iter(f'{SVG}text'):
        x, y, (left, right) = number(text, 'x'), number(text, 'y'), \
            extent(text)
        around = [box for box in boxes if abs(x - box[0] - box[2] / 2) < 1
                  and box[1] < y < box[1] + box[3]]
        low, _, wide, _ = min(around, key=lambda box: box[2] * box[3],
                              default=(0, 0, width, height))
        if left < low or right > low + wide or not 0 < y - top < height:
            yield text.text


@pytest.mark.parametrize('path', [path for path in FILES
                                  if path.stem != '03-heapview'],
                         ids=lambda path: path.stem)
def test_no_text_sticks_out(path):
    """Whoever moves a box or changes a word sees it here."""
    root = ElementTree.parse(path).getroot()
    assert not list(sticks_out(root))
    text = next(root.iter(f'{SVG}text'))
    text.text += ' and much too much more' * 9
    assert list(sticks_out(root)) == [text.text]
