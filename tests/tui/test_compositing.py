"""What is rendered for a change: beside Textual's own compositor, in the same scenes."""

from __future__ import annotations

import asyncio

from textual._compositor import Compositor
from textual.app import App
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from kvmtui.tui.compositing import NarrowCompositor


class Counted(Static):
    """Counts how often it is rendered."""

    rendered = 0

    def render_lines(self, crop):
        self.rendered += 1
        return super().render_lines(crop)


class Page(Screen):
    def __init__(self, compositor):
        super().__init__()
        self._compositor = compositor()

    def compose(self):
        with VerticalScroll(id="above"):
            for number in range(20):
                yield Counted(f"row {number}\nsecond {number}", id=f"n{number}")
        yield Counted("below", id="below")


class Pages(App):
    CSS = "#above { height: 7; } #below { height: 2; }"

    def __init__(self, compositor):
        super().__init__()
        self._page = Page(compositor)

    def get_default_screen(self):
        return self._page


async def play(compositor):
    """What is seen after each change, and how often the widget below was rendered for it."""
    app = Pages(compositor)
    found = []
    async with app.run_test(size=(40, 12)) as pilot:
        below = app.screen.query_one("#below", Counted)
        for act in (
            lambda: app.screen.query_one("#n2", Counted).update("changed\nhere"),
            lambda: app.screen.query_one("#above").scroll_to(y=5, animate=False),
            lambda: app.screen.query_one("#n3", Counted).update("cut\nat the edge"),
            lambda: below.update("other"),
        ):
            before = below.rendered
            act()
            await pilot.pause()
            parts = app.screen._compositor.render_strips()
            found.append(("\n".join(strip.text for strip in parts), below.rendered - before))
    return found


def test_the_same_is_seen_and_less_is_rendered():
    stock, narrow = asyncio.run(play(Compositor)), asyncio.run(play(NarrowCompositor))
    assert [seen for seen, _ in narrow] == [seen for seen, _ in stock]
    assert "changed" in narrow[0][0] and "other" in narrow[3][0]
    assert sum(count for _, count in narrow) < sum(count for _, count in stock)
