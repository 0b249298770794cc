"""What a guest has shown, to scroll and to search: its console's log, or its screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from kvmtui.errors import KvmtuiError
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.text_view import LineView


class ScrollbackScreen(AnsweringScreen):
    """Lines from their end, with a search that goes upwards.

    Args:
        read: Reads them.
        name: The guest.
        what: What they are, in the title.
    """

    DEFAULT_CSS = """
    ScrollbackScreen { layout: vertical; }
    ScrollbackScreen #head { height: 1; }
    ScrollbackScreen #area { height: 1fr; layers: base above; }
    """
    AUTO_FOCUS = "#body"
    places = ("text",)
    title_of_help = "Search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", show=False),
        Binding("n", "next(-1)", "match above", show=False),
        Binding("N", "next(1)", "match below", show=False),
        Binding("q", "leave", "back", show=False),
    ]

    def __init__(self, read: Callable[[], Awaitable[list[str]]], name: str, what: str) -> None:
        super().__init__()
        self.head = LineView(id="head")
        self.body = LineView(focusable=True, id="body")
        self._read_lines = read
        self._guest, self._what = name, what
        self._log: list[str] = []
        self._wanted = ""
        self._at = -1

    def compose(self) -> ComposeResult:
        yield self.head
        with Container(id="area"):
            yield self.body
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Read the lines, and have a text typed to look for."""
        title = (Span(f" {self._guest}", bold=True), Span(f"  {self._what}", "muted"))
        self.head.set_lines([title])
        keys = [("/", "search"), ("n", "above"), ("N", "below"), ("Esc", "back")]
        self.key_bar.set_keys(keys, last=None)
        self.run_worker(self._read(), group="log", exclusive=True)

    async def _read(self) -> None:
        try:
            self._log = await self._read_lines()
        except (KvmtuiError, OSError) as error:
            self.refuse(str(error))
        self._at = len(self._log)
        self._show()
        self.body.action_last()
        self.action_search()

    def _show(self) -> None:
        lines: list[Line] = []
        for number, text in enumerate(self._log):
            lines.append((Span(" "), *self._marked(text, at=number == self._at)))
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

    def action_search(self) -> None:
        """Have a text typed."""
        self.message.open_filter(self._wanted)
        self._tell_found()

    def action_next(self, step: int) -> None:
        """Go to the next line with the text: upwards, or down again."""
        wanted = self._wanted.casefold()
        at = self._at + step
        while wanted and 0 <= at < len(self._log):
            if wanted in self._log[at].casefold():
                self._go_to(at)
                return
            at += step
        self.refuse(
            f"no {'more ' if self._found() else ''}lines with {self._wanted!r}"
            if wanted
            else "nothing is searched: / types it"
        )

    def _go_to(self, at: int) -> None:
        self._at = at
        self._show()
        self.body.action_scroll(at - self.body.top - self.body.size.height // 2)

    def _found(self) -> int:
        wanted = self._wanted.casefold()
        return sum(wanted in line.casefold() for line in self._log) if wanted else 0

    def _tell_found(self) -> None:
        self.message.set_found(self._found() if self._wanted else len(self._log), len(self._log))

    @on(MessageLine.FilterChanged)
    def _text_changed(self, event: MessageLine.FilterChanged) -> None:
        self._wanted, self._at = event.text, len(self._log)
        self._tell_found()
        wanted = event.text.casefold()
        hits = [at for at, line in enumerate(self._log) if wanted and wanted in line.casefold()]
        if hits:
            self._go_to(hits[-1])
        else:
            self._show()

    @on(MessageLine.FilterEnded)
    def _text_ended(self, event: MessageLine.FilterEnded) -> None:
        if not event.kept:
            self._wanted = ""
        count = self._found()
        told: Line = (Span(f"/{self._wanted}"), Span(f"   {count} lines", "muted"))
        self.message.set_standing(told if self._wanted else ())
        self._show()

    def action_leave(self) -> None:
        """Back to where one came from."""
        self.dismiss()

    def go_up(self) -> None:
        """Back to where one came from."""
        self.dismiss()
