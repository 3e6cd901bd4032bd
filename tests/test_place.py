"""Where the tree lies: in a folder with a strange name, on a medium that cannot
be written, without its symbolic links, and without a network."""
import os
import re
import shutil
import subprocess
import sys

import debs
import doctor
import pytest
from common import TOP, ToolError, stage_dir
from stage_names import BOOT, HEAP, PAGE, PAGING

SKIP = shutil.ignore_patterns('build', '.git', '__pycache__')
ODD = 'it\'s a $HOME: #1 ü "x" 50%, (a=b)&;'


@pytest.fixture
def copy(tmp_path):
    """A function that copies the tree, with or without its links."""
    def make(name, links=True):
        target = tmp_path / name / 'tree'
        shutil.copytree(TOP, target, symlinks=True, ignore=SKIP)
        for path in [] if links else list(target.rglob('*')):
            if path.is_symlink():
                text = os.readlink(path)
                path.unlink()
                path.write_text(text)   # as git does
        return target
    return make


def shell(line, where=TOP, **env):
    """Run a line of sh; status and all that it prints."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'BUILD_ROOT')}
    done = subprocess.run(['sh', '-c', line], cwd=where, env={**kept, **env},
                          text=True, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def test_the_tree_builds_and_boots_in_a_folder_with_a_strange_name(copy):
    """And nowhere else: once it built into the root directory."""
    tree, there = copy(ODD), set(os.listdir('/'))
    for emu in ('qemu', 'bochs'):
        status, text = shell(f'make run BATCH=1 STAGE={BOOT} EMU={emu}', tree)
        assert status == 0, text
        assert f'LD      build/{BOOT}/vellum.elf' in text or emu == 'bochs'
    assert shell(f'make --no-print-directory {BOOT}', tree) == (0, '')
    assert shell(f'make -C stages/{BOOT} host-test TEST_FOLDERS=lib',
                 tree)[0] == 0
    assert set(os.listdir('/')) == there


def test_a_lab_can_be_made_in_such_a_folder(tmp_path):
    """Its name reaches the tools as it was typed, and what they tell the
    student to type works."""
    target = tmp_path / ODD / 'lab'
    target.parent.mkdir()
    status, text = shell(f'make lab STAGE={PAGING} EXERCISE=none DIR="$WHERE"',
                         WHERE=str(target))
    assert status == 0 and (target / 'Makefile').is_file(), text
    line = re.search(r'make -C .* run', text).group().replace(' run', ' -n')
    status, text = shell(line)
    assert status == 0 and f'-o build/{PAGING}/vellum.elf' in text


@pytest.mark.parametrize('value', ['/tmp/a b', 'out', '~/out', '/tmp/a:b',
                                   '/tmp/$x', '/tmp/#1', "/tmp/it's"])
@pytest.mark.parametrize('where', [TOP, stage_dir(PAGE)])
def test_a_build_root_that_make_cannot_handle_is_refused(where, value):
    """In one line that names it."""
    status, text = shell('make -n BUILD_ROOT="$VALUE"', where, VALUE=value)
    assert status == 2 and text.count('\n') == 1
    assert 'BUILD_ROOT=' in text and 'give a whole path' in text


def test_an_empty_build_root_is_none():
    """It is not the root directory."""
    status, text = shell('make -n all BUILD_ROOT=', stage_dir(BOOT))
    assert status == 0 and f' /{BOOT}' not in text


def test_a_build_root_that_is_the_trees_own_is_none():
    """Two names of one place would have all compiled anew, and by two of our
    tests at once: one found the other's files half written."""
    status, text = shell(f'make -n all BUILD_ROOT="{TOP}/build"',
                         stage_dir(BOOT))
    assert status == 0 and f'{TOP}/build' not in text


@pytest.mark.parametrize('line', [
    'make', 'make setup', 'make doctor', f'make -C stages/{PAGE}',
    'make -C final run', f'make lab STAGE={BOOT} DIR=/tmp/no-lab',
    'make check', 'python3 tools/doctor.py', 'python3 tools/setup.py run',
    f'python3 tools/lab.py {BOOT} /tmp/no-lab none',
])
def test_a_copy_without_its_links_is_refused(copy, line):
    """Whatever one starts with; the sentence says how to get it right."""
    status, text = shell(line, copy('zip', links=False))
    assert status and 'has lost its symbolic links' in text
    assert 'core.symlinks=true' in text and 'Traceback' not in text
    assert not os.path.exists('/tmp/no-lab')


def test_one_lost_link_is_enough(copy):
    """It need not be the one that make falls over."""
    tree = copy('one')
    (tree / f'stages/{PAGE}/paging').unlink()
    (tree / f'stages/{PAGE}/paging').write_text(f'../{PAGING}/paging')
    for line in (f'make {BOOT}', f'make -C stages/{PAGE}', 'make doctor'):
        status, text = shell(line, tree)
        assert status and re.search(r'\bpaging is no folder', text), line


@pytest.mark.skipif(subprocess.call(['unshare', '--mount', 'true'],
                                    stderr=subprocess.DEVNULL) != 0,
                    reason='nothing can be mounted here: it needs root, and '
                    'in a chroot or container more than that')
def test_a_tree_that_cannot_be_written_builds_elsewhere(copy, tmp_path):
    """The message says how; nothing is written into the tree then."""
    tree = copy('ro')
    mounted = ('mount --bind {0} {0} && mount -o remount,bind,ro {0} && '
               'cd {0} && '.format(tree))
    for line in (f'make {BOOT}', 'make -C final', f'make run STAGE={BOOT}',
                 f'{sys.executable} tools/run.py STAGE={BOOT} NATIVE=1 '
                 'GUEST=none BATCH=1'):
        status, text = shell(
            f"unshare --mount sh -c '{mounted} exec {line}'", '/')
        assert status and 'BUILD_ROOT=DIR' in text, text
        assert 'Traceback' not in text and text.count('\n') <= 3
    status, text = shell(
        f"unshare --mount sh -c '{mounted} exec make run STAGE={BOOT} BATCH=1 "
        f"BUILD_ROOT={tmp_path}/out'", '/')
    assert status == 0 and not (tree / 'build').exists(), text


@pytest.mark.parametrize('tool', ['run', 'figures'])
def test_a_python_without_debians_libraries_is_named(tool):
    """As where another one lies first in PATH."""
    status, text = shell(f'{sys.executable} -S tools/{tool}.py', TOP)
    assert status and 'start the tools by make' in text
    assert 'Traceback' not in text


def test_clean_leaves_another_place_alone(tmp_path):
    """What else is there is not ours to know."""
    status, text = shell(f'make clean BUILD_ROOT={tmp_path}')
    assert status == 2 and 'is not removed' in text and tmp_path.is_dir()


def apt(monkeypatch, tmp_path, body):
    """Put an apt-get of our own in front, and an empty cache."""
    (tmp_path / 'bin').mkdir()
    for name, text in (('apt-get', body), ('apt-cache', 'exit 0')):
        (tmp_path / 'bin' / name).write_text(f'#!/bin/sh\n{text}\n')
        (tmp_path / 'bin' / name).chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}/bin:{os.environ["PATH"]}')
    monkeypatch.setattr(debs, 'CACHE', tmp_path / 'cache')


def test_without_a_network_one_try_is_enough(monkeypatch, tmp_path):
    """And the message says what works all the same."""
    apt(monkeypatch, tmp_path, f'echo x >> {tmp_path}/tries; echo "E: Failed '
        'to fetch x  Temporary failure resolving \'x\'"; exit 100')
    with pytest.raises(ToolError) as caught:
        debs.fetch('busybox-static')
    assert str(caught.value).startswith('no network, and no busybox-static')
    for way in (f'STAGE={HEAP}', 'GUEST=demo', 'KERNEL=FILE INITRD=FILE'):
        assert way in str(caught.value)
    assert (tmp_path / 'tries').read_text() == 'x\n'


def test_a_package_that_this_system_has_not_is_no_lost_network(monkeypatch,
                                                               tmp_path):
    """New lists are tried first."""
    apt(monkeypatch, tmp_path, 'case "$*" in *update*) exit 0; esac; '
        'echo "E: Unable to locate package nosuch"; exit 100')
    with pytest.raises(ToolError) as caught:
        debs.fetch('nosuch')
    assert 'Unable to locate' in str(caught.value)
    assert 'no network' not in str(caught.value)


def test_fetching_shows_that_it_lives(monkeypatch, tmp_path, capsys):
    """A percentage; where there is no terminal a line now and then."""
    apt(monkeypatch, tmp_path, """
        for word; do case $word in APT::Status-Fd=*) fd=${word#*=}; esac; done
        for n in 12 34; do echo "dlstatus:1:$n.5:x" >/dev/fd/$fd; done
        : > busybox-static_1_amd64.deb""")
    monkeypatch.setattr(debs, 'SHOW_EVERY', -1)
    assert debs.fetch('busybox-static').name == 'busybox-static_1_amd64.deb'
    shown = capsys.readouterr().out
    assert '12 %' in shown and '34 %' in shown


def test_make_run_fetches_before_it_builds(tmp_path):
    """No network: nothing was built in vain."""
    status, text = shell(f'make -n run BUILD_ROOT={tmp_path}')
    assert status == 0
    assert text.index('run.py --fetch') < text.index('vellum.elf')


@pytest.mark.parametrize('lost, line', [
    ('gcc', '`make setup run` installs what is missing'),
    ('grub-mkimage', '`make setup run` installs what is missing'),
    ('gdb', '`make run` works here'),
])
def test_doctor_looks_for_all_that_a_run_needs(monkeypatch, capsys, lost,
                                               line):
    """And for no more than that."""
    which = shutil.which
    monkeypatch.setattr(doctor.shutil, 'which',
                        lambda name: None if name == lost else which(name))
    doctor.doctor()
    assert line in capsys.readouterr().out


def test_doctor_looks_for_the_library_of_the_options(monkeypatch, capsys):
    """Each build needs it, and it is no program."""
    monkeypatch.setattr(doctor, 'find_spec', lambda _: None)
    assert doctor.doctor() == 1
    assert '`make setup run` installs what' in capsys.readouterr().out


def test_doctor_says_where_nothing_can_be_built(monkeypatch, capsys):
    """Whatever else is there."""
    monkeypatch.setattr(doctor.os, 'access', lambda *_: False)
    assert doctor.doctor() == 1
    said = capsys.readouterr().out
    assert 'BUILD_ROOT=DIR' in said and 'does not work here' in said
