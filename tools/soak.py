"""`make soak N=20`: boots in a row, to find what goes wrong only sometimes.

  soak.py N [CPUS...]   N boots of the Linux demo, on each number in its turn;
                        then, without CPUS, N reboots in a row on each of two
                        kinds of machine, and all kinds of reboot on all
  soak.py N WAYS...     N reboots in a row in each of these ways, on machines
                        with all features: an IOMMU, Vellum's network card, and
                        its log over that, which must arrive whole

Each boot takes CPUs away and brings them back, too. Each kind of reboot comes
twice; with N below 20 once, only in QEMU, which is quicker, and without kdump.
One that fails under Vellum is tried on the bare machine: what doesn't work
there either is no fault of Vellum's. It is kept in build/reboots.json, and not
tried again. What fails is reported with its log, and the others go on.
"""
import json
import multiprocessing
import os
import signal
import sys
from contextlib import contextmanager

import expectations
import linux_guest
import network
import reboot
import values
from common import BUILD, ToolError, image, locked, main
from emulator import Machine
from reboot import Kind

CPUS = (2, 4)
LIMIT = 300
THOROUGH = 20           # from this N on
ROWS = ((Kind('qemu', 'bios', 1), 'kbd'), (Kind('qemu', 'uefi', 4), 'acpi'))
KINDS = [Kind('qemu', firmware, cpus) for firmware in ('bios', 'uefi')
         for cpus in (1, 4)]
# OVMF never comes up again in Bochs, and fills the disk with its complaints.
SLOW_KINDS = [Kind('bochs', 'bios', cpus) for cpus in (1, 2)]
FULL = [Kind('qemu', 'bios', 4, 'intel-iommu'),
        Kind('qemu', 'uefi', 4, 'amd-iommu')]
KNOWN = BUILD / 'reboots.json'
LOADED = ('kexec', 'kdump')


def boot(cpus):
    """One boot; raises an error that says what was missing."""
    disk = linux_guest.build(batch=True, cmdline='demo.hotplug=3')
    with Machine(image('final'), disk=disk, cpus=cpus, limit=LIMIT,
                 name='soak', cmdline='boot=0x80 hypercall') as machine:
        missing = expectations.linux_demo(machine, False, reboot.VMMSIZE)
        if missing:
            machine.fail('not seen: ' + '; '.join(missing))


def say(what, result):
    """One line, or more, at once: others print at the same time."""
    print(f'soak: {what}: {result}\n', end='', flush=True)


def boots(job):
    """Number and CPUs of a boot; the number of failures."""
    times, cpus = job
    try:
        boot(cpus)
    except ToolError as error:
        say(f'boot {times}, on {cpus} CPUs', f'FAILED\n{error}')
        return 1
    say(f'boot {times}, on {cpus} CPUs', 'ok')
    return 0


def known(kind, way=None):
    """The ways in which such a machine doesn't reboot without Vellum, from
    earlier; way is one more."""
    with locked(KNOWN) as file:
        file.seek(0)
        found = json.loads(file.read() or '{}')
        if way:
            found.setdefault(str(kind), []).append(way)
            file.truncate(0)
            file.write(json.dumps(found, indent=1) + '\n')
    return found.get(str(kind), [])


def reboots_natively(kind, way):
    """Does it without Vellum? (Only Vellum has a panic, or an IOMMU on.)"""
    try:
        if way not in ('panic', 'warm'):
            with Machine(**reboot.settings(kind, True, [way])) as pc:
                reboot.life(pc, [way])
    except ToolError:
        return False
    return True


@contextmanager
def started(kind, ways):
    """A machine that runs, for these ways. With all features, what was told
    over the network must have arrived in the end."""
    settings = reboot.settings(kind, ways=ways)
    if not kind.iommu:
        with Machine(**settings) as machine:
            yield machine
        return
    with network.Receiver('udp') as ear:
        settings['cmdline'] += f' {ear.words}'
        with Machine(**settings) as machine:
            yield machine
            wrong = ear.faults(machine.serial)
            if wrong:
                machine.fail(f'not heard: {"; ".join(wrong)}')


def reboots(job):
    """Reboot a kind of machine in these ways, and start a new one after each
    failure; the number of failures."""
    kind, left = job
    failures = 0
    while left:
        done = []

        def well(way, done=done):
            done.append(way)
            say(f'{kind}: {way}', 'ok')

        try:
            with started(kind, left) as machine:
                reboot.life(machine, left, after=well)
        except ToolError as error:
            way = (left[len(done):] or left[-1:])[0]
            if reboots_natively(kind, way):
                failures += 1
                say(f'{kind}: {way}', f'FAILED\n{error}')
            else:
                known(kind, way)
                say(f'{kind}: {way}', 'does not reboot without Vellum either')
            left = [each for each in left[len(done):] if each != way]
        else:
            left = []
    return failures


def all_kinds(thorough):
    """Jobs for reboots(): each kind of machine, and each way on it. Those by
    kexec have a larger initramfs, and so a machine of their own."""
    for kind in KINDS + (SLOW_KINDS + FULL if thorough else []):
        ways = [way for way in kind.ways() if way not in known(kind)
                and (thorough or way != 'kdump')]
        for some in ([way for way in ways if way not in LOADED],
                     [way for way in ways if way in LOADED]):
            if some:
                yield kind, [way for way in some
                             for _ in range(2 if thorough else 1)]


def call(job):
    """Run a job, in a process of its own."""
    function, argument = job
    return function(argument)


def run(jobs):
    """All jobs, each in a process; the number of failures."""
    # Ctrl-C is for us: leaving the pool ends its processes, by a signal that
    # has each end its emulator.
    with multiprocessing.Pool(min(os.cpu_count(), 4), signal.signal,
                              (signal.SIGINT, signal.SIG_IGN)) as pool:
        return sum(pool.imap_unordered(call, jobs))


def soak(times, cpu_counts, ways):
    """All boots and reboots; the exit status."""
    counts = cpu_counts or CPUS
    if ways:
        jobs = [(reboots, (kind, [way] * times)) for way in ways
                for kind in FULL if way in kind.ways()]
    else:
        jobs = [(boots, (turn, counts[turn % len(counts)]))
                for turn in range(1, times + 1)]
    if not cpu_counts and not ways:
        jobs += [(reboots, (kind, [way] * times)) for kind, way in ROWS]
        jobs += [(reboots, job) for job in all_kinds(times >= THOROUGH)]
    failures = run(jobs)
    if not cpu_counts:
        for kind in KINDS + SLOW_KINDS + FULL:
            if known(kind):
                say(kind, 'does not reboot on the bare machine either by '
                    f'{", ".join(known(kind))} ({KNOWN})')
    print(f'soak: {failures} failures')
    return 1 if failures else 0


def start(argv):
    """soak.py N [CPUS... | WAYS...]."""
    times = values.number('N', argv[0] if argv else '', 1)
    ways = [word for word in argv[1:] if word in reboot.WAYS]
    counts = [values.number('CPUS', word, 1, values.MOST_CPUS['qemu'])
              for word in argv[1:] if word not in reboot.WAYS]
    if ways and counts:
        raise ToolError('CPUS= are of boots, WAYS= of reboots: choose')
    return soak(times, counts, ways)


if __name__ == '__main__':
    main(lambda: start(sys.argv[1:]))
