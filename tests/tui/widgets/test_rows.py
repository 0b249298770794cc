"""The cursor, the marks and the scroll place of a table, without a screen."""

from __future__ import annotations

import pytest

from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.rows import Row, Rows


def rows_of(keys: str) -> list[Row]:
    return [Row(key, ((Span(key),),)) for key in keys]


def standing(keys: str, cursor: str, *, top: int = 0, seen: int = 4) -> Rows:
    rows = Rows()
    rows.seen = seen
    rows.replace(rows_of(keys))
    rows.go(keys.index(cursor))
    rows.top = top
    return rows


@pytest.mark.parametrize(
    ("before", "cursor", "after", "found"),
    [
        ("abcdef", "c", "fedcba", "c"),
        ("abcdef", "c", "cf", "c"),
        ("abcdef", "c", "abdef", "d"),
        ("abcdef", "c", "abf", "f"),
        ("abcdef", "f", "abcde", "e"),
        ("abcdef", "f", "ab", "b"),
        ("abcdef", "c", "xyz", "z"),
        ("abcdef", "c", "x", "x"),
        ("", "", "xyz", "x"),
    ],
)
def test_the_cursor_stays_on_its_key_or_near(
    before: str, cursor: str, after: str, found: str
) -> None:
    rows = standing(before, cursor) if before else Rows()
    rows.replace(rows_of(after))
    assert rows.key == found


def test_without_rows_there_is_no_cursor() -> None:
    rows = standing("ab", "b")
    rows.replace([])
    assert (rows.key, rows.cursor, rows.top) == (None, -1, 0)
    rows.go(3)
    rows.toggle_mark()
    assert rows.key is None


@pytest.mark.parametrize(
    ("before", "cursor", "top", "after", "new_top"),
    [
        ("abcdefgh", "e", 3, "abcdefgh", 3),
        ("abcdefgh", "e", 3, "xabcdefgh", 4),
        ("abcdefgh", "e", 3, "bcdefgh", 2),
        ("abcdefgh", "e", 3, "eabcdfgh", 0),
        ("abcdefgh", "e", 3, "abe", 0),
        ("abcdefgh", "a", 3, "abcdefgh", 3),
        ("abcdefgh", "a", 3, "xyabcdefgh", 5),
    ],
)
def test_the_line_with_the_cursor_does_not_jump(
    before: str, cursor: str, top: int, after: str, new_top: int
) -> None:
    rows = standing(before, cursor, top=top)
    rows.replace(rows_of(after))
    assert rows.top == new_top


@pytest.mark.parametrize(
    ("top", "to", "new_top"), [(0, 3, 0), (0, 4, 1), (3, 2, 2), (0, 99, 4), (4, -5, 0)]
)
def test_scrolls_as_little_as_it_can(top: int, to: int, new_top: int) -> None:
    rows = standing("abcdefgh", "a", top=top)
    rows.go(to)
    assert rows.top == new_top


def test_marks_go_with_their_rows() -> None:
    rows = standing("abcd", "b")
    rows.toggle_mark()
    assert (rows.marked, rows.key) == ({"b"}, "c")
    rows.toggle_mark()
    rows.replace(rows_of("acd"))
    assert rows.marked == {"c"}
    rows.toggle_all()
    assert rows.marked == set("acd")
    rows.toggle_all()
    assert rows.marked == set()


def test_only_cells_that_differ_count() -> None:
    rows = standing("ab", "a")
    assert not rows.put("a", {0: (Span("a"),)})
    assert rows.put("a", {0: (Span("z"),)})
    assert not rows.put("x", {0: (Span("z"),)})
    assert rows.rows[0].cells == ((Span("z"),),)
