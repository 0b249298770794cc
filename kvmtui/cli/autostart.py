"""`autostart`: which guests start with the host, and what makes it start them."""

from __future__ import annotations

import argparse
import asyncio
import functools
from typing import Any

from kvmtui.cli.context import Context, table
from kvmtui.cli.power import attempt, chosen_names, report, seconds
from kvmtui.errors import UsageError
from kvmtui.guest.units import parse_duration
from kvmtui.manage import autostart
from kvmtui.manage.views import Outcome
from kvmtui.text import visible

_ACTIONS = ("list", "enable", "disable", "run", "stop")
_TAKING_NAMES = ("enable", "disable")


def configure_autostart(parser: argparse.ArgumentParser) -> None:
    """Arguments of `autostart`."""
    parser.description = (
        "Guests that start with the host: by one systemd unit of this home, a plain user's with "
        "lingering, or by cron's @reboot where there is no systemd. The unit also shuts all "
        "running guests down, in reverse order, before the host goes down; cron cannot."
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=_ACTIONS,
        default="list",
        help="list: what starts with the host, and what is missing (the default); "
        "run: start those guests now; stop: shut all running guests down now",
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="all guests")
    parser.add_argument("--tag", action="append", default=[], help="all guests with this tag")
    parser.add_argument(
        "--order",
        type=int,
        metavar="N",
        help="enable: place among the others, 0 to 9999, the lowest first; without one: last",
    )
    parser.add_argument(
        "--delay", type=parse_duration, metavar="S", help="enable: wait so long before it: 10s, 2m"
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="S",
        help="stop: how long all guests may take before their plugs are pulled, default 300",
    )


def run_autostart(arguments: argparse.Namespace, context: Context) -> int:
    """Tell or change what starts with the host; run and stop are what the host calls."""
    _check_words(arguments)
    if arguments.action == "enable":
        return _enable(arguments, context)
    if arguments.action == "disable":
        names = chosen_names(arguments, context, "autostart disable", running=None)
        library = context.library
        results = [
            attempt(name, functools.partial(autostart.disable, library, name)) for name in names
        ]
        if not names:
            context.note(autostart.tidy(library))
        return report(context, "autostart", results)
    if arguments.action == "run":
        return _run(context)
    if arguments.action == "stop":
        return _stop(arguments, context)
    return _list(context)


def _check_words(arguments: argparse.Namespace) -> None:
    """Refuse what does not go with the action; argparse cannot.

    Raises:
        UsageError: Names it.
    """
    action = arguments.action
    chosen = arguments.names or arguments.all or arguments.tag
    if chosen and action not in _TAKING_NAMES:
        raise UsageError(
            f"autostart {action} is for all guests, not for some",
            hint="kvmtui autostart enable NAME, or kvmtui autostart disable NAME",
        )
    for option in ("order", "delay"):
        if getattr(arguments, option) is not None and action != "enable":
            raise UsageError(f"autostart: --{option} goes with enable only")
    if arguments.timeout is not None and action != "stop":
        raise UsageError("autostart: --timeout goes with stop only")


def _enable(arguments: argparse.Namespace, context: Context) -> int:
    library = context.library
    order, delay_s = arguments.order, arguments.delay

    def enable(name: str) -> Outcome:
        return autostart.enable(library, name, order=order, delay_s=delay_s)

    names = chosen_names(arguments, context, "autostart enable", running=None)
    results = [attempt(name, functools.partial(enable, name)) for name in names]
    return report(context, "autostart", results)


def _run(context: Context) -> int:
    from kvmtui.manage import with_host

    status, results = 0, []
    for result in with_host.run(context.library):
        results.append(result)
        if not context.as_json:
            # As it comes: there may be minutes between two guests.
            status = max(status, report(context, "autostart", [result]))
    if context.as_json or not results:
        status = report(context, "autostart", results)
    return status


def _stop(arguments: argparse.Namespace, context: Context) -> int:
    from kvmtui.guest import history
    from kvmtui.manage import with_host

    limit_s = with_host.END_LIMIT_S if arguments.timeout is None else arguments.timeout
    context.confirm(
        "shut all guests down",
        f"all running guests are shut down, and stopped by force after {limit_s:g} s",
    )
    with history.acting_as(with_host.ender()):
        results = asyncio.run(with_host.stop(context.library, limit_s=limit_s))
    return report(context, "autostart", results)


def _list(context: Context) -> int:
    found = autostart.overview(context.library)
    if context.as_json:
        context.document(_document(found))
        return 0
    for line in _lines(found):
        context.say(line)
    return 0


def _document(found: autostart.Overview) -> dict[str, Any]:
    plain: dict[str, Any] = found._asdict()
    plain["problems"] = [problem._asdict() for problem in found.problems]
    plain["guests"] = [guest._asdict() for guest in found.guests]
    plain["unread"] = list(found.unread)
    return plain


def _lines(found: autostart.Overview) -> list[str]:
    """The guests in their order, by what they start, and what is missing."""
    lines = []
    if found.guests:
        rows = [_row(one) for one in found.guests]
        lines += [table(("NAME", "ORDER", "DELAY"), rows, frozenset({1, 2})), ""]
    else:
        lines.append("no guest starts with the host")
    if found.guests or found.in_place:
        where = f", {visible(found.file)}" if found.file else ""
        lines.append(f"by {found.mechanism}: {found.starter}{where}")
        ends = "shut down in reverse order" if found.shuts_down else "not shut down"
        lines.append(f"before the host goes down, running guests are {ends}")
    if found.in_place and not found.guests:
        lines.append("to end that, too: kvmtui autostart disable --all")
    lines += [f"{name}: its definition cannot be read, so nobody knows" for name in found.unread]
    for problem in found.problems:
        lines.append(f"missing: {visible(problem.what, limit=600)}")
        if problem.remedy:
            lines.append(f"  try: {visible(problem.remedy, limit=600)}")
    return lines


def _row(one: autostart.Planned) -> tuple[str, str, str]:
    order = "" if one.order is None else str(one.order)
    return one.name, order, f"{one.delay_s} s" if one.delay_s else ""
