"""Pages of code: each source file whole, and what each stage changes."""
import difflib
import html

import tree
from common import TOP, stage_dir, stages

from book.blocks import code_lines, coloured, src_name
from book.coverage import programs
from book.site import head
from book.source import source
from book.weave import woven


def explained(fragments):
    """path -> {line: (chapter, block)}: where the book explains it."""
    found = {}
    for part in fragments:
        for number, _, src, ranges in woven(part.chapter):
            for first, _ in ranges:
                found.setdefault(src.path, {}).setdefault(
                    first, (part.chapter, f'code-{number}'))
    return found


def all_files():
    """Each source file of the stages; their tests as well."""
    for path in tree.sources('.c', '.h', '.S', '.ld'):
        if not path.is_relative_to(TOP / 'tests'):
            yield path


def symbols_of(src):
    """Links to the functions and tables of a file."""
    rows = []
    for item in src.items:
        for way in ('fn', 'type', 'var', 'label'):
            for name in item.names.get(way, [])[:1]:
                rows.append(f'<li><a href="#L{item.body}">{name}'
                            f'{"()" if way == "fn" else ""}</a></li>')
                break
    return f'<ul>{"".join(rows)}</ul>' if rows else ''


def file_page(src, places, root):
    """A whole file, with a link at each place that a chapter shows."""
    out = []
    for number in range(1, len(src.lines) + 1):
        line = code_lines(src, number, number).replace(
            '<span class="l"', f'<span class="l" id="L{number}"', 1)
        if number in places:
            chapter, block = places[number]
            line = (f'<a class="why" href="{root}{chapter.name}.html#{block}'
                    f'" title="explained in chapter {chapter.number}" '
                    f'aria-label="explained in chapter {chapter.number}">'
                    f'{chapter.number}</a>' + line)
        out.append(line)
    hint = ('<p>A number at the left leads to the chapter that explains what '
            'begins there.</p>') if places else ''
    return (hint + '<div class="whole code"><pre tabindex="0" '
            'role="group" aria-label="source"><code>' + '\n'.join(out)
            + '</code></pre></div>')


def write_files(site, fragments):
    """A page for each source file."""
    known = explained(fragments)
    for path in sorted({*all_files(), *programs(), *known}):
        src = source(path)
        name = f'src/{src_name(src)}'
        root = '../' * name.count('/')
        short = name.removeprefix('src/')
        site.write(name, short, f'<h1>{short}</h1>' + file_page(
            src, known.get(src.path, {}), root), symbols_of(src), 'source')
        for item in src.items:
            for way, names in item.names.items():
                if way in ('fn', 'type', 'macro', 'var', 'label'):
                    for one in names:
                        site.remember(
                            f'{name}.html#L{item.body}', f'{one} ({short})',
                            html.escape(src.lines[item.body - 1]),
                            'test' if 'test' in path.parts else 'code', one)


def changed(stage):
    """(name, old path or None, new path) of what a stage adds or changes.
    An inherited folder is a link, so only real files can differ."""
    before = stages()[:stages().index(stage)]
    for path in sorted(stage_dir(stage).rglob('*')):
        inner = path.relative_to(stage_dir(stage))
        if path.is_symlink() or not path.is_file() \
                or 'test' in inner.parts or '__pycache__' in inner.parts:
            continue
        old = stage_dir(before[-1]) / inner if before else None
        old = old if old and old.is_file() else None
        if old is None or old.read_bytes() != path.read_bytes():
            yield inner, old, path


def sides(old, new):
    """The two columns of a changed file, line beside line."""
    left, right = [], []
    matcher = difflib.SequenceMatcher(None, old.lines, new.lines, False)
    for op, a, b, c, d in matcher.get_opcodes():
        rows = max(b - a, d - c)
        for out, src, first, last, name in ((left, old, a, b, 'del'),
                                            (right, new, c, d, 'add')):
            for number in range(first + 1, last + 1):
                line = code_lines(src, number, number)
                out.append(line if op == 'equal' else
                           f'<span class="{name}">{line}</span>')
            out += ['<span class="l" data-n=""></span>'] * (
                rows - (last - first))
    return '\n'.join(left), '\n'.join(right)


def change_html(inner, old, path):
    """One file of a stage's changes."""
    src = source(path)
    if old is None:
        text = '\n'.join(
            f'<span class="add">{code_lines(src, n, n)}</span>'
            for n in range(1, len(coloured(src)) + 1) if n <= len(src.lines))
        return (f'<details id="{inner}"><summary><code>{inner}</code>: new, '
                f'{len(src.lines)} lines</summary><div class="side new">'
                f'<pre class="now" tabindex="0" role="group" '
                f'aria-label="{inner}"><code>'
                f'{text}</code></pre></div></details>')
    left, right = sides(source(old), src)
    return (f'<details id="{inner}" open="open"><summary><code>{inner}</code>:'
            ' changed</summary><div class="side">'
            f'<pre class="old" tabindex="0" role="group" '
            f'aria-label="{inner}, before">'
            f'<code>{left}</code></pre>'
            '<pre class="now" tabindex="0" role="group" '
            f'aria-label="{inner}, now"><code>{right}</code></pre></div>'
            '</details>')


def write_diff(site, stage):
    """The page of what a stage adds to the one before."""
    names = stages()
    before = names[names.index(stage) - 1] if names.index(stage) else None
    rows = list(changed(stage))
    views = ''.join(
        f'<button type="button" data-view="{view}" aria-pressed="'
        f'{"true" if view == "both" else "false"}">{label}</button>'
        for view, label in (
            ('before', f'before ({before or "nothing"})'),
            ('both', 'side by side'), ('after', f'this stage ({stage})')))
    inherited = sorted(path.name for path in stage_dir(stage).iterdir()
                       if path.is_symlink() and path.name not in tree.SHARED)
    intro = (f'<p>What <code>{stage}</code> has that '
             f'<code>{before or "an empty folder"}</code> has not; the same '
             f'as <code>make diff FROM={before} TO={stage}</code>.'
             if before else '<p>The first stage: all of it is new.') + (
        f' Inherited unchanged, as links: {", ".join(inherited)}.'
        if inherited else '') + '</p>'
    toc = '<ul>' + ''.join(f'<li><a href="#{inner}">{inner}</a></li>'
                           for inner, _, _ in rows) + '</ul>'
    site.write(f'diff-{stage}', f'Stage {stage}',
               head(f'What stage {stage} adds') + intro
               + f'<div class="views" role="group" aria-label="View">{views}'
               '</div>' + '\n'.join(change_html(*row) for row in rows),
               toc, 'diff')
