"""A filter by severity: what each receiver must get is computed line by line,
and compared with the packets that leave."""
import re

from judge import Wrong, expect, item

NAMES = ('emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug')
BAD = ('error', 'fail', 'FAIL', 'refused', 'wrong', 'lost', 'unknown')
UDP, SYSLOG = 6666, 514
EMERGENCY, CRITICAL, WARNING, INFO = 0, 2, 4, 6


def packets(said, port):
    """The texts of the packets to a port."""
    return [bytes.fromhex(text).decode() for to, text in
            re.findall(r'\b(\d+):([0-9a-f]{2,})', said) if int(to) == port]


def waits(said):
    """The ports that were waited for."""
    return [int(each) for each in re.findall(r'wait:(\d+)', said)]


class Log:
    """Commands, and what a receiver must have got."""

    def __init__(self, lab, severity='', words=''):
        self.random, self.lab = lab.random, lab
        self.limit = NAMES.index(severity) if severity in NAMES else 7
        chosen = f'log.severity={severity}' if severity else ''
        self.lines = [f'start log.udp=10.0.2.2 log.syslog=10.0.2.2 {chosen} '
                      f'{words}'.strip()]
        self.panics, self.count = False, 0
        self.syslog, self.udp = [], []

    def line(self, text):
        """Say a line; it will be sent as it should, once it can be."""
        self.lines.append(f'say {text}')
        if text.startswith('panic('):
            self.panics, severity = True, EMERGENCY
        elif self.panics:
            severity = CRITICAL
        else:
            severity = WARNING if any(word in text for word in BAD) else INFO
        self.udp.append(text)
        if severity <= self.limit:
            self.message(severity, text)

    def message(self, severity, text):
        """A message that the syslog server must get."""
        self.count += 1
        self.syslog.append(f'<{severity}>1 - 10.0.2.15 vellum - - '
                           f'[meta sequenceId="{self.count}"] {text}')

    def some(self, count):
        """Lines of any kind."""
        for _ in range(count):
            words = [self.random.choice(('cpu', 'page', 'the', 'guest', 'msr',
                                         f'{self.random.getrandbits(20):#x}'))
                     for _ in range(self.random.randrange(1, 8))]
            if not self.random.randrange(3):
                words.insert(self.random.randrange(len(words) + 1),
                             self.random.choice(BAD))
            self.line(' '.join(words))

    def check(self):
        """Do it all; what has left?"""
        said = ' '.join(self.lab.ask([*self.lines, 'poll', 'poll', 'poll']))
        for what, right, saw in (('log.syslog', self.syslog,
                                  packets(said, SYSLOG)),):
            for number, (each, other) in enumerate(zip(right, saw), 1):
                expect(f'message {number} to {what}', each, other)
            if len(right) > len(saw):
                raise Wrong(f'{what} did not get {right[len(saw)]!r}')
            if len(right) < len(saw):
                raise Wrong(f'{what} should not get {saw[len(right)]!r}')
        plain = [each.partition(' ')[2].strip() for each in packets(said, UDP)]
        expect('the lines to log.udp', self.udp, plain)


@item('warnings pass, and what is no news does not', 3, required=True)
def warnings(lab):
    """log.severity=warning, and then a server that wants all."""
    for severity in ('warning', 'info'):
        log = Log(lab, severity)
        log.some(30)
        log.check()


@item('each of the eight names means what it should', 2)
def all_names(lab):
    """And without one, or with a wrong one, all is sent."""
    for severity in (*NAMES, '', 'warn', '4', 'EMERG', 'err:1'):
        log = Log(lab, severity)
        log.some(8)
        log.line('panic(CPU0): it is over')
        log.some(2)
        log.check()


@item('what was said before there was a card is filtered, too', 1)
def early(lab):
    """It is sent from the log, as what comes later."""
    log = Log(lab, lab.random.choice(('warning', 'notice', 'err')))
    start = log.lines.pop()
    log.some(20)
    log.lines.append(start)
    log.some(10)
    log.check()


@item('a line that can not be sent waits, one that is left out does not', 2)
def waiting(lab):
    """In order, each once, with numbers that have no gap."""
    log = Log(lab, lab.random.choice(('warning', 'notice')))
    for _ in range(6):
        log.some(5)
        log.lines.append('block 1')
        log.some(lab.random.randrange(2, 12))
        log.lines += ['block 0', f'room {lab.random.randrange(1, 5)}', 'poll',
                      f'room {10 ** 6}']
    log.check()


@item('a panic is known, whether its first line was sent or not', 2)
def panic(lab):
    """What follows it is critical."""
    for severity in ('crit', 'alert', 'emerg', 'err'):
        log = Log(lab, severity)
        log.some(10)
        log.line(f'panic(CPU{lab.random.randrange(8)}): a test')
        log.some(6)
        log.check()


@item('what is lost is told, whatever the severity', 2)
def lost(lab):
    """The ring has overtaken the receiver."""
    for severity in ('emerg', 'warning'):
        said = lab.ask([f'start log.syslog=10.0.2.2 log.severity={severity}',
                        'say it went wrong', 'block 1', 'flood 8000',
                        'block 0', *['poll'] * 200, 'say an error'])
        got = [each.partition('] ')[2]
               for each in packets(' '.join(said), SYSLOG)]
        right = [] if severity == 'emerg' else ['it went wrong']
        expect(f'messages with log.severity={severity} before the loss', right,
               got[:len(right)])
        rest = got[len(right):]
        if not rest or not re.fullmatch(
                r'log: [1-9]\d* characters of it are lost here', rest[0]):
            raise Wrong('expected a message that tells how many characters '
                        f'are lost, saw {rest[0] if rest else "none"!r}')
        expect('messages after that', ['an error'] if right else [], rest[1:])


@item('a receiver that has only listened is waited for in a panic', 2)
def reached(lab):
    """And one that has never answered is not."""
    lines = ['start log.syslog=10.0.2.2 log.severity=crit', 'say all is well',
             'silent 0', 'panic', 'say panic(CPU0): x']
    said = lab.ask(lines)
    expect('who is waited for when a panic begins', [SYSLOG], waits(said[-1]))
    if not packets(said[-1], SYSLOG):
        raise Wrong('the first line of the panic was not sent')
    said = lab.ask(['silent 1', *lines])
    expect('who is waited for when a panic begins, of those who never '
           'answered', [], waits(said[-1]))
