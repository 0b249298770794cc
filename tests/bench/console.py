"""What a guest's console and screen cost: emulation, keys under a flood, bytes, the mirror.

All of it at 30×100, on real guests of a boot sector each.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bittty import XTERM, Board

from kvmtui.tui.widgets.emulator import Emulator
from tests.bench.meter import Meter, percentile
from tests.bench.screen import _KVMTUI, _ROOT, Guests
from tests.boot_guests import CHANGES_A_LINE, FLOODS, SIZE_BYTES, shows_mode, writes_lines

_COLUMNS, _ROWS = 100, 30
_CHORD, _ESC, _BREAK = "\x1d", "\x1b", b"send it"
_WINDOW_S, _WARM_S = 12.0, 4.0
_PRESSES = 200
_SLICE, _TURN = 512, 512 * 16
_GUESTS = {
    "flood": FLOODS,
    "lines": writes_lines(),
    "mirror": CHANGES_A_LINE,
    "still": shows_mode(0x03),
}
_COUNTED = b"\x1b[12;11H"
"""The begin of a frame of the mirror: the first of the cells that change."""


def _emulated() -> dict[str, bytes]:
    """What is emulated, some hundred kB of each."""
    recordings = _ROOT / "tests" / "tui" / "recordings"
    lines = b"".join(
        b"Nov 27 10:15:%02d db-01 postgresql[%d]: checkpoint complete, wrote %d buffers\r\n"
        % (number % 60, number * 7, number * 13)
        for number in range(6000)
    )
    screens = b"".join((recordings / f"{name}.bin").read_bytes() for name in ("htop", "mc", "vi"))
    return {
        "lines of y": b"y\r\n" * 60_000,
        "lines of a log": lines,
        "coloured lines": lines.replace(b"db-01", b"\x1b[1;32mdb-01\x1b[0m"),
        "full-screen programs": screens * max(400_000 // len(screens), 1),
    }


def emulation(rounds: int = 5) -> None:
    """Our emulator as the console feeds it, against the library alone: CPU, in short turns."""
    for what, data in _emulated().items():
        ours, theirs = [], []
        for _ in range(rounds):
            emulator = Emulator(80, 24)
            board = Board(width=80, height=24, model=XTERM)
            sums = [0.0, 0.0]
            for at in range(0, len(data), _TURN):
                slices = [data[x : x + _SLICE] for x in range(at, at + _TURN, _SLICE)]
                for side, feed in enumerate((emulator.feed, board.feed_host_data)):
                    began = time.thread_time()
                    for piece in slices:
                        feed(piece)
                    sums[side] += time.thread_time() - began
            ours.append(sums[0])
            theirs.append(sums[1])
        one, two = statistics.median(ours), statistics.median(theirs)
        size = len(data) / 1e6
        print(
            f"  {what:24} {size / one:5.2f} MB/s, the library alone {size / two:5.2f}, "
            f"ratio {two / one:.2f} (goal 0.9; n={rounds})",
            flush=True,
        )


@contextmanager
def _app(guests: Guests, folder: Path, name: str, key: str, text: bytes) -> Iterator[Meter]:
    """The app at a guest's console or screen."""
    settings = folder / "kvmtui"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "config.yaml").write_text("theme: terminal\n")
    environment = {
        **guests.environment,
        "PYTHONDONTWRITEBYTECODE": None,
        "XDG_CONFIG_HOME": str(folder),
    }
    with Meter(_KVMTUI, columns=_COLUMNS, rows=_ROWS, environment=environment, cwd=_ROOT) as meter:
        meter.wait_for_bytes(name.encode())
        meter.settle(1.5)
        meter.send("/" + name + "\r" + key)
        meter.wait_for_bytes(text)
        meter.settle(_WARM_S)
        yield meter


def keys_under_flood(guests: Guests, folder: Path) -> None:
    """From the chord to the first byte of its answer, while the guest writes what it can."""
    log = guests.home / "guests" / "flood" / "console.log"
    with _app(guests, folder, "flood", "c", b"typing: ") as meter:
        found = []
        size, began = log.stat().st_size, time.monotonic()
        for number in range(_PRESSES):
            found.append(meter.answer_s(_CHORD, _BREAK))
            # Sent to the guest, which reads nothing.
            meter.answer_s(_CHORD, b"")
            meter.settle(0.03 + 0.005 * (number % 7))
        wrote = (log.stat().st_size - size) / (time.monotonic() - began)
        rate = meter.rate(_WINDOW_S)
    p50, p99 = (percentile(found, percent) * 1000 for percent in (50, 99))
    print(
        f"Key to first byte while the guest writes {wrote / 1000:.0f} kB/s of lines: p50 {p50:.1f} "
        f"ms, p99 {p99:.1f} ms (goal 50; n={len(found)}); {rate.bytes_per_s:.0f} B/s, "
        f"{rate.cpu_percent:.0f} % of a core, {rate.resident_mb:.0f} MB",
        flush=True,
    )


def lines(guests: Guests, folder: Path) -> None:
    """Nine lines a second, no two alike, on a full screen."""
    log = guests.home / "guests" / "lines" / "console.log"
    with _app(guests, folder, "lines", "c", b"checkpoint") as meter:
        before, began = log.read_bytes().count(b"\n"), time.monotonic()
        rate = meter.rate(_WINDOW_S)
        count = (log.read_bytes().count(b"\n") - before) / (time.monotonic() - began)
    print(
        f"{count:.1f} lines a second: {rate.bytes_per_s:.0f} B/s, {rate.bytes_per_s / count:.0f} a "
        f"line (goal 250), {rate.cpu_percent:.1f} % of a core",
        flush=True,
    )


def mirror(guests: Guests, folder: Path) -> None:
    """A text screen of which eight cells change all the time, and one that rests."""
    with _app(guests, folder, "mirror", "v", b"text 80") as meter:
        begin, began = len(meter.received), time.monotonic()
        rate = meter.rate(_WINDOW_S)
        frames = meter.received[begin:].count(_COUNTED) / (time.monotonic() - began)
    print(
        f"Mirror of a screen that changes: {frames:.1f} frames/s (goal 20), {rate.bytes_per_s:.0f} "
        f"B/s (goal 1000), {rate.cpu_percent:.1f} % of a core (goal 4)",
        flush=True,
    )
    with _app(guests, folder, "still", "v", b"text 80") as meter:
        rate = meter.rate(_WINDOW_S)
    print(
        f"Mirror of one that rests: {rate.bytes_per_s:.0f} B/s (goal 0), "
        f"{rate.cpu_percent:.1f} % of a core",
        flush=True,
    )


def measure(guests: Guests, folder: Path) -> None:
    """Print all of it.

    Args:
        guests: An empty home.
        folder: For settings; need not exist.
    """
    print("Emulation of a terminal of 80×24:", flush=True)
    emulation()
    tiny = ["--memory", "16M", "--network", "none", "--accelerator", "tcg"]
    try:
        for name, disk in _GUESTS.items():
            guests.call(
                "create", name, *tiny, "--disk", f"{SIZE_BYTES >> 20}M", "--set",
                "disks[0].file=disk0.raw",
            )  # fmt: skip
            (guests.home / "guests" / name / "disk0.raw").write_bytes(disk)
        for act, name in ((lines, "lines"), (mirror, "mirror"), (keys_under_flood, "flood")):
            names = [name, "still"] if name == "mirror" else [name]
            guests.call("start", *names)
            act(guests, folder)
            guests.call("stop", "--yes", *names)
    finally:
        guests.call("stop", "--yes", *_GUESTS)
