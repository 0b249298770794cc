"""Disk images in order: filtered, sorted, as a tree by what they stand on or where they lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kvmtui.text import visible

if TYPE_CHECKING:
    from kvmtui.manage.images import ImageView

By = Literal["backing", "directory"]

MANY_CHILDREN = 12
"""With more than these a tree is folded at first."""
_DEEPEST = 7
"""Levels whose lines are drawn; deeper ones are drawn as if they hung at this one."""
FOLDER, SILENT = "folder:", "silent:"
"""Begin the keys of rows that are no image; those of images begin with a slash."""


class Item(NamedTuple):
    """One row."""

    key: str
    view: ImageView | None
    """None for a directory."""
    stems: tuple[bool, ...] = ()
    """Of each level above it whether it goes on below, the last one its own."""
    children: int = 0
    folded: bool = False
    label: str = ""
    """What it is called here, made visible."""
    total_bytes: int = 0
    """Of a directory: what its images take."""
    note: str = ""
    """Of a directory: why nothing is known of it."""


_SORTS: dict[str, Callable[[ImageView], Any]] = {
    "name": lambda view: (),
    "format": lambda view: view.format or "~",
    "size": lambda view: -(view.virtual_size_bytes or 0),
    "real": lambda view: -(view.actual_size_bytes or 0),
    "used": lambda view: (
        not view.trouble,
        not view.is_running,
        not view.used_by,
        view.used_by[0].guest if view.used_by else "",
    ),
    "changed": lambda view: -(view.changed or 0.0),
}
SORTABLE = tuple(_SORTS)
"""The columns by which images can be sorted, in the order of the key."""
DESCENDING = ("size", "real", "changed")


def in_order(views: Iterable[ImageView], sort: str) -> list[ImageView]:
    """Sorted by a column, then by name."""
    by = _SORTS[sort]
    return sorted(views, key=lambda view: (by(view), view.name.casefold()))


def is_unused(view: ImageView) -> bool:
    """Whether no guest uses an image, nor anything that stands on it, nor a process."""
    return not view.used_by and not view.locked


def found(
    images: Mapping[str, ImageView], *, text: str = "", unused: bool = False
) -> list[ImageView]:
    """The images that fit the filter."""
    words = text.casefold().split()
    return [
        view
        for view in images.values()
        if (not unused or is_unused(view)) and all(word in _searched(view) for word in words)
    ]


def _searched(view: ImageView) -> str:
    users = " ".join(user.guest for user in view.used_by)
    return f"{visible(view.name, limit=4096)} {view.format} {users} {view.trouble}".casefold()


def arranged(
    images: Mapping[str, ImageView],
    *,
    by: By = "backing",
    sort: str = "name",
    text: str = "",
    unused: bool = False,
    folds: Mapping[str, bool] = {},
) -> list[Item]:
    """The rows that are shown, in order.

    Args:
        text: Only images with these words; they are then a list and no tree.
        unused: Only images that nobody uses.
        folds: What a person folded or unfolded, by key.
    """
    views = found(images, text=text, unused=unused)
    if by == "directory":
        return _by_directory(views, sort, folds)
    if text or unused:
        return [Item(view.path, view, label=label_of(view)) for view in in_order(views, sort)]
    return _by_backing(images, sort, folds)


def _by_directory(views: Iterable[ImageView], sort: str, folds: Mapping[str, bool]) -> list[Item]:
    folders: dict[str, list[ImageView]] = {}
    for view in views:
        folders.setdefault(os.path.dirname(view.path), []).append(view)
    items = []
    for folder in sorted(folders):
        inside = in_order(folders[folder], sort)
        key, total = FOLDER + folder, sum(view.actual_size_bytes or 0 for view in inside)
        folded = folds.get(key, False)
        label = _folder_label(inside[0], folder)
        items.append(Item(key, None, (), len(inside), folded, label, total))
        if not folded:
            last = len(inside) - 1
            items += [
                Item(view.path, view, (number < last,), label=_base_name(view))
                for number, view in enumerate(inside)
            ]
    return items


def label_of(view: ImageView) -> str:
    """What an image is called in the list: of one elsewhere the end of its path."""
    parts = view.name.split("/")
    return visible(view.name if parts[0] or len(parts) < 4 else "/".join(["…", *parts[-2:]]))


def _folder_label(view: ImageView, folder: str) -> str:
    """What an image's directory is called: below the home without the way there."""
    for place in ("images", "guests"):
        if view.path.endswith(f"/{place}/{view.name}"):
            return visible(os.path.dirname(f"{place}/{view.name}"))
    return visible(folder, limit=4096)


def _base_name(view: ImageView) -> str:
    return visible(os.path.basename(view.path))


def _by_backing(
    images: Mapping[str, ImageView], sort: str, folds: Mapping[str, bool]
) -> list[Item]:
    """Each image below the one that it stands on; those in a circle once, too."""
    hanging = {child for view in images.values() for child in view.children}
    ordered = in_order(images.values(), sort)
    place = {view.path: number for number, view in enumerate(ordered)}
    items: list[Item] = []
    seen: set[str] = set()

    def add(root: ImageView) -> None:
        waiting: list[tuple[ImageView, tuple[bool, ...]]] = [(root, ())]
        while waiting:
            view, stems = waiting.pop()
            if view.path in seen:
                continue
            seen.add(view.path)
            children = [images[one] for one in view.children if one in images and one not in seen]
            children.sort(key=lambda child: place[child.path])
            folded = folds.get(view.path, len(children) > MANY_CHILDREN)
            label = label_of(view)
            items.append(
                Item(view.path, view, stems, len(children), folded and bool(children), label)
            )
            if folded:
                _note_descendants(images, view, seen)
                continue
            last = len(children) - 1
            below = stems if len(stems) < _DEEPEST else stems[:-1]
            waiting += [
                (child, (*below, number < last))
                for number, child in reversed([*enumerate(children)])
            ]

    for view in ordered:
        if view.path not in hanging:
            add(view)
    for view in ordered:  # What is left goes in circles.
        if view.path not in seen:
            add(view)
    return items


def _note_descendants(images: Mapping[str, ImageView], view: ImageView, seen: set[str]) -> None:
    waiting = list(view.children)
    while waiting:
        child = waiting.pop()
        if child not in seen and child in images:
            seen.add(child)
            waiting.extend(images[child].children)


def parents(images: Mapping[str, ImageView]) -> dict[str, str]:
    """Of each image that stands on a listed one, that one."""
    return {child: view.path for view in images.values() for child in view.children}


def ancestors(above: Mapping[str, str], path: str) -> list[str]:
    """What an image stands on, the nearest first; a circle ends it."""
    chain: list[str] = []
    met = {path}
    here = above.get(path)
    while here is not None and here not in met:
        met.add(here)
        chain.append(here)
        here = above.get(here)
    return chain


def next_in_trouble(
    images: Mapping[str, ImageView], order: Sequence[str], after: str | None
) -> str | None:
    """The next image in trouble behind another; None where there is none.

    Args:
        order: The keys of the rows that are seen, which come first.
        after: The key behind which it is looked for; None for the first of all.
    """
    troubled = {path for path, view in images.items() if view.trouble}
    shown = [key for key in order if key in troubled]
    hidden = [path for path in images if path in troubled and path not in set(shown)]
    both = [*shown, *hidden]
    if after in both:
        both = both[both.index(after) + 1 :]
    elif after is not None and after in order:
        behind = set(order[order.index(after) + 1 :])
        both = [key for key in both if key in behind or key in hidden]
    return both[0] if both else None
