"""Puts a machine's serial console on the terminal; Ctrl-A x leaves it.

QEMU does this by itself. For Bochs this module copies both ways between our
terminal and the one behind its COM1.
"""
import os
import re
import select
import sys
import termios
import threading
import time
import tty
from contextlib import contextmanager

PREFIX = 1              # Ctrl-A
# The last words of Vellum, and those of Linux.
END = re.compile(rb'\bhalted\r*\n')


def hint_at_the_end(log):
    """Whenever the console's log says that nothing more will come, tell the
    user how to leave. In the background: QEMU talks to the terminal itself,
    which passes on a bare newline as it is."""
    def watch():
        with open(log, 'rb') as file:
            seen = b''
            while True:
                seen = seen[-80:] + file.read()
                if END.search(seen):
                    seen = b''
                    os.write(sys.stdout.fileno(),
                             b'\r\n(Ctrl-A x leaves the emulator)\r\n')
                time.sleep(0.2)
    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _raw(fd):
    """The terminal passes each key on as it is; restored at the end."""
    if not os.isatty(fd):
        yield
        return
    saved = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)


class _Keys:
    """Finds Ctrl-A x (leave) and Ctrl-A Ctrl-A (send one) in the input."""

    def __init__(self):
        self.prefix = False

    def take(self, data):
        """The bytes to send on, and whether to leave."""
        out = bytearray()
        for byte in data:
            if self.prefix:
                self.prefix = False
                if byte in b'xX':
                    return bytes(out), True
                if byte != PREFIX:
                    continue
                out.append(byte)
            elif byte == PREFIX:
                self.prefix = True
            else:
                out.append(byte)
        return bytes(out), False


def bridge(fd, log, deadline=None):
    """Copy between the terminal and fd until one of them ends.

    fd is the console's side; log gets what comes from it. deadline is a
    function that tells the seconds left. Returns True when the user left.
    """
    stdin, stdout = sys.stdin.fileno(), sys.stdout.fileno()
    keys, sources = _Keys(), [stdin, fd]
    with _raw(stdin), open(log, 'wb', 0) as out:
        while True:
            left = deadline() if deadline else None
            if left is not None and left <= 0:
                return False
            ready = select.select(sources, [], [], left)[0]
            if fd in ready:
                try:
                    data = os.read(fd, 65536)
                except OSError:     # EIO: the emulator has ended
                    data = b''
                if not data:
                    return False
                out.write(data)
                os.write(stdout, data)
            if stdin in ready:
                data = os.read(stdin, 4096)
                if not data:
                    sources.remove(stdin)
                data, leave = keys.take(data)
                os.write(fd, data)
                if leave:
                    return True
