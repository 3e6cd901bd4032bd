"""`make transcripts`: what the book shows of real runs, in book/transcripts/.

list.ini there says what is run and which lines are shown. A file is written
only when it is stale: when more than the times and the versions in it, which
differ from machine to machine, is no longer what a run prints.

  transcripts.py [--check] [NAME...]    --check writes nothing; status 1 when
                                        one is stale
"""
import argparse
import configparser
import difflib
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

import breakit
from common import BUILD, TOP, ToolError, main
from console import pexpect
from copytree import environment
from values import one_of

FOLDER = TOP / 'book' / 'transcripts'
LIST = FOLDER / 'list.ini'
KEYS = {'run', 'command', 'patch', 'from', 'to', 'fails', 'with', 'type'}
LIMIT = {'qemu': 120, 'bochs': 240}

# A terminal's escape sequences, and where this tree happens to be.
NOISE = [(r'\x1b\[[0-9;=?]*[A-Za-z]|\x1b[=>]|\r', ''),
         (rf'{re.escape(str(BUILD))}/(breakit/tree/build/)?', 'build/'),
         (r'[ \t]+$', '')]
# What another machine, or the next run, may print differently. Addresses of
# data and sizes are not among it: the same compiler makes the same program.
# Those of code in a backtrace are: any change of any file moves them, and what
# a backtrace shows is who called whom.
VARIES = [
    (r'\d+(?= (million )?(TSC )?cycles)', 'N'),         # times
    (r'\d+(?= (million )?of (them|N) )', 'N'),
    (r'\(\d+\.\d+ %\)', '(N %)'),
    (r'^(?P<exit>[A-Z_a-z ]+?) +\d+ +\d+ +\d+$', r'\g<exit> N'),
    (r'^\[ *\d+\.\d+\]', '[N]'),
    (r'seconds: [\d. ]+', 'seconds: N'),
    (r'(demo: interrupts: \w+:) +\d+', r'\1 N'),
    (r'^\d+ (?=[a-z]+[:( <-]|  0x)', ''),      # what arrived over the network
    (r'(?<=, port )\d+', 'N'),
    (r'^(Vellum \d\d-\S+|Vellum final) \S+', r'\1 N'),
    (r'^demo: version: Vellum .*', 'demo: version: Vellum N'),
    (r'(GRUB \d+\.\d+)-\S+(?=;)', r'\1'),               # versions
    (r'^demo: uname: Linux .*', 'demo: uname: Linux'),
    (r'(MemTotal:) +\d+ kB', r'\1 N kB'),
    (r'^smp: CPUs? .* in (the guest|Vellum), at 0x.*\n', ''), # a panic
    (r'(?<=<-)0x[0-9a-f]+', 'N'),                           # code's place
    (r'^(  )0x[0-9a-f]+ (\w+)\+0x[0-9a-f]+$', r'\1N \2'),
    (r'(in its guest at) 0x[0-9a-f]+', r'\1 N'),
    (r'\(\d+(?= lines before these)', '(N'),
    (r'(?<=, after )\d+(?= CPUIDs: )', 'N'),            # GRUB's clock, too
    (r'\d+(?= pages are left| available| characters in memory)', 'N'),
    (r'(available) \(\d+ KiB\)', r'\1 (N KiB)'),
    # Of many CPUs that start at once, this one came first to the last page.
    (r'CPU ?\d+(?=\): Out of memory| got |.* alone$)', 'CPU N'),
    (r'(Out of memory: CPU N got) \d+', r'\1 N'),
    (r'^smp: \d\d of \d\d (CPUs have stopped)', r'smp: N of N \1'),
    (r'^smp: \d+ more have never come to Vellum\n', ''),
    (r'(free:|free replied) \d+( pages, \d+ KiB)?', r'\1 N'),
]


def replaced(text, rules):
    """The text with each rule's pattern replaced."""
    for pattern, new in rules:
        text = re.sub(pattern, new, text, flags=re.MULTILINE)
    return text


@dataclass
class Transcript:
    """A section of list.ini."""
    name: str
    kind: str           # run, command, or patch
    what: str
    first: str
    last: str
    fails: bool
    more: list = field(default_factory=list)
    typed: tuple = ()   # (what is waited for, what is typed then), in order

    @property
    def path(self):
        """The file that the book takes it from."""
        return FOLDER / f'{self.name}.txt'

    @property
    def key(self):
        """Equal for transcripts that one run is enough for."""
        return (self.kind, self.what, *self.more, self.typed,
                self.last if self.kind == 'patch' or self.typed else '')

    @property
    def slow(self):
        """Does it take more than a second or two?"""
        return self.kind == 'patch' or bool(self.typed) or \
            re.search('EMU=bochs|GUEST=linux|uefi|final', self.what) is not None

    def cut(self, text):
        """The part of a run's text that is shown."""
        text = replaced(text, NOISE)
        found = re.search(self.first, text, re.MULTILINE)
        if not found:
            raise ToolError(f'transcript {self.name}: no line with '
                            f'{self.first!r} in\n{text[-3000:]}')
        text = text[text.rfind('\n', 0, found.start()) + 1:]
        if self.last:
            found = re.search(self.last, text, re.MULTILINE)
            if not found:
                raise ToolError(f'transcript {self.name}: no line with '
                                f'{self.last!r} in\n{text[-3000:]}')
            text = text[:(text + '\n').find('\n', found.start())]
        return text.strip('\n') + '\n'


def typing(text):
    """'PATTERN => TEXT' in lines, as pairs; \\r in TEXT is the key Enter."""
    pairs = [line.partition(' => ') for line in text.strip().splitlines()]
    for first, arrow, last in pairs:
        if not (first and arrow and last):
            raise ToolError(f'{LIST}: type: wants PATTERN => TEXT, not {first}')
    return tuple((re.compile(first, re.MULTILINE), last.replace('\\r', '\r'))
                 for first, _, last in pairs)


def transcripts():
    """All transcripts of list.ini, by name."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(LIST, encoding='utf-8')
    found = {}
    for name in config.sections():
        row = dict(config[name])
        kinds = [key for key in ('run', 'command', 'patch') if key in row]
        if len(kinds) != 1 or row.keys() - KEYS:
            raise ToolError(f'{LIST}: [{name}] wants one of run, command, '
                            f'patch; from, to, fails, with, type; not '
                            f'{" ".join(row)}')
        first = row.get('from') or ('^Vellum ' if kinds[0] == 'run' else '')
        found[name] = Transcript(name, kinds[0], row[kinds[0]], first,
                                 row.get('to', ''), row.get('fails') == 'yes',
                                 shlex.split(row.get('with', '')),
                                 typing(row.get('type', '')))
    return found


def talk(row, argv, tree):
    """Run make with somebody at its terminal; what was on it, up to the last
    line that is shown."""
    argv = [word for word in argv if word != 'BATCH=1']
    said = io.StringIO()
    child = pexpect.spawn(argv[0], argv[1:], cwd=str(tree), timeout=120,
                          env=environment(tree / 'build'), encoding='utf-8',
                          codec_errors='replace', dimensions=(50, 200))
    child.logfile_read = said
    try:
        for pattern, text in row.typed:
            child.expect(pattern)
            child.send(text)
        child.expect(re.compile(row.last + r'[^\n]*\n', re.MULTILINE))
    except (pexpect.EOF, pexpect.TIMEOUT) as error:
        raise ToolError(f'transcript {row.name}: {type(error).__name__} in\n'
                        f'{said.getvalue()[-3000:]}') from error
    finally:
        child.send('\x01x')     # leaves QEMU
        child.close(force=True)
    return said.getvalue()


class Runs:
    """The runs; one that several transcripts are cut from is done once."""

    def __init__(self):
        self.done = {}

    def output(self, row):
        """All that a transcript's run printed."""
        if row.key not in self.done:
            self.done[row.key] = getattr(self, f'_{row.kind}')(row)
        return self.done[row.key]

    def _finish(self, row, argv):
        done = subprocess.run(
            argv, cwd=TOP, env=environment(BUILD), text=True,
            errors='replace', stdin=subprocess.DEVNULL, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if bool(done.returncode) != row.fails:
            raise ToolError(
                f'transcript {row.name}: {shlex.join(map(str, argv))} ended '
                f'with status {done.returncode}\n{done.stdout[-3000:]}'
                f'{done.stderr[-3000:]}')
        return done.stdout

    def _run(self, row):
        words = shlex.split(row.what)
        if row.typed:
            return talk(row, ['make', 'run', *words], TOP)
        limit = LIMIT['bochs' if 'EMU=bochs' in words else 'qemu']
        text = self._finish(row, [
            sys.executable, TOP / 'tools/run.py', f'TIMEOUT={limit}', *words,
            'BATCH=1'])
        return text.partition('\nrun: all that was expected')[0]

    def _command(self, row):
        return self._finish(row, shlex.split(row.what))

    def _patch(self, row):
        known = breakit.patches()
        if row.what not in known:
            raise ToolError(f'{LIST}: [{row.name}]: there is no patch '
                            f'{row.what}')
        patch = known[row.what]
        patch.command += row.more
        with breakit.only_bench() as bench:
            if row.typed:
                return bench.broken(patch, lambda: talk(row, patch.command,
                                                        bench.tree))
            return bench.with_it(patch, re.compile(row.last or '(?!)', re.M))


def stale(row, text):
    """Does the stored file say something else than text? As a diff."""
    stored = row.path.read_text() if row.path.is_file() else ''
    return ''.join(difflib.unified_diff(
        replaced(stored, VARIES).splitlines(True),
        replaced(text, VARIES).splitlines(True),
        f'book/transcripts/{row.path.name}', 'a run of now', n=1))


def work(rows, write):
    """Compare, or write, some transcripts; how many are stale."""
    runs, count = Runs(), 0
    for row in rows:
        text = row.cut(runs.output(row))
        difference = stale(row, text)
        count += bool(difference)
        if difference and write:
            row.path.write_text(text)
            print(f'transcript {row.name}: written', flush=True)
        elif difference:
            print(f'transcript {row.name}: STALE; make transcripts renews it'
                  f'\n{difference}', flush=True)
        else:
            print(f'transcript {row.name}: ok', flush=True)
    return count


def start(argv):
    """Do what the arguments say; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true')
    parser.add_argument('names', nargs='*')
    asked = parser.parse_args(argv)
    known = transcripts()
    for name in asked.names:
        one_of('NAME', name, known, 'such transcript')
    count = work([known[name] for name in asked.names or known],
                 not asked.check)
    return 1 if count and asked.check else 0


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
