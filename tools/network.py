"""Who hears the log that Vellum sends over the network (`make run NET=1`).

    with Receiver('syslog') as ear:
        with Machine(image, nic='e1000', cmdline=ear.words) as machine:
            ...
        wrong = ear.faults(machine.serial)

What the emulators' user network is given for HOST comes out on this computer's
loopback, where the receiver has a free port. `udp` takes what comes as it is,
as `nc -u -l` does; `syslog` is Debian's rsyslogd, which runs as whoever you
are. What arrived is in a directory of its own, as a run's console is.
"""
import re
import socket
import subprocess
import time

import process
from common import ToolError, need
from expectations import LAUNCH, PANIC_END

HOST, OURS = '10.0.2.2', '10.0.2.15'    # of the user network, by default
RSYSLOG = '/usr/sbin/rsyslogd'
CONFIGURATION = '''module(load="imudp")
input(type="imudp" address="127.0.0.1" port="{}")
action(type="omfile" file="arrived" template="RSYSLOG_SyslogProtocol23Format")
'''
PROBE = b'<15>1 - - probe - - -'
FIRST = 'phase: trap'
START = 20      # seconds that rsyslogd may need, on a busy computer
# Text behind a number, and RFC 5424.
FORMS = {
    'udp': r'(?P<number>\d+) (?P<text>.*)',
    'syslog': r'<(?P<priority>\d+)>1 \S+ (?P<host>\S+) vellum - - '
              r'\[meta sequenceId="(?P<number>\d+)"\] ?(?P<text>.*)',
}


def _bound():
    """A socket on a port of the loopback that was free."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(('127.0.0.1', 0))
    return receiver


class Receiver:
    """Something on this computer that hears the log; kind is of
    values.LOGS."""

    def __init__(self, kind):
        self.kind, self._server = kind, None
        self.dir = process.run_directory(f'log-{kind}')
        self.path = self.dir / 'arrived'
        self.path.touch()
        ear = _bound()
        self.address = ear.getsockname()
        self.words = (f'net=on net.ip={OURS} net.gateway={HOST} '
                      f'log.{kind}={HOST}:{self.address[1]}')
        if kind == 'udp':
            # Reading takes one packet; an empty one is the end.
            self._server = process.drain(ear.detach(), self.path)
        else:
            ear.close()
            self._start_rsyslogd()

    def _start_rsyslogd(self):
        """Start one of our own, that ends with us, and wait until it hears."""
        program = need(RSYSLOG, 'rsyslog')
        (self.dir / 'rsyslog.conf').write_text(
            CONFIGURATION.format(self.address[1]))
        with open(self.dir / 'rsyslogd.log', 'wb') as said:
            self._server = process.spawn(
                ['setpriv', '--pdeathsig', 'TERM', program, '-n', '-C', '-f',
                 'rsyslog.conf', '-i', 'pid'], None, cwd=self.dir, stderr=said,
                stdout=said, stdin=subprocess.DEVNULL)
        end = time.monotonic() + START
        while not self.path.stat().st_size:
            if time.monotonic() > end or self._server.poll() is not None:
                self.close()
                raise ToolError('rsyslogd hears nothing; it says:\n'
                                + (self.dir / 'rsyslogd.log').read_text())
            self.send(PROBE)
            time.sleep(0.1)

    def send(self, packet):
        """Send a packet to the receiver."""
        with _bound() as sender:
            sender.sendto(packet, self.address)

    def text(self):
        """What has arrived, as it is."""
        lines = self.path.read_text(errors='replace').split('\n')
        return '\n'.join(line for line in lines if ' probe ' not in line)

    def lines(self):
        """The same: a match of FORMS for each line, or its text if none."""
        return [re.fullmatch(FORMS[self.kind], line) or line
                for line in self.text().split('\n')[:-1]]

    def faults(self, serial, patience=10):
        """What is wrong with what has arrived, beside what the serial console
        showed. The last of it may still be on its way."""
        end = time.monotonic() + patience
        while (wrong := faults(self.lines(), serial)) \
                and time.monotonic() < end:
            time.sleep(0.1)
        return wrong

    def close(self):
        """Stop listening."""
        if self.kind == 'udp':
            self.send(b'')
            self._server.join(5)
        elif self._server:
            process.end(self._server)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def lives(lines):
    """The texts that came, of each start of Vellum; and faults: a number that
    is not the next, a line that has none."""
    found, wrong = [], []
    for line in lines:
        if isinstance(line, str):
            wrong.append(f'a line that is of no known form: {line!r}')
            continue
        number = int(line['number'])
        if number == 1:
            found.append([])
        last = len(found[-1]) if found else 0
        if number != last + 1:
            wrong.append(f'line {number} after line {last}: {line["text"]!r}')
            return found, wrong
        found[-1].append(line['text'])
    return found, wrong


def faults(lines, serial):
    """What is wrong with the lines. Each life's are numbered without a gap,
    and they are what the console shows, up to where others print there."""
    found, wrong = lives(lines)
    serial = re.sub(r'\n\s*\n', '\n', serial)      # no empty line is sent
    if not found:
        return wrong or ['any of the log over the network']
    end = 0
    for texts in found:
        boot = ''
        for text in texts:
            boot += text + '\n'
            at = serial.find(boot, end)
            if at < 0:
                before = boot.splitlines()[-2:-1]
                return [f'on the console: {text!r}, which came after {before}',
                        *wrong]
            if re.match(f'{LAUNCH}|{PANIC_END}', text + '\n'):
                break
        else:
            if re.search(LAUNCH, serial[at:]):
                wrong.append('the log up to the launch of the guest; the last '
                             f'line that came is {texts[-1]!r}')
        end = at + len(boot)
    if found[0][0] != FIRST:
        wrong.append(f"Vellum's first line; {found[0][0]!r} came")
    return wrong
