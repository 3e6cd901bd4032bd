"""`make gdb`: GDB on a stage in QEMU. `make replay`: the same run, recorded
first, so that GDB can also go backwards in it. `make console`: the serial
console of either, to type on, in a second window.

Settings are those of `make run`, and GDB_ARGS, more arguments for GDB.

Vellum keeps its virtual addresses when it moves to the high range, so one
symbol file is right from the first C function on, before and after the move.
"""
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

import process
import qemu
import run
import terminal
from common import BUILD, TOP, ToolError, command, main, need
from emulator import HALTED
from settings import Settings

RECORD_LIMIT = 60       # seconds, unless TIMEOUT= says otherwise
# Each instruction takes the same time, and what comes from outside is written
# down: so the second run is the first one, to the last instruction.
RECORDER = 'shift=0,rr={},rrfile={}/journal-of-inputs,rrsnapshot=start'


def free_port():
    """A TCP port on the loopback that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


def settings_of(argv):
    """Vellum's image, and the arguments of its machine."""
    chosen = run.read_settings(argv)
    if chosen['EMU'] == 'bochs':
        raise ToolError("EMU=bochs: Debian's Bochs has a debugger of its own "
                        'in place of a stub for GDB: `make gdb` is for QEMU')
    if chosen['EMU'] != 'qemu' or chosen['NATIVE']:
        raise ToolError('make gdb and make replay: EMU=qemu, with Vellum')
    chosen['BATCH'] = True
    image = run.image_of(chosen)
    kind, path = run.guest_of(chosen)
    settings = run.machine_settings(chosen, kind, path, argv)
    settings.update(echo=True, limit=chosen['TIMEOUT'] or None)
    return image, settings


# --- the machine that GDB looks at

class Session:
    """A machine whose console goes to a file, to the terminal, and to whoever
    connects. Nothing that is slow to read ever makes it wait. Where there is
    no terminal it is shown at the end, since a program reads what GDB says,
    and the console would come into the midst of its lines."""

    def __init__(self, image, settings, name, more=(), show=True):
        self.dir = process.run_directory(name)
        self.log = self.dir / 'serial.log'
        self.log.touch()
        port = free_port()
        argv = qemu.arguments(Settings(image, **settings), [
            '-chardev', f'socket,id=com1,host=127.0.0.1,port={port},server=on,'
            f'wait=off,logfile={qemu.escape(self.log)}',
            '-serial', 'chardev:com1', '-monitor', 'none'], self.dir)
        (self.dir / 'console.port').write_text(str(port))
        with open(self.dir / 'emulator.log', 'wb') as said:
            # In a session of its own: Ctrl-C is for GDB.
            self.process = process.spawn(
                [*argv, *more], None, stdin=subprocess.DEVNULL, stdout=said,
                stderr=said)
        self.shows = threading.Thread(target=self._show, daemon=True)
        self.show_at_end = show and not sys.stdout.isatty()
        if show and not self.show_at_end:
            self.shows.start()

    def _show(self):
        """Copy the console to the terminal, until the machine ends."""
        with open(self.log, encoding='utf-8', errors='replace',
                  newline='') as log:
            ended = False
            while not ended:
                ended = self.process.poll() is not None
                sys.stdout.write(log.read().replace('\r', ''))
                sys.stdout.flush()
                time.sleep(0.05)

    def text(self):
        """What the console has shown."""
        return self.log.read_text(errors='replace').replace('\r', '')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        process.end(self.process)
        if self.shows.is_alive():
            self.shows.join(5)
        if self.show_at_end:
            print(self.text(), end='', flush=True)


def in_foreground(argv):
    """Run a program as a shell does: what is typed, Ctrl-C and Ctrl-Z too, is
    for it alone, and not for the make that has called us. Its exit status."""
    if not sys.stdin.isatty():
        return subprocess.run(argv, cwd=TOP, check=False).returncode
    tty, own = sys.stdin.fileno(), os.getpgrp()
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def lead():
        os.setpgrp()
        os.tcsetpgrp(tty, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    # pylint: disable=subprocess-popen-preexec-fn
    with subprocess.Popen(argv, cwd=TOP, preexec_fn=lead) as child:
        while True:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            os.tcsetpgrp(tty, own)
            if not os.WIFSTOPPED(status):
                child.returncode = os.waitstatus_to_exitcode(status)
                return child.returncode
            os.killpg(own, signal.SIGTSTP)      # until the shell's fg
            os.tcsetpgrp(tty, child.pid)
            os.killpg(child.pid, signal.SIGCONT)


def debug(image, settings, name, commands, show=True):
    """GDB on a machine that waits for it; GDB's exit status."""
    port = free_port()
    with Session(image, settings, name, [
            '-S', '-gdb', f'tcp:127.0.0.1:{port}'], show) as session:
        status = in_foreground([
            'gdb', '-q', str(image),
            '-ex', f'source {TOP}/tools/gdb_commands.py',
            '-ex', f'target remote 127.0.0.1:{port}',
            *(word for each in commands for word in ('-ex', each)),
            *shlex.split(os.environ.get('GDB_ARGS', ''))])
        said = (session.dir / 'emulator.log').read_text(errors='replace')
    if status and said:
        print(f'QEMU says: {said}', end='')
    return status


def gdb(argv):
    """make gdb"""
    need('gdb', 'gdb')
    image, settings = settings_of(argv)
    print('GDB stops at start_vellum; `help vellum` names the commands for '
          'Vellum. To type\non the serial console: `make console` in a second '
          'window.', flush=True)
    # Nothing is mapped at Vellum's addresses yet: only a hardware break point
    # can be set on them from here.
    return debug(image, settings, 'gdb', ['hbreak start_vellum', 'continue'])


# --- back in time

def recorder(settings, folder, mode):
    """The settings for a run that is recorded, or replayed. QEMU goes back by
    a snapshot, which needs a disk that can hold one."""
    settings = dict(settings)
    drives = {'state': folder / 'state.qcow2'}
    if settings['disk']:
        drives['disk'] = folder / 'disk.qcow2'
    if mode == 'record':
        command(['qemu-img', 'create', '-f', 'qcow2', drives['state'], '1M'])
        if settings['disk']:
            kind = 'qcow2' if settings['disk'].suffix == '.qcow2' else 'raw'
            command(['qemu-img', 'create', '-f', 'qcow2', '-F', kind, '-b',
                     settings['disk'], drives['disk']])
    extra = ['-icount', RECORDER.format(mode, qemu.escape(folder))]
    for name, path in drives.items():
        extra += ['-drive', f'file={qemu.escape(path)},format=qcow2,if=none,'
                  f'id={name}']
    if settings['disk']:
        extra += ['-drive', 'driver=blkreplay,if=none,image=disk,id=replayed',
                  '-device', 'ide-hd,drive=replayed,bus=ide.0']
    settings.update(disk=None, cdrom=None, reboot=False,
                    extra_args=[*settings['extra_args'], *extra])
    return settings


def record(image, settings):
    """Run to a panic, the end, or the limit."""
    print('Recording, to a panic, the end, or the limit of '
          f'{settings["limit"]} s (TIMEOUT=).', flush=True)
    end = time.monotonic() + settings['limit']
    with Session(image, settings, 'replay-record') as session:
        while (session.process.poll() is None and time.monotonic() < end
               and not re.search(HALTED, session.text())):
            time.sleep(0.1)
        # Ending it is SIGTERM, at which QEMU finishes its journal.
    if session.process.returncode not in (0, -signal.SIGTERM, 143, 124):
        raise ToolError((session.dir / 'emulator.log').read_text())


def replay(argv):
    """make replay"""
    need('gdb', 'gdb')
    need('qemu-img', 'qemu-utils')
    image, settings = settings_of(argv)
    if settings['firmware'] == 'uefi' or settings['cdrom']:
        raise ToolError('make replay is for FIRMWARE=bios, and a disk')
    settings['limit'] = settings['limit'] or RECORD_LIMIT
    folder = process.run_directory('replay')
    record(image, recorder(settings, folder, 'record'))
    settings.update(limit=None)
    # Its console has been seen; going back would show it again and again.
    print('\nThe same run again, from its beginning, under GDB. Backwards go '
          'reverse-stepi,\nreverse-step, and reverse-continue, to the break '
          'point or watch point that was\npassed before.', flush=True)
    return debug(image, recorder(settings, folder, 'replay'), 'replay-gdb',
                 ['hbreak start_vellum', 'continue', 'break panic',
                  'break panic_at'], show=False)


def console(_):
    """make console"""
    ports = sorted((BUILD / 'runs').glob('*/console.port'),
                   key=lambda path: path.stat().st_mtime)
    for path in reversed(ports):
        try:
            sock = socket.create_connection(
                ('127.0.0.1', int(path.read_text())))
        except (OSError, ValueError):
            continue
        print(f'(Ctrl-A x leaves the console; before this: '
              f'{path.parent}/serial.log)', flush=True)
        with sock:
            terminal.bridge(sock.fileno(), os.devnull)
        return 0
    raise ToolError('no machine has its console to give: start `make gdb` or '
                    '`make replay` in another window')


if __name__ == '__main__':
    WHAT = {'gdb': gdb, 'replay': replay, 'console': console}
    main(lambda: WHAT[sys.argv[1]](sys.argv[2:]))
