"""Drawing the book's figures: a few shapes, and one look for all of them.

Lines and text have the colour of the text around them (currentColor), and
fills are tints that let the background through: so a figure reads in a light
page and in a dark one, inside the page or as an image of its own, and on paper.
Addresses grow upwards. What is Vellum's is blue.
"""
import math
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

    def line(self, *points, dash=False, heavy=False):
        """A line through points."""
        self._path('M' + 'L'.join(f'{number(x)} {number(y)}'
                                  for x, y in points), dash, heavy)

    def arrow(self, *points, dash=False, heavy=False):
        """A line that ends in an arrow head."""
        (x, y), (to_x, to_y) = points[-2:]
        long = math.hypot(to_x - x, to_y - y)
        way = ((to_x - x) / long, (to_y - y) / long)
        # The line ends inside the head, so that its end does not show.
        self.line(*points[:-1], (to_x - 4 * way[0], to_y - 4 * way[1]),
                  dash=dash, heavy=heavy)
        self._head(to_x, to_y, *way)

    def curve(self, x1, y1, x2, y2, heavy=False):
        """An arrow from left to right, bent like an S."""
        half, end = (x1 + x2) / 2, x2 - 4
        self._path(f'M{number(x1)} {number(y1)}C{number(half)} {number(y1)} '
                   f'{number(half)} {number(y2)} {number(end)} {number(y2)}',
                   False, heavy)
        self._head(x2, y2, 1, 0)

    def _head(self, x, y, along, across):
        """An arrow head at a point. Not a marker: some programs that make
        PDF files of SVG draw those as squares."""
        back = (x - 8 * along, y - 8 * across)
        corners = [(x, y)] + [(back[0] + side * across,
                               back[1] - side * along) for side in (4, -4)]
        self._add('path', d='M' + 'L'.join(
            f'{number(a)} {number(b)}' for a, b in corners) + 'z',
            fill='currentColor', stroke='none')

    def _path(self, way, dash, heavy):
        self._add('path', d=way, stroke_dasharray='5 4' if dash else None,
                  stroke_width=2.5 if heavy else None)

    def svg(self):
        """The file's text."""
        size = f'{self.width} {self.height}'
        return '\n'.join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
            f'width="{self.width}" height="{self.height}" role="img" '
            'fill="none" stroke="currentColor" stroke-width="1.5" '
            f'font-family="{SANS}" font-size="14">',
            f'<title>{escape(self.title)}</title>',
            f'<desc>{escape(self.about)}</desc>',
            f'<style>{STYLE}</style>', *self.parts, '</svg>', ''])
