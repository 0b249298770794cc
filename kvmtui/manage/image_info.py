"""All that can be told of one image without opening what it refers to."""

from __future__ import annotations

import os
from typing import Any

from kvmtui.errors import ImageError
from kvmtui.guest.history import iso_time
from kvmtui.guest.library import Library
from kvmtui.manage import image_reach, image_tree, images
from kvmtui.manage.catalog_names import RECORD
from kvmtui.manage.image_links import check_data_files
from kvmtui.manage.image_story import last_check
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.qemu.image_tool import run_json
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from kvmtui.manage.recognising import Medium
else:
    from kvmtui.light import NamedTuple

_MOST_SNAPSHOTS_TOLD = 200


class SnapshotView(NamedTuple):
    """One internal snapshot."""

    name: str
    """Safe to show."""
    time: float | None
    """Seconds since 1970."""
    vm_state_bytes: int
    """The memory saved with it; 0 for one of the disk alone."""


class ImageInfo(NamedTuple):
    """One image in detail."""

    view: ImageView
    chain: tuple[ImageView, ...]
    """Itself, then what it stands on."""
    snapshots: tuple[SnapshotView, ...]
    corrupt: bool | None
    """None where the format cannot say it."""
    medium: Medium | None
    """What an installation medium says of itself, and what it is."""
    checked: tuple[float, str] | None
    """When it was last checked here, and what was found."""
    fault: str
    """Why qemu-img could not be asked; empty where it was."""
    cloud: str = ""
    """Which cloud image it is and how it was verified; empty where it is none."""


def image_info(library: Library, path: str, survey: images.Survey | None = None) -> ImageInfo:
    """Look at one image.

    Args:
        survey: All images as of now, where they were looked at already.

    Raises:
        ImageError: There is none.
        HostError: qemu-img is not installed.
    """
    survey = survey or images.survey(library, [path])
    found = survey.images
    view = found.get(path)
    if view is None:
        raise images.missing(survey, path)
    folders = image_reach.folders_of(library, view)
    snapshots: tuple[SnapshotView, ...] = ()
    corrupt: bool | None = None
    fault = view.trouble if view.header is None or view.header.fault else ""
    if view.header is not None and not fault and view.header.format == "qcow2":
        corrupt = view.header.corrupt
        try:
            check_data_files(path, view.header, folders, False)
            snapshots = _snapshots(path) if view.snapshots else ()
        except ImageError as error:
            fault = error.message
    return ImageInfo(
        view=view,
        chain=tuple(image_tree.chain_below(found, path)),
        snapshots=snapshots,
        corrupt=corrupt,
        medium=_medium(library, view),
        checked=last_check(library, path),
        cloud=_cloud(path),
        fault=fault,
    )


def _cloud(path: str) -> str:
    if not os.path.exists(path.removesuffix(".qcow2") + RECORD):
        return ""
    from kvmtui.manage import catalog_records

    return catalog_records.told_of(path)


def _medium(library: Library, view: ImageView) -> Medium | None:
    is_raw_cdrom = view.format == "raw" and view.path.lower().endswith(".iso")
    if view.format != "iso" and not is_raw_cdrom:
        return None
    from kvmtui.manage.recognising import Recogniser

    return Recogniser(library).look(view.path)


def _snapshots(path: str) -> tuple[SnapshotView, ...]:
    with image_tools():
        answer = run_json(
            ["info", "-U", "-f", "qcow2", "--", path], f"{visible(path)} was not read"
        )
    listed = answer.get("snapshots") if isinstance(answer, dict) else None
    found = [_snapshot(one) for one in listed or () if isinstance(one, dict)]
    return tuple(found[:_MOST_SNAPSHOTS_TOLD])


def _snapshot(one: dict[str, Any]) -> SnapshotView:
    seconds, size = one.get("date-sec"), one.get("vm-state-size")
    return SnapshotView(
        name=visible(str(one.get("name", "")), limit=120),
        time=float(seconds) if isinstance(seconds, int) else None,
        vm_state_bytes=size if isinstance(size, int) else 0,
    )


def view_document(view: ImageView) -> dict[str, Any]:
    """An image as a row of `image list --json`."""
    return {
        "file": view.path,
        "name": view.name,
        "format": view.format,
        "virtual_size_bytes": view.virtual_size_bytes,
        "actual_size_bytes": view.actual_size_bytes,
        "backing_file": _backing(view),
        "in_use_by": [user._asdict() for user in view.used_by],
        "snapshots": view.snapshots,
        "changed": None if view.changed is None else iso_time(view.changed),
        "trouble": view.trouble or None,
    }


def _backing(view: ImageView) -> str | None:
    if view.backing is None:
        return None
    return view.backing.path or view.backing.text


def info_document(info: ImageInfo) -> dict[str, Any]:
    """An image as `image info --json` tells it."""
    header = info.view.header
    document = view_document(info.view)
    document |= {
        "snapshots": [
            {
                "name": one.name,
                "time": None if one.time is None else iso_time(one.time),
                "vm_state_bytes": one.vm_state_bytes,
            }
            for one in info.snapshots
        ],
        "corrupt": info.corrupt,
        "encrypted": header.encrypted if header else None,
        "compression": header.compression if header else None,
        "lazy_refcounts": header.lazy_refcounts if header else None,
        "cluster_size_bytes": header.cluster_bytes if header else None,
        "data_files": [visible(one) for one in header.data_files] if header else [],
        "backing_format": header.backing_format if header else None,
        "chain": [view.path for view in info.chain],
        "children": list(info.view.children),
        "checked": None
        if info.checked is None
        else {"time": iso_time(info.checked[0]), "result": info.checked[1]},
        "cloud_image": info.cloud or None,
        "fault": info.fault or None,
    }
    if info.medium is not None:
        found = info.medium.recognition
        document |= {
            "os": found.os,
            "os_candidates": list(found.candidates),
            "volume_id": info.medium.media.volume_id,
            "arch": found.arch,
            "boot": list(found.boot),
        }
    return document
