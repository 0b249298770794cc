"""The table on a screen: what it shows, what it draws again, what it posts."""

from __future__ import annotations

from textual.events import MouseScrollDown
from textual.geometry import Region
from textual.pilot import Pilot
from tui.widgets.stage import PALETTES, Stage, play, trimmed, watch

from kvmtui.tui.glyphs import ASCII
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable

COLUMNS = (
    Column("name", "  Name", 16, flexible=True, least=12, most=16),
    Column("state", "State", 8),
    Column("vcpu", "vCPU", 3, right=True, drop=2),
    Column("cpu", "CPU%", 3, right=True),
    Column("up", "Up", 4, right=True, drop=1),
)


def text(word: str, **look: object) -> Line:
    return (Span(word, **look),)  # type: ignore[arg-type]


def row(name: str, *, cpu: str = "7", muted: bool = False) -> Row:
    first = (Span("●", "ok", glyph=True), Span(f" {name}"))
    return Row(name, (first, text("running"), text("2"), text(cpu), text("41d")), muted)


def rows(*names: str) -> list[Row]:
    return [row(name) for name in names]


def many(count: int) -> list[Row]:
    return [row(f"guest-{number:03d}") for number in range(1, count + 1)]


def table_of(*names: str) -> LineTable:
    table = LineTable(COLUMNS)
    table.set_rows(rows(*names))
    return table


def wheel(kind: type[MouseScrollDown], table: LineTable) -> MouseScrollDown:
    return kind(table, 5, 5, 0, 0, 0, False, False, False)


def test_looks_as_designed() -> None:
    table = table_of("backup-tgt", "build-01", "db-01")
    table.set_sort("name")

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("j", "space")
        assert trimmed(stage.grid()) == (
            "     Name ↑          State    vCPU CPU%    Up\n"
            "   ● backup-tgt      running     2    7   41d\n"
            " * ● build-01        running     2    7   41d\n"
            "▌  ● db-01           running     2    7   41d"
        )
        table.set_sort("cpu", descending=True)
        await pilot.pause()
        assert stage.grid()[0] == "     Name            State    vCPU CPU%↓   Up"

    play(Stage(table), scene)


def test_a_narrow_table_drops_columns_and_says_where_it_is() -> None:
    table = LineTable(COLUMNS, margin=2)
    table.set_rows(many(30))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("G")
        assert trimmed(stage.grid()) == (
            "    Name          State    CPU%\n"
            "  ● guest-025     running     7\n"
            "  ● guest-026     running     7\n"
            "  ● guest-027     running     7\n"
            "  ● guest-028     running     7\n"
            "  ● guest-029     running     7\n"
            "▌ ● guest-030     running     7\n"
            "                    25–30 of 30"
        )

    play(Stage(table), scene, size=(32, 8))


def test_ascii_signs() -> None:
    table = LineTable(COLUMNS, margin=2)
    table.set_rows(many(9))
    table.set_sort("name", descending=True)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.grid()[0].startswith("    Name v")
        assert stage.grid()[1].startswith("> ")
        assert stage.grid()[3].endswith(" 1-2 of 9")

    play(Stage(table, glyphs=ASCII), scene, size=(32, 4))


def test_keys_move_the_cursor_and_tell_it() -> None:
    table = LineTable(COLUMNS)
    table.set_rows(many(100))
    steps = [
        ("j", "guest-002"),
        ("down", "guest-003"),
        ("k", "guest-002"),
        ("up", "guest-001"),
        ("up", "guest-001"),
        ("G", "guest-100"),
        ("g", "guest-001"),
        ("end", "guest-100"),
        ("home", "guest-001"),
        ("pagedown", "guest-023"),
        ("pageup", "guest-001"),
    ]

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert [m.key for m in stage.take(LineTable.CursorMoved)] == ["guest-001"]
        for key, name in steps:
            before = table.cursor_key
            await pilot.press(key)
            told = [m.key for m in stage.take(LineTable.CursorMoved)]
            assert (key, table.cursor_key) == (key, name)
            assert told == ([name] if name != before else [])
        await pilot.press("enter")
        assert [m.key for m in stage.take(LineTable.RowOpened)] == ["guest-001"]

    play(Stage(table), scene)


def test_marks() -> None:
    table = table_of("a", "b", "c")

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("space", "space", "asterisk", "asterisk")
        told = [set(m.keys) for m in stage.take(LineTable.MarksChanged)]
        assert told == [{"a"}, {"a", "b"}, {"a", "b", "c"}, set()]
        await pilot.press("asterisk")
        table.set_rows(rows("a", "c"))
        await pilot.pause()
        assert [set(m.keys) for m in stage.take(LineTable.MarksChanged)][-1] == {"a", "c"}
        table.clear_marks()
        await pilot.pause()
        assert [set(m.keys) for m in stage.take(LineTable.MarksChanged)] == [set()]

    play(Stage(table), scene)


def test_the_mouse() -> None:
    table = LineTable(COLUMNS)
    table.set_rows(many(100))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        stage.take(LineTable.CursorMoved)
        await pilot.click(offset=(10, 3))
        assert [m.key for m in stage.take(LineTable.CursorMoved)] == ["guest-003"]
        await pilot.click(offset=(37, 0))
        assert [m.column for m in stage.take(LineTable.SortRequested)] == ["cpu"]
        await pilot.click(offset=(79, 0))
        await pilot.click(offset=(30, 23))
        assert not stage.take(LineTable.SortRequested)
        assert not stage.take(LineTable.CursorMoved)
        await pilot.double_click(offset=(10, 5))
        assert [m.key for m in stage.take(LineTable.RowOpened)] == ["guest-005"]

    play(Stage(table), scene)


def test_the_wheel_leaves_the_cursor() -> None:
    table = LineTable(COLUMNS)
    table.set_rows(many(100))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        table.post_message(wheel(MouseScrollDown, table))
        await pilot.pause()
        assert stage.grid()[1].startswith("   ● guest-004")
        assert (table.cursor_key, table.cursor_line) == ("guest-001", None)
        await pilot.press("j")
        assert stage.grid()[1].startswith("▌  ● guest-002")
        assert table.cursor_line == 1

    play(Stage(table), scene)


def test_only_changed_cells_of_seen_rows_are_drawn() -> None:
    table = LineTable(COLUMNS)
    table.set_rows(many(500))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        asked = watch(table)
        table.update_cells("guest-001", {"cpu": text("7"), "up": text("41d")})
        table.update_cells("guest-400", {"cpu": text("99")})
        table.update_cells("nobody", {"cpu": text("99")})
        table.set_rows(table.rows)
        assert asked == []
        table.update_cells("guest-002", {"cpu": text("99"), "up": text("41d")})
        assert asked == [Region(35, 2, 4, 1)]
        await pilot.pause()
        assert stage.grid()[2].endswith("  99   41d")
        table.set_rows([row(r.key, cpu="8" if r.key == "guest-004" else "7") for r in many(500)])
        assert asked[1:] == [Region(35, 2, 4, 1), Region(35, 4, 4, 1)]
        await pilot.press("G")
        assert stage.grid()[-4].endswith("    7   41d")

    play(Stage(table), scene)


def test_a_long_text_goes_on_where_the_row_has_room() -> None:
    columns = (
        Column("what", "What", 8),
        Column("why", "Why", 10, spills=True),
        Column("rate", "Rate", 4, right=True),
        Column("left", "Left", 6, right=True),
        Column("by", "By", 4),
    )
    table = LineTable(columns)
    reason, anna = text("its disk is in use by web-02"), text("anna")

    def copied(*moving: Line) -> Row:
        return Row("copy", (text("copy"), reason, *moving, anna))

    table.set_rows([Row("start", (text("start"), reason, (), (), anna)), copied((), text("2 min"))])

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert trimmed(stage.grid()) == (
            "   What      Why         Rate    Left  By\n"
            "▌  start     its disk is in use by w…  anna\n"
            "   copy      its disk is in …   2 min  anna"
        )
        for moving, line, width in (
            ((text("12M"), text("9 s")), "   copy      its disk …   12M     9 s  anna", 16),
            (((), ()), "   copy      its disk is in use by w…  anna", 24),
            (((), text("1 s")), "   copy      its disk is in …     1 s  anna", 24),
        ):
            drawn = watch(table)
            table.set_rows([*table.rows[:1], copied(*moving)])
            await pilot.pause()
            assert trimmed(stage.grid()).splitlines()[2] == line
            assert Region(13, 2, width, 1) in drawn

    play(Stage(table), scene, size=(50, 6))


def test_a_move_draws_two_lines() -> None:
    table = LineTable(COLUMNS)
    table.set_rows(many(100))

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        asked = watch(table)
        await pilot.press("j")
        assert asked == [Region(0, 1, 80, 1), Region(0, 2, 80, 1)]

    play(Stage(table), scene)


def test_the_cursor_holds_on_while_rows_come_and_go() -> None:
    table = table_of("a", "b", "c", "d")

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("j", "j")
        stage.take(LineTable.CursorMoved)
        table.set_rows(rows("d", "c", "b"))
        assert table.cursor_key == "c"
        table.set_rows(rows("d", "b"))
        await pilot.pause()
        assert [m.key for m in stage.take(LineTable.CursorMoved)] == ["b"]
        table.set_rows([])
        await pilot.pause()
        assert [m.key for m in stage.take(LineTable.CursorMoved)] == [None]
        assert trimmed(stage.grid()) == "     Name            State    vCPU CPU%    Up"

    play(Stage(table), scene)


def test_an_empty_table_has_its_text() -> None:
    table = LineTable(COLUMNS)
    table.set_empty([text("Nothing matches web."), text("Esc clears", role="muted")])

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.grid()[1:4] == ["   Nothing matches web.", "   Esc clears", ""]
        table.set_empty([text("No guests yet.")], headless=True)
        await pilot.pause()
        assert trimmed(stage.grid()) == "   No guests yet."
        table.set_rows(rows("a"))
        await pilot.pause()
        assert stage.grid()[1].startswith("▌  ● a")

    play(Stage(table), scene)


def test_styles_follow_focus_and_theme() -> None:
    table = LineTable(COLUMNS)
    table.set_rows([row("a"), row("b", muted=True)])
    other = LineTable(COLUMNS)

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        assert stage.styles_at(1)[0] == ("▌", "bold reverse")
        assert [style for _, style in stage.styles_at(2)] == [""]
        await pilot.press("tab")
        assert stage.styles_at(1)[:2] == [("▌", "bold"), ("  ", "")]
        assert (" a", "bold") in [(t.rstrip(), s) for t, s in stage.styles_at(1)]
        stage.theme = "night"
        await pilot.pause()
        colors = [style for _, style in stage.styles_at(2)]
        assert set(colors) == {"#9aa6b3 on #11151a", "#d6dde4 on #11151a"}
        assert stage.styles_at(1)[0] == ("▌", "#74b3f0 on #11151a")

    play(Stage(table, other), scene)


def test_plain_cells_cost_no_escape_codes() -> None:
    table = table_of("a", "b")

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        line = stage.screen._compositor.render_strips()[2]
        styled = [s.text for s in line if s.style]
        assert styled == ["●"]
        assert PALETTES["terminal"] is table.palette

    play(Stage(table), scene)
