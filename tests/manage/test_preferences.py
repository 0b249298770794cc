"""The interface's settings: right ones are taken, faulty ones told."""

from __future__ import annotations

from pathlib import Path

import pytest

from kvmtui.errors import DefinitionError
from kvmtui.host import paths
from kvmtui.host.settings import load_settings
from kvmtui.manage.preferences import load_preferences


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The system's file and the user's own."""
    monkeypatch.setattr(paths, "SYSTEM_CONFIG", str(tmp_path / "etc" / "config.yaml"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    found = tmp_path / "etc" / "config.yaml", tmp_path / "home" / "kvmtui" / "config.yaml"
    for path in found:
        path.parent.mkdir(parents=True)
    return found


def test_without_files_all_is_as_it_comes(files: tuple[Path, Path]) -> None:
    found = load_preferences()
    assert found[:7] == (None, "auto", "auto", "auto", 1.0, None, {})
    assert found.theme_folders == tuple(path.parent / "themes" for path in files)
    assert found.complaints == ()


def test_a_users_settings_lie_over_the_systems(files: tuple[Path, Path]) -> None:
    system, own = files
    system.write_text("theme: paper\nmouse: off\nkeys: {guest.start: f5, app.quit: q}\n")
    own.write_text("theme: night\ninterval: 0.5\nglyphs: ascii\ndetail: below\nbudget: 1500\n")
    own.write_text(own.read_text() + "keys:\n  guest.start: f6\n")
    found = load_preferences()
    assert found[:6] == ("night", "ascii", "off", "below", 0.5, 1500.0)
    assert found.keys == {"guest.start": "f6", "app.quit": "q"}
    assert found.complaints == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("glyphs: braille", "glyphs: 'braille' is none of auto, unicode, blocks, ascii"),
        ("mouse: true", "mouse: text is expected"),
        ("detail: beside\ndetial: below", "detial: unknown key"),
        ("interval: 0.1", "interval: 0.2 to 60 seconds"),
        ("interval: true", "interval: 0.2 to 60 seconds"),
        ("interval: .nan", "interval: 0.2 to 60 seconds"),
        ("keys: [a]", "keys: a mapping of actions to keys is expected"),
        ("theme: 3", "theme: text is expected"),
        ('mouse: "\\e[2J"', r"mouse: '\x1b[2J' is none of auto, on, off"),
        ("theme: [", "line 2: not YAML"),
        ("3: x", "3: unknown key"),
    ],
)
def test_a_fault_is_told_and_the_rest_is_taken(
    files: tuple[Path, Path], text: str, fault: str
) -> None:
    files[0].write_text("theme: paper\n")
    files[1].write_text(text)
    found = load_preferences()
    assert len(found.complaints) == 1
    assert found.complaints[0].startswith(f"{files[1]}: {fault}")
    assert (found.theme, found.mouse, found.interval_s) == ("paper", "auto", 1.0)
    with pytest.raises(DefinitionError) as caught:
        load_settings()
    assert caught.value.problems == found.complaints


def test_a_file_that_cannot_be_read_is_told_of(files: tuple[Path, Path]) -> None:
    files[1].mkdir()
    assert load_preferences().complaints == (f"{files[1]}: Is a directory",)
