"""`make bench-memory`: what an allocation costs, beside other allocators.

  bench_memory.py [--divisor=N]

pool/test/memory_bench.c has the loops. Instructions are counted by callgrind
and repeat exactly; nanoseconds depend on the machine and on what else it does.
Prints tables and writes build/bench-memory.json; the status is 1 when a goal
in instructions is not met. --divisor makes all loops shorter, for a test, and
then no goal counts.
"""
import json
import os
import re
import shutil
import sys
from ctypes.util import find_library

from bench import print_row
from common import (BUILD, ToolError, command, main, make_environment, need,
                    stage_dir)
from tree import added

BENCH = BUILD / 'bench'

# Name: the loops' word for it, and a library to put in place of malloc.
CONTENDERS = {
    'vellum': ('vellum', None),
    'glibc': ('malloc', None),
    'glibc+lock': ('locked', None),
    'jemalloc': ('malloc', find_library('jemalloc') or 'libjemalloc'),
    'mimalloc': ('malloc', find_library('mimalloc') or 'libmimalloc'),
}

OBJECTS = [f'{kind} {size} live {live}'
           for size in (16, 32, 64, 128, 256, 512, 1024)
           for kind, live in (('pair', 0), ('pair', 500), ('replace', 500),
                              ('pair', 10000), ('replace', 10000),
                              ('pair', 100000), ('replace', 100000))
           if live != 500 or size == 64] + ['replace 16..1024 live 100000']
OWN = ['page pair without split', 'page pair with the full chain',
       'page replace live 20000', 'pool pair 64 live 0',
       'pool pair 64 live 50']
WORST = ['alloc 16..1024', 'free 16..1024']
WORST_OWN = ['alloc_pages', 'free_page', 'num_of_available_pages']
SPACE = ['space 16', 'space 64', 'space 100', 'space 256', 'space 1024',
         'space 16..1024']
ROWS = {'instructions': OBJECTS + OWN, 'ns': OBJECTS + OWN,
        'worst': WORST + WORST_OWN, 'space': SPACE}
TITLES = {
    'instructions': 'Instructions for alloc + free (callgrind)',
    'ns': 'Nanoseconds for alloc + free (the best of 7 runs)',
    'worst': 'The worst single operation, in instructions',
    'space': 'Bytes per object that are not the object, 100,000 objects',
}

# BitVisor's, as measured; see the book.
REFERENCE = {
    'page pair without split': '222-301',
    'page pair with the full chain': '777-901',
    'num_of_available_pages': '64,008',
    **{row: '158-551' for row in OBJECTS if ' 64 ' in row},
}
GOALS = {
    'page pair without split': 100, 'page pair with the full chain': 450,
    **{row: 90 for row in OBJECTS if ' 64 ' in row},
}


def build():
    """Make the program with the loops; its path."""
    command(['make', '-C', stage_dir(added()['pool']), 'memory-bench'],
            env=make_environment())
    return BENCH / 'memory-bench'


def run(program, mode, contender, divisor, wrapper=()):
    """Run the loops of one contender; what they print, name -> value."""
    word, library = CONTENDERS[contender]
    env = {**os.environ, **({'LD_PRELOAD': library} if library else {})}
    text = command([*wrapper, program, mode, word, divisor], env=env)
    if 'LD_PRELOAD' in text:
        raise ToolError(f'{library} not found: `make setup bench-memory`')
    found = re.findall(r'^([a-z].*) (-?[\d.]+)$', text, re.M)
    return {name: float(value) for name, value in found}


def counted(program, mode, contender, divisor):
    """Run under callgrind: what was printed, and name -> list of counts."""
    folder = BENCH / 'callgrind' / f'{contender}-{mode}'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    printed = run(program, mode, contender, divisor, (
        need('valgrind', 'valgrind'), '--tool=callgrind', '-q',
        f'--callgrind-out-file={folder}/out'))
    counts = {}
    for path in folder.glob('out.*'):
        text = path.read_text()
        name = re.search(r'^desc: Trigger: Client Request: (.*)$', text,
                         re.M)
        total = re.search(r'^summary: (\d+)$', text, re.M)
        if name and total:
            counts.setdefault(name[1], []).append(int(total[1]))
    shutil.rmtree(folder)
    return printed, counts


def instructions(program, contender, divisor):
    """Per pair. What the twin's two functions do, return, is not taken off."""
    loops, counts = counted(program, 'instructions', contender, divisor)
    return {name: (counts[name][0] - counts['-' + name][0]) / number + 2
            for name, number in loops.items()}


def worst(program, contender, divisor):
    """The largest count for each operation."""
    _, counts = counted(program, 'worst', contender, divisor)
    return {name: max(numbers) - counts['-' + name][0] + 1
            for name, numbers in counts.items() if '-' + name in counts}


def measure(program, divisor):
    """All figures: table -> row -> contender -> number."""
    tables = {table: {row: {} for row in rows}
              for table, rows in ROWS.items()}
    for name in CONTENDERS:
        print(f'bench-memory: {name} ...', flush=True)
        results = {'instructions': instructions(program, name, divisor),
                   'worst': worst(program, name, divisor),
                   'ns': run(program, 'ns', name, divisor),
                   'space': run(program, 'space', name, divisor)}
        for table, values in results.items():
            for row, value in values.items():
                tables[table][row][name] = value
    return tables


def print_table(table, rows):
    """One table; figures of the reference are instructions."""
    compare = table in ('instructions', 'worst')
    print(f'\n{TITLES[table]}:\n{"":<32}'
          + ''.join(f'{name:>12}' for name in CONTENDERS)
          + (f'{"BitVisor":>12}' if compare else ''))
    for row, values in rows.items():
        cells = [f'{values[name]:>12,.1f}' if name in values
                 else f'{"-":>12}' for name in CONTENDERS]
        if compare:
            cells.append(f'{REFERENCE.get(row, ""):>12}')
        print((f'  {row:<30}' + ''.join(cells)).rstrip())


def goals(tables):
    """Print the goals; the names of those that are not met."""
    rows = tables['instructions']
    wanted = list(GOALS.items()) + [
        (row, rows[row]['glibc+lock']) for row in GOALS if row in OBJECTS]
    print('\nGoals, in instructions; the second for a row is glibc+lock:')
    for row, goal in wanted:
        print_row(row, rows[row]['vellum'], '', goal)
    return [row for row, goal in wanted if not rows[row]['vellum'] <= goal]


def bench_memory(argv):
    """Measure and report; the exit status."""
    divisor = 1
    for word in argv:
        if not re.fullmatch(r'--divisor=[1-9]\d*', word):
            raise ToolError(f'{word}: only --divisor=N is known')
        divisor = int(word.split('=')[1])
    tables = measure(build(), divisor)
    for table, rows in tables.items():
        print_table(table, rows)
    missed = goals(tables)
    target = BUILD / 'bench-memory.json'
    target.write_text(json.dumps({
        'divisor': divisor, 'reference': REFERENCE, 'goals': GOALS,
        **tables}, indent=1) + '\n')
    print(f'{target}')
    if missed and divisor == 1:
        raise ToolError('goal not met: ' + ', '.join(missed))
    return 0


if __name__ == '__main__':
    main(lambda: bench_memory(sys.argv[1:]))
