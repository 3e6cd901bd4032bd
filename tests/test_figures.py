"""The book's figures: drawn from what is there now, and readable by all."""
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from common import TOP, stages

SVG = '{http://www.w3.org/2000/svg}'
FILES = sorted((TOP / 'book' / 'figures').glob('*.svg'))


def run(*words):
    """The tool that draws them; status and output."""
    done = subprocess.run([sys.executable, TOP / 'tools/figures', *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def test_no_figure_is_stale(request):
    """`make figures` would change nothing: the memory maps and the boot
    sequences are those of the ELF files and transcripts of now."""
    if request.config.getoption('stage') or request.config.getoption('emu'):
        pytest.skip('only in a run of all tests')
    status, text = run('--check')
    assert status == 0, text


def test_each_stage_has_its_memory_map_and_its_boot_sequence():
    """For all that is built, final included."""
    names = {path.stem for path in FILES}
    for stage in stages():
        assert {f'{stage}-memory', f'{stage}-order'} <= names


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


def test_a_text_that_does_not_fit_is_refused():
    """The canvas measures what it writes."""
    code = ("import sys; sys.path.insert(0, 'tools/figures')\n"
            "from canvas import Figure\n"
            "f = Figure('x', 'x', 'x', 100, 100)\n"
            "f.box(10, 10, 40, 20, 'much too long a text')\n")
    done = subprocess.run([sys.executable, '-c', code], cwd=TOP, text=True,
                          capture_output=True, check=False)
    assert done.returncode and 'does not fit' in done.stderr
