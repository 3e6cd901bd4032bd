"""Boot tests of a guest whose boot code is a Multiboot module."""
import struct

BOOT = 0x7c00
FAR = 0x20000           # beyond the first segment: all of it must be there
DRIVE = 0x91


def put(code):
    """Machine code: wait until COM1 can take a byte; send what code puts
    into AL."""
    wait = bytes.fromhex('ba fd 03 ec a8 20 74 fb')
    return wait + code + bytes.fromhex('ba f8 03 ee')


def module(path):
    """Boot code that jumps to its own end, and there says "module", what DL
    was, and stops."""
    start = bytes.fromhex('88 d3') + struct.pack('<BHH', 0xea, 0, FAR >> 4)
    text = b''.join(put(bytes([0xb0, char])) for char in b'module ')
    # "D" when DL (now BL) is the drive, else "?".
    text += bytes([0xb1, ord('D'), 0x80, 0xfb, DRIVE, 0x74, 2,
                   0xb1, ord('?')])
    text += put(bytes.fromhex('88 c8')) + put(bytes([0xb0, ord('\n')]))
    text += bytes.fromhex('fa f4 eb fc')
    path.write_bytes(start.ljust(FAR - BOOT, b'\0') + text)
    return path


def test_a_module_is_booted_with_the_drive_in_dl(machine, needs_guest,
                                                 tmp_path):
    """As a BIOS would have started it, and with the BIOS's memory map."""
    # pylint: disable=unused-argument
    pc = machine(cmdline=f'boot={DRIVE:#x} console=com1',
                 modules=[module(tmp_path / 'module')])
    pc.expect("^guest: boots the loader's module, 98 KiB")
    pc.expect("^guest: gets the BIOS's memory map, less what is hidden")
    pc.expect('^module D\n')


def test_a_module_is_booted_in_bochs(machine, needs_guest, tmp_path):
    """GRUB brings it there."""
    # pylint: disable=unused-argument
    pc = machine(cmdline=f'boot={DRIVE:#x}', emu='bochs',
                 modules=[module(tmp_path / 'module')])
    pc.expect('^module D\n')


def test_a_module_in_the_way_is_not_overlapped(machine, needs_guest,
                                               tmp_path):
    """The highest range would hold what the loader has put there: with this
    much memory there is another place for neither."""
    # pylint: disable=unused-argument
    big = module(tmp_path / 'module')
    big.write_bytes(big.read_bytes().ljust(80 << 20, b'\0'))
    pc = machine(cmdline='boot=0x80', mem='192M', modules=[big])
    pc.expect(r'^(panic.CPU0.: Not enough memory: |vellum: )[^\n]*the largest '
              r'[^\n]*piece[^\n]* has 10\d MiB', panic_ends=False)


def test_a_module_that_is_too_large_is_refused(machine, needs_guest,
                                               tmp_path):
    """There are 600 KiB or so below the BIOS's own memory."""
    # pylint: disable=unused-argument
    path = module(tmp_path / 'module')
    path.write_bytes(path.read_bytes().ljust(640 << 10, b'\0'))
    pc = machine(modules=[path])
    pc.expect(r'^vellum: no guest on CPU 0: the module, boot code of 640 KiB, '
              r'does not fit below 0x9[0-9a-f]{4}', panic_ends=False)
