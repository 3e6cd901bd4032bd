"""The book's commands.

  book check [03-buddy]               coverage and rules: all, or a chapter
  book html [03-buddy ...]            build/book/html/: all, or these chapters
  book epub                           html/, vellum.epub
  book all                            html/, vellum.epub, vellum.pdf,
                                      vellum-listings.pdf
"""
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

# pylint: disable=wrong-import-position
from book.check import check_book, check_chapter
from common import ToolError, main


def run_check(argv):
    """check [CHAPTER]"""
    if argv:
        return 1 if check_chapter(Path(argv[0]).stem) else 0
    found = list(check_book())
    for line in found:
        print(line)
    return 1 if found else 0


def build_html(argv):
    """html [CHAPTER ...]"""
    from book import html
    parts = html.build([Path(name).stem for name in argv])
    where = html.SITE / (f'{parts[0].chapter.name}.html' if argv
                         else 'index.html')
    print(f'book: {len(parts)} chapters: {where}')
    return 0


def build_all(argv, printed=True):
    """all, or without the PDF epub"""
    if argv:
        raise ToolError('all and epub take no arguments')
    from book import epub, html, pdf
    print('book: web pages ...', flush=True)
    parts = html.build()
    print(f'book: {html.SITE}/index.html: {len(parts)} chapters', flush=True)
    print('book: EPUB ...', flush=True)
    print(f'book: {epub.build(parts)}', flush=True)
    if printed:
        print('book: PDF, which takes longest ...', flush=True)
        for path, pages in pdf.build(parts):
            print(f'book: {path}: {pages} pages')
    return 0


COMMANDS = {'check': run_check, 'html': build_html,
            'all': build_all,
            'epub': lambda argv: build_all(argv, False)}


def start(argv):
    """Run one command."""
    if not argv or argv[0] not in COMMANDS:
        raise ToolError(f'there are: {", ".join(COMMANDS)}\n{__doc__}')
    return COMMANDS[argv[0]](argv[1:])


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
