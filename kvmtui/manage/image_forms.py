"""Operations on images as forms: their fields, and what is said of what is typed into them.

Each field is checked by the same code that will do it. Beside the fields stand the figures:
from what, to what, and the room that is left after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.manage import image_live_forms, image_reach
from kvmtui.manage.forms import FormField
from kvmtui.manage.image_changing import RESIZABLE
from kvmtui.manage.image_checking import REPAIRABLE
from kvmtui.manage.image_copying import CLONES, SUFFIX_OF, WRITEABLE
from kvmtui.manage.image_form_words import AS_IT_SAYS, NO, Kind, field
from kvmtui.manage.image_links import check_data_files
from kvmtui.manage.image_making import COMPRESSIONS, MAKEABLE, PREALLOCATIONS
from kvmtui.manage.images import ImageView
from kvmtui.text import visible

UNDO = "undo the last repair"
_FOLLOWING = ("resize", "convert", "clone", "rebase", "move", "repair", "flatten", "commit")
REPAIRS = ("leaks", "all", UNDO)
_FOLLOW = (
    "It refers to a file in no folder of images. An image can name any file of this machine: "
    "follow it only if you know where the image is from."
)


class ImageForm(NamedTuple):
    """A form before anything is typed."""

    title: str
    does: str
    """What Ctrl-S does, a verb."""
    fields: tuple[FormField, ...]


# The fields.


def form_of(library: Library, kind: Kind, view: ImageView | None, folders: list[str]) -> ImageForm:
    """The form of an operation.

    Args:
        view: The image that it is for; None where it is for none.
        folders: The folders in which images may refer to each other.
    """
    name = "" if view is None else visible(view.name, limit=60)
    title = {
        "create": "New image",
        "import": "Bring an image in",
        "resize": f"Give {name} another size",
        "convert": f"Convert {name}",
        "clone": f"Clone {name}",
        "rebase": f"Let {name} stand on another image",
        "move": f"Move {name}",
        "repair": f"Repair {name}",
        "add": "List another directory",
        "remove": "List a directory no more",
        "flatten": f"Let {name} stand alone",
        "commit": f"Commit {name} into what it stands on",
        "limits": f"Limits of {name}",
    }[kind]
    does = {"import": "bring in", "add": "list it", "remove": "list no more", "limits": "set them"}
    fields = _FIELDS[kind](library, view)
    if view is not None and kind in _FOLLOWING and _leads_away(view, folders):
        fields.append(field("follow", "Follow it", "switch", NO, help=_FOLLOW))
    return ImageForm(title, does.get(kind, kind), tuple(fields))


def _leads_away(view: ImageView, folders: list[str]) -> bool:
    """Whether an image refers to files in no folder of images."""
    if view.backing is not None and view.backing.trouble == "backing elsewhere":
        return True
    if view.header is None:
        return False
    try:
        check_data_files(view.path, view.header, folders, False)
    except KvmtuiError:
        return True
    return False


def _name_field(library: Library, view: ImageView | None, image_format: str) -> FormField:
    """The name of a new image, at first one that is free."""
    value = ""
    if view is not None:
        stem = os.path.splitext(view.name.replace("/", "-").lstrip("-."))[0]
        stem = "".join(c for c in stem if c.isprintable() and not "\ud800" <= c <= "\udfff")
        value = _free_name(library, stem[:120] or "image", image_format)
    help = "A name in the home's images/, or a path. Without an ending it gets its format's."
    return field("name", "Name", value=value, help=help)


def _free_name(library: Library, stem: str, image_format: str) -> str:
    suffix = f".{SUFFIX_OF.get(image_format, image_format)}"
    for number in range(1, 1000):
        name = stem if number == 1 else f"{stem}-{number}"
        if not os.path.lexists(library.at("images", name + suffix)):
            return name
    return stem


def _create_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        _name_field(library, None, "qcow2"),
        field("size", "Size", value="20G", help="What a guest will see: 512M, 20G. A number."),
        field(
            *("format", "Format", "choice", "qcow2", MAKEABLE),
            help="qcow2 grows as it is written to and can have snapshots; raw is the bytes alone.",
        ),
        field(
            "backing",
            "Stands on",
            help="An image whose content it begins with, and which must stay as it is; or empty.",
        ),
        _format_field("backing_format", "Of the image it stands on."),
        field(
            *("preallocation", "Preallocated", "choice", "off", PREALLOCATIONS),
            help="off takes room as it is needed; falloc and full take all of it now.",
        ),
        _cluster_field(),
        field(
            *("compression", "Compression", "choice", "zlib", COMPRESSIONS),
            help="How compressed clusters are written later, of a qcow2: zstd is quicker.",
        ),
        field(
            "secret",
            "Passphrase",
            help="A file with the passphrase alone, closed to others (chmod 600), by which it is "
            "encrypted with LUKS; empty: it is not.",
        ),
    ]


def _format_field(id: str, of: str = "Of the source.") -> FormField:
    help = f"{of} raw: all in it is a guest's own, also where it begins like another format."
    return field(id, "Its format", "choice", AS_IT_SAYS, (AS_IT_SAYS, "raw"), help)


def _cluster_field() -> FormField:
    return field("cluster", "Clusters", help="Their size, 512 to 2M, of a qcow2; empty: 64K.")


def _import_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        field(
            "source",
            "From",
            help="Path of an image, an OVA, or one of these compressed (.gz, .xz, .bz2).",
        ),
        field("name", "Name", help="In the home's images/; empty: as the source is called."),
        field("format", "Format", "choice", "qcow2", WRITEABLE, "What it is written as."),
        _format_field("source_format"),
        field("disk", "Disk", help="Of an OVA with several: 1, 2 …; empty for its only one."),
        field(
            *("largest", "At most"),
            help="The most that may be unpacked; empty: what its file system has, at least 1T.",
        ),
    ]


def _resize_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        field("size", "Size", value="+10G", help="The new size, 40G; or how much more, +10G."),
        field(
            *("shrink", "May shrink", "switch", NO),
            help="What lies behind the new end is lost. Shrink the file systems in it first.",
        ),
    ]


def _convert_fields(library: Library, view: ImageView | None) -> list[FormField]:
    image_format = "raw" if view is not None and view.format == "qcow2" else "qcow2"
    return [
        field("format", "Format", "choice", image_format, WRITEABLE, "What it is written as."),
        _name_field(library, view, image_format),
        field("compress", "Compress", "switch", NO, help="Smaller, and slower to read."),
        field("rate", "At most", help="A second, such as 50M, to leave the disk some peace."),
        _cluster_field(),
        _format_field("source_format"),
    ]


def _clone_fields(library: Library, view: ImageView | None) -> list[FormField]:
    image_format = (view.format if view is not None else None) or "qcow2"
    return [
        _name_field(library, view, image_format),
        field(
            *("way", "Way", "choice", "auto", CLONES),
            help="full copies; linked stands on the source, which must stay as it is; reflink "
            "shares blocks where the file system can; auto is reflink, else full.",
        ),
    ]


def _rebase_fields(library: Library, view: ImageView | None) -> list[FormField]:
    backing = view.backing if view is not None else None
    value = "" if backing is None else visible(backing.path or "", limit=4096)
    return [
        field(
            *("backing", "Stands on", "text", value),
            help="The image it is to stand on; empty: nothing, then all is copied into it.",
        ),
        _format_field("backing_format", "Of the image it stands on."),
        field(
            *("unsafe", "Name only", "switch", NO),
            help="For a backing file that was moved: only its name is written. Its content "
            "becomes that of the other image where it has none of its own.",
        ),
    ]


def _repair_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        field(
            *("repair", "Repair", "choice", "leaks", REPAIRS),
            help="leaks frees what nothing uses; all mends wrong references too, which may lose "
            "data. The metadata are kept beside the image first, so that it can be undone.",
        )
    ]


def _add_fields(library: Library, view: ImageView | None) -> list[FormField]:
    help = "A directory of images, or a block device such as an LVM volume."
    return [field("path", "Path", help=help)]


def _remove_fields(library: Library, view: ImageView | None) -> list[FormField]:
    places = image_reach.read_places(library)
    added = tuple(visible(one, limit=4096) for one in (*places.directories, *places.devices))
    value = added[0] if added else ""
    help = "Only the list forgets it: nothing in it is touched."
    return [field("path", "Path", "choice", value, added, help)]


_FIELDS: dict[Kind, Callable[[Library, ImageView | None], list[FormField]]] = {
    "create": _create_fields,
    "import": _import_fields,
    "resize": _resize_fields,
    "convert": _convert_fields,
    "clone": _clone_fields,
    "rebase": _rebase_fields,
    "move": image_live_forms.move_fields,
    "repair": _repair_fields,
    "add": _add_fields,
    "remove": _remove_fields,
    "flatten": image_live_forms.merge_fields,
    "commit": image_live_forms.merge_fields,
    "limits": image_live_forms.limit_fields,
}


def format_can(view: ImageView, kind: Kind) -> str:
    """Why an image of this format cannot be done this to; empty where it can."""
    driver = view.header.driver if view.header is not None else None
    if driver is None or (view.header is not None and view.header.fault):
        return f"it cannot be read: {view.trouble}" if kind not in ("move",) else ""
    if kind == "resize" and driver not in RESIZABLE:
        return f"{driver} cannot be resized: convert it first"
    if kind == "rebase" and driver != "qcow2":
        return f"{driver} cannot stand on another image: convert it to qcow2 first"
    if kind == "repair" and driver not in REPAIRABLE:
        return f"{driver} has nothing that qemu-img can repair"
    return ""
