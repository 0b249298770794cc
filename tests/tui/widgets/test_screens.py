"""The widgets together, as a pane has them: wide, in 80×24, and in every theme."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play

from kvmtui.tui.glyphs import UNICODE
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable
from kvmtui.tui.widgets.text_view import LineView, rule
from kvmtui.tui.widgets.title_bar import Figure, Tab, TitleBar

COLUMNS = (
    Column("name", "  Name", 16, flexible=True, least=15, most=16),
    Column("state", "State", 13),
    Column("vcpu", "vCPU", 3, right=True, drop=6),
    Column("cpu", "CPU%", 3, right=True),
    Column("minute", "1 min", 8, drop=5),
    Column("memory", "Memory", 9, drop=7),
    Column("disk", "Disk/s", 6, right=True, drop=4),
    Column("net", "Net/s", 4, right=True, drop=2),
    Column("up", "Up", 4, right=True, drop=3),
    Column("acc", "Acc", 3, drop=1),
)
RUNNING = ("backup-tgt", "build-01", "ci-runner-1", "db-01", "db-02", "dos-cnc", "gitlab")


def words(text: str, role: str = "text") -> Line:
    return (Span(text, role),)  # type: ignore[arg-type]


def running(name: str) -> Row:
    cells = ("running", "4", "38", "⣀⣀⣀⣀⣀⣀⣀⣀", "5.8G/8.0G", "1.2M", "312K", "41d", "kvm")
    first = (Span("●", "ok", glyph=True), Span(f" {name}"))
    return Row(name, (first, *(words(cell) for cell in cells)))


class Pane(Container):
    """All widgets of a screen."""

    DEFAULT_CSS = "Pane { layout: vertical; } Pane LineView { height: 3; }"

    def __init__(self) -> None:
        super().__init__()
        self.table = LineTable(COLUMNS)
        self.detail = LineView()
        self.message = MessageLine()
        self.keys = KeyBar()
        self.title_bar = TitleBar()

    def compose(self) -> ComposeResult:
        yield from (self.title_bar, self.table, self.detail, self.message, self.keys)

    def fill(self, width: int) -> None:
        self.title_bar.set_tabs(
            [Tab("guests", "1", "Guests", "26"), Tab("images", "2", "Images")], "guests"
        )
        self.title_bar.set_figures("hv1", [Figure(words("cpu  71%"), words("cpu  71%"))])
        self.table.set_rows([running(f"{name}{n}") for n in ("", "-b", "-c") for name in RUNNING])
        self.table.set_sort("name")
        self.detail.set_lines([rule("db-01", width, UNICODE), words(" Debian 12", "muted")])
        self.message.show(words("winsrv22 resumed"))
        self.keys.set_keys([("d", "shut down"), ("p", "pause"), ("c", "console")])


def test_in_80_columns() -> None:
    pane = Pane()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        pane.fill(80)
        await pilot.press("j")
        grid = stage.grid()
        assert grid[:4] == [
            "  1 Guests 26   2 Images                                         hv1   cpu  71%",
            "     Name ↑          State         vCPU CPU%  1 min     Memory     Disk/s    Up",
            "   ● backup-tgt      running          4   38  ⣀⣀⣀⣀⣀⣀⣀⣀  5.8G/8.0G    1.2M   41d",
            "▌  ● build-01        running          4   38  ⣀⣀⣀⣀⣀⣀⣀⣀  5.8G/8.0G    1.2M   41d",
        ]
        assert grid[17:] == [
            "   ● build-01-c      running          4   38  ⣀⣀⣀⣀⣀⣀⣀⣀  5.8G/8.0G    1.2M   41d",
            "                                                                     1–16 of 21",
            "─ db-01 ────────────────────────────────────────────────────────────────────────",
            " Debian 12",
            "",
            " ✓ winsrv22 resumed",
            " d shut down  p pause  c console                                         ? help",
        ]

    play(Stage(pane), scene)


def test_in_140_columns_and_back() -> None:
    pane = Pane()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        pane.fill(140)
        await pilot.press("j")
        grid = stage.grid()
        assert (grid[1], grid[22]) == (
            "     Name ↑          State         vCPU CPU%  1 min     Memory     Disk/s"
            " Net/s    Up  Acc",
            "   ● gitlab-c        running          4   38  ⣀⣀⣀⣀⣀⣀⣀⣀  5.8G/8.0G    1.2M"
            "  312K   41d  kvm",
        )
        assert grid[23] == ""
        await pilot.resize_terminal(80, 10)
        await pilot.pause()
        assert stage.grid()[4].endswith("1–2 of 21")
        assert stage.grid()[3].startswith("▌")
        await pilot.press("G")
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        assert stage.grid()[2].startswith("   ● backup-tgt ")
        assert stage.grid()[22].startswith("▌  ● gitlab-c")

    play(Stage(pane), scene, size=(140, 40))


def test_another_theme_repaints_everything() -> None:
    pane = Pane()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        pane.fill(80)
        await pilot.pause()
        before = [stage.cells_at(y) for y in range(24)]
        stage.theme = "night"
        await pilot.pause()
        for y in range(24):
            assert all("48;2;" in style for _, style in stage.cells_at(y)), stage.grid()[y]
        stage.theme = "ansi-dark"
        await pilot.pause()
        assert [stage.cells_at(y) for y in range(24)] == before

    play(Stage(pane), scene)
