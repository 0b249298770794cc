"""`stats`: live figures, a line for each guest and sample."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping

from kvmtui.cli.context import Context
from kvmtui.cli.figure_cells import latency_cell, size_cell, whole_cell
from kvmtui.cli.json_text import json_text
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.history import iso_time
from kvmtui.manage.live import Watch
from kvmtui.manage.views import halted_percent
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmtui.manage.views import DiskFigures, Figures, LiveGuest, NetworkFigures

SHORTEST_S, LONGEST_S = 0.2, 60.0
_HEADS = {
    "CPU%": 4,
    "WAIT": 4,
    "USED": 4,
    "RSS": 4,
    "READ": 4,
    "WRITE": 5,
    "OPS": 4,
    "LAT": 5,
    "IN": 4,
    "OUT": 4,
}
"""With a name of eight they take 80 columns."""
_HEAD_AGAIN_LINES = 20
_OWNER = "kvmtui stats"


def configure_stats(parser: argparse.ArgumentParser) -> None:
    """Arguments of `stats`."""
    parser.description = (
        "Live figures of guests, a line for each guest and sample: CPU (100 is one core), WAIT"
        " for a core of the host (the same measure, all its processors), memory USED as the"
        " guest says and RSS of QEMU, drives (bytes READ and written, OPS, mean latency) and"
        " network, all a second. What is not known is empty. The first sample comes after one"
        " interval."
    )
    parser.formatter_class = argparse.HelpFormatter
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="these guests; all that run when absent"
    )
    parser.add_argument("--all", action="store_true", help="guests that do not run, too")
    parser.add_argument("--tag", action="append", default=[], help="guests with this tag only")
    parser.add_argument(
        "--interval",
        type=_interval,
        default=1.0,
        metavar="S",
        help=f"seconds between samples, {SHORTEST_S:g} to {LONGEST_S:g}; default 1",
    )
    parser.add_argument(
        "--past",
        choices=("10min", "24h"),
        help="what kvmtui watch has recorded of them, instead of live figures",
    )
    parser.add_argument(
        "--count", type=_count, metavar="N", help="samples to take; without end when absent"
    )


def _interval(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not SHORTEST_S <= value <= LONGEST_S:
        raise argparse.ArgumentTypeError(
            f"{visible(text, limit=40)} is not between {SHORTEST_S:g} and {LONGEST_S:g} seconds"
        )
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text[:10]) > 0:
        raise argparse.ArgumentTypeError(f"{visible(text, limit=40)} is not a number above 0")
    return int(text[:10])


def run_stats(arguments: argparse.Namespace, context: Context) -> int:
    """Print figures until the count is reached, or for as long as somebody reads.

    Raises:
        UsageError: Names go with neither ``--all`` nor ``--tag``.
        KvmtuiError: A named guest does not exist, or not any more.
    """
    if arguments.names and (arguments.all or arguments.tag):
        raise UsageError("stats: names do not go with --all or --tag")
    library = context.library
    for name in arguments.names:
        library.folder(name)
    if arguments.past:
        return _past(arguments, context)
    watch = Watch(library)
    report = _Report(context, rests=arguments.all)
    try:
        for guests in _samples(watch, arguments):
            report.tell(guests)
    finally:
        watch.close()
    return 0


def _past(arguments: argparse.Namespace, context: Context) -> int:
    """Tell what was recorded of the guests that are meant, all where none is named."""
    from kvmtui.cli.past import tell_past
    from kvmtui.manage.looking import look

    names = arguments.names or [
        view.name
        for view in look(context.library)
        if not arguments.tag or set(arguments.tag) & set(view.tags)
    ]
    return tell_past(context, list(dict.fromkeys(names)), arguments.past)


def _samples(watch: Watch, arguments: argparse.Namespace) -> Iterator[list[LiveGuest]]:
    """The guests at each interval; the rounds before are only what rates are from."""
    found = _chosen(watch.round(), arguments)
    _want(watch, found)
    found = _chosen(watch.round(), arguments)
    due = time.monotonic()
    left = arguments.count
    while left is None or left > 0:
        _want(watch, found)
        due = max(due + arguments.interval, time.monotonic())
        time.sleep(due - time.monotonic())
        found = _chosen(watch.round(), arguments)
        yield found
        left = None if left is None else left - 1


def _want(watch: Watch, guests: list[LiveGuest]) -> None:
    watch.wanted.want(_OWNER, {live.view.name for live in guests}, "detail")


def _chosen(found: Mapping[str, LiveGuest], arguments: argparse.Namespace) -> list[LiveGuest]:
    """The guests that were asked for.

    Raises:
        KvmtuiError: One that was named is gone.
    """
    if arguments.names:
        names = list(dict.fromkeys(arguments.names))
        gone = [name for name in names if name not in found]
        if gone:
            raise KvmtuiError(f"{gone[0]}: there is no such guest any more", hint="kvmtui list")
        return [found[name] for name in names]
    return [
        live
        for live in found.values()
        if (arguments.all or live.view.pid is not None)
        and (not arguments.tag or set(arguments.tag) & set(live.view.tags))
    ]


class _Report:
    """Tells samples: as lines of a table, or an object a line.

    On a terminal the head stands above each sample of several guests, else it comes once
    (for a person again after 20 lines).

    Args:
        rests: Guests that do not run have a line too, with their state.
    """

    def __init__(self, context: Context, *, rests: bool) -> None:
        self._context = context
        self._rests = rests
        self._on_terminal = sys.stdout.isatty()
        self._width = 0
        self._lines = 0
        self._noted: dict[str, str] = {}

    def tell(self, guests: list[LiveGuest]) -> None:
        """Tell one sample."""
        stamp = iso_time()
        self._note(guests)
        if self._context.as_json:
            for live in guests:
                sys.stdout.write(json_text(document_of(live, stamp)) + "\n")
        elif rows := [live for live in guests if live.view.pid is not None or self._rests]:
            self._table(rows, stamp)
        sys.stdout.flush()

    def _note(self, guests: list[LiveGuest]) -> None:
        """Say on standard error why figures are empty, once until it changes."""
        told_in_rows = self._rests and not self._context.as_json
        reasons = {
            live.view.name: _reason(live)
            for live in guests
            if live.view.pid is not None or not told_in_rows
        }
        if not guests:
            reasons[""] = "no guest runs"
        for name, reason in reasons.items():
            if reason and self._noted.get(name) != reason:
                self._context.note(reason)
        self._noted = reasons

    def _table(self, guests: list[LiveGuest], stamp: str) -> None:
        width = max(self._width, 4, *(len(live.view.name) for live in guests))
        due = self._on_terminal and (len(guests) > 1 or self._lines >= _HEAD_AGAIN_LINES)
        if width != self._width or due:
            if self._lines and len(guests) > 1:
                self._context.say("")
            self._context.say(_line("TIME", "NAME", width, list(_HEADS)))
            self._width, self._lines = width, 0
        for live in guests:
            self._context.say(_line(stamp[11:19], live.view.name, width, _cells(live)))
            self._lines += 1


def _line(stamp: str, name: str, width: int, cells: list[str]) -> str:
    figures = (cell.rjust(space) for cell, space in zip(cells, _HEADS.values(), strict=False))
    return "  ".join([stamp.ljust(8), name.ljust(width), *figures]).rstrip()


def _reason(live: LiveGuest) -> str:
    """Why a guest's figures are empty; empty where they are not."""
    view = live.view
    if view.pid is None:
        return f"{view.name} does not run: it is {view.state}"
    if live.figures is not None and live.figures.missing:
        return f"{view.name} {_in_words(live.figures.missing)}"
    return ""


def _in_words(missing: str) -> str:
    return missing if missing.startswith("does") else f"cannot be asked: {missing}"


def _cells(live: LiveGuest) -> list[str]:
    """Its figures under their heads; of one that does not run its state."""
    if live.view.pid is None:
        return [live.view.state]
    figures, resident = live.figures, live.view.memory_resident_bytes
    operations = None
    if figures is not None and figures.disk_read_ops_per_s is not None:
        operations = figures.disk_read_ops_per_s + (figures.disk_write_ops_per_s or 0.0)
    return [
        whole_cell(live.cpu_percent),
        whole_cell(_wait_percent(figures)),
        size_cell(figures and figures.memory_guest_used_bytes),
        size_cell(resident),
        size_cell(figures and figures.disk_read_bytes_per_s),
        size_cell(figures and figures.disk_write_bytes_per_s),
        whole_cell(operations),
        latency_cell(figures and figures.disk_latency_ms),
        size_cell(figures and figures.net_receive_bytes_per_s),
        size_cell(figures and figures.net_transmit_bytes_per_s),
    ]


def _wait_percent(figures: Figures | None) -> float | None:
    """The wait for a core as the contract has shares: 100 is one core."""
    if figures is None or figures.wait_ms_per_s is None:
        return None
    return figures.wait_ms_per_s / 10


def document_of(live: LiveGuest, stamp: str) -> dict[str, object]:
    """A sample with the contract's JSON names; null where a figure is not known.

    Args:
        stamp: When it was taken, ISO 8601 UTC.
    """
    figures = live.figures
    return {
        "name": live.view.name,
        "time": stamp,
        "state": live.view.state,
        "cpu_percent": _rounded(live.cpu_percent),
        "vcpus": [_rounded(one) for one in figures.vcpu_percents] if figures else [],
        "wait_percent": _rounded(_wait_percent(figures)),
        "halted_percent": _rounded(halted_percent(live)),
        "memory_resident_bytes": live.view.memory_resident_bytes,
        "memory_guest_used_bytes": figures and figures.memory_guest_used_bytes,
        "disk_read_bytes_per_s": _rounded(figures and figures.disk_read_bytes_per_s),
        "disk_write_bytes_per_s": _rounded(figures and figures.disk_write_bytes_per_s),
        "disk_read_ops_per_s": _rounded(figures and figures.disk_read_ops_per_s),
        "disk_write_ops_per_s": _rounded(figures and figures.disk_write_ops_per_s),
        "disk_latency_s": _seconds(figures and figures.disk_latency_ms),
        "disk_p99_s": _seconds(figures and figures.disk_p99_ms),
        "net_receive_bytes_per_s": _rounded(figures and figures.net_receive_bytes_per_s),
        "net_transmit_bytes_per_s": _rounded(figures and figures.net_transmit_bytes_per_s),
        "exits_per_s": _rounded(figures and figures.exits_per_s),
        "disks": [_plain(one) for one in figures.disks] if figures else [],
        "networks": [_plain(one) for one in figures.networks] if figures else [],
    }


def _plain(figures: DiskFigures | NetworkFigures) -> dict[str, object]:
    plain: dict[str, object] = {}
    for key, value in figures._asdict().items():
        if key.endswith("_ms"):
            plain[key.removesuffix("_ms") + "_s"] = _seconds(value)
        else:
            plain[key] = _rounded(value) if isinstance(value, float) else value
    return plain


def _rounded(value: float | None) -> float | None:
    """To three places: more is noise."""
    return None if value is None else round(value, 3)


def _seconds(value_ms: float | None) -> float | None:
    """Milliseconds as seconds, to the microsecond."""
    return None if value_ms is None else round(value_ms / 1000, 6)
