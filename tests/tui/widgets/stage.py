"""An app with widgets on it, as tests need one: what was posted, what is on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rich.color import ColorSystem
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from kvmtui.tui.glyphs import UNICODE, Glyphs
from kvmtui.tui.palette import Palette

NIGHT = {
    "bg": "#11151a",
    "field": "#1f2933",
    "cursor": "#24374a",
    "text": "#d6dde4",
    "muted": "#9aa6b3",
    "accent": "#74b3f0",
    "ok": "#7cc98a",
    "warn": "#e6b450",
    "err": "#ff8a80",
    "busy": "#c3a6ff",
    "graph": "#6bb5ad",
    "line": "#43505e",
    "tab_text": "#0d1117",
}
PALETTES = {"night": Palette(NIGHT), "terminal": Palette(None)}
NIGHT_THEME = Theme("night", primary="#74b3f0", background="#11151a", foreground="#d6dde4")


class Stage(App[None]):
    """Hosts widgets, one under the other, and keeps what they post."""

    CSS = "Screen { layers: base above; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, *widgets: Widget, glyphs: Glyphs = UNICODE, theme: str = "ansi-dark", css: str = ""
    ) -> None:
        super().__init__()
        self.widgets = widgets
        self.glyphs = glyphs
        self.posted: list[Message] = []
        self.first_theme = theme
        if css:
            self.stylesheet.add_source(css)

    @property
    def palette(self) -> Palette:
        return PALETTES["night" if self.theme == "night" else "terminal"]

    def draw_lines(self, widget: Widget, lines: Sequence[int]) -> bool:
        return False

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_mount(self) -> None:
        self.register_theme(NIGHT_THEME)
        self.theme = self.first_theme

    def note(self, message: Message) -> None:
        """Keep a message once, though each of its way up to the app calls this."""
        if not any(message is other for other in self.posted[-50:]):
            self.posted.append(message)

    def grid(self) -> list[str]:
        """The screen as text."""
        strips = self.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    def styles_at(self, y: int) -> list[tuple[str, str]]:
        """The pieces of a line with their styles, neighbours of one style together."""
        strip = self.screen._compositor.render_strips()[y].simplify()
        return [(text, str(style or "")) for text, style, _ in strip]

    def cells_at(self, y: int) -> list[tuple[str, str]]:
        """Each cell of a line with what the terminal is told about it."""
        strip = self.screen._compositor.render_strips()[y]
        return [
            (character, Strip.render_ansi(style, ColorSystem.TRUECOLOR) if style else "")
            for text, style, _ in strip
            for character in text
        ]

    def take(self, kind: type[Message]) -> list[Any]:
        """The messages of a kind that were posted since the last time."""
        found = [message for message in self.posted if isinstance(message, kind)]
        self.posted = [message for message in self.posted if not isinstance(message, kind)]
        return found


Scene = Callable[[Stage, Pilot[None]], Awaitable[None]]


def play(stage: Stage, scene: Scene, *, size: tuple[int, int] = (80, 24)) -> None:
    """Run the app without a terminal and let the scene happen in it."""

    async def run() -> None:
        async with stage.run_test(size=size, message_hook=stage.note) as pilot:
            await pilot.pause()
            await scene(stage, pilot)

    asyncio.run(run())


def trimmed(lines: Sequence[str]) -> str:
    """Lines without the empty ones at the end."""
    return "\n".join(lines).rstrip("\n")


def watch(widget: Widget) -> list[Region]:
    """The regions that a widget asks to be drawn again, from now on."""
    asked: list[Region] = []
    refresh = widget.refresh

    def note(*regions: Region, **options: bool) -> Widget:
        asked.extend(regions or [Region(-1, -1, 0, 0)])
        return refresh(*regions, **options)

    widget.refresh = note  # type: ignore[method-assign]
    return asked
