"""The web edition in a browser: no console errors, no broken links, nothing to
scroll sideways on a telephone, and what the reader offers works. The EPUB
passes epubcheck, and the PDF has its pages.

Needs the packages of the group book (make setup book).
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from html.parser import HTMLParser

import pytest
from common import TOP, stages

PHONE, DESK = (360, 740), (1280, 900)


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """The web edition of this tree, freshly built, and the EPUB beside it."""
    build = tmp_path_factory.mktemp('book')
    done = subprocess.run(
        [sys.executable, TOP / 'tools/book', 'epub'],
        env={**os.environ, 'BUILD_ROOT': str(build)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return build / 'book/html'


@pytest.fixture(scope='module')
def small_book(tmp_path_factory):
    """The small book of tests/book in all its forms."""
    tree = tmp_path_factory.mktemp('small') / 'tree'
    shutil.copytree(TOP / 'tests/book/tree', tree, symlinks=True)
    for name in ('style', 'filter'):
        shutil.copytree(TOP / 'book' / name, tree / 'book' / name)
    shutil.copytree(TOP / 'tools', tree / 'tools')
    # Stage 02 has a changed copy of one inherited file.
    changed = tree / 'stages/02-more/core'
    changed.unlink()
    shutil.copytree(tree / 'stages/01-mini/core', changed)
    text = (changed / 'core.c').read_text()
    assert 'queue->first++;' in text
    (changed / 'core.c').write_text(text.replace(
        '\tqueue->first++;', '\tqueue->first += 1;\n\tcount++;'))
    done = subprocess.run(
        [sys.executable, tree / 'tools/book', 'all'],
        env={**os.environ, 'BUILD_ROOT': str(tree / 'build')}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout
    return tree / 'build/book'


def test_a_chapter_is_woven(small_book):
    """Code, header line, figure, transcript, patch, citation, term."""
    text = (small_book / 'html/01-mini.html').read_text()
    for wanted in (
            'href="src/01-mini/core/core.c.html#L14" title="the whole file">'
            'core/core.c</a> <span class="what">queue_put()</span>',
            '<span class="l" data-n="16">', '<strong>Figure 1.1.</strong>',
            '<svg id="drawing-ring" role="img" aria-label="Four slots in a '
            'ring."',
            '<samp>queue: 4 slots</samp>', 'make run STAGE=01-mini',
            '<span class="del">-\tif (queue-&gt;last',
            '>Knuth 1 2.2.1</a>]', 'href="glossary.html#term-queue"',
            '<p class="box-title">Decision</p>',
            '<p class="box-title">Exercise 1.1, level 1: look and think</p>',
            '<p class="box-title">Followed through</p>',
            '<li>keep numbers in order</li>',
            '<strong>Lines of code:</strong> 53 in the text, 5 in the '):
        assert wanted in text, wanted
    assert '<a href="src/01-mini/core/core.c.html#L14">queue_put</a>' in text
    index = (small_book / 'html/sections.html').read_text()
    assert '<dt>2.2.1</dt><dd><a href="01-mini.html#cite-1">' in index


def test_answers_stand_in_the_back(small_book):
    """With links both ways; so do solutions, and the index of subjects."""
    text, answers, solutions, subjects = (
        (small_book / f'html/{name}.html').read_text()
        for name in ('01-mini', 'answers', 'solutions', 'subjects'))
    assert 'href="answers.html#01-mini--q-01-1">Answer</a>' in text
    assert 'It is 5.' not in text and '<p>It is 5.</p>' in answers
    assert '<a href="01-mini.html#q-01-5">Question 1.5</a>' in answers
    assert '<a href="01-mini.html#the-code">the code</a>' in answers
    assert 'id="01-mini--ex-01-3"' in solutions
    for subject in ('queue', 'queue, full'):
        assert f'<dt>{subject}</dt><dd><a href="01-mini.html#index-' \
            in subjects


def test_the_listing_part_is_closed_and_points_to_the_text(small_book):
    """What the main text shows of a file is a link in its listing."""
    text = (small_book / 'html/01-mini.html').read_text()
    part = text[text.index('id="listings"'):]
    assert '<details class="code rest" id="code-12"><summary>' in part
    assert re.search(r'data-n="20">.*\.quad', part)
    assert re.search(r'In the text: <a href="01-mini.html#code-\d+">start'
                     r'</a></span>\n', part)


def test_a_changed_file_is_shown_side_by_side(small_book):
    """Old at the left, new at the right, and only what changed."""
    text = (small_book / 'html/diff-02-more.html').read_text()
    old, new = re.search(r'<pre class="old".*?<code>(.*?)</code>.*?'
                         r'<pre class="now".*?<code>(.*?)</code>', text,
                         re.S).groups()
    assert len(old.split('\n')) == len(new.split('\n'))
    assert old.count('class="del"') == 1 and 'first++' in old
    assert new.count('class="add"') == 2 and 'count++' in new
    assert 'core.h</code>' not in text and 'extra/extra.c</code>: new' in text


@pytest.mark.slow
def test_the_epub_is_valid(small_book, site):
    """epubcheck has nothing to say, about the small book nor the real one."""
    for path in (small_book / 'vellum.epub', site.parent / 'vellum.epub'):
        done = subprocess.run(
            ['java', '-jar', '/usr/share/java/epubcheck.jar', path],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        assert done.returncode == 0, done.stdout
        assert '0 fatals / 0 errors / 0 warnings' in done.stdout


def text_of(path, *options):
    """The words of a PDF."""
    return subprocess.run(['pdftotext', *options, path, '-'],
                          stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def test_the_pdf_has_page_references(small_book):
    """Contents and indexes name the page on which the thing is; listings and
    patches are in volume 2, which knows the pages of volume 1."""
    def text(*options):
        return text_of(small_book / 'vellum.pdf', *options)
    pages = text('-layout').split('\f')
    of_code = next(number for number, page in enumerate(pages, 1)
                   if 'Nothing is overwritten' in page)
    assert re.search(r'The code[ .]+\d+', text('-layout'))
    assert re.search(r'2\.2\.1: \d+', text())
    assert re.search(r'^queue, full \d+', text(), re.M)
    assert re.search(r'What about 5\? Answer \(page \d+\)', text())
    assert 'stack_top:' not in text() and 'QUEUE_SIZE)\n' in text()
    second = text_of(small_book / 'vellum-listings.pdf', '-layout')
    assert re.search(rf'queue_get\(\)\s+1:{of_code}\b', second)
    assert re.search(r'core/entry\.S [ .]+\d+\n', second)
    assert re.search(r'In volume 1: start \(page \d+\)', second)
    assert 'stack_top:' in second and '@@ -14,4' in second


def test_a_first_volume_that_is_too_long_is_an_error(small_book, tmp_path):
    """So that the book goes on leading."""
    tools = small_book.parent.parent / 'tools'
    done = subprocess.run(
        [sys.executable, '-c', f'import sys; sys.path.insert(0, "{tools}"); '
         'from book import html, pdf; pdf.MOST_PAGES = 9; '
         'pdf.build(html.build())'],
        env={**os.environ, 'BUILD_ROOT': str(tmp_path)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert re.search(r'volume 1 has \d+ pages, at most 9', done.stdout)


def test_the_start_page_leads_to_all_stages_and_ways(site):
    """A drawing for each stage, and links into the introduction."""
    text = (site / 'index.html').read_text()
    ladder = text[text.index('class="ladder"'):text.index('id="paths"')]
    assert ladder.count('<svg') == ladder.count('<li>') == len(stages())
    ways = text[text.index('class="paths"'):text.index('id="contents"')]
    assert len(re.findall(r'href="00-introduction\.html#', ways)) == 3


class Page(HTMLParser):
    """Identifiers and links of a page."""

    def __init__(self, path):
        super().__init__()
        self.idents, self.links, self.landmarks = [], [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        """Note what others may point to, and what this points to."""
        attrs = dict(attrs)
        if 'id' in attrs:
            self.idents.append(attrs['id'])
        if tag in ('main', 'nav', 'header', 'footer'):
            self.landmarks.append(tag)
        for key in ('href', 'src'):
            if key in attrs:
                self.links.append(attrs[key])


def pages_to_look_at(site):
    """Every page but the sources, and the longest of those."""
    files = sorted(site.glob('*.html'))
    sources = sorted(site.glob('src/**/*.html'),
                     key=lambda path: path.stat().st_size)
    return files + sources[-3:] + sources[:1]


def test_no_link_is_broken(site):
    """Links between all pages, sources too, with their anchors."""
    pages = {path.resolve(): Page(path) for path in site.rglob('*.html')}
    bad, count = [], 0
    for path, page in pages.items():
        for link in page.links:
            if re.match(r'[a-z]+:', link):
                continue
            count += 1
            name, _, ident = urllib.parse.unquote(link).partition('#')
            target = (path.parent / name).resolve() if name else path
            if not target.is_file():
                bad.append(f'{path.name}: {link}')
            elif ident and target in pages \
                    and ident not in pages[target].idents:
                bad.append(f'{path.name}: {link}')
    print(f'{count} links in {len(pages)} pages')
    assert count > 100 and not bad, bad[:20]


def test_identifiers_are_unique_and_landmarks_there(site):
    """What a screen reader and a link rely on."""
    for path in pages_to_look_at(site):
        page = Page(path)
        twice = {i for i in page.idents if page.idents.count(i) > 1}
        assert not twice, f'{path.name}: {sorted(twice)[:5]}'
        assert {'main', 'nav', 'header', 'footer'} <= set(page.landmarks)


class Browser:
    """A headless Chromium, driven through its debugging socket."""

    def __init__(self, profile):
        import websocket    # of the group book, as Chromium is
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ['chromium', '--headless=new', '--no-sandbox', '--disable-gpu',
             '--disable-dev-shm-usage', f'--user-data-dir={profile}',
             f'--remote-debugging-port={port}', '--remote-allow-origins=*',
             'about:blank'], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.number, self.events = 0, []
        for _ in range(300):
            try:
                with urllib.request.urlopen(
                        f'http://127.0.0.1:{port}/json') as answer:
                    tabs = [tab for tab in json.load(answer)
                            if tab['type'] == 'page']
                if tabs:
                    break
            except OSError:
                pass
            time.sleep(0.2)
        else:
            raise AssertionError('Chromium does not start')
        self.socket = websocket.create_connection(
            tabs[0]['webSocketDebuggerUrl'], timeout=120)
        for domain in ('Page', 'Runtime', 'Log'):
            self.call(f'{domain}.enable')

    def call(self, method, **params):
        """One command; events that come meanwhile are kept."""
        self.number += 1
        self.socket.send(json.dumps({'id': self.number, 'method': method,
                                     'params': params}))
        while True:
            got = json.loads(self.socket.recv())
            if got.get('id') == self.number:
                assert 'error' not in got, got
                return got['result']
            self.events.append(got)

    def size(self, width, height):
        """The size of the window; a narrow one is a telephone's."""
        self.call('Emulation.setDeviceMetricsOverride', width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 500)

    def open(self, path):
        """Load a page and wait for it."""
        self.events = []
        self.call('Page.navigate', url=path.as_uri())
        for _ in range(600):
            if any(event.get('method') == 'Page.loadEventFired'
                   for event in self.events) and \
                    self.run('document.readyState') == 'complete':
                return
            self.run('0')
            time.sleep(0.05)
        raise AssertionError(f'{path.name} does not load')

    def run(self, script):
        """The value of a JavaScript expression."""
        got = self.call('Runtime.evaluate', expression=script,
                        returnByValue=True, awaitPromise=True,
                        userGesture=True)
        assert 'exceptionDetails' not in got, got
        return got['result'].get('value')

    def key(self, key, code=0):
        """Press a key."""
        text = {'text': key} if len(key) == 1 else {}
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=key,
                      windowsVirtualKeyCode=code,
                      **(text if kind == 'keyDown' else {}))

    def errors(self):
        """What the console complained about since the page was opened."""
        return [event for event in self.events
                if event.get('method') == 'Runtime.exceptionThrown'
                or event.get('method') == 'Log.entryAdded'
                and event['params']['entry']['level'] == 'error'
                or event.get('method') == 'Runtime.consoleAPICalled'
                and event['params']['type'] in ('error', 'assert')]

    def close(self):
        """End the browser."""
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    """One browser for all tests of this file."""
    one = Browser(tmp_path_factory.mktemp('profile'))
    yield one
    one.close()


def test_pages_load_without_errors_and_fit_a_telephone(site, browser):
    """No console errors; at 360 px nothing but code boxes scrolls."""
    browser.size(*PHONE)
    for path in pages_to_look_at(site):
        browser.open(path)
        wide = browser.run('document.documentElement.scrollWidth')
        tables = browser.run('[...document.querySelectorAll("table")].every('
                             '(table) => table.parentElement.scrollWidth <= '
                             'innerWidth || table.closest(".wide"))')
        assert tables, path.name
        assert wide <= PHONE[0], (
            f'{path.name}: {wide} px wide: ' + str(browser.run(
                '[...document.querySelectorAll("main *")].filter((e) => '
                'e.getBoundingClientRect().right > 361).slice(0, 3)'
                '.map((e) => e.outerHTML.slice(0, 120))')))
        assert not browser.errors(), (path.name, browser.errors())


def chapter_of(site):
    """A page with code blocks; the references, as long as there is none."""
    for path in sorted(site.glob('[0-9]*.html')):
        if 'class="code' in path.read_text():
            return path
    return sorted(site.glob('src/**/*.html'))[0]


def test_search_finds_and_leads_there(site, browser):
    """/ goes to the search; Enter to the first place."""
    browser.size(*DESK)
    browser.open(site / 'index.html')
    browser.key('/', 191)
    assert browser.run('document.activeElement.name') == 'q'
    browser.run('document.activeElement.value = "boot_main"; '
                'document.activeElement.dispatchEvent(new Event("input"))')
    assert browser.run('document.querySelectorAll("#results a").length') > 0
    first = browser.run('document.querySelector("#results a").href')
    assert 'entry' in first or 'main' in first or 'boot' in first
    browser.key('Escape', 27)
    assert browser.run('document.querySelector("#results").hidden')


def found(browser, query):
    """The addresses that the search finds, and what it says of them."""
    browser.run('document.querySelector("#search input").value = '
                f'{json.dumps(query)}; document.querySelector("#search input")'
                '.dispatchEvent(new Event("input"))')
    return browser.run('[...document.querySelectorAll("#results a")].map('
                       '(a) => a.href.replace(/.*html\\//, ""))'), \
        browser.run('document.querySelector("#results p").textContent')


def test_search_finds_prose_first(site, browser):
    """A phrase leads to the sections that explain it, not to identifiers of
    its words; tests come last. One place is not "1 places"."""
    browser.size(*DESK)
    browser.open(site / 'index.html')
    for query, chapters in (('double free', '03-|04-'),
                            ('page fault', 'glossary|02-')):
        hits, _ = found(browser, query)
        assert re.match(chapters, hits[0]), (query, hits)
        assert not any(hit.startswith('src/') for hit in hits[:2]), hits
    hits, _ = found(browser, 'alloc pages')
    assert not any('/test/' in hit for hit in hits[:3]), hits
    hits, said = found(browser, 'test_split_and_merge_are_undone')
    assert said == f'{len(hits)} places' if len(hits) > 1 else said in (
        '1 place', 'nothing found')
    hits, said = found(browser, 'knowlton 1965 xyzzy')
    assert said == 'nothing found' and not hits


def test_figures_can_be_read_on_a_telephone(site, browser):
    """At 390 pixels no letter of a drawing is smaller than 10."""
    browser.size(390, 844)
    for path in sorted(site.glob('[0-9]*.html')):
        browser.open(path)
        small = browser.run(
            '[...document.querySelectorAll(".drawing text")].map((t) => ['
            'parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement'
            '.getBoundingClientRect().width / t.ownerSVGElement.viewBox'
            '.baseVal.width, t.textContent]).filter((r) => r[0] < 9.9)')
        assert not small, (path.name, small[:4])


def test_a_figure_of_steps_is_stepped_through(site, browser):
    """With buttons and arrow keys; paper shows all of it."""
    path = next(path for path in sorted(site.glob('[0-9]*.html'))
                if 'data-frames=' in path.read_text())
    browser.size(*DESK)
    browser.open(path)
    box = 'document.querySelector("svg[data-frames]")'
    height = f'{box}.viewBox.baseVal.height'
    place = 'document.querySelector(".steps span").textContent'
    count = browser.run(f'+{box}.dataset.frames')
    each = browser.run(height)
    assert browser.run(place) == f'1 of {count}'
    browser.run(f'{box}.closest("figure").focus()')
    browser.key('ArrowRight', 39)
    assert browser.run(place) == f'2 of {count}'
    assert browser.run(f'{box}.viewBox.baseVal.y') == each
    browser.run('document.querySelector(".steps button").click()')
    assert browser.run(place) == f'1 of {count}'
    browser.run('dispatchEvent(new Event("beforeprint"))')
    assert abs(browser.run(height) - each * count) < 1


def test_a_listing_opens_for_a_link(site, browser):
    """It is closed otherwise."""
    path = next(path for path in sorted(site.glob('[0-9]*.html'))
                if 'class="code rest"' in path.read_text())
    ident = re.search(r'class="code rest" id="([^"]+)"', path.read_text())[1]
    browser.size(*DESK)
    browser.open(path)
    is_open = f'document.getElementById("{ident}").open'
    assert not browser.run(is_open)
    browser.run(f'location.hash = "#{ident}"; '
                'new Promise((done) => setTimeout(done, 300))')
    assert browser.run(is_open)


def test_what_was_read_is_remembered(site, browser):
    """The first page leads back to where one was."""
    browser.size(*DESK)
    path = chapter_of(site)
    browser.open(path)
    browser.run('scrollTo({top: 4000, behavior: "instant"}); '
                'new Promise((done) => setTimeout(done, 900))')
    browser.open(site / 'index.html')
    assert path.name in browser.run('document.querySelector("#continue a")'
                                    '.href')
    assert browser.run('document.querySelector("#chapters a.read").href')


def test_dark_and_light(site, browser):
    """The button changes the colours, and the page remembers."""
    browser.size(*DESK)
    browser.open(site / 'index.html')
    colour = 'getComputedStyle(document.body).backgroundColor'
    before = browser.run(colour)
    browser.run('document.querySelector("#theme").click()')
    after = browser.run(colour)
    assert before != after
    browser.open(site / 'references.html')
    assert browser.run(colour) == after
    browser.run('document.querySelector("#theme").click()')
    assert browser.run(colour) == before


def test_keyboard_and_copying(site, browser):
    """Tab goes to the skip link first; code can be reached and copied."""
    browser.size(*DESK)
    browser.open(chapter_of(site))
    browser.key('Tab', 9)
    assert browser.run('document.activeElement.className') == 'skip'
    assert browser.run('document.querySelector(".code pre").tabIndex') == 0
    browser.run('document.execCommand = () => true; '
                'document.querySelector(".copy").click()')
    for _ in range(100):
        if browser.run('document.querySelector(".copy").textContent') \
                == 'copied':
            break
        time.sleep(0.05)
    else:
        raise AssertionError('the copy button does nothing')


def test_progress_and_menu(site, browser):
    """The bar grows with the page; the menu opens on a telephone."""
    browser.size(*PHONE)
    browser.open(chapter_of(site))
    bar = 'document.querySelector("#progress").style.transform'
    assert browser.run(bar) == 'scaleX(0)'
    browser.run('scrollTo({top: 1e7, behavior: "instant"}); '
                'new Promise((done) => setTimeout(done, 400))')
    assert float(re.search(r'[\d.]+', browser.run(bar))[0]) > 0.9
    shown = 'getComputedStyle(document.querySelector("#chapters")).display'
    assert browser.run(shown) == 'none'
    browser.run('document.querySelector("#menu").click()')
    assert browser.run(shown) == 'block'
    here = browser.run('document.querySelector("#chapters [aria-current]")'
                       '.getBoundingClientRect().top')
    assert 0 < here < PHONE[1]
    assert browser.run('document.querySelector("#toc details").open') is False


def test_views_of_what_a_stage_adds(site, browser):
    """Before, side by side, after."""
    browser.size(*DESK)
    browser.open(sorted(site.glob('diff-*.html'))[-1])
    browser.run('document.querySelector("[data-view=before]").click()')
    assert browser.run('document.querySelector("main").className') == 'before'
    assert browser.run('getComputedStyle(document.querySelector('
                       '".side.new .now")).display') == 'none'
