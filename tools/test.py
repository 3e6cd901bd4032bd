"""`make test`: host tests, then boot tests with pytest.

Host tests are cmocka programs that a stage's makefile builds and runs
(`make host-test`). Boot tests are pytest files in the test/ folder beside
what they test, and in tests/. Without --stage each folder is tested once,
in the stage that adds it; with --stage all folders of that stage are.

  test.py [--stage NAME] [--emu qemu|bochs] [--firmware bios|uefi]
          [pytest arguments or paths]
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

from common import (BUILD, TOP, ToolError, main, make_environment, stage_dir,
                    stages)
from tree import SHARED, real_folders


def folders(stage, inherited):
    """The folders of a stage; without inherited only those that it adds, or
    has files of its own in."""
    if not inherited:
        return [name for name in real_folders(stage) if name not in SHARED]
    return sorted(path.name for path in stage_dir(stage).iterdir()
                  if path.is_dir() and path.name not in (*SHARED, 'build'))


def host_tests(stage, names):
    """Build and run the host tests of these folders of a stage."""
    print(f'host tests of {stage}: {" ".join(names)}', flush=True)
    done = subprocess.run(
        ['make', f'-j{os.cpu_count()}', '--no-print-directory',
         '-C', stage_dir(stage), 'host-test',
         'TEST_FOLDERS=' + ' '.join(names)], env=make_environment(),
        check=False)
    if done.returncode:
        raise ToolError(f'host tests of {stage} failed; repeat them with: '
                        f'make -C {stage_dir(stage)} host-test')


def boot_tests(chosen):
    """Files with boot tests of the (stage, folders) pairs, links resolved."""
    found = []
    for stage, names in chosen:
        for name in names:
            found += (stage_dir(stage) / name / 'test').glob('test_*.py')
    return sorted({path.resolve() for path in found})


def _is_path(word):
    """Is an argument a test's file, or a test in one?"""
    return Path(word.split('::')[0]).exists()


def test(argv):
    """Run all that was asked for; the exit status."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument('--stage')
    own, rest = parser.parse_known_args(argv)
    stage = own.stage
    for name in ('EMU', 'FIRMWARE'):
        option = f'--{name.lower()}'
        if os.environ.get(name) and option not in rest:
            rest += [option, os.environ[name]]
    if stage:
        chosen = [(stage, folders(stage, inherited=True))]
    else:
        chosen = [(name, folders(name, inherited=False))
                  for name in stages()]
    # Whole ones: pytest starts at the top.
    rest = [os.path.abspath(word) if _is_path(word) else word
            for word in rest]
    named = any(map(_is_path, rest))
    if not named:
        for name, names in chosen:
            host_tests(name, names)
        paths = boot_tests(chosen)
        paths += sorted((TOP / 'tests').glob(
            'test_stage.py' if stage else 'test_*.py'))
        rest += map(str, paths)
    # Seen from the top, whose own name may have a colon.
    env = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1',
           'PYTHONPATH': 'tools:tests', **({'ALL': '1'} if named else {})}
    argv = ['/usr/bin/python3', '-m', 'pytest', '-p', 'vellum_pytest',
            '--import-mode=importlib', '--rootdir', TOP, '-o',
            f'cache_dir={BUILD}/pytest-cache', '-q', '-ra', '--tb=short',
            '--durations=5', '-n', str(min(os.cpu_count(), 4)),
            *(['--stage', stage] if stage else []), *rest]
    return subprocess.run(argv, cwd=TOP, env=env, check=False).returncode


if __name__ == '__main__':
    main(lambda: test(sys.argv[1:]))
