"""net/packet.c against scapy, which has read the RFCs as well: what scapy makes
is answered as it ought to be, and what we make scapy finds right.

As a program, it writes the frames that scapy makes to the kept inputs of the
fuzz target, and to a file for wireshark or tcpdump:

  test_packets.py [FILE.pcap]
"""
import ctypes
import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, LLC, STP, Dot1Q, Dot3, Ether
from scapy.packet import Raw, fuzz
from scapy.utils import RawPcapWriter

HERE = Path(__file__).resolve().parent
FINAL = HERE.parent.parent
KEPT = HERE / 'corpus/packet-fuzz'
OTHER, BAD, ARP_ASK, ARP_TELL, ECHO, CONFLICT = range(6)

US, US_IP = '52:54:00:12:34:56', '10.0.2.15'
THEM, THEM_IP = '52:55:0a:00:02:02', '10.0.2.2'
ALL = 'ff:ff:ff:ff:ff:ff'
FRAME_MAX = 1514


class End(ctypes.Structure):
    """struct net_end"""
    _fields_ = [('mac', ctypes.c_uint8 * 6), ('port', ctypes.c_uint16),
                ('ip', ctypes.c_uint32)]


def end(mac, ip, port=0):
    """A struct net_end."""
    return End((ctypes.c_uint8 * 6)(*bytes.fromhex(mac.replace(':', ''))),
               port, int.from_bytes(map(int, ip.split('.')), 'big'))


@pytest.fixture(scope='module')
def code(tmp_path_factory):
    """net/packet.c, with the sanitizer for undefined behaviour."""
    library = tmp_path_factory.mktemp('packet') / 'packet.so'
    subprocess.run(
        ['gcc', '-std=gnu11', '-O1', '-shared', '-fPIC', '-I', FINAL,
         '-DCONFIG_NET_ICMP=1', '-fsanitize=undefined',
         '-fno-sanitize-recover=all', '-o', library,
         FINAL / 'net/packet.c'], check=True)
    found = ctypes.CDLL(str(library))
    for name in ('packet_udp', 'packet_arp', 'packet_answer'):
        getattr(found, name).restype = ctypes.c_size_t
    return found


def answer(code, frame):
    """The kind of a frame, and the answer as scapy sees it, or None."""
    us, sender = end(US, US_IP), End()
    out = ctypes.create_string_buffer(b'\xee' * FRAME_MAX, FRAME_MAX)
    frame = bytes(frame)
    kind = code.packet_read(frame, ctypes.c_size_t(len(frame)),
                            ctypes.byref(us), ctypes.byref(sender))
    length = code.packet_answer(kind, frame, ctypes.byref(us),
                                ctypes.byref(sender), out)
    return kind, Ether(out.raw[:length]) if length else None


def sums_are_right(packet):
    """Does scapy compute the sums of IP, UDP and ICMP that stand there?"""
    again = packet.copy()
    for layer, field in ((IP, 'chksum'), (UDP, 'chksum'), (ICMP, 'chksum')):
        if layer in again:
            delattr(again[layer], field)
    return bytes(again) == bytes(packet)


def ping(size=56, **ip):
    """A ping for us; ip: what is different in its header."""
    fields = {'src': THEM_IP, 'dst': US_IP, **ip}
    return (Ether(src=THEM, dst=US) / IP(**fields)
            / ICMP(id=0x1234, seq=7) / Raw(bytes(i % 256 for i in range(size))))


def arp(**fields):
    """Somebody asks who has our address; fields: what is different."""
    fields = {'op': 1, 'hwsrc': THEM, 'psrc': THEM_IP, 'pdst': US_IP, **fields}
    return Ether(src=THEM, dst=fields.pop('to', ALL)) / ARP(**fields)


FRAMES = {
    'a ping': (ping(), ECHO),
    'an empty ping': (ping(0), ECHO),
    'the largest ping': (ping(1472), ECHO),
    'a ping of type of service': (ping(tos=0x10, ttl=1), ECHO),
    'a ping with options': (ping(options=IPOption_RR()), OTHER),
    'a ping that is cut': (bytes(ping())[:-1], BAD),
    'a first fragment': (ping(flags='MF'), OTHER),
    'a last fragment': (ping(frag=3), OTHER),
    'a ping with a wrong sum': (ping(chksum=1), BAD),
    'a ping that says it is longer': (ping(len=1500), BAD),
    'a ping that says it is shorter': (ping(len=27), BAD),
    'a ping for another': (ping(dst='10.0.2.16'), OTHER),
    'a ping for all': (ping(dst='10.0.2.255'), OTHER),
    'a ping from a group': (ping(src='224.0.0.1'), BAD),
    'a ping from ourselves': (ping(src=US_IP), BAD),
    'an answer to a ping': (Ether(src=THEM, dst=US) / IP(
        src=THEM_IP, dst=US_IP) / ICMP(type=0), OTHER),
    'an unreachable port': (Ether(src=THEM, dst=US) / IP(
        src=THEM_IP, dst=US_IP) / ICMP(type=3, code=3) / IP(
            src=US_IP, dst=THEM_IP) / UDP(sport=6665, dport=514), OTHER),
    'a question for us': (arp(), ARP_ASK),
    'a question to us alone': (arp(to=US), ARP_ASK),
    'a question with padding': (arp() / Raw(bytes(18)), ARP_ASK),
    'is our address free?': (arp(psrc='0.0.0.0'), ARP_ASK),
    'a question for another': (arp(pdst='10.0.2.1'), OTHER),
    'an answer to us': (arp(op=2, hwdst=US, to=US), ARP_TELL),
    'an answer to all': (arp(op=2), OTHER),
    'our address at another': (arp(psrc=US_IP, pdst=US_IP), CONFLICT),
    'a question from a group': (arp(hwsrc='01:00:5e:00:00:01'), BAD),
    'a question from a loop': (arp(psrc='127.0.0.1'), BAD),
    'a question that is cut': (bytes(arp())[:41], BAD),
    'a reverse question': (arp(op=3), OTHER),
    'a datagram': (Ether(src=THEM, dst=US) / IP(src=THEM_IP, dst=US_IP)
                   / UDP(sport=53, dport=6665) / b'x', OTHER),
    'a connection': (Ether(src=THEM, dst=US) / IP(src=THEM_IP, dst=US_IP)
                     / TCP(dport=22), OTHER),
    'an offer': (Ether(src=THEM, dst=ALL) / IP(src=THEM_IP, dst='255.255.'
                 '255.255') / UDP(sport=67, dport=68) / BOOTP(op=2)
                 / DHCP(options=[('message-type', 'offer'), 'end']), OTHER),
    'a tagged ping': (Ether(src=THEM, dst=US) / Dot1Q(vlan=1)
                      / ping().payload, OTHER),
    'IPv6': (Ether(src=THEM, dst='33:33:ff:00:00:01')
             / IPv6(src='fe80::2', dst='ff02::1:ff00:1')
             / ICMPv6ND_NS(tgt='fe80::1'), OTHER),
    'a spanning tree': (Dot3(src=THEM, dst='01:80:c2:00:00:00') / LLC()
                        / STP(), OTHER),
    'an Ethernet header': (bytes(arp())[:14], BAD),
    'less than that': (bytes(arp())[:13], BAD),
}


@pytest.mark.parametrize('name', FRAMES)
def test_what_scapy_makes_is_taken_for_what_it_is(code, name):
    frame, expected = FRAMES[name]
    kind, back = answer(code, frame)
    assert kind == expected
    assert (back is None) == (kind not in (ECHO, ARP_ASK))


@pytest.mark.parametrize('size', (0, 1, 18, 19, 56, 1000, 1471, 1472))
def test_scapy_finds_our_answer_to_a_ping_right(code, size):
    asked = Ether(bytes(ping(size)))
    _, back = answer(code, asked)
    assert back.answers(asked) and sums_are_right(back)
    assert (back.src, back.dst) == (US, THEM)
    assert back[ICMP].type == 0 and back[IP].ttl == 64
    assert bytes(back[ICMP].payload)[:size] == bytes(asked[Raw]) if size \
        else len(back) == 60


def test_scapy_finds_our_answer_of_arp_right(code):
    asked = arp()
    _, back = answer(code, asked)
    assert back[ARP].answers(asked[ARP]) and back.dst == THEM
    assert (back[ARP].hwsrc, back[ARP].psrc) == (US, US_IP)


def test_scapy_finds_our_question_right(code):
    out = ctypes.create_string_buffer(FRAME_MAX)
    us = end(US, US_IP)
    length = code.packet_arp(out, ctypes.byref(us), end(THEM, THEM_IP).ip)
    expected = Ether(src=US, dst=ALL) / ARP(op=1, hwsrc=US, psrc=US_IP,
                                            pdst=THEM_IP)
    assert out.raw[:length] == bytes(expected).ljust(60, b'\0')


@pytest.mark.parametrize('size', (0, 1, 17, 18, 19, 100, 101, 1471, 1472))
def test_scapy_makes_the_same_datagram_as_we(code, size):
    out = ctypes.create_string_buffer(FRAME_MAX)
    us, them = end(US, US_IP, 6665), end(THEM, THEM_IP, 514)
    text = random.Random(size).randbytes(size)
    length = code.packet_udp(out, ctypes.byref(us), ctypes.byref(them), text,
                             ctypes.c_size_t(size))
    expected = (Ether(src=US, dst=THEM)
                / IP(src=US_IP, dst=THEM_IP, id=0, flags='DF')
                / UDP(sport=6665, dport=514) / text)
    assert out.raw[:length] == bytes(expected).ljust(60, b'\0')


def test_of_what_scapy_fuzzes_only_right_pings_are_answered(code):
    """Headers of random fields and right sums: what scapy reads in them says
    whether they are a ping for us."""
    random.seed(1)
    shape = (Ether(src=THEM, dst=US) / fuzz(IP(
        src=THEM_IP, dst=US_IP, ihl=None, version=4, chksum=None, len=None,
        options=[], proto=1)) / fuzz(ICMP(chksum=None)) / b'data')
    answered = 0
    for _ in range(300):
        shape[IP].frag = random.choice((0, 0, 0, 1))
        shape[IP].flags = random.choice((0, 2, 1))
        shape[ICMP].type = random.choice((8, 8, 0, 13))
        shape[ICMP].code = random.choice((0, 0, 1))
        frame = Ether(bytes(shape))
        right = (frame[IP].frag == 0 and 'MF' not in frame[IP].flags
                 and frame[ICMP].type == 8 and frame[ICMP].code == 0)
        kind, back = answer(code, frame)
        assert (kind == ECHO) == right == (back is not None), frame.show2()
        if back:
            answered += 1
            assert back.answers(frame) and sums_are_right(back)
    assert 20 < answered < 280


def kept():
    """File name -> bytes: the inputs of the fuzz target that scapy makes."""
    return {hashlib.sha1(data).hexdigest(): data
            for data in (bytes(frame) for frame, _ in FRAMES.values())
            if len(data) <= 512}


def test_the_fuzz_target_starts_from_what_scapy_makes():
    for name, data in kept().items():
        assert (KEPT / name).read_bytes() == data


if __name__ == '__main__':
    KEPT.mkdir(parents=True, exist_ok=True)
    for file, content in kept().items():
        (KEPT / file).write_bytes(content)
    for file in sys.argv[1:]:
        with RawPcapWriter(file, linktype=1) as writer:
            writer.write([bytes(frame) for frame, _ in FRAMES.values()])
