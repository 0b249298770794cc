"""What a guest has shown, to scroll and to search: its console's log, or its screen."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.kept_log import Found, Page
from kvmtui.tui.actions.registry import Place
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.text_view import LineView

_TYPED_S = 0.1
"""After the last letter, until a search begins."""


class Source(Protocol):
    """Lines, of which a page is seen at a time."""

    async def tail(self) -> Page:
        """The last page."""

    async def around(self, place: int) -> Page:
        """The page with a place in its middle."""

    async def count(self) -> int:
        """How many lines there are."""

    async def find(self, text: str) -> Found:
        """The lines with a text."""

    def close(self) -> None:
        """Have done with it."""


class FewLines:
    """Lines that are all there: a screen's."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    async def tail(self) -> Page:
        return Page(self._lines, list(range(len(self._lines))))

    async def around(self, place: int) -> Page:
        return await self.tail()

    async def count(self) -> int:
        return len(self._lines)

    async def find(self, text: str) -> Found:
        wanted = text.casefold()
        return Found([at for at, line in enumerate(self._lines) if wanted in line.casefold()])

    def close(self) -> None:
        return


class LogView(LineView):
    """Tells where more lines are wanted than it has."""

    class EdgeReached(Message):
        """It is scrolled beyond its first or its last line."""

        def __init__(self, step: int, *, far: bool) -> None:
            super().__init__()
            self.step = step
            """-1 upwards, 1 downwards."""
            self.far = far
            """Whether all the way is wanted."""

    def _at_edge(self, step: int) -> bool:
        return self.top <= 0 if step < 0 else self.top >= len(self.lines) - self.size.height

    def _move(self, step: int, *, far: bool = False) -> None:
        if self._at_edge(step):
            self.post_message(self.EdgeReached(step, far=far))

    def action_scroll(self, lines: int) -> None:
        self._move(lines)
        super().action_scroll(lines)

    def action_page(self, pages: int) -> None:
        self._move(pages)
        super().action_page(pages)

    def action_first(self) -> None:
        super().action_first()
        self._move(-1, far=True)

    def action_last(self) -> None:
        super().action_last()
        self._move(1, far=True)


class ScrollbackScreen(AnsweringScreen):
    """Lines from their end, with a search that goes upwards through all of them.

    Args:
        source: Where they are read.
        name: The guest.
        what: What they are, in the title.
        reads: Whether they are read from their beginning, before anything is searched.
    """

    DEFAULT_CSS = """
    ScrollbackScreen { layout: vertical; }
    ScrollbackScreen #head { height: 1; }
    ScrollbackScreen #area { height: 1fr; layers: base above; }
    """
    AUTO_FOCUS = "#body"
    places: ClassVar[tuple[Place, ...]] = ("text",)
    title_of_help = "Search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", show=False),
        Binding("n", "next(-1)", "match above", show=False),
        Binding("N", "next(1)", "match below", show=False),
        Binding("q", "leave", "back", show=False),
    ]

    def __init__(self, source: Source, name: str, what: str, *, reads: bool = False) -> None:
        super().__init__()
        self.head = LineView(id="head")
        self.body = LogView(focusable=True, id="body")
        self._source = source
        self._guest, self._what, self._reads = name, what, reads
        self._page = Page([], [])
        self._total = 0
        self._wanted = ""
        self._found = Found([])
        self._at = -1
        """The place of the line that was found last."""

    def compose(self) -> ComposeResult:
        yield self.head
        with Container(id="area"):
            yield self.body
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Read the lines; mostly a text is typed to look for."""
        self._tell_keys()
        self._tell_head()
        if not self._reads:
            # At once: whose key this was goes on typing.
            self.action_search()
        self.run_worker(self._begin(), group="page", exclusive=True)

    def on_unmount(self) -> None:
        """Have done with it."""
        self._source.close()

    def _tell_keys(self) -> None:
        keys = [("/", "search"), ("n", "above"), ("N", "below"), ("Esc", "back")]
        self.key_bar.set_keys(keys, last=None)

    def _tell_head(self) -> None:
        lines = f"   {self._total:,} lines" if self._total else ""
        told = (Span(f"  {self._what}", "muted"), Span(lines, "muted"))
        self.head.set_lines([(Span(f" {self._guest}", bold=True), *told)])

    # Pages.

    async def _begin(self) -> None:
        await self._turn_to(None)
        if self._at >= 0:
            await self._go_to(self._at)
        elif not self._reads:
            self.body.action_last()
        try:
            self._total = await self._source.count()
        except (KvmtuiError, OSError) as error:
            self.refuse(as_told("log", error).message)
        self._tell_head()
        self._tell_found()

    async def _turn_to(self, place: int | None) -> None:
        """Show the page around a place; None is the last page."""
        try:
            page = await (self._source.tail() if place is None else self._source.around(place))
        except (KvmtuiError, OSError) as error:
            self.refuse(as_told("log", error).message)
        else:
            self._page = page
        self._show()

    @on(LogView.EdgeReached)
    def _edge_reached(self, event: LogView.EdgeReached) -> None:
        event.stop()
        page = self._page
        if page.lines and not (page.is_first if event.step < 0 else page.is_last):
            self.run_worker(self._turn(event.step, event.far), group="page", exclusive=True)

    async def _turn(self, step: int, far: bool) -> None:
        """Show more lines before or after those that are seen, which stay in sight."""
        before = self._page.places[0 if step < 0 else -1]
        await self._turn_to((0 if step < 0 else None) if far else before)
        if far:
            top = 0 if step < 0 else len(self._page.lines)
        else:
            height = self.body.size.height
            top = bisect_left(self._page.places, before)
            top -= 1 if step < 0 else height - 2
        self.body.scroll_lines_to(top)

    def _show(self) -> None:
        lines: list[Line] = []
        for place, text in zip(self._page.places, self._page.lines, strict=True):
            lines.append((Span(" "), *self._marked(text, at=place == self._at)))
        self.body.set_lines(lines or [(Span(" Nothing was written yet.", "muted"),)])

    def _marked(self, text: str, *, at: bool) -> Line:
        """A line with what is looked for made prominent."""
        wanted = self._wanted.casefold()
        folded = text.casefold()
        if not wanted or wanted not in folded or len(folded) != len(text):
            return (Span(text, bold=at),)
        spans, begin = [], 0
        while (found := folded.find(wanted, begin)) >= 0:
            spans.append(Span(text[begin:found], bold=at))
            spans.append(Span(text[found : found + len(wanted)], "warn", bold=True))
            begin = found + len(wanted)
        return (*spans, Span(text[begin:], bold=at))

    # The search.

    def action_search(self) -> None:
        """Have a text typed."""
        self.message.open_filter(self._wanted)
        self._tell_found()

    def action_next(self, step: int) -> None:
        """Go to the next line with the text: upwards, or down again."""
        places = self._found.places
        here = bisect_left(places, self._at)
        if step > 0 and here < len(places) and places[here] == self._at:
            here += 1
        number = here if step > 0 else here - 1
        if self._wanted and 0 <= number < len(places):
            self.run_worker(self._go_to(places[number]), group="page", exclusive=True)
        elif not self._wanted:
            self.refuse("nothing is searched: / types it")
        else:
            self.refuse(f"no {'more ' if places else ''}lines with {self._wanted!r}")

    async def _go_to(self, place: int) -> None:
        self._at = place
        places = self._page.places
        if place in places:
            self._show()
        else:
            await self._turn_to(place)
        row = bisect_left(self._page.places, place)
        wanted = self._wanted.casefold()
        # A long line is parted, and what was looked for need not be in its first part.
        for at in range(row, bisect_right(self._page.places, place)):
            if wanted in self._page.lines[at].casefold():
                row = at
                break
        self.body.scroll_lines_to(row - self.body.size.height // 2)

    def _tell_found(self) -> None:
        found = len(self._found.places) if self._wanted else self._total
        self.message.set_found(found, self._total)

    @on(MessageLine.FilterChanged)
    def _text_changed(self, event: MessageLine.FilterChanged) -> None:
        self._wanted = event.text
        self._show()
        self.run_worker(self._find(event.text), group="find", exclusive=True)

    async def _find(self, text: str) -> None:
        await asyncio.sleep(_TYPED_S)
        try:
            self._found = await self._source.find(text) if text else Found([])
        except (KvmtuiError, OSError) as error:
            self.refuse(as_told("log", error).message)
            return
        if self.message.filtering:
            self._tell_found()
        else:
            self._tell_kept()
        if self._found.places:
            await self._go_to(self._found.places[-1])

    @on(MessageLine.FilterEnded)
    def _text_ended(self, event: MessageLine.FilterEnded) -> None:
        if not event.kept:
            self._wanted, self._found = "", Found([])
        self._tell_kept()
        self._show()

    def _tell_kept(self) -> None:
        found = self._found
        count = f"{'over ' if found.more else ''}{len(found.places):,} lines"
        told: Line = (Span(f"/{self._wanted}"), Span(f"   {count}", "muted"))
        self.message.set_standing(told if self._wanted else ())

    def action_leave(self) -> None:
        """Back to where one came from."""
        self.dismiss()

    def go_up(self) -> None:
        """Back to where one came from."""
        self.dismiss()
