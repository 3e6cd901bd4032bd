"""What can be chosen about an emulated machine, with its checks."""
from dataclasses import dataclass
from pathlib import Path

from common import ToolError, built_with, need_file
from values import (CARDS, FIRMWARE, MACHINES, megabytes, number, one_of,
                    refuse)

LIMITS = {'qemu': 120, 'bochs': 300, 'kvm': 120}
# The option without which Vellum does not start on such a machine.
NEEDS = {'qemu': 'SVM', 'bochs': 'VMX', 'uefi': 'UEFI'}


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
    conf: Path = None           # Vellum's file of settings, vellum.conf
    shell: tuple = None         # UEFI: lines for the shell (see uefi.py)
    files: dict = None          # UEFI: more files on Vellum's volume
    nic: str = None             # a network card of CARDS, to this computer
    cpu: str = None             # model; QEMU: or "+a,-b" against our list
    extra_args: tuple = ()      # QEMU: arguments; Bochs: bochsrc lines
    icount: bool = False        # QEMU: the TSC counts instructions
    reboot: bool = False        # QEMU: a reset restarts (else ends the run)
    writable: bool = False      # the guest's writes reach the disk image
    ignore_bad_msrs: bool = True        # Bochs
    triple_fault_resets: bool = True    # Bochs
    debugger: bool = False      # Bochs: stops at XCHG BX, BX: debug()
    interactive: bool = False   # the console is for the terminal: interact()
    echo: bool = False          # show the console's output as it comes
    limit: int = None           # seconds
    name: str = None            # of the run's directory
    repeat: str = None          # command that repeats this, for messages
    wrap: object = None         # QEMU: makes its command one in a sandbox

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
        one_of('EMU', self.emu, MACHINES)
        if self.icount and self.emu != 'qemu':
            raise ToolError(f'EMU={self.emu} has no icount: only QEMU\'s '
                            'emulated CPU can count its instructions')
        one_of('FIRMWARE', self.firmware, FIRMWARE)
        if self.modules and self.firmware == 'uefi':
            raise ToolError('Multiboot modules go with FIRMWARE=bios')
        number('CPUS', str(self.cpus), 1)
        if self.nic:
            one_of('NIC', self.nic, CARDS[self.emu])
        megabytes(self.mem)
        for path in (self.image, self.disk, self.cdrom, self.conf,
                     *self.modules):
            if path:
                need_file(path, f'the {self.emu} machine')
        options = built_with(self.image) if self.image else {}
        for name, value in (('EMU', self.emu), ('FIRMWARE', self.firmware)):
            if options.get(NEEDS.get(value)) == '':
                refuse(name, value, 'Vellum was built without '
                       f'CONFIG_{NEEDS[value]}')
