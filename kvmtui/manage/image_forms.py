"""Operations on images as forms: their fields, and what is said of what is typed into them.

Each field is checked by the same code that will do it. Beside the fields stand the figures:
from what, to what, and the room that is left after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, NamedTuple

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size, parse_size
from kvmtui.manage import image_guard, image_places
from kvmtui.manage.forms import FormField
from kvmtui.manage.image_changing import RESIZABLE
from kvmtui.manage.image_checking import REPAIRABLE
from kvmtui.manage.image_copying import CLONES, SUFFIX_OF, WRITEABLE
from kvmtui.manage.image_links import check_data_files
from kvmtui.manage.image_making import MAKEABLE, PREALLOCATIONS
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.images import ImageView
from kvmtui.text import visible

Kind = Literal[
    "create", "import", "resize", "convert", "clone", "rebase", "move", "repair", "add", "remove"
]
Standing = Literal["fine", "warning", "problem"]
Values = dict[str, str]
Told = dict[str, tuple[Standing, str]]
"""Of fields, by their ids: how a value stands, and a few words."""

YES, NO = "yes", "no"
UNDO = "undo the last repair"
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


class Said(NamedTuple):
    """What is said of the values of a form."""

    fields: Told
    figures: tuple[tuple[str, str], ...] = ()
    """From what, to what, the room after it: a label and a text each."""
    fault: str = ""
    """Why it cannot be done whatever is typed; empty where it can."""

    @property
    def problem(self) -> str:
        """The first thing that is not right; empty where all is."""
        wrong = [words for standing, words in self.fields.values() if standing == "problem"]
        return self.fault or (wrong[0] if wrong else "")


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
    }[kind]
    does = {"import": "bring in", "add": "list it", "remove": "list no more"}.get(kind, kind)
    fields = _FIELDS[kind](library, view)
    if view is not None and kind in ("convert", "clone", "rebase") and _leads_away(view, folders):
        fields.append(_field("follow", "Follow it", "switch", NO, help=_FOLLOW))
    return ImageForm(title, does, tuple(fields))


def _field(
    id: str,
    label: str,
    kind: Literal["text", "choice", "switch"] = "text",
    value: str = "",
    choices: tuple[str, ...] = (),
    help: str = "",
) -> FormField:
    return FormField(id, label, kind, value, choices, help)


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
    return _field("name", "Name", value=value, help=help)


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
        _field("size", "Size", value="20G", help="What a guest will see: 512M, 20G. A number."),
        _field(
            *("format", "Format", "choice", "qcow2", MAKEABLE),
            help="qcow2 grows as it is written to and can have snapshots; raw is the bytes alone.",
        ),
        _field(
            "backing",
            "Stands on",
            help="An image whose content it begins with, and which must stay as it is; or empty.",
        ),
        _field(
            *("preallocation", "Preallocated", "choice", "off", PREALLOCATIONS),
            help="off takes room as it is needed; falloc and full take all of it now.",
        ),
    ]


def _import_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        _field(
            "source",
            "From",
            help="Path of an image, an OVA, or one of these compressed (.gz, .xz, .bz2).",
        ),
        _field("name", "Name", help="In the home's images/; empty: as the source is called."),
        _field("format", "Format", "choice", "qcow2", WRITEABLE, "What it is written as."),
        _field("disk", "Disk", help="Of an OVA with several: 1, 2 …; empty for its only one."),
    ]


def _resize_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        _field("size", "Size", value="+10G", help="The new size, 40G; or how much more, +10G."),
        _field(
            *("shrink", "May shrink", "switch", NO),
            help="What lies behind the new end is lost. Shrink the file systems in it first.",
        ),
    ]


def _convert_fields(library: Library, view: ImageView | None) -> list[FormField]:
    image_format = "raw" if view is not None and view.format == "qcow2" else "qcow2"
    return [
        _field("format", "Format", "choice", image_format, WRITEABLE, "What it is written as."),
        _name_field(library, view, image_format),
        _field("compress", "Compress", "switch", NO, help="Smaller, and slower to read."),
        _field("rate", "At most", help="A second, such as 50M, to leave the disk some peace."),
    ]


def _clone_fields(library: Library, view: ImageView | None) -> list[FormField]:
    image_format = (view.format if view is not None else None) or "qcow2"
    return [
        _name_field(library, view, image_format),
        _field(
            *("way", "Way", "choice", "auto", CLONES),
            help="full copies; linked stands on the source, which must stay as it is; reflink "
            "shares blocks where the file system can; auto is reflink, else full.",
        ),
    ]


def _rebase_fields(library: Library, view: ImageView | None) -> list[FormField]:
    backing = view.backing if view is not None else None
    value = "" if backing is None else visible(backing.path or "", limit=4096)
    return [
        _field(
            *("backing", "Stands on", "text", value),
            help="The image it is to stand on; empty: nothing, then all is copied into it.",
        ),
        _field(
            *("unsafe", "Name only", "switch", NO),
            help="For a backing file that was moved: only its name is written. Its content "
            "becomes that of the other image where it has none of its own.",
        ),
    ]


def _move_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        _field(
            "target",
            "To",
            help="A directory, a path, or a name for images/. Guests that use it and images that "
            "stand on it are told.",
        )
    ]


def _repair_fields(library: Library, view: ImageView | None) -> list[FormField]:
    return [
        _field(
            *("repair", "Repair", "choice", "leaks", REPAIRS),
            help="leaks frees what nothing uses; all mends wrong references too, which may lose "
            "data. The metadata are kept beside the image first, so that it can be undone.",
        )
    ]


def _add_fields(library: Library, view: ImageView | None) -> list[FormField]:
    help = "A directory of images, or a block device such as an LVM volume."
    return [_field("path", "Path", help=help)]


def _remove_fields(library: Library, view: ImageView | None) -> list[FormField]:
    places = image_places.read_places(library)
    added = tuple(visible(one, limit=4096) for one in (*places.directories, *places.devices))
    value = added[0] if added else ""
    help = "Only the list forgets it: nothing in it is touched."
    return [_field("path", "Path", "choice", value, added, help)]


_FIELDS: dict[Kind, Callable[[Library, ImageView | None], list[FormField]]] = {
    "create": _create_fields,
    "import": _import_fields,
    "resize": _resize_fields,
    "convert": _convert_fields,
    "clone": _clone_fields,
    "rebase": _rebase_fields,
    "move": _move_fields,
    "repair": _repair_fields,
    "add": _add_fields,
    "remove": _remove_fields,
}


# What is common to the checks.


def words_of(act: Callable[[], object]) -> str:
    """What a check refuses with; empty where it does not."""
    try:
        act()
    except (KvmtuiError, OSError) as error:
        return as_told("", error).message
    return ""


def new_size(view: ImageView, text: str) -> int:
    """The size that a text means for an image: whole, or so much more.

    Raises:
        ValueError: It is no size; says what to write.
    """
    wanted = parse_size(text.strip().removeprefix("+"))
    if text.strip().startswith("+"):
        return (view.virtual_size_bytes or 0) + wanted
    return wanted


def share(view: ImageView) -> str:
    """``12G of 40G``."""
    real = "" if view.actual_size_bytes is None else f"{format_size(view.actual_size_bytes)} of "
    return real + ("?" if view.virtual_size_bytes is None else format_size(view.virtual_size_bytes))


def source_figure(view: ImageView) -> tuple[str, str]:
    """Where something is made from."""
    return "From", f"{visible(view.name, limit=60)}, {view.format or 'unknown'}, {share(view)}"


def target_figure(library: Library, path: str, more: str) -> tuple[str, str]:
    """What is made."""
    return "To", f"{visible(shown_name(library, path), limit=80)}, {more}"


def space_figure(folder: str, least: int | None, most: int | None) -> tuple[str, str]:
    """The room on a file system, now and after it; ▲ and ✗ are said by words.

    Args:
        least: What is taken at once; None where it is not known.
        most: What may be taken in the end.
    """
    free = image_guard.free_bytes(folder)
    text = f"{format_size(free)} left"
    if least:
        text += f", then {_left(free, least)}"
    if most is not None and most != least:
        text += f"; {_left(free, most)} once all of it is written"
    return "Space", text


def _left(free: int, taken: int) -> str:
    return format_size(free - taken) if taken <= free else f"{format_size(taken - free)} too little"


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
