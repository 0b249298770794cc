"""What this machine is: processor, memory, system."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from kvmtui.host.facts import Facts, names_or_none, read_or
from kvmtui.text import visible

_NODES = "/sys/devices/system/node"
_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")


class Machine(NamedTuple):
    """What stands still of a machine; whatever it does not tell is None or empty."""

    processor: str
    """The model's name in short (``/proc/cpuinfo``); several kernels of ARM tell none."""
    cores: int | None
    """Real cores (``core id`` and ``physical id`` of ``/proc/cpuinfo``)."""
    threads: int | None
    """Processors as the kernel counts them."""
    sockets: int | None
    memory_bytes: int | None
    """``MemTotal`` of ``/proc/meminfo``."""
    nodes: int | None
    """Memory nodes (``/sys/devices/system/node``)."""
    system: str
    """The distribution, as it names itself (``PRETTY_NAME`` of os-release)."""
    kernel: str


def describe(facts: Facts) -> Machine:
    """Read what a machine tells of itself. Nothing that is missing or garbled raises."""
    processors = _processors(read_or(facts, "/proc/cpuinfo"))
    threads = len(processors) or None
    nodes = [name for name in names_or_none(facts, _NODES) if name[4:].isdecimal()]
    first = processors[0] if processors else {}
    return Machine(
        processor=_model(first.get("model name", "")),
        cores=_distinct(processors, "physical id", "core id"),
        threads=threads,
        sockets=_distinct(processors, "physical id"),
        memory_bytes=_memory_bytes(read_or(facts, "/proc/meminfo")),
        nodes=len(nodes) or None,
        system=_system(facts),
        kernel=_kernel(facts),
    )


def _processors(text: str) -> list[dict[str, str]]:
    """The blocks of ``/proc/cpuinfo``, one a processor."""
    found: list[dict[str, str]] = []
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if key.strip() == "processor" and colon:
            found.append({})
        if found and colon:
            found[-1].setdefault(key.strip(), value.strip())
    return found


def _model(text: str) -> str:
    """``AMD EPYC 7313P`` for ``AMD EPYC 7313P 16-Core Processor``: cores are told apart."""
    text = re.sub(r"\((?:R|TM|tm)\)|\bCPU\b|@.*$|\b\d+-Core\b|\bProcessor\b", " ", text)
    return visible(" ".join(text.split()), limit=60)


def _distinct(processors: list[dict[str, str]], *keys: str) -> int | None:
    """How many different values there are; None where not every processor tells."""
    values = {tuple(one.get(key) for key in keys) for one in processors}
    if not values or any(part is None for value in values for part in value):
        return None
    return len(values)


def _memory_bytes(text: str) -> int | None:
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "MemTotal:" and words[1].isdecimal():
            return int(words[1]) * 1024
    return None


def _system(facts: Facts) -> str:
    text = next((found for path in _OS_RELEASE if (found := read_or(facts, path))), "")
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            try:
                value = " ".join(shlex.split(value))
            except ValueError:
                value = value.strip("\"'")
            return visible(value, limit=60)
    return ""


def _kernel(facts: Facts) -> str:
    try:
        return visible(facts.machine()[1], limit=60)
    except (OSError, LookupError):
        return ""
