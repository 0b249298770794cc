"""The accelerator, measured: a boot sector is booted and timed under each candidate.

Flags, the device and ``query-kvm`` can all say yes while guests hang or run 35 times
slower than in emulation. Only running a guest tells.
"""

from __future__ import annotations

import os
import time

from kvmtui import light_json as json
from kvmtui.host.resources import processor_model
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, NamedTuple
else:
    from kvmtui.light import NamedTuple

KVM_DEVICE = "/dev/kvm"
LIMIT_S = 6.0
"""The longest a candidate may take to boot the sector; emulation needs 0.1 s."""
MOST_TIMES_SLOWER = 4.0
"""KVM that boots this many times slower than emulation does not serve."""
_BOOTED = 33
"""QEMU's exit status when the sector writes 0x10 to isa-debug-exit: (0x10 << 1) | 1."""

_CANDIDATES = (("kvm", "host"), ("kvm", "max"), ("kvm", "qemu64"))
_EMULATION = ("tcg", "max")


class Trial(NamedTuple):
    """One candidate and what it did."""

    accelerator: str
    cpu: str
    booted: bool
    seconds: float | None
    """Wall time from exec to exit; None when it did not boot."""
    detail: str
    """Why it did not boot; empty when it did."""


class Verdict(NamedTuple):
    """What guests on this host are run with."""

    accelerator: str
    """kvm or tcg."""
    cpu: str
    words: str
    """One sentence for people, with the figures."""
    trials: tuple[Trial, ...]


def verdict_key(emulator: str) -> str:
    """What a verdict holds for: this kernel, this QEMU, this processor, this access to KVM."""
    stat = os.stat(os.path.realpath(emulator))
    access = os.access(KVM_DEVICE, os.R_OK | os.W_OK)
    parts = (
        os.uname().release,
        emulator,
        stat.st_mtime_ns,
        stat.st_size,
        processor_model(),
        access,
    )
    return "|".join(str(part) for part in parts)


def measure(emulator: str, boot_sector: bytes, *, identity: dict[str, Any]) -> Verdict:
    """Boot the sector under emulation, then under KVM, until one serves.

    Args:
        boot_sector: A program that boots from disk and writes 0x10 to port 0xf4.
        identity: ``user``, ``group`` and ``extra_groups`` for `subprocess.Popen`: those
            that guests run as.
    """
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="kvmtui-probe-") as folder:
        os.chmod(folder, 0o755)
        image = Path(folder) / "probe.img"
        image.write_bytes(boot_sector.ljust(1 << 20, b"\0"))
        image.chmod(0o644)
        emulated = _try(emulator, *_EMULATION, image, identity)
        trials = [emulated]
        reason = _kvm_missing()
        if reason is None:
            for accelerator, cpu in _CANDIDATES:
                trials.append(_try(emulator, accelerator, cpu, image, identity))
                if _serves(trials[-1], emulated):
                    break
    return _judge(trials, reason)


def _kvm_missing() -> str | None:
    """Why KVM need not be tried; None when the device is there."""
    return None if os.path.exists(KVM_DEVICE) else f"{KVM_DEVICE} is missing"


def _try(emulator: str, accelerator: str, cpu: str, image: Path, identity: dict[str, Any]) -> Trial:
    import subprocess

    node = {"driver": "raw", "node-name": "d", "read-only": True}
    node["file"] = {"driver": "file", "filename": str(image), "read-only": True}
    command = [emulator, "-nodefaults", "-no-user-config", "-display", "none", "-m", "32"]
    command += ["-machine", "q35", "-accel", accelerator, "-cpu", cpu, "-no-reboot"]
    command += ["-blockdev", json.dumps(node), "-device", "virtio-blk-pci,drive=d,bootindex=1"]
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            cwd="/",
            start_new_session=True,
            **identity,
        )
    except subprocess.TimeoutExpired:
        return Trial(accelerator, cpu, False, None, f"did not boot within {LIMIT_S:g} s")
    except OSError as error:
        return Trial(accelerator, cpu, False, None, f"{emulator}: {error.strerror}")
    seconds = time.monotonic() - started
    if done.returncode == _BOOTED:
        return Trial(accelerator, cpu, True, round(seconds, 3), "")
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = visible(lines[0], limit=200) if lines else f"ended with status {done.returncode}"
    return Trial(accelerator, cpu, False, None, said)


def _serves(trial: Trial, emulated: Trial) -> bool:
    if not trial.booted or trial.seconds is None:
        return False
    if emulated.seconds is None:
        return True
    return trial.seconds <= emulated.seconds * MOST_TIMES_SLOWER


def _judge(trials: list[Trial], kvm_missing: str | None) -> Verdict:
    emulated, under_kvm = trials[0], trials[1:]
    for trial in under_kvm:
        if _serves(trial, emulated):
            words = f"KVM serves: it booted a test in {_ms(trial)}, emulation in {_ms(emulated)}"
            return Verdict("kvm", trial.cpu, words, tuple(trials))
    slow = [trial for trial in under_kvm if trial.booted]
    if kvm_missing:
        words = f"emulation: {kvm_missing}"
    elif slow and emulated.seconds and slow[0].seconds:
        times = slow[0].seconds / emulated.seconds
        words = (
            f"emulation: KVM opens here but booted a test in {_ms(slow[0])}, "
            f"{times:.0f} times slower than emulation ({_ms(emulated)})"
        )
    else:
        why = under_kvm[0].detail if under_kvm else "it was not tried"
        words = f"emulation: KVM opens here but runs no guest: {why}"
    return Verdict("tcg", emulated.cpu, words, tuple(trials))


def _ms(trial: Trial) -> str:
    return "no time" if trial.seconds is None else f"{trial.seconds * 1000:.0f} ms"


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """For the file that keeps it."""
    return {**verdict._asdict(), "trials": [trial._asdict() for trial in verdict.trials]}


def verdict_from_json(plain: dict[str, Any]) -> Verdict:
    """From the file; KeyError or TypeError when it is not one of ours."""
    trials = tuple(Trial(**trial) for trial in plain["trials"])
    return Verdict(plain["accelerator"], plain["cpu"], plain["words"], trials)
