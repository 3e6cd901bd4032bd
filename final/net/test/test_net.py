"""Vellum on a wire whose other end is ours: what it answers, and when; and what
it makes of frames that nobody should send."""
import random
import socket

import expectations
import pytest
from scapy.all import ARP, ICMP, IP, UDP, Ether, Raw

HOST, OURS = '10.0.2.2', '10.0.2.15'
HOST_MAC, OUR_MAC = '52:55:0a:00:02:02', '52:54:00:12:34:56'
PATIENCE = 60


class Wire:
    """The other end: each datagram is a frame."""

    def __init__(self):
        self.end, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                            for _ in range(2))
        for each in (self.end, theirs):
            each.bind(('127.0.0.1', 0))
        self.theirs = theirs.getsockname()
        theirs.close()
        self.end.settimeout(PATIENCE)
        end = 'type=inet,{0}.host=127.0.0.1,{0}.port={1}'
        self.arguments = (
            '-netdev', 'dgram,id=net,local.' + end.format(
                'local', self.theirs[1]) + ',remote.' + end.format(
                'remote', self.end.getsockname()[1]),
            '-device', 'e1000,netdev=net')

    def send(self, frame):
        """Send a frame, of scapy's or of bytes."""
        self.end.sendto(bytes(frame), self.theirs)

    def hear(self, kind):
        """The next frame that has this layer; ARP for us is answered."""
        while True:
            frame = Ether(self.end.recv(65536))
            if ARP in frame and frame[ARP].pdst == HOST:
                self.send(Ether(dst=frame.src, src=HOST_MAC) / ARP(
                    op='is-at', hwsrc=HOST_MAC, psrc=HOST, hwdst=frame.src,
                    pdst=frame[ARP].psrc))
            if kind in frame:
                return frame

    def ping(self, number):
        """Ask whether Vellum is there; its answer must be to that."""
        self.send(Ether(dst=OUR_MAC, src=HOST_MAC) / IP(src=HOST, dst=OURS)
                  / ICMP(id=7, seq=number) / Raw(b'who is there'))
        while (answer := self.hear(ICMP))[ICMP].id != 7:
            pass        # some nonsense is a ping by chance
        assert (answer[IP].src, answer[IP].dst) == (OURS, HOST)
        assert (answer[ICMP].type, answer[ICMP].seq) == (0, number)
        assert answer[Raw].load.startswith(b'who is there')


@pytest.fixture
def wire():
    """The other end of a card's cable."""
    wire = Wire()
    yield wire
    wire.end.close()


def words(more=''):
    """Words for Vellum, that make it send to us."""
    return (f'boot=0x80 net=on net.ip={OURS} net.gateway={HOST} '
            f'log.udp={HOST} {more}').strip()


def hostile(chance):
    """A frame of nonsense: of any length, and like one of these, or not."""
    start = chance.choice([
        b'', bytes.fromhex(OUR_MAC.replace(':', '')), bytes(
            Ether(dst=OUR_MAC, src=HOST_MAC) / IP(src=HOST, dst=OURS)),
        bytes(Ether(dst=OUR_MAC, src=HOST_MAC) / IP(src=HOST, dst=OURS)
              / ICMP())])
    # (An empty datagram would be the end of QEMU's wire.)
    frame = bytearray(start + chance.randbytes(chance.randrange(1, 1500)))
    for _ in range(chance.randrange(4)):
        frame[chance.randrange(min(len(frame), 60))] = chance.randrange(256)
    return frame


def test_the_panic_shell_answers_pings_whatever_else_comes(machine, wire):
    """Frames of nonsense are dropped; the shell goes on, and its memory is
    sound."""
    pc = machine(test=True, cmdline=words('broken=assert'),
                 extra_args=wire.arguments)
    first = wire.hear(UDP)
    assert (first[IP].src, first[IP].dst) == (OURS, HOST)
    assert first[Raw].load.startswith(b'1 phase: trap')
    pc.expect(expectations.PANIC_END, panic_ends=False)
    pc.send('s')
    pc.expect(r'^> ', PATIENCE, panic_ends=False)
    chance = random.Random(15)
    for number in range(10):
        for _ in range(30):
            wire.send(hostile(chance))
        wire.ping(number)
    pc.send('check\n')
    pc.expect(r'every invariant|sound', PATIENCE, panic_ends=False)
    pc.send('net\n')
    pc.expect(rf'^log.udp: {HOST}:6666 by {HOST_MAC}', PATIENCE,
              panic_ends=False)
    pc.expect(r'characters: 0 waiting, 0 lost', PATIENCE, panic_ends=False)
