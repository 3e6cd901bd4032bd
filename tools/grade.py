"""`make grade`: is the exercise done? Points for each item, JSON and CSV.

In a lab (`make -C d grade`) its own tree is judged, and d/build/grade.json
written. In the repository (`make grade DIR=... [EXERCISE=...]`) DIR is a
hand-in, or a directory of them, one for each student: labs, archives of labs,
or the files that were to be changed (handin.py). Results are in build/grades/,
and of all in build/grades.json and build/grades.csv.

Only the files that the exercise names are taken from a hand-in. Everything
else is as it was given out: in a lab from the archive in .lab/, in the
repository from the repository. They are compiled and run in a sandbox
(sandbox.py), and judged by another process (judge.py). SEED=n repeats the
judge's random numbers.

  grade.py --solution NAME      judge an exercise's own solution,
  grade.py --stub NAME          or its stub
"""
import csv
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import tarfile
from pathlib import Path

import exercise
import handin
import judge
import sandbox
from common import BUILD, TOP, ToolError, command, main, stage_dir
from copytree import copy_stage

BASE_SECONDS, BUILD_SECONDS = 600, 120
PROGRAM = 'exercise-child'
BUILD_LIMITS = {'memory': 2 << 30, 'file': 1 << 30}


def copy_all(source, target):
    """Make a directory a copy of another, times included: make relies on
    them."""
    shutil.rmtree(target)
    command(['cp', '-a', source, target])


class Tree:
    """The tree that is judged: as given out, with a student's files. What is
    built of the stub alone is kept, and each hand-in begins with that."""

    def __init__(self, asked, given, where):
        self.asked, self.given = asked, given
        self.top, self.out = where / 'tree', where / 'build'
        self.base, self.scratch = where / 'base', where / 'scratch'
        self.lab, self.files = '', {}
        self.built, self.based = {}, set()
        for path in (self.top, self.out, self.base, self.scratch):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        copy_stage(given, self.top)
        self._add_child()
        (self.top / '.lab').mkdir(exist_ok=True)    # as in a lab: mk/stage.mk
        sandbox.open_to_all(self.top, self.out)

    def _add_child(self):
        """The child is a host test of the tree."""
        folder = self.top / 'exercise' / 'test'
        if not (self.asked.path / 'child.c').is_file():
            return
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.asked.path / 'child.c', folder)
        (folder / 'test.mk').write_text(
            f'HOST_TESTS += {PROGRAM}\n{PROGRAM}.sources := exercise/test/'
            f'child.c tests/host/judge.c {" ".join(self.asked.child)}\n'
            f'{PROGRAM}.sanitize := undefined\n'
            f'{PROGRAM}.flags := {self.asked.flags}\n')

    def take(self, files, lab):
        """From now on it is about these files of a hand-in."""
        self.files, self.lab, self.built = files, lab, {}
        shutil.rmtree(self.scratch)
        self.scratch.mkdir()
        self._begin()

    def _begin(self):
        """Start over from what was built of the stub."""
        copy_all(self.base, self.out)
        for name in self.asked.edit:
            (self.top / name).unlink(missing_ok=True)
            if name in self.files:
                (self.top / name).write_bytes(self.files[name])

    def _make_base(self, goals):
        """Build something of the stub, for all hand-ins to begin with."""
        if goals in self.based:
            return
        self.based.add(goals)
        files, self.files = self.files, {
            name: (self.given / name).read_bytes() for name in self.asked.edit}
        self._begin()
        self._make(goals, BASE_SECONDS)
        copy_all(self.out, self.base)
        self.files = files
        self._begin()

    def _make(self, goals, seconds):
        """Build in the sandbox."""
        sandbox.open_to_all(self.out)
        return sandbox.run(
            ['make', '-s', '-j2', '-C', self.top, *goals],
            sandbox.Limits(seconds=seconds, **BUILD_LIMITS), reads=[self.top],
            writes=[self.out], cwd=self.top, BUILD_ROOT=str(self.out),
            KCONFIG_CONFIG='/dev/null')

    def build(self, *goals):
        """Build something of the hand-in; Wrong when it can't be."""
        if goals not in self.built:
            self._make_base(goals)
            done = self._make(goals, BUILD_SECONDS)
            text = self.in_lab(done.out + done.err)
            first = re.search(r'^.*(?:error|undefined reference|multiple '
                              r'definition|No rule to make).*$', text,
                              re.MULTILINE)
            self.built[goals] = '' if done.status == 0 else (
                'does not build: ' + (
                    'takes too long' if done.status is None else
                    first.group().strip() if first else text.strip()[-300:]))
        if self.built[goals]:
            raise judge.Wrong(self.built[goals])

    def keep(self, name, path):
        """A copy of what was built, as the next build may start over."""
        target = self.scratch / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.out / path, target)
            target.chmod(0o755)
        return target

    def child(self):
        """The program with the hand-in's files that is judged."""
        if not (self.scratch / PROGRAM).exists():
            self.build(f'build-host-{PROGRAM}', 'TEST_FOLDERS=exercise')
        return self.keep(PROGRAM, f'host/{self.asked.stage}/{PROGRAM}')

    def image(self, test):
        """Vellum's image with the hand-in's files."""
        if not (self.scratch / f'image-{test}').exists():
            self.build('all', *(['TEST=1'] if test else []))
        name = f'{self.asked.stage}{"-test" if test else ""}'
        for path in ('config.mk', 'vellum.efi'):
            if (self.out / name / path).is_file():
                self.keep(f'image-{test}/{path}', f'{name}/{path}')
        return self.keep(f'image-{test}/vellum.elf', f'{name}/vellum.elf')

    def in_lab(self, text):
        """The text with the student's paths, not those of the copy."""
        return text.replace(f'{self.top}/', f'{self.lab}/')


def told(each, why):
    """Say at once how an item was judged."""
    points = f'{0 if why else each.weight} of {each.weight}'
    if why.startswith(judge.NOT_JUDGED):
        print(f'  -     {points:>8}  {each.title}', flush=True)
        return
    print(f'  {"FAIL" if why else "pass"}  {points:>8}  {each.title}'
          + (f'\n                  {why}' if why else ''), flush=True)


def judge_one(tree, made, seed):
    """Judge one hand-in, and print each item at once."""
    asked = tree.asked
    print(f'{asked.name}: {asked.title}', flush=True)
    for problem in made.problems:
        print(f'  {problem}')
    tree.take(made.files, made.path)
    lab = judge.Lab(tree, asked.path, seed)
    try:
        items = judge.judge(asked.items, lab, told)
    finally:
        lab.close()
    return result(made, asked, items, seed)


def result(made, asked=None, items=(), seed=0):
    """What is written of a hand-in, and printed at its end."""
    points = sum(each['points'] for each in items if each['pass'])
    total = sum(each['points'] for each in items)
    left = [each['why'] for each in items
            if each['why'].startswith(judge.NOT_JUDGED)]
    if items:
        print(''.join(f'  (-: {why})\n' for why in left[:1])
              + f'{points} of {total} points', flush=True)
    return {'student': made.student, 'exercise': asked.name if asked else '',
            'stage': asked.stage if asked else '',
            'title': asked.title if asked else '', 'lab': str(made.path),
            'points': points, 'of': total, 'hints': made.hints,
            'seed': seed, 'items': list(items), 'problems': made.problems,
            'sha256': {name: hashlib.sha256(data).hexdigest()
                       for name, data in made.files.items()}}


def write(path, data):
    """Write JSON for a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=2) + '\n')


def reason(each):
    """Why a hand-in did not get all points, in one line."""
    wrong = [item['why'] for item in each['items'] if not item['pass']]
    return (each['problems'] + wrong + [''])[0]


def write_table(path, results):
    """The same for a spreadsheet."""
    with open(path, 'w', encoding='utf-8', newline='') as file:
        table = csv.writer(file)
        table.writerow(('student', 'exercise', 'points', 'of', 'hints',
                        'first problem', 'hand-in'))
        for each in results:
            row = [each['student'], each['exercise'], each['points'],
                   each['of'], each['hints'], reason(each), each['lab']]
            # What begins like a formula must not be one.
            table.writerow("'" + cell if isinstance(cell, str)
                           and cell[:1] in ('=', '+', '-', '@') else cell
                           for cell in row)


def summary(results):
    """A line for each hand-in."""
    width = max(len(each['student']) for each in results)
    kind = max(len(each['exercise']) for each in results)
    print('\nSummary')
    for each in results:
        points = f'{each["points"]} of {each["of"]}' if each['of'] else '-'
        hints = f'  hints: {each["hints"]}' if each['hints'] else ''
        print(f'  {each["student"]:<{width}}  {each["exercise"]:<{kind}}  '
              f'{points:>8}{hints}  {reason(each)[:60]}')


def given_in(lab, asked):
    """The tree as it was given out, from a lab's archive."""
    target = place(asked) / 'given'
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(lab / exercise.GIVEN / exercise.ARCHIVE) as archive:
        archive.extractall(target)      # made by make lab, for this student
    return target


def given_here(asked):
    """The same from the repository: the stage with the stub."""
    target = place(asked) / 'given'
    shutil.rmtree(target, ignore_errors=True)
    copy_stage(stage_dir(asked.stage), target)
    asked.take_out(target)
    return target


def place(asked):
    """Where a tree is judged."""
    return BUILD / 'grade' / asked.name


def seed_of_this_run():
    """The same numbers for a whole class; SEED=n repeats them."""
    said = os.environ.get('SEED', '')
    return int(said) if said.isdigit() else secrets.randbelow(10 ** 9)


def grade_own():
    """In a lab: judge it. Status 0 when all items pass."""
    name = exercise.of_lab(TOP)
    asked = exercise.read(TOP / exercise.GIVEN, name)
    sandbox.warn()
    made = handin.open_handin(TOP, {name: asked}, name)
    done = judge_one(Tree(asked, given_in(TOP, asked), place(asked)), made,
                     seed_of_this_run())
    write(BUILD / 'grade.json', done)
    return 0 if done['points'] == done['of'] else 1


def grade_all(where, chosen):
    """In the repository: judge a hand-in, or all in a directory."""
    known, trees, results = exercise.exercises(), {}, []
    seed = seed_of_this_run()
    sandbox.warn()
    print(f'SEED={seed}')
    for made in handin.handins(where, known, chosen):
        print(f'--- {made.student} ({made.path})')
        if made.asked:
            name = made.asked.name
            if name not in trees:
                trees = {name: Tree(made.asked, given_here(made.asked),
                                    place(made.asked))}
            done = judge_one(trees[name], made, seed)
        else:
            print(f'  not judged: {made.problems[0]}')
            done = result(made)
        write(BUILD / 'grades' / f'{handin.stem(made.path)}.json', done)
        results.append(done)
    write(BUILD / 'grades.json', results)
    write_table(BUILD / 'grades.csv', results)
    summary(results)
    print(f'results: {BUILD}/grades.json, {BUILD}/grades.csv')
    return 0


def grade_ours(name, solved):
    """Judge a stub, or the solution."""
    asked = exercise.exercises().get(name)
    if not asked:
        raise ToolError(f'no exercise {name}')
    given = given_here(asked)
    files = asked.solution(given) if solved else {
        each: (given / each).read_bytes() for each in asked.edit}
    made = handin.Handin(asked.path, 'solution' if solved else 'stub', asked,
                         files)
    done = judge_one(Tree(asked, given, place(asked)), made,
                     seed_of_this_run())
    write(BUILD / 'grades' / f'{name}.json', done)
    return 0


def grade(argv):
    """grade.py [DIR [EXERCISE]] | --solution NAME | --stub NAME."""
    first, second = (argv + ['', ''])[:2]
    if first in ('--solution', '--stub'):
        return grade_ours(second, first == '--solution')
    if first:
        return grade_all(first, second)
    if (TOP / 'stages').is_dir():
        raise ToolError('make grade DIR=...: a hand-in, or a directory of '
                        'them')
    return grade_own()


if __name__ == '__main__':
    main(lambda: grade(sys.argv[1:]))
