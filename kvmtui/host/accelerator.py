"""The verdict on accelerators: what it says, what it holds for, how it is kept.

Flags, the device and ``query-kvm`` can all say yes while guests hang or run 35 times
slower than in emulation. Only running a guest tells: `kvmtui.host.measuring` does,
`kvmtui.host.judging` makes the verdict of what it found. A start needs this module alone.
"""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from kvmtui.light import NamedTuple

KVM_DEVICE = "/dev/kvm"

_FORMAT = "2"
"""Of the kept verdict; another one is measured anew."""
_MODULES = ("kvm_intel", "kvm_amd", "kvm_pvm", "kvm_hv")
_OF_KVM = ("ignore_msrs", "mmio_caching", "tdp_mmu")
"""The parameters of the module kvm that count; others of it are counters, or tuned all day."""


class Trial(NamedTuple):
    """One candidate and what it did."""

    accelerator: str
    cpu: str
    """The CPU model (``-cpu``)."""
    boot_s: float | None = None
    """From QEMU's start to the test's first letter; None when it did not come."""
    loop_s: float | None = None
    """The test's loop, from its letter to the next; None when it did not end."""
    detail: str = ""
    """Why it did not run to its end; empty when it did."""
    stopped_after_s: float | None = None
    """When it was given up: what it was at takes longer than that."""
    tried: bool = True
    """Whether QEMU was started for it."""
    serves: bool = False
    """Whether guests can be run so: it ran to its end, and no slower than in emulation."""

    @property
    def booted(self) -> bool:
        """Whether the test was booted."""
        return self.boot_s is not None

    @property
    def total_s(self) -> float | None:
        """Boot and loop; None where one of them is missing."""
        if self.boot_s is None or self.loop_s is None:
            return None
        return self.boot_s + self.loop_s


class Progress(NamedTuple):
    """A step of the measurement that begins now."""

    candidate: str
    """In words, such as ``kvm -cpu host``."""
    number: int
    """Which step it is, from 1."""
    of: int
    """How many there are at most."""
    limit_s: float
    """The longest it may take."""


class Cancelled(Exception):
    """The measurement was given up; nothing is kept of it, no process is left."""


class Verdict(NamedTuple):
    """What guests on this host are run with."""

    accelerator: str
    """kvm or tcg: what ``auto`` means here."""
    cpu: str
    """The CPU model that goes with it."""
    words: str
    """One sentence for people, with the figures."""
    trials: tuple[Trial, ...] = ()
    kvm_fault: str = ""
    """Why KVM does not serve, with the figure; empty where it does."""
    time: str = ""
    """When it was measured, ISO 8601 UTC; empty while nobody has said."""

    @property
    def settled(self) -> bool:
        """Whether it says something: not so where nothing ran and a limit stopped something."""
        stopped = any(one.stopped_after_s is not None for one in self.trials)
        return not stopped or any(one.serves for one in self.trials)

    def cpu_for(self, accelerator: str) -> str:
        """The CPU model for an accelerator that is asked for by name."""
        if accelerator == self.accelerator:
            return self.cpu
        fallback = "host" if accelerator == "kvm" else "max"
        serving = (one.cpu for one in self.trials if one.accelerator == accelerator and one.serves)
        return next(serving, fallback)


def verdict_key(emulator: str, *, user: tuple[int, ...] | None = None) -> str:
    """What a verdict holds for; another value of any of it may mean another verdict.

    Kernel and boot (firmware and an outer host change only between boots), QEMU's file,
    processor with flags and microcode, the parameters of KVM's modules, the device and who
    may open it.

    Args:
        user: The numbers of the user that QEMU runs as and of its groups, None for ours.

    Raises:
        OSError: The emulator is not there.
    """
    stat = os.stat(os.path.realpath(emulator))
    parts = (
        _FORMAT,
        os.uname().release,
        _text("/proc/sys/kernel/random/boot_id"),
        emulator,
        (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size),
        *_processor(),
        *_parameters(),
        *_access(user),
    )
    return "|".join(str(part) for part in parts)


def _text(path: str) -> str:
    try:
        with open(path, errors="replace") as file:
            return file.read(4096).strip()
    except OSError:
        return ""


def _processor() -> list[str]:
    """Name, microcode and flags of the first processor (/proc/cpuinfo)."""
    told = []
    with contextlib.suppress(OSError), open("/proc/cpuinfo", errors="replace") as file:
        for line in file:
            if line == "\n":
                break
            if line.startswith(("model name", "microcode", "flags", "Features")):
                told.append(line.partition(":")[2].strip())
    return told


def _parameters() -> list[str]:
    """The modules of KVM that are loaded, with their parameters (/sys/module)."""
    told = [f"kvm.{name}={_text(f'/sys/module/kvm/parameters/{name}')}" for name in _OF_KVM]
    for module in _MODULES:
        folder = f"/sys/module/{module}/parameters"
        with contextlib.suppress(OSError):
            names = sorted(os.listdir(folder))
            told += [f"{module}.{name}={_text(f'{folder}/{name}')}" for name in names]
    return told


def _access(user: tuple[int, ...] | None) -> list[object]:
    """Device, owner, mode and access list of /dev/kvm, and who is to open it."""
    try:
        stat = os.stat(KVM_DEVICE)
    except OSError as error:
        return [error.errno]
    rights = b""
    with contextlib.suppress(OSError):
        rights = os.getxattr(KVM_DEVICE, "system.posix_acl_access")
    may = os.access(KVM_DEVICE, os.R_OK | os.W_OK) if user is None else user
    return [stat.st_rdev, stat.st_mode, stat.st_uid, stat.st_gid, rights.hex(), may]


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """For the file that keeps it."""
    return {**verdict._asdict(), "trials": [trial._asdict() for trial in verdict.trials]}


def verdict_from_json(plain: dict[str, Any]) -> Verdict:
    """From the file.

    Raises:
        KeyError, TypeError, ValueError: It is not one of ours.
    """
    trials = tuple(Trial(**trial) for trial in plain["trials"])
    verdict = Verdict(**{**plain, "trials": trials})
    words = (verdict.cpu, verdict.words, verdict.kvm_fault, verdict.time)
    if verdict.accelerator not in ("kvm", "tcg") or not all(type(one) is str for one in words):
        raise ValueError("no verdict")
    return verdict
