"""What all forms of operations on images have: their kinds, what is said, the figures beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size, parse_size
from kvmtui.manage import image_guard
from kvmtui.manage.forms import FormField
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.images import ImageView
from kvmtui.text import visible

Kind = Literal[
    "create",
    "import",
    "resize",
    "convert",
    "clone",
    "rebase",
    "move",
    "repair",
    "add",
    "remove",
    "flatten",
    "commit",
    "limits",
]
Standing = Literal["fine", "warning", "problem"]
Values = dict[str, str]
Told = dict[str, tuple[Standing, str]]
"""Of fields, by their ids: how a value stands, and a few words."""

YES, NO = "yes", "no"
AS_IT_SAYS = "recognised"
"""The format of an image by its own first bytes, its name or a definition."""


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


def field(
    id: str,
    label: str,
    kind: Literal["text", "choice", "switch"] = "text",
    value: str = "",
    choices: tuple[str, ...] = (),
    help: str = "",
) -> FormField:
    """A field of a form."""
    return FormField(id, label, kind, value, choices, help)


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


def put_size(said: Told, text: str, id: str = "size") -> int | None:
    """Say how a size stands; the size, where it can be one."""
    try:
        size = parse_size(text)
    except ValueError as error:
        said[id] = ("problem", str(error))
        return None
    if size <= 0 or size > 1 << 60:
        said[id] = ("problem", f"it cannot be {format_size(size)}")
        return None
    said[id] = ("fine", format_size(size))
    return size


def named_format(values: Values, id: str) -> str | None:
    """The format that a person says an image has; None where it is to say so itself."""
    text = values.get(id, AS_IT_SAYS)
    return None if text == AS_IT_SAYS else text
