"""The demo guests: real QEMU machines that run boot images of the project's own.

Two small programs print to screen and serial port, use disk and processor in waves,
echo keys, and power off on ACPI's button. Their source is ``kvmtui/demo/demo.s``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from importlib import resources

from kvmtui.durable import give_to_owner_of
from kvmtui.errors import KvmtuiError, StateError
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage import changing, creating, hosting, power, starting, waiting
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.looking import look, look_at
from kvmtui.manage.views import Outcome
from kvmtui.stats.process import read_process
from kvmtui.text import visible_lines

TAG = "kvmtui-demo"
GUESTS = {"demo-wave": "wave.bin", "demo-steady": "steady.bin"}
_IMAGE_BYTES = 1 << 20
_SAMPLES = 3
_INTERVAL_S = 1.0
_READY_LIMIT_S = 60.0


def boot_image(file_name: str) -> bytes:
    """A boot image at its full size: one of 512 bytes never boots on q35."""
    program = resources.files("kvmtui.demo").joinpath(file_name).read_bytes()
    return program.ljust(_IMAGE_BYTES, b"\0")


def ensure(library: Library) -> None:
    """Define the demo guests where they are missing.

    Raises:
        StateError: A guest of the user's own has one of their names.
    """
    existing = set(library.names())
    for name, file_name in GUESTS.items():
        if name in existing:
            if TAG not in load_definition(library.folder(name)).tags:
                raise StateError(f"{name} is a guest of your own", hint="rename it")
            continue
        disk = {"file": "disk0.raw", "format": "raw", "size": _IMAGE_BYTES}
        plain = {
            "description": "a demo guest of kvmtui, nothing to keep",
            "tags": [TAG],
            "memory": "32M",
            "disks": [disk],
            "balloon": False,
            "rng": False,
            "agent": False,
            "usb": False,
            "networks": [],
        }
        creating.create(library, name, plain)
        _write_image(library.folder(name), file_name)


def _write_image(folder: GuestFolder, file_name: str) -> None:
    path = folder.path / "disk0.raw"
    path.write_bytes(boot_image(file_name))
    give_to_owner_of(folder.path, path)


def remove(library: Library) -> list[Outcome]:
    """Stop and delete the demo guests; guests of the user's own are left alone."""
    outcomes = []
    for view in look(library):
        if view.name in GUESTS and TAG in view.tags:
            asyncio.run(power.stop(library, view.name))
            outcomes.append(changing.delete(library, view.name))
    return outcomes


def bring_up(library: Library) -> Iterator[str]:
    """Define and start the demo guests: each line tells what was just done or seen.

    Raises:
        KvmtuiError: A guest did not come up.
    """
    hosting.make_home(library)
    yield f"This host: {hosting.verdict_for(library).words}"
    ensure(library)
    for name in GUESTS:
        yield f"{starting.start(library, name).message}, pid {look_at(library, name).pid}"


def tell(library: Library, size: Callable[[int], str]) -> Iterator[str]:
    """Run the demo: each line tells what was just done or seen.

    Args:
        size: How a number of bytes is written.

    Raises:
        KvmtuiError: A guest did not come up.
    """
    yield from bring_up(library)
    for name in GUESTS:
        asyncio.run(waiting.wait_for(library, name, "text=ready", timeout_s=_READY_LIMIT_S))
        yield f"{name} said on its serial port that it is ready"
    for _ in range(_SAMPLES):
        yield from _sample(library, size)
    for name in GUESTS:
        for line in _said(library.folder(name)):
            yield f"{name} said: {line}"
    for name in GUESTS:
        yield asyncio.run(power.shutdown(library, name)).message
    remove(library)
    yield "The demo guests are gone again. Your own: kvmtui create NAME --memory 2G --disk 20G"


def _sample(library: Library, size: Callable[[int], str]) -> Iterator[str]:
    """One sample of each guest over an interval that really passed."""
    before = {}
    for name in GUESTS:
        pid = look_at(library, name).pid
        before[name] = (pid, read_process(pid) if pid else None, time.monotonic())
    time.sleep(_INTERVAL_S)
    for name, (pid, first, began) in before.items():
        second = read_process(pid) if pid else None
        if first is None or second is None:
            raise KvmtuiError(f"{name} ended during the demo", hint=f"kvmtui why {name}")
        percent = 100 * (second.cpu_s - first.cpu_s) / (time.monotonic() - began)
        memory = size(second.resident_bytes)
        yield f"{name.ljust(11)}  cpu {percent:3.0f} %   memory {memory.rjust(4)}"


def _said(folder: GuestFolder) -> list[str]:
    data = folder.console_log.read_bytes()[-8192:]
    return visible_lines(data, last=2)
