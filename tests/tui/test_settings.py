"""The user's own settings, keys and themes in the running app; faulty ones are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui.seen import row, wait_row

from kvmtui.tui.life import came_over_ssh

PAPER = Path(__file__).parent.parent.parent / "themes" / "paper.yaml"


@pytest.fixture
def config(tmp_path):
    """The folder of the user's settings."""
    folder = tmp_path / "config" / "kvmtui"
    (folder / "themes").mkdir(parents=True)
    return folder


def backgrounds(terminal):
    return {cell.background for line in terminal.cells() for cell in line}


def test_faulty_settings_are_told_in_one_line_and_have_their_defaults(kvmtui, open_app, config):
    kvmtui.tiny("a")
    (config / "config.yaml").write_text(
        "theme: twilight\nglyphs: 5\ninterval: soon\nkeys: {guest.start: d, guest.strat: s}\n"
        "colour: red\n"
    )
    broken = PAPER.read_text().replace("#faf8f3", "papyrus").replace("name: paper", "name: mine")
    (config / "themes" / "mine.yaml").write_text(broken)
    (config / "themes" / "none.yaml").write_bytes(b"\xff\xfe: [")
    terminal = open_app(140, 40, XDG_CONFIG_HOME=str(config.parent))
    wait_row(terminal, "a", "stopped")
    terminal.wait_for(f"▲ {config}/config.yaml: glyphs: text is expected")
    terminal.wait_for("more")
    default = "default" if came_over_ssh({}) else "11151a"
    assert default in backgrounds(terminal), "the default here, or the colours of night"
    terminal.send("s")
    wait_row(terminal, "a", "running")
    terminal.wait_gone("text is expected")


@pytest.mark.parametrize("text", ["theme: [", "- theme\n", "theme: paper\ntheme: night\n", "\0"])
def test_settings_that_cannot_be_read_are_told(kvmtui, config, monkeypatch, text):
    from kvmtui.manage.preferences import load_preferences

    (config / "config.yaml").write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent))
    found = load_preferences()
    assert found.theme is None and len(found.complaints) == 1
    assert found.complaints[0].startswith(f"{config}/config.yaml: ")


def test_paper_and_other_keys(kvmtui, open_app, config):
    kvmtui.tiny("a")
    (config / "config.yaml").write_text(
        "theme: paper\ndetail: 'off'\nkeys: {guest.start: S, guest.shutdown: 'f5,ctrl+d'}\n"
    )
    terminal = open_app(140, 40, XDG_CONFIG_HOME=str(config.parent))
    wait_row(terminal, "a", "stopped")
    assert "faf8f3" in backgrounds(terminal) and "11151a" not in backgrounds(terminal)
    terminal.wait_until(lambda: "S start" in terminal.lines[-1], what="S start")
    assert "│" not in terminal.text
    terminal.send("s")
    terminal.send("S")
    wait_row(terminal, "a", "running")
    terminal.wait_for("F5 shut down")


def test_a_theme_of_the_users_own(kvmtui, open_app, config):
    kvmtui.tiny("a")
    mine = PAPER.read_text().replace("#faf8f3", "#102030").replace("name: paper", "name: mine")
    (config / "themes" / "any-name.yaml").write_text(mine)
    (config / "config.yaml").write_text("theme: mine\n")
    terminal = open_app(XDG_CONFIG_HOME=str(config.parent))
    wait_row(terminal, "a", "stopped")
    assert "102030" in backgrounds(terminal)
    assert "▲" not in terminal.text and row(terminal, "a")
