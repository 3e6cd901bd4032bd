"""The form of a chapter that leads: a head that says what it is for, little
code in the main text, and a tail to test oneself by.

Each rule yields (line of the chapter, what is wrong with it).
"""
import re
from statistics import median

from book.coverage import needed, numbers
from book.weave import woven

TAIL = ('Summary', 'Questions', 'Exercises', 'Where to read on', 'Listings')
GOALS, QUESTIONS, MEDIAN = (3, 5), 5, 12
KINDS = ('essential', 'optional')


def divs(chapter):
    """(element, the boxes that it stands in) of all elements."""
    stack = []
    for element in chapter.elements:
        if element.kind == 'end' and stack:
            stack.pop()
        yield element, list(stack)
        if element.kind == 'div':
            stack.append(element)


def outside_back(chapter):
    """The elements of a chapter that do not go to the back of the book."""
    for element, boxes in divs(chapter):
        if not any({'answer', 'solution'} & set(box.classes)
                   for box in boxes):
            yield element


def boxes_of(chapter, kind, inner):
    """(box, whether it has an inner box of that class) of each box of a
    kind."""
    found = []
    for element, boxes in divs(chapter):
        if element.kind != 'div':
            continue
        if kind in element.classes:
            found.append([element, False])
        elif inner in element.classes and found and found[-1][0] in boxes:
            found[-1][1] = True
    return found


def check_head(chapter):
    """Goals, needs, time, and whether one may leave it out."""
    goals = chapter.meta['goals']
    if not isinstance(goals, list) or \
            not GOALS[0] <= len(goals) <= GOALS[1]:
        yield 1, f'goals: {GOALS[0]} to {GOALS[1]} of them'
    for name in ('needs', 'time', 'kind'):
        if not chapter.meta.get(name):
            yield 1, f'{name}: is missing'
    if chapter.meta.get('kind') not in (None, *KINDS):
        yield 1, f'kind: {" or ".join(KINDS)}'


def headings(chapter):
    """(line, text) of the headings of the second level."""
    for element in chapter.elements:
        if element.kind == 'heading' and re.match(r'##\s', element.text):
            yield element.line, re.sub(r'\s*\{.*\}\s*$', '',
                                       element.text[2:]).strip()


def check_tail(chapter):
    """The last headings, in their order. What lists no code has no
    listings."""
    wanted = TAIL if chapter.folders or any(
        element.is_listing() for element in chapter.elements) else TAIL[:-1]
    rows = list(headings(chapter))[-len(wanted):]
    if tuple(text for _, text in rows) != wanted:
        yield (rows[0][0] if rows else 1,
               'the last headings are to be: ' + ', '.join(wanted))


def check_questions(chapter):
    """At least five, each with its answer."""
    found = boxes_of(chapter, 'question', 'answer')
    if len(found) < QUESTIONS:
        yield 1, f'{len(found)} questions, at least {QUESTIONS}'
    for box, answered in found:
        if not answered:
            yield box.line, 'a question without ::: answer'
        if not box.ident:
            yield box.line, 'a question without #q-...'


def check_exercises(chapter):
    """Each has a level and a solution; all three levels are there."""
    found = boxes_of(chapter, 'exercise', 'solution')
    levels = {box.attrs.get('level') for box, _ in found}
    for box, solved in found:
        if box.attrs.get('level') not in ('1', '2', '3'):
            yield box.line, 'an exercise without level=1, 2 or 3'
        if not solved:
            yield box.line, 'an exercise without ::: solution'
        if not box.ident:
            yield box.line, 'an exercise without #ex-...'
    for level in sorted({'1', '2', '3'} - levels):
        yield 1, f'no exercise with level={level}'


def check_listings(chapter):
    """A line of prose stands before each block of the listing part, or before
    some that belong together; and only such blocks stand in it."""
    inside, told = False, False
    for element in chapter.elements:
        if element.kind == 'comment':
            continue
        if element.kind == 'heading':
            if re.match(r'##\s', element.text):
                inside = 'listings' in element.text.lower()
        elif element.is_woven() and inside != element.is_listing():
            yield element.line, (
                'a block of the listing part without .rest' if inside else
                'a .rest block before "## Listings"')
        elif inside and element.is_woven() and not told:
            yield element.line, 'no line before this listing'
        told = element.kind == 'prose' or told and element.is_woven()


def check_median(chapter):
    """Half of the blocks of the main text have at most 12 lines."""
    sizes = [len(numbers(ranges) & needed(src.path))
             for _, _, src, ranges in woven(chapter)]
    if sizes and median(sizes) > MEDIAN:
        yield 1, (f'the median block has {median(sizes):g} lines, at most '
                  f'{MEDIAN}')


RULES = (check_head, check_tail, check_questions, check_exercises,
         check_listings, check_median)


def check_form(chapter):
    """All of these, for a chapter; what introduces and concludes has another
    form."""
    if chapter.leads:
        for rule in RULES:
            yield from rule(chapter)
    elif chapter.stage and chapter.number:
        yield 1, 'goals: is missing'
