"""Run a program that we don't trust: a student's, or a compiler that reads a
student's files.

It is an unprivileged user, has limits of time, memory, processes and files, no
network, and sees nothing but /usr and what it is given, read-only unless it is
to write there. bubblewrap does that (no daemon, no systemd). Where it can't,
as in a container without namespaces, limits remain, and for root an
unprivileged user: missing() says so.
"""
import functools
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from common import ToolError

NOBODY = '65534'
MIB = 1 << 20
OUTPUT = 8 * MIB        # what a program may print
VIEW = ('--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin',
        '--symlink', 'usr/sbin', '/sbin', '--symlink', 'usr/lib', '/lib',
        '--symlink', 'usr/lib64', '/lib64',
        '--perms', '0755', '--dir', '/etc',
        '--ro-bind-try', '/etc/alternatives', '/etc/alternatives',
        '--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache',
        '--proc', '/proc', '--dev', '/dev',
        '--perms', '1777', '--size', str(64 * MIB), '--tmpfs', '/tmp',
        # where QEMU writes what a guest does to its disk
        '--perms', '0755', '--dir', '/var', '--symlink', '/tmp', '/var/tmp')
ALONE = ('--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts',
         '--unshare-cgroup-try', '--die-with-parent', '--new-session')
# Root's own bubblewrap becomes somebody else inside, for which it needs these.
TO_CHANGE = ('--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add',
             'CAP_SETGID', '--cap-add', 'CAP_SETPCAP')
AS_NOBODY = ('--unshare-user', '--uid', NOBODY, '--gid', NOBODY)
CHANGE = ('setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}',
          '--clear-groups', '--inh-caps=-all', '--bounding-set=-all',
          '--no-new-privs', '--')


@dataclass
class Limits:
    """What a program may use."""
    seconds: int = 10
    memory: int = 1024 * MIB        # address space of each process
    processes: int = 256
    file: int = OUTPUT              # bytes of a file that it writes

    def words(self):
        """The limits as a command that sets them."""
        return ['prlimit', f'--cpu={int(4 * self.seconds) + 1}',
                f'--as={self.memory}', f'--fsize={self.file}', '--core=0',
                f'--nproc={self.processes}', '--nofile=256', '--']


@dataclass
class Done:
    """A program that has ended; status None: its time was over."""
    status: int
    out: str
    err: str


def is_root():
    """Do we run as root?"""
    return os.geteuid() == 0


def _bubble(reads, writes, cwd):
    """The beginning of a command in a sandbox."""
    argv = ['bwrap', *VIEW, *ALONE, *(TO_CHANGE if is_root()
                                      else AS_NOBODY)]
    for option, paths in (('--ro-bind', reads), ('--bind', writes)):
        for path in map(Path, paths):
            for parent in reversed(path.parents):
                argv += ['--perms', '0755', '--dir', str(parent)]
            argv += [option, str(path), str(path)]
    return [*argv, '--dir', str(cwd), '--chdir', str(cwd),
            '--remount-ro', '/', '--remount-ro', '/dev']


@functools.cache
def missing():
    """What is lacking for a whole sandbox; an empty string when it is."""
    if not shutil.which('bwrap'):
        return 'bubblewrap is not installed (`make setup` does it)'
    done = subprocess.run([*_bubble([], [], '/tmp'),
                           *(CHANGE if is_root() else ()), 'true'],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False, text=True)
    return '' if done.returncode == 0 else \
        f'bubblewrap does not work here: {done.stderr.strip()[-200:]}'


def warn():
    """Say once what hand-ins could do that they should not."""
    if missing():
        whose = 'an unprivileged user' if is_root() else 'you'
        print(f'(no sandbox: {missing()}. Hand-ins run as {whose}, with '
              'limits, and see the file system: grade only what you trust)',
              flush=True)


def _processes_of_user():
    """How many processes we have already: a limit counts them, too."""
    ours = os.geteuid()
    return sum(path.stat().st_uid == ours for path in Path('/proc').iterdir()
               if path.name.isdigit() and path.exists())


def command(argv, limits, reads=(), writes=(), cwd='/tmp'):
    """A command as one that runs in a sandbox."""
    change = CHANGE if is_root() else ()
    if not missing():
        return [*_bubble(reads, writes, cwd), '--', *limits.words(), *change,
                *map(str, argv)]
    if not is_root():
        limits.processes += _processes_of_user()
    return [*limits.words(), *change, *map(str, argv)]


def open_to_all(*folders):
    """Let the unprivileged user read what is there, and write the folders."""
    for folder in folders:
        subprocess.run(['chmod', '-R', 'a+rwX', folder], check=True)
        if missing() and is_root() and subprocess.run(
                [*CHANGE, 'test', '-w', folder], check=False).returncode:
            raise ToolError(f'{folder}: an unprivileged user, as whom '
                            'hand-ins run, cannot get there; BUILD_ROOT=DIR '
                            'names another place')


def environment(**more):
    """What a program in the sandbox knows of us."""
    return {'PATH': '/usr/bin:/usr/sbin', 'HOME': '/tmp', 'LANG': 'C.UTF-8',
            'PYTHONDONTWRITEBYTECODE': '1', **more}


def run(argv, limits, reads=(), writes=(), cwd='/tmp', data=b'', **env):
    """Run a program with data as its input; how it ended, and what it
    printed."""
    def no_core():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, \
            tempfile.TemporaryFile() as err:
        given.write(data)
        given.seek(0)
        # pylint: disable=subprocess-popen-preexec-fn
        with subprocess.Popen(
                command(argv, limits, reads, writes, cwd), stdin=given,
                stdout=out, stderr=err, start_new_session=True,
                cwd=None if not missing() else cwd, preexec_fn=no_core,
                env=environment(**env)) as process:
            try:
                status = process.wait(limits.seconds)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # What it left behind in its group must not go on either.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read(OUTPUT).decode(errors='replace'))
        return Done(status, *texts)
