"""`make fuzz`: libFuzzer searches for inputs that break a layer.

  fuzz.py [--keep] [TIME=60] [OPS=n] [STAGE=NN-name] [TARGET="name ..."]
          [SEED=n]

TIME is how long the whole search takes, in seconds: it is shared out among
the targets, as many of which run at once as there are CPUs. With OPS there
are as many such searches in a row as it takes to make that many operations,
all targets together. What a search learns stays in build/fuzz/corpus, and the
next one goes on from there. An input that breaks something is kept in
build/fuzz/found, and the status is 1. SEED makes two searches on two machines
go the same way.

--keep reduces what was learnt to the few short inputs that reach as much of
the code, into FOLDER/test/corpus: `make test` runs those.
"""
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import values
from common import (BUILD, ToolError, command, first_hit, main,
                    make_environment, need, stage_dir, stages)
from test import folders

FUZZ = BUILD / 'fuzz'
DEFAULTS = {'TIME': '60', 'OPS': '0', 'STAGE': '', 'TARGET': '', 'SEED': '0'}
KEEP = ('-set_cover_merge=1', '-use_counters=0', '-max_len=512')
NUMBERS = {'runs': r'^stat::number_of_executed_units: *(\d+)',
           'operations': r'^operations: (\d+)',
           'coverage': r'.*\bcov: (\d+)'}
# What a log says was broken; the first that is there says it best.
REASONS = (r'\S+ does not hold: .*', r'panic: .*', r'\S+ runtime error: .*',
           r'ERROR: \w+Sanitizer: .*', r'ERROR: libFuzzer: .*')


def make(stage, *goals):
    """Run make in a stage's directory, apart from a make that called us."""
    names = ' '.join(folders(stage, inherited=False))
    return command(['make', f'-j{os.cpu_count()}', '--no-print-directory',
                    '-C', stage_dir(stage), f'TEST_FOLDERS={names}', *goals],
                   env=make_environment())


class Target:
    """A program that libFuzzer drives, and where its inputs are."""

    def __init__(self, stage, line):
        self.name, kept, *self.options = line.split()
        self.program = FUZZ / stage / self.name
        self.kept = stage_dir(stage) / kept
        self.learnt = FUZZ / 'corpus' / self.name
        self.found = FUZZ / 'found' / self.name
        for path in (self.kept, self.learnt, self.found):
            path.mkdir(parents=True, exist_ok=True)

    def run(self, *words):
        """Run the program in its own log; the status and what it said."""
        log = Path(f'{self.program}.log')
        with log.open('wb') as out:
            done = subprocess.run([self.program, *map(str, words)],
                                  stdout=out, stderr=out, check=False)
        return done.returncode, log.read_text(errors='replace')

    def search(self, seconds, seed):
        """Search for so long; the row of figures, and the inputs that were
        found, with what they break."""
        before = {path.name for path in self.found.iterdir()}
        status, text = self.run(
            f'-max_total_time={seconds}', f'-seed={seed}',
            '-print_final_stats=1',
            *self.options, f'-artifact_prefix={self.found}/', self.learnt,
            self.kept)
        row = {name: int((re.findall(pattern, text, re.M) or ['0'])[-1])
               for name, pattern in NUMBERS.items()}
        row['found'] = [(path, first_hit(REASONS, text))
                        for path in sorted(self.found.iterdir())
                        if path.name not in before]
        if status and not row['found']:
            raise ToolError(f'{self.name} ended with status {status}: see '
                            f'{self.program}.log')
        return row

    def keep(self):
        """Replace the kept inputs by a small set that covers as much."""
        old = list(self.kept.iterdir())
        fresh = FUZZ / 'keep' / self.name
        fresh.mkdir(parents=True, exist_ok=True)
        for path in fresh.iterdir():
            path.unlink()
        status, _ = self.run(*KEEP, fresh, self.kept, self.learnt)
        if status:
            raise ToolError(f'merging failed: see {self.program}.log')
        for path in old:
            if re.fullmatch('[0-9a-f]{40}', path.name):
                path.unlink()       # those with real names stay
        for path in fresh.iterdir():
            (self.kept / path.name).write_bytes(path.read_bytes())
        files = list(self.kept.iterdir())
        size = sum(path.stat().st_size for path in files)
        print(f'{self.name}: {len(files)} inputs, {size} bytes')


def listed(stage):
    """What make says of each target of a stage: name -> line."""
    return {line.split()[0]: line for line in
            make(stage, '-s', 'fuzz-list').splitlines()}


def targets(chosen):
    """The chosen targets of the chosen stages, built."""
    need('clang', 'clang')
    there = {stage: listed(stage) for stage in
             ([chosen['STAGE']] if chosen['STAGE'] else stages())}
    names = {name for lines in there.values() for name in lines}
    if not names:
        raise ToolError(f'{chosen["STAGE"]} adds no fuzz targets')
    wanted = set(chosen['TARGET'].split()) or names
    if not wanted <= names:
        raise ToolError(f'TARGET={chosen["TARGET"]}: {chosen["STAGE"]} adds '
                        + ', '.join(sorted(names)))
    every = []
    for stage, lines in there.items():
        mine = [name for name in lines if name in wanted]
        if mine:
            print(make(stage, 'fuzz-targets', f'FUZZ_TARGETS={" ".join(mine)}'),
                  end='', flush=True)
        every += [Target(stage, lines[name]) for name in mine]
    return every


def report(every, rows):
    """Print the table; the inputs that were found, as text."""
    print(f'{"target":<16}{"runs":>12}{"operations":>14}{"coverage":>10}')
    for each, row in zip(every, rows):
        print(f'{each.name:<16}{row["runs"]:>12,}{row["operations"]:>14,}'
              f'{row["coverage"]:>10,}'
              + ('  FOUND SOMETHING' if row['found'] else ''))
    total = sum(row['operations'] for row in rows)
    print(f'{"all":<16}{sum(row["runs"] for row in rows):>12,}{total:>14,}')
    return [f'  {each.program} {path}' + (f'\n    {why}' if why else '')
            for each, row in zip(every, rows) for path, why in row['found']]


def add_up(row, more):
    """Add the figures of one more search to those of a target."""
    row['runs'] += more['runs']
    row['operations'] += more['operations']
    row['coverage'] = max(row['coverage'], more['coverage'])
    row['found'] += more['found']


def fuzz(argv):
    """Search, or keep what was learnt; the exit status."""
    keep = '--keep' in argv
    chosen = values.settings([word for word in argv if word != '--keep'],
                             values.environment(DEFAULTS), DEFAULTS)
    every = targets(chosen)
    if keep:
        for each in every:
            each.keep()
        return 0
    workers = min(os.cpu_count(), len(every))
    seconds = max(int(chosen['TIME']) * workers // len(every), 1)
    print(f'fuzz: {len(every)} targets, {seconds} s each, {workers} at once',
          flush=True)
    start = time.monotonic()
    rows = [{**dict.fromkeys(NUMBERS, 0), 'found': []} for _ in every]
    while True:
        with ThreadPoolExecutor(workers) as pool:
            for each, row, more in zip(every, rows, pool.map(
                    lambda each: each.search(seconds, chosen['SEED']),
                    every)):
                print(f'fuzz: {each.name}: {more["runs"]:,} runs', flush=True)
                add_up(row, more)
        found = [word for row in rows for word in row['found']]
        done = sum(row['operations'] for row in rows)
        if found or done >= int(chosen['OPS']):
            break
        print(f'fuzz: {done:,} operations', flush=True)
        # A seed that is given shall not give the same search again.
        chosen['SEED'] = str(int(chosen['SEED']) and int(chosen['SEED']) + 1)
    found = report(every, rows)
    print(f'fuzz: {time.monotonic() - start:.0f} s')
    if found:
        raise ToolError('found; repeat with:\n' + '\n'.join(found))
    return 0


if __name__ == '__main__':
    main(lambda: fuzz(sys.argv[1:]))
