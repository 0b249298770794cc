"""Breaking sentences between words."""

from __future__ import annotations

import pytest

from kvmtui.tui.spans import Span, plain, width_of
from kvmtui.tui.widgets.wrapping import wrap, wrap_all


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "thr", "ee"]),
        ("  indented words here", 12, ["  indented", "  words here"]),
        ("abcdefghij kl", 5, ["abcde", "fghij", "kl"]),
        ("日本語 日本語", 7, ["日本語", "日本語"]),
        ("a  b", 3, ["a", "b"]),
    ],
)
def test_lines(text: str, width: int, lines: list[str]) -> None:
    assert [plain(line) for line in wrap((Span(text),), width)] == lines


def test_roles_stay() -> None:
    line = (Span("the "), Span("name", bold=True), Span(", then more words"))
    lines = wrap(line, 10)
    assert [plain(found) for found in lines] == ["the name,", "then more", "words"]
    assert [span.text for found in lines for span in found if span.bold] == ["name"]
    assert all(width_of(found) <= 10 for found in lines)


def test_a_comma_stays_with_its_word() -> None:
    line = (Span("the "), Span("name", bold=True), Span(", then"))
    assert [plain(found) for found in wrap(line, 8)] == ["the", "name,", "then"]


def test_several() -> None:
    assert len(wrap_all([(Span("one two"),), (), (Span("x"),)], 3)) == 4
