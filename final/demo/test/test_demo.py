"""The main job: a stock Linux boots under Vellum, reports and powers off."""
import bench
import expectations
import pytest

VMMSIZE = 128 << 20
LIMIT = {'qemu': 240, 'bochs': 480}


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


@pytest.mark.usefixtures('needs_guest')
def test_budgets_are_kept(machine, linux_disk):
    """Few exits, few instructions; with icount the figures repeat exactly."""
    guest = boot(machine, linux_disk, 'qemu', icount=True)
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
    assert guest.wait_exit() == 'poweroff'


def test_vellumctl_says_when_there_is_no_vellum(machine, linux_disk):
    """On the bare machine the tool ends with a clear message."""
    guest = machine(native=True, disk=linux_disk)
    guest.expect_line('the hypervisor is not Vellum')
    guest.expect(r'^demo: vellumctl stats: status 2')
    assert guest.wait_exit() == 'poweroff'
