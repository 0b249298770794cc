"""A form on a screen."""

from __future__ import annotations

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from tui.widgets.stage import Stage, play, trimmed, watch

from kvmtui.tui.glyphs import ASCII
from kvmtui.tui.widgets.fields import Field
from kvmtui.tui.widgets.form import Form


def name_check(value: str) -> str:
    if not value:
        return "a guest needs a name"
    return "✓ free" if value != "web" else "✗ web is there already: choose another name"


def form_of(name: str = "debian-13-a") -> Form:
    return Form(
        [
            Field("image", "Image", "choice", "Debian 13", ("Debian 13", "Debian 12")),
            Field("name", "Name", value=name, check=name_check, section="Guest"),
            Field(
                "memory",
                "Memory",
                value="2G",
                check=lambda value: "▲ 23G of 64G free",
                help="How much memory the guest sees when it starts; K, M, G or T behind it.",
            ),
            Field("start", "Start", "switch", "yes"),
        ]
    )


def test_it_looks_as_designed() -> None:
    form = form_of()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("tab")
        assert trimmed(stage.grid()) == (
            "   Image    Debian 13                              ▾\n"
            "\n"
            " Guest\n"
            "   Name    ▌debian-13-a█                              ✓ free\n"
            "   Memory   2G                                        ▲ 23G of 64G free\n"
            "   Start    [x] yes"
        )

    play(Stage(form), scene)


def test_a_narrow_ascii_form() -> None:
    form = form_of("web")

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("tab")
        lines = stage.grid()
        assert lines[3].startswith("   Name    >web_")
        assert lines[3].rstrip().endswith("X")
        assert lines[4].strip() == "web is there already: choose"
        assert lines[5].strip() == "another name"
        assert lines[6].rstrip().endswith("!")
        assert lines[7].startswith("   Start")

    play(Stage(form, glyphs=ASCII), scene, size=(48, 12))


def test_a_form_is_filled_in_and_done() -> None:
    form = form_of()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        assert [text.strip() for text in stage.grid()[:3]][1:] == ["▌ Debian 13", "Debian 12"]
        await pilot.press("down", "enter", "down", "ctrl+u", "w", "e", "b")
        changed = [(m.field, m.value) for m in stage.take(Form.Changed)]
        assert changed == [
            ("image", "Debian 12"),
            ("name", ""),
            *[("name", "web"[:i]) for i in (1, 2, 3)],
        ]
        await pilot.press("tab", "ctrl+s")
        assert [m.problems for m in stage.take(Form.SubmitRefused)] == [
            (("Name", "web is there already: choose another name"),)
        ]
        assert form.field == "name"
        await pilot.press("1", "up", "enter", "escape", "ctrl+s")
        assert [m.values for m in stage.take(Form.Submitted)] == [
            {"image": "Debian 12", "name": "web1", "memory": "2G", "start": "yes"}
        ]
        assert form.problems == ()

    play(Stage(form), scene)


@pytest.mark.parametrize(("keys", "changed"), [((), False), (("tab", "x"), True)])
def test_leaving(keys: tuple[str, ...], changed: bool) -> None:
    form = form_of()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press(*keys, "escape")
        assert [m.changed for m in stage.take(Form.Left)] == [changed]

    play(Stage(form), scene)


def test_help_is_shown_under_the_field() -> None:
    form = form_of()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("tab", "tab", "f1")
        assert stage.grid()[5].strip().startswith("How much memory")
        await pilot.press("f1")
        assert stage.grid()[5].strip().startswith("Start")

    play(Stage(form), scene)


def test_a_long_form_scrolls() -> None:
    form = Form(
        [Field(f"f{i}", f"Field {i}", value=str(i), section="Part" * (i == 20)) for i in range(40)]
    )

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("shift+tab")
        assert stage.grid()[-1].split()[:2] == ["Field", "39"]
        form.go_to("f20")
        await pilot.pause()
        assert stage.grid()[0].strip() == "Part"
        await pilot.press("down")
        assert stage.grid()[2].startswith("   Field 21  ▌21█")

    play(Stage(form), scene, size=(80, 10))


def test_only_changed_lines_are_drawn() -> None:
    form = form_of()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("tab")
        asked = watch(form)
        await pilot.press("x")
        assert [region.y for region in asked] == [3]
        form.set_result("memory", "✗ too much")
        form.set_value("start", "no")
        assert [region.y for region in asked] == [3, 4, 5]
        await pilot.pause()
        assert stage.grid()[4].endswith("✗ too much")
        assert stage.grid()[5].endswith("[ ] no")

    play(Stage(form), scene)


def test_mouse_and_paste() -> None:
    form = form_of()

    async def scene(stage: Stage, pilot: Pilot[None]) -> None:
        await pilot.click(offset=(14, 5))
        await pilot.click(offset=(14, 5))
        assert (form.field, form.values["start"]) == ("start", "no")
        await pilot.click(offset=(14, 0))
        await pilot.click(offset=(14, 0))
        await pilot.click(offset=(14, 2))
        assert form.values["image"] == "Debian 12"
        await pilot.click(offset=(14, 3))
        await pilot.press("end")
        form.post_message(Paste("-b"))
        await pilot.pause()
        assert form.values["name"] == "debian-13-a-b"

    play(Stage(form), scene)
