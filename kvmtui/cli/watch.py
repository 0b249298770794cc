"""`watch`: the optional process that is always there."""

from __future__ import annotations

import argparse
import os
import threading
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.cli.ending import ended_by_signals
from kvmtui.guest.history import iso_time
from kvmtui.guest.units import format_size
from kvmtui.manage.forecast import Forecast
from kvmtui.manage.watching import Overview, disable, enable, overview
from kvmtui.text import visible

_ACTIONS = ("run", "status", "enable", "disable")


def configure_watch(parser: argparse.ArgumentParser) -> None:
    """Arguments of `watch`."""
    parser.description = (
        "The optional process that is always there. It keeps the figures of a day in each guest's"
        " folder and foresees when the storage is full, notes what is above its threshold in the"
        " guests' stories, keeps logs within bounds, resumes guests that wait for room (`on_full:"
        " resume`), writes a report of each crash, and tells metrics (`metrics: ADDRESS`). Guests"
        " need none of it."
    )
    parser.formatter_class = argparse.HelpFormatter
    parser.add_argument(
        "action",
        nargs="?",
        choices=_ACTIONS,
        default="run",
        help="run: watch until interrupted (the default); status: whether somebody watches, and "
        "what is foreseen; enable: have the host do it, from now on, by a systemd unit "
        "or cron's @reboot; disable: end that",
    )


def run_watch(arguments: argparse.Namespace, context: Context) -> int:
    """Watch, or tell and change who does."""
    if arguments.action == "run":
        return _run(context)
    if arguments.action == "status":
        return _status(context)
    change = enable if arguments.action == "enable" else disable
    done = change(context.library)
    if context.as_json:
        context.document(_document(overview(context.library)))
    for line in done:
        context.say(line)
    return 0


def _run(context: Context) -> int:
    """Watch until a signal ends it.

    Raises:
        BusyError: Somebody watches this home already.
        DefinitionError: A settings file is not valid.
        HostError: There is no home, and none can be made.
    """
    from kvmtui.host.settings import load_settings
    from kvmtui.manage import hosting, watch_state
    from kvmtui.manage.watchman import Watchman

    settings = load_settings()
    hosting.make_home(context.library)
    lock = watch_state.take_lock(context.library)
    ended = threading.Event()
    try:
        with ended_by_signals(ended):
            watchman = Watchman(context.library, settings, context.note)
            server = _serve(watchman, settings.metrics)
            try:
                watchman.run(ended)
            finally:
                if server is not None:
                    server.close()
    finally:
        os.close(lock)
    return 0


def _serve(watchman: Any, address: str | None) -> Any:
    """Tell metrics where that is set; a watch goes on without."""
    if address is None:
        return None
    from kvmtui.errors import KvmtuiError
    from kvmtui.manage.metrics_server import MetricsServer

    try:
        server = MetricsServer(address, lambda: watchman.snapshot)
    except KvmtuiError as error:
        watchman.fault("metrics", f"{error.message} ({error.hint})")
        return None
    watchman.metrics = server.address
    if server.warning:
        watchman.fault("metrics", server.warning)
    return server


def _status(context: Context) -> int:
    found = overview(context.library)
    if context.as_json:
        context.document(_document(found))
        return 0
    for line in _lines(found):
        context.say(line)
    return 0


def _document(found: Overview) -> dict[str, Any]:
    plain: dict[str, Any] = found._asdict()
    plain["state"] = None if found.state is None else found.state._asdict()
    plain["problems"] = [problem._asdict() for problem in found.problems]
    plain["storages"] = [_plain_forecast(one) for one in found.storages]
    home = found.storages[:1]
    plain["forecast"] = None
    for one in home:
        guests = [
            {"name": guest.name, "growth_bytes_per_day": guest.bytes_per_day}
            for guest in one.guests
        ]
        plain["forecast"] = {**_plain_forecast(one), "guests": guests}
    return plain


def _plain_forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "mount": forecast.mount,
        "size_bytes": forecast.size_bytes,
        "free_bytes": forecast.free_bytes,
        "growth_bytes_per_day": forecast.bytes_per_day,
        "over_days": forecast.over_days,
        "full_at": None if forecast.full_at is None else iso_time(forecast.full_at),
        "words": forecast.words,
    }


def _lines(found: Overview) -> list[str]:
    lines = []
    if found.state is not None:
        state = found.state
        lines.append(
            f"process {state.pid} watches since {state.since}: {state.guests} guests, "
            f"last told at {state.seen}"
        )
        if state.metrics:
            lines.append(f"metrics: http://{state.metrics}/metrics")
    else:
        lines.append("somebody watches" if found.running else "nobody watches this home")
    if found.in_place:
        file = f", {visible(found.file)}" if found.file else ""
        lines.append(f"starts with the host by {found.mechanism}: {found.starter}{file}")
    else:
        lines.append("does not start with the host: kvmtui watch enable")
    lines.append(
        f"figures of {found.files} guests are kept, {format_size(found.files_bytes)} in all"
    )
    for one in found.storages:
        lines.append(f"storage: {one.words}")
        for guest in one.guests:
            size = format_size(round(guest.bytes_per_day))
            lines.append(f"  {guest.name} grows by {size} a day")
    for problem in found.problems:
        lines.append(f"missing: {visible(problem.what, limit=600)}")
        lines.append(f"  try: {visible(problem.remedy, limit=600)}")
    if found.state is not None:
        lines += [f"above its threshold: {one}" for one in found.state.over]
        lines += [f"trouble: {one}" for one in found.state.faults]
    return lines
