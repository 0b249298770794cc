"""All about one guest, for `show` and a guest's own screen."""

from __future__ import annotations

import contextlib
import os
from typing import Any, NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.guest.definition import Definition
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.guest.validation import definition_from
from kvmtui.manage import story
from kvmtui.manage.choosing import choose
from kvmtui.manage.command_lines import command_line
from kvmtui.manage.definitions import load_plain
from kvmtui.manage.looking import look_at
from kvmtui.manage.views import GuestView
from kvmtui.qemu.process import command_line_of


class Details(NamedTuple):
    """Everything `show` tells besides the guest's row."""

    view: GuestView
    definition: dict[str, Any]
    directory: str
    argv: list[str] | None
    """What QEMU is, or would be, started with; None where that cannot be known."""
    disks: list[dict[str, Any]]
    networks: list[dict[str, Any]]
    cdroms: list[str | None]
    """What is in each CD drive now, else at a start; None for an empty one."""
    last_stop: story.LastStop | None
    accelerator_reason: dict[str, Any] | None
    """Why it runs, or would run, under what it does (`choosing.Choice.reason`); None where
    that cannot be known."""
    autostart: str
    """When it is started with the host, in words; empty when it is not."""


def details(library: Library, name: str, *, argv_needed: bool = False) -> Details:
    """Gather all about a guest.

    Args:
        argv_needed: Raise where the command line cannot be built, instead of leaving it out.

    Raises:
        KvmtuiError: There is no such guest.
    """
    folder = library.folder(name)
    view = look_at(library, name)
    plain: dict[str, Any] = {}
    definition = None
    argv: list[str] | None = None
    try:
        plain = load_plain(folder)
        definition = definition_from(plain)
        argv = _argv(library, folder, definition, view)
    except KvmtuiError:
        if argv_needed:
            raise
    starts = definition.start_with_host() if definition else None
    return Details(
        view=view,
        definition=plain,
        directory=str(folder.path),
        argv=argv,
        disks=_disks(folder, definition),
        networks=_networks(definition, name),
        cdroms=_cdroms(library, folder, definition, view),
        last_stop=story.last_stop(folder, running=view.pid is not None),
        accelerator_reason=_accelerator_reason(library, folder, definition, view),
        autostart=starts.words() if starts else "",
    )


def _argv(
    library: Library, folder: GuestFolder, definition: Definition, view: GuestView
) -> list[str]:
    if view.pid is not None:
        with contextlib.suppress(OSError):
            return [os.fsdecode(word) for word in command_line_of(view.pid)]
    return command_line(library, folder, definition)


def _disks(folder: GuestFolder, definition: Definition | None) -> list[dict[str, Any]]:
    return [
        {
            "file": folder.resolve(disk.file),
            "format": disk.image_format(),
            "bus": disk.bus,
            "read_only": disk.read_only,
        }
        for disk in (definition.disks if definition else [])
    ]


def _cdroms(
    library: Library, folder: GuestFolder, definition: Definition | None, view: GuestView
) -> list[str | None]:
    defined = [drive.file for drive in definition.cdroms] if definition else []
    if view.pid is not None and view.answers and defined:
        import asyncio

        from kvmtui.manage import media

        with contextlib.suppress(KvmtuiError):
            return [drive.file for drive in asyncio.run(media.drives(library, folder.name))]
    return [folder.resolve(file) if file else None for file in defined]


def _networks(definition: Definition | None, name: str) -> list[dict[str, Any]]:
    if definition is None:
        return []
    return [
        {
            "type": network.type,
            "mac": definition.mac_of(index, name),
            "model": network.model,
            "bridge": network.bridge,
            "tap": network.tap,
            "forwards": network.forwards,
        }
        for index, network in enumerate(definition.networks)
    ]


def _accelerator_reason(
    library: Library, folder: GuestFolder, definition: Definition | None, view: GuestView
) -> dict[str, Any] | None:
    """Of a guest that runs the reason at its start, else what a start would do now."""
    if view.pid is not None:
        kept = (folder.start_record() or {}).get("accelerator_reason")
        if isinstance(kept, dict) and isinstance(kept.get("words"), str):
            return kept
    if definition is None:
        return None
    try:
        choice = choose(library, definition.arch, definition.accelerator)
    except (KvmtuiError, OSError):
        return None
    return choice.reason(definition.cpu)


def details_document(details: Details) -> dict[str, Any]:
    """The part of `show --json` that `list --json` does not have."""
    stop = details.last_stop
    return {
        "definition": details.definition,
        "directory": details.directory,
        "argv": details.argv,
        "disks": details.disks,
        "networks": details.networks,
        "accelerator_reason": details.accelerator_reason,
        "last_stop": {"time": stop.time, "reason": stop.reason} if stop else None,
    }
