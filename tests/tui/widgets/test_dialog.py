"""Questions over the list, and how they end."""

from __future__ import annotations

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play, trimmed

from kvmtui.tui.glyphs import ASCII
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.columns import Column
from kvmtui.tui.widgets.dialog import Answer, Ask, Box, Dialog, Question
from kvmtui.tui.widgets.rows import Row
from kvmtui.tui.widgets.table import LineTable


def line(text: str) -> Line:
    return (Span(text),)


STOP = Question(
    "Stop db-01 at once?",
    (
        line("This pulls the plug. What the guest has not written is lost:"),
        line("it is writing 124K/s now and has run 41 d."),
        line("d shuts it down cleanly instead; that took 6 s last time."),
    ),
    safe="Keep running",
    act="Stop db-01",
    opener="x",
)
DELETE = Question(
    "Delete web-staging and its files?",
    (
        line("  disk0.qcow2    18G     saved state     1.9G     2 snapshots"),
        line("  backups stay   6 points in /mnt/backup, newest 23 Nov"),
    ),
    safe="Keep it",
    act="Delete",
    checks=(("keep the disks (they move to Images)", False),),
    ask=Ask(
        "Type its name to delete:",
        lambda text: "" if text == "web-staging" else "name incomplete",
    ),
    opener="D",
)

SHORT = DELETE._replace(ask=Ask("Type it:", lambda text: "" if text == "ws" else "not yet"))


def row(name: str) -> Row:
    return Row(name, ((Span("●", "ok", glyph=True), Span(f" {name}")),))


def list_stage(**options: object) -> Stage:
    table = LineTable([Column("name", "Name", 10, flexible=True)])
    table.set_rows(
        [
            Row(f"guest-{i}", ((Span("●", "ok", glyph=True), Span(f" guest-{i}")),))
            for i in range(40)
        ]
    )
    return Stage(table, **options)  # type: ignore[arg-type]


def ask(question: Question, *keys: str, size: tuple[int, int] = (80, 24)) -> list[Answer]:
    """What a dialog answers after some keys; nothing where it is still open."""
    answers: list[Answer] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await stage.push_screen(Dialog(question), answers.append)
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()

    play(list_stage(), scene, size=size)
    return answers


def show(
    question: Question, *keys: str, size: tuple[int, int] = (80, 24), **options: object
) -> str:
    """The dialog on the screen, without what is beside it."""
    found: list[str] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await stage.push_screen(Dialog(question))
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        corner = stage.glyphs.frame[0]
        sides = stage.glyphs.frame[3] + corner + stage.glyphs.frame[4]
        rows = [row for row in stage.grid() if any(side in row for side in sides)]
        left = min(row.index(side) for row in rows for side in sides if side in row)
        found.extend(row[left:] for row in rows)

    play(list_stage(**options), scene, size=size)
    return trimmed(found)


def test_it_looks_as_designed() -> None:
    assert show(STOP) == (
        "┌────────────────────────────────────────────────────────────────┐\n"
        "│ Stop db-01 at once?                                            │\n"
        "│                                                                │\n"
        "│ This pulls the plug. What the guest has not written is lost:   │\n"
        "│ it is writing 124K/s now and has run 41 d.                     │\n"
        "│ d shuts it down cleanly instead; that took 6 s last time.      │\n"
        "│                                                                │\n"
        "│                        [ Keep running ]      y Stop db-01      │\n"
        "└────────────────────────────────────────────────────────────────┘"
    )


def test_a_name_is_typed() -> None:
    assert show(DELETE, *"web-sta") == (
        "┌──────────────────────────────────────────────────────────────────────┐\n"
        "│ Delete web-staging and its files?                                    │\n"
        "│                                                                      │\n"
        "│   disk0.qcow2    18G     saved state     1.9G     2 snapshots        │\n"
        "│   backups stay   6 points in /mnt/backup, newest 23 Nov              │\n"
        "│ [ ] keep the disks (they move to Images)                             │\n"
        "│                                                                      │\n"
        "│ Type its name to delete:  web-sta█                                   │\n"
        "│                                                                      │\n"
        "│                      [ Keep it ]      Enter Delete (name incomplete) │\n"
        "└──────────────────────────────────────────────────────────────────────┘"
    )


def test_small_and_ascii() -> None:
    assert show(STOP, size=(40, 12), glyphs=ASCII) == (
        "+--------------------------------------+\n"
        "| Stop db-01 at once?                  |\n"
        "|                                      |\n"
        "| This pulls the plug. What the guest  |\n"
        "| has not written is lost:             |\n"
        "| it is writing 124K/s now and has run |\n"
        "| 41 d.                                |\n"
        "| d shuts it down cleanly instead;     |\n"
        "| that took 6 s last time.             |\n"
        "|                                      |\n"
        "|   [ Keep running ]      y Stop db-01 |\n"
        "+--------------------------------------+"
    )


def test_what_does_not_fit_is_cut_but_the_answers_stay() -> None:
    lines = show(DELETE, size=(40, 9)).splitlines()
    assert len(lines) == 9
    assert lines[3].startswith("│ …")
    assert "[ Keep it ]" in lines[-3]
    assert "Enter Delete" in lines[-2]


@pytest.mark.parametrize(
    ("keys", "answers"),
    [
        (("y",), [Answer(True)]),
        (("escape",), [Answer(False)]),
        (("enter",), [Answer(False)]),
        (("x",), []),
        (("x", "x", "n", "space", "tab", "d"), []),
        (("x", "y"), [Answer(True)]),
    ],
)
def test_answers(keys: tuple[str, ...], answers: list[Answer]) -> None:
    assert ask(STOP, *keys) == answers


@pytest.mark.parametrize(
    ("keys", "answers"),
    [
        (("D", "y", "enter"), []),
        (("w", "s", "enter"), [Answer(True, (False,), "ws")]),
        (("D", "w", "s", "enter"), [Answer(True, (False,), "ws")]),
        (("w", "s", "x", "backspace", "enter"), [Answer(True, (False,), "ws")]),
        (("w", "s", "escape"), [Answer(False, (False,), "ws")]),
        (("w", "s", "tab", "enter"), [Answer(False, (False,), "ws")]),
        (
            ("up", "space", "down", "w", "s", "enter"),
            [Answer(True, (True,), "ws")],
        ),
    ],
)
def test_answers_with_a_typed_name(keys: tuple[str, ...], answers: list[Answer]) -> None:
    assert ask(SHORT, *keys) == answers


def test_the_mouse() -> None:
    answers: list[Answer | None] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await stage.push_screen(Dialog(DELETE), answers.append)
        await pilot.pause()
        row = next(y for y, text in enumerate(stage.grid()) if "[ ]" in text)
        await pilot.click(offset=(stage.grid()[row].index("[ ]") + 1, row))
        assert "[x] keep" in stage.grid()[row]
        answer_row = next(y for y, text in enumerate(stage.grid()) if "Enter" in text)
        x = stage.grid()[answer_row].index("Enter")
        await pilot.click(offset=(x, answer_row))
        stage.screen.query_one("Box").post_message(Paste("web-staging\n"))
        await pilot.pause()
        assert answers == []
        x = stage.grid()[answer_row].index("Enter")
        await pilot.click(offset=(x, answer_row))
        await pilot.pause()
        assert answers == [Answer(True, (True,), "web-staging")]

    play(list_stage(), scene)


def test_it_changes_and_closes_while_open() -> None:
    answers: list[Answer | None] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        dialog = Dialog(STOP)
        await stage.push_screen(dialog, answers.append)
        dialog.update([line("It stopped writing."), line(""), line("One"), line("Two")])
        await pilot.pause()
        assert sum("│" in text for text in stage.grid()) == 8
        assert any("It stopped writing." in text for text in stage.grid())
        dialog.closed_because("db-01 was deleted")
        await pilot.pause()
        dialog.closed_because("again")
        assert answers == [Answer(False, closed_because="db-01 was deleted")]

    play(list_stage(), scene)


def test_a_second_answer_does_nothing() -> None:
    answers: list[Answer | None] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        dialog = Dialog(STOP)
        await stage.push_screen(dialog, answers.append)
        box = dialog.query_one(Box)
        box.post_message(Box.Answered(True))
        box.post_message(Box.Answered(True))
        await pilot.pause()
        assert answers == [Answer(True)]
        await pilot.press("j")
        assert stage.query_one(LineTable).cursor_key == "guest-1"

    play(list_stage(), scene)


def test_it_closes_when_the_screen_over_it_is_gone() -> None:
    answers: list[Answer | None] = []

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        dialog, above = Dialog(STOP), Dialog(DELETE)
        await stage.push_screen(dialog, answers.append)
        await stage.push_screen(above)
        dialog.closed_because("db-01 was deleted")
        await pilot.pause()
        assert answers == []
        await pilot.press("escape")
        await pilot.pause()
        assert answers == [Answer(False, closed_because="db-01 was deleted")]
        assert len(stage.screen_stack) == 1

    play(list_stage(), scene)


@pytest.mark.parametrize("theme", ["ansi-dark", "night"])
def test_what_is_beside_it_stays_as_it_is(theme: str) -> None:
    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        before = [stage.cells_at(y) for y in range(24)]
        await stage.push_screen(Dialog(STOP))
        await pilot.pause()
        after = [stage.cells_at(y) for y in range(24)]
        assert after[:7] == before[:7]
        assert [row[:7] for row in after] == [row[:7] for row in before]
        assert [row[73:] for row in after] == [row[73:] for row in before]

    play(list_stage(theme=theme), scene)


def test_the_list_below_goes_on() -> None:
    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        table = stage.query_one(LineTable)
        await stage.push_screen(Dialog(STOP))
        await pilot.pause()
        table.update_cells("guest-1", {"name": line("changed")})
        await pilot.pause()
        assert stage.grid()[2].strip() == "changed"
        assert any("Keep running" in text for text in stage.grid())

    play(list_stage(), scene)


def test_without_a_text_it_covers_no_more_than_its_frame() -> None:
    question = Question(
        "Paste into db-01", (), safe="Leave it", act="Paste", ask=Ask("Text:", secret=True)
    )

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        dialog = Dialog(question)
        await stage.push_screen(dialog)
        await pilot.pause()
        lines = [text for text in stage.grid() if set(text) & set("│┌└")]
        assert len(lines) == dialog.query_one(Box).size.height == 7
        assert "└" in lines[-1]

    play(list_stage(), scene)
