"""What the dialogs say before something is done to images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kvmtui.guest.units import format_size
from kvmtui.manage.views import OperationView
from kvmtui.text import visible
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.dialog import Ask, Question

if TYPE_CHECKING:
    from kvmtui.manage.image_checking import Measure
    from kvmtui.manage.images import ImageView

_MOST_NAMED = 5
_FOLLOWS = "follow it out of the folders of images"


def _name(view: ImageView) -> str:
    return visible(view.name, limit=60)


def _size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else format_size(size_bytes)


def measured(view: ImageView, found: Measure) -> str:
    """What a copy would take, as one sentence."""
    now, all_of_it = format_size(found.required_bytes), format_size(found.fully_allocated_bytes)
    return f"a copy of {_name(view)} takes {now} at first, {all_of_it} once all of it is written"


def question_delete(views: Sequence[ImageView], refused: Sequence[str]) -> Question:
    """Before images are deleted.

    Args:
        refused: Why others of those that were chosen are not.
    """
    one = len(views) == 1
    what = _name(views[0]) if one else f"{len(views)} images"
    total = sum(view.actual_size_bytes or 0 for view in views)
    lines: list[Line] = []
    for view in views[:_MOST_NAMED]:
        kind = f"{view.format or 'unknown'}".ljust(6)
        figure = _size(view.actual_size_bytes).rjust(5)
        name = visible(view.name, limit=40).ljust(42)
        lines.append((Span(f"  {name}"), Span(f"{kind} {figure}", "muted")))
        if view.snapshots:
            lines.append((Span(f"    with {_count(view.snapshots, 'snapshot')}", "warn"),))
    if len(views) > _MOST_NAMED:
        rest = len(views) - _MOST_NAMED
        lines.append((Span(f"  and {rest} more, {format_size(total)} in all", "muted"),))
    lines.append(())
    lines.append((Span("No guest uses it and no image stands on it." if one else _NOBODY),))
    lines.append((Span(f"{format_size(total)} come free. It is gone for good."),))
    for words in refused[:2]:
        lines.append((Span(f"  stays: {words}", "muted"),))
    if len(refused) > 2:
        lines.append((Span(f"  and {len(refused) - 2} more stay", "muted"),))
    typed = os.path.basename(visible(views[0].name)) if one else str(len(views))
    return Question(
        f"Delete {what}?",
        tuple(lines),
        "Keep it" if one else "Keep them",
        "Delete",
        ask=Ask(
            "Type its name to delete:" if one else "Type their number to delete:",
            lambda text: "" if text == typed else f"{'name' if one else 'number'} incomplete",
        ),
    )


_NOBODY = "No guest uses them and no other image stands on them."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def leads_away(view: ImageView) -> bool:
    """Whether an image refers to a file that is in no folder of images."""
    return view.backing is not None and view.backing.trouble == "backing elsewhere"


def _follow(view: ImageView) -> tuple[tuple[Line, ...], tuple[tuple[str, bool], ...]]:
    """What is said, and ticked, where an image refers to a file anywhere."""
    if not leads_away(view) or view.backing is None:
        return (), ()
    where = visible(view.backing.path or view.backing.text, limit=200)
    told: tuple[Line, ...] = (
        (),
        (Span(f"It stands on {where},", "warn"),),
        (Span("which is in no folder of images. Follow it only if you know why.", "warn"),),
    )
    return told, ((_FOLLOWS, False),)


def question_check(views: Sequence[ImageView]) -> Question:
    """Before images are checked that refer to files anywhere: qemu-img opens those too."""
    what = _name(views[0]) if len(views) == 1 else f"{len(views)} images"
    told = [line for view in views[:_MOST_NAMED] for line in _follow(view)[0][1:2]]
    last = "which is in no folder of images. Follow it only if you know why."
    if len(views) > 1:
        last = "none of it in a folder of images. Follow them only if you know why."
    told += [(Span(last, "warn"),), (Span("A check changes nothing."),)]
    return Question(f"Check {what} all the same?", tuple(told), "Do not follow", "Follow and check")


def question_compact(view: ImageView) -> Question:
    """Before an image is written anew."""
    told, checks = _follow(view)
    real, size = _size(view.actual_size_bytes), _size(view.virtual_size_bytes)
    lines: tuple[Line, ...] = (
        (Span(f"It takes {real} of {size}. What is zero or free in it is left out;"),),
        (Span("meanwhile the new one needs room beside the old, which stays until it is done."),),
        *told,
    )
    return Question(
        f"Compact {_name(view)}?",
        lines,
        "Leave it as it is",
        "Compact",
        checks=(("compress it too (smaller, slower to read)", False), *checks),
    )


def question_flatten(view: ImageView, free: int | None) -> Question:
    """Before all that an image takes from others is copied into it.

    Args:
        free: What is left on its file system, in bytes; None where it is not known.
    """
    told, checks = _follow(view)
    backing = view.backing
    named = visible(backing.path or backing.text, limit=200) if backing is not None else ""
    most = max(0, (view.virtual_size_bytes or 0) - (view.actual_size_bytes or 0))
    lines: list[Line] = [
        (Span(f"It stands on {named}."),),
        (Span(f"What it takes from there is copied into it: {format_size(most)} at the most."),),
    ]
    if free is not None:
        left = format_size(max(0, free - most))
        words = f"{format_size(free)} are left there, then {left} or more."
        lines.append((Span(words, "warn" if most > free else "text"),))
    if backing is not None and backing.trouble and not leads_away(view):
        lines.append((Span(f"This cannot be done: {backing.trouble}.", "err"),))
    return Question(
        f"Flatten {_name(view)}?", (*lines, *told), "Leave it as it is", "Flatten", checks=checks
    )


_LEFT = {
    "create": "The new image is removed.",
    "convert": "The target is removed, the source is whole.",
    "clone": "The target is removed, the source is whole.",
    "import": "What came so far is removed, the source is whole.",
    "pull": "What came so far is kept; the next pull goes on with it.",
    "compact": "The image stays as it was, the unfinished new one is removed.",
    "rebase": "It goes on standing on what it stood on; what was copied already stays in it.",
    "flatten": "It goes on standing on what it stood on; what was copied already stays in it.",
    "move": "The image stays where it was, the unfinished copy is removed.",
    "commit": "The image stays; what was written already stays in the one below, too.",
    "check": "Nothing is changed.",
    "repair": "What is mended already stays so; the metadata from before are kept beside it.",
}


def left_behind(verb: str) -> str:
    """What is left where work on an image is cut."""
    return _LEFT.get(verb, "The image stays as it was, what is unfinished is removed.")


def question_cancel(operation: OperationView) -> Question:
    """Before work on an image is ended."""
    lines: list[Line] = [(Span(left_behind(operation.verb)),)]
    if operation.percent is not None:
        lines.append((Span(f"It is at {operation.percent:.0f} %.", "muted"),))
    who = operation.user or "another"
    if operation.pid is not None and operation.pid != os.getpid():
        lines.append((Span(f"{who} began it, in another kvmtui (pid {operation.pid}).", "warn"),))
    image = visible(operation.image, limit=48)
    return Question(f"Cancel {operation.verb} of {image}?", tuple(lines), "Go on", "Cancel it")


def question_commit(name: str, figures: Sequence[tuple[str, str]]) -> Question:
    """Before an image is written into the one below it; says what becomes of both."""
    told = dict(figures)
    base = told.get("Into", "what it stands on").partition(", ")[0]
    typed = os.path.basename(name)
    lines: tuple[Line, ...] = (
        (Span(f"{base} gets the content of {name}: what it has there now is lost."),),
        (Span(f"{name} is removed then, and {base} takes its place."),),
        (Span(told.get("Then", ""), "muted"),),
    )
    return Question(
        f"Commit {name}?",
        lines,
        "Keep both",
        "Commit it",
        ask=Ask(
            "Type its name to commit:",
            lambda text: "" if text == typed else "name incomplete",
        ),
    )


def question_of_form(
    kind: str, name: str, values: dict[str, str], figures: Sequence[tuple[str, str]] = ()
) -> Question | None:
    """What is asked before a form is done; None where nothing can be lost.

    Args:
        figures: What the form says beside its fields.
    """
    if kind == "commit":
        return question_commit(name, figures)
    if kind == "resize" and values.get("shrink") == "yes":
        lines: tuple[Line, ...] = (
            (Span("What lies behind the new end is lost for good."),),
            (Span("Right only where the file systems in it were made smaller before."),),
        )
        return Question(f"Shrink {name}?", lines, "Keep its size", "Shrink it")
    if kind == "rebase" and values.get("unsafe") == "yes":
        lines = (
            (Span("Only the name is written. Where the image has no content of its own,"),),
            (Span("it becomes that of the other one: right only where that is the same."),),
        )
        return Question(f"Write another name into {name}?", lines, "Leave it as it is", "Write it")
    if kind == "repair" and values.get("repair") == "all":
        lines = (
            (Span("Data that wrong references lead to may be lost."),),
            (Span("The metadata are kept beside the image, so the repair can be undone."),),
        )
        return Question(f"Repair {name}?", lines, "Leave it as it is", "Repair it")
    if kind == "repair" and values.get("repair", "").startswith("undo"):
        lines = ((Span("It is as before that repair: right only where nothing wrote to it."),),)
        return Question(f"Undo the repair of {name}?", lines, "Leave it as it is", "Undo it")
    return None
