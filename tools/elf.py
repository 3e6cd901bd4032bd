"""Reads as much of an ELF64 file as our tools need: symbols and memory."""
import struct

from common import ToolError

PT_LOAD, SHT_SYMTAB = 1, 2


class Elf:
    """An ELF64 little-endian file."""

    def __init__(self, path):
        self.data = path.read_bytes()
        if self.data[:6] != b'\x7fELF\x02\x01':
            raise ToolError(f'{path} is no 64-bit ELF file')
        header = struct.unpack_from('<QQIHHHHHH', self.data, 32)
        phoff, shoff, _, _, phsize, phnum, shsize, shnum, _ = header
        self._segments = [struct.unpack_from('<IIQQQQQQ', self.data,
                                             phoff + i * phsize)
                          for i in range(phnum)]
        sections = [struct.unpack_from('<IIQQQQIIQQ', self.data,
                                       shoff + i * shsize)
                    for i in range(shnum)]
        self.symbols = {}
        for section in sections:
            if section[1] == SHT_SYMTAB:
                self._read_symbols(section, sections[section[6]])

    def _read_symbols(self, table, names):
        for offset in range(table[4], table[4] + table[5], 24):
            name, _, _, _, value, _ = struct.unpack_from('<IBBHQQ', self.data,
                                                         offset)
            self.symbols[self._text(names[4] + name)] = value

    def _text(self, offset):
        return self.data[offset:self.data.index(b'\0', offset)].decode()

    def _offset(self, address):
        for kind, _, offset, virtual, _, size, _, _ in self._segments:
            if kind == PT_LOAD and virtual <= address < virtual + size:
                return offset + address - virtual
        raise ToolError(f'address {address:#x} is not in the file')

    def words(self, address, count):
        """count 64-bit numbers at a virtual address."""
        return struct.unpack_from(f'<{count}Q', self.data,
                                  self._offset(address))

    def put(self, symbol, value):
        """Set the 64-bit variable of that name, in our copy of the file."""
        if symbol not in self.symbols:
            raise ToolError(f'no symbol {symbol} in the file')
        at = self._offset(self.symbols[symbol])
        self.data = (self.data[:at] + struct.pack('<Q', value)
                     + self.data[at + 8:])

    def string(self, address):
        """The zero-terminated string at a virtual address."""
        return self._text(self._offset(address))
