"""The serial console of a machine: text in, text out, through pexpect."""
import os
import re
import sys

from common import wrong_python

try:
    import pexpect
    from pexpect import fdpexpect
except ImportError as missing:
    wrong_python(missing)

EOF, TIMEOUT = pexpect.EOF, pexpect.TIMEOUT


class Console(fdpexpect.fdspawn):
    """Talks over a file descriptor, or a second one to type on, and logs all
    that was said. Carriage returns are dropped, so that patterns can say \\n
    and $."""

    def __init__(self, fd, log_path, echo=False, typed=None):
        super().__init__(fd, timeout=None, maxread=65536, encoding='utf-8',
                         codec_errors='replace')
        self.logfile_read = open(log_path, 'w', encoding='utf-8', newline='')
        self._path, self._echo = log_path, echo
        self.typed = fd if typed is None else typed

    def send(self, s):
        """Type; pexpect would do it where it reads."""
        return os.write(self.typed, s.encode())

    def read_nonblocking(self, size=1, timeout=None):
        """pexpect reads with this."""
        text = super().read_nonblocking(size, timeout).replace('\r', '')
        if self._echo:
            sys.stdout.write(text)
            sys.stdout.flush()
        return text

    @property
    def text(self):
        """All output so far, with plain line ends."""
        with open(self._path, encoding='utf-8', newline='') as file:
            return file.read().replace('\r', '')

    def wait_for(self, patterns, timeout):
        """Index of the pattern that came first, or EOF, or TIMEOUT."""
        compiled = [re.compile(pattern, re.MULTILINE) for pattern in patterns]
        index = self.expect_list([*compiled, EOF, TIMEOUT], timeout)
        return [*range(len(compiled)), EOF, TIMEOUT][index]

    def close_log(self):
        """Finish the log file; the text stays readable."""
        self.logfile_read.close()
