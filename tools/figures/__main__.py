"""`make figures`: writes the book's figures, book/figures/NAME.svg.

  figures [--check] [NAME...]    --check writes nothing; status 1 when a file
                                 is not what would be written
"""
import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent),
                str(Path(__file__).resolve().parent)]
# pylint: disable=wrong-import-position
import boot                                         # noqa: E402
import first                                        # noqa: E402
import guest                                        # noqa: E402
import maps                                         # noqa: E402
import memory                                       # noqa: E402
from common import TOP, main                        # noqa: E402
from values import one_of                           # noqa: E402

FOLDER = TOP / 'book' / 'figures'
MODULES = (first, boot, memory, guest)


def figures():
    """All figures, by name."""
    made = [draw() for module in MODULES for draw in module.FIGURES]
    made += maps.figures()
    return {figure.name: figure for figure in made}


def start(argv):
    """Write or compare; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true')
    parser.add_argument('names', nargs='*')
    asked = parser.parse_args(argv)
    known, stale = figures(), 0
    for name in asked.names or known:
        one_of('NAME', name, known, 'such figure')
        path, text = FOLDER / f'{name}.svg', known[name].svg()
        if path.is_file() and path.read_text() == text:
            continue
        stale += 1
        print(f'figure {name}: ' + ('STALE' if asked.check else 'written'))
        if not asked.check:
            path.write_text(text)
    return 1 if stale and asked.check else 0


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
