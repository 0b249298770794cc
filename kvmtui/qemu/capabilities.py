"""What an emulator can do, asked of it once by QMP and kept by the binary's identity."""

from __future__ import annotations

import json

from kvmtui.errors import CommandRefused, HostError, MonitorError
from kvmtui.qemu.binary import OLDEST, identity_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from kvmtui.qemu.plain import PlainMonitor
else:
    from kvmtui.light import NamedTuple

_LIMIT_S = 20.0


class Capabilities(NamedTuple):
    """What one emulator binary can do on this kernel."""

    emulator: str
    """Absolute path of the binary."""
    version: tuple[int, int, int]
    machines: dict[str, str]
    """Alias to versioned name, and each name to itself (``query-machines``)."""
    devices: frozenset[str]
    """Device types (``qom-list-types``)."""
    io_uring: bool
    """Whether a block node with ``aio: io_uring`` opens here."""

    def machine_name(self, machine: str) -> str:
        """The versioned name of a machine: ``q35`` is ``pc-q35-7.2``.

        Raises:
            HostError: This QEMU has no such machine.
        """
        try:
            return self.machines[machine]
        except KeyError:
            raise HostError(
                f"QEMU {self.version_text} has no machine '{machine}'",
                hint=f"{self.emulator} -machine help",
            ) from None

    @property
    def version_text(self) -> str:
        """The version as people write it, ``7.2.22``."""
        return ".".join(str(part) for part in self.version)


def to_json(capabilities: Capabilities) -> dict[str, Any]:
    """For the cache."""
    plain = capabilities._asdict()
    plain["devices"] = sorted(capabilities.devices)
    return plain


def from_json(plain: dict[str, Any]) -> Capabilities:
    """From the cache; KeyError or TypeError when it is not one of ours."""
    major, minor, micro = plain["version"]
    return Capabilities(
        emulator=plain["emulator"],
        version=(major, minor, micro),
        machines=dict(plain["machines"]),
        devices=frozenset(plain["devices"]),
        io_uring=bool(plain["io_uring"]),
    )


def ask(emulator: str) -> Capabilities:
    """Start the emulator without a machine and ask it over QMP.

    Raises:
        HostError: It does not start, is too old, or does not answer.
    """
    import subprocess

    from kvmtui.qemu.plain import PlainMonitor

    command = [emulator, "-machine", "none", "-nodefaults", "-no-user-config"]
    command += ["-display", "none", "-S", "-qmp", "stdio"]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise HostError(f"{emulator} cannot be run: {error.strerror}") from None
    try:
        assert process.stdin and process.stdout
        monitor = PlainMonitor(process.stdout.fileno(), process.stdin.fileno(), limit_s=_LIMIT_S)
        return _interview(emulator, monitor)
    except (MonitorError, OSError, ValueError, KeyError) as error:
        process.kill()
        said = (process.stderr.read() if process.stderr else b"").decode("utf-8", "replace")
        first = said.strip().splitlines()[0] if said.strip() else str(error)
        raise HostError(f"{emulator} does not say what it can do: {first[:300]}") from None
    finally:
        process.kill()
        process.communicate()


def _interview(emulator: str, monitor: PlainMonitor) -> Capabilities:
    version = monitor.greet()["version"]["qemu"]
    number = (version["major"], version["minor"], version["micro"])
    if number[:2] < OLDEST:
        oldest = ".".join(str(part) for part in OLDEST)
        raise EmulatorTooOld(emulator, number, oldest)
    machines: dict[str, str] = {}
    for machine in monitor.execute("query-machines"):
        machines[machine["name"]] = machine["name"]
        if "alias" in machine:
            machines[machine["alias"]] = machine["name"]
    types = monitor.execute("qom-list-types", {"implements": "device", "abstract": False})
    return Capabilities(
        emulator=emulator,
        version=number,
        machines=machines,
        devices=frozenset(item["name"] for item in types),
        io_uring=_io_uring_opens(monitor),
    )


class EmulatorTooOld(HostError):
    """The emulator is older than the oldest that is driven."""

    def __init__(self, emulator: str, number: tuple[int, int, int], oldest: str) -> None:
        found = ".".join(str(part) for part in number)
        super().__init__(
            f"{emulator} is QEMU {found}: {oldest} is the oldest that kvmtui drives",
            hint="install a newer QEMU, from your distribution's backports for example",
        )


def _io_uring_opens(monitor: PlainMonitor) -> bool:
    """Old kernels and containers refuse io_uring; only opening a node tells."""
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="kvmtui-probe-") as file:
        file.truncate(65536)
        node = {"driver": "file", "node-name": "probe", "filename": file.name, "aio": "io_uring"}
        try:
            monitor.execute("blockdev-add", node)
        except CommandRefused:
            return False
    return True


def load(emulator: str, cached: bytes | None) -> tuple[Capabilities, bytes | None]:
    """The capabilities, from the cache when it is of this very binary, else asked.

    Args:
        cached: The cache's content, None when there is none.

    Returns:
        The capabilities, and the cache's new content when it changed.
    """
    identity = identity_of(emulator)
    known: dict[str, Any] = {}
    if cached is not None:
        try:
            known = json.loads(cached)
            return from_json(known[identity]), None
        except (ValueError, KeyError, TypeError):
            pass
    found = ask(emulator)
    if not isinstance(known, dict):
        known = {}
    kept = {
        key: value for key, value in known.items() if not key.startswith(identity.split(":")[0])
    }
    kept[identity] = to_json(found)
    return found, json.dumps(kept).encode()
