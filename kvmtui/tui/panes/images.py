"""The Images pane: the list as a tree, the image under the cursor, storage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from kvmtui.text import visible
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render import image_rows
from kvmtui.tui.render import images as render
from kvmtui.tui.render.image_rows import By, Item
from kvmtui.tui.render.images import Cells, ImagesView, Scene
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable
from kvmtui.tui.widgets.text_view import LineView, rule

if TYPE_CHECKING:
    from kvmtui.manage.images import ImageView
    from kvmtui.tui.render import image_detail
else:
    from kvmtui.light import Later

    image_detail = Later("kvmtui.tui.render.image_detail")

Layout = Literal["wide", "stacked", "list"]

_WIDE, _NARROW, _LOW, _ROOMY = 120, 80, 20, 30
_BESIDE_WIDTH, _BELOW_HEIGHT = 46, 3
_SETTLED_S = 0.08


def _columns(width: int) -> tuple[Column, ...]:
    narrow = width < _NARROW
    return (
        Column("name", "Name", 16, flexible=True, least=14 if narrow else 24),
        Column("format", "Format", 6, drop=3),
        Column("size", "Size", 4, right=True, drop=4),
        Column("real", "Real", 4, right=True, drop=5),
        Column("used", "Used by", 19 if narrow else 20),
        Column("snap", "Snap", 4, right=True, sortable=False, drop=1),
        Column("changed", "Changed", 7, drop=2),
    )


class ImagesPane(ListPane):
    """All disk images. What a person wants leaves as a message.

    Args:
        keys: The keys in force, which are named in it.
    """

    DEFAULT_CSS = """
    ImagesPane { layout: vertical; }
    ImagesPane #images-body { height: 1fr; layout: vertical; }
    ImagesPane.wide #images-body { layout: horizontal; }
    ImagesPane #images-storage { height: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("images"))
    PLACE = "images"
    TITLE = "Images"
    SORTABLE = image_rows.SORTABLE

    class OpenRequested(ListPane.Asked):
        """Enter on an image: show all of it."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class DetailWanted(ListPane.Asked):
        """The cursor has come to rest on an image."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self, keys: Keys, *, id: str | None = None) -> None:
        super().__init__(_columns(_NARROW), table_id="images", marks=True, id=id)
        self.detail = LineView(id="images-detail")
        self.storage = LineView(id="images-storage")
        self._keys = keys
        self._view = ImagesView()
        self._items: dict[str, Item] = {}
        self._folds: dict[str, bool] = {}
        self._by: By = "backing"
        self._unused = False
        self._kept: tuple[Mapping[str, ImageView], object, list[Item]] | None = None
        self._checked: tuple[str, image_detail.Checked] = ("", None)

    def compose(self) -> ComposeResult:
        with Container(id="images-body"):
            yield self.table
            yield self.detail
        yield self.storage

    # What comes down.

    def take(self, view: ImagesView) -> None:
        """Show the images as they are known now."""
        if view != self._view:
            self._view = view
            self.show()

    def take_checked(self, path: str, checked: image_detail.Checked) -> None:
        """When the image under the cursor was last checked."""
        self._checked = (path, checked)
        if self.display:
            self._show_detail(self._scene())

    @property
    def counts(self) -> tuple[int, int]:
        """How many images are shown, of how many."""
        shown = sum(item.view is not None for item in self._items.values())
        return shown, len(self._view.images)

    @property
    def under_cursor(self) -> ImageView | None:
        """The image under the cursor."""
        item = self._items.get(self.table.cursor_key or "")
        return item.view if item is not None else None

    @property
    def chosen_images(self) -> list[ImageView]:
        """The marked images, else the one under the cursor."""
        marked = self.table.marked
        keys = [row.key for row in self.table.rows if row.key in marked] if marked else []
        at_cursor = [self.table.cursor_key or ""]
        found = [self._items[key].view for key in keys or at_cursor if key in self._items]
        return [view for view in found if view is not None]

    @property
    def unused(self) -> bool:
        """Whether only images are shown that nobody uses."""
        return self._unused

    # What a person does.

    def switch_tree(self) -> By:
        """Show what stands on what, or what lies where; returns which it is now."""
        self._by = "directory" if self._by == "backing" else "backing"
        self.show()
        return self._by

    def switch_unused(self) -> bool:
        """Show only images that nobody uses, or all again; whether it is only those now."""
        self._unused = not self._unused
        self.show()
        return self._unused

    def fold(self, folded: bool) -> None:
        """Fold or unfold what hangs at the cursor; from within, the cursor goes to its root."""
        key = self.table.cursor_key
        item = self._items.get(key or "")
        if item is None or key is None:
            return
        if item.children and item.folded != folded:
            self._folds[key] = folded
            self.show()
        elif folded and item.stems:
            keys = list(self._items)
            for above in reversed(keys[: keys.index(key)]):
                if len(self._items[above].stems) < len(item.stems):
                    self.table.go_to(above)
                    return

    def go_to_image(self, path: str) -> None:
        """Put the cursor on an image, wherever it is folded away."""
        if path not in self._items:
            for above in image_rows.ancestors(self._view.above, path):
                self._folds[above] = False
            self._folds.pop(image_rows.FOLDER + path.rpartition("/")[0], None)
            self._unused, self._filter = False, ""
            self.draw_rows()
        self.table.go_to(path)

    def next_trouble(self, *, from_top: bool) -> bool:
        """Put the cursor on the next image in trouble; False where there is none behind it."""
        after = None if from_top else self.table.cursor_key or None
        path = image_rows.next_in_trouble(self._view.images, list(self._items), after)
        if path is not None:
            self.go_to_image(path)
        return path is not None

    def cursor_moved(self, key: str | None) -> None:
        """The detail follows; what takes a look at the disk waits until the cursor rests."""
        self._show_detail(self._scene())
        if key is not None and self._items.get(key, _NOTHING).view is not None:
            self.set_timer(_SETTLED_S, lambda: self._settled(key))

    def _settled(self, key: str) -> None:
        if self.table.cursor_key == key:
            self.post_message(self.DetailWanted(key))

    @on(LineTable.RowOpened)
    def _row_opened(self, event: LineTable.RowOpened) -> None:
        event.stop()
        item = self._items.get(event.key)
        if item is not None and item.view is not None:
            self.post_message(self.OpenRequested(event.key))
        elif item is not None:
            self.fold(not item.folded)

    # Drawing.

    def _scene(self) -> Scene:
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        return Scene(glyphs, time.time(), self._view.states, self._view.work)

    def draw_rows(self) -> None:
        """Show the images that fit the filter, the one under the cursor, and storage."""
        scene, view = self._scene(), self._view
        items = list(self._arranged())
        items += [
            Item(image_rows.SILENT + place, None, label=visible(place, limit=4096), note=why)
            for place, why in view.silent
            if not self.filter and not self._unused
        ]
        self._items = {item.key: item for item in items}
        self.table.set_sort(self._sort, descending=self._sort in image_rows.DESCENDING)
        self.table.set_rows([self._row(item, scene) for item in items])
        self.table.set_empty(self._nothing())
        self._show_detail(scene)
        self._show_storage(scene)

    def _arranged(self) -> list[Item]:
        """The images in order; put in order anew only where that may be another."""
        how = (self._by, self._sort, self.filter, self._unused, tuple(self._folds.items()))
        kept = self._kept
        if kept is None or kept[0] is not self._view.images or kept[1] != how:
            items = image_rows.arranged(
                self._view.images,
                by=self._by,
                sort=self._sort,
                text=self.filter,
                unused=self._unused,
                folds=self._folds,
            )
            self._kept = kept = (self._view.images, how, items)
        return kept[2]

    def _row(self, item: Item, scene: Scene) -> Row:
        view = item.view
        source: tuple[object, ...] = (item, scene.glyphs)
        if view is not None:
            work = scene.work.get(visible(view.name, limit=120)) if scene.work else None
            user = view.used_by[0].guest if len(view.used_by) == 1 else ""
            changed = render.changed_word(view.changed, scene.now) if view.changed else ""
            source = (item, scene.glyphs.name, work, scene.states.get(user), changed)
        cells = Cells(source, lambda: render.row_cells(item, scene))
        return Row(item.key, cells, muted=view is not None and view.path in self._view.stale)

    def _nothing(self) -> list[Line]:
        """What stands there without rows."""
        if self._view.fault:
            return [(Span(self._view.fault, "err"),)]
        if not self._view.known:
            return [(Span("looking at the images …", "muted"),)]
        if self._unused and self._view.images:
            return [(Span("Every image is used.", "muted"),)]
        if self.filter and self._view.images:
            return [(Span("No image has this text.", "muted"),)]
        keys = self._keys
        return [
            (
                Span("No images. "),
                Span(keys.of("images.import"), "accent", bold=True),
                Span(" brings one in, "),
                Span(keys.of("images.new"), "accent", bold=True),
                Span(" makes one."),
            )
        ]

    def _show_detail(self, scene: Scene) -> None:
        layout, width = self._layout(), self.detail.size.width
        view = self.under_cursor
        if layout == "list" or view is None or width < 10:
            self.detail.set_lines(self._bare_detail(layout, scene))
            return
        checked = self._checked[1] if self._checked[0] == view.path else None
        known = self._view
        if layout == "wide":
            lines = image_detail.beside(
                known, view, checked, width - 3, self.detail.size.height, scene
            )
            self.detail.set_lines(self._beside(lines, scene), from_top=True)
        else:
            lines = image_detail.below(known, view, checked, width - 2, _BELOW_HEIGHT - 1, scene)
            told = [(Span(" "), *line) for line in lines]
            head = rule(visible(view.name), width, scene.glyphs)
            self.detail.set_lines([head, *told], from_top=True)

    def _bare_detail(self, layout: Layout, scene: Scene) -> list[Line]:
        """The detail where the cursor is on no image."""
        if layout == "wide":
            return self._beside([], scene)
        return [rule("", self.detail.size.width, scene.glyphs)] if layout == "stacked" else []

    def _beside(self, lines: list[Line], scene: Scene) -> list[Line]:
        """Lines behind the rule that parts them from the list."""
        height = self.detail.size.height
        padded: list[Line] = [*lines, *[()] * max(height - len(lines), 0)]
        return [(Span(f"{scene.glyphs.rule_down} ", "line"), *line) for line in padded]

    def _show_storage(self, scene: Scene) -> None:
        layout = self._layout()
        roomy = self.size.height + 4 >= _ROOMY
        room = 0 if layout == "list" else 4 if roomy else 2
        lines = render.storage_lines(self._view, self.size.width - 2, scene.glyphs, room)
        told: list[Line] = [(Span(" "), *line) for line in lines]
        if told and roomy:
            told = [(), *told, ()]
        elif told and layout != "list":
            told = [(), *told]
        found = self.storage.styles.height
        if found is None or found.value != len(told):
            self.storage.styles.height = len(told)
        self.storage.set_lines(told)

    # Size.

    def on_resize(self, event: events.Resize) -> None:
        """Stand side by side, one below the other, or as a list alone."""
        layout = self._layout()
        wide = layout == "wide"
        self.set_class(wide, "wide")
        self.detail.display = layout != "list"
        self.detail.styles.width = _BESIDE_WIDTH if wide else "1fr"
        self.detail.styles.height = "1fr" if wide else _BELOW_HEIGHT
        self.table.set_columns(_columns(self.size.width))
        self.call_after_refresh(self.show)

    def _layout(self) -> Layout:
        width, height = self.size
        if width < _NARROW or height + 4 < _LOW:
            return "list"
        return "wide" if width >= _WIDE else "stacked"


_NOTHING = Item("", None)
