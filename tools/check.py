"""`make check`: the rules of this tree that a program can check.

  check.py [NAME...]    all checks, or those named

Each check yields one line for each place that breaks its rule.
"""
import graphlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tree
from book.check import check_book
from common import (BUILD, TOP, ToolError, main, make_environment, need,
                    stage_dir, stages)
from compile_commands import commands

COLUMNS, TAB = 80, 8
FUNCTION_LINES, FILE_LINES = 60, 500
OVERRIDES, OVERRIDE_LINES = 3, 40    # of a stage; of a file
CHECK_BUILD = BUILD / 'check'


def output(argv, **kwargs):
    """Run a program; its status, and all that it said."""
    done = subprocess.run([str(word) for word in argv], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          errors='replace', check=False, **kwargs)
    return done.returncode, done.stdout


def in_parallel(function, items):
    """All lines that function yields for the items, in order."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(lambda item: list(function(item)), items):
            yield from lines


def check_format():
    """C code is formatted as .clang-format says."""
    need('clang-format', 'clang-format')

    # It takes longer to start than to look at a file.
    def some(paths):
        status, text = output(['clang-format', '--dry-run', '-Werror', *paths])
        firsts = {}
        for line in text.splitlines():
            place = re.match(r'(/\S+?):\d+:\d+: error', line)
            if place:
                firsts.setdefault(place[1], line)
        for path, line in firsts.items():
            yield line.replace(f'{TOP}/', '') + \
                f' (mend: clang-format -i {tree.short(Path(path))})'
        if status and not firsts:
            yield text
    files = sorted(tree.sources('.c', '.h'))
    yield from in_parallel(some, [files[i:i + 50]
                                  for i in range(0, len(files), 50)])


def check_columns():
    """No line is longer than 80 columns; none ends with a space."""
    files = list(tree.sources('.c', '.h', '.S', '.ld', '.mk'))
    options = {path.resolve() for path in TOP.glob('[fs]*/**/Kconfig')}
    for path in [*files, *tree.scripts(), *(TOP / 'mk').iterdir(),
                 TOP / 'Makefile', *sorted(options)]:
        text = path.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            where = f'{tree.short(path)}:{number}:'
            if len(line.expandtabs(TAB)) > COLUMNS:
                yield f'{where} longer than {COLUMNS} columns'
            if line != line.rstrip():
                yield f'{where} white space at the end of the line'
        if text and not text.endswith('\n'):
            yield f'{tree.short(path)}: no newline at the end'


def check_lengths():
    """Files have at most 500 lines, functions 60; tests may have more."""
    need('ctags', 'universal-ctags')
    files = list(tree.sources('.c', '.h', '.S', tests=False))
    tools = [path for path in tree.scripts()
             if path.is_relative_to(TOP / 'tools')]
    for path in files + tools:
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES:
            yield (f'{tree.short(path)}: {lines} lines, at most '
                   f'{FILE_LINES}')
    status, text = output(['ctags', '--output-format=json', '--fields=+ne',
                           '--kinds-C=f', '--languages=C', '-o', '-', *files])
    if status:
        raise ToolError(f'ctags failed: {text}')
    for row in map(json.loads, text.splitlines()):
        lines = row.get('end', row['line']) - row['line'] + 1
        if lines > FUNCTION_LINES:
            yield (f'{row["path"].removeprefix(f"{TOP}/")}:{row["line"]}: '
                   f'{row["name"]}() has {lines} lines, at most '
                   f'{FUNCTION_LINES}')


def check_links():
    """A stage has main.c, its own folders, a link for each earlier one, and
    the overrides that its Makefile names."""
    for stage in stages():
        top = stage_dir(stage)
        up = '..' if stage == 'final' else '../..'
        wanted = {name: f'{up}/{name}' for name in tree.SHARED}
        inherited = {folder: tree.home(stage, folder)
                     for folder in tree.added() if tree.home(stage, folder)}
        for folder, origin in inherited.items():
            wanted[folder] = f'{way_to(stage, origin)}/{folder}'
        changed = {name.partition('/')[0] for name in tree.overrides(stage)}
        if not (top / 'main.c').is_file():
            yield f'{tree.short(top)}: no main.c'
        for path in sorted(top.iterdir()):
            where, target = tree.short(path), wanted.pop(path.name, None)
            if path.is_symlink():
                if not path.exists():
                    yield f'{where}: a link that leads nowhere'
                elif path.name in changed:
                    yield f'{where}: a link, but OVERRIDES names a file in it'
                elif target != os.readlink(path):
                    yield (f'{where}: a link to {os.readlink(path)}, '
                           f'expected {target or "no link here"}')
            elif path.name in inherited:
                yield from check_overridden(stage, path.name,
                                            inherited[path.name])
            elif target:
                yield f'{where}: must be a link to {target}'
            elif path.is_dir() and not any(path.iterdir()):
                yield f'{where}: an empty folder'
        for name, target in wanted.items():
            yield f'{tree.short(top)}/{name}: no link to {target}'
        yield from check_overrides(stage, inherited)


def way_to(stage, origin):
    """From a directory of a stage to another stage's."""
    return f'../stages/{origin}' if stage == 'final' else f'../{origin}'


def check_overridden(stage, folder, origin):
    """A folder that a stage overrides files of: links for all the others."""
    here, base = stage_dir(stage) / folder, stage_dir(origin) / folder
    named = tree.overrides(stage)
    there = {path.name for path in base.iterdir()
             if path.name != '__pycache__'}
    for path in sorted(here.iterdir()):
        where = tree.short(path)
        target = f'../{way_to(stage, origin)}/{folder}/{path.name}'
        if path.name == '__pycache__':
            continue
        if path.is_symlink():
            if os.readlink(path) != target or not path.exists():
                yield (f'{where}: a link to {os.readlink(path)}, expected '
                       f'{target if path.name in there else "none here"}')
        elif f'{folder}/{path.name}' not in named:
            yield (f'{where}: is no link to {target}, and OVERRIDES in '
                   f'{tree.short(here.parent)}/Makefile does not name it')
    for name in sorted(there - {path.name for path in here.iterdir()}):
        yield (f'{tree.short(here)}/{name}: no link to that of {origin} (mend: '
               f'ln -s ../{way_to(stage, origin)}/{folder}/{name} '
               f'{tree.short(here)})')


def check_overrides(stage, inherited):
    """At most three, each there, and close to what it stands in for."""
    named = tree.overrides(stage)
    where = f'{tree.short(stage_dir(stage))}/Makefile: OVERRIDES'
    if len(named) > OVERRIDES:
        yield f'{where}: {len(named)} files, at most {OVERRIDES}'
    for name in named:
        path = stage_dir(stage) / name
        base = tree.base_of(path)
        if name.partition('/')[0] not in inherited or not base:
            yield f'{where}: {name}: no earlier stage has it'
        elif path.resolve() == base or not path.is_file():
            yield f'{where}: {name} is not there'
        else:
            _, lines = tree.changed_lines(*(each.read_text().splitlines()
                                            for each in (base, path)))
            if not 0 < lines <= OVERRIDE_LINES:
                yield (f'{where}: {name} differs in {lines} lines from '
                       f'{tree.short(base)}, allowed are 1 to '
                       f'{OVERRIDE_LINES}')


def check_layers():
    """A file includes only from its own stage and earlier ones, and is the same
    in each."""
    added = tree.added()
    rank = {stage: number for number, stage in enumerate(stages())}
    for path in tree.sources('.c', '.h', '.S'):
        if path.is_relative_to(TOP / 'tests'):
            continue
        mine = tree.stage_of(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.match(r'\s*#.*(__has_include|VELLUM_STAGE)', line):
                yield (f'{tree.short(path)}:{number}: compiles into something '
                       'else in another stage')
            found = re.match(r'\s*#\s*include\s+"([^/"]+)/', line)
            if found and rank.get(added.get(found[1]), 0) > rank[mine]:
                yield (f'{tree.short(path)}:{number}: {mine} includes '
                       f'{found[1]}/, which comes with {added[found[1]]}')


def compiler(stage):
    """The command that compiles a C file of this stage, without names."""
    for _, _, argv in commands(stage):
        keep = [word for word in argv[:argv.index('-o')]
                if word not in ('-c', '-MMD', '-MP')]
        return [*keep, '-Werror', '-fsyntax-only']
    raise ToolError(f'{stage}: make would compile nothing')


def check_headers():
    """Each header compiles alone: it includes what it needs."""
    headers = list(tree.sources('.h', tests=False))
    compilers = {stage: compiler(stage)
                 for stage in sorted(set(map(tree.stage_of, headers)))}

    def one(path):
        stage = tree.stage_of(path)
        name = path.relative_to(stage_dir(stage))
        status, text = output([*compilers[stage], '-x', 'c', '-'],
                              cwd=stage_dir(stage),
                              input=f'#include "{name}"\n')
        if status:
            errors = [line for line in text.splitlines() if 'error:' in line]
            yield f'{tree.short(path)} does not compile alone: {errors[0]}'
    yield from in_parallel(one, headers)


def build(stage, test):
    """Build a stage strictly; status and output."""
    print(f'  {stage}{" with self-tests" if test else ""} ...', flush=True)
    return output(['make', f'-j{os.cpu_count()}', '--no-print-directory', '-C',
                   stage_dir(stage), 'all', 'WERROR=1', f'TEST={test}',
                   f'BUILD_ROOT={CHECK_BUILD}'], env=make_environment())


def check_warnings():
    """No file compiles with a warning, with and without self-tests. The last
    stage has all files but for each stage's main.c and what a later one
    overrides; none knows what stage it is in (check_layers), and that each
    stage links is for make all to say."""
    *before, stage = stages()
    for test in ('', '1'):
        status, text = build(stage, test)
        if status:
            yield from (line for line in text.splitlines()
                        if re.search(r'error|warning|\*\*\*', line))
    alone = set()
    for name, origin in tree.own():
        if name.endswith('.c'):
            base = tree.base_of(stage_dir(origin) / name)
            alone |= {(origin, name), (base and tree.stage_of(base), name)}
    for each in before:
        names = sorted(name for origin, name in alone if origin == each)
        if names:
            yield from warnings_of(each, names)


def uses(stage):
    """File -> other file -> the functions and variables that it uses of it, as
    the linker sees them, in the last stage's object files."""
    top, objects = stage_dir(stage), CHECK_BUILD / stage
    sources = [path.relative_to(top) for folder in sorted(top.iterdir())
               if folder.is_dir()
               and folder.name not in (*tree.SHARED, *tree.BESIDE)
               for path in sorted(folder.glob('*.[cS]'))]
    assembly = [str(objects / path.with_suffix('')) for path in sources
                if path.suffix == '.S']
    paths = [(objects / path).with_suffix('.o') for path in sources]
    status, text = output(['nm', '-A', '-P', *paths])
    if status:
        raise ToolError(f'nm failed: {text}')
    rows = [re.match(r'(.*)\.o: (\S+) (\w)', line).groups()
            for line in text.splitlines()]
    owner = {name: path for path, name, kind in rows if kind in 'TDBRVC'}
    found = {path: {} for path, _, _ in rows}
    for path, name, kind in rows:
        if kind == 'U' and name in owner and owner[name] != path \
                and not re.match('(percpu_)?panic|handle_exit_', name) \
                and path not in assembly:
            found[path].setdefault(owner[name], []).append(name)
    return found


def check_circles():
    """No two files use each other, directly or by way of others. Who is called
    through a registered pointer, as an exit handler, is not used, nor what the
    hardware enters by way of assembly; and all may panic."""
    stage = stages()[-1]
    status, text = build(stage, '')
    if status:
        raise ToolError(f'{stage} does not build:\n{text}')
    graph = uses(stage)
    while True:
        try:
            graphlib.TopologicalSorter(graph).prepare()
            return
        except graphlib.CycleError as error:
            circle = error.args[1][::-1]        # each uses the next
        yield 'a circle: ' + ', '.join(
            f'{Path(one).relative_to(CHECK_BUILD / stage)}.c uses '
            + ', '.join(graph[one][other][:4])
            for one, other in zip(circle, circle[1:]))
        del graph[circle[0]][circle[1]]


def warnings_of(stage, names):
    """What single files of a stage compile with."""
    print(f'  {stage}: {" ".join(names)} ...', flush=True)
    command = compiler(stage)
    for test in ([], ['-DVELLUM_TEST']):
        for name in names:
            status, text = output([*command, *test, name],
                                  cwd=stage_dir(stage))
            if status:
                yield from (line for line in text.splitlines()
                            if re.search('error|warning', line))


CHECKS = {
    'links': check_links, 'layers': check_layers, 'columns': check_columns,
    'lengths': check_lengths, 'format': check_format,
    'headers': check_headers, 'warnings': check_warnings,
    'circles': check_circles, 'book': check_book,
}


def check(names):
    """Run the checks; status 1 when one found something."""
    bad = 0
    for name in names or CHECKS:
        if name not in CHECKS:
            raise ToolError(f'{name}: there are {", ".join(CHECKS)}')
    for name in names or CHECKS:
        print(f'check {name} ...', flush=True)
        lines = list(CHECKS[name]())
        print(f'check {name}: ' + (f'to mend: {len(lines)}' if lines else 'ok'),
              flush=True)
        for line in lines:
            print(f'  {line}')
        bad += bool(lines)
    return 1 if bad else 0


if __name__ == '__main__':
    main(lambda: check(sys.argv[1:]))
