"""A graph that moves, can be held, and is read by a cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.widgets.axis import Axis, axis_for
from kvmtui.tui.widgets.base import Parts
from kvmtui.tui.widgets.graph_lines import (
    GraphView,
    Layout,
    Looks,
    Measures,
    drawn_lines,
    layout_of,
)
from kvmtui.tui.widgets.reading import ReadOverTime
from kvmtui.tui.widgets.scale import Scale

_MOST_SERIES = 2


def _kind(view: GraphView) -> tuple[object, ...]:
    """What a view has in common with those that follow it."""
    return view.subject, view.unit, view.sample_s, view.span_s


class Graph(ReadOverTime[GraphView]):
    """Draws a `GraphView`; knows no guest and has no clock: it moves when it is shown more.

    Args:
        focusable: Whether it can have the focus, and with it the keys of its cursor.
    """

    DEFAULT_CSS = "Graph { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "read(1)", "read", id="graph.earlier", show=False),
        Binding("right", "read(-1)", "read", id="graph.later", show=False),
        Binding("space", "hold", "hold", id="graph.hold", show=False),
        Binding("escape", "leave", "leave", id="graph.leave", show=False),
    ]

    class Happened(Message):
        """Something in a graph; `@on` may choose by the graph."""

        def __init__(self, graph: Graph) -> None:
            super().__init__()
            self.graph = graph

        @property
        def control(self) -> Graph:
            return self.graph

    class CursorMoved(Happened):
        """Another time is read, in seconds since 1970, or none: for graphs beside this one."""

        def __init__(self, graph: Graph, at_s: float | None) -> None:
            super().__init__(graph)
            self.at_s = at_s

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Graph.CursorMoved) and message.graph is self.graph

    class HoldChanged(Happened):
        """A person held the graph, or let it go on."""

        def __init__(self, graph: Graph, held: bool) -> None:
            super().__init__(graph)
            self.held = held

    def __init__(
        self, *, focusable: bool = False, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.can_focus = focusable
        self._view: GraphView | None = None
        self._taken = 0
        self._scale: Scale | None = None
        self._lines: list[Parts] = []
        self._made_for: tuple[int, int, Glyphs] | None = None

    # What the owner asks and sets.

    @property
    def view(self) -> GraphView | None:
        """What is drawn; while the graph is held, not the newest that it was given."""
        return self._view

    def show(self, view: GraphView) -> None:
        """Draw this from now on; a graph that is held draws it when it goes on.

        Raises:
            ValueError: Not one or two series, or times that are no numbers of seconds.
        """
        if not 1 <= len(view.series) <= _MOST_SERIES:
            raise ValueError(f"a graph has one series or two, not {len(view.series)}")
        axis_for(view.span_s, view.sample_s, 1, 0, view.newest_s)
        if self._held and self._view is not None and self._view.subject == view.subject:
            self._waiting = view
            return
        self._waiting = None
        self._count(view)
        self._view = view
        self._draw()

    # Keys and mouse.

    def action_read(self, cells: int) -> None:
        layout, axis = self._measures()
        if axis is None or not (layout and layout.rows and layout.cells):
            return
        at = -1 if self._cursor_s is None else axis.cell_at(self._cursor_s, layout.cells)
        self._read_cell(axis, min(at + cells, layout.cells - 1))

    def action_hold(self) -> None:
        self.hold(not self._held)
        self.post_message(self.HoldChanged(self, self._held))

    def action_leave(self) -> None:
        self._tell(None)

    def on_click(self, event: events.Click) -> None:
        layout, axis = self._measures()
        if self.can_focus and axis is not None and layout and layout.has(event.x, event.y):
            self._read_cell(axis, layout.width - 1 - event.x)

    def _read_cell(self, axis: Axis, cell: int) -> None:
        """Read a cell; right of the newest one nothing is read."""
        self._tell(None if cell < 0 else axis.middle_s(cell))

    def _tell(self, at_s: float | None) -> None:
        if at_s != self._cursor_s:
            self.read(at_s)
            self.post_message(self.CursorMoved(self, at_s))

    def on_focus(self) -> None:
        self._draw()

    def on_blur(self) -> None:
        self._draw()

    # How it is drawn.

    def _count(self, view: GraphView) -> None:
        """Number the newest sample, so that the others keep their columns."""
        before = self._view
        if before is None or _kind(before) != _kind(view):
            self._scale = Scale(view.unit)
            self._taken = round(view.newest_s / view.sample_s)
        else:
            # By difference: a sampler that is a little late now and then never skips one.
            self._taken += round((view.newest_s - before.newest_s) / view.sample_s)
        if view.taken is not None:
            self._taken = view.taken

    def _measures(self) -> tuple[Layout | None, Axis | None]:
        view = self._view
        if view is None:
            return None, None
        layout = layout_of(view, *self.size)
        args = (view.span_s, view.sample_s, layout.cells, self._taken, view.newest_s)
        return layout, axis_for(*args)

    def _draw(self) -> None:
        self._made_for = None
        self.show_changes()

    def _make(self) -> list[Parts]:
        view = self._view
        layout, axis = self._measures()
        if view is None or layout is None or axis is None or self._scale is None:
            return []
        looks = Looks(self.glyphs, self._cursor_s, self.has_focus, self._held)
        return drawn_lines(view, Measures(layout, axis, self._taken), self._scale, looks)

    def paint(self, y: int, width: int) -> Parts:
        made_for = (width, self.size.height, self.glyphs)
        if made_for != self._made_for:
            self._lines, self._made_for = self._make(), made_for
        return self._lines[y] if y < len(self._lines) else ()
