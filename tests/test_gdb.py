"""Tests of make gdb, make replay and make console, in GDB itself."""
import os
import re
import subprocess

import pexpect
import pytest

from common import BUILD, TOP, stage_dir
from stage_names import BOOT, PAGE, PAGING, SMP

LIMIT = 100     # seconds, for what takes three


@pytest.fixture
def gdb(tmp_path):
    """A function: what GDB prints, in batch mode, for some commands, and then
    the machine's console."""
    def run(goal, commands, limit=LIMIT, **variables):
        script = tmp_path / 'commands.gdb'
        script.write_text('\n'.join([*commands, 'kill', '']))
        env = {**os.environ, 'GDB_ARGS': f'-batch -x {script}',
               'MAKEFLAGS': ''}
        with subprocess.Popen(
                ['make', goal, *(f'{name}={value}' for name, value
                                 in variables.items())],
                cwd=TOP, env=env, stdin=subprocess.DEVNULL, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                errors='replace', start_new_session=True) as make:
            try:
                text, _ = make.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                # Without its GDB make ends, and with it the emulator.
                subprocess.run(['pkill', '-KILL', '--session',
                                str(make.pid), '-x', 'gdb'], check=True)
                make.communicate(timeout=limit)
                raise
        assert make.returncode == 0, text
        return text
    return run


def frames(text, first):
    """The functions of the backtrace whose innermost frame is in first."""
    lines = text[text.index(f'#0  {first}'):].splitlines()
    found = []
    for line in lines:
        match = re.match(rf'#{len(found)} +(?:0x\w+ in )?(.+)', line)
        if not match:
            break
        found.append(match[1].split(' (')[0])
    return found


def test_a_backtrace_ends_where_the_stack_begins(gdb):
    """On CPU 0 at entry64; through an exception to what caused it."""
    text = gdb('gdb', ['break panic_at', 'continue', 'bt'],
               STAGE=PAGING, TEST=1, OPTIONS='fault=pf')
    found = frames(text, 'panic_at')
    assert found[-1] == 'entry64'
    assert '<signal handler called>' in found
    assert found[found.index('<signal handler called>') + 1] == 'fault_pf'


def test_a_backtrace_of_another_cpu_ends_in_its_first_function(gdb):
    """Its stack begins in a trampoline, which is gone by then."""
    text = gdb('gdb', ['break smp_wait_for_sipi', 'continue', 'bt'],
               STAGE=SMP, CPUS=2, GUEST='demo')
    assert frames(text, 'smp_wait_for_sipi')[-1] == 'ap_entry'


def test_the_commands_show_pages_nested_tables_and_virtual_cpus(gdb):
    """Each of them, and what they say where they can't."""
    text = gdb('gdb', [
        'python gdb.execute("vellum log")',
        'break exit_dispatch', 'continue',
        'vellum page 0x40000000', 'vellum page vcpu_current()',
        'vellum nested 0xfee00000', 'vellum nested boot_info.vmm_base.v',
        'vellum vcpu 0',
        'python\ntry: gdb.execute("vellum vcpu 7")\n'
        'except gdb.error as error: print("refused:", error)\nend',
    ], STAGE=SMP, CPUS=2, GUEST='demo')
    assert re.search(r"^page 0 at 0x40000000, physical 0x\w+\n  block: "
                     "reserved, from page 0", text, re.M)
    assert re.search(r'block: \w+, 1 of 4 KiB, from page', text)
    assert re.search(r'level 1: entry   0 is 0x\w+: r-x 4 KiB at 0xfee00000',
                     text)
    assert re.search(r'guest-physical 0x1\w+,.*\n(  level .*\n)+  level 1: '
                     r'entry .*: r-- 4 KiB at', text)
    assert re.search(r'^CPU 0: struct vcpu at 0x4\w+, nested root', text, re.M)
    assert re.search(r'^  rip \w+ rsp \w+ rflags', text, re.M)
    assert 'refused: no CPU 7: there are 0, 1' in text


def test_the_console_stays_out_of_what_gdb_says(gdb):
    """In a pipe it comes when GDB has ended: no line of either is torn."""
    text = gdb('gdb', ['break page_init', 'continue', 'echo GDB:', 'finish',
                       'echo end of it\\n'], STAGE=PAGE)
    assert text.index('GDB:') < text.index('end of it\n') < \
        text.index('phase: trap')


def test_a_command_does_not_read_the_guests_memory_for_ours(gdb):
    """At the first instruction there is no Vellum at its addresses."""
    text = gdb('gdb', [
        'hbreak *0x7c00', 'continue',
        'python\ntry: gdb.execute("vellum page 0x40000000")\n'
        'except gdb.error as error: print("refused:", error)\nend',
    ], STAGE=SMP, GUEST='demo')
    assert 'refused: the CPU is not in Vellum' in text


@pytest.mark.slow
def test_a_replay_goes_back_from_a_panic_to_its_cause(gdb):
    """To the write that faulted, to its caller (by a pointer, so there is a
    thunk between), and to the beginning. On a machine where others compute
    QEMU 7.2 can miss where it is to stop, and waits for ever
    (book/appendix-emulators.md): then nothing was tested."""
    commands = [
        'continue', 'vellum when', 'up 4', 'break *$pc',
        'reverse-continue', 'x/i $pc', 'vellum when',
        'reverse-stepi', 'x/i $pc', 'vellum when',
        'reverse-continue', 'reverse-continue', 'vellum when']
    for _ in range(4):
        try:
            text = gdb('replay', commands, limit=30, STAGE=PAGING, TEST=1,
                       OPTIONS='fault=pf')
            break
        except subprocess.TimeoutExpired:
            continue
    else:
        pytest.skip("QEMU's replay hung four times: this machine is busy")
    assert re.search(r'^Breakpoint \d, panic_at', text, re.M)
    code = re.findall(r'^=> 0x\w+ <(\w+)\+?\d*>:\s+(\w+)', text, re.M)
    assert code == [('fault_pf', 'movl'), ('__x86_indirect_thunk_rax', 'ret')]
    when = [int(count) for count in
            re.findall(r'^instruction (\d+) of the run', text, re.M)]
    assert when[0] > when[1] == when[2] + 1 and when[3] == 0


def test_ctrl_c_is_for_gdb_and_a_second_window_has_the_console(tmp_path):
    """The session goes on, and make ends well. (In a directory of its own:
    the console that one gets is that of the newest session.)"""
    gdb = pexpect.spawn(f'make gdb STAGE={PAGING} BUILD_ROOT={tmp_path}',
                        cwd=str(TOP), timeout=60, encoding='utf-8')
    gdb.expect('Breakpoint 1, ')
    gdb.expect('\\(gdb\\) ')
    second = pexpect.spawn(f'make console BUILD_ROOT={tmp_path}',
                           cwd=str(TOP), timeout=30, encoding='utf-8')
    second.expect('Ctrl-A x leaves')
    gdb.sendline('continue')
    second.expect('nothing to boot in this stage; halted')
    gdb.expect('nothing to boot in this stage; halted')
    gdb.sendintr()
    gdb.expect('received signal SIGINT')
    gdb.sendline('bt')
    gdb.expect('entry64')
    gdb.sendline('kill')
    gdb.expect('y or n')
    gdb.sendline('y')
    second.expect(pexpect.EOF)
    gdb.sendline('quit')
    gdb.expect(pexpect.EOF)
    gdb.close()
    second.close()
    assert (gdb.exitstatus, gdb.signalstatus) == (0, None)
    assert second.exitstatus == 0


def test_bochs_has_no_stub_and_that_is_said():
    """Before anything is started."""
    done = subprocess.run(['make', 'gdb', f'STAGE={BOOT}', 'EMU=bochs'],
                          cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode and 'debugger of its own' in done.stderr


def test_a_debug_build_is_one_of_its_own():
    """It shows what -O2 has optimized out, and boots."""
    subprocess.run(['make', '--no-print-directory', 'DEBUG=1', 'TEST=', 'all'],
                   cwd=stage_dir(PAGING), check=True,
                   stdout=subprocess.DEVNULL)
    assert (BUILD / '02-paging-debug/vellum.elf').is_file()
    done = subprocess.run(
        ['make', 'run', f'STAGE={PAGING}', 'DEBUG=1', 'BATCH=1'], cwd=TOP,
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
