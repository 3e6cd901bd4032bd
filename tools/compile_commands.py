"""Writes compile_commands.json from what make would run (make -n -B).

Each C file is listed once, at its real place, with the command of the first
stage that has it; editors and clangd find everything through it.
"""
import json
import shlex
import sys

from common import TOP, command, main, stage_dir, stages


def commands(stage):
    """(file, argv) of each compilation of a stage."""
    folder = stage_dir(stage)
    text = command(['make', '-n', '-B', '--no-print-directory', '-C', folder,
                    'all'])
    for line in text.replace('\\\n', ' ').splitlines():
        if ' -c ' not in line or ' -o ' not in line:
            continue
        argv = shlex.split(line)
        sources = [word for word in argv[1:] if word.endswith('.c')]
        if len(sources) == 1:
            yield (folder / sources[0]).resolve(), folder, argv


def write(names):
    """Write the file for these stages; the exit status."""
    rows = {}
    for stage in names:
        for path, folder, argv in commands(stage):
            rows.setdefault(path, {'directory': str(folder),
                                   'file': str(path), 'arguments': argv})
    target = TOP / 'compile_commands.json'
    target.write_text(json.dumps(list(rows.values()), indent=1) + '\n')
    print(f'{target}: {len(rows)} files')
    return 0


if __name__ == '__main__':
    main(lambda: write(sys.argv[1:] or stages()))
