"""What is said of the values of an image's form, kind by kind."""

from __future__ import annotations

import os
from collections.abc import Callable

from kvmtui.errors import ImageError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_guard, image_live_forms, image_places, image_secrets
from kvmtui.manage.image_copying import SUFFIX_OF, measured
from kvmtui.manage.image_form_words import (
    YES,
    Kind,
    Said,
    Told,
    Values,
    named_format,
    new_size,
    put_size,
    source_figure,
    space_figure,
    target_figure,
    words_of,
)
from kvmtui.manage.image_forms import UNDO, format_can
from kvmtui.manage.image_importing import Import
from kvmtui.manage.image_importing import target_name as import_name
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_unpacking import is_packed
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.qemu.image_header import read_header
from kvmtui.text import visible

_Check = Callable[[Library, ImageView, Values, image_live_forms.Figures], Said]
_MOST_MEASURED = 64
_OF_RUNNING: dict[Kind, _Check] = {
    "move": image_live_forms.check_move,
    "flatten": image_live_forms.check_flatten,
    "commit": image_live_forms.check_commit,
    "limits": image_live_forms.check_limits,
}


class Checks:
    """Checks the values of forms; what qemu-img measured is kept while an image is the same."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._measured: dict[tuple[object, ...], dict[str, int] | None] = {}
        self._by_kind: dict[Kind, Callable[[ImageView, Values], Said]] = {
            "resize": self._resize,
            "convert": self._convert,
            "clone": self._clone,
            "rebase": self._rebase,
            "repair": self._repair,
            **{kind: self._of_running(check) for kind, check in _OF_RUNNING.items()},
        }
        self._free: dict[Kind, Callable[[Values], Said]] = {
            "create": self._create,
            "import": self._import,
            "add": self._add,
            "remove": self._remove,
        }

    def check(self, kind: Kind, view: ImageView | None, values: Values) -> Said:
        """What is said of the values."""
        if kind in self._free:
            return self._free[kind](values)
        if view is None or not os.path.lexists(view.path):
            return Said({}, fault="the image is gone")
        named = kind == "convert" and named_format(values, "source_format")
        fault = "" if named else format_can(view, kind)
        said = self._by_kind[kind](view, values)
        return said._replace(fault=fault or said.fault)

    # Without an image.

    def _create(self, values: Values) -> Said:
        said, target = self._new(values["name"], f".{values['format']}")
        size: int | None = None
        base = 0
        backing = values["backing"].strip()
        if backing:
            fault, base = self._base(backing, named_format(values, "backing_format"))
            if not fault and values["format"] != "qcow2":
                fault = "only a qcow2 image can stand on another"
            told = f"it begins as that image, {format_size(base)}"
            said["backing"] = ("problem", fault) if fault else ("fine", told)
        size = base if not values["size"].strip() and backing else put_size(said, values["size"])
        if size is not None and backing and size < base:
            said["size"] = ("problem", f"it stands on {format_size(base)}: not less than that")
        allocation = values["preallocation"]
        if allocation == "metadata" and values["format"] == "raw":
            said["preallocation"] = ("problem", "a raw image has no metadata: falloc or full")
        elif allocation != "off" and backing:
            said["preallocation"] = ("problem", "an image that stands on another is not")
        _put_clusters(said, values)
        if values["compression"] != "zlib" and values["format"] == "raw":
            said["compression"] = ("problem", "a raw image has no compression")
        secret = values["secret"].strip()
        if secret:
            fault = words_of(lambda: image_secrets.check_file("it", _path(secret)))
            said["secret"] = ("problem", fault) if fault else ("fine", "encrypted with LUKS")
        if size is None or target is None:
            return Said(said)
        at_once = size if allocation in ("falloc", "full") else 0
        folder = os.path.dirname(target)
        if at_once > image_guard.free_bytes(folder):
            said["preallocation"] = ("problem", "there is no room for all of it now")
        what = f"{values['format']}, {format_size(size)}" + ", encrypted" * bool(secret)
        to = target_figure(self._library, target, what)
        return Said(said, (to, space_figure(folder, at_once, size)))

    def _import(self, values: Values) -> Said:
        source = _path(values["source"])
        said: Told = {}
        if not values["source"].strip():
            return Said({"source": ("problem", "a file is needed")})
        if not os.path.isfile(source):
            there = "a folder" if os.path.isdir(source) else "no such file"
            return Said({"source": ("problem", there)})
        taken = os.stat(source).st_blocks * 512
        disk = values["disk"].strip()
        if disk and not (disk.isdecimal() and 0 < int(disk) < 1000):
            said["disk"] = ("problem", "a number: 1 is the first")
        if values["largest"].strip():
            put_size(said, values["largest"].strip(), "largest")
        how = Import(values["format"])
        fault = words_of(lambda: import_name(source, values["name"].strip() or None, how))
        target = None
        if not fault:
            name = import_name(source, values["name"].strip() or None, how)
            fault = words_of(lambda: image_places.new_place(self._library, name))
            target = None if fault else image_places.new_place(self._library, name)
        if fault:
            said["name"] = ("problem", fault)
        fault, what = self._source(source, named_format(values, "source_format"))
        said["source"] = ("problem", fault) if fault else ("fine", what)
        figures = [("From", f"{visible(source, limit=80)}, {what or 'unknown'}")]
        if target is not None:
            figures.append(target_figure(self._library, target, values["format"]))
            figures.append(space_figure(os.path.dirname(target), taken, None))
        return Said(said, tuple(figures))

    def _source(self, source: str, named: str | None) -> tuple[str, str]:
        """What is wrong with a file that is to be brought in, and what it is."""
        with open(source, "rb") as file:
            head = file.read(512)
        if is_packed(head):
            return "", "an archive, as an OVA is" if head[257:262] == b"ustar" else "compressed"
        recorded = named or ("raw" if source.endswith(".raw") else None)
        try:
            header = read_header(source, recorded)
        except ImageError as error:
            return error.message, ""
        if header.fault:
            return f"it {header.fault}", ""
        if header.backing_file is not None or header.data_files:
            named = visible(header.backing_file or header.data_files[0], limit=60)
            return f"it is not whole, it refers to {named}", ""
        size = header.virtual_size_bytes
        return "", header.format + (f", {format_size(size)}" if size else "")

    def _add(self, values: Values) -> Said:
        path = _path(values["path"])
        if not values["path"].strip():
            return Said({"path": ("problem", "a path is needed")})
        if os.path.isdir(path):
            count = sum(1 for name in os.listdir(path) if image_places.is_image_name(name))
            words = f"{count} image{'' if count == 1 else 's'} in it"
            if path in image_places.known_folders(self._library):
                words = "it is listed already"
            return Said({"path": ("fine", words)})
        if os.path.exists(path):
            return Said({"path": ("fine", "a block device")} if _is_block(path) else _NO_PLACE)
        return Said({"path": ("problem", "there is no such directory or device")})

    def _remove(self, values: Values) -> Said:
        if not values["path"]:
            return Said({"path": ("problem", "none was added")})
        return Said({})

    # Of an image.

    def _of_running(self, check: _Check) -> Callable[[ImageView, Values], Said]:
        return lambda view, values: check(self._library, view, values, self._figures)

    def _resize(self, view: ImageView, values: Values) -> Said:
        try:
            size = new_size(view, values["size"])
        except ValueError as error:
            return Said({"size": ("problem", str(error))}, (source_figure(view),))
        old = view.virtual_size_bytes or 0
        said: Told = {"size": ("fine", f"from {format_size(old)} to {format_size(size)}")}
        if size <= 0 or size > 1 << 60:
            said["size"] = ("problem", f"an image cannot have {format_size(max(size, 0))}")
        elif size == old:
            said["size"] = ("problem", f"it has {format_size(old)} already")
        elif size < old and values["shrink"] != YES:
            said["size"] = ("problem", f"less than {format_size(old)}: data would be lost")
        elif size < old:
            said["shrink"] = ("warning", f"{format_size(old - size)} at its end are lost")
        users = [one.guest for one in view.used_by if one.running and one.role.startswith("disk")]
        figures = [source_figure(view), ("To", f"{format_size(size)} for the guest")]
        if users:
            figures.append(("Live", f"{users[0]} runs and sees the new size at once"))
        more = max(0, size - (view.actual_size_bytes or 0))
        figures.append(space_figure(os.path.dirname(view.path), 0, more))
        return Said(said, tuple(figures))

    def _convert(self, view: ImageView, values: Values) -> Said:
        image_format = values["format"]
        said, target = self._new(values["name"], f".{SUFFIX_OF.get(image_format, image_format)}")
        if values["rate"].strip():
            put_size(said, values["rate"], "rate")
        _put_clusters(said, values)
        fault, least, most = self._figures(view, image_format, values)
        if values["compress"] == YES:
            least = None
            if image_format in ("raw", "vdi", "vhdx", "vpc"):
                said["compress"] = ("problem", f"{image_format} has no compression")
        return self._made(view, said, target, image_format, fault, least, most)

    def _clone(self, view: ImageView, values: Values) -> Said:
        driver = view.header.driver if view.header is not None else "raw"
        way = values["way"]
        suffix = ".qcow2" if way == "linked" else os.path.splitext(view.path)[1] or f".{driver}"
        said, target = self._new(values["name"], suffix)
        fault, least, most = self._figures(view, driver, values)
        if way == "linked":
            writers = [u for u in view.used_by if u.role.startswith("disk") and not u.read_only]
            if writers:
                words = f"{writers[0].guest} writes to it: what stands on it would break"
                said["way"] = ("problem", words)
            least, most = 0, view.virtual_size_bytes
        elif way in ("auto", "reflink"):
            least = None
        return self._made(view, said, target, driver, fault, least, most)

    def _made(
        self,
        view: ImageView,
        said: Told,
        target: str | None,
        image_format: str,
        fault: str,
        least: int | None,
        most: int | None,
    ) -> Said:
        """What is said of a copy."""
        figures = [source_figure(view)]
        if target is not None:
            takes = "" if least is None else f", {format_size(least)}"
            figures.append(target_figure(self._library, target, image_format + takes))
            folder = os.path.dirname(target)
            figures.append(space_figure(folder, least, most))
            if least is not None and least > image_guard.free_bytes(folder) and not fault:
                fault = f"{visible(folder, limit=60)} has no room for it"
        fault = fault or words_of(
            lambda: image_guard.refuse_in_use(self._library, view, "is busy", reading=True)
        )
        return Said(said, tuple(figures), fault)

    def _rebase(self, view: ImageView, values: Values) -> Said:
        backing = values["backing"].strip()
        said: Told = {}
        least = None
        if backing:
            fault, size = self._base(backing, named_format(values, "backing_format"))
            if not fault and os.path.realpath(self._found(backing)) == os.path.realpath(view.path):
                fault = "it cannot stand on itself"
            said["backing"] = ("problem", fault) if fault else ("fine", format_size(size))
        else:
            said["backing"] = ("fine", "nothing: all is copied into it")
        fault = ""
        if values["unsafe"] == YES:
            said["unsafe"] = ("warning", "its content may become another")
            least = 0
        else:
            fault, needed, _ = self._figures(view, "qcow2", values)
            if needed is not None:
                least = max(0, needed - (view.actual_size_bytes or 0))
        fault = fault or words_of(lambda: image_guard.refuse_in_use(self._library, view, "is busy"))
        figures = (source_figure(view), space_figure(os.path.dirname(view.path), least, None))
        return Said(said, figures, fault)

    def _repair(self, view: ImageView, values: Values) -> Said:
        fault = words_of(lambda: image_guard.refuse_in_use(self._library, view, "is busy"))
        said: Told = {}
        if values["repair"] == UNDO:
            kept = kept_metadata(view.path)
            told = f"as before {visible(os.path.basename(kept), limit=60)}" if kept else ""
            said["repair"] = ("warning", told) if kept else ("problem", "no repair kept anything")
        elif values["repair"] == "all":
            said["repair"] = ("warning", "data that wrong references lead to may be lost")
        return Said(said, (source_figure(view),), fault)

    # What they share.

    def _new(self, name: str, suffix: str) -> tuple[Told, str | None]:
        """What is said of a new image's name, and its path where it can be one."""
        name = name.strip()
        if not name:
            return {"name": ("problem", "a name is needed")}, None
        full = name if os.path.splitext(name)[1] else name + suffix
        fault = words_of(lambda: image_places.new_place(self._library, full))
        if fault:
            return {"name": ("problem", fault)}, None
        return {"name": ("fine", "free")}, image_places.new_place(self._library, full)

    def _found(self, text: str) -> str:
        return image_places.find_image(self._library, text)

    def _base(self, text: str, named: str | None) -> tuple[str, int]:
        """What is wrong with an image that is to be stood on, and its size."""

        def look() -> list[ChainPart]:
            return image_guard.chain_of(self._library, self._found(text), recorded=named)

        fault = words_of(look)
        if fault:
            return fault, 0
        header = look()[0].header
        return "", header.virtual_size_bytes or 0

    def _figures(
        self, view: ImageView, image_format: str, values: Values
    ) -> tuple[str, int | None, int | None]:
        """Why an image cannot be read; what a copy takes at once, and in the end."""
        follow = values.get("follow") == YES
        named = named_format(values, "source_format")

        def look() -> list[ChainPart]:
            return image_guard.chain_of(self._library, view.path, recorded=named, follow=follow)

        fault = words_of(look)
        if fault:
            return fault, None, None
        key = (view.path, image_format, named, view.changed, view.actual_size_bytes)
        if key not in self._measured:
            if len(self._measured) >= _MOST_MEASURED:
                self._measured.clear()
            try:
                with image_tools():
                    self._measured[key] = measured(look(), image_format)
            except ImageError as error:
                return error.message, None, None
        needed = self._measured[key] or {}
        return "", needed.get("required"), needed.get("fully-allocated")


_NO_PLACE: Told = {"path": ("problem", "it is neither a directory nor a block device")}


def kept_metadata(path: str) -> str:
    """The newest copy of an image's metadata that a repair kept; empty where there is none."""
    folder, name = os.path.split(os.path.realpath(path))
    kept = [one for one in os.listdir(folder) if one.startswith(f"{name}.before-repair-")]
    return f"{folder}/{max(kept)}" if kept else ""


def _put_clusters(said: Told, values: Values) -> None:
    """Of a qcow2 alone, and a power of two."""
    text = values["cluster"].strip()
    if not text:
        return
    size = put_size(said, text, "cluster")
    if values["format"] != "qcow2":
        said["cluster"] = ("problem", f"{values['format']} has none that can be chosen")
    elif size is not None and (size & (size - 1) or not 512 <= size <= 2 << 20):
        said["cluster"] = ("problem", "a power of two from 512 to 2M")


def _path(text: str) -> str:
    return os.path.abspath(os.path.expanduser(text.strip()))


def _is_block(path: str) -> bool:
    import stat

    return stat.S_ISBLK(os.stat(path).st_mode)
