"""One disk image in detail: what it stands on and what on it, who uses it, its facts."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from kvmtui.guest.units import format_size
from kvmtui.text import visible
from kvmtui.tui.render.image_rows import ancestors
from kvmtui.tui.render.images import ImagesView, Scene, changed_word, tree_sign, trouble_sign
from kvmtui.tui.spans import Line, Span, shorten, shorten_middle, width_of
from kvmtui.tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from kvmtui.manage.image_info import ImageInfo
    from kvmtui.manage.images import ImageView

_LABEL = 10
_MOST_ABOVE, _MOST_BELOW = 5, 6

Checked = tuple[float, str] | None
"""When an image was last checked, and what was found."""


def share(view: ImageView) -> str:
    """``412M of 3.0G``, in cells that stand below each other."""
    real = "" if view.actual_size_bytes is None else format_size(view.actual_size_bytes)
    size = "?" if view.virtual_size_bytes is None else format_size(view.virtual_size_bytes)
    return f"{real.rjust(4)} of {size.rjust(4)}"


def chain_lines(known: ImagesView, view: ImageView, width: int, scene: Scene) -> list[Line]:
    """What an image stands on, itself marked, and what stands on it.

    What it should stand on and is not listed stands first, with what is wrong.
    """
    glyphs = scene.glyphs
    images = known.images
    above = [images[path] for path in reversed(ancestors(known.above, view.path))]
    lines: list[Line] = []
    level = 0
    bottom = above[0] if above else view
    if bottom.backing is not None and bottom.path not in known.above:
        sign = trouble_sign(bottom.backing.trouble or "gone", glyphs)
        named = os.path.basename(bottom.backing.path or "") or bottom.backing.text
        text = f" {visible(named)}"
        lines.append((sign, Span(shorten(text, width - 2), "err")))
        level = 1
    left_out = max(0, len(above) - _MOST_ABOVE)
    shown = [*above[:2], *above[2 + left_out :]] if left_out else above
    for number, one in enumerate(shown):
        if left_out and number == 2:
            lines.append((Span("  " * level), Span(f"… {left_out} more", "muted")))
            level += 1
        lines.append(_chain_line(one, level, width, scene))
        level += 1
    lines.append(_chain_line(view, level, width, scene, here=True))
    children = [images[path] for path in view.children if path in images]
    stems = (False,) * level
    for number, child in enumerate(children[:_MOST_BELOW]):
        goes_on = number < len(children) - 1
        lead = tree_sign((*stems, goes_on), glyphs)[2:]
        lines.append(_figured(lead, visible(child.name), child, width))
    if len(children) > _MOST_BELOW:
        lead = tree_sign((*stems, False), glyphs)[2:]
        rest = f"{len(children) - _MOST_BELOW} more"
        lines.append((Span(lead, "line", glyph=True), Span(rest, "muted")))
    return lines


def _chain_line(
    one: ImageView, level: int, width: int, scene: Scene, *, here: bool = False
) -> Line:
    sign = tree_sign((False,) * level, scene.glyphs)[2:]
    return _figured(sign, visible(one.name), one, width, here=here)


def _figured(sign: str, name: str, one: ImageView, width: int, *, here: bool = False) -> Line:
    figures = share(one)
    room = max(width - len(figures) - 1 - len(sign), 4)
    shown = shorten_middle(name, room)
    line: Line = (Span(sign, "line", glyph=True), Span(shown, bold=here))
    gap = max(width - width_of(line) - len(figures), 1)
    return (*line, Span(" " * gap), Span(figures, "text" if here else "muted"))


def beside(
    known: ImagesView, view: ImageView, checked: Checked, width: int, height: int, scene: Scene
) -> list[Line]:
    """The detail beside the list."""
    lines: list[Line] = [(Span(shorten_middle(visible(view.name), width), bold=True),)]
    lines += _trouble(view, width, scene)
    if view.path in known.stale:
        lines.append((Span("as it was: its directory does not answer", "warn"),))
    lines.append(())
    if view.backing is not None or view.children:
        lines += [*chain_lines(known, view, width, scene), ()]
    for label, text in facts(view, checked, scene, known.reclaim.get(view.path)):
        value = shorten_middle(_within_home(view), width - _LABEL) if label == "Path" else text
        for number, part in enumerate(wrap((Span(value),), max(width - _LABEL, 4))[:3]):
            lines.append((Span((label if not number else "").ljust(_LABEL), "muted"), *part))
    return lines[:height]


def _within_home(view: ImageView) -> str:
    """An image's path, below the home where it lies there."""
    for folder in ("images", "guests"):
        if view.path.endswith(f"/{folder}/{view.name}"):
            return visible(f"{folder}/{view.name}")
    return visible(view.path, limit=4096)


def _trouble(view: ImageView, width: int, scene: Scene) -> list[Line]:
    if not view.trouble:
        return []
    sign = trouble_sign(view.trouble, scene.glyphs)
    return list(wrap((sign, Span(f" {trouble_words(view)}", "err")), width))[:4]


def trouble_words(view: ImageView) -> str:
    """What is wrong with an image, in a sentence."""
    trouble = view.trouble
    named = "" if view.backing is None else visible(view.backing.path or view.backing.text)
    if trouble == "backing gone":
        return f"{trouble}: it stands on {named}, which is not there"
    if trouble == "backing elsewhere":
        return f"{trouble}: it refers to {named}, which is in no folder of images and not followed"
    if trouble == "backing is no file":
        return f"{trouble}: it refers to {named}, which is not followed"
    if trouble == "backing does not answer":
        return f"{trouble}: {named}"
    if trouble == "corrupt":
        return "corrupt: QEMU marked it so when it met a damage"
    return trouble


def facts(
    view: ImageView, checked: Checked, scene: Scene, reclaim: int | None = None
) -> list[tuple[str, str]]:
    """Label and text of what is known of an image."""
    header = view.header
    told = [("Path", visible(view.path, limit=4096))]
    parts = [view.format or "cannot be read"]
    if header is not None:
        parts += ["encrypted"] if header.encrypted else []
    told.append(("Format", ", ".join(parts)))
    if header is not None and header.cluster_bytes is not None:
        cluster = [format_size(header.cluster_bytes)]
        cluster += ["lazy refcounts"] if header.lazy_refcounts else []
        cluster += [header.compression] if header.compression else []
        told.append(("Cluster", ", ".join(cluster)))
    told.append(("Size", share(view).strip()))
    users = [
        f"{user.guest} ({user.role}{', runs' if user.running else ''})" for user in view.used_by
    ]
    if users:
        more = f" and {len(users) - 4} more" if len(users) > 4 else ""
        told.append(("Used by", ", ".join(users[:4]) + more))
    else:
        told.append(("Used by", "nobody"))
    if header is not None and header.data_files:
        told.append(("Data in", ", ".join(visible(one, limit=80) for one in header.data_files[:3])))
    if view.snapshots:
        told.append(("Snapshots", str(view.snapshots)))
    if view.changed is not None:
        told.append(("Changed", changed_word(view.changed, scene.now)))
    if checked is not None:
        told.append(("Checked", f"{changed_word(checked[0], scene.now)}, {checked[1]}"))
    if reclaim is not None:
        told.append(("Reclaim", f"{format_size(reclaim)} by compact"))
    return told


def below(
    known: ImagesView, view: ImageView, checked: Checked, width: int, height: int, scene: Scene
) -> list[Line]:
    """The detail below the list: two lines."""
    parts = [visible(os.path.dirname(view.path), limit=4096)]
    if view.changed is not None:
        parts.append(changed_word(view.changed, scene.now))
    if view.children:
        count = len(view.children)
        parts.append("1 stands on it" if count == 1 else f"{count} stand on it")
    rest = " · ".join(["", *parts[1:]])
    first = shorten_middle(parts[0], max(width - len(rest), 8)) + rest
    lines: list[Line] = [(Span(shorten(first, width)),)]
    if view.trouble:
        sign = trouble_sign(view.trouble, scene.glyphs)
        lines += wrap((sign, Span(f" {trouble_words(view)}", "err")), width)
        return lines[:height]
    chain = [known.images[one].name for one in ancestors(known.above, view.path)]
    words = []
    if chain:
        words.append("stands on " + ", ".join(visible(one, limit=60) for one in chain[:3]))
    if checked is not None:
        words.append(f"checked {changed_word(checked[0], scene.now)}, {checked[1]}")
    users = ", ".join(
        f"{user.guest}{' (runs)' if user.running else ''}" for user in view.used_by[:3]
    )
    words.append(f"used by {users}" if users else "used by nobody")
    lines += wrap((Span(" · ".join(words), "muted"),), width)
    return lines[:height]


def page(info: ImageInfo, known: ImagesView, width: int, scene: Scene) -> list[Line]:
    """All of an image, for a box of its own."""
    view = info.view
    lines: list[Line] = _trouble(view, width, scene)
    if info.fault and info.fault != view.trouble:
        lines += wrap((Span(info.fault, "err"),), width)
    lines += [()] if lines else []
    if view.backing is not None or view.children:
        lines += [*chain_lines(known, view, width, scene), ()]
    rows = facts(view, info.checked, scene, known.reclaim.get(view.path))
    if view.backing is not None:
        kind = f" ({view.backing.format})" if view.backing.format else ""
        rows.append(("Backing", view.backing.text + kind))
    if info.medium is not None:
        found = info.medium.recognition
        rows.append(("Volume", visible(info.medium.media.volume_id, limit=60) or "none"))
        rows.append(("System", info.medium.told))
        rows += [("Machine", found.arch)] if found.arch else []
        rows.append(("Boots by", ", ".join(found.boot) or "nothing"))
    rows += [("Cloud", info.cloud)] if info.cloud else []
    for one in info.snapshots:
        when = ""
        if one.time is not None:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.time))
        memory = f", with {format_size(one.vm_state_bytes)} of memory" * bool(one.vm_state_bytes)
        rows.append(("Snapshot", f"{one.name}  {when}{memory}"))
    for label, text in rows:
        for number, part in enumerate(wrap((Span(text),), max(width - _LABEL, 4))):
            lines.append((Span((label if not number else "").ljust(_LABEL), "muted"), *part))
    return lines
