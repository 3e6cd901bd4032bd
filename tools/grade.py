"""`make grade`: is the exercise done? Pass or fail for each item, and JSON.

In a lab (`make -C d grade`) its own tree is judged, and d/build/grade.json
written. In the repository (`make grade DIR=...`) DIR is a lab, or a directory
of labs, one for each student; results are in build/grades/.

Only the files that the exercise names are taken from a student's tree. Tests,
build rules and everything else are those that were given out: in a lab from
the archive in .lab/, in the repository from the repository. Each program has
its limit of time and memory for output, and one item does not spoil the next.
But student code runs as you: grade what you don't trust in a container.
"""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

import exercise
from common import BUILD, TOP, ToolError, first_hit, main, stage_dir
from copytree import copy_stage, environment, renew

BUILD_SECONDS, TEST_SECONDS, BOOT_SECONDS = 180, 15, 30
FILE_LIMIT = 1 << 20            # bytes of a student's file
OUTPUT_LIMIT = 4 << 20
# What a test's output says went wrong; the first that is there says it best.
REASONS = (r'ERROR: \w+Sanitizer.*', r'runtime error: .*', r'panic: .*',
           r'\[  ERROR   \] --- .*', r'.*error: Failure!', r'Test failed.*')


def limited(argv, seconds, env, errors=True):
    """Run a command, in a process group of its own; its status (None: out of
    time) and what it printed, at most OUTPUT_LIMIT of it."""
    log = BUILD / 'grade' / 'output'
    with open(log, 'wb') as out, subprocess.Popen(
            ['timeout', '-k', '5', str(seconds), 'prlimit',
             f'--fsize={64 * OUTPUT_LIMIT}', *argv], env=env,
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL) \
            as process:
        try:
            status = process.wait()
        finally:
            # What it left behind in its group must not go on either.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    with open(log, 'rb') as file:
        return None if status in (124, 137) else status, \
            file.read(OUTPUT_LIMIT).decode(errors='replace')


class Tree:
    """The tree that is judged: as given out, with a student's files."""

    def __init__(self, asked, given):
        self.asked, self.given = asked, given
        self.top = BUILD / 'grade' / asked.name
        self.env = environment(self.top / 'build')
        self.boots, self.builds = {}, {}
        self.lab = None

    def take(self, lab):
        """Put the student's files into it; what can't be taken, as text."""
        self.boots, self.builds = {}, {}
        self.lab = lab
        renew(self.top, self.given)
        problems, sums = [], {}
        for name in self.asked.edit:
            path = Path(lab) / name
            if path.is_symlink() or not path.is_file():
                problems.append(f'{name}: no such file')
                (self.top / name).unlink()
            elif path.stat().st_size > FILE_LIMIT:
                problems.append(f'{name}: larger than {FILE_LIMIT} bytes')
                (self.top / name).unlink()
            else:
                data = path.read_bytes()
                sums[name] = hashlib.sha256(data).hexdigest()
                if data != (self.top / name).read_bytes():
                    (self.top / name).write_bytes(data)
        return problems, sums

    def build(self, *goals):
        """Make something; why it failed, or an empty string."""
        if goals not in self.builds:
            status, text = limited(
                ['make', '-s', '-j2', '-C', self.top, *goals], BUILD_SECONDS,
                self.env)
            text = self.in_lab(text)
            first = re.search(r'^.*error:.*$|^.*No rule to make.*$', text,
                              re.MULTILINE)
            self.builds[goals] = '' if status == 0 else 'does not build: ' + (
                'takes too long' if status is None else
                first.group().strip() if first else text.strip()[-300:])
        return self.builds[goals]

    def host(self, item):
        """Run one test function; why it failed, or an empty string."""
        folder = item.program.partition('-')[0]
        program = (self.top / 'build/host' / self.asked.stage / item.program)
        why = self.build(f'build-host-{item.program}',
                         f'TEST_FOLDERS={folder}')
        if why:
            return why
        status, text = limited([program], TEST_SECONDS,
                               {**self.env, 'ONLY': item.function})
        text = self.in_lab(text)
        if status is None:
            return f'not done after {TEST_SECONDS} s'
        if status == 0 and re.search(r'^\[  PASSED  \] [1-9]', text,
                                     re.MULTILINE):
            return ''
        return first_hit(REASONS, text) or f'ended with status {status}'

    def in_lab(self, text):
        """The text with the student's paths, not those of the copy."""
        return text.replace(f'{self.top}/', f'{self.lab}/')

    def boot(self, item):
        """Boot once for each settings; why the pattern is not there."""
        test = [word for word in item.settings if word.startswith('TEST=')]
        why = self.build('all', *test)
        if why:
            return why
        if item.settings not in self.boots:
            self.boots[item.settings] = limited(
                [sys.executable, self.top / 'tools/run.py',
                 f'STAGE={self.asked.stage}', f'TIMEOUT={BOOT_SECONDS}',
                 *item.settings, 'BATCH=1'], BOOT_SECONDS + 30, self.env,
                errors=False)[1]
        text = self.boots[item.settings]
        if item.pattern.search(text):
            return ''
        said = re.search(r'^panic\(.*$', text, re.MULTILINE)
        return said.group() if said else 'it does not print that'

    def judge(self, lab):
        """Judge all items for one lab, and print each at once."""
        print(f'{self.asked.name}: {self.asked.title}', flush=True)
        problems, sums = self.take(lab)
        for problem in problems:
            print(f'  {problem}')
        items = []
        for item in self.asked.items:
            why = self.host(item) if item.program else self.boot(item)
            items.append({'item': item.title, 'pass': not why, 'why': why})
            print(f'  {"FAIL" if why else "pass"}  {item.title}'
                  + (f'\n        {why}' if why else ''), flush=True)
        passed = sum(each['pass'] for each in items)
        print(f'{passed} of {len(items)} items pass', flush=True)
        return {'exercise': self.asked.name, 'stage': self.asked.stage,
                'title': self.asked.title, 'lab': str(lab),
                'passed': passed, 'of': len(items), 'items': items,
                'problems': problems, 'sha256': sums}


def write(path, result):
    """Write JSON for a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + '\n')


def given_in(lab):
    """The tree as it was given out, from a lab's archive."""
    target = BUILD / 'grade' / 'given'
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(lab / exercise.GIVEN / exercise.ARCHIVE) as archive:
        archive.extractall(target)      # made by make lab, for this student
    return target


def given_here(asked):
    """The same from the repository: the stage; what is not the student's
    to change is the same with and without the stub."""
    target = BUILD / 'grade' / 'given'
    shutil.rmtree(target, ignore_errors=True)
    copy_stage(stage_dir(asked.stage), target)
    asked.add_tests(target)
    return target


def grade_own():
    """In a lab: judge it. Status 0 when all items pass."""
    name = exercise.of_lab(TOP)
    asked = exercise.read(TOP / exercise.GIVEN, name)
    result = Tree(asked, given_in(TOP)).judge(TOP)
    write(BUILD / 'grade.json', result)
    return 0 if result['passed'] == result['of'] else 1


def grade_all(where):
    """In the repository: judge a lab, or all in a directory."""
    top = Path(where).expanduser().resolve()
    labs = [top] if (top / exercise.GIVEN).is_dir() else sorted(
        path.parent for path in top.glob(f'*/{exercise.GIVEN}'))
    known, trees, results = exercise.exercises(), {}, []
    if not labs:
        raise ToolError(f'{top}: no lab, and no directory of labs')
    for lab in labs:
        name = exercise.of_lab(lab)
        if name not in known:
            raise ToolError(f'{lab}: no exercise {name}; there are '
                            f'{", ".join(known)}')
        if name not in trees:
            trees = {name: Tree(known[name], given_here(known[name]))}
        print(f'--- {lab}')
        result = trees[name].judge(lab)
        write(BUILD / 'grades' / f'{lab.name}.json', result)
        results.append(result)
    write(BUILD / 'grades.json', results)
    print(f'results: {BUILD}/grades.json')
    return 0


def grade(argv):
    """grade.py [DIR]."""
    if argv and argv[0]:
        return grade_all(argv[0])
    if (TOP / 'stages').is_dir():
        raise ToolError('make grade DIR=...: a lab, or a directory of labs')
    return grade_own()


if __name__ == '__main__':
    main(lambda: grade(sys.argv[1:]))
