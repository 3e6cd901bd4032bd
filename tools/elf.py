"""What our tools read from an ELF file: symbols and memory, by pyelftools."""
import io
import struct
from pathlib import Path

from common import ToolError, wrong_python

try:
    from elftools.common.exceptions import ELFError
    from elftools.common.utils import parse_cstring_from_stream
    from elftools.elf.constants import P_FLAGS
    from elftools.elf.elffile import ELFFile
except ImportError as missing:
    wrong_python(missing)


class Elf:
    """A file, and a copy of its bytes to change."""

    def __init__(self, path):
        self.data = bytearray(Path(path).read_bytes())
        try:
            self._file = ELFFile(io.BytesIO(self.data))
        except ELFError as error:
            raise ToolError(f'{path} is no ELF file') from error
        table = self._file.get_section_by_name('.symtab')
        self.symbols = {each.name: each['st_value']
                        for each in table.iter_symbols()}
        self.sizes = {each.name: each['st_size']
                      for each in table.iter_symbols()}

    def _offset(self, address):
        for offset in self._file.address_offsets(address):
            return offset
        raise ToolError(f'address {address:#x} is not in the file')

    def load_address(self):
        """The lowest physical address that the file is loaded to."""
        return min(segment['p_paddr'] for segment
                   in self._file.iter_segments('PT_LOAD'))

    def read_only(self):
        """(virtual address, bytes) of each segment that is not writable."""
        return [(segment['p_vaddr'], segment.data()) for segment
                in self._file.iter_segments('PT_LOAD')
                if not segment['p_flags'] & P_FLAGS.PF_W]

    def words(self, address, count):
        """count 64-bit numbers at a virtual address."""
        return struct.unpack_from(f'<{count}Q', self.data,
                                  self._offset(address))

    def put(self, symbol, value):
        """Set the 64-bit variable of that name, in our copy of the file."""
        if symbol not in self.symbols:
            raise ToolError(f'no symbol {symbol} in the file')
        struct.pack_into('<Q', self.data, self._offset(self.symbols[symbol]),
                         value)

    def string(self, address):
        """The zero-terminated string at a virtual address."""
        return parse_cstring_from_stream(
            self._file.stream, self._offset(address)).decode()
