"""The host's checks: what each asks, finds and advises.

A check is one small function of `Facts` in a module of its subject, registered by
`check`. Its docstring explains the matter to a person. It may raise what a machine that
does not answer raises (OSError), and what a garbled answer raises (ValueError,
LookupError): it is ``unknown`` then.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

from kvmtui.host.facts import Facts
from kvmtui.host.remedies import Remedy
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Probe = Callable[[Facts], "Finding"]

SUBJECTS = (
    "qemu_and_tools",
    "cpu_and_kvm",
    "storage",
    "memory",
    "machine",
    "network",
    "session",
)
"""The modules that have checks, in the order in which a person reads them."""


class Finding(NamedTuple):
    """What a check found."""

    status: str
    """ok, warn, fail (no guest can run) or unknown."""
    detail: str
    """One line with the evidence."""
    remedy: Remedy | None
    """What to do; None where it is ok."""
    measured: dict[str, Any]
    """Figures, by contract names."""


class Check(NamedTuple):
    """A check as it is registered."""

    id: str
    title: str
    subject: str
    reads: str
    """The files, commands and devices it asks."""
    explanation: str
    """A paragraph for a person."""
    probe: Probe


_registry: dict[str, Check] = {}


def check(id: str, title: str, *, reads: str) -> Callable[[Probe], Probe]:
    """Register a function as a check; its docstring is the explanation."""

    def register(probe: Probe) -> Probe:
        subject = probe.__module__.rpartition(".")[2]
        explanation = " ".join((probe.__doc__ or "").split())
        _registry[id] = Check(id, title, subject, reads, explanation, probe)
        return probe

    return register


def all_checks() -> tuple[Check, ...]:
    """Every check, by subject."""
    for subject in SUBJECTS:
        import_module(f"{__name__}.{subject}")
    ordered = sorted(_registry.values(), key=lambda one: SUBJECTS.index(one.subject))
    return tuple(ordered)


def run_check(one: Check, facts: Facts) -> Finding:
    """Run one check; a machine that does not answer, or answers garbage, is ``unknown``."""
    try:
        return one.probe(facts)
    except OSError as error:
        parts = [str(error.filename or ""), error.strerror or str(error)]
        return unknown(": ".join(part for part in parts if part), f"look at {one.reads}")
    except (ValueError, LookupError) as error:
        why = visible(str(error), limit=120)
        return unknown(f"{one.reads}: not as expected ({why})", f"look at {one.reads}")


def ok(detail: str, **measured: Any) -> Finding:
    """All is well, or it does not matter here."""
    return Finding("ok", detail, None, measured)


def warn(detail: str, remedy: Remedy | str, **measured: Any) -> Finding:
    """Guests run, but worse than they could, or something may go wrong."""
    return Finding("warn", detail, _remedy(remedy), measured)


def fail(detail: str, remedy: Remedy | str, **measured: Any) -> Finding:
    """No guest can run."""
    return Finding("fail", detail, _remedy(remedy), measured)


def unknown(detail: str, remedy: Remedy | str, **measured: Any) -> Finding:
    """It could not be told."""
    return Finding("unknown", detail, _remedy(remedy), measured)


def _remedy(remedy: Remedy | str) -> Remedy:
    return Remedy(remedy) if isinstance(remedy, str) else remedy
