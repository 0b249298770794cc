"""What is seen of the list of guests, and keys that lead somewhere."""

from __future__ import annotations

from tui.terminal import Terminal

ESC, ENTER, TAB = "\x1b", "\r", "\t"
CLEAR, CTRL_E, CTRL_L, CTRL_N, CTRL_S, CTRL_Z = "\x15", "\x05", "\x0c", "\x0e", "\x13", "\x1a"
CTRL_T = "\x14"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def row(terminal: Terminal, name: str) -> str:
    """The line of a guest in the list; empty when it is not there."""
    return next((line for line in terminal.lines if line[5:].startswith(f"{name} ")), "")


def wait_row(terminal: Terminal, name: str, word: str) -> None:
    """Wait until a guest's line has a word."""
    terminal.wait_until(lambda: word in row(terminal, name), what=f"{name} {word}")


def show_seed_with_password(terminal: Terminal) -> None:
    """From an empty home to the seed of a cloud image whose user has a password."""
    terminal.wait_for("No guests yet")
    terminal.send("3")
    terminal.wait_for("anna@laptop")
    terminal.send(TAB * 9 + RIGHT)
    terminal.wait_for("Password of the guest's user")
    terminal.send("hunter2" + ENTER)
    terminal.wait_for("✓ only its hash is kept")
    terminal.send(CTRL_T)
