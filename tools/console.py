"""The serial console of a machine: text in, text out, through pexpect."""
import re
import sys

import pexpect
from pexpect import fdpexpect

EOF, TIMEOUT = pexpect.EOF, pexpect.TIMEOUT


class _Log:
    """A log file that also keeps the text in memory."""

    def __init__(self, path, echo):
        self.file = open(path, 'w', encoding='utf-8', newline='')
        self.echo = echo
        self.parts = []

    def write(self, text):
        """Keep a piece of output."""
        self.parts.append(text)
        if not self.file.closed:
            self.file.write(text)
        if self.echo:
            sys.stdout.write(text.replace('\r', ''))
            sys.stdout.flush()

    def flush(self):
        """pexpect calls this after each piece."""
        if not self.file.closed:
            self.file.flush()


class _Spawn(fdpexpect.fdspawn):
    """Drops carriage returns, so that patterns can say \\n and $."""

    def read_nonblocking(self, size=1, timeout=None):
        return super().read_nonblocking(size, timeout).replace('\r', '')


class Console:
    """Talks over a file descriptor and keeps all that was said."""

    def __init__(self, fd, log_path, echo=False):
        self._log = _Log(log_path, echo)
        self._spawn = _Spawn(fd, timeout=None, maxread=65536,
                             encoding='utf-8', codec_errors='replace')
        self._spawn.logfile_read = self._log

    @property
    def text(self):
        """All output so far, with plain line ends."""
        return ''.join(self._log.parts).replace('\r', '')

    @property
    def match(self):
        """The match object of the last wait_for that found a pattern."""
        return self._spawn.match

    def wait_for(self, patterns, timeout):
        """Index of the pattern that came first, or EOF, or TIMEOUT."""
        compiled = [re.compile(p, re.MULTILINE) if isinstance(p, str) else p
                    for p in patterns]
        index = self._spawn.expect_list(compiled + [EOF, TIMEOUT], timeout)
        return [*range(len(compiled)), EOF, TIMEOUT][index]

    def send(self, text):
        """Type text."""
        self._spawn.send(text)

    def close_log(self):
        """Finish the log file; the text stays readable."""
        self._log.file.close()
