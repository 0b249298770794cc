"""The app with hundreds of real guests, most of them paused: processor, memory, age of rows."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from kvmtui.guest.library import Library
from kvmtui.manage.live import Watch
from tests.bench.screen import _WARM_S, _WINDOW_S, App, Guests

_STEPS = (100, 500)
_ROUNDS = 8


def _round_s(guests: Guests) -> float:
    """How long a round takes until all that are asked have answered; a median."""
    watch = Watch(Library(guests.home))
    watch.wanted.want("bench", None, "columns")
    found = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        watch.round()
        found.append(time.perf_counter() - began)
        time.sleep(0.3)
    watch.close()
    return statistics.median(found[2:])


def measure(guests: Guests, folder: Path) -> None:
    """Print what the app takes with more and more guests, a tenth of which is not paused."""
    guests.create()
    most = len(guests.names)
    try:
        running = 0
        for count in (*(one for one in _STEPS if one < most), most):
            fresh = guests.names[running:count]
            guests.call("start", *fresh)
            guests.call("pause", *(name for at, name in enumerate(fresh) if at % 10))
            running = count
            with App(guests, folder, "terminal").open() as meter:
                meter.wait_for_bytes(b"g000")
                meter.settle(_WARM_S)
                rate = meter.rate(2 * _WINDOW_S)
            print(
                f"{count} guests, {count // 10} of them not paused: {rate.cpu_percent:.1f} % of a "
                f"core (goal 15 with 500), {rate.resident_mb:.0f} MB (goal 100), "
                f"{rate.bytes_per_s:.0f} B/s; a round of all columns {_round_s(guests):.2f} s, "
                "one a second (goal: no row older than 2 s)",
                flush=True,
            )
    finally:
        guests.end()
