"""Who hears the log over the network, and what counts as all of it. A small
sender stands in for Vellum here; final/net/test boots the real one."""
import re

import network
import pytest
import values
from common import ToolError

LAUNCHED = 'vellum: launching the guest on 1 CPU'
BOOT = ['phase: trap', 'Vellum final 1234567', 'log: 3 of 3',
        LAUNCHED]
SERIAL = 'SeaBIOS\n\n' + ''.join(line + '\n' for line in BOOT)
PACKETS = {
    'udp': '{} {}\n',
    'syslog': '<6>1 - vellum vellum - - [meta sequenceId="{}"] {}',
}


def numbered(texts):
    """The matches that a receiver makes of lines."""
    return [re.fullmatch(network.FORMS['udp'], PACKETS['udp'].format(
        number, text).strip()) for number, text in enumerate(texts, 1)]


@pytest.mark.parametrize('kind', values.LOGS)
def test_what_is_sent_arrives_in_order(kind):
    """At a socket, and at a real rsyslogd, that ends when we do."""
    with network.Receiver(kind) as ear:
        assert f'log.{kind}=10.0.2.2:' in ear.words
        for number, text in enumerate(BOOT, 1):
            ear.send(PACKETS[kind].format(number, text).encode())
        assert ear.faults(SERIAL) == []
        assert [line['text'] for line in ear.lines()] == BOOT
        ear.send(b'nothing of ours\n')
        while not ear.faults(SERIAL, patience=0):
            pass
        assert 'of no known form' in ear.faults(SERIAL, patience=0)[0]
    if kind == 'syslog':
        assert ear.lines()[0]['priority'] == '6'


def test_two_starts_are_two_logs():
    """The second has its own numbers, and its place on the console."""
    lines = numbered(BOOT) + numbered(BOOT[:2])
    panicked = SERIAL + 'Linux\n' + '\n'.join(BOOT[:2]) + '\n'
    assert network.faults(lines, panicked) == []
    assert [len(life) for life in network.lives(lines)[0]] == [4, 2]


@pytest.mark.parametrize('lines, serial, message', [
    ([], SERIAL, 'any of the log'),
    (numbered(BOOT)[1:], SERIAL, 'line 2 after line 0'),
    (numbered(BOOT)[:2] + numbered(BOOT)[3:], SERIAL, 'line 4 after line 2'),
    (numbered([*BOOT[:2], LAUNCHED]), SERIAL, f"on the console: '{LAUNCHED}'"),
    (numbered(BOOT[:3]), SERIAL, 'up to the launch'),
    (numbered(BOOT[1:]), SERIAL, "Vellum's first line"),
    (numbered(BOOT) * 2, SERIAL, "on the console: 'phase: trap"),
])
def test_a_log_that_is_not_whole_is_named(lines, serial, message):
    """A line lost, twice, out of place, or another than on the console."""
    assert message in network.faults(lines, serial)[0]


def test_a_computer_without_rsyslogd_learns_the_package(monkeypatch):
    """And of one that does not start, what it says."""
    monkeypatch.setattr(network, 'CONFIGURATION', 'nonsense')
    monkeypatch.setattr(network, 'START', 1)
    with pytest.raises(ToolError, match='rsyslogd hears nothing; it says:\n.'):
        network.Receiver('syslog')
    monkeypatch.setattr(network, 'RSYSLOG', '/no/such/rsyslogd')
    with pytest.raises(ToolError, match='Debian package rsyslog'):
        network.Receiver('syslog')
