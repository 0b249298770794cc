"""The door to operations on images as forms: opened, checked while one types, done."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, cast

from kvmtui.errors import ImageError, KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.guest.units import parse_size
from kvmtui.manage import image_reach, image_secrets
from kvmtui.manage.image_copying import Copy
from kvmtui.manage.image_form_checks import Checks, kept_metadata
from kvmtui.manage.image_form_words import YES, Kind, Said, Values, named_format, new_size
from kvmtui.manage.image_forms import UNDO, ImageForm, form_of
from kvmtui.manage.image_importing import Import
from kvmtui.manage.image_live_forms import KEEP, limit_values
from kvmtui.manage.image_live_moving import Move
from kvmtui.manage.image_making import Wish
from kvmtui.manage.images import ImageView
from kvmtui.manage.views import Outcome
from kvmtui.text import visible

if TYPE_CHECKING:
    from kvmtui.manage.image_door import ImageDoor

_NONE: tuple[Kind, ...] = ("create", "import", "add", "remove")


class FormDoor:
    """Forms of what can be done with images.

    Args:
        door: What does it.
        library: The home.
    """

    def __init__(self, door: ImageDoor, library: Library) -> None:
        self._door = door
        self._library = library
        self._checks = Checks(library)
        self._acts: dict[Kind, Callable[[str, Values], Awaitable[Outcome]]] = {
            "create": self._create,
            "import": self._import,
            "resize": self._resize,
            "convert": self._convert,
            "clone": self._clone,
            "rebase": self._rebase,
            "move": self._move,
            "repair": self._repair,
            "add": self._add,
            "remove": self._remove,
            "flatten": self._flatten,
            "commit": self._commit,
            "limits": self._limits,
        }

    async def open(self, kind: Kind, path: str = "") -> ImageForm:
        """The form of an operation.

        Raises:
            ImageError: The image is gone.
        """

        def look() -> ImageForm:
            view = self._view(kind, path)
            if view is None and kind not in _NONE:
                raise ImageError(f"{visible(path)} is gone")
            folders = [] if view is None else image_reach.folders_of(self._library, view)
            return form_of(self._library, kind, view, folders)

        return await self._door.read(look)

    def _view(self, kind: Kind, path: str) -> ImageView | None:
        """The image as it was last looked at, or as it is now."""
        if kind in _NONE:
            return None
        last = self._door.last
        if last is None or path not in last.images:
            last = self._door.look(path)
        return last.images.get(path)

    async def check(self, kind: Kind, path: str, values: Values) -> Said:
        """What is said of the values as they are typed."""
        return await self._door.read(
            lambda: self._checks.check(kind, self._view(kind, path), values)
        )

    async def act(self, kind: Kind, path: str, values: Values) -> Outcome:
        """Do it.

        Raises:
            KvmtuiError: It was not done.
        """
        return await self._acts[kind](path, {key: text.strip() for key, text in values.items()})

    async def _create(self, path: str, values: Values) -> Outcome:
        backing = await self._door.find(values["backing"]) if values["backing"] else None
        secret = values["secret"] and os.path.abspath(os.path.expanduser(values["secret"]))

        def read() -> bytes:
            image_secrets.check_file(visible(secret), secret)
            return image_secrets.read_passphrase(secret)

        wish = Wish(
            passphrase=await self._door.read(read) if secret else None,
            format=values["format"],
            preallocation=cast(
                Literal["off", "metadata", "falloc", "full"], values["preallocation"]
            ),
            backing=backing,
            backing_format=named_format(values, "backing_format"),
            cluster_bytes=_size(values["cluster"]),
            # zlib is what it has anyway, and no wish of a raw one.
            compression="zstd" if values["compression"] == "zstd" else None,
        )
        size = parse_size(values["size"]) if values["size"] else None
        return await self._door.create(values["name"], size, wish)

    async def _import(self, path: str, values: Values) -> Outcome:
        disk = int(values["disk"]) if values["disk"] else None
        source = os.path.abspath(os.path.expanduser(values["source"]))
        how = Import(
            values["format"], named_format(values, "source_format"), disk, _size(values["largest"])
        )
        return await self._door.import_image(source, values["name"] or None, how)

    async def _resize(self, path: str, values: Values) -> Outcome:
        view = await self._door.read(lambda: self._view("resize", path))
        if view is None:
            raise ImageError(f"{visible(path)} is gone")
        size = new_size(view, values["size"])
        return await self._door.resize(
            path, size, shrink=values["shrink"] == YES, follow=_follows(values)
        )

    async def _convert(self, path: str, values: Values) -> Outcome:
        how = Copy(
            format=values["format"],
            compress=values["compress"] == YES,
            rate_bytes_per_s=_size(values["rate"]),
            cluster_bytes=_size(values["cluster"]),
            source_format=named_format(values, "source_format"),
            follow=_follows(values),
        )
        return await self._door.convert(path, values["name"], how)

    async def _clone(self, path: str, values: Values) -> Outcome:
        way = cast(Literal["auto", "full", "linked", "reflink"], values["way"])
        follow = _follows(values)
        return await self._door.clone(path, values["name"], way, follow=follow)

    async def _rebase(self, path: str, values: Values) -> Outcome:
        backing = await self._door.find(values["backing"]) if values["backing"] else None
        unsafe, follow = values["unsafe"] == YES, _follows(values)
        named = named_format(values, "backing_format")
        return await self._door.rebase(
            path, backing, backing_format=named, unsafe=unsafe, follow=follow
        )

    async def _move(self, path: str, values: Values) -> Outcome:
        asked = None if values["format"] == KEEP else values["format"]
        how = Move(asked, _size(values["rate"]), _follows(values))
        return await self._door.move(path, values["target"], how=how)

    async def _flatten(self, path: str, values: Values) -> Outcome:
        follow = _follows(values)
        return await self._door.flatten(path, rate_bytes_per_s=_size(values["rate"]), follow=follow)

    async def _commit(self, path: str, values: Values) -> Outcome:
        rate = _size(values["rate"])
        return await self._door.commit(path, rate_bytes_per_s=rate, follow=_follows(values))

    async def _limits(self, path: str, values: Values) -> Outcome:
        return await self._door.limit(path, limit_values(values))

    async def _repair(self, path: str, values: Values) -> Outcome:
        if values["repair"] == UNDO:
            kept = await self._door.read(lambda: kept_metadata(path))
            if not kept:
                raise KvmtuiError(f"{visible(path)}: no repair kept anything")
            return await self._door.undo_repair(path, kept)
        how = cast(Literal["leaks", "all"], values["repair"])
        result = await self._door.check(path, repair=how, follow=_follows(values))
        kept_told = f"as it was: {visible(result.kept)}" if result.kept else ""
        return Outcome(
            result.name, "image check", True, f"{result.name}: {result.words}", kept_told
        )

    async def _add(self, path: str, values: Values) -> Outcome:
        new, place = await self._door.add_place(os.path.expanduser(values["path"]))
        shown = visible(place)
        message = f"{shown} is listed" if new else f"{shown} is listed already"
        return Outcome(shown, "image add-directory", new, message)

    async def _remove(self, path: str, values: Values) -> Outcome:
        places = await self._door.read(lambda: image_reach.read_places(self._library))
        for place in (*places.directories, *places.devices):
            if visible(place, limit=4096) == values["path"]:
                known, place = await self._door.remove_place(place)
                shown = visible(place)
                told = f"{shown} is listed no more" if known else f"{shown} was not listed"
                return Outcome(shown, "image remove-directory", known, told)
        raise KvmtuiError(f"{values['path']} is not listed")


def _follows(values: Values) -> bool:
    return values.get("follow") == YES


def _size(text: str) -> int | None:
    return parse_size(text) if text else None
