"""`make bench`: what Vellum costs, beside the bare machine in the same run.

The same Linux boots under Vellum and natively. With QEMU's -icount shift=0 the
TSC counts instructions, so those figures repeat exactly; times on the clock
are taken in runs of their own. A disk is read by DMA with the IOMMU and
without, in turn. NET=1 adds two boots whose log goes over the network.
Prints a table and writes build/bench.json; the status is 1 when a budget is
not kept.
"""
import json
import os
import re
import sys
import time
from pathlib import Path

import expectations
import linux_guest
import network
from common import BUILD, ToolError, image, main
from emulator import Machine

LIMIT = {'qemu': 400, 'bochs': 900}
# Of the instructions to the guest 10 million are the 10 ms that the census of
# CPUs waits between INIT and start-up IPI (SDM 3A 9.4.4.1).
BUDGETS = {'exits without CPUID': 20, 'share of Vellum': 0.5,
           'instructions to the guest': 45_000_000,
           'message there and back': 3000, "pages of the shell's domain": 16}
# DMA itself has no exits, with an IOMMU or without. AMD's table of devices is
# counted by itself.
IOMMU_BUDGETS = {"pages of tables for 8 GiB": 16,
                 'exits that a reading has more': 1}
DEVICES = {'intel-iommu,intremap=off': 0, 'amd-iommu': 512}
LEAVE = 'intel_iommu=off amd_iommu=off'     # Linux would take it
READINGS, READ = 16, 128        # how often; MiB
# A card that is hidden costs exits at the ports of PCI's configuration space.
NETWORK_BUDGETS = {'exits without CPUID and ports': 20}
HZ = 1_000_000_000      # TSC ticks per second with -icount shift=0


def boot(emu, icount, cpus=1, vellum=True, cmdline=None, ear=None):
    """Boot the demo; the console's text, and seconds to "demo: done". The log
    goes to ear, a network.Receiver, as well."""
    disk = linux_guest.build(batch=True, cmdline=cmdline)
    print(f'bench: Linux on {cpus} CPU{"s" if cpus > 1 else ""}, '
          + ('under Vellum' if vellum else 'on the bare machine')
          + (', each instruction a cycle' if icount else '')
          + (', with a network' if ear else '') + ' ...',
          flush=True)
    start = time.monotonic()
    with Machine(image('final') if vellum else None, emu=emu, disk=disk,
                 cmdline='boot=0x80 hypercall ' + (ear.words if ear else ''),
                 nic='e1000' if ear else None, icount=icount,
                 limit=LIMIT[emu], cpus=cpus,
                 name='bench' if vellum else 'bench-native') as machine:
        machine.expect(r'^demo: done\n')
        seconds = time.monotonic() - start
        machine.wait_exit()
        missing = vellum and expectations.missing_lines(
            machine.serial, {**expectations.DEMO_VELLUM,
                             **expectations.DEMO_HYPERCALL})
        if ear:
            missing += ear.faults(machine.serial)
        if missing:
            machine.fail('not seen: ' + '; '.join(missing))
        return machine.serial, seconds


def number(pattern, text):
    """The number that a pattern's group finds in text."""
    found = re.search(pattern, text, re.MULTILINE)
    return float(found[1]) if found else float('nan')


def uptime(text):
    """Seconds since Linux started its clock, when the demo reports."""
    return number(r'^demo: uptime and idle seconds: (\S+)', text)


def exits(text):
    """The table of vellumctl stats: name -> (count, cycles)."""
    table = text[text.index('\nexit '):]
    table = table[:table.index('\nin Vellum:')].splitlines()[2:]
    rows = (re.fullmatch(r'(.+?) +(\d+) +(\d+) +\d+', row.strip())
            for row in table)
    return {row[1]: (int(row[2]), int(row[3])) for row in rows if row}


def figures(text):
    """All figures that a run under Vellum printed."""
    table = exits(text)
    since = number(r'since the launch: (\d+) cycles', text)
    inside = number(r'of these in Vellum: (\d+)', text)
    idle = number(r'^demo: uptime and idle seconds: \S+ (\S+)', text)
    busy = since - inside - idle * HZ
    of_domains = r'^demo: shell: bench: {}: (\d+)'
    return {
        'exits': {name: count for name, (count, _) in table.items()},
        'cycles': {name: cycles for name, (_, cycles) in table.items()},
        'exits without CPUID': table['without CPUID'][0],
        'instructions to the guest':
            number(r"the guest's first instruction: (\d+)", text),
        'instructions since the launch': since,
        'instructions in Vellum': inside,
        'instructions of the guest': busy,
        'share of Vellum': 100 * inside / busy,
        'guest uptime': uptime(text),
        'message there and back':
            number(of_domains.format('a message there and back'), text),
        'start and end of a domain':
            number(of_domains.format('start, message and end of a domain'),
                   text),
        "pages of the shell's domain":
            number(of_domains.format("the shell's domain"), text),
    }


def print_row(name, value, unit, budget=None):
    """One line of the table, with its budget and whether it is kept."""
    verdict = ''
    if budget is not None:
        verdict = f'budget {budget:g}: ' + \
            ('kept' if value <= budget else 'NOT KEPT')
    print(f'  {name:<36} {value:>14,.3f} {unit:<4} {verdict}'.rstrip())


def over_budget(result, budgets=None):
    """Names of the budgets that are not kept; no number keeps none."""
    return [name for name, budget in (budgets or BUDGETS).items()
            if not result[name] <= budget]


def print_table(result):
    """The report for people."""
    print('Exits of the guest, from its start to the reading of the counters:')
    for name, count in result['exits'].items():
        print(f'  {name:<36} {count:>14,} '
              f'{result["cycles"][name]:>14,} cycles')
    print('Budgets:')
    for name, budget in BUDGETS.items():
        print_row(name, result[name], '%' if 'share' in name else '', budget)
    print('Instructions since the launch:')
    for name in ('instructions in Vellum', 'instructions of the guest'):
        print_row(name, result[name], '')
    print('Instructions of a program in ring 3:')
    for name in ('message there and back', 'start and end of a domain'):
        print_row(name, result[name], '')
    print('Against the bare machine:')
    for name in ('guest uptime', 'native uptime', 'wall time',
                 'native wall time'):
        print_row(name, result[name], 's')
    print_row('uptime ratio', result['uptime ratio'], '')
    print_row('wall time ratio', result['wall time ratio'], '')


def many_cpus(emu):
    """Wall time on 2 and 4 CPUs, and what one more CPU costs."""
    result = {}
    for cpus in (2, 4) if emu == 'qemu' else (2,):
        text, ours = boot(emu, False, cpus)
        native = boot(emu, False, cpus, vellum=False)[1]
        result[f'wall time, {cpus} CPUs'] = ours
        result[f'native wall time, {cpus} CPUs'] = native
        result[f'wall time ratio, {cpus} CPUs'] = ours / native
        result[f'exits, {cpus} CPUs'] = {
            name: count for name, (count, _) in exits(text).items()}
    free = number(r'^page: .*, (\d+) free', text)
    each = number(r'CPUs are under Vellum; (\d+) pages for each', text)
    result['pages for each CPU'] = each
    result['most CPUs in 128 MiB'] = 1 + free // each
    print('More than one CPU:')
    for name, value in result.items():
        if isinstance(value, dict):
            print(f'  {name}: ' + ', '.join(
                f'{reason} {count:,}' for reason, count in value.items()))
        else:
            print_row(name, value, 's' if 'time' in name
                      and 'ratio' not in name else '')
    return result


def over_network(emu, without):
    """What a log over the network adds to the figures of the boots without."""
    result = {}
    for icount in (emu == 'qemu', False):
        with network.Receiver('udp') as ear:
            text, seconds = boot(emu, icount, ear=ear)
        result = result or figures(text)
    result['wall time'] = seconds
    print('With the log over the network; and without:')
    for each in (result, without):
        each['exits at ports'] = each['exits'].get('IO', 0)
        each['exits without CPUID and ports'] = \
            each['exits without CPUID'] - each['exits at ports']
    for name in ('exits at ports', 'exits without CPUID and ports',
                 'instructions to the guest', 'instructions in Vellum',
                 'guest uptime', 'wall time'):
        print(f'  {name:<36} {result[name]:>14,.3f} {without[name]:>14,.3f}')
    return result


def reader(unit, words):
    """A machine with that IOMMU, and a disk of zeros, whose Linux is booted.
    The unit is Vellum's or nobody's."""
    # Interrupt remapping is off: see the book, appendix on emulators.
    machine = Machine(
        image('final'), disk=linux_guest.build(cmdline=LEAVE),
        cmdline=f'boot=0x80 hypercall {words}', mem='8G',
        limit=LIMIT['qemu'], name='bench-read', extra_args=(
            '-machine', 'q35,smm=off', '-device', unit, '-drive', 'if=none,'
            f'id=zeros,driver=null-co,read-zeroes=on,size={READ}M',
            '-device', 'nvme,serial=1,drive=zeros'))
    machine.expect('poweroff ends')
    return machine


def cpu_seconds(machine):
    """What QEMU has taken of this computer's CPUs: not what else runs."""
    timeout = machine.process.pid
    children = Path(f'/proc/{timeout}/task/{timeout}/children').read_text()
    # As clock_getcpuclockid(3) does.
    return time.clock_gettime(~int(children) << 3 | 2)


def reading(machine):
    """Have its Linux read the disk by DMA; seconds of this computer's CPUs,
    and exits but CPUID's."""
    start = cpu_seconds(machine)
    machine.send('vellumctl stats; dd if=/dev/nvme0n1 of=/dev/null bs=1M '
                 'iflag=direct; vellumctl stats\n')
    exits_seen = [int(machine.expect(
        before + r'^without CPUID +(\d+) [^\n]*\nin Vellum: [^\n]*\n')[1])
                  for before in ('', rf'^{READ}\+0 records out\n[^\0]*?')]
    return cpu_seconds(machine) - start, exits_seen[1] - exits_seen[0]


def read_by_dma(unit):
    """What the IOMMU adds to readings of a disk. Both machines run at once
    and read in turn: what else the computer does slows down both."""
    print(f'bench: a disk is read {READINGS} times with {unit}, and without '
          '...', flush=True)
    with reader(unit, '') as ours, reader(unit, 'iommu=off') as without:
        # In the first one Linux makes itself ready.
        pairs = [(reading(ours), reading(without))
                 for _ in range(READINGS + 1)][1:]
        tables = number(r'^iommu: .*, (\d+) pages of tables: devices are kept',
                        ours.serial)
    most = [sum(each[1] for each in side) for side in zip(*pairs)]
    least = [min(each[0] for each in side) for side in zip(*pairs)]
    pages, more = IOMMU_BUDGETS
    return {pages: tables - DEVICES[unit],
            'pages of the table of devices': DEVICES[unit],
            more: (most[0] - most[1]) / READINGS,
            'CPU seconds of the fastest reading': least[0],
            'the same without': least[1],
            'reading ratio': least[0] / least[1]}


def with_iommus():
    """Both vendors' IOMMUs: name -> figures."""
    result = {}
    for unit in DEVICES:
        name = unit.split(',', maxsplit=1)[0]
        result[name] = read_by_dma(unit)
        print(f'With {name}, and without, {READ} MiB read by DMA:')
        for row, value in result[name].items():
            print_row(row, value, '', IOMMU_BUDGETS.get(row))
    return result


def bench(emu):
    """Run all boots and report; the exit status."""
    icount = emu == 'qemu'      # in Bochs the TSC always counts instructions
    boots = ((12 if emu == 'qemu' else 6)
             + 2 * bool(os.environ.get('NET')))
    print(f'bench: {boots} boots of Linux in {emu}')
    counted, _ = boot(emu, icount, cmdline='demo.shell=bench')
    native, _ = boot(emu, icount, vellum=False)
    result = figures(counted)
    result['native uptime'] = uptime(native)
    result['uptime ratio'] = (result['guest uptime']
                              / result['native uptime'])
    result['wall time'] = boot(emu, False)[1]
    result['native wall time'] = boot(emu, False, vellum=False)[1]
    result['wall time ratio'] = (result['wall time']
                                 / result['native wall time'])
    print_table(result)
    result['many CPUs'] = many_cpus(emu)
    broken = over_budget(result)
    if emu == 'qemu':       # Bochs has no IOMMU
        result['IOMMUs'] = with_iommus()
        for figure in result['IOMMUs'].values():
            broken += over_budget(figure, IOMMU_BUDGETS)
    if os.environ.get('NET'):
        result['network'] = over_network(emu, result)
        broken += over_budget(result['network'], NETWORK_BUDGETS)
    target = BUILD / 'bench.json'
    target.write_text(json.dumps({
        'emu': emu, 'budgets': BUDGETS | IOMMU_BUDGETS, **result},
                                 indent=1) + '\n')
    print(f'{target}')
    if broken:
        raise ToolError('budget not kept: ' + ', '.join(broken))
    return 0


if __name__ == '__main__':
    main(lambda: bench((sys.argv[1:] or [os.environ.get('EMU') or 'qemu'])[0]))
