"""`stats --past`: the figures that `watch` has recorded, a line for each guest and step."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING

from kvmtui.cli.context import Context
from kvmtui.cli.figure_cells import latency_cell, size_cell, whole_cell
from kvmtui.errors import KvmtuiError
from kvmtui.guest.history import iso_time
from kvmtui.manage.recorded import past_figures

if TYPE_CHECKING:
    from kvmtui.manage.recorded import PastFigures
    from kvmtui.stats.history import Span

SPANS: dict[str, tuple[Span, int]] = {"10min": ("10min", 120), "24h": ("24h", 144)}
"""The words of ``--past``: which part of the file, and how many steps of it."""
_NAMES = {
    "cpu": ("cpu_percent", 1.0),
    "wait": ("wait_percent", 0.1),
    "memory_used": ("memory_guest_used_bytes", 1.0),
    "disk_read": ("disk_read_bytes_per_s", 1.0),
    "disk_write": ("disk_write_bytes_per_s", 1.0),
    "disk_latency": ("disk_latency_s", 0.001),
    "net_in": ("net_receive_bytes_per_s", 1.0),
    "net_out": ("net_transmit_bytes_per_s", 1.0),
}
"""JSON's names, as of the live figures, and what a value is multiplied by."""


def tell_past(context: Context, names: list[str], span: str) -> int:
    """Print what was recorded of guests, oldest first; steps of which nothing is known are not.

    Raises:
        KvmtuiError: Nothing was recorded of any of them.
    """
    found = [past_figures(context.library, name, *SPANS[span]) for name in names]
    known = [one for one in found if one is not None]
    if not known:
        raise KvmtuiError(
            "no figures were recorded: that takes kvmtui watch", hint="kvmtui watch enable"
        )
    for one in known:
        if context.as_json:
            _objects(one)
        else:
            _table(one, context)
    return 0


def _steps(past: PastFigures) -> list[tuple[float, dict[str, float]]]:
    """Time and known values of each step of which anything is known."""
    found = []
    count = len(past.series["cpu"].values)
    for index in range(count):
        values = {key: one.values[index] for key, one in past.series.items()}
        known = {key: value for key, value in values.items() if not math.isnan(value)}
        if known:
            found.append((past.last - (count - 1 - index) * past.step_s, known))
    return found


def _objects(past: PastFigures) -> None:
    for moment, known in _steps(past):
        plain: dict[str, object] = {"name": past.name, "time": iso_time(moment)}
        plain["step_s"] = past.step_s
        for key, (name, factor) in _NAMES.items():
            plain[name] = round(known[key] * factor, 6) if key in known else None
        sys.stdout.write(json.dumps(plain) + "\n")


def _table(past: PastFigures, context: Context) -> None:
    heads = ("CPU%", "WAIT", "USED", "READ", "WRITE", "LAT", "IN", "OUT")
    context.say(f"{past.name}, a line for {past.step_s} s")
    context.say(f"{'TIME'.ljust(11)}{''.join(head.rjust(8) for head in heads)}")
    cells = {"cpu": whole_cell, "wait": whole_cell, "disk_latency": latency_cell}
    for moment, known in _steps(past):
        shown = []
        for key in _NAMES:
            value = known.get(key)
            if key == "wait" and value is not None:
                value /= 10
            shown.append(cells.get(key, size_cell)(value).rjust(8))
        stamp = time.strftime("%d %H:%M:%S", time.localtime(moment))
        context.say(f"{stamp}{''.join(shown)}".rstrip())
