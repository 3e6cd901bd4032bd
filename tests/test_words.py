"""Vellum's settings: README lists those that the images have.

Each SETTING() leaves a struct setting in a table of an image
(boot/settings.h).
"""
import re

import pytest
from common import BUILD, TOP, stages
from elf import Elf

ENTRY = 88
ROW = re.compile(r'^\| `([a-z0-9.-]+)(=?)[^`]*` \| .+ \| (\d\d|final)'
                 r'(, `TEST=1`)? \|$', re.M)


def declared(build):
    """Word -> does it take a value; of an image."""
    path = BUILD / build / 'vellum.elf'
    if not path.is_file():
        pytest.fail(f'{path} is not built', pytrace=False)
    elf = Elf(path)
    table = range(elf.symbols['__start_settings'],
                  elf.symbols['__stop_settings'], ENTRY)
    words = [(elf.string(elf.words(at, 1)[0]),
              elf.words(at + 16, 1)[0] != 0) for at in table]
    assert len(dict(words)) == len(words), 'a word is declared twice'
    return dict(words)


@pytest.mark.parametrize('stage', stages())
def test_readme_lists_the_words_of_each_stage(stage):
    """Those of the ordinary build, and those that TEST=1 adds."""
    rows = ROW.findall((TOP / 'README.md').read_text())
    listed = {(name, bool(value), bool(test))
              for name, value, since, test in rows if since <= stage}
    ordinary = declared(stage)
    found = {(name, value, name not in ordinary)
             for name, value in declared(stage + '-test').items()}
    assert found == listed
    assert set(ordinary) <= {name for name, _, _ in found}
