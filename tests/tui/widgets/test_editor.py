"""One line of text under the keys."""

from __future__ import annotations

import pytest

from kvmtui.tui.spans import plain
from kvmtui.tui.widgets.editor import Editor


def editor_of(text: str) -> Editor:
    """``we|b`` is the text ``web`` with the cursor before its last letter."""
    return Editor(text.replace("|", ""), text.index("|"))


def drawn(editor: Editor) -> str:
    return editor.text[: editor.cursor] + "|" + editor.text[editor.cursor :]


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("we|b", "left", "w|eb"),
        ("|web", "left", "|web"),
        ("we|b", "right", "web|"),
        ("web|", "right", "web|"),
        ("we|b", "home", "|web"),
        ("we|b", "end", "web|"),
        ("we|b", "backspace", "w|b"),
        ("|web", "backspace", "|web"),
        ("we|b", "delete", "we|"),
        ("web|", "delete", "web|"),
        ("ab cd| ef", "ctrl+u", "| ef"),
        ("ab cd| ef", "ctrl+k", "ab cd|"),
        ("ab cd| ef", "ctrl+w", "ab | ef"),
        ("ab cd | ef", "ctrl+w", "ab | ef"),
        ("ab|", "ctrl+w", "|"),
        ("|", "ctrl+w", "|"),
    ],
)
def test_keys(before: str, key: str, after: str) -> None:
    pressed = editor_of(before).press(key)
    assert pressed is not None
    assert drawn(pressed) == after


@pytest.mark.parametrize(
    ("key", "character", "after"),
    [("x", "x", "wex|b"), ("space", " ", "we |b"), ("ü", "ü", "weü|b"), ("日", "日", "we日|b")],
)
def test_letters(key: str, character: str, after: str) -> None:
    pressed = editor_of("we|b").press(key, character)
    assert pressed is not None
    assert drawn(pressed) == after


@pytest.mark.parametrize(
    ("key", "character"),
    [("enter", "\r"), ("escape", "\x1b"), ("tab", "\t"), ("f1", None), ("ctrl+s", "\x13")],
)
def test_other_keys_are_not_its_business(key: str, character: str | None) -> None:
    assert editor_of("we|b").press(key, character) is None


def test_a_paste_is_one_line_without_what_does_not_print() -> None:
    assert drawn(editor_of("a|d").insert("b\x1b[31m\r\nc\u202e")) == "ab[31mc|d"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("web|", 10, "web▌"),
        ("abcdefgh|", 5, "efgh▌"),
        ("abcd|efgh", 5, "abcde"),
        ("|abcdefgh", 5, "abcde"),
        ("日本語|", 5, "本語▌"),
        ("日|本語", 5, "日本"),
        ("|", 1, "▌"),
    ],
)
def test_the_cursor_is_always_seen(text: str, width: int, shown: str) -> None:
    parts = editor_of(text).parts(width, "▌")
    assert "".join(plain(part.line) for part in parts) == shown
