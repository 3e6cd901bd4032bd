"""Chapters through pandoc: Markdown with the code woven in, to HTML."""
import html
import re
from dataclasses import dataclass

from common import ToolError, command, need

from book.blocks import block_html
from book.chapter import BOOK
from book.coverage import counted
from book.references import (check_links, check_references,
                             transcript_lines)
from book.weave import WeaveError

FORMAT = 'markdown-markdown_in_html_blocks-tex_math_dollars-raw_tex'
SPLIT = '<!--split-->'


@dataclass
class Fragment:
    """A chapter as HTML: its table of contents and its body."""
    chapter: object
    toc: str
    body: str


def transcript(element):
    """The HTML of a transcript, or of the part that from= and to= cut."""
    text = html.escape('\n'.join(transcript_lines(element.attrs)), False)
    return ('<figure class="transcript"><figcaption>What you should see'
            f'</figcaption>\n<pre tabindex="0" role="group" '
            'aria-label="transcript">'
            f'<samp>{text}</samp></pre></figure>')


def raw(text, fence='`' * 12):
    """HTML that pandoc hands through."""
    return f'{fence}{{=html}}\n{text}\n{fence}'


def missing(chapters):
    """Stop the build for whatever a finished chapter refers to in vain."""
    bad = [f'{chapter.where(line)}: {text}' for chapter in chapters
           if not chapter.draft for rule in (check_references, check_links)
           for line, text in rule(chapter)]
    if bad:
        raise ToolError('\n'.join(bad))


def woven(chapter, draft=False):
    """The chapter's Markdown with its blocks filled; ToolError with every
    block that can't be. With draft a block says so itself instead."""
    lines, bad, number = list(chapter.lines), [], 0
    for element in chapter.elements:
        number += element.is_woven()
        try:
            if element.is_woven():
                text = block_html(chapter, number, element)
            elif element.kind == 'block' and \
                    'transcript' in element.classes:
                text = transcript(element)
            else:
                continue
        except WeaveError as error:
            bad.append(f'{chapter.where(element.line)}: '
                       f'{element.attrs.get("file", "")} {error}')
            text = f'<p class="missing">{html.escape(bad[-1])}</p>'
        lines[element.line - 1] = '\n' + raw(text) + '\n'
        lines[element.line:element.last] = [''] * (element.last
                                                   - element.line)
    if bad and not draft and not chapter.draft:
        raise ToolError('\n'.join(bad))
    return '\n'.join(lines[chapter.head:]), bad


def run(text, **metadata):
    """Markdown to (table of contents, body)."""
    need('pandoc', 'pandoc')
    argv = ['pandoc', '--from', FORMAT, '--to', 'html5', '--columns=10000',
            '--no-highlight', '--toc', '--toc-depth=3', '--template',
            BOOK / 'style/fragment.html', '--lua-filter',
            BOOK / 'filter/book.lua', '--citeproc',
            '--bibliography', BOOK / 'references.bib',
            '--csl', BOOK / 'style/vellum.csl']
    for key, value in {'link-citations': 'true', **metadata}.items():
        argv += ['--metadata', f'{key}={value}']
    out = command(argv, text.encode(), cwd=BOOK)
    toc, _, body = out.partition(SPLIT)
    toc = re.sub(r' id="index-\d+"', '', toc)
    return toc.strip(), body.strip()


def opening(chapter):
    """Markdown of the box at the head: what one will be able to do, and what
    that takes."""
    if not chapter.leads:
        return ''
    text, listed = counted(chapter)
    facts = {'You need': chapter.meta.get('needs'),
             'Time': chapter.meta.get('time'),
             'This chapter is': chapter.meta.get('kind'),
             'Lines of code': f'{text} in the text, {listed} in the listings'
                              if text or listed else None}
    return ('::: opening\n\n' + raw('<p class="box-title">You will be able '
                                    'to</p>') + '\n\n'
            + ''.join(f'- {goal}\n' for goal in chapter.meta['goals'])
            + '\n' + '\\\n'.join(f'**{name}:** {fact}' for name, fact in
                                  facts.items() if fact) + '\n\n:::\n\n')


def fragment(chapter, draft=False):
    """A chapter as a Fragment."""
    text, _ = woven(chapter, draft)
    toc, body = run(opening(chapter) + text, **{'suppress-bibliography': 'true',
                             'chapter': chapter.name, 'title': chapter.title,
                             'number': chapter.number})
    return Fragment(chapter, toc, body)
