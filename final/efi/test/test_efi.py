"""vellum.efi in the emulators: the file itself, its errors, its options."""
import re
import struct
import subprocess

import pytest

import uefi

MIB = 1 << 20
NX_COMPAT = 0x100
WRITE, EXECUTE = 0x80000000, 0x20000000


@pytest.fixture
def loader(image):
    """The path of vellum.efi."""
    return image.with_suffix('.efi')


@pytest.fixture
def shell(machine, loader):
    """A function that runs lines in the UEFI shell; the machine."""
    def start(lines, files=None, **settings):
        files = {'vellum.efi': loader, **(files or {})}
        return machine(native=True, firmware='uefi', files=files,
                       shell=(*lines, 'reset -s'), **settings)
    return start


def run_of(name):
    """Shell lines: run vellum.efi in a folder of that name."""
    return [f'echo begin {name}', f'{name}\\vellum.efi', uefi.STATUS]


def said(pc, name):
    """What was printed between run_of's first line and its last."""
    found = re.search(rf'^begin {name}\n(.*?^status \S+)', pc.serial,
                      re.M | re.S)
    assert found, f'no run of {name}'
    return found[1]


def sections(data):
    """A PE file's DLL flags, and its sections: name -> (rights, content)."""
    head, = struct.unpack_from('<I', data, 0x3c)
    assert data[head:head + 4] == b'PE\0\0'
    count, = struct.unpack_from('<H', data, head + 6)
    optional, = struct.unpack_from('<H', data, head + 20)
    flags, = struct.unpack_from('<H', data, head + 24 + 70)
    first = head + 24 + optional
    found = {}
    for at in range(first, first + 40 * count, 40):
        name, _, _, size, offset, rights = struct.unpack_from(
            '<8sIIII12xI', data, at)
        found[name.rstrip(b'\0').decode()] = (rights,
                                              data[offset:offset + size])
    return flags, found


def test_no_section_is_both_written_and_executed(loader):
    """And the header says that we can live with that being enforced."""
    flags, found = sections(loader.read_bytes())
    assert flags & NX_COMPAT
    assert len(found) == 5
    assert not [name for name, (rights, _) in found.items()
                if rights & WRITE and rights & EXECUTE]


def test_the_file_says_to_shim_what_it_is(loader):
    """Six fields in each line of .sbat, plain text; and the version is the
    one that the hypervisor inside has."""
    rights, content = sections(loader.read_bytes())[1]['.sbat']
    text = content.rstrip(b'\0').decode('ascii')
    form, we = [line.split(',') for line in text.splitlines()]
    assert not rights & (WRITE | EXECUTE)
    assert text.endswith('\n')
    assert form[:2] == ['sbat', '1'] and we[:2] == ['vellum', '1']
    assert len(form) == len(we) == 6 and all(form + we)
    assert we[4].encode() + b'\0' in \
        loader.with_name('vellum.elf').read_bytes()


def signed(loader, folder):
    """Sign vellum.efi with a key made for the test; the new file."""
    key, cert, out = (folder / name for name in ('key', 'cert', 'signed.efi'))
    for argv in (
            ['openssl', 'req', '-new', '-x509', '-newkey', 'rsa:2048',
             '-nodes', '-subj', '/CN=test', '-keyout', key, '-out', cert,
             '-days', '2'],
            ['sbsign', '--key', key, '--cert', cert, '--output', out, loader],
            ['sbverify', '--cert', cert, out]):
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return out


def corrupt(loader):
    """vellum.efi with one bit of the hypervisor in it changed."""
    data = bytearray(loader.read_bytes())
    start = data.index(struct.pack('<I', 0x1badb002))   # Multiboot header
    data[start + 1000] ^= 1
    return bytes(data)


def test_trouble_is_explained_and_the_shell_goes_on(shell, loader, tmp_path):
    """Broken files, one after the other; then good ones, which only check the
    machine: by a configuration of which some lines are wrong, and by load
    options, which overrule it; and at last a signed loader without either,
    which goes on as a guest."""
    conf = {'bad': b'hyper\xffcall\n', 'endless': b'# ' * 3000,
            'good': b'# a comment\r\ncheck\r\n console = com2 # more\r\n'
                    b'\r\nconsol = com1\r\npanic = never\r\n'}
    files = {f'{name}/vellum.conf': text for name, text in conf.items()}
    files.update({f'{name}/vellum.efi': loader for name in conf})
    files['corrupt/vellum.efi'] = corrupt(loader)
    files['signed/vellum.efi'] = signed(loader, tmp_path)
    pc = shell([line for name in ('corrupt', *conf)
                for line in run_of(name)] +
               ['echo begin options', 'good\\vellum.efi  check   console=com1',
                uefi.STATUS, *run_of('signed')], files)
    assert pc.wait_exit() == 'poweroff'
    assert 'image inside me is corrupt\nstatus 0x1B' in plain(said(
        pc, 'corrupt'))
    assert 'line 1 is no plain text' in said(pc, 'bad')
    assert 'too long' in said(pc, 'endless')
    for name in ('bad', 'endless'):
        assert 'status 0x2' in said(pc, name)
    for line in (
            r'vellum.conf:5: `consol=com1` is unknown; did you mean `console=',
            r'vellum.conf:6: `panic=never` is wrong: it must be panic=ask|',
            r'setting: check (vellum.conf:2)',
            r'setting: console=com2 (vellum.conf:3)'):
        assert line in said(pc, 'good')
    assert 'setting: panic' not in said(pc, 'good')
    assert 'no load options and no vellum.conf' in said(pc, 'signed')
    assert 'command line: check console=com1\n' in said(pc, 'options')
    assert 'setting: console=com1 (command line)' in said(pc, 'options')
    for name in ('good', 'signed', 'options'):
        assert 'status 0x0' in said(pc, name)


def plain(text):
    """Text without the shell's prompts, commands and colours."""
    text = re.sub(r'\x1b\[[0-9;=]*[A-Za-z]', '', text)
    return re.sub(r'^FS0:.*\n', '', text, flags=re.M)


def test_a_truncated_file_is_refused_by_the_firmware(shell, loader):
    """It never gets to run."""
    pc = shell(['trunc\\vellum.efi'], {
        'trunc/vellum.efi': loader.read_bytes()[:30000]}, limit=60)
    pc.expect(r'Error Status: Unsupported')


def test_too_little_memory_is_explained_in_numbers(shell):
    """The size that is needed, and the size that there is."""
    pc = shell(['vellum.efi', uefi.STATUS], mem='192M')
    line = pc.expect_line('Not enough memory')
    needed, found = map(int, re.search(
        r'needs (\d+) MiB.*has (\d+) MiB', line).groups())
    assert needed == 132 and found < needed
    pc.expect(r'status 0x9\n')
    assert pc.wait_exit() == 'poweroff'


@pytest.mark.slow('1152M', '3G')
@pytest.mark.parametrize('mem', ['1152M', '3G', '5G'])
def test_it_works_wherever_firmware_puts_the_loader(shell, mem):
    """With 1152 MiB the loader itself lies at our virtual address; with 5 GiB
    there is memory above 4 GiB. All memory comes back: after two checks the
    guest is started with the range that both had."""
    pc = shell(['vellum.efi check', uefi.STATUS] * 2 +
               ['vellum.efi', uefi.STATUS], mem=mem)
    assert pc.wait_exit() == 'poweroff'
    assert len(re.findall(r'; back to the firmware\n', pc.serial)) == 2
    assert len(re.findall(r'^status 0x0', pc.serial, re.M)) == 3
    ranges = re.findall(r'range(?: is|:) (0x[0-9a-f]+)', pc.serial)
    assert len(ranges) == 3 and len(set(ranges)) == 1
