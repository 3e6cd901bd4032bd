"""What can be chosen about an emulated machine, with its checks."""
from dataclasses import dataclass
from pathlib import Path

from bochs import megabytes
from common import ToolError, need_file

EMULATORS = ('qemu', 'bochs')
# For `make run` only: what the tests expect is known of the emulators.
MACHINES = (*EMULATORS, 'kvm')
FIRMWARE = ('bios', 'uefi')
LIMITS = {'qemu': 120, 'bochs': 300, 'kvm': 120}
# The settings of run.py (make run), and what they are when not given.
RUN_DEFAULTS = {
    'STAGE': 'final', 'EMU': 'qemu', 'FIRMWARE': 'bios', 'CPUS': '1',
    'MEM': '512M', 'GUEST': '', 'KERNEL': '', 'INITRD': '', 'CMDLINE': '',
    'OPTIONS': '', 'EMU_ARGS': '', 'TIMEOUT': '', 'BATCH': '', 'TEST': '',
    'NATIVE': '', 'VMMSIZE_ALL': str(128 << 20),
}
# What make builds into the image that is booted, beside TEST and VMMSIZE_ALL.
BUILT_IN = ('MM_FAIL_AT', 'EPT_PREALLOC')


@dataclass
class Settings:
    """A machine. Without image the guest runs natively, without Vellum."""
    # pylint: disable=too-many-instance-attributes
    image: Path = None
    emu: str = 'qemu'
    firmware: str = 'bios'
    mem: str = '512M'
    cpus: int = 1
    cmdline: str = ''           # Vellum's command line
    disk: Path = None           # the guest's disk, drive 0x80
    cdrom: Path = None
    modules: tuple = ()         # Multiboot modules
    shell: tuple = None         # UEFI: lines for the shell (see uefi.py)
    files: dict = None          # UEFI: more files on Vellum's volume
    cpu: str = None             # model; QEMU: or "+a,-b" against our list
    extra_args: tuple = ()      # QEMU: arguments; Bochs: bochsrc lines
    icount: bool = False        # QEMU: the TSC counts instructions
    reboot: bool = False        # QEMU: a reset restarts (else ends the run)
    writable: bool = False      # the guest's writes reach the disk image
    ignore_bad_msrs: bool = True        # Bochs
    triple_fault_resets: bool = True    # Bochs
    interactive: bool = False   # the console is for the terminal: interact()
    echo: bool = False          # show the console's output as it comes
    limit: int = None           # seconds
    name: str = None            # of the run's directory
    repeat: str = None          # command that repeats this, for messages

    def __post_init__(self):
        self.mem = str(self.mem)
        self._check()
        if not self.limit and not self.interactive:
            self.limit = LIMITS[self.emu]
        if not self.name:
            label = Path(self.image).parent.name if self.image else 'native'
            self.name = f'{label}-{self.emu}'

    def _check(self):
        """Raise a clear error for what makes no sense."""
        if self.emu not in MACHINES:
            raise ToolError(f'EMU={self.emu}: there are '
                            + ', '.join(MACHINES))
        if self.icount and self.emu != 'qemu':
            raise ToolError(f'EMU={self.emu} has no icount: only QEMU\'s '
                            'emulated CPU can count its instructions')
        if self.firmware not in FIRMWARE:
            raise ToolError(f'FIRMWARE={self.firmware}: there are bios '
                            'and uefi')
        if self.modules and self.firmware == 'uefi':
            raise ToolError('Multiboot modules go with FIRMWARE=bios')
        if self.cpus < 1:
            raise ToolError(f'CPUS={self.cpus}: at least 1')
        if megabytes(self.mem) < 1:
            raise ToolError(f'MEM={self.mem}: at least 1M')
        for path in (self.image, self.disk, self.cdrom, *self.modules):
            if path:
                need_file(path, f'the {self.emu} machine')
