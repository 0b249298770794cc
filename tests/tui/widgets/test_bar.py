"""Shares as bars."""

from __future__ import annotations

import pytest

from kvmtui.tui.glyphs import ASCII, UNICODE
from kvmtui.tui.spans import plain
from kvmtui.tui.widgets.bar import bar


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (0, "──────────"),
        (0.001, "━─────────"),
        (0.5, "━━━━━─────"),
        (0.999, "━━━━━━━━━─"),
        (1, "━━━━━━━━━━"),
        (7, "━━━━━━━━━━"),
        (-1, "──────────"),
        (None, ""),
    ],
)
def test_bars(share: float | None, drawn: str) -> None:
    assert plain(bar(share, 10, UNICODE)) == drawn


def test_signs_and_colours() -> None:
    assert plain(bar(0.5, 4, ASCII)) == "##--"
    assert [span.role for span in bar(0.5, 4, UNICODE, warn_from=0.9)] == ["graph", "line"]
    assert [span.role for span in bar(0.9, 4, UNICODE, warn_from=0.9)] == ["warn", "line"]
    assert bar(0.5, 0, UNICODE) == ()
    assert plain(bar(0.3, 1, UNICODE)) == "─"
