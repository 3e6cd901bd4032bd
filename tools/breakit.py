"""`make test-breakit`: breaks Vellum as the book says, and sees the symptom.

A patch in book/breakit/ takes something away that its chapter explains. It
begins with lines that say what to run, and what one must see:

  Stage: 02-paging
  Run: make run STAGE=02-paging    or, for a host test, Host: paging
  Symptom: a Python regular expression, searched in all that is printed
  Unbroken: another, for a run that fails on purpose (OPTIONS=fault=df)

and a few sentences. A plain `make STAGE=...` shows what the compiler says.

For each patch a copy of the tree in build/breakit/tree is run unbroken, where
the symptom must not show, then patched, and run again, where it must.

  breakit.py [--list] [--sample N] [NAME...]     all, some, or those named

The sample moves on with each commit, so that all have their turn.
"""
import argparse
import datetime
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path

from common import (BUILD, TOP, ToolError, command, locked, main, need,
                    stage_dir, stages)
from copytree import environment, renew
from values import RUN_DEFAULTS, one_of

PATCHES = TOP / 'book' / 'breakit'
COPY = BUILD / 'breakit'
LIMIT = {'qemu': 60, 'bochs': 120}
WHOLE_LIMIT = 300       # seconds, with what must be built


@dataclass
class Patch:
    """One way to break Vellum."""
    name: str
    path: Path
    stage: str
    command: list       # what is run at the top of the tree
    symptom: re.Pattern
    unbroken: re.Pattern    # None: an unbroken run ends with status 0
    text: str           # the explanation


def fields_of(path):
    """The lines before the diff, as a message: fields, and the explanation."""
    head, found, _ = path.read_text().partition('\n--- ')
    if not found:
        raise ToolError(f'{path}: no diff in it')
    fields = message_from_string(re.sub(r'^(diff|index) .*', '', head,
                                        flags=re.MULTILINE))
    return fields, fields.get_payload().strip()


def make_command(path, fields):
    """What a patch has one run: make with settings, or a host test."""
    if ('Run' in fields) == ('Host' in fields):
        raise ToolError(f'{path}: needs either Run: or Host:')
    if 'Host' in fields:
        folder = stage_dir(fields['Stage']).relative_to(TOP)
        return ['make', '-C', str(folder), 'host-test',
                f'TEST_FOLDERS={fields["Host"]}']
    words = shlex.split(fields['Run'])
    settings = words[2 if words[:2] == ['make', 'run'] else 1:]
    unknown = [word for word in settings
               if word.partition('=')[0] not in RUN_DEFAULTS]
    if words[0] != 'make' or unknown:
        raise ToolError(f'{path}: Run: must be make [run] and settings of '
                        f'run.py, not {" ".join(unknown) or words[0]}')
    if words[:2] != ['make', 'run']:
        return words
    limit = LIMIT['bochs' if 'EMU=bochs' in words else 'qemu']
    return ['make', 'run', f'TIMEOUT={limit}', *words[2:], 'BATCH=1']


def read(path):
    """A patch, with all that it must say."""
    fields, text = fields_of(path)
    for name in ('Stage', 'Symptom'):
        if name not in fields:
            raise ToolError(f'{path}: no line {name}:')
    if fields['Stage'] not in stages():
        raise ToolError(f'{path}: there is no stage {fields["Stage"]}')
    if not text:
        raise ToolError(f'{path}: says nothing about what it does')
    compiled = {}
    for name in ('Symptom', 'Unbroken'):
        try:
            compiled[name] = name in fields and re.compile(fields[name],
                                                           re.MULTILINE)
        except re.error as error:
            raise ToolError(f'{path}: {name}: {error}') from error
    return Patch(path.stem, path, fields['Stage'],
                 make_command(path, fields), compiled['Symptom'],
                 compiled['Unbroken'], text)


def patches():
    """All patches of the book, by name."""
    return {path.stem: read(path) for path in sorted(PATCHES.glob('*.patch'))}


def turn():
    """A number that goes up with each commit, or each day without git."""
    done = subprocess.run(['git', 'rev-list', '--count', 'HEAD'], cwd=TOP,
                          capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else \
        datetime.date.today().toordinal()


def sample(names, count, number):
    """count of the names, from a place that number moves along."""
    names = sorted(names)
    start = number * count % max(len(names), 1)
    return (names + names)[start:start + min(count, len(names))]


def apply(patch, tree, *options):
    """Apply a patch to a tree. It must fit as it is."""
    command([need('patch', 'patch'), '-p1', '-N', '-F0', '-s', *options,
             '-i', patch.path], cwd=tree)


def output_of(argv, tree, symptom=None):
    """Run a command until it ends, or a whole line shows the symptom; its
    status, None when it was cut short, and what it printed."""
    text = ''
    with subprocess.Popen(['timeout', '-k', '5', str(WHOLE_LIMIT), *argv],
                          cwd=tree, env=environment(tree / 'build'),
                          text=True, errors='replace', start_new_session=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            for line in process.stdout:
                text += line
                if symptom and symptom.search(text):
                    return None, text
            return process.wait(), text
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.stdout.read()


class Bench:
    """Where patches are tried: the copy, and what it printed unbroken."""

    def __init__(self, tree):
        self.tree = tree
        self.unbroken = {}

    def without(self, patch):
        """What the patch's run prints in the unbroken tree."""
        key = tuple(patch.command)
        if key not in self.unbroken:
            renew(self.tree, TOP)
            self.unbroken[key] = output_of(patch.command, self.tree)
        status, text = self.unbroken[key]
        good = patch.unbroken.search(text) if patch.unbroken else not status
        if not good:
            raise ToolError(f'{patch.name}: fails unbroken, too: '
                            f'{shlex.join(key)}\n{text[-4000:]}')
        return text

    def broken(self, patch, use):
        """What use() returns while the tree has the patch."""
        renew(self.tree, TOP)
        try:
            apply(patch, self.tree)
            return use()
        finally:
            renew(self.tree, TOP)

    def with_it(self, patch, until=None):
        """What it prints with the patch, up to the symptom or other words."""
        return self.broken(patch, lambda: output_of(
            patch.command, self.tree, until or patch.symptom)[1])

    def judge(self, patch):
        """The line with the symptom; a ToolError when all is not as said."""
        found = patch.symptom.search(self.without(patch))
        if found:
            raise ToolError(f'{patch.name}: the unbroken tree shows the '
                            f'symptom, too: {found.group()!r}')
        text = self.with_it(patch)
        found = patch.symptom.search(text)
        if not found:
            raise ToolError(
                f'{patch.name}: no {patch.symptom.pattern!r} in what '
                f'{shlex.join(patch.command)} prints:\n{text[-4000:]}')
        return found.group()


@contextmanager
def only_bench():
    """The bench, which nobody else uses meanwhile."""
    with locked(COPY / 'lock'):
        yield Bench(COPY / 'tree')


def try_all(chosen):
    """Judge patches, one after another; how many were not as they say."""
    bad = 0
    with only_bench() as bench:
        for patch in chosen:
            start = time.monotonic()
            try:
                said = bench.judge(patch)
            except ToolError as error:
                bad += 1
                print(f'breakit {patch.name}: FAILED\n{error}', flush=True)
                continue
            print(f'breakit {patch.name}: ok '
                  f'({time.monotonic() - start:.1f} s): {said}', flush=True)
    return bad


def breakit(argv):
    """Try what the arguments name; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--sample', type=int, metavar='N')
    parser.add_argument('names', nargs='*')
    asked = parser.parse_args(argv)
    known = patches()
    for name in asked.names:
        one_of('PATCH', name, known, 'such patch')
    names = asked.names or list(known)
    if asked.sample:
        number = turn()
        names = sample(known, asked.sample, number)
        print(f'breakit: turn {number}, so: {" ".join(names)}', flush=True)
    if asked.list:
        for name in names:
            print(f'{name}: {shlex.join(known[name].command)}')
        return 0
    return 1 if try_all([known[name] for name in names]) else 0


if __name__ == '__main__':
    main(lambda: breakit(sys.argv[1:]))
