"""Images in order of what stands on what."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.manage.images import ImageView


def chain_below(images: dict[str, ImageView], path: str) -> list[ImageView]:
    """What an image stands on, among those listed; itself first. A circle ends it."""
    found: list[ImageView] = []
    parents = {child: view.path for view in images.values() for child in view.children}
    here: str | None = path
    while here is not None and here in images and images[here] not in found:
        found.append(images[here])
        here = parents.get(here)
    return found


def tree_rows(images: dict[str, ImageView]) -> list[tuple[int, ImageView]]:
    """All images with their depth, each below the one that it stands on."""
    has_parent = {child for view in images.values() for child in view.children}
    rows: list[tuple[int, ImageView]] = []
    seen: set[str] = set()

    def add(path: str) -> None:
        waiting = [(0, path)]
        while waiting:
            depth, here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            rows.append((depth, images[here]))
            waiting.extend((depth + 1, child) for child in reversed(images[here].children))

    for path in images:
        if path not in has_parent:
            add(path)
    for path in images:  # What is left goes in circles.
        add(path)
    return rows


def tree_signs(depths: list[int]) -> list[str]:
    """The lines of a tree before each of its rows: ``├ ``, ``└ ``, ``│ ``."""
    signs = []
    for index, depth in enumerate(depths):
        goes_on = []
        for level in range(1, depth + 1):
            after = next((one for one in depths[index + 1 :] if one <= level), 0)
            goes_on.append(after == level)
        if depth:
            stems = ["│ " if more else "  " for more in goes_on[:-1]]
            signs.append("".join(stems) + ("├ " if goes_on[-1] else "└ "))
        else:
            signs.append("")
    return signs
