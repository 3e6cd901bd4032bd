"""Writes an initramfs: a cpio archive ("newc") compressed with gzip.

Written out here, it needs no root for the device node and comes out the same
for the same input. The format is in the kernel's buffer-format.rst.
"""
import gzip
import io
import stat


class Initramfs:
    """Collects files, then gives the bytes of the compressed archive."""

    def __init__(self):
        self._out = io.BytesIO()
        self._inode = 0

    def _pad(self):
        self._out.write(b'\0' * (-self._out.tell() % 4))

    def _entry(self, name, mode, data=b'', device=(0, 0)):
        self._inode += 1
        raw = name.encode() + b'\0'
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (self._inode, mode, 0, 0, links, 0, len(data), 0, 0,
                  device[0], device[1], len(raw), 0)
        self._out.write(b'070701')
        self._out.write(b''.join(b'%08x' % field for field in fields))
        self._out.write(raw)
        self._pad()
        self._out.write(data)
        self._pad()

    def folder(self, name):
        """Add an empty directory."""
        self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        """Add a file with these bytes."""
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        """Add a symbolic link."""
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        """Add a character device."""
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self):
        """The archive as gzip'ed bytes."""
        self._inode = -1
        self._entry('TRAILER!!!', 0)
        return gzip.compress(self._out.getvalue(), 6, mtime=0)
