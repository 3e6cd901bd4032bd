"""`make bench-memory` runs, and its JSON has all that its tables show."""
import json
import os

import bench_memory
from common import TOP, command

OF_ALL = (('instructions', bench_memory.OBJECTS), ('ns', bench_memory.OBJECTS),
          ('worst', bench_memory.WORST), ('space', bench_memory.SPACE))


def test_the_bench_runs_and_its_json_has_all_rows(tmp_path):
    """A short run of everything; how long anything takes is no test."""
    command(['/usr/bin/python3', TOP / 'tools' / 'bench_memory.py',
             '--divisor=1000'],
            env={**os.environ, 'BUILD_ROOT': str(tmp_path)})
    figures = json.loads((tmp_path / 'bench-memory.json').read_text())
    for table, rows in bench_memory.ROWS.items():
        assert list(figures[table]) == rows
        assert all('vellum' in values for values in figures[table].values())
    for table, rows in OF_ALL:
        for row in rows:
            assert list(figures[table][row]) == \
                list(bench_memory.CONTENDERS), (table, row)
    counts = figures['instructions']
    assert all(values['vellum'] > 2 for values in counts.values())
    # Else each column would show the C library's malloc.
    row = counts['pair 64 live 0']
    assert len({row['glibc'], row['jemalloc'], row['mimalloc']}) == 3


def test_an_allocation_takes_no_more_instructions_than_its_goal():
    """Counted by callgrind, so it is the same whatever else runs here."""
    counts = bench_memory.instructions(bench_memory.build(), 'vellum', 1)
    missed = {row: counts[row] for row, goal in bench_memory.GOALS.items()
              if not counts[row] <= goal}
    assert not missed


def test_goals_and_reference_name_rows_that_exist():
    """A misspelt name would be a goal that nobody checks."""
    rows = {row for rows in bench_memory.ROWS.values() for row in rows}
    assert set(bench_memory.GOALS) <= rows
    assert set(bench_memory.REFERENCE) <= rows
