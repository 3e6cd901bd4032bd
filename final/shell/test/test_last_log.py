"""The log of the last run, after resets and with forgeries in its place.

RAM survives QEMU's system_reset. A forgery is written into the machine's memory
while it stands still: that is a file here. (Resets by Linux: tools/reboot.py.)
"""
import re
import struct

import pytest

MEMORY = 512 << 20
END = MEMORY - (4 << 20)        # of Vellum's range: MEMORY less the BIOS's own
PLACE = END - (16 << 20)
LOG_SIZE, KEPT_SIZE = 64 << 10, (64 << 10) - 256
U64 = (1 << 64) - 1
FOUND = (r'the last run ended without a panic\n'
         r'last log: unverified, {} characters: vellumctl log --last\n')


def mix(index, value):
    """kept_mix() of shell/kept_log.h."""
    h = (index << 8 ^ value) * 0x9e3779b97f4a7c15 & U64
    return h ^ h >> 29


def forged(text, written=None, address=PLACE, size=LOG_SIZE):
    """A log of that text with all its sums right; the rest of its ring is
    zeros, whatever it says of its length."""
    written = len(text) if written is None else written
    ring = bytearray(LOG_SIZE)
    for i, c in enumerate(text, written - len(text)):
        ring[i % LOG_SIZE] = c
    start = written - min(written, KEPT_SIZE)
    total = sum(mix(i, ring[i % LOG_SIZE])
                for i in range(start, written)) & U64
    head = int.from_bytes(b'VELLUMLG', 'little'), address, size
    return b''.join((
        struct.pack('<4Q', *head, sum(mix(3 + i, head[i]) for i in range(3))
                    & U64).ljust(64, b'\0'),
        struct.pack('<3Q', written, total, mix(1, written) + mix(2, total)
                    & U64).ljust(4032, b'\0'), ring))


def damaged(log, at):
    """One bit is wrong."""
    return log[:at] + bytes((log[at] ^ 4,)) + log[at + 1:]


FORGERIES = {
    'sound': (forged(b'hello\n'), FOUND.format(6)),
    'head': (damaged(forged(b'hello\n'), 8), 'refused: its head is damaged\n'),
    'end': (damaged(forged(b'hello\n'), 64),
            'refused: both records of its end are damaged\n'),
    'text': (damaged(forged(b'hello\n'), 4096),
             'refused: its text is damaged\n'),
    'size': (forged(b'hello\n', size=1 << 40),
             'refused: it is of another size\n'),
    'moved': (forged(b'hello\n', address=PLACE - (1 << 24)),
              'no previous log here, but one from elsewhere\n'),
    'endless': (forged(b'hello\n', written=U64), FOUND.format(KEPT_SIZE)),
    'lies': (forged(b'panic(CPU0): \33[2J\33]0;all\7is\rwell\x9b\n'
                    + b'x' * 300),
             r'the last run ended in a panic: \?\[2J\?\]0;all\?is\?well\?\n'),
    'long': (forged(b'panic(CPU0): ' + b'y' * 5000),
             'the last run ended in a panic: y{159}\n'),
}


KEPT = r'^phase: heap\n'         # by now, this run's log is where it is kept


def test_nothing_that_a_forged_log_says_is_believed(machine, tmp_path):
    """Sums right or wrong, each is told of in its turn, and Vellum starts."""
    ram = tmp_path / 'ram'
    pc = machine(reboot=True, extra_args=(
        '-object', f'memory-backend-file,id=ram,size={MEMORY},share=on,'
        f'mem-path={ram}', '-machine', 'memory-backend=ram'))
    pc.expect(r'^last log: no previous log here\n')
    pc.expect(rf'^paging: our range is \S+-{END - 1:#010x}, ')
    pc.expect(KEPT)
    for name, (log, says) in FORGERIES.items():
        pc.qmp('stop')
        with open(ram, 'r+b') as file:
            file.seek(PLACE)
            file.write(log)
        begin = len(pc.serial)
        pc.qmp('system_reset')
        pc.qmp('cont')
        pc.expect(KEPT)
        told = re.search(r'^last log: (.*?)^paging: ', pc.serial[begin:],
                         re.M | re.S)[1]
        assert re.match(says, told), (name, told)
        assert re.fullmatch(r'[ -~\n]*', told), (name, told)


@pytest.mark.slow('uefi')
@pytest.mark.parametrize('firmware', ['bios', 'uefi'])
def test_a_warm_reset_leaves_the_reason_of_a_panic(machine, firmware):
    """All CPUs print without end, and one panics, in a test build, which fills
    the range with a former life's junk as it starts."""
    pc = machine(test=True, firmware=firmware, cpus=2, reboot=True,
                 cmdline='panic-storm', limit=150)
    pc.expect(r'^last log: no previous log here\n')
    pc.expect(r'^panic\(CPU0\): in the midst of a storm\n', panic_ends=False)
    pc.expect(r'^smp: \d of \d CPUs have stopped', panic_ends=False)
    pc.qmp('system_reset')
    pc.expect(r'^last log: the last run ended in a panic: in the midst of '
              r'a storm\n', panic_ends=False)
