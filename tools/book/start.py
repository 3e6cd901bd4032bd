"""The start page of the web edition: what one sees in ten minutes, the ladder
of stages with a drawing for each, the paths, and all chapters."""
import html
import re
from string import Template

from common import stages

from book.chapter import BOOK
from book.references import transcript_lines
from book.weave import WeaveError

# A drawing of 96 by 64 for what a stage adds, and what to say of it.
LADDER = {
    '01-boot': ('From nothing to C', 'A processor that has just been switched '
                'on, in four steps to 64 bits, and a console to speak by.', '''
<rect x="8" y="8" width="80" height="48" rx="4"/><path d="M18 22l8 7-8 7M32 38
h16"/><path d="M18 48h40" stroke-opacity=".4"/>'''),
    '02-paging': ('Memory that protects itself', 'Page tables of our own, '
                  'exceptions, and a program that moves itself.', '''
<rect x="38" y="6" width="20" height="12"/><rect x="14" y="27" width="20"
height="12"/><rect x="62" y="27" width="20" height="12"/><path d="M43 18L24 27
M53 18L72 27M20 39l-8 9M28 39l6 9M68 39l-6 9M76 39l8 9"/><path d="M4 54h16M26
54h16M54 54h16M76 54h16" stroke-width="6" stroke-opacity=".35"/>'''),
    '03-buddy': ('Pages', 'Whole pages, given out in constant time and put '
                 'together again.', '''
<rect x="8" y="6" width="80" height="12"/><rect x="8" y="26" width="38"
height="12"/><rect x="50" y="26" width="38" height="12"/><rect x="8" y="46"
width="17" height="12" fill="currentColor" fill-opacity=".3"/><rect x="29"
y="46" width="17" height="12"/><path d="M28 18v8M68 18v8M17 38v8M38 38v8"
stroke-opacity=".5"/>'''),
    '04-slab': ('Bytes', 'Small objects in a page, and who misuses them.', '''
<rect x="16" y="6" width="64" height="52"/><path d="M16 19h64M16 32h64M16 45
h64M32 6v52M48 6v52M64 6v52"/><path d="M17 7h14v11H17zM49 20h14v11H49zM33
33h14v11H33zM65 46h14v11H65z" fill="currentColor" fill-opacity=".3"
stroke="none"/>'''),
    '05-vmx-ept': ('A guest', 'The hypervisor itself, on Intel and on AMD: '
                   'first ten instructions, then a BIOS, then Linux.', '''
<rect x="6" y="4" width="84" height="56" rx="4"/><rect x="26" y="12"
width="44" height="26" rx="3" fill="currentColor" fill-opacity=".2"/><path
d="M40 38v12M34 45l6 6 6-6M58 52V39M52 45l6-6 6 6"/>'''),
    '06-smp': ('All processors', 'The guest starts the others; we are there '
               'before it.', '''
<rect x="8" y="6" width="34" height="22" rx="2"/><rect x="54" y="6" width="34"
height="22" rx="2"/><rect x="8" y="36" width="34" height="22" rx="2"/><rect
x="54" y="36" width="34" height="22" rx="2"/><path d="M42 17h12M42 47h12M25
28v8M71 28v8"/>'''),
    'final': ('A system', 'UEFI, sleep, programs in a ring of their own, a '
              'shell, settings, and a network card that is hidden.', '''
<path d="M8 58V26L48 6l40 20v32z"/><rect x="20" y="34" width="16" height="12"/>
<rect x="60" y="34" width="16" height="12"/><path d="M42 58V40h12v18"/>'''),
}
SHOWN = (r'^Vellum', r'^memory:', r'^paging: our range', r'^page: \d+ pages',
         r'^smp: \d+ CPU', r'^vmm: [SV][VM]M?X? with', r'^guest: boots',
         r'^vellum: launching')


def boot_lines():
    """What the last stage prints, in part."""
    try:
        lines = transcript_lines({'name': 'final-boot'})
    except WeaveError:
        return ''
    return html.escape('\n'.join(
        line for line in lines
        if any(re.search(pattern, line) for pattern in SHOWN)), False)


def ladder(chapters):
    """A row for each stage, with its chapters."""
    for stage in stages():
        mine = [c for c in chapters if c.stage == stage]
        if not mine:
            continue
        title, text, drawing = LADDER.get(stage, (stage, '', ''))
        links = ' · '.join(
            f'<a href="{c.name}.html">{c.number} '
            f'{html.escape(c.title, False)}</a>' for c in mine)
        yield (f'<li><svg viewBox="0 0 96 64" aria-hidden="true" fill="none" '
               f'stroke="currentColor" stroke-width="2" '
               f'stroke-linejoin="round">{drawing}</svg><div><b>{title}</b> '
               f'<code>{stage}</code><br/>{text}<br/>'
               f'<span class="links">{links}</span></div></li>')


def way(fragments, word):
    """The address of the section of the introduction, if that is here, with a
    word in its name."""
    for part in fragments:
        if part.chapter.name.startswith('00-'):
            found = re.search(rf'<h[23][^>]*id="([^"]*{word}[^"]*)"', part.body)
            return f'{part.chapter.name}.html' + (
                f'#{found[1]}' if found else '')
    return '#contents'


def page(site, fragments, chapters):
    """The HTML of the page."""
    drawing = BOOK / 'style/cover.svg'
    drawing = drawing.read_text() if drawing.is_file() else '<svg/>'
    rows = ''.join(
        f'<li><a href="{name}.html">{number + " " if number else ""}'
        f'{html.escape(title, False)}</a></li>'
        for name, title, number in site.pages)
    return Template((BOOK / 'style/start.html').read_text()).substitute(
        first=f'{site.pages[0][0]}.html' if site.pages else '#contents',
        cover=drawing[drawing.index('<svg'):], boot=boot_lines(),
        ladder='\n'.join(ladder(chapters)),
        contents=f'<ol class="contents">{rows}</ol>',
        weekend=way(fragments, 'ways'), course=way(fragments, 'weeks'),
        reference=way(fragments, 'ways'))
