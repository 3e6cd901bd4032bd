"""The one module that starts QEMU and Bochs; `make run` and pytest use it.

    with Machine(image, emu='qemu', cmdline='boot=0x80', disk=path) as m:
        m.expect(r'Vellum 01-boot\n', timeout=10)

Each machine has a directory of its own, build/runs/NAME-N, with the serial
console (serial.log), the emulator's messages (emulator.log) and a script that
repeats the run by hand (command.sh). Each has a limit in seconds, kept twice:
by expect(), and by timeout(1) should this program die first. The emulator is
in a process group of its own and is ended by that group's id.
"""
import os
import shlex
import signal
import socket
import subprocess
import time
import tty

import bochs
import process
import qemu
import terminal
import uefi
from common import ToolError
from console import EOF, TIMEOUT, Console
from qmp import Qmp
from settings import Settings

TAIL = 40               # serial lines that a failure shows
# Nothing comes after these by itself: the end of a panic, and of a good run.
HALTED = (r'(?<=vellum: )(?:halted|press a key to reboot'
          r'|shell or reboot\? \[s/r\][^\n]*)\n|(?<=; )halted\n')


class EmulatorError(ToolError):
    """A run that did not do what was expected of it."""


class Machine:
    """An emulated PC that runs. The arguments are those of Settings."""

    def __init__(self, image=None, **settings):
        self.set = Settings(image, **settings)
        self.process = self.console = self._qmp = self._serial_fd = None
        self._files = []
        self._screen = self._debugger = None
        self._end = time.monotonic() + (self.set.limit or float('inf'))
        self.dir = process.run_directory(self.set.name)
        self.repeat = self.set.repeat or f'sh {self.dir}/command.sh'
        try:
            if self.set.emu == 'bochs':
                self._start_bochs()
            elif self.set.interactive:
                self._start_qemu_on_terminal()
            else:
                self._start_qemu()
        except BaseException:
            self.close()
            raise

    # --- starting

    def _start_qemu(self):
        said, says = process.roomy_pipe()
        hears, typed = os.pipe()
        qmp_ours, qmp_theirs = socket.socketpair()
        log = open(self.dir / 'emulator.log', 'wb')
        self._files += [os.fdopen(said, 'rb', 0), os.fdopen(typed, 'wb', 0),
                        log]
        self._script(qemu.arguments(self.set, ['-serial', 'mon:stdio'],
                                    self.dir))
        argv = qemu.arguments(self.set, [
            '-chardev', 'stdio,id=com1,signal=off', '-serial', 'chardev:com1',
            '-chardev', f'socket,id=qmp,fd={qmp_theirs.fileno()}',
            '-mon', 'chardev=qmp,mode=control'], self.dir)
        if self.set.wrap:
            argv = self.set.wrap(argv, self.dir)
        self.process = process.spawn(
            argv, self.set.limit, stdin=hears, stdout=says, stderr=log,
            pass_fds=[qmp_theirs.fileno()])
        for each in (hears, says):
            os.close(each)
        qmp_theirs.close()
        self._qmp = Qmp(qmp_ours)
        self.console = Console(said, self.dir / 'serial.log', self.set.echo,
                               typed)

    def _start_qemu_on_terminal(self):
        """QEMU itself talks to the terminal, so it stays in our group."""
        argv = qemu.arguments(self.set, [
            '-chardev', 'stdio,id=com1,mux=on,signal=off,logfile='
            + qemu.escape(self.dir / 'serial.log'),
            '-serial', 'chardev:com1', '-mon', 'chardev=com1'], self.dir)
        self._script(argv)
        if self.set.limit:
            argv = ['timeout', '--foreground', str(self.set.limit), *argv]
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(argv)

    def _start_bochs(self):
        ours, theirs = os.openpty()
        self._files.append(os.fdopen(ours, 'rb', 0))
        tty.setraw(theirs)
        bochs.configuration(self.set, self.dir, os.ttyname(theirs))
        if self.set.debugger:
            # Both ends are ours, or opening it would wait for the other.
            self._debugger = os.fdopen(os.open(self.dir / 'bochs.rc',
                                               os.O_RDWR), 'wb', 0)
            self._files.append(self._debugger)
            self.debug('c')
        argv = bochs.arguments()
        self._script(argv, self.dir)
        screen, screen_theirs = os.openpty()
        env = {**os.environ, 'TERM': 'vt100', 'LINES': '25',
               'COLUMNS': '80'}
        self.process = process.spawn(
            argv, self.set.limit, stdin=screen_theirs, stdout=screen_theirs,
            stderr=screen_theirs, env=env, cwd=self.dir)
        os.close(screen_theirs)
        self._screen = process.drain(screen, self.dir / 'screen.log')
        # We hold the terminal's other end until Bochs has ended: a hang-up
        # before Bochs opens it would look like the end of the run.
        process.close_after(self.process, theirs)
        self._serial_fd = ours
        if not self.set.interactive:
            self.console = Console(ours, self.dir / 'serial.log',
                                   self.set.echo)

    def _script(self, argv, where='.'):
        """Keep the command that repeats this run by hand."""
        (self.dir / 'command.sh').write_text(
            f'#!/bin/sh\ncd {shlex.quote(os.path.abspath(where))}\n'
            f'exec {shlex.join(argv)}\n')

    # --- talking

    @property
    def serial(self):
        """All that came over the serial console so far."""
        return self.console.text

    def _said(self):
        """What the emulator itself said, when it refused or failed."""
        if self.set.emu != 'bochs':
            log = self.dir / 'emulator.log'
            return log.read_text(errors='replace') if log.exists() else ''
        return bochs.complaint(self.dir)

    def fail(self, message):
        """Raise an error with the last serial lines, unless they were shown
        as they came, and how to repeat it."""
        lines = self.serial.splitlines()[-TAIL:]
        tail = '' if self.set.echo else (
            f'--- the last {len(lines)} serial lines '
            f'(all: {self.dir}/serial.log)\n' + '\n'.join(lines) + '\n')
        said = self._said()
        if said:
            name = 'Bochs' if self.set.emu == 'bochs' else 'QEMU'
            said = f'--- {name} says:\n{said.rstrip()}\n'
        raise EmulatorError(f'{message}\n{tail}{said}--- repeat it with: '
                            f'{self.repeat}')

    def expect(self, pattern, timeout=None, panic_ends=True):
        """Wait for a regular expression on the serial console; the match.

        `.` stops at line ends, `^` and `$` match at lines. Output comes in
        pieces, so end a pattern with \\n to have a whole line. The wait ends
        early when Vellum halts, unless panic_ends is false.
        """
        wait = self._patience(timeout)
        patterns = [pattern] + ([HALTED] if panic_ends else [])
        which = self._wait_for(patterns, wait)
        if which is TIMEOUT:
            self.fail(f'no {pattern!r} on the serial console in {wait:.0f} s')
        if which is EOF:
            self.process.wait(10)
            self.fail(f'the emulator ended ({self.ended_by()}) before '
                      f'{pattern!r} came')
        if which == 1:
            self.fail(f'Vellum halted before {pattern!r} came')
        return self.console.match

    def _wait_for(self, patterns, wait):
        """Console.wait_for, that does not wait for the UEFI shell's key."""
        deadline = time.monotonic() + wait
        while True:
            left = max(deadline - time.monotonic(), 0.1)
            which = self.console.wait_for([*patterns, uefi.COUNTDOWN], left)
            if which != len(patterns):
                return which
            self.send('\r')

    def _last_words(self):
        """OVMF has no ACPI tables in Bochs, so Linux can't power off."""
        if self.set.emu == 'bochs' and self.set.firmware == 'uefi':
            return ['reboot: System halted']
        return []

    def expect_line(self, pattern, timeout=None, panic_ends=True):
        """As expect(), but for a pattern inside a line; the whole line."""
        match = self.expect(f'[^\\n]*(?:{pattern})[^\\n]*\\n', timeout,
                            panic_ends)
        return match.group().rstrip('\n')

    def send(self, text):
        """Type text on the serial console."""
        self.console.send(text)

    def qmp(self, execute, **arguments):
        """Run a QEMU monitor command, e.g. qmp('inject-nmi'); its result."""
        if not self._qmp:
            raise ToolError('only QEMU has a monitor to talk to')
        return self._qmp.run(execute, arguments)

    def hmp(self, line):
        """Run a line of QEMU's human monitor, e.g. hmp('info registers')."""
        return self.qmp('human-monitor-command', **{'command-line': line})

    def debug(self, line):
        """A command for Bochs' debugger, when it stops (`debugger`)."""
        self._debugger.write(line.encode() + b'\n')

    def interact(self):
        """Let the person at the terminal use the serial console, until the
        emulator ends or Ctrl-A x. An error when it failed."""
        log = self.dir / 'serial.log'
        log.touch()
        terminal.hint_at_the_end(log)
        if self.set.emu != 'bochs':
            previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
            status = self.process.wait()
            signal.signal(signal.SIGINT, previous)
            if self.set.limit and self._left() <= 0:
                raise EmulatorError(f'ended after {self.set.limit} s')
            if status:
                raise EmulatorError(f'QEMU ended with status {status}; what '
                                    'it has to say is above')
            return
        left = terminal.bridge(self._serial_fd, log,
                               self._left if self.set.limit else None)
        if left:
            return
        if self.set.limit and self._left() <= 0:
            raise EmulatorError(f'ended after {self.set.limit} s')
        self.process.wait(10)
        if self.ended_by() != 'poweroff':
            raise EmulatorError(f'Bochs ended; it says:\n{self._said()}')

    # --- ending

    def _left(self):
        """Seconds until the limit of this run."""
        return self._end - time.monotonic()

    def check_time(self):
        """An error when the run's limit is over."""
        if self._left() <= 0:
            self.fail(f'not done in {self.set.limit} s')

    def _patience(self, timeout):
        """How long to wait: timeout, or what the limit leaves."""
        left = max(self._left(), 0.1)
        return min(timeout or left, left)

    def running(self):
        """Is the emulator still there?"""
        return self.process.poll() is None

    def wait_exit(self, timeout=None):
        """Wait until the emulator ends by itself; why: see ended_by()."""
        wait = self._patience(timeout)
        which = self._wait_for([HALTED, *self._last_words()], wait)
        if which is TIMEOUT:
            self.fail(f'the emulator did not end in {wait:.0f} s')
        if which == 0:
            self.fail('Vellum halted')
        if which == 1:
            return 'poweroff'
        self.process.wait(10)
        return self.ended_by()

    def ended_by(self):
        """Why the emulator ended: 'poweroff', 'reset', or 'error'."""
        if self.set.emu == 'bochs':
            self._screen.join(5)
            text = (self.dir / 'screen.log').read_text(errors='replace')
            return 'poweroff' if 'soft power off' in text else 'error'
        for event in self._qmp.remaining_events():
            if event['event'] == 'SHUTDOWN':
                return {'guest-shutdown': 'poweroff',
                        'guest-reset': 'reset'}.get(
                            event['data'].get('reason'), 'error')
        return 'error'

    def close(self):
        """End the emulator if it runs, and tidy up."""
        if self.process:
            # Bochs takes SIGTERM for a key that stops in its debugger.
            process.end(self.process, politely=self.set.emu != 'bochs')
        if self._qmp:
            self._qmp.close()
        if self.console:
            self.console.close_log()
        for file in self._files:
            file.close()
        self._files = []
        for path in self.dir.glob('journal*'):
            path.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
