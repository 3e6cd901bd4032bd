"""Pings, made and answered by the judge as the RFCs have it."""
import struct

from judge import Wrong, item

OTHER, BAD, ECHO = 0, 1, 4
KINDS = {OTHER: 'PACKET_OTHER', BAD: 'PACKET_BAD', ECHO: 'PACKET_ECHO'}
FRAME_MAX = 1514


def checksum(data):
    """RFC 1071."""
    data = data + b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Ping:
    """A frame with a ping, of which each part can be changed."""

    def __init__(self, lab, data):
        self.lab, pick = lab, lab.random
        self.ours = bytes([0x52, 0x54]) + pick.randbytes(4)
        self.theirs = bytes([0x52, 0x55]) + pick.randbytes(4)
        self.our_ip = 0x0a000000 | pick.randrange(1, 1 << 24)
        self.their_ip = 0xc0a80000 | pick.randrange(1, 1 << 16)
        self.to_mac, self.to_ip = self.ours, self.our_ip
        self.data = pick.randbytes(data)
        self.rest = struct.pack('>HH', *(pick.getrandbits(16)
                                         for _ in range(2)))
        self.ip = {'version': 0x45, 'length': 28 + data, 'fragment':
                   pick.choice((0, 0x4000)), 'protocol': 1}
        self.kind, self.code, self.behind = 8, 0, b''
        self.flip = self.flip_ip = 0

    def icmp(self, kind):
        """Echo or its answer."""
        text = bytes([kind, self.code]) + b'\0\0' + self.rest + self.data
        return text[:2] + struct.pack('>H', checksum(text)) + text[4:]

    def header(self, source, target, length, fragment, ttl=64):
        """An IPv4 header."""
        text = struct.pack('>BBHHHBBHII', self.ip['version'], 0, length, 0,
                           fragment, ttl, self.ip['protocol'], 0, source,
                           target)
        return text[:10] + struct.pack('>H', checksum(text)) + text[12:]

    def frame(self, fill=True):
        """What arrives."""
        icmp = bytearray(self.icmp(self.kind))
        if self.flip:
            icmp[self.flip % len(icmp)] ^= 1 << self.flip % 8
        head = bytearray(self.header(self.their_ip, self.to_ip,
                                     self.ip['length'], self.ip['fragment'],
                                     self.lab.random.randrange(1, 255)))
        if self.flip_ip:
            head[10] ^= self.flip_ip
        made = self.to_mac + self.theirs + b'\x08\0' + head + icmp + \
            self.behind
        return made.ljust(60, b'\0') if fill else bytes(made)

    def answer(self):
        """What is to be sent, its checksums included."""
        icmp = self.icmp(0)
        made = self.theirs + self.ours + b'\x08\0' + self.header(
            self.our_ip, self.their_ip, 20 + len(icmp), 0x4000) + icmp
        return made.ljust(60, b'\0')


def judge_pings(lab, cases):
    """Each (what, ping, kind, frame) is taken for what it is."""
    lines = []
    for _, ping, _, frame in cases:
        lines += [f'self {ping.ours.hex()} {ping.our_ip:#x}',
                  f'frame {frame.hex() or "-"}']
    for (what, ping, kind, frame), said in zip(cases, lab.ask(lines)[1::2]):
        seen, *rest = said.split()
        about = f'{what} (frame of {len(frame)} bytes)'
        if int(seen) != kind:
            raise Wrong(f'{about}: expected {KINDS[kind]}, saw '
                        f'{KINDS.get(int(seen), seen)}')
        if kind == ECHO:
            compare(about, ping, *rest)


def compare(about, ping, mac, address, length, text):
    """An answer."""
    if mac != ping.theirs.hex() or int(address, 16) != ping.their_ip:
        raise Wrong(f'{about}: expected the sender to be '
                    f'{ping.theirs.hex()}, {ping.their_ip:x}; saw {mac}, '
                    f'{address}')
    wanted = ping.answer()
    if int(length) != len(wanted):
        raise Wrong(f'{about}: expected an answer of {len(wanted)} bytes, saw '
                    f'{length}')
    seen = bytes.fromhex(text)
    for at, (one, other) in enumerate(zip(wanted, seen)):
        if one != other:
            raise Wrong(f'{about}: byte {at} of the answer: expected '
                        f'{one:02x}, saw {other:02x}')


@item('a ping is answered, with all its data', 4, required=True)
def answered(lab):
    """Of any size, odd ones as well."""
    sizes = [0, 1, 17, 18, 56, 57, 1471, 1472,
             *(lab.random.randrange(1473) for _ in range(20))]
    pings = [Ping(lab, size) for size in sizes]
    judge_pings(lab, [('a ping', each, ECHO, each.frame()) for each in pings])


@item('what is not for us alone is passed over', 2, required=True)
def passed_over(lab):
    """Other addresses, protocols, options, fragments, answers."""
    cases = []
    for what, part, values in (
            ('a header with options', 'version', (0x46, 0x44, 0x65)),
            ('a fragment', 'fragment', (0x2000, 1, 0x1fff)),
            ('another protocol', 'protocol', (6, 17, 2))):
        for value in values:
            ping = Ping(lab, lab.random.randrange(100))
            ping.ip[part] = value
            cases.append((what, ping, OTHER, ping.frame()))
    for what, changed in (('to everybody', {'to_mac': b'\xff' * 6}),
                          ('to another address', {'to_ip': 0x0a0000ff}),
                          ('an answer', {'kind': 0}),
                          ('another code', {'code': 3}),
                          ('a question for the time', {'kind': 13})):
        ping = Ping(lab, lab.random.randrange(100))
        ping.our_ip = ping.to_ip = 0x0a000005
        for name, value in changed.items():
            setattr(ping, name, value)
        cases.append((what, ping, OTHER, ping.frame()))
    judge_pings(lab, cases)


@item('what stands behind a ping is no part of it', 2)
def behind(lab):
    """A short frame is filled up; a long one may have more."""
    cases = []
    for _ in range(10):
        ping = Ping(lab, lab.random.randrange(60))
        ping.behind = lab.random.randbytes(lab.random.randrange(1, 900))
        cases.append(('a ping with more behind it', ping, ECHO, ping.frame()))
    judge_pings(lab, cases)


@item('lengths that are wrong are found', 3)
def lengths(lab):
    """No byte behind the frame is read."""
    cases = []
    for size in (0, 19, 20, 27, 1500, 0xffff):
        ping = Ping(lab, 100)
        ping.ip['length'] = size
        cases.append((f'an IP length of {size}', ping, BAD, ping.frame()))
    ping = Ping(lab, lab.random.randrange(30, 100))
    whole = ping.frame()
    for cut in range(34, len(whole)):
        cases.append(('a ping that is cut', ping, BAD, whole[:cut]))
    for cut in range(34):
        cases.append(('a header that is cut', ping, BAD, whole[:cut]))
    judge_pings(lab, cases)


@item('sums that are wrong are found', 2)
def sums(lab):
    """One bit anywhere."""
    cases = []
    for _ in range(40):
        ping = Ping(lab, 100)
        ping.flip = lab.random.randrange(2, 108)
        cases.append(('a bit that is flipped', ping, BAD, ping.frame()))
        ping = Ping(lab, 3)
        ping.flip_ip = 1 << lab.random.randrange(8)
        cases.append(('a wrong sum of the header', ping, BAD, ping.frame()))
    judge_pings(lab, cases)


@item('no answer goes to an address that nobody can have', 3)
def nobody(lab):
    """Groups, oneself, and none."""
    cases = []
    for first in (0, 127, 224, 239, 240, 255):
        ping = Ping(lab, 20)
        ping.their_ip = first << 24 | lab.random.getrandbits(24)
        cases.append((f'a ping from {first}.x', ping, BAD, ping.frame()))
    ping = Ping(lab, 20)
    ping.their_ip = ping.our_ip
    cases.append(('a ping in our own name', ping, BAD, ping.frame()))
    for mac in (b'\x53' + lab.random.randbytes(5), bytes(6)):
        ping = Ping(lab, 20)
        ping.theirs = mac
        cases.append((f'a ping from MAC {mac.hex()}', ping, BAD,
                      ping.frame()))
    judge_pings(lab, cases)
