"""Theme files: contrast computed from them, faults told, and which theme is worn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color

from kvmtui.errors import DefinitionError
from kvmtui.tui.spans import Span
from kvmtui.tui.theme_files import ROLES, ThemeFile, read_theme, triplet
from kvmtui.tui.themes import build_theme, choose_theme, load_themes

FOLDER = Path(__file__).parent.parent.parent / "themes"
FILES = {path.stem: read_theme(path) for path in FOLDER.glob("*.yaml")}
COLORED = sorted(name for name, file in FILES.items() if file.colors)
WORDS = ("text", "muted", "accent", "ok", "warn", "err", "busy")
GROUNDS = ("bg", "field", "cursor")

RGB = tuple[int, int, int]


def rgb_of_index(index: int) -> RGB:
    """The usual value of one of the 256 colours from 16 on."""
    assert index >= 16, "the first 16 are whatever the terminal's owner chose"
    if index >= 232:
        return (8 + 10 * (index - 232),) * 3
    levels = (0, 95, 135, 175, 215, 255)
    index -= 16
    return levels[index // 36], levels[index // 6 % 6], levels[index % 6]


def luminance(rgb: RGB) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [value / 255 for value in rgb]
    r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: RGB, other: RGB) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def in_rgb(file: ThemeFile) -> dict[str, RGB]:
    return {role: triplet(color) for role, color in (file.colors or {}).items()}


def in_256(file: ThemeFile) -> dict[str, RGB]:
    """What is seen in 256 colours; a role without an index takes the nearest."""
    nearest = RichColor.parse((file.colors or {})["tab_text"]).downgrade(ColorSystem.EIGHT_BIT)
    indices = {"tab_text": nearest.number, **file.indices}
    return {role: rgb_of_index(index or 0) for role, index in indices.items()}


@pytest.mark.parametrize("seen", [in_rgb, in_256])
@pytest.mark.parametrize("name", COLORED)
def test_contrast(name: str, seen) -> None:
    colors = seen(FILES[name])
    for ground in GROUNDS:
        for role in WORDS:
            assert contrast(colors[role], colors[ground]) >= 4.5, (role, ground)
        assert contrast(colors["graph"], colors[ground]) >= 3, ground
    assert contrast(colors["tab_text"], colors["accent"]) >= 4.5


@pytest.mark.parametrize(
    ("name", "role", "figures"),
    [
        ("night", "ok", (9.2, 7.4, 6.2)),
        ("night", "err", (8.0, 6.5, 5.4)),
        ("paper", "warn", (6.4, 5.7, 5.3)),
        ("paper", "graph", (6.5, 5.8, 5.3)),
        ("contrast", "busy", (11.8, 9.6, 6.4)),
    ],
)
def test_contrast_is_what_the_design_says(name: str, role: str, figures) -> None:
    colors = in_rgb(FILES[name])
    found = [contrast(colors[role], colors[ground]) for ground in GROUNDS]
    assert found == pytest.approx(figures, abs=0.06)


@pytest.mark.parametrize(("name", "least"), [("night", 5.2), ("paper", 4.6), ("contrast", 9.7)])
def test_least_contrast_in_256_colours(name: str, least: float) -> None:
    colors = in_256(FILES[name])
    found = [contrast(colors[role], colors[g]) for role in (*WORDS, "graph") for g in GROUNDS]
    assert min(found) == pytest.approx(least, abs=0.06)


@pytest.mark.parametrize("name", COLORED)
def test_stock_widgets_have_the_themes_own_colours_only(name: str) -> None:
    theme = build_theme(FILES[name])
    own = set(in_rgb(FILES[name]).values())
    variables = {**theme.textual.to_color_system().generate(), **theme.textual.variables}
    for variable, value in variables.items():
        if re.search("style|^link-background$|^markdown-.*background$|^ansi-", variable):
            continue
        color = Color.parse(value)
        assert color.rgb in own and color.a == 1, f"{variable}: {value}"
    assert set(theme.exact_256) <= own


def test_the_terminals_own_theme_has_no_colour_but_of_signs() -> None:
    theme = build_theme(FILES["terminal"])
    assert theme.textual.ansi
    assert theme.exact_256 == {}
    assert theme.palette.of(Span("crashed", "err")).color is None
    assert theme.palette.of(Span("✗", "err", glyph=True)).color is not None
    for value in theme.textual.to_color_system().generate().values():
        if "ansi" in value:
            Color.parse(value.split()[0])
    without = build_theme(FILES["terminal"], glyph_colors=False)
    assert without.palette.of(Span("✗", "err", glyph=True)).color is None


GOOD = (FOLDER / "night.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("name: night", "name: Night Sky", "name: a word of small letters"),
        ("dark: true", "dark: yes", "dark: true or false"),
        ("dark: true", "drak: true", "drak: unknown key"),
        ("ansi: false", "ansi: true", "colors: an ansi theme has the terminal's own colours"),
        ("  err:", "  eror:", "colors.eror: unknown role; one of bg, field"),
        ("  err:", "  eror:", "colors.err: missing"),
        ('"#ff8a80"', '"#ff8a8"', 'colors.err: #ff8a8 is no colour such as "#1f2933"'),
        ('"#ff8a80"', "red", "colors.err: red is no colour"),
        ('"#ff8a80"', '"#\\e[2J"', "colors.err: #\\x1b[2J is no colour"),
        ('"#ff8a80"', "[1]", "colors.err: [1] is no colour"),
        ("err: 210", "err: 256", "palette_256.err: 256 is none of 0 to 255"),
        ("err: 210", "err: -1", "palette_256.err: -1 is none of 0 to 255"),
        ("err: 210", "err: true", "palette_256.err: True is none of 0 to 255"),
        ("  busy: 183\n", "", "palette_256.busy: missing"),
        ('"#ff8a80"', '"#7CC98A"', "palette_256.err: its colour is ok's, whose index is another"),
        ("palette_256:", "palette_256: 3\nx:", "palette_256: a mapping of roles is expected"),
        ("name: night", "name: [", "not YAML"),
        ("name: night", "name: night\nname: day", "the key 'name' stands twice"),
    ],
)
def test_a_fault_is_told_with_file_and_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(DefinitionError) as caught:
        read_theme(path)
    assert any(p.startswith(f"{path}: ") and fault in p for p in caught.value.problems), caught
    assert all("\n" not in problem for problem in caught.value.problems)
    themes = load_themes([tmp_path], {})
    assert themes.by_name["night"].textual.background == "#11151a"
    assert themes.complaints == caught.value.problems


@pytest.mark.parametrize("data", [b"", b"- a\n", b"\xff", b"x" * (300 << 10), b"a: &b 1\n"])
def test_files_that_are_no_themes_are_told_of_in_a_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "mine.yaml").write_bytes(data)
    complaints = load_themes([tmp_path], {}).complaints
    assert complaints and all(str(tmp_path) in each for each in complaints)


def test_a_users_theme_takes_the_place_of_one_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("#11151a", "#000001"))
    (tmp_path / "b.yaml").write_text(GOOD.replace("name: night", "name: mine"))
    (tmp_path / "unreadable.yaml").mkdir()
    themes = load_themes([tmp_path / "none", tmp_path], {})
    assert themes.by_name["night"].textual.background == "#000001"
    assert set(themes.by_name) == {*FILES, "mine"}
    assert themes.complaints == (f"{tmp_path}/unreadable.yaml: Is a directory",)


def test_every_role_has_a_colour() -> None:
    for name in COLORED:
        assert set(FILES[name].colors or {}) == set(ROLES)


@pytest.mark.parametrize(
    ("environment", "remote", "setting", "system", "name"),
    [
        ({}, False, None, "truecolor", "night"),
        ({}, False, None, "256", "night"),
        ({}, False, None, "standard", "terminal"),
        ({}, False, None, None, "terminal"),
        ({}, True, None, "256", "terminal"),
        ({"NO_COLOR": "1"}, False, None, "truecolor", "terminal"),
        ({"NO_COLOR": ""}, False, None, "truecolor", "night"),
        ({"NO_COLOR": "1"}, True, "paper", "standard", "paper"),
    ],
)
def test_which_theme_is_worn(environment, remote: bool, setting, system, name: str) -> None:
    assert choose_theme(environment, setting, system, FILES, remote=remote) == (name, "")


def test_a_theme_that_is_not_there_is_told_of() -> None:
    name, complaint = choose_theme({}, "nihgt\x1b", "256", FILES, remote=False)
    assert name == "night"
    assert complaint == (r"theme: there is no 'nihgt\x1b'; one of contrast, night, paper, terminal")
