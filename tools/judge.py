"""What book/labs/NAME/judge.py judges with.

The judge is a process of its own. It sends commands with random numbers to a
child, which is linked with the student's files and runs in a sandbox, gets
plain results, and computes by itself what is right:

  from judge import Wrong, expect, item

  @item('freed pages merge', weight=2, required=True)
  def merge(lab):
      pages = lab.random.randrange(64, 5000)
      answers = lab.ask([f'setup {pages} 0', 'dump'])
      expect('after setup', free_blocks(pages), answers[1])

Nothing that the child says of its own success counts, nor how it ends. The
child can do what it likes in its process; to answer right it has to find what
the judge has found, for numbers that it has not seen before. What it does to
find them is its own affair: a hand-in that has the judge's model in C does not
do what the lab asks for, and is right all the same.

A boot is judged from outside as well: what is in the machine's memory
(machine.py), not what it prints.
"""
import importlib.util
import random
import re
import signal
import struct
import sys
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sandbox
from common import ToolError, first_hit

HANG_SECONDS = 10       # for all of a hand-in's items that do not end
NORMAL_SECONDS = 5      # for one item
JUDGE_SECONDS = 900     # for one item, its build and the judge's own work
MOST_ANSWER = 2 << 20   # bytes
NOT_JUDGED = 'not judged: '
# What a program's errors say went wrong; the first that is there says it best.
REASONS = (r'ERROR: \w+Sanitizer.*', r'runtime error: .*', r'panic: .*',
           r'undefined symbol.*')
SIGNALS = {4: 'an illegal instruction', 6: 'an abort', 7: 'a bus error',
           8: 'a division by zero', 9: 'too much memory or time',
           11: 'an access to memory that is not its own',
           24: 'too much time', 25: 'too much output', 31: 'a system call'}


# What a judge.py may run into when it reads an answer that is none.
NO_ANSWER = (ValueError, LookupError, TypeError, AttributeError,
             ArithmeticError, MemoryError, struct.error)


class Wrong(Exception):
    """An item is not done; says what was expected, and what was seen."""


class Hangs(Wrong):
    """... because the child does not end."""


def shown(value):
    """A value in a message, not too long."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 300 else text[:297] + '...'


def expect(what, expected, saw):
    """Raise Wrong when something is not as it should be."""
    if expected != saw:
        raise Wrong(f'{what}: expected {shown(expected)}, saw {shown(saw)}')


@dataclass
class Item:
    """One thing that is judged."""
    title: str
    judge: object
    weight: int = 1
    required: bool = False      # without it nothing behind it counts


_items = []


def item(title, weight=1, required=False):
    """Makes a function of judge.py an item."""
    def add(function):
        _items.append(Item(title, function, weight, required))
        return function
    return add


def load(folder):
    """The items of the judge.py in a folder."""
    path = Path(folder) / 'judge.py'
    if not path.is_file():
        raise ToolError(f'{path}: no such file')
    # judge.py says `from judge import item`: that is us, whoever loads it.
    sys.modules['judge'] = sys.modules[__name__]
    spec = importlib.util.spec_from_file_location(
        'judge_of_' + re.sub(r'\W', '_', str(Path(folder).resolve())), path)
    module = importlib.util.module_from_spec(spec)
    _items.clear()
    spec.loader.exec_module(module)
    found, empty = list(_items), not _items
    _items.clear()
    if empty or not found[0].required:
        raise ToolError(f'{path}: the first @item must be required')
    return found


@dataclass
class Time:
    """What a hand-in may still spend on what does not end."""
    left: float = HANG_SECONDS
    boots: bool = True

    def limit(self):
        """Seconds for the next child: half of what is left, at least one."""
        if self.left < 1:
            raise Wrong('not tried: what does not end in the items before has '
                        f'used up the {HANG_SECONDS} seconds of a hand-in')
        return max(1, min(NORMAL_SECONDS, self.left / 2))


@dataclass
class Lab:
    """A hand-in, as the functions of judge.py see it. tree is grade.Tree, which
    builds; path the lab's folder."""
    tree: object
    path: Path
    seed: int
    time: Time = field(default_factory=Time)
    random: object = None
    machines: dict = field(default_factory=dict)

    def begin(self, title):
        """Each item has random numbers of its own."""
        self.random = random.Random(self.seed ^ zlib.crc32(title.encode()))

    def ask(self, lines, panics=''):
        """Let a new child do the lines; its answers. With panics the last
        line must panic, with that in the message. "try" before a line lets
        the child do it in a copy of itself."""
        lines = list(lines)
        program, limit = self.tree.child(), self.time.limit()
        done = sandbox.run([program], sandbox.Limits(seconds=limit),
                           reads=[program],
                           data=''.join(f'{each}\n' for each in lines)
                           .encode())
        said = re.findall(r'^([=!]) (.*)$', done.out, re.MULTILINE)
        said = said[:len(lines)]
        answers = [text for _, text in said]
        asked = lines[len(said)] if len(said) < len(lines) else ''
        if done.status is None:
            self.time.left -= limit
            raise Hangs(f'{shown(asked)}: does not end (after {limit:.1f} s)')
        if any(len(each) > MOST_ANSWER for each in answers):
            raise Wrong('an answer of more than 2 MiB')
        last = said[-1] if said else ('', '')
        stopped = last[0] == '!' and not lines[len(said) - 1].startswith('try')
        if panics:
            return self._panicked(lines, said, panics, done)
        if stopped:
            raise Wrong(f'{shown(lines[len(said) - 1])}: panic: {last[1]}')
        if asked:
            raise Wrong(f'{shown(asked)}: {ended(done)}')
        return answers

    @staticmethod
    def _panicked(lines, said, text, done):
        """The answers, of which the last is a panic with a text."""
        for line, (kind, _) in zip(lines[:-1], said):
            if kind == '!' and not line.startswith('try'):
                raise Wrong(f'{shown(line)}: panic: {said[-1][1]}')
        if len(said) < len(lines):
            raise Wrong(f'{shown(lines[len(said)])}: {ended(done)}')
        kind, message = said[-1]
        if kind != '!' or text not in message:
            saw = f'panic: {message}' if kind == '!' else 'no panic'
            raise Wrong(f'{shown(lines[-1])}: expected a panic that says '
                        f'"{text}", saw {shown(saw)}')
        return [each for _, each in said]

    def guest(self, name, **defines):
        """A boot disk made of a file of the lab's; see machine.assemble()."""
        import machine
        return machine.assemble(self.path / name, self.tree.scratch, defines)

    def boot(self, **settings):
        """A machine that has run with the student's files, now stopped; see
        machine.Seen. The same settings are the same machine."""
        import machine
        key = repr(sorted((name, value) for name, value in settings.items()
                          if not callable(value)))
        if key not in self.machines:
            self.time.limit()       # or nothing more is tried
            if not self.time.boots:
                raise Wrong('not tried: a boot before this did not end')
            self.machines[key] = None
            self.machines[key] = machine.Seen(self, **settings)
        if self.machines[key] is None:
            raise Wrong('as the item before: it does not boot')
        return self.machines[key]

    def close(self):
        """End the machines."""
        for each in self.machines.values():
            if each:
                each.close()


def ended(done):
    """How a child has ended that did not answer."""
    said = first_hit(REASONS, done.err)
    number = done.status - 128 if done.status > 128 else -done.status
    if said:
        return said
    if done.status == 0:
        return 'the program ends there, without an answer'
    return f'ended by {SIGNALS.get(number, f"status {done.status}")}'


@contextmanager
def in_time():
    """Whatever a child says, the judge comes to an end with it."""
    def over(*_):
        raise Wrong(f'not judged after {JUDGE_SECONDS} s')
    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(JUDGE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judge(items, lab, told):
    """Judge the items of a hand-in: told(title, why) is called for each, in
    turn; what they are, as a list of dictionaries."""
    results, stop = [], ''
    for each in items:
        why = stop
        if not stop:
            lab.begin(each.title)
            try:
                with in_time():
                    each.judge(lab)
            except Wrong as wrong:
                why = str(wrong)
            except ToolError as error:
                why = f'cannot be judged: {str(error).splitlines()[0]}'
            except NO_ANSWER as error:
                why = f'an answer that is none: {error}'
            why = re.sub(r'[\x00-\x08\x0b-\x1f\x7f]', '?', why)
        results.append({'item': each.title, 'points': each.weight,
                        'required': each.required, 'pass': not why,
                        'why': why})
        told(each, why)
        if why and each.required and not stop:
            stop = f'{NOT_JUDGED}first comes "{each.title}"'
    return results
