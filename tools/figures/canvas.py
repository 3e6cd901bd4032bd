"""Drawing the book's figures: a few shapes, and one look for all of them.

Lines and text have the colour of the text around them (currentColor), and
fills are tints that let the background through: so a figure reads in a light
page and in a dark one, inside the page or as an image of its own, and on paper.
Addresses grow upwards. What is Vellum's is blue.
"""
from xml.sax.saxutils import escape, quoteattr

TINTS = {
    'plain': None, 'dim': ('currentColor', .07), 'ours': ('#3b82f6', .25),
    'free': ('#22a565', .22), 'used': ('#f59e0b', .30),
    'guest': ('#a855f7', .20), 'bad': ('#ef4444', .25),
}
STYLE = ('svg:root{color:#1f2328}@media(prefers-color-scheme:dark){'
         'svg:root{color:#e6edf3}}')
SANS, MONO = 'sans-serif', 'monospace'


def number(value):
    """A coordinate, as short as it can be written."""
    return f'{value:.1f}'.rstrip('0').rstrip('.')


def width_of(text, size, mono, bold):
    """About how wide a text is going to be."""
    if mono:
        return len(text) * size * .61
    narrow = sum(char in " .,:;'|!()[]ijlrtfI1" for char in text)
    return (len(text) - narrow) * size * (.64 if bold else .60) + \
        narrow * size * .38


class Figure:
    """One SVG file."""

    def __init__(self, name, title, about, width, height):
        self.name, self.title, self.about = name, title, about
        self.width, self.height = width, height
        self.parts = []

    def _add(self, tag, text=None, **attributes):
        words = ''.join(
            f' {key.rstrip("_").replace("_", "-")}='
            + quoteattr(number(value) if isinstance(value, (int, float))
                        else value)
            for key, value in attributes.items() if value is not None)
        self.parts.append(f'<{tag}{words}/>' if text is None else
                          f'<{tag}{words}>{escape(text)}</{tag}>')

    def text(self, x, y, text, size=14, anchor='middle', mono=False,
             bold=False, dim=False):
        """A line of text on the base line y."""
        wide = width_of(text, size, mono, bold)
        left = x - wide * {'start': 0, 'middle': .5, 'end': 1}[anchor]
        if left < 0 or left + wide > self.width or not 0 < y < self.height:
            raise ValueError(f'{self.name}: {text!r} is not inside')
        self._add('text', text, x=x, y=y, fill='currentColor', stroke='none',
                  text_anchor=None if anchor == 'start' else anchor,
                  font_size=None if size == 14 else size,
                  font_family=MONO if mono else None,
                  font_weight='bold' if bold else None,
                  fill_opacity=.75 if dim else None)

    def box(self, x, y, width, height, *lines, kind='plain', size=14,
            mono=False, bold=False, dash=False, heavy=False):
        """A box, with lines of text in its middle. `name like this` in a
        line of its own is code."""
        tint = TINTS[kind]
        self._add('rect', x=x, y=y, width=width, height=height,
                  fill=tint[0] if tint else None,
                  fill_opacity=tint[1] if tint else None,
                  stroke_dasharray='5 4' if dash else None,
                  stroke_width=2.5 if heavy else None)
        step = size * 1.3
        at = y + height / 2 - step * (len(lines) - 1) / 2 + size * .35
        for line in lines:
            code = mono or (line.startswith('`') and line.endswith('`'))
            line = line.strip('`')
            small = size - 1 if code and not mono else size
            if width_of(line, small, code, bold) > width - 2:
                raise ValueError(f'{self.name}: {line!r} does not fit')
            self.text(x + width / 2, at, line, small, mono=code, bold=bold)
            at += step

    def line(self, *points, dash=False, heavy=False, tip=False, start=False):
        """A line through points; tip and start put arrow heads on it."""
        way = 'M' + 'L'.join(f'{number(x)} {number(y)}' for x, y in points)
        self._path(way, dash, heavy, tip, start)

    def arrow(self, *points, dash=False, heavy=False):
        """A line that ends in an arrow head."""
        self.line(*points, dash=dash, heavy=heavy, tip=True)

    def curve(self, x1, y1, x2, y2, dash=False, heavy=False):
        """An arrow from side to side, bent like an S."""
        half = (x1 + x2) / 2
        way = (f'M{number(x1)} {number(y1)}C{number(half)} {number(y1)} '
               f'{number(half)} {number(y2)} {number(x2)} {number(y2)}')
        self._path(way, dash, heavy, True, False)

    def _path(self, way, dash, heavy, tip, start):
        self._add('path', d=way, stroke_dasharray='5 4' if dash else None,
                  stroke_width=2.5 if heavy else None,
                  marker_end=f'url(#{self.name}-tip)' if tip else None,
                  marker_start=f'url(#{self.name}-tip)' if start else None)

    def svg(self):
        """The file's text."""
        tip = (f'<defs><marker id="{self.name}-tip" viewBox="0 0 8 8" '
               'refX="7" refY="4" markerWidth="8" markerHeight="8" '
               'markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
               '<path d="M0 0 8 4 0 8z" fill="currentColor" stroke="none"/>'
               '</marker></defs>')
        size = f'{self.width} {self.height}'
        return '\n'.join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
            f'width="{self.width}" height="{self.height}" role="img" '
            f'aria-labelledby="{self.name}-title {self.name}-desc" '
            'fill="none" stroke="currentColor" stroke-width="1.5" '
            f'font-family="{SANS}" font-size="14">',
            f'<title id="{self.name}-title">{escape(self.title)}</title>',
            f'<desc id="{self.name}-desc">{escape(self.about)}</desc>',
            f'<style>{STYLE}</style>', tip, *self.parts, '</svg>', ''])
