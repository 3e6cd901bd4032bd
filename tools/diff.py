"""`make diff FROM= TO=`: what a stage adds to another, as a lesson.

First a summary of a screen: what main.c calls more, the folders that are new,
the files that stand in for earlier ones. Then the code, without tests: main.c
first, which calls the rest, and the Makefile last.

  diff.py FROM TO          TESTS=1 in the environment adds the tests
"""
import os
import re
import shutil
import subprocess
import sys
from itertools import zip_longest

import tree
from common import TOP, ToolError, main, stage_dir, stages
from values import one_of

NOT_SHOWN = ['__pycache__', 'corpus', *tree.SHARED, *tree.BESIDE]
PART = re.compile(r'$|else$|}$|if |:|SELFTEST|return ')  # in main.c
CODE = ('.c', '.h', '.S', '.ld')


def code_lines(path):
    """How many lines of code, without tests, are in a file or folder."""
    files = [path] if path.is_file() else [
        file for file in path.rglob('*')
        if 'test' not in file.relative_to(path).parts]
    files = [file for file in files if file.suffix in CODE]
    return len(files), sum(len(file.read_text().splitlines())
                           for file in files)


def new_calls(first, second):
    """The lines of main.c's functions that only the second stage has. Comments
    that have moved, self-tests, and parts of a statement are no news."""
    old, new = ((stage_dir(each) / 'main.c').read_text().splitlines()
                for each in (first, second))
    bare, bare_new = ([' '.join(re.sub(r'/\*.*?\*/', '', line).split())
                       for line in lines] for lines in (old, new))
    numbers, _ = tree.changed_lines(bare, bare_new)
    return [' '.join(new[number - 1].split()) for number in sorted(numbers)
            if new[number - 1].startswith('\t')
            and not PART.match(bare_new[number - 1])]


def summary(first, second):
    """The lines of the summary."""
    between = stages()[stages().index(first) + 1:stages().index(second) + 1]
    yield f'From {first} to {second}: main.c has these lines more:'
    yield from (f'    {line}' for line in new_calls(first, second))
    yield ''
    total, new, changed = 0, [], []
    for name, stage in tree.own():
        if stage not in between or name in ('main.c', *tree.BESIDE):
            continue
        path = stage_dir(stage) / name
        base = tree.base_of(path) if path.is_file() else None
        if base:
            _, lines = tree.changed_lines(*(each.read_text().splitlines()
                                            for each in (base, path)))
            changed.append(f'{name}: {lines}')
        else:
            files, lines = code_lines(path)
            if not files:
                continue
            new.append(f'{name + "/:":12}new, {files} files, {lines} lines')
        total += lines
    yield from (f'{one:40}{two}'.rstrip()
                for one, two in zip_longest(new[::2], new[1::2], fillvalue=''))
    if changed:
        yield f'lines that differ: {", ".join(changed)}'
    yield f'{total} lines in all, tests apart (TESTS=1 shows them, too)'


def in_order(text, top):
    """The output of diff for one file after the other, main.c first and the
    Makefile last; top is the first stage's directory."""
    files = [each.partition(b'\n')
             for each in re.split(rb'(?m)^(?=\S*diff -ruN )', text)]
    names = [f'{top}/{name}'.encode() for name in ('Makefile', 'main.c')]
    files.sort(key=lambda file: (names[0] in file[0].split())
               - (names[1] in file[0].split()))
    return b''.join(rest for _, _, rest in files)


def diff(first, second):
    """Show what a stage adds to another; 0 whether they differ or not."""
    for name, value in (('FROM', first), ('TO', second)):
        one_of(name, value, stages())
    if stages().index(first) > stages().index(second):
        raise ToolError(f'FROM={first} comes after TO={second}')
    skip = [*NOT_SHOWN, *([] if os.environ.get('TESTS') == '1' else ['test'])]
    terminal = sys.stdout.isatty()
    done = subprocess.run(
        ['diff', '-ruN', f'--color={"always" if terminal else "never"}',
         *(word for name in skip for word in ('-x', name)),
         *(stage_dir(each).relative_to(TOP) for each in (first, second))],
        cwd=TOP, check=False, stdout=subprocess.PIPE)
    if done.returncode > 1:
        return done.returncode
    text = '\n'.join(summary(first, second)).encode() + b'\n\n' + in_order(
        done.stdout, stage_dir(first).relative_to(TOP))
    pager = shutil.which(os.environ.get('PAGER', 'less')) if terminal else None
    if pager:
        return subprocess.run([pager], input=text, check=False,
                              env={'LESS': 'FRX', **os.environ}).returncode
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    except BrokenPipeError:     # a reader such as head has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


def start(argv):
    """FROM TO"""
    if len(argv) != 2 or not all(argv):
        raise ToolError(f'make diff FROM={stages()[0]} TO={stages()[1]}')
    return diff(*argv)


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
