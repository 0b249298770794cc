"""Under what a guest runs on this host, and why: its definition says, or the measurement."""

from __future__ import annotations

import contextlib

from kvmtui.errors import HostError
from kvmtui.manage import hosting
from kvmtui.qemu.binary import host_architecture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from kvmtui.guest.library import Library
    from kvmtui.host.accelerator import Verdict
else:
    from kvmtui.light import NamedTuple


class Choice(NamedTuple):
    """What QEMU is started with, and the reason."""

    accelerator: str
    """kvm or tcg."""
    cpu: str | None
    """The CPU model that goes with it; None for the machine's own."""
    by: str
    """definition, measurement or architecture."""
    words: str
    """The reason in one sentence, with the figures where it was measured."""
    time: str | None = None
    """When it was measured, ISO 8601 UTC; None where no measurement has a part in it."""

    def reason(self, cpu: str | None) -> dict[str, str | None]:
        """As `show --json` tells it; ``cpu`` is the definition's own CPU model, or None."""
        return {**self._asdict(), "cpu": cpu or self.cpu}


_EMULATED_CPU = {"x86_64": "max", "aarch64": "max,pauth-impdef=on"}
"""The CPU model of each architecture under emulation; None for the machine's own.

Of pointer authentication QEMU's own kind: the architected one halves a guest's speed.
"""


def choose(library: Library, arch: str, accelerator: str) -> Choice:
    """The accelerator of a guest; measured first where that was never done and matters.

    Args:
        arch: The guest's architecture.
        accelerator: As its definition has it: auto, kvm or tcg.

    Raises:
        HostError: It depends on the measurement, and QEMU is missing.
    """
    host = host_architecture()
    if arch != host:
        return Choice(
            "tcg",
            _EMULATED_CPU.get(arch),
            "architecture",
            f"emulation: it is {arch}, this host is {host}",
        )
    if accelerator == "auto":
        verdict = hosting.verdict_for(library)
        words = f"auto, as measured at {verdict.time}: {verdict.words}"
        return Choice(verdict.accelerator, verdict.cpu, "measurement", words, verdict.time)
    kept = _kept(library)
    fallback = "host" if accelerator == "kvm" else "max"
    cpu = kept.cpu_for(accelerator) if kept else fallback
    words = f"{accelerator}: as its definition says"
    if accelerator == "kvm" and kept and kept.kvm_fault:
        words += f"; it was measured not to serve at {kept.time}: {kept.kvm_fault}"
        return Choice(accelerator, cpu, "definition", words, kept.time)
    return Choice(accelerator, cpu, "definition", words)


def warning(library: Library, arch: str, accelerator: str) -> str:
    """What to know of a definition that insists on KVM where that was measured not to serve.

    Never measures: without a kept verdict it is empty.
    """
    if accelerator != "kvm" or arch != host_architecture():
        return ""
    kept = _kept(library)
    if kept is None or not kept.kvm_fault:
        return ""
    return f"accelerator kvm was measured not to serve on this host: {kept.kvm_fault}"


def _kept(library: Library) -> Verdict | None:
    with contextlib.suppress(HostError):
        return hosting.kept_verdict(library)
    return None
