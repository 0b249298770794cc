"""`check` and `setup`: whether guests can run here, and what is missing."""

from __future__ import annotations

import contextlib
import os
import sys

from kvmtui.cli.context import Context
from kvmtui.errors import KvmtuiError
from kvmtui.host.check_run import Result
from kvmtui.manage.checking import Report, check_host
from kvmtui.manage.measured import table_of
from kvmtui.manage.setting_up import Action, actions_for, carry_out
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import Any

    from kvmtui.host.accelerator import Progress

_CONTRACT = ("id", "title", "status", "detail", "remedy", "measured")
_TROUBLE = ("fail", "warn", "unknown")


def configure_check(parser: argparse.ArgumentParser) -> None:
    """Arguments of `check`."""
    parser.add_argument(
        "--measure",
        action="store_true",
        help="boot and time a test under each accelerator, instead of what was measured before",
    )


def run_check(arguments: argparse.Namespace, context: Context) -> int:
    """Tell all checks; 1 when one fails that keeps guests from running."""
    with told_while(context, arguments.measure) as told:
        report = check_host(context.library, measure=arguments.measure, told=told)
    if context.as_json:
        context.document(to_json(report))
    for line in to_lines(report):
        context.say(line)
    if report.serves:
        return 0
    first = report.failed[0]
    raise KvmtuiError(f"no guest can run here: {first.id}: {first.detail}", hint=first.remedy or "")


def to_json(report: Report) -> list[dict[str, Any]]:
    """The results as the contract has them."""
    return [{key: getattr(one, key) for key in _CONTRACT} for one in report.results]


def to_lines(report: Report) -> list[str]:
    """The verdict, what is not well with its remedy, the rest in a line each."""
    counts = [f"{number} {status}" for status in _TROUBLE if (number := report.count(status))]
    counts.append(f"{report.count('ok')} ok")
    lines = [visible(report.words, limit=600), ", ".join(counts), ""]
    width = max(len(one.id) for one in report.results)
    for status in _TROUBLE:
        for one in report.results:
            if one.status == status:
                lines += _trouble(one, width)
    fine = [one for one in report.results if one.status == "ok"]
    lines.append("")
    for one in fine:
        lines.append(f"ok       {one.id.ljust(width)}  {one.detail}")
        lines += _figures(one, width)
    return lines


def _figures(one: Result, width: int) -> list[str]:
    """Each accelerator and CPU model that was measured, a line each."""
    return [f"{' ' * (width + 11)}{line}" for line in table_of(one.measured)]


@contextlib.contextmanager
def told_while(context: Context, measure: bool) -> Iterator[Callable[[Progress], None]]:
    """A line of progress on standard error, on a terminal only; gone afterwards."""
    dumb = os.environ.get("TERM", "") in ("", "dumb") or not sys.stderr.isatty()
    if not measure or context.quiet or dumb:
        yield lambda _: None
        return

    def tell(progress: Progress) -> None:
        step = f"measuring, {progress.number} of {progress.of}: {progress.candidate}"
        step += f" (at most {progress.limit_s:.1f} s)"
        _write(f"\r{step[: _columns() - 1]}\x1b[K")

    try:
        yield tell
    finally:
        _write("\r\x1b[K")


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def _write(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _trouble(one: Result, width: int) -> list[str]:
    lines = [f"{one.status.ljust(7)}  {one.id.ljust(width)}  {one.title}: {one.detail}"]
    lines += _figures(one, width)
    if one.remedy:
        lines.append(f"{' ' * (width + 11)}try: {visible(one.remedy, limit=1000)}")
    return lines


def configure_setup(parser: argparse.ArgumentParser) -> None:
    """Arguments of `setup`."""
    parser.description = (
        "Show what this host lacks: packages, a group, a user, rules of udev and modprobe, "
        "lingering. With --yes run those commands, and no others."
    )


def run_setup(arguments: argparse.Namespace, context: Context) -> int:
    """Show the commands; with ``--yes``, and as root, run them one after the other."""
    report = check_host(context.library)
    actions = actions_for(report.results)
    if not actions:
        context.say("nothing that a program can set up is missing; kvmtui check tells the rest")
    elif not context.yes:
        for action in actions:
            context.say(f"{_purpose(action)}\n  {action.line}")
        context.say("nothing was done: kvmtui setup --yes runs these")
    elif os.geteuid() != 0:
        for action in actions:
            context.say(action.line)
    if not context.yes:
        _offer_watch(context)
    if context.yes and os.geteuid() == 0:
        return _carry_out_all(actions, context)
    if context.as_json:
        context.document([_told(action, None) for action in actions])
    if actions and context.yes:
        raise KvmtuiError("setup: nothing was done: it takes root", hint=actions[0].line)
    return 0


def _offer_watch(context: Context) -> None:
    """Tell of the optional process that is always there, where nothing starts it."""
    from kvmtui.manage.watching import is_in_place

    with contextlib.suppress(KvmtuiError):
        if not is_in_place(context.library):
            context.say(
                "optional: kvmtui watch enable keeps figures of a day, foresees a full storage, "
                "bounds logs and reports crashes"
            )


def _carry_out_all(actions: list[Action], context: Context) -> int:
    """Run all; what comes after a failed one for the same check is left out."""
    failures: dict[str, str] = {}
    told = []
    for action in actions:
        if any(check in failures for check in action.checks):
            told.append(_told(action, "an earlier command failed"))
            continue
        context.note(f"running: {action.line}")
        failure = carry_out(action)
        told.append(_told(action, failure, ran=True))
        if failure is not None:
            failures.update(dict.fromkeys(action.checks, failure))
            context.note(f"{action.line}: {failure}")
    if context.as_json:
        context.document(told)
    if failures:
        raise KvmtuiError(f"setup: {', '.join(failures)}: not repaired", hint="kvmtui check")
    if actions:
        context.say("done: kvmtui check tells what is left")
    return 0


def _purpose(action: Action) -> str:
    return f"{action.step.kind} (for {', '.join(action.checks)}):"


def _told(action: Action, failure: str | None, *, ran: bool = False) -> dict[str, Any]:
    return {
        "checks": list(action.checks),
        "kind": action.step.kind,
        "command": action.line,
        "done": ran and failure is None,
        "error": failure,
    }
