"""The Host pane: the verdict, this machine, what was promised of it, and the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.panes.listing import ListPane
from kvmtui.tui.render import host as render
from kvmtui.tui.render import machine
from kvmtui.tui.render.host import FOLD, HostView
from kvmtui.tui.render.host_graphs import HostGraphs
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.trends import Trends
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable
from kvmtui.tui.widgets.text_view import LineView, rule

if TYPE_CHECKING:
    from kvmtui.manage.checking import Result

Layout = Literal["wide", "stacked", "list"]

_WIDE, _NARROW, _LOW, _ROOMY = 120, 80, 20, 30
_LEFT_WIDTH = 66
_DETAIL_BELOW = 5

_COLUMNS = (
    Column("status", "Status", 9),
    Column("check", "Check", 30),
    Column("found", "Found", 20, flexible=True, least=12, sortable=False, drop=1),
)


class HostPane(ListPane):
    """The host. What a person wants leaves as a message; what is known comes as a `HostView`.

    Args:
        keys: The keys in force, which are named in it.
        trends: Figures over time.
    """

    DEFAULT_CSS = """
    HostPane { layout: vertical; }
    HostPane #host-body { height: 1fr; layout: vertical; }
    HostPane #host-checks { height: 1fr; width: 1fr; layout: vertical; }
    HostPane #host-counts { height: 1; }
    HostPane.wide #host-body { layout: horizontal; }
    HostPane.list #host-facts { display: none; }
    HostPane.list #host-detail { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(bindings("host"))
    PLACE = "host"
    TITLE = "Host"
    SORTABLE = render.SORTABLE

    class ExplainRequested(ListPane.Asked):
        """Enter on a check: show all of it."""

        def __init__(self, result: Result) -> None:
            super().__init__()
            self.result = result

    def __init__(self, keys: Keys, trends: Trends, *, id: str | None = None) -> None:
        super().__init__(_COLUMNS, table_id="checks", marks=False, id=id)
        self.verdict = LineView(id="host-verdict")
        self.facts = LineView(id="host-facts")
        self.counts_line = LineView(id="host-counts")
        self.detail = LineView(id="host-detail")
        self._keys = keys
        self._graphs = HostGraphs(trends)
        self._view = HostView()
        self._shown: dict[str, Result] = {}
        self._unfolded = False

    def compose(self) -> ComposeResult:
        yield self.verdict
        with Container(id="host-body"):
            yield self.facts
            with Container(id="host-checks"):
                yield self.counts_line
                yield self.table
                yield self.detail

    def take(self, view: HostView) -> None:
        """Show the host as it is known now."""
        before, self._view = self._view, view
        if self._checks_of(before) != self._checks_of(view):
            self.show()
        elif self.display:
            self._show_facts()

    def _checks_of(self, view: HostView) -> object:
        """What the verdict and the list are made of; load and memory move without them."""
        return view.report, view.progress, view.fault

    @property
    def counts(self) -> tuple[int, int]:
        """How many checks are shown, of how many."""
        report = self._view.report
        return len(self._shown), len(report.results) if report is not None else 0

    @property
    def under_cursor(self) -> Result | None:
        """The check under the cursor."""
        key = self.table.cursor_key
        return self._shown.get(key) if key is not None else None

    def switch_fold(self) -> None:
        """Show the checks that are ok too, or fold them."""
        before, at_fold = self.under_cursor, self.table.cursor_key == FOLD
        self._unfolded = not self._unfolded
        self.show()
        if at_fold:
            fine = (key for key, one in self._shown.items() if one.status == "ok")
            self.table.go_to(next(fine, FOLD))
        elif before is not None and before.id not in self._shown:
            self.table.go_to(FOLD)

    # Drawing.

    def draw_rows(self) -> None:
        """Show all of it as it is known."""
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        width = self.size.width
        if width < 2:
            return
        self._show_verdict(width, glyphs)
        self._show_facts()
        report = self._view.report
        self.counts_line.set_lines([render.counts_line(report, self.table.size.width, glyphs)])
        found = render.arranged(report, text=self.filter, sort=self._sort, unfolded=self._unfolded)
        cells = {one.id: render.check_cells(one, glyphs) for one in found.shown}
        if found.folded:
            cells[FOLD] = render.fold_cells(found.folded, glyphs)
        self._shown = {one.id: one for one in found.shown}
        self.table.set_sort(self._sort)
        ids = render.COLUMNS
        self.table.set_rows([Row(key, tuple(row[c] for c in ids)) for key, row in cells.items()])
        none = "No check has this text." if report is not None else "The checks are being run."
        self.table.set_empty([(Span(none, "muted"),)])
        self._show_detail()

    def _show_verdict(self, width: int, glyphs: Glyphs) -> None:
        line = render.verdict(self._view, glyphs, self._keys.of("app.back"))
        most = 2 if self._layout() == "list" else 3
        parts = render.hanging(line, width - 2, most)
        lines: list[Line] = [(Span(" "), *part) for part in parts]
        if self.size.height >= _ROOMY - 4:
            lines.append(())
        self._set_height(self.verdict, len(lines))
        self.verdict.set_lines(lines)

    def _show_facts(self) -> None:
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        width = self.size.width
        layout = self._layout()
        if layout == "wide":
            graphs = self._graphs.lines(self._view.figures, _LEFT_WIDTH - 4, glyphs)
            lines = machine.whole(self._view, _LEFT_WIDTH - 4, glyphs, graphs)
        elif layout == "stacked":
            graphs = self._graphs.short(self._view.figures, width - 2, glyphs)
            lines = [*machine.short(self._view, width - 2, glyphs, graphs), ()]
            self._set_height(self.facts, len(lines))
        else:
            return
        self.facts.set_lines([(Span(" "), *line) for line in lines])

    def _set_height(self, view: LineView, height: int) -> None:
        """Laid out anew only where it differs; a share of the rest (1fr) is never the same."""
        found = view.styles.height
        if found is None or not found.is_cells or found.value != height:
            view.styles.height = height

    def _show_detail(self) -> None:
        one = self.under_cursor
        width = self.table.size.width
        if one is None or width < 10:
            self.detail.set_lines([])
            return
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        room = (self.size.height // 2 if self._layout() == "wide" else _DETAIL_BELOW) - 1
        lines = render.check_lines(one, width - 2, self._keys.of("host.copy"), room)
        told = [(Span(" "), *line) for line in lines]
        self.detail.set_lines([rule(one.title, width, glyphs), *told], from_top=True)

    def cursor_moved(self, key: str | None) -> None:
        """The room below the list is for the check under the cursor."""
        self._show_detail()

    # Size.

    def on_resize(self, event: events.Resize) -> None:
        """Stand side by side, one below the other, or as a list alone."""
        layout = self._layout()
        self.set_class(layout == "wide", "wide")
        self.set_class(layout == "list", "list")
        wide = layout == "wide"
        self.facts.styles.width = _LEFT_WIDTH if wide else "1fr"
        if wide:
            self.facts.styles.height = "1fr"
        self.detail.styles.height = self.size.height // 2 if wide else _DETAIL_BELOW
        self.call_after_refresh(self.show)

    def _layout(self) -> Layout:
        width, height = self.size
        if width < _NARROW or height + 4 < _LOW:
            return "list"
        return "wide" if width >= _WIDE else "stacked"

    @on(LineTable.RowOpened)
    def _row_opened(self, event: LineTable.RowOpened) -> None:
        event.stop()
        if event.key == FOLD:
            self.switch_fold()
        elif self.under_cursor is not None:
            self.post_message(self.ExplainRequested(self.under_cursor))
