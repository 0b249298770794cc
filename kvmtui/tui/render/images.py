"""Disk images as rows; storage; what stands in the message line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kvmtui.guest.units import format_size
from kvmtui.manage.views import OperationView
from kvmtui.text import visible
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.render.image_rows import Item, is_unused
from kvmtui.tui.spans import Line, Role, Span, fit, shorten_middle, width_of
from kvmtui.tui.widgets.bar import bar
from kvmtui.tui.words import clock_time, doing, full_words

if TYPE_CHECKING:
    from kvmtui.manage.forecast import Forecast
    from kvmtui.manage.image_storage import Storage
    from kvmtui.manage.images import ImageView

COLUMNS = ("name", "format", "size", "real", "used", "snap", "changed")
_NOW_S = 60
_ALMOST_FULL = 0.95
_MOUNT_WIDTH = 8
_UNWATCHED: Line = (Span(", kvmtui watch tells when full", "muted"),)

State = tuple[str, Role, Role]
"""How a guest's state looks: its sign, the sign's role, the word's."""


class ImagesView(NamedTuple):
    """All that is known of the images; empty where it is not known yet."""

    images: Mapping[str, ImageView] = {}
    above: Mapping[str, str] = {}
    """Of each image that stands on a listed one, that one."""
    known: bool = False
    """Whether they were looked at."""
    stale: frozenset[str] = frozenset()
    """Images of directories that do not answer now, as they were."""
    silent: tuple[tuple[str, str], ...] = ()
    """Directories that do not answer or cannot be read, and why, in words."""
    storages: tuple[Storage, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    """When file systems with guests' disks are full; none where it was not looked up."""
    states: Mapping[str, State] = {}
    """How the states of guests look, by their names."""
    work: Mapping[str, OperationView] = {}
    """What is being done to images, by their visible names."""
    waiting: frozenset[str] = frozenset()
    """Guests that stand still since they could not write."""
    reclaim: Mapping[str, int] = {}
    """What compacting gives back in bytes, by path; only where it was measured."""
    fault: str = ""
    """Why the images could not be looked at."""


class Scene(NamedTuple):
    """What the cells of all rows depend on."""

    glyphs: Glyphs
    now: float
    states: Mapping[str, State]
    work: Mapping[str, OperationView]


class Cells(Sequence[Line]):
    """The cells of a row, made when they are first drawn: of ten thousand rows few are.

    Args:
        source: What they are made from; rows of the same source look the same.
    """

    def __init__(self, source: object, make: Callable[[], Sequence[Line]]) -> None:
        self._source = source
        self._make = make
        self._made: Sequence[Line] | None = None

    def _cells(self) -> Sequence[Line]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, index: int) -> Line:  # type: ignore[override]
        return self._cells()[index]

    def __len__(self) -> int:
        return len(COLUMNS)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._cells())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells) and self._source == other._source

    def __hash__(self) -> int:
        return hash(id(self._source))


def tree_sign(stems: tuple[bool, ...], glyphs: Glyphs) -> str:
    """The lines before a row: ``│ ├ ``, ``│ └ ``."""
    if not stems:
        return ""
    down = glyphs.rule_down
    tee, end = ("+", "+") if glyphs.name == "ascii" else ("├", "└")
    above = "".join(f"{down} " if goes_on else "  " for goes_on in stems[:-1])
    return f"{down} {above}{tee if stems[-1] else end} "


def row_cells(item: Item, scene: Scene) -> tuple[Line, ...]:
    """The cells of a row, in the order of the columns."""
    view, glyphs = item.view, scene.glyphs
    name = _name_cell(item, glyphs)
    if view is None:
        return _folder_cells(item, name, glyphs)
    size, real = view.virtual_size_bytes, view.actual_size_bytes
    return (
        name,
        (Span(view.format or "", "muted"),),
        () if size is None else (Span(format_size(size)),),
        () if real is None else (Span(format_size(real)),),
        used_cell(view, scene),
        _snapshots(view, glyphs),
        () if view.changed is None else (Span(changed_word(view.changed, scene.now), "muted"),),
    )


def _name_cell(item: Item, glyphs: Glyphs) -> Line:
    fold = ""
    if item.children:
        fold = f"{glyphs.folded if item.folded else glyphs.unfolded} "
    return (
        Span(tree_sign(item.stems, glyphs), "line", glyph=True),
        Span(fold, "muted", glyph=True),
        Span(item.label),
    )


def _folder_cells(item: Item, name: Line, glyphs: Glyphs) -> tuple[Line, ...]:
    if item.note:
        sign = Span(f"{glyphs.invalid} ", "muted", glyph=True)
        return (name, (), (), (), (sign, Span(item.note, "muted")), (), ())
    count = "1 image" if item.children == 1 else f"{item.children} images"
    real = (Span(format_size(item.total_bytes), "muted"),)
    return (name, (), (), real, (Span(count, "muted"),), (), ())


def _snapshots(view: ImageView, glyphs: Glyphs) -> Line:
    if view.snapshots is None:
        return (Span(glyphs.none, "muted"),)
    return (Span(str(view.snapshots), "text" if view.snapshots else "muted"),)


def changed_word(changed: float, now: float) -> str:
    """``now``, ``09:14``, ``22 Nov``, ``2025-02``."""
    return "now" if 0 <= now - changed < _NOW_S else clock_time(changed, now)


def work_words(operation: OperationView) -> str:
    """``converting 18 %``."""
    words = {"convert": "converting", "clone": "cloning", "compact": "compacting"}
    words |= {"check": "being checked", "repair": "being repaired", "move": "moving"}
    words |= {"rebase": "rebasing", "flatten": "flattening", "import": "coming in"}
    words |= {"resize": "resizing", "commit": "committing"}
    told = words.get(operation.verb) or doing(operation.verb)
    return told if operation.percent is None else f"{told} {operation.percent:.0f} %"


def trouble_sign(trouble: str, glyphs: Glyphs) -> Span:
    """✗ for what is broken, ▲ for what only wants an eye."""
    mild = trouble == "backing elsewhere" or trouble.startswith("in use by")
    return Span(glyphs.trouble if mild else glyphs.crashed, "warn" if mild else "err", glyph=True)


def used_cell(view: ImageView, scene: Scene) -> Line:
    """Who uses an image, what is done to it, or what is wrong with it."""
    glyphs = scene.glyphs
    work = scene.work.get(visible(view.name, limit=120))
    if work is not None:
        sign = Span(glyphs.under_way, "warn", glyph=True)
        return (sign, Span(f" {work_words(work)}", "warn"))
    if view.trouble:
        return (trouble_sign(view.trouble, glyphs), Span(f" {view.trouble}", "err"))
    if not view.used_by:
        return (Span("nobody", "muted"),)
    if len(view.used_by) > 1:
        running = sum(user.running for user in view.used_by)
        told = f", {running} run" if 0 < running < len(view.used_by) else ""
        return (Span(f"{len(view.used_by)} guests"), Span(told, "muted"))
    user = view.used_by[0]
    usual: State = (glyphs.running, "ok", "muted")
    usual = usual if user.running else (glyphs.stopped, "muted", "muted")
    look, look_role, _ = scene.states.get(user.guest, usual)
    role: Role = "text" if user.running else "muted"
    return (Span(look, look_role, glyph=True), Span(f" {user.guest}", role))


# Storage.


def storage_lines(view: ImagesView, width: int, glyphs: Glyphs, room: int) -> list[Line]:
    """A line for each file system: its bar, what is taken of it, what is promised.

    The fullest come first where not all fit.
    """
    fullest = sorted(view.storages, key=lambda one: -_share(one))[:room]
    mounts = [one.mount for one in view.storages if one in fullest]
    shown = [one for one in view.storages if one.mount in mounts][:room]
    if not shown:
        return []
    label = min(max(*(len(visible(one.mount)) for one in shown), 4), width // 5) + 2
    lines = []
    told = False
    for one in shown:
        until = _until(forecast_of(view.forecasts, one.mount), told)
        told = told or until == _UNWATCHED
        lines.append(_storage_line(one, label, width, glyphs, until, waiting_for(view, one)))
    return lines


def forecast_of(forecasts: Sequence[Forecast], mount: str) -> Forecast | None:
    """The forecast of a file system; None where there is none."""
    name = visible(mount, limit=100)
    return next((one for one in forecasts if one.mount == name), None)


def _until(forecast: Forecast | None, told: bool) -> Line:
    """When it is full, or once who would tell; empty where it is not known or does not fill."""
    if forecast is None:
        return ()
    if forecast.bytes_per_day is None and not forecast.is_watched:
        return () if told else _UNWATCHED
    return full_words(forecast, ", ")


def waiting_for(view: ImagesView, one: Storage) -> str:
    """``ci-runner-2 waits for it``: guests that stand still, with a disk on a file system."""
    if not view.waiting:
        return ""
    here = set(one.directories)
    found = sorted(
        {
            user.guest
            for path, image in view.images.items()
            if path.rpartition("/")[0] in here
            for user in image.used_by
            if user.guest in view.waiting and user.running
        }
    )
    if not found:
        return ""
    told = found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
    return f"{told} {'waits' if len(found) == 1 else 'wait'} for it"


def _share(one: Storage) -> float:
    return 1 - one.free_bytes / one.total_bytes if one.total_bytes else 0.0


def _storage_line(
    one: Storage, label: int, width: int, glyphs: Glyphs, until: Line, waiting: str
) -> Line:
    taken = one.total_bytes - one.free_bytes
    words: Line = (
        Span(f"  {format_size(taken)}"),
        Span(f" of {format_size(one.total_bytes)}", "muted"),
    )
    full = one.total_bytes and one.free_bytes < one.total_bytes / 100
    if full:
        sign = Span(glyphs.trouble, "warn", glyph=True)
        words = (*words, Span(", full now ", "warn"), sign)
        words = (*words, Span(f"  {waiting}", "warn")) if waiting else words
    until = () if full else until
    percent = round(100 * one.promised_bytes / one.total_bytes) if one.total_bytes else 0
    over = percent > 100
    promised: Line = (
        Span(", promised ", "muted"),
        Span(format_size(one.promised_bytes), "warn" if over else "text"),
        Span(f" ({percent} %)", "warn" if over else "muted"),
    )
    cells = min(31, width // 3)
    # Where not all of it fits, when it is full matters most.
    choices = [(*words, *promised, *until), (*words, *until), words]
    room = width - label - cells
    words = next((line for line in choices if width_of(line) <= room), words)
    mount = shorten_middle(visible(one.mount, limit=200), label - 2).ljust(label)
    return (
        Span(mount, "muted"),
        *fit(bar(_share(one), cells, glyphs, warn_from=_ALMOST_FULL), cells),
        *words,
    )


def summary(view: ImagesView) -> str:
    """``12 images · 1.6T really used · 2 used by nobody (37G would come free)``."""
    if not view.images:
        return ""
    views = view.images.values()
    unused = [one for one in views if is_unused(one)]
    real = sum(one.actual_size_bytes or 0 for one in views)
    count = "1 image" if len(view.images) == 1 else f"{len(view.images)} images"
    text = f"{count} · {format_size(real)} really used"
    if unused:
        free = sum(one.actual_size_bytes or 0 for one in unused)
        text += f" · {len(unused)} used by nobody ({format_size(free)} would come free)"
    return text
