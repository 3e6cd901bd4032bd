"""Source code as HTML, line by line: comments, strings, words in colour.

One small table serves C, assembly and linker scripts, in the web pages, the
EPUB and the PDF alike.
"""
import html
import re

KEYWORDS = set('''
    asm break case const continue default do else enum extern for goto if
    inline return sizeof static struct switch typedef typeof union volatile
    while _Static_assert __attribute__ offsetof ENTRY SECTIONS PHDRS KEEP ALIGN
    ASSERT ADDR FLAGS OUTPUT_FORMAT'''.split())
TYPES = set('''
    bool char int long short signed unsigned void u8 u16 u32 u64 s8 s16 s32
    s64 i8 i16 i32 i64 uint size_t phys_t gphys_t virt_t'''.split())
TOKEN = re.compile(r'''
    (?P<c>/\*.*?\*/|//[^\n]*)
  | (?P<s>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])')
  | (?P<p>^[ \t]*\#[ \t]*[a-z]+)
  | (?P<lb>^[A-Za-z_]\w*:(?!:)|^\d+:)
  | (?P<r>%[a-z]\w*)
  | (?P<d>(?<![\w)])\.[a-z]\w*)
  | (?P<n>\$?\b(?:0x[0-9a-fA-F]+|\d+)[uUlL]*\b)
  | (?P<w>[A-Za-z_]\w*)(?P<call>\()?
  ''', re.S | re.M | re.X)


def marked(name, text):
    """text in a span of a class, closed and opened again at each line."""
    return '\n'.join(f'<span class="{name}">{html.escape(part, False)}</span>'
                     if part else '' for part in text.split('\n'))


# Makefiles and scripts: comments, and strings that end in their line.
SCRIPT = re.compile(r'''(?P<c>(?<![\w$'"\\&{])\#[^\n]*)
  | (?P<s>"(?:\\.|[^"\\\n])*"|'[^'\n]*')''', re.X)


def highlight(text, assembly=False, script=False):
    """The lines of text as HTML."""
    out, done = [], 0
    for found in (SCRIPT if script else TOKEN).finditer(text):
        kind = found.lastgroup if found.lastgroup != 'call' else 'w'
        end = found.end('w') if kind == 'w' else found.end()
        name = kind
        if kind in ('r', 'd') and not assembly:
            continue
        if kind == 'w':
            word = found['w']
            name = 'k' if word in KEYWORDS and not assembly else \
                't' if word in TYPES and not assembly else \
                'f' if found['call'] else None
        out.append(html.escape(text[done:found.start()], False))
        token = text[found.start():end]
        out.append(marked(name, token) if name else html.escape(token, False))
        done = end
    out.append(html.escape(text[done:], False))
    return ''.join(out).split('\n')
