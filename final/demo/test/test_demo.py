"""The main job: a stock Linux boots under Vellum, reports and powers off."""
import re

import bench
import expectations
import heapview
import linux_guest
import pytest
from common import command

VMMSIZE = 128 << 20
LIMIT = {'qemu': 240, 'bochs': 480}
SUM_OF_300_MIB = '0d97a9cd8bbd7ce75a2a76bb06258915'     # of zeros


def boot(machine, disk, emu, **settings):
    """Start the Linux demo under Vellum."""
    settings.setdefault('cmdline', 'boot=0x80 hypercall')
    return machine(disk=disk, emu=emu, limit=LIMIT[emu], **settings)


@pytest.mark.usefixtures('needs_guest')
def test_linux_reports_and_powers_off(machine, stage, linux_disk, emu):
    """All that `make run BATCH=1` asks for."""
    guest = boot(machine, linux_disk, emu)
    expectations.banner(guest, stage)
    missing = expectations.linux_demo(guest, False, VMMSIZE)
    assert not missing, guest.fail(f'not seen: {missing}')
    # Loading takes seconds: it shows that it lives, and clears no line above.
    assert re.search(r'^vellum: launching [^\n]*\n\s*GRUB: the kernel ...\s+'
                     r'GRUB: the initramfs ...\s+GRUB: Linux starts ...\s+'
                     r'\[ +0\.0+\] Linux version ', guest.serial, re.M)
    pages, blocks = heapview.parse(guest.serial)
    free = int(re.search(r'^pages: \d+ managed, (\d+) available',
                         guest.serial, re.M)[1])
    assert pages * 4096 >= VMMSIZE
    assert sum(each.pages for each in blocks if each.state == 'free') == free


@pytest.mark.usefixtures('needs_guest')
def test_budgets_are_kept(machine):
    """Few exits, few instructions; with icount the figures repeat exactly."""
    disk = linux_guest.build(batch=True, cmdline='demo.shell=bench')
    guest = boot(machine, disk, 'qemu', icount=True)
    assert guest.wait_exit() == 'poweroff'
    figures = bench.figures(guest.serial)
    over = {name: figures[name] for name, budget in bench.BUDGETS.items()
            if not figures[name] <= budget}
    assert not over


@pytest.mark.usefixtures('needs_guest')
def test_hypercalls_are_refused_unless_allowed(machine, linux_disk):
    """Without the word on the command line the instruction raises #UD."""
    guest = boot(machine, linux_disk, 'qemu', cmdline='boot=0x80')
    guest.expect_line('Vellum refuses hypercalls')
    guest.expect(r'^demo: vellumctl stats: status 3')
    guest.expect(r'^demo: vellumctl shell free: status 3')
    assert guest.wait_exit() == 'poweroff'


@pytest.mark.slow
@pytest.mark.usefixtures('needs_guest')
def test_memory_that_is_added_under_linux_is_used(machine):
    """Above 4 GiB, where no map at boot had any; a file in it takes more than
    there was before."""
    guest = boot(machine, linux_guest.build(), 'qemu',
                 extra_args=('-m', '512M,slots=1,maxmem=2G'))
    guest.expect('poweroff ends')
    guest.qmp('object-add', **{'qom-type': 'memory-backend-ram', 'id': 'more',
                               'size': 512 << 20})
    guest.qmp('device_add', driver='pc-dimm', id='dimm', memdev='more')
    guest.send('cd /sys/devices/system/memory; until [ -d memory35 ]; do '
               'sleep 1; done; for f in memory*/state; do '
               'grep -q offline $f && echo online >$f; done; '
               'echo all is online; mount -t tmpfs -o size=350M t /tmp; '
               'dd if=/dev/zero of=/tmp/x bs=1M count=300; md5sum /tmp/x\n')
    guest.expect('^all is online')
    guest.expect(SUM_OF_300_MIB, timeout=200)
    guest.send('vellumctl check; poweroff\n')
    guest.expect('^check: every invariant')
    assert guest.wait_exit() == 'poweroff'


@pytest.mark.usefixtures('needs_guest')
def test_vellumctl_check_names_what_is_broken(machine, image, tmp_path):
    """GDB changes a number in Vellum's memory, where no guest can reach."""
    door = tmp_path / 'gdb'
    guest = boot(machine, linux_guest.build(), 'qemu', extra_args=(
        '-gdb', f'unix:{door},server=on,wait=off'))
    guest.expect(r'poweroff ends')
    base = re.search(r'^paging: our range is (0x[0-9a-f]+)-', guest.serial,
                     re.M)[1]
    guest.send('vellumctl check; echo status $?\n')
    guest.expect(r'^check: every invariant of Vellum.s memory holds')
    guest.expect(r'^status 0')
    number = f'*(unsigned *)((long)&vmm_pool.available - 0x40000000 + {base})'
    command(['gdb', '-nx', '-batch', image, '-ex', f'target remote {door}',
             '-ex', 'maint packet Qqemu.PhyMemMode:1',
             '-ex', f'set var {number} = {number} + 1', '-ex', 'detach'])
    guest.send('vellumctl check; echo status $?\n')
    guest.expect(r'^check: BROKEN')
    guest.expect(r'^mm_check: page .*: sums do not agree with the pages')
    guest.expect(r'^status 5')
    guest.send('reboot\n')
    assert guest.wait_exit() == 'reset'


def test_vellumctl_says_when_there_is_no_vellum(machine, linux_disk):
    """On the bare machine the tool ends with a clear message."""
    guest = machine(native=True, disk=linux_disk)
    guest.expect_line('the hypervisor is not Vellum')
    guest.expect(r'^demo: vellumctl stats: status 2')
    assert guest.wait_exit() == 'poweroff'


def sleep_in_ram(guest):
    """Linux falls asleep; for it, it does. What Vellum's log has."""
    guest.expect(r'poweroff ends')
    guest.send('cat /sys/power/mem_sleep; echo deep >/sys/power/mem_sleep; '
               'echo mem >/sys/power/state; echo slept $?\n')
    guest.expect(r'^s2idle .*deep')
    guest.expect(r'^slept 0')
    guest.send('vellumctl leaf; vellumctl log; echo end of the log\n')
    guest.expect(r'^VellumVellum')
    guest.expect(r'^end of the log')
    log = guest.serial
    guest.send('poweroff\n')
    assert guest.wait_exit() == 'poweroff'
    return log


@pytest.mark.slow('bochs')
@pytest.mark.usefixtures('needs_guest')
def test_sleep_state_s3_can_be_refused(machine, emu):
    """By s3=off. The guest wakes at once, still under Vellum; and it can power
    off."""
    guest = boot(machine, linux_guest.build(), emu,
                 cmdline='boot=0x80 hypercall s3=off')
    assert re.search(r'^vmm: the guest asked for sleep state S3: refused '
                     r'\(number 1\)', sleep_in_ram(guest), re.M)


@pytest.mark.slow
@pytest.mark.usefixtures('needs_guest')
def test_linux_wakes_under_vellum_with_vmx(machine):
    """Bochs wakes at once, by a reset that its firmware takes for a wake-up.
    (With SVM: sleep/test.)"""
    guest = boot(machine, linux_guest.build(), 'bochs')
    assert re.search(r'^sleep: the guest wakes at 0x[0-9a-f]+ \(number 1\)',
                     sleep_in_ram(guest), re.M)
