"""Short words for disks and networks, as the command line and the form take them."""

from __future__ import annotations

import os
from typing import Any

from kvmtui.errors import UsageError
from kvmtui.guest.definition import Disk
from kvmtui.guest.units import parse_size
from kvmtui.qemu.image import format_by_header
from kvmtui.strict_yaml import read_yaml
from kvmtui.text import visible


def _keys(parts: list[str], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"{what}: '{visible(part)}' is no KEY=VALUE")
        found[key] = value if key in ("mac", "serial", "file") else read_yaml(value.encode())
    return found


def disk_of(text: str, what: str = "--disk") -> dict[str, Any]:
    """Read a disk: a size makes an image, anything else is a path; then keys.

    Args:
        what: What the text is called in a failure.

    Raises:
        UsageError: The format of an existing image is neither named nor told by its name.
    """
    parts = text.split(",")
    rest: list[str] = []
    while len(parts) > 1 and parts[-1].partition("=")[0] in Disk.__struct_fields__:
        rest.insert(0, parts.pop())
    head, keys = ",".join(parts), _keys(rest, what)
    try:
        parse_size(head)
        return {"size": head, **keys}
    except ValueError:
        pass
    if not head:
        raise UsageError(f"{what} is empty", hint="write 20G or a path; '' alone is no disk")
    disk = {"file": os.path.abspath(head), **keys}
    if Disk(file=disk["file"]).image_format() is None and "format" not in disk:
        disk["format"] = _settled_format(disk["file"], what)
    return disk


def _settled_format(path: str, what: str) -> str:
    found = format_by_header(path)
    if found is not None:
        return found
    if not os.path.exists(path):
        raise UsageError(f"{what}: {visible(path)} does not exist")
    raise UsageError(
        f"{what}: the format of {visible(path)} is not told by its name",
        hint=f"{visible(path)},format=raw (a format is never guessed from a guest's data)",
    )


def network_of(text: str, what: str = "--network") -> dict[str, Any] | None:
    """Read a network: ``user``, ``bridge=NAME``, ``tap=NAME``; None for ``none``.

    Args:
        what: What the text is called in a failure.

    Raises:
        UsageError: Not one of the kinds.
    """
    head, *rest = text.split(",")
    kind, _, name = head.replace(":", "=", 1).partition("=")
    keys = _keys(rest, what)
    if kind == "none" and not name:
        return None
    if kind == "user" and not name:
        return {"type": "user", **keys}
    if kind in ("bridge", "tap") and name:
        return {"type": kind, kind: name, **keys}
    raise UsageError(
        f"{what}: '{visible(text)}' is no network", hint="user, bridge=NAME, tap=NAME or none"
    )
