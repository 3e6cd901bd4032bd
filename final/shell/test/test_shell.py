"""The debug shell as people use it: `vellumctl shell` in a Linux under Vellum,
by root and by a user without rights."""
import re
from contextlib import contextmanager
from pathlib import Path

import linux_guest
import pytest
from common import command, image
from elf import Elf
from emulator import Machine

HERE = Path(__file__).parent
CPUS = 4
LIMIT = {'qemu': 240, 'bochs': 480}
SHELL = r'^> '      # its prompt
FREE = r'^pages: \d+ managed, \d+ available'
# What the tests name is a part of what there is.
COMMANDS = ('help', 'log', 'free', 'pages', 'heap', 'check', 'stats', 'cpus',
            'regs', 'dump', 'backtrace', 'sym', 'sendint', 'settings',
            'reboot', 'halt')
INSPECT = ('regs', 'dump p 0', 'dump v 0x40000000', 'dump g 0', 'backtrace',
           'sym panic', 'settings', 'log --last')
CHANGE = ('reboot', 'halt', 'panic x', 'sendint panic 1')


@pytest.fixture(scope='session')
def intruder(tmp_path_factory):
    """An initramfs with the program that wants in, besides the demo's."""
    folder = tmp_path_factory.mktemp('intruder')
    (folder / 'bin').mkdir()
    command(['gcc', '-std=gnu11', '-Wall', '-Wextra', '-O2', '-static',
             f'-I{HERE.parent.parent}', '-o', folder / 'bin' / 'intruder',
             HERE / 'intruder.c'])
    archive = folder / 'more.cpio'
    command(['cpio', '-o', '-H', 'newc', '-R', '0:0', '-O', archive],
            cwd=folder, data=b'bin/intruder\n')
    target = folder / 'initrd'
    target.write_bytes(linux_guest.initramfs().read_bytes()
                       + archive.read_bytes())
    return target


class Linux:
    """A Linux with a shell on the serial console."""

    def __init__(self, pc):
        self.pc = pc
        self.count = 0
        pc.expect('poweroff ends')
        self.status("mkdir -p /etc; echo 'user:x:1000:1000::/:/bin/sh' "
                    '>/etc/passwd')

    def run(self, line, timeout=30):
        """Run a line; its output and status."""
        self.count += 1
        self.pc.send(f'echo begin-{self.count}; {line}; '
                     f'echo status-{self.count} $?\n')
        self.pc.expect(rf'^begin-{self.count}\n', timeout)
        found = self.pc.expect(rf'status-{self.count} (\d+)\n', timeout)
        return self.pc.console.before, int(found[1])

    def status(self, line, timeout=30):
        """Run a line; its status."""
        return self.run(line, timeout)[1]

    def user(self, line):
        """The same, by a user who is not root."""
        return self.run(f"su user -c '{line}'")

    def start(self, line='vellumctl shell'):
        """Start the interactive shell, and wait for its prompt."""
        self.pc.send(line + '\n')
        self.pc.expect(SHELL, 30)

    def leave(self, keys):
        """Leave that shell, and wait for the prompt of Linux: what is typed
        before it is there is none of its."""
        self.pc.send(keys)
        self.pc.expect('^/ # ', 30)

    def ask(self, line, pattern, prompt=SHELL):
        """Type a line in Vellum's shell; wait for a pattern, then for the
        prompt that comes next."""
        self.pc.send(line + '\r')
        self.pc.expect(pattern, 30)
        self.pc.expect(prompt, 30)

    @contextmanager
    def client(self, form='{}'):
        """A client that has the session and leaves it idle."""
        self.start(form.format('sleep 60 | vellumctl shell') + ' &')
        yield
        self.run('killall vellumctl sleep')


@pytest.fixture(scope='module', name='root')
def one_linux_for_many_tests(request, intruder):
    """One boot, of 4 CPUs, for all tests that leave it as they found it."""
    if request.config.getoption('emu') not in (None, 'qemu'):
        pytest.skip('in QEMU')
    disk = linux_guest.build(own_initrd=intruder)
    with Machine(image('final'), disk=disk, cpus=CPUS, limit=LIMIT['qemu'],
                 cmdline='boot=0x80 hypercall', name='shell') as pc:
        yield Linux(pc)


def test_one_command_prints_and_ends_with_its_status(root):
    """As any program does."""
    output, status = root.run('vellumctl shell free')
    assert status == 0
    free = int(re.search(r'^pages: 32768 managed, (\d+) available', output,
                         re.M)[1])
    assert 1000 < free < 32768
    output, status = root.run('vellumctl shell help')
    missing = [name for name in COMMANDS
               if not re.search(rf'^ *{name}\b', output, re.M)]
    assert status == 0 and not missing
    output, status = root.run('vellumctl shell check')
    assert status == 0 and 'holds' in output


def test_wrong_words_are_named(root):
    """With the nearest that there is; the status says that it failed."""
    output, status = root.run('vellumctl shell fre')
    assert status and re.search(r'fre: unknown.*\bfree\?', output)
    output, status = root.run('vellumctl shell frobnicate 1 2 3')
    assert status and 'frobnicate: unknown' in output
    output, status = root.run(f'vellumctl shell free {"x" * 80}')
    assert status == 1 and 'more than 77 characters' in output
    output, status = root.run(r"vellumctl shell $(printf 'free\001')")
    assert status == 1 and 'control character' in output
    output, status = root.run('vellumctl shel')
    assert status == 1 and 'usage: vellumctl' in output
    assert root.status('vellumctl shell free') == 0


def test_a_session_is_held_by_typing(root):
    """And the terminal is as before, whichever way it is left."""
    for leave in ('exit\r', '\x04', '\x03'):
        root.start()
        root.ask('help', r'^ *free\b.*\n')
        root.ask('fre', r'^fre: unknown.*\bfree\?')
        root.ask('free', FREE)
        root.ask('halp\x7f\x7f\x7felp', r'^ *free\b.*\n')
        root.leave(leave)
        output, status = root.run('stty -a')
        assert status == 0 and re.search(r'(?<!-)\bicanon\b', output)


def test_a_line_is_edited_and_an_old_one_comes_back(root):
    """By the keys of a terminal."""
    root.start()
    root.ask('xre\x01\x1b[3~f\x05e', FREE)
    root.ask('frobnicate', r'^frobnicate: unknown')
    root.ask('\x1b[A\x1b[A', FREE)
    root.ask('free nonsense\x17', FREE)
    root.leave('\x04')


def test_sendint_prints_the_free_memory_to_the_log(root):
    """Word for word as the reference has it."""
    root.start()
    root.ask('sendint', '^sendint> $', prompt='')
    root.ask('free', SHELL, prompt='')
    root.leave('\x04')
    output, status = root.run('vellumctl log')
    assert status == 0
    last = re.search(r'^free: (\d+) pages, (\d+) KiB\n\Z', output, re.M)
    assert last and int(last[2]) == int(last[1]) * 4


def test_the_examples_send_messages_to_each_other(root):
    """One registers a name, and is there until the session ends."""
    root.start()
    root.ask('sendexample', '^sendexample: .*: run it first$')
    root.ask('recvexample', '^recvexample: ready$')
    root.ask('recvexample', '^recvexample: its name is taken already$')
    for _ in range(2):
        root.ask('sendexample', '^sendexample: the letter is: A LETTER THAT')
    root.ask('sendint recvexample 41', '^sendint: recvexample replied 42$')
    root.leave('\x04')
    assert root.status('vellumctl shell sendexample')


def test_ctrl_c_ends_the_program_then_the_line_then_the_tool(root):
    """Never more than one of them."""
    root.start()
    root.ask('sendint', '^sendint> $', prompt='')
    root.pc.send('fr\x03')
    root.pc.expect(SHELL, 30)
    root.pc.send('unfinished\x03')
    root.pc.expect(SHELL, 30)
    root.ask('free', FREE)
    root.leave('\x03')
    # With no more than a command, the terminal makes a signal of it.
    root.pc.send('vellumctl shell sendint\n')
    root.pc.expect('^sendint> ', 30)
    root.leave('\x03')
    assert root.status('vellumctl shell free') == 0


def test_input_may_come_from_a_pipe(root):
    """Lines from a file, and their end."""
    output, status = root.run(r"printf 'free\ncheck\n' | vellumctl shell")
    assert status == 0 and re.search(FREE, output, re.M)
    assert 'holds' in output
    output, status = root.run(r"printf 'read by another\n' | "
                              "(vellumctl shell free; cat)")
    assert status == 0 and output.endswith('read by another\n')
    assert root.status('vellumctl shell log | head -1') == 0
    assert root.status('vellumctl shell free') == 0


@pytest.mark.parametrize('words', INSPECT + CHANGE)
def test_a_user_gets_nothing_that_needs_rights(root, words):
    """It is refused, with a reason, and shows no memory."""
    output, status = root.user(f'vellumctl shell {words}')
    assert status
    name = words.split()[0]
    assert re.search(rf'^{name}.*(is for root|not allowed)', output, re.M)
    assert 'no right to I/O port' in output
    # Neither bytes nor addresses.
    assert not re.search(r'[0-9a-f]{4} [0-9a-f]{4}|[0-9a-f]{6}', output)


def test_a_user_may_ask_how_vellum_is(root):
    """What vellumctl tells without a shell, too."""
    for words in ('free', 'help', 'check', 'stats'):
        output, status = root.user(f'vellumctl shell {words}')
        assert status == 0 and output.strip(), words


@pytest.mark.parametrize('words', CHANGE)
def test_root_changes_nothing_without_the_word_debug(root, words):
    """Looking is another matter."""
    output, status = root.run(f'vellumctl shell {words}')
    assert status and 'debug' in output
    output, status = root.run('vellumctl shell sym panic')
    assert status == 0 and re.search(r'0x[0-9a-f]{6,}', output)


def test_nobody_comes_in_beside_root(root):
    """Not by the port, not by a session's number, not by junk, not at once."""
    output, status = root.user('intruder port')
    assert status == 0 and output.count('held off') == 4, output
    with root.client():
        output, status = root.user('intruder sessions')
        assert status == 0 and output.count('held off') == 2, output
        output, status = root.user('intruder crowd')
        assert status == 0 and output.count('held off') == CPUS + 1, output
    assert root.status('vellumctl shell free') == 0
    assert root.status('vellumctl check') == 0


def test_of_two_clients_the_second_is_told(root):
    """The first one's session is its own."""
    with root.client():
        output, status = root.run('vellumctl shell free')
        assert status == 6 and 'another vellumctl is using' in output
        output, status = root.user('vellumctl shell free')
        assert status == 6 and 'another vellumctl is using' in output
    assert root.status('vellumctl shell free') == 0


def test_a_user_cannot_keep_root_out(root):
    """Root takes the session; the user's client says so."""
    with root.client("su user -c '{}'"):
        assert root.status('vellumctl shell free') == 0
        root.pc.expect('the session is over: root')


@pytest.mark.slow
def test_a_client_that_was_killed_is_taken_for_dead(root):
    """By the next one, which waits until that is sure."""
    with root.client():
        assert root.status('killall -9 vellumctl') == 0
        output, status = root.run('vellumctl shell free')
    assert status == 0 and 'is silent' in output
    assert root.status('vellumctl check') == 0


def test_a_session_goes_on_whichever_cpu_the_client_is_on(root):
    """It is moved all the time, while each CPU has exits of its own."""
    root.run('cp /bin/vellumctl /bin/ctl; >/tmp/busy')
    for mask in (1, 2, 4, 8):
        root.run(f'(taskset {mask} sh -c "while [ -e /tmp/busy ]; do '
                 'vellumctl leaf; done" >/dev/null 2>&1 &)')
    root.run('(sh -c "while [ -e /tmp/busy ]; do for c in 1 2 4 8; do '
             r'taskset -p \$c \$(pidof ctl); done; done" >/dev/null 2>&1 &)')
    root.start('ctl shell')
    for _ in range(2):
        root.ask('free', FREE)
        root.ask('help', r'^ *free\b.*\n')
    root.leave('exit\r')
    for mask in (1, 2, 4, 8):
        assert root.status(f'taskset {mask} vellumctl shell free') == 0
    root.run('rm /tmp/busy')
    assert root.status('vellumctl check') == 0


@pytest.fixture(scope='module')
def elf():
    """The file that runs: what it says is what commands must say."""
    return Elf(image('final'))


def lines(root, words):
    """What a command of the shell says, line by line; it must succeed."""
    output, status = root.run(f'vellumctl shell {words}')
    assert status == 0, output
    return output.splitlines()


def dump(root, words):
    """The bytes that dump shows; each line's address must follow."""
    found = bytearray()
    start = int(words.split()[1], 16)
    for line in lines(root, f'dump {words}'):
        address, _, rest = line.partition(': ')
        assert int(address, 16) == start + len(found)
        found += bytes.fromhex(rest[:39])
    return bytes(found)


def test_dump_shows_vellum_by_both_kinds_of_address(root, elf):
    """Its code is what the file has, wherever it lies."""
    virtual, data = elf.read_only()[0]
    offset = elf.symbols['boot_main'] - virtual
    expected = data[offset:offset + 0x123]
    base = int(re.search(r' at (0x\w+);', lines(root, 'settings')[0])[1], 16)
    assert dump(root, f'v {virtual + offset:x} 291') == expected
    assert dump(root, f'p {base + offset:#x} 0x123') == expected


def test_dump_shows_the_guest_by_its_own_page_tables(root):
    """The program that asks, as Linux has loaded it."""
    start = b'\x7fELF\2\1\1'
    assert dump(root, 'g 400000 7') == start
    assert dump(root, 'g 0x400003 4') == start[3:]


def test_dump_says_what_is_wrong_with_an_address(root, elf):
    """And touches no device, unless `debug` allows it."""
    for words, why in {'v 0': 'is not mapped',
                       'v 8000000000000000': 'is not mapped',
                       f'v {elf.symbols["stack_guard"]:x}': 'guard page',
                       'g 0': 'is not mapped by the guest',
                       'g 8000000000000000': 'no address of the guest',
                       'p fee00000': 'is no memory',
                       'v ffffc000fee00000': 'is no memory',
                       'p ffffffffffffffff': 'beyond what this CPU',
                       'p zzz': '`zzz`: it must be an address',
                       'x 0': '`x`: it must be p, v or g'}.items():
        output, status = root.run(f'vellumctl shell dump {words}')
        assert status and why in output, words


def test_functions_are_found_by_name_and_by_address(root, elf):
    """As nm has them."""
    address = elf.symbols['exit_dispatch']
    assert lines(root, 'sym exit_dispatch') == [f'{address:#x} exit_dispatch']
    assert lines(root, f'sym {address + 5:x}') == [
        f'{address + 5:#x} exit_dispatch+0x5']
    output, status = root.run('vellumctl shell sym nobody')
    assert status and '`nobody` is no function' in output
    trace = lines(root, 'backtrace')
    assert trace[0].startswith('backtrace<-0x')
    for name in 'thread_run', 'exit_dispatch', 'vmm_serve':
        assert any(f' {name}+0x' in each for each in trace)


def test_regs_shows_the_program_that_asks(root):
    """On the CPU that it runs on; of another one only that CPU can tell."""
    found = '\n'.join(lines(root, 'regs'))
    assert re.search(r'^  rip 00000000004\w+ rflags', found, re.M)
    assert int(re.search(r'rax (\w+)', found)[1], 16) == 0x6d756c6c
    for cpu in range(CPUS):
        ask = f'taskset {1 << cpu} vellumctl shell'
        found = root.run(f'{ask} regs {cpu}')[0]
        assert found.startswith(f'guest on CPU {cpu}:')
        output, status = root.run(f'{ask} regs {(cpu + 1) % CPUS}')
        assert status and 'taskset' in output
        assert f'CPU {cpu}: APIC ID {cpu:#x}, runs its guest, this one' in \
            root.run(f'{ask} cpus')[0]
    output, status = root.run(f'vellumctl shell regs {CPUS}')
    assert status and f'`{CPUS}` is no CPU' in output


def test_what_vellumctl_tells_the_shell_tells_too(root):
    """The log, memory, exits, and the words that Vellum was given."""
    log = root.run('vellumctl log')[0].splitlines()
    assert lines(root, 'log 3')[1:] == log[-3:]
    assert lines(root, 'log all') == log
    assert lines(root, 'free')[0].split()[:3] == \
        root.run('vellumctl free')[0].split()[:3]
    runs = [line.split() for line in lines(root, 'pages')[1:]]
    assert sum(int(run[3]) * int(run[5]) for run in runs) == 32768
    stats = {line.split()[0] for line in lines(root, 'stats')}
    assert {'CPUID', 'IO', 'MEMORY'} < stats
    assert '* hypercall (command line): ' in '\n'.join(lines(root, 'settings'))


def test_each_line_of_help_fits_into_a_row(root):
    """A screen of text mode has 80 columns."""
    assert max(map(len, lines(root, 'help'))) < 80


@pytest.mark.slow('bochs')
@pytest.mark.usefixtures('needs_guest')
def test_with_debug_root_may_do_all(machine, emu, intruder):
    """And still nobody else. The last command starts the machine again."""
    guest = Linux(machine(disk=linux_guest.build(own_initrd=intruder),
                          emu=emu, limit=LIMIT[emu],
                          cmdline='boot=0x80 hypercall debug'))
    output, status = guest.run('vellumctl shell free')
    assert status == 0 and re.search(FREE, output, re.M)
    guest.start()
    guest.ask('help', r'^ *free\b.*\n')
    guest.ask('regs', r'\bcr3\b|\bCR3\b')
    guest.ask('dump v 0x40000000 16', r'^0*40000000: 02b0 ad1b ')
    guest.ask('sendint', '^sendint> $', prompt='')
    guest.ask('free', SHELL, prompt='')
    guest.leave('\x04')
    output, status = guest.user('intruder port')
    assert status == 0 and output.count('held off') == 4, output
    output, status = guest.user('vellumctl shell dump v 0x40000000')
    assert status == 1 and 'is for root' in output
    assert guest.status('vellumctl shell check') == 0
    guest.pc.send('vellumctl shell reboot\n')
    if emu == 'qemu':
        assert guest.pc.wait_exit() == 'reset'
