"""An app that does what output can go wrong with. Run as ``probe.py stock|wire``.

It tells what only it can know in the file that ``PROBE_STATE`` names.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import Any, ClassVar

from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.containers import Center
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable, Input, Label, Static

from kvmtui.tui.themes import load_themes
from kvmtui.tui.wire import WireApp

NAMES = ["web-01", "東京-二", "cafe\u0301 db", "データベース", "x" * 30, "naïve", "ok ✓"]


class Noise(Widget):
    """Cells of random text and colour: as many bytes as a frame can have."""

    DEFAULT_CSS = "Noise { height: 10; }"

    def render_line(self, y: int) -> Strip:
        cells = range(self.size.width)
        colors = [f"color({random.randrange(16, 232)})" for _ in cells]
        return Strip([Segment(random.choice("abc#"), Style(color=color)) for color in colors])


class Links(Widget):
    """A control segment as pictures are made of, where asked for, a link, and marks."""

    DEFAULT_CSS = "Links { height: 1; }"

    def render_line(self, y: int) -> Strip:
        control = Segment("\x1b7\x1b[9;9H\x1b[1m\x1b8", None, [(ControlType.HOME,)])
        return Strip(
            [
                Segment("a"),
                *([control] if self.app.has_class("controls") else []),
                Segment("b"),
                Segment("link", Style(link="https://example.org/", underline=True)),
                Segment("東e\u0301", Style(bold=True, color="red")),
            ]
        ).adjust_cell_length(self.size.width, Style())


class Direct(Widget):
    """Lines that are drawn at once where that can be; a panel lies over a part of the last."""

    DEFAULT_CSS = "Direct { height: 3; }"
    count = 0

    def render_line(self, y: int) -> Strip:
        text = f"line {y} " + ("東" if self.count % 2 else "ab") * 9 + f" drawn {self.count}"
        style = Style(color="red", bgcolor="color(24)") if self.count % 3 else Style()
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, Style())

    def draw(self, *lines: int) -> bool:
        self.count += 1
        draw_lines = getattr(self.app, "draw_lines", None)
        if draw_lines is not None and draw_lines(self, lines):
            return True
        self.refresh(*(Region(0, y, self.size.width, 1) for y in lines))
        return False


class Dialog(ModalScreen[None]):
    """A dialog that lies over wide characters at an odd column."""

    DEFAULT_CSS = "Dialog { align: center middle; } Dialog Center { width: 31; height: 7; }"
    BINDINGS: ClassVar = [("escape", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        with Center():
            yield Label("Delete 東京-二?\n\nIts disks go with it.")
            yield Input(placeholder="type its name")


def probe(base: type[App[Any]]) -> type[App[Any]]:
    """The app on one kind of output."""

    class Probe(base):  # type: ignore[valid-type, misc]
        CSS = """
        DataTable { height: 1fr; }
        #over { layer: top; width: 5; height: 3; offset: 7 4; background: $panel; }
        Screen { layers: base top; }
        """
        BINDINGS: ClassVar = [
            ("f2", "dialog", "Dialog"),
            ("f3", "theme", "Theme"),
            ("f4", "shell", "Shell"),
            ("f5", "over", "Over"),
            ("f6", "again", "Again"),
            ("f7", "flood", "Flood"),
            ("f8", "say", "Say"),
            ("f9", "controls", "Controls"),
            ("f10", "name", "Name"),
            ("f11", "direct", "Draw lines"),
            ("f12", "covered", "Draw the covered one too"),
            ("ctrl+z", "suspend_process", "Suspend"),
        ]

        def compose(self) -> ComposeResult:
            yield Static("probe", id="said")
            yield Links()
            yield Direct()
            yield Input(placeholder="name")
            yield DataTable(cursor_type="row")
            yield Noise()
            yield Static("over\n二\nit", id="over")

        def on_mount(self) -> None:
            name = os.environ.get("PROBE_THEME", "night")
            themes = load_themes([], os.environ).by_name
            for theme in themes.values():
                self.register_theme(theme.textual)
            self.exact_256 = themes[name].exact_256
            self.theme = name
            self.query_one(Noise).display = False
            table = self.query_one(DataTable)
            table.add_columns("Name", "State", "Memory")
            for row in range(200):
                table.add_row(f"{NAMES[row % 7]} {row}", "running" if row % 3 else "停止", row * 7)
            table.focus()
            self.told = {"ticks": 0, "again": 0, "said": 0, "direct": 0}
            self.flooding = False
            self.set_interval(0.1, self.tick)

        def tick(self) -> None:
            self.told["ticks"] += 1
            if self.flooding:
                self.query_one(Noise).refresh()
            self.tell()

        def tell(self) -> None:
            told = {
                **self.told,
                "size": list(self.screen.size),
                "sent": getattr(self, "bytes_sent", 0),
                "skipped": getattr(self, "frames_skipped", 0),
            }
            path = os.environ["PROBE_STATE"]
            with open(path + ".new", "w") as file:
                json.dump(told, file)
            os.replace(path + ".new", path)

        def action_dialog(self) -> None:
            self.push_screen(Dialog())

        def action_theme(self) -> None:
            self.theme = "paper" if self.theme != "paper" else "terminal"
            self.query_one("#said", Static).update(f"theme {self.theme}")

        def action_shell(self) -> None:
            with self.suspend():
                subprocess.run(["sh", "-c", "echo shell here; read answer"], check=True)

        def action_over(self) -> None:
            over = self.query_one("#over")
            over.offset = (over.offset.x + 1, over.offset.y)

        def action_again(self) -> None:
            self.told["again"] += 1
            self.refresh(layout=True)

        def action_flood(self) -> None:
            self.flooding = not self.flooding
            self.query_one(Noise).display = self.flooding

        def action_controls(self) -> None:
            self.toggle_class("controls")
            self.query_one(Links).refresh()
            on = "on" if self.has_class("controls") else "off"
            self.query_one("#said", Static).update(f"controls {on}")

        def action_name(self) -> None:
            self.query_one(Input).focus()
            self.query_one("#said", Static).update("a name is awaited")

        def action_direct(self) -> None:
            self.told["direct"] += self.query_one(Direct).draw(0, 1)

        def action_covered(self) -> None:
            self.told["direct"] += self.query_one(Direct).draw(1, 2)

        def action_say(self) -> None:
            self.told["said"] += 1
            wide = ("東京bcdefgh都", "a東cbcdefgh都", "京東bcdefgha")[self.told["said"] % 3]
            self.query_one("#said", Static).update(f"said {self.told['said']} {wide}")

    return Probe


if __name__ == "__main__":
    probe(WireApp if sys.argv[1] == "wire" else App)().run()
