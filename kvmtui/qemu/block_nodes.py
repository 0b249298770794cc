"""Which block node of a QEMU belongs to which file, from what QEMU itself says.

A disk's node is called as on the command line only until its image is moved or merged, so
it is looked up by file. QEMU tells a file as a plain path, or as ``json:{…}`` where the chain
was put together by commands.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from kvmtui.errors import MonitorError
from kvmtui.qemu.plain import PlainMonitor

_NO_FORMATS = ("file", "host_device", "throttle", "mirror_top", "commit_top", "copy-on-read")
_MOST_DEPTH = 16


class DriveNode(NamedTuple):
    """The image of a drive of a guest that runs."""

    qdev: str
    """The drive's id or path, as ``query-block`` has it."""
    node: str
    """Its format node."""
    file: str
    size_bytes: int | None
    read_only: bool


def drives(monitor: PlainMonitor) -> list[DriveNode]:
    """The images that drives of a guest have now (QMP ``query-block``).

    Raises:
        MonitorError: QEMU refused, or did not answer.
    """
    answer: Any = monitor.execute("query-block")
    if not isinstance(answer, list):
        raise MonitorError("QEMU's answer to query-block makes no sense")
    found = []
    for one in answer:
        inserted = one.get("inserted")
        if not isinstance(inserted, dict) or not one.get("qdev"):
            continue
        size = inserted.get("image", {}).get("virtual-size")
        found.append(
            DriveNode(
                qdev=str(one["qdev"]),
                node=str(inserted.get("node-name", "")),
                file=plain_file(str(inserted.get("file", ""))),
                size_bytes=size if isinstance(size, int) else None,
                read_only=bool(inserted.get("ro")),
            )
        )
    return found


def drive_of(monitor: PlainMonitor, path: str) -> DriveNode | None:
    """The drive whose topmost image is a file; None where no drive has it so."""
    return next((one for one in drives(monitor) if is_same(one.file, path)), None)


def plain_file(told: str) -> str:
    """The path of the file at the bottom of what QEMU tells of a node; else the text itself."""
    if not told.startswith("json:"):
        return told
    try:
        value: Any = json.loads(told[5:])
    except (ValueError, RecursionError):
        return told
    for _ in range(_MOST_DEPTH):
        if not isinstance(value, dict):
            break
        if isinstance(value.get("filename"), str):
            return str(value["filename"])
        value = value.get("file")
    return told


def is_same(named: str, path: str) -> bool:
    """Whether two paths are one file."""
    try:
        return os.path.samefile(named, path)
    except (OSError, ValueError):
        return False


def jobs(monitor: PlainMonitor) -> dict[str, dict[str, Any]]:
    """All jobs of a QEMU, by id (QMP ``query-jobs``)."""
    answer: Any = monitor.execute("query-jobs")
    listed = answer if isinstance(answer, list) else []
    return {str(one.get("id")): one for one in listed if isinstance(one, dict)}


def throttles(monitor: PlainMonitor, path: str) -> dict[str, Any] | None:
    """What ``query-block`` tells of the drive that has a file, its limits among it."""
    answer: Any = monitor.execute("query-block")
    for one in answer if isinstance(answer, list) else []:
        inserted = one.get("inserted")
        if isinstance(inserted, dict) and is_same(plain_file(str(inserted.get("file"))), path):
            return inserted
    return None


def qdev_of(monitor: PlainMonitor, device: str) -> str | None:
    """What QEMU calls a drive of the command line: ``hd0``, or a path that holds that id."""
    answer: Any = monitor.execute("query-block")
    for one in answer if isinstance(answer, list) else []:
        qdev = str(one.get("qdev") or "")
        if qdev == device or device in qdev.split("/"):
            return qdev
    return None


def format_node(monitor: PlainMonitor, path: str) -> str | None:
    """The format node of a file, wherever it stands in a chain (``query-named-block-nodes``)."""
    node = format_node_in(monitor.execute("query-named-block-nodes", {"flat": True}), path)
    return None if node is None else str(node["node-name"])


def format_node_in(answer: Any, path: str) -> dict[str, Any] | None:
    """That node in the answer of ``query-named-block-nodes``."""
    for one in answer if isinstance(answer, list) else []:
        if one.get("drv") in _NO_FORMATS:
            continue
        if is_same(plain_file(str(one.get("file", ""))), path):
            found: dict[str, Any] = one
            return found
    return None
