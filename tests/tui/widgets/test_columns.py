"""Which columns are shown, and where."""

from __future__ import annotations

import pytest

from kvmtui.tui.widgets.columns import Column, lay_out

GUESTS = (
    Column("name", "  Name", 16, flexible=True, least=15),
    Column("state", "State", 13),
    Column("vcpu", "vCPU", 3, right=True, drop=6),
    Column("cpu", "CPU%", 3, right=True),
    Column("minute", "1 min", 10, drop=5),
    Column("memory", "Memory", 9, drop=7),
    Column("disk", "Disk/s", 6, right=True, drop=4),
    Column("net", "Net/s", 4, right=True, drop=2),
    Column("up", "Up", 4, right=True, drop=3),
    Column("acc", "Acc", 3, drop=1),
)


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (93, ""),
        (92, ""),
        (91, "acc"),
        (87, "acc"),
        (81, "acc net"),
        (75, "acc net up"),
        (70, "acc net up disk"),
        (60, "acc net up disk minute"),
        (40, "acc net up disk minute vcpu memory"),
        (20, "acc net up disk minute vcpu memory"),
    ],
)
def test_columns_go_in_their_order(width: int, gone: str) -> None:
    shown = {place.column.id for place in lay_out(GUESTS, width, 3)}
    assert {column.id for column in GUESTS} - shown == set(gone.split())


def test_the_flexible_column_takes_the_rest() -> None:
    places = {place.column.id: place for place in lay_out(GUESTS, 93, 3)}
    assert [places[name].x for name in ("name", "state", "cpu", "minute", "memory", "acc")] == [
        3,
        21,
        41,
        46,
        58,
        89,
    ]
    assert places["name"].width == 16
    assert lay_out(GUESTS, 103, 3)[0].width == 26


def test_the_flexible_column_has_a_greatest_width() -> None:
    columns = (Column("name", "Name", 10, flexible=True, most=12), Column("kind", "Kind", 4))
    assert [place.x for place in lay_out(columns, 60, 2)] == [2, 16]


def test_figures_may_take_a_cell_of_the_gap() -> None:
    places = {place.column.id: place for place in lay_out(GUESTS, 93, 3)}
    assert (places["vcpu"].reach, places["minute"].reach) == (35, 46)
