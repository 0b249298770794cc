"""Combinations of keys that a terminal keeps for itself, to be pressed in a guest."""

from __future__ import annotations

from collections.abc import Callable

from textual.screen import Screen

from kvmtui.tui.screens.palette import Entry, PaletteScreen

COMBINATIONS = (
    ("ctrl-alt-delete", "Restart, or the login of Windows"),
    ("ctrl-alt-f1", "First text console of Linux"),
    ("ctrl-alt-f2", "Second text console, or the graphical one"),
    ("ctrl-alt-f3", "Third text console"),
    ("ctrl-alt-f7", "Seventh, of old the graphical one"),
    ("ctrl-alt-backspace", "End the X server, where it allows that"),
    ("alt-tab", "Next window"),
    ("alt-f4", "Close the window"),
    ("meta_l", "The key with the window on it"),
    ("alt-sysrq-h", "Linux SysRq: help, on the console"),
    ("alt-sysrq-s", "Linux SysRq: write all to the disks"),
    ("alt-sysrq-u", "Linux SysRq: make all file systems read-only"),
    ("alt-sysrq-e", "Linux SysRq: end all processes"),
    ("alt-sysrq-i", "Linux SysRq: kill all processes"),
    ("alt-sysrq-b", "Linux SysRq: restart at once"),
)


def choose(screen: Screen[None], then: Callable[[str], None]) -> None:
    """Have one chosen from a list, and do something with it."""
    entries = [Entry(keys, "", f"{keys}  {words}", "", "") for keys, words in COMBINATIONS]

    def chosen(keys: str | None) -> None:
        if keys:
            then(keys)

    screen.app.push_screen(PaletteScreen(entries), chosen)
