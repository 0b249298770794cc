"""What a check may ask of a machine: files, commands, devices. Nothing of it changes anything.

`Facts` is the whole interface; `ThisMachine` asks this machine, and
`kvmtui.host.recorded.RecordedTree` answers from files written down on another one.
Every method raises OSError where the machine does not answer.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from typing import Any, NamedTuple, Protocol

MOST_BYTES = 1 << 18
"""The most that is read of a file: /proc/cpuinfo of a large machine is longer."""
COMMAND_LIMIT_S = 2.0


class Asked(NamedTuple):
    """What the checks are made for."""

    home: str
    """Where guests are kept; it need not exist."""
    run_as: str | None = None
    """The user that QEMU is executed as when it is not the asking one."""
    promised_bytes: int = 0
    """Memory of all guests together."""
    ports: tuple[int, ...] = ()
    """Ports of the host that guests which do not run forward."""
    bridged: bool = False
    """Whether a guest is on a bridge or tap of the host."""
    emulators: tuple[str, ...] = ("qemu-system-x86_64",)
    """The names of the emulator for this machine's architecture."""
    oldest: tuple[int, int] = (7, 2)
    """The oldest QEMU that is driven."""


class Person(NamedTuple):
    """The user that QEMU is executed as."""

    uid: int
    name: str
    groups: tuple[str, ...]
    """Those the process has, or would get."""
    listed: tuple[str, ...]
    """Those the user database gives; a session from before a change lacks the new ones."""


class FileMode(NamedTuple):
    """Kind, permissions and owner of a file."""

    mode: int
    uid: int
    gid: int


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    text: str
    """Standard output and error, bounded."""


class Space(NamedTuple):
    """A file system's room (statvfs), for a plain user."""

    size_bytes: int
    free_bytes: int
    files_free: int | None
    """Free inodes; None where the file system makes them as needed."""


class Clock(NamedTuple):
    """What the kernel knows of its clock (adjtimex)."""

    synchronised: bool
    most_error_s: float


class KvmRun(NamedTuple):
    """How far one page of code came under KVM."""

    step: str
    """The step that failed; empty when the code ran to its end."""
    error: int = 0
    """errno of that step; ETIME when it did not return in time."""
    api: int | None = None
    seconds: float | None = None
    exit_reason: int | None = None
    """KVM_EXIT_…; 2 (IO) is what the code asks for."""


class Facts(Protocol):
    """One machine, as far as checks need it."""

    asked: Asked

    def read(self, path: str) -> str:
        """The beginning of a text file, without white space around it."""

    def names(self, path: str) -> list[str]:
        """The entries of a folder, sorted."""

    def mode(self, path: str) -> FileMode:
        """Kind, permissions and owner of what a path leads to."""

    def which(self, program: str) -> str | None:
        """The path of a program, as a shell finds it."""

    def run(self, *words: str) -> Ran:
        """Run a command that only reads; TimeoutError after `COMMAND_LIMIT_S`."""

    def open(self, device: str) -> int:
        """Open a device for reading and writing as QEMU would; errno, 0 when it opens."""

    def person(self) -> Person:
        """The user that QEMU is executed as."""

    def writable(self, folder: str) -> bool:
        """Whether QEMU's user may make files in a folder."""

    def space(self, folder: str) -> Space:
        """The room of the file system that a folder is on."""

    def limits(self) -> dict[str, int]:
        """``open_files`` and ``locked_bytes`` of this process; -1 is no limit."""

    def clock(self) -> Clock:
        """What the kernel knows of its clock."""

    def run_kvm(self) -> KvmRun:
        """Run one page of code under KVM, in a process of its own."""

    def msr(self, number: int) -> int:
        """A model-specific register of the first processor (/dev/cpu/0/msr)."""

    def environment(self, name: str) -> str:
        """A variable of the environment, empty where it is not set."""

    def machine(self) -> tuple[str, str]:
        """Architecture and release of the kernel (uname)."""

    def root(self) -> bool:
        """Whether the asking user is root."""


class ThisMachine:
    """The machine this runs on."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def read(self, path: str) -> str:
        # A FIFO or a device must not hold it up for ever: whoever runs checks has a limit too.
        with open(path, "rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace").strip("\0\n\t ")

    def names(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def mode(self, path: str) -> FileMode:
        found = os.stat(path)
        return FileMode(found.st_mode, found.st_uid, found.st_gid)

    def which(self, program: str) -> str | None:
        # Plain users' PATH often lacks sbin.
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        return shutil.which(program, path=path)

    def run(self, *words: str) -> Ran:
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_LIMIT_S,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            reason = f"no answer within {COMMAND_LIMIT_S:g} s"
            raise TimeoutError(errno.ETIMEDOUT, reason, words[0]) from None
        return Ran(done.returncode, done.stdout[:MOST_BYTES].decode("utf-8", "replace").strip())

    def open(self, device: str) -> int:
        from kvmtui.host.isolated import isolated

        answer = isolated(lambda: _open(device), user=self.asked.run_as)
        return int(answer["error"])

    def person(self) -> Person:
        import pwd

        if self.asked.run_as is not None:
            entry = _entry(self.asked.run_as)
            groups = _group_names(os.getgrouplist(entry.pw_name, entry.pw_gid))
            return Person(entry.pw_uid, entry.pw_name, groups, groups)
        uid = os.geteuid()
        own = _group_names([os.getegid(), *os.getgroups()])
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return Person(uid, str(uid), own, own)
        listed = _group_names(os.getgrouplist(entry.pw_name, entry.pw_gid))
        return Person(uid, entry.pw_name, own, listed)

    def writable(self, folder: str) -> bool:
        from kvmtui.host.isolated import isolated

        def ask() -> dict[str, Any]:
            return {"may": os.access(folder, os.W_OK | os.X_OK)}

        return bool(isolated(ask, user=self.asked.run_as)["may"])

    def space(self, folder: str) -> Space:
        found = os.statvfs(folder)
        files = found.f_favail if found.f_files else None
        size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
        return Space(size, free, files)

    def limits(self) -> dict[str, int]:
        kinds = {"open_files": resource.RLIMIT_NOFILE, "locked_bytes": resource.RLIMIT_MEMLOCK}
        return {name: resource.getrlimit(kind)[0] for name, kind in kinds.items()}

    def clock(self) -> Clock:
        from kvmtui.host.adjtimex import read_clock

        return Clock(*read_clock())

    def run_kvm(self) -> KvmRun:
        from kvmtui.host.kvm_probe import probe

        return KvmRun(**probe(self.asked.run_as))

    def msr(self, number: int) -> int:
        with open("/dev/cpu/0/msr", "rb", buffering=0) as file:
            file.seek(number)
            return int.from_bytes(file.read(8), "little")

    def environment(self, name: str) -> str:
        return os.environ.get(name, "")

    def machine(self) -> tuple[str, str]:
        kernel = os.uname()
        return kernel.machine, kernel.release

    def root(self) -> bool:
        return os.geteuid() == 0


def _entry(name: str) -> Any:
    import pwd

    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise OSError(errno.ENOENT, "there is no such user", name) from None


def _open(device: str) -> dict[str, Any]:
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return {"error": error.errno or errno.EIO}
    return {"error": 0}


def _group_names(numbers: list[int]) -> tuple[str, ...]:
    import grp

    names = []
    for number in dict.fromkeys(numbers):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            names.append(str(number))
    return tuple(names)


def is_there(facts: Facts, path: str) -> bool:
    """Whether a path leads to something; one that cannot be looked at counts as not there."""
    try:
        facts.mode(path)
    except OSError:
        return False
    return True


def read_or(facts: Facts, path: str, otherwise: str = "") -> str:
    """The text of a file, or another where it cannot be read."""
    try:
        return facts.read(path)
    except OSError:
        return otherwise


def names_or_none(facts: Facts, path: str) -> list[str]:
    """The entries of a folder; none where it cannot be read."""
    try:
        return facts.names(path)
    except OSError:
        return []
