"""The harness itself: limits, failure messages, settings, small formats."""
import os
import shlex
import struct
import subprocess
import time

import bench
import copytree
import debs
import emulator
import expectations
import pexpect
import process
import pytest
import qemu
import run
import terminal
import tree
from common import TOP, ToolError, command, make_environment, stages
from settings import Settings
from stage_names import BOOT, HEAP, PAGE


def out(port, value):
    """Machine code: mov dx, port; mov al, value; out dx, al."""
    return struct.pack('<BHBBB', 0xba, port, 0xb0, value, 0xee)


def put(char):
    """Machine code: wait until COM1 can take a character; send it."""
    wait = bytes.fromhex('ba fd 03 ec a8 20 74 fb')
    return wait + out(0x3f8, char)


def disk_that_says(path, text):
    """A disk image whose boot sector sets COM1 to 115200 8N1, writes text,
    and halts."""
    return boot_disk(path, b''.join(map(put, text)))


def boot_disk(path, code):
    """The same that runs code in place of writing."""
    code = b''.join([out(0x3fb, 0x80), out(0x3f8, 1), out(0x3f9, 0),
                     out(0x3fb, 3), code, bytes.fromhex('fa f4 eb fd')])
    path.write_bytes(code.ljust(510, b'\0') + b'\x55\xaa'
                     + bytes(16 * 63 * 512 * 4 - 512))
    return path


@pytest.fixture
def sector(tmp_path):
    """A disk image that says "hi"."""
    return disk_that_says(tmp_path / 'disk.img', b'hi\n')


def test_a_machine_talks_and_is_ended(machine, sector, emu):
    """Output arrives, and close() leaves no process behind."""
    pc = machine(native=True, emu=emu, disk=sector, limit=60)
    pc.expect(r'^hi\n')
    group = pc.process.pid
    assert process.alive(group)
    pc.close()
    assert not process.alive(group)


def test_a_reader_that_is_slow_does_not_stall_the_machine(machine, tmp_path):
    """OVMF gives a serial port up whose output is not taken at once."""
    body = put(ord('x'))
    many = (b'\xb9' + struct.pack('<H', 60000) + body +
            b'\xe2' + struct.pack('b', -len(body) - 2))
    disk = boot_disk(tmp_path / 'disk.img', many + out(0xcf9, 6))
    pc = machine(native=True, disk=disk, limit=60)
    pc.process.wait(55)     # it ends by the reset, and nothing has been read
    pc.console.wait_for(['nothing'], 5)
    assert pc.serial.count('x') >= 60000


def test_only_our_own_disks_are_on_ahci(sector, tmp_path):
    """Any kernel has a driver for IDE, where the user's disk stays."""
    def arguments(**settings):
        return ' '.join(map(str, qemu.arguments(
            Settings(disk=sector, **settings), [], tmp_path)))
    assert 'ide-hd,bus=ahci.0' in arguments()
    assert 'ahci' not in arguments(writable=True)
    assert 'if=ide,index=0' in arguments(writable=True)


def test_a_failure_shows_the_console_and_how_to_repeat(machine, sector):
    """What a person needs is in the message."""
    pc = machine(native=True, disk=sector, limit=20)
    pc.expect(r'^hi\n')
    with pytest.raises(emulator.EmulatorError) as caught:
        pc.expect('never', timeout=1)
    message = str(caught.value)
    assert "no 'never' on the serial console in 1 s" in message
    assert '\nhi\n' in message
    assert f'repeat it with: sh {pc.dir}/command.sh' in message


def test_a_run_ends_at_its_limit(machine, sector):
    """The limit counts for the whole run, not for each wait."""
    pc = machine(native=True, disk=sector, limit=2)
    with pytest.raises(emulator.EmulatorError, match='never'):
        pc.expect('never', timeout=600)


def test_the_monitor_answers(machine, sector):
    """QMP reaches the machine that runs."""
    pc = machine(native=True, disk=sector, limit=20)
    assert pc.qmp('query-status')['running']
    assert 'CR0=' in pc.hmp('info registers')


@pytest.mark.parametrize('settings, message', [
    ({'emu': 'vbox'}, 'there are qemu, bochs, kvm'),
    ({'emu': 'bochs', 'icount': True}, 'EMU=bochs has no icount'),
    ({'emu': 'kvm', 'icount': True}, 'EMU=kvm has no icount'),
    ({'firmware': 'uefi', 'modules': ['x']}, 'go with FIRMWARE=bios'),
    ({'firmware': 'coreboot'}, 'there are bios, uefi'),
    ({'mem': 'lots'}, 'such as 512M or 1G'),
    ({'cpus': 0}, 'not a number from 1 on'),
    ({'disk': '/no/such.img'}, 'no such file'),
])
def test_bad_settings_are_explained(settings, message):
    """Each wrong value has a message of its own."""
    with pytest.raises(ToolError, match=message):
        Settings(**settings)


def make_run(*words, **kwargs):
    """tools/run.py with these settings; status and output."""
    done = subprocess.run(
        ['/usr/bin/python3', TOP / 'tools/run.py', 'NATIVE=1', *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, **kwargs)
    return done.returncode, done.stdout


def test_a_guest_that_never_powers_off_fails_a_batch_run(sector):
    """BATCH=1 with an own image: status 0 only after power off. What was
    shown as it came is not shown again."""
    status, text = make_run('BATCH=1', f'GUEST={sector}', 'TIMEOUT=3')
    assert status == 1
    assert 'the emulator did not end' in text
    assert 'repeat it with: make run' in text
    assert text.count('hi\n') == 1


@pytest.mark.parametrize('batch', ['BATCH=1', 'BATCH='])
@pytest.mark.parametrize('words, message', [
    (['EMU_ARGS=--bogus'], 'qemu-system-x86_64: --bogus: invalid option'),
    (['EMU=bochs', 'EMU_ARGS=bogus:x=1'], "directive 'bogus' not understood"),
])
def test_an_emulator_that_refuses_fails_the_run(sector, words, message, batch):
    """And it says itself what it did not like, once."""
    status, text = make_run(f'GUEST={sector}', batch, 'TIMEOUT=20', *words,
                            stdin=subprocess.DEVNULL)
    assert (status, text.count(message)) == (1, 1)


def test_a_run_that_halted_says_how_to_leave(tmp_path, emu):
    """The hint of the start has long left the screen by then."""
    disk = disk_that_says(tmp_path / 'end.img', b'vellum: halted\n')
    hint = 'Ctrl-A x leaves the emulator'
    user = pexpect.spawn('/usr/bin/python3', [
        str(TOP / 'tools/run.py'), 'NATIVE=1', f'EMU={emu}', 'TIMEOUT=60',
        f'GUEST={disk}'], encoding='utf-8', timeout=60)
    for words in (hint, 'halted', hint):
        user.expect_exact(words)
    user.send('\x01x')
    user.expect(pexpect.EOF)
    user.close()
    assert user.exitstatus == 0


def test_ctrl_a_x_leaves():
    """Ctrl-A x leaves, Ctrl-A Ctrl-A is one Ctrl-A, all else passes."""
    # pylint: disable=protected-access
    assert terminal._Keys().take(b'ls\n') == (b'ls\n', False)
    assert terminal._Keys().take(b'a\x01x') == (b'a', True)
    assert terminal._Keys().take(b'\x01\x01b') == (b'\x01b', False)


def test_settings_of_the_environment_are_used(monkeypatch):
    """make hands its variables over as environment; arguments win. Without
    NET a LOG is somebody else's."""
    monkeypatch.setenv('LOG', '/var/log/own')
    monkeypatch.setenv('MEM', '1G')
    monkeypatch.setenv('EMU', 'bochs')
    chosen = run.read_settings(['EMU=qemu', f'STAGE={BOOT}'])
    assert (chosen['MEM'], chosen['EMU'], chosen['STAGE']) == \
        ('1G', 'qemu', BOOT)


def test_a_run_is_repeated_with_what_was_built_into_it(monkeypatch):
    """Each variable that makes it another program, and no empty one."""
    for name in run.DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    given = {'STAGE': PAGE, 'TEST': '1', 'VMMSIZE_ALL': '33554432',
             'MM_FAIL_AT': '2', 'BATCH': ''}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv('OPTIONS', 'check hypercall')
    words = shlex.split(run.repeat_command([f'STAGE={HEAP}']))
    assert words[:2] == ['make', 'run']
    assert sorted(words[2:]) == [
        'MM_FAIL_AT=2', 'OPTIONS=check hypercall', f'STAGE={HEAP}', 'TEST=1',
        'VMMSIZE_ALL=33554432']


def test_the_package_cache_works_offline(monkeypatch):
    """Once filled, the cache asks apt for nothing."""
    path = debs.fetch('busybox-static')
    monkeypatch.setenv('PATH', '/nowhere')
    assert debs.fetch('busybox-static') == path


def test_a_halt_ends_the_wait_for_what_never_comes(machine, image):
    """Whoever waits for a line that is not there learns it at once."""
    pc = machine(image, mem='16M', limit=60)
    with pytest.raises(emulator.EmulatorError, match='halted before'):
        pc.expect('never')


def test_each_stage_must_show_all_chapters_up_to_its_own():
    """A stage without its lines fails, and an inherited line counts, too."""
    nothing = {stage: len(expectations.chapters('', stage))
               for stage in stages()[:-1]}
    assert sorted(nothing.values()) == list(nothing.values())
    assert len(set(nothing.values())) == len(nothing)
    first, *_, last = nothing
    assert nothing[first]
    assert 'the pages (page/)' in expectations.chapters('', last)
    assert expectations.chapters('', 'final') == \
        expectations.chapters('', last)
    assert 'the CPU (boot/)' not in expectations.chapters(
        'cpu: GenuineIntel, a CPU\n', first)


def test_each_stage_must_run_its_self_tests():
    """Silence is no success, and nor is a failure beside a success."""
    good = 'selftest: paging: ok\nselftest: page: ok\n'
    assert expectations.selftests('', stages()[0]) == []
    page = tree.added()['page']
    assert expectations.selftests(good, page) == []
    assert expectations.selftests(good, 'final') == [
        'self-test heap: ok', 'self-test pool: ok', 'self-test domain: ok']
    assert expectations.selftests(good + 'selftest: smp: FAILED: x\n',
                                  page) == [
        'self-test smp without failure']


@pytest.mark.parametrize('budgets', [bench.BUDGETS, bench.NETWORK_BUDGETS,
                                     bench.IOMMU_BUDGETS])
def test_a_budget_that_is_not_kept_is_named(budgets):
    """Equal is kept; a figure that was not found is not."""
    kept = dict(budgets)
    assert not bench.over_budget(kept, budgets)
    for name, budget in budgets.items():
        for value in (budget * 1.01, float('nan')):
            assert bench.over_budget({**kept, name: value}, budgets) == [name]


def test_old_runs_go_but_neither_the_newest_nor_those_in_use(tmp_path):
    """What counts is when anything in a run was last written."""
    hours = process.KEEP_RUNS + 3
    now = time.time()
    for age in range(hours):
        path = tmp_path / f'run-{age}'
        path.mkdir()
        (path / 'serial.log').touch()
        for each in (path / 'serial.log', path):
            os.utime(each, (now - age * 3600 - 60,) * 2)
    (tmp_path / f'run-{hours - 1}' / 'serial.log').touch()
    process.remove_old_runs(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f'run-{age}' for age in range(process.KEEP_RUNS - 1)} \
        | {f'run-{hours - 1}'}
    for path in tmp_path.iterdir():
        for each in (path / 'serial.log', path):
            os.utime(each)
    for number in range(10):
        (tmp_path / f'more-{number}').mkdir()
    process.remove_old_runs(tmp_path)
    assert len(list(tmp_path.iterdir())) == process.KEEP_RUNS + 10


def built(tree, build=None):
    """Make the first stage of a tree, or a stage on its own; what it says."""
    goal = stages()[0] if (tree / 'stages').is_dir() else 'all'
    return command(['make', '-j2', '-C', tree, '--no-print-directory', goal,
                    f'BUILD_ROOT={build or tree / "build"}'],
                   env=make_environment())


def test_a_second_make_does_nothing(tmp_path):
    """Not even with the switches in files that are compared each time."""
    assert 'vellum.elf' in built(TOP, tmp_path)
    assert built(TOP, tmp_path) == ''


def test_the_version_is_gits_and_in_one_object(tmp_path):
    """A commit recompiles one file. What `git archive` has made knows what it
    was made of; a lab, which is no part of a repository, builds as well."""
    tree, archive, lab = (tmp_path / name for name in ('tree', 'tar', 'lab'))
    copytree.renew(tree, TOP)
    (tree / '.gitattributes').write_bytes((TOP / '.gitattributes').read_bytes())
    git = ['git', '-C', tree, '-c', 'user.name=x', '-c', 'user.email=x@x']
    for words in (['init', '-q'], ['add', '.'], ['commit', '-qm', '1'],
                  ['tag', 'v7']):
        command([*git, *words])

    def says(folder, text):
        image = folder / 'build' / BOOT / 'vellum.elf'
        return text.encode() + b'\0' in image.read_bytes()

    built(tree)
    assert says(tree, 'v7') and built(tree) == ''
    command([*git, 'commit', '-q', '--allow-empty', '-m', '2'])
    assert [line.split()[1] for line in built(tree).splitlines()
            if line.split()[0] in ('CC', 'AS')] == [f'{BOOT}/lib/version.c']
    assert says(tree, command([*git, 'describe', '--tags']).strip())
    archive.mkdir()
    command([*git, 'archive', '-o', tmp_path / 'x.tar', 'HEAD'])
    command(['tar', '-xf', tmp_path / 'x.tar', '-C', archive])
    built(archive)
    assert says(archive, command([*git, 'describe', '--tags']).strip())
    copytree.copy_stage(tree / 'stages' / BOOT, lab)
    built(lab)
    assert says(lab, 'unknown')
