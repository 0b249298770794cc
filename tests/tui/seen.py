"""What is seen of the list of guests."""

from __future__ import annotations

from tui.terminal import Terminal

ESC, ENTER, TAB = "\x1b", "\r", "\t"
CLEAR, CTRL_E, CTRL_L, CTRL_N, CTRL_S, CTRL_Z = "\x15", "\x05", "\x0c", "\x0e", "\x13", "\x1a"
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"


def row(terminal: Terminal, name: str) -> str:
    """The line of a guest in the list; empty when it is not there."""
    return next((line for line in terminal.lines if line[5:].startswith(f"{name} ")), "")


def wait_row(terminal: Terminal, name: str, word: str) -> None:
    """Wait until a guest's line has a word."""
    terminal.wait_until(lambda: word in row(terminal, name), what=f"{name} {word}")
