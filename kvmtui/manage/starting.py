"""Starting a guest: from its definition to a QEMU whose monitors are ready.

Plain blocking functions: a start waits for QEMU and nothing else, so `Fleet` runs them
in threads and the command line runs one without asyncio.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from kvmtui.durable import give_to_owner_of, make_folder, try_lock, write_atomically
from kvmtui.errors import (
    BusyError,
    DefinitionError,
    HostError,
    ImageError,
    KvmtuiError,
    LaunchError,
)
from kvmtui.guest import history
from kvmtui.guest.definition import Definition
from kvmtui.guest.folder import EFI_VARS, RUN_LOCK, START_RECORD, GuestFolder
from kvmtui.guest.library import Library
from kvmtui.host import resources
from kvmtui.host.firmware import find_uefi
from kvmtui.host.packages import install_hint
from kvmtui.manage import clashes, hosting, needs, story
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.looking import live_pid
from kvmtui.manage.operation import Operation, locked, told
from kvmtui.manage.views import Outcome
from kvmtui.qemu import events, image, launch
from kvmtui.qemu.binary import host_architecture
from kvmtui.qemu.command import DiskPlace, FirmwarePlace, Layout, build
from kvmtui.qemu.process import await_release
from kvmtui.text import visible

_CONSOLE_LARGEST_BYTES = 64 << 20
_CONSOLE_KEPT_BYTES = 16 << 20
_SETTLE_LIMIT_S = 20.0
_RUN_LOCK_LIMIT_S = 2.0


def start(library: Library, name: str) -> Outcome:
    """Start a guest and wait until its monitors are ready.

    A guest that runs is left as it is. When it does not come up no process is left.

    Raises:
        DefinitionError: Its definition is not valid.
        HostError: QEMU, memory or a port is missing.
        ImageError: A file of the guest is missing.
        LaunchError: QEMU did not come up.
        BusyError: Another kvmtui is at work on it.
    """
    folder = library.folder(name)
    with locked(folder):
        pid = _settle(folder)
        if pid is not None:
            return Outcome(name, "start", False, f"{name} runs already (pid {pid})")
        with told(folder, "start", needs_room=True) as operation:
            return _start(library, folder, operation)


def _settle(folder: GuestFolder) -> int | None:
    """The pid of a live QEMU, once one that is coming up or leaving has done so."""
    deadline = time.monotonic() + _SETTLE_LIMIT_S
    while True:
        record = folder.start_record()
        uuid = None if record else _defined_uuid(folder)
        pid = live_pid(folder, record, uuid)
        if pid is not None or await_release(folder.path / RUN_LOCK, 0.05):
            return pid
        if time.monotonic() >= deadline:
            raise BusyError(
                f"{folder.name}: a QEMU of it is neither ready nor gone",
                hint=f"kvmtui logs {folder.name} --qemu",
            )


def _take_run_lock(folder: GuestFolder) -> int:
    """Take the lock that QEMU inherits; who only looks at it holds it for an instant."""
    deadline = time.monotonic() + _RUN_LOCK_LIMIT_S
    while True:
        lock = try_lock(folder.path / RUN_LOCK, owner_folder=folder.path)
        if lock is not None:
            return lock
        if time.monotonic() >= deadline:
            raise BusyError(f"{folder.name}: a QEMU of it is still there")
        time.sleep(0.02)


def _defined_uuid(folder: GuestFolder) -> str | None:
    try:
        return load_definition(folder).identity(folder.name)
    except DefinitionError:
        return None


def _start(library: Library, folder: GuestFolder, operation: Operation) -> Outcome:
    definition = load_definition(folder)
    needs.check_host(folder, definition)
    ensure_firmware_variables(folder, definition)
    argv, layout = command_line(library, folder, definition)
    user = hosting.run_user(library)
    story.close_run(folder)
    _prepare_run(folder)
    record = _start_record(definition, folder, layout)
    with contextlib.ExitStack() as stack:
        fifo = events.prepare(folder.run, folder.events)
        stack.callback(os.close, fifo)
        needs.check_room(folder)
        run_lock = _take_run_lock(folder)
        stack.callback(os.close, run_lock)
        _write_record(folder, record)
        request = launch.Launch(
            argv=argv,
            run=folder.run,
            log=folder.qemu_log,
            inherited=(fifo, run_lock),
            user=user,
            scope=_scope_name(folder) if launch.scope_available() else None,
        )
        try:
            record["scope"] = request.scope if launch.launch(request) else None
        except LaunchError as error:
            (folder.run / START_RECORD).unlink(missing_ok=True)
            raise _explained(library, folder, definition, error) from None
    if record["scope"]:
        _write_record(folder, record)
    operation.result["accelerator"] = layout.accelerator
    notes = clashes.notes_of_start(library, folder, definition)
    if os.geteuid() == 0 and user is None:
        home = library.home
        notes.append(
            f"QEMU runs as root; to change that: useradd --system kvmtui && chown -R kvmtui: {home}"
        )
    message = f"{folder.name} runs under {layout.accelerator}"
    return Outcome(folder.name, "start", True, message, "\n".join(notes))


def command_line(
    library: Library, folder: GuestFolder, definition: Definition
) -> tuple[list[str], Layout]:
    """QEMU's command line for a guest on this host, and what it was built from.

    Raises:
        HostError: QEMU or its firmware is missing, or lacks a device.
        DefinitionError: The definition asks for what its machine has no place for.
    """
    capabilities = hosting.capabilities_for(library, definition.arch)
    accelerator, cpu = choose_accelerator(library, definition)
    disks = []
    for disk in definition.disks:
        path = folder.resolve(disk.file)
        block_device = os.path.exists(path) and Path(path).is_block_device()
        disks.append(DiskPlace(path, resources.opens_direct(path), block_device))
    layout = Layout(
        name=folder.name,
        folder=str(folder.path),
        accelerator=accelerator,
        cpu=cpu,
        disks=tuple(disks),
        cdroms=tuple(
            folder.resolve(drive.file) if drive.file else None for drive in definition.cdroms
        ),
        kernel=folder.resolve(definition.kernel) if definition.kernel else None,
        initrd=folder.resolve(definition.initrd) if definition.initrd else None,
        firmware=_firmware(folder, definition),
    )
    return build(definition, capabilities, layout), layout


def choose_accelerator(library: Library, definition: Definition) -> tuple[str, str | None]:
    """The accelerator and the CPU model that goes with it."""
    if definition.arch != host_architecture():
        return "tcg", None if definition.arch == "riscv64" else "max"
    if definition.accelerator == "kvm":
        return "kvm", "host"
    if definition.accelerator == "tcg":
        return "tcg", "max"
    verdict = hosting.verdict_for(library)
    return verdict.accelerator, verdict.cpu


def _firmware(folder: GuestFolder, definition: Definition) -> FirmwarePlace | None:
    if definition.boot_firmware() == "bios":
        return None
    found = find_uefi(definition.arch)
    return FirmwarePlace(found.code, found.code_format, str(folder.path / EFI_VARS), "qcow2")


def ensure_firmware_variables(folder: GuestFolder, definition: Definition) -> None:
    """Make the guest's own UEFI variables from the template, once.

    Raises:
        HostError: The firmware or qemu-img is missing.
    """
    target = folder.path / EFI_VARS
    if definition.boot_firmware() == "bios" or target.exists():
        return
    found = find_uefi(definition.arch)
    with image_tools():
        image.convert_to_qcow2(found.template, found.template_format, target)
    give_to_owner_of(folder.path, target)


@contextlib.contextmanager
def image_tools() -> Iterator[None]:
    """Add the install command to the failure when qemu-img is missing."""
    try:
        yield
    except HostError as error:
        raise HostError(error.message, hint=install_hint("qemu-img")) from None


def _prepare_run(folder: GuestFolder) -> None:
    """An empty ``run/``, an empty ``qemu.log``, and a console log within its bound."""
    if folder.run.is_symlink():
        folder.run.unlink()
    make_folder(folder.run)
    for entry in folder.run.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    fd = os.open(folder.qemu_log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    give_to_owner_of(folder.path, fd)
    os.close(fd)
    _bound_console_log(folder)


def _bound_console_log(folder: GuestFolder) -> None:
    try:
        size = folder.console_log.stat().st_size
    except FileNotFoundError:
        return
    if size <= _CONSOLE_LARGEST_BYTES:
        return
    with open(folder.console_log, "rb") as file:
        file.seek(size - _CONSOLE_KEPT_BYTES)
        write_atomically(folder.console_log, file.read())


def _start_record(definition: Definition, folder: GuestFolder, layout: Layout) -> dict[str, object]:
    try:
        console_offset = folder.console_log.stat().st_size
    except FileNotFoundError:
        console_offset = 0
    return {
        "run": os.urandom(8).hex(),
        "time": history.iso_time(),
        "boot_id": history.boot_id(),
        "uuid": definition.identity(folder.name),
        "initial": "running",
        "accelerator": layout.accelerator,
        "cpu": definition.cpu or layout.cpu,
        "console_offset": console_offset,
        "scope": None,
    }


def _write_record(folder: GuestFolder, record: dict[str, object]) -> None:
    write_atomically(folder.run / START_RECORD, json.dumps(record).encode(), durable=False)


def _scope_name(folder: GuestFolder) -> str:
    """Unique for each run: a scope of the same name may still be going away."""
    return f"kvmtui-{folder.name}-{os.urandom(4).hex()}"


def _explained(
    library: Library, folder: GuestFolder, definition: Definition, error: LaunchError
) -> KvmtuiError:
    """QEMU's own line, or a clearer one where we know what it means."""
    text = error.message
    if "lock" in text and ("Failed to get" in text or "Is another process using" in text):
        for disk in definition.disks:
            path = folder.resolve(disk.file)
            user = clashes.user_of(library, path)
            if user is not None:
                return ImageError(
                    f"{folder.name} did not start: its disk {visible(path)} is in use "
                    f"by {user[0]} (pid {user[1]})"
                )
        return ImageError(f"{folder.name} did not start: a disk is in use: {text}")
    return LaunchError(
        f"{folder.name} did not start: {text}", hint=f"kvmtui logs {folder.name} --qemu"
    )
