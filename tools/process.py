"""Helpers for the processes, directories and threads of a run."""
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from common import BUILD


KEEP_RUNS, KEEP_SECONDS = 50, 3600
ROOM = 1 << 20  # what any user may ask for


def _last_written(path):
    """When something in a directory was last written."""
    try:
        return max(each.stat().st_mtime for each in (path, *path.iterdir()))
    except FileNotFoundError:   # a run that is ending tidies up
        return time.time()


def remove_old_runs(runs):
    """Keep the newest, and all that may be in use: those written to within
    the last hour."""
    newest_first = sorted(((_last_written(path), path)
                           for path in runs.iterdir()), reverse=True)
    for written, path in newest_first[KEEP_RUNS:]:
        if written < time.time() - KEEP_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def run_directory(name):
    """Make a new directory build/runs/NAME-N; old ones go."""
    runs = BUILD / 'runs'
    runs.mkdir(parents=True, exist_ok=True)
    lock = os.open(runs, os.O_RDONLY)
    try:
        # Nobody must remove an old NAME-N that another has just made anew.
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_old_runs(runs)
        number = 1
        while (path := runs / f'{name}-{number}').exists():
            number += 1
        path.mkdir()
        return path
    finally:
        os.close(lock)


def roomy_pipe():
    """A pipe that holds a whole boot's output, its ends to read and to write.
    An emulated UART whose output is not taken stalls, and OVMF gives its
    console up after 0.2 ms of that. (A socket has room for some 270 characters
    that come one by one.)"""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, ROOM)
    return ends


def spawn(argv, limit, **kwargs):
    """Start argv in a process group of its own, under timeout(1), which
    ends it even when this program is gone by then."""
    if limit:
        argv = ['timeout', '-k', '5', str(int(limit) + 30), *argv]
    return subprocess.Popen(argv, start_new_session=True, **kwargs)


def alive(group):
    """Does a process group still have a process that runs?"""
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            # pid (name) state ppid pgrp: the name may hold anything.
            state, _, pgrp = stat.read_text().rpartition(')')[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state not in 'ZX':
            return True
    return False


def end(process, politely=True):
    """End a process, and its group when it leads one: politely, then for
    good. Nothing is looked up by name."""
    if process.poll() is not None:
        return
    try:
        leads = os.getpgid(process.pid) == process.pid
    except ProcessLookupError:      # it ended, and another thread knows it
        process.wait()
        return
    polite = (signal.SIGTERM,) if politely else ()
    for number in (*polite, signal.SIGKILL):
        try:
            if leads:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            pass
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            gone = process.poll() is not None
            if gone and not (leads and alive(process.pid)):
                return
            time.sleep(0.02)


def _copy(fd, path):
    with open(path, 'wb', 0) as out, os.fdopen(fd, 'rb', 0) as source:
        try:
            while data := source.read(65536):
                out.write(data)
        except OSError:     # EIO: the other end is closed
            pass


def drain(fd, path):
    """Copy all that comes from fd to a file, in the background, so that
    whoever writes there never has to wait."""
    thread = threading.Thread(target=_copy, args=(fd, path), daemon=True)
    thread.start()
    return thread


def close_after(process, fd):
    """Close fd when process has ended, in the background."""
    def wait():
        process.wait()
        os.close(fd)
    threading.Thread(target=wait, daemon=True).start()
