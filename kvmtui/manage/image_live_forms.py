"""The forms of what is also done while a guest runs: move, flatten, commit, limits.

What is said of them is refused by the same code that will do it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.editing import Change, apply_to_plain
from kvmtui.guest.library import Library
from kvmtui.guest.validation import definition_from
from kvmtui.manage import image_changing, image_guard, image_limiting, image_moving
from kvmtui.manage.definitions import load_plain
from kvmtui.manage.forms import FormField, shown_size
from kvmtui.manage.image_copying import WRITEABLE
from kvmtui.manage.image_form_words import (
    YES,
    Said,
    Told,
    Values,
    field,
    put_size,
    share,
    source_figure,
    space_figure,
    target_figure,
    words_of,
)
from kvmtui.manage.image_limiting import KEYS
from kvmtui.manage.image_live_merging import refuse_commit
from kvmtui.manage.image_live_moving import (
    keeps_backing,
    live_format,
    refuse_move,
    running_writer,
)
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.images import ImageView
from kvmtui.text import visible

Figures = Callable[[ImageView, str, Values], tuple[str, int | None, int | None]]
"""Why an image cannot be read; what a copy of a format takes at once, and in the end."""

KEEP = "keep"
_RATE = "What is copied in a second at the most while its guest runs, such as 50M; empty: all."
_LABELS = {
    "bytes_per_s": "Bytes",
    "read_bytes_per_s": "Bytes read",
    "write_bytes_per_s": "Bytes written",
    "iops": "Operations",
    "read_iops": "Reads",
    "write_iops": "Writes",
    "burst_bytes_per_s": "Burst bytes",
    "burst_read_bytes_per_s": "Burst read",
    "burst_write_bytes_per_s": "Burst written",
    "burst_iops": "Burst ops",
    "burst_read_iops": "Burst reads",
    "burst_write_iops": "Burst writes",
    "burst_s": "Burst s",
}


# The fields.


def move_fields(library: Library, view: ImageView | None) -> list[FormField]:
    """Where to, in which format, how fast."""
    return [
        field(
            "target",
            "To",
            help="A directory, a path, or a name for images/. Guests that use it and images that "
            "stand on it are told.",
        ),
        field(
            *("format", "Format", "choice", KEEP, (KEEP, *WRITEABLE)),
            help="What it is written as there. A guest that runs can go on with qcow2 and raw.",
        ),
        _rate_field(),
    ]


def merge_fields(library: Library, view: ImageView | None) -> list[FormField]:
    """How fast."""
    return [_rate_field()]


def _rate_field() -> FormField:
    return field("rate", "At most", help=_RATE)


def limit_fields(library: Library, view: ImageView | None) -> list[FormField]:
    """The limits, filled in with those that the first of its guests has.

    Raises:
        StateError: It is no guest's disk.
    """
    defined = image_limiting.limits_of(library, view.path)[0].defined if view is not None else {}
    return [
        field(key, _LABELS[key], value=_shown(key, defined.get(key)), help=_help(key))
        for key in KEYS
    ]


def _help(key: str) -> str:
    words = image_limiting.WORDS[key]
    return f"{words[0].upper()}{words[1:]}. Empty: no limit."


def _shown(key: str, value: int | None) -> str:
    if not value:
        return ""
    return shown_size(value) if "bytes" in key else str(value)


# What is said.


def check_move(library: Library, view: ImageView, values: Values, figures: Figures) -> Said:
    """What is said of a move, by a guest's QEMU where one runs."""
    said: Told = {}
    user = running_writer(view)
    _put_rate(said, values, user)
    here = source_figure(view)
    try:
        follow = values.get("follow") == YES
        chain = image_guard.chain_of(library, view.path, follow=follow)
        if user is not None:
            refuse_move(library, view, user, chain, "it cannot be moved")
        else:
            image_moving.refuse_move(library, view, chain, "cannot be moved")
    except (KvmtuiError, OSError) as error:
        return Said(said, (here,), as_told("", error).message)
    text = values["target"].strip()
    asked = None if values["format"] == KEEP else values["format"]
    new_format = chain[0].header.driver
    if user is not None:
        fault = words_of(lambda: live_format(chain, text, asked))
        new_format = new_format if fault else live_format(chain, text, asked)
    else:
        fault = words_of(lambda: image_moving.refuse_format(view, chain, asked, "cannot be moved"))
        new_format = asked or new_format
    if fault:
        said["format"] = ("problem", fault)
    fault = "a place is needed"
    if text:
        fault = words_of(lambda: image_moving.target_of_move(library, view.path, text, asked))
    if fault:
        said["target"] = ("problem", fault)
    if fault or "format" in said:
        return Said(said, (here,))
    target = image_moving.target_of_move(library, view.path, text, asked)
    folder = os.path.dirname(target)
    converts = new_format != chain[0].header.driver
    same_disk = os.stat(folder).st_dev == os.stat(view.path).st_dev
    taken: int | None = view.actual_size_bytes or 0
    if user is not None:
        told = f"copied while {user.guest} runs"
        if not keeps_backing(chain, new_format):
            fault, taken, _ = figures(view, new_format, values)
    elif converts:
        told = f"written anew, as {new_format}"
        fault, taken, _ = figures(view, new_format, values)
    else:
        told = "on the same file system, at once" if same_disk else "copied"
        taken = 0 if same_disk else taken
    said["target"] = ("fine", told)
    if taken is not None and taken > image_guard.free_bytes(folder) and not fault:
        fault = f"{visible(folder, limit=60)} has no room for it"
    to = target_figure(library, target, new_format)
    return Said(said, (here, to, space_figure(folder, taken, None)), fault)


def check_flatten(library: Library, view: ImageView, values: Values, figures: Figures) -> Said:
    """What is said of letting an image stand alone."""
    said: Told = {}
    user = running_writer(view)
    _put_rate(said, values, user)
    here = source_figure(view)
    if view.backing is None:
        return Said(said, (here,), "it stands on nothing already")
    fault, needed, _ = figures(view, "qcow2", values)
    least = None if needed is None else max(0, needed - (view.actual_size_bytes or 0))
    follow = values.get("follow") == YES

    def refuse() -> None:
        if user is None:
            image_guard.refuse_in_use(library, view, "is busy")
            return
        image_guard.refuse_snapshots(view, "cannot be flattened")
        chain = image_guard.chain_of(library, view.path, follow=follow)
        image_changing.refuse_growth(chain, visible(view.name), "it cannot be flattened")

    fault = fault or words_of(refuse)
    to = f"the same, alone{_runs(user)}"
    return Said(
        said, (here, ("To", to), space_figure(os.path.dirname(view.path), least, None)), fault
    )


def check_commit(library: Library, view: ImageView, values: Values, figures: Figures) -> Said:
    """What is said of writing an image into the one below, and what becomes of both."""
    said: Told = {}
    user = running_writer(view)
    _put_rate(said, values, user)
    here = source_figure(view)
    try:
        follow = values.get("follow") == YES
        chain = image_guard.chain_of(library, view.path, follow=follow)
        base = refuse_commit(library, view, user, chain, "it cannot be committed")
    except (KvmtuiError, OSError) as error:
        return Said(said, (here,), as_told("", error).message)
    into = f"{visible(base.name, limit=60)}, {base.format or ''}, {share(base)}"
    guests = sorted({one.guest for one in view.used_by if one.role != "backing"})
    then = f"{visible(view.name, limit=40)} is gone"
    if guests:
        then = f"{', '.join(guests[:3])} {'has' if len(guests) == 1 else 'have'} that, {then}"
    space = space_figure(os.path.dirname(base.path), None, view.actual_size_bytes)
    return Said(said, (here, ("Into", into), ("Then", then + _runs(user)), space))


def _runs(user: ImageUser | None) -> str:
    return "" if user is None else f"; {user.guest} runs on"


def check_limits(library: Library, view: ImageView, values: Values, figures: Figures) -> Said:
    """What is said of limits: each for itself, then all together in each definition."""
    said: Told = {}
    for key, text in values.items():
        text = text.strip()
        if not text or text == "0":
            continue
        if "bytes" in key:
            put_size(said, text, key)
        elif not text.isdecimal() or len(text) > 12:
            said[key] = ("problem", "a number is needed")
    users = [one for one in view.used_by if one.role.startswith("disk")]
    names = ", ".join(f"{one.guest} {one.role}" for one in users[:4])
    figures_ = [("Of", names)] if users else []
    if any(standing == "problem" for standing, _ in said.values()):
        return Said(said, tuple(figures_))
    fault = words_of(lambda: image_limiting.disk_users(view))
    for user in users:
        fault = fault or words_of(lambda user=user: _refuse_limits(library, user, values))  # type: ignore[misc]
    running = [one.guest for one in users if one.running]
    if running:
        figures_.append(("Live", f"{', '.join(running[:3])}: in force at once"))
    return Said(said, tuple(figures_), fault)


def _refuse_limits(library: Library, user: ImageUser, values: Values) -> None:
    plain = load_plain(library.folder(user.guest))
    place: list[str | int] = ["disks", int(user.role.removeprefix("disk")), "limits"]
    changes = [Change([*place, key], text) for key, text in limit_values(values).items()]
    definition_from(apply_to_plain(plain, changes))


def limit_values(values: Values) -> dict[str, str]:
    """The limits of a form as `image_limiting.limit` takes them."""
    texts = {key: values[key].strip() for key in KEYS if key in values}
    return {key: "" if text == "0" else text for key, text in texts.items()}


def _put_rate(said: Told, values: Values, user: ImageUser | None) -> None:
    text = values["rate"].strip()
    if not text:
        return
    if put_size(said, text, "rate") is not None and user is None:
        said["rate"] = ("warning", "no guest runs on it: it goes as fast as it can")
