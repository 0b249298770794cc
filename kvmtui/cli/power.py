"""The power verbs: several guests at once, each one's failure its own."""

from __future__ import annotations

from kvmtui.cli.context import Context, tell_failure
from kvmtui.errors import KvmtuiError, UsageError, told_os_error
from kvmtui.manage.views import Outcome
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Sequence

    from kvmtui.manage.fleet import Fleet

    Result = tuple[str, Outcome | KvmtuiError]

_WORKERS = 8


def _configure_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="all guests")
    parser.add_argument("--tag", action="append", default=[], help="all guests with this tag")


configure_start = _configure_names
configure_stop = _configure_names
configure_reset = _configure_names
configure_pause = _configure_names
configure_resume = _configure_names


def configure_shutdown(parser: argparse.ArgumentParser) -> None:
    """Arguments of `shutdown`."""
    _configure_names(parser)
    parser.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help="default 60")
    parser.add_argument("--force", action="store_true", help="pull the plug after that")


def configure_reboot(parser: argparse.ArgumentParser) -> None:
    """Arguments of `reboot`."""
    _configure_names(parser)
    parser.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help="default 60")


def seconds(text: str) -> float:
    """A duration on the command line; argparse tells what is wrong with it."""
    value = float(text)
    if not 0 <= value <= 1e7:
        raise ValueError(text)
    return value


def chosen_names(
    arguments: argparse.Namespace, context: Context, verb: str, *, running: bool | None
) -> list[str]:
    """The guests a verb is for: those named, or by tag, or all that it can act on.

    Args:
        running: For ``--all`` and ``--tag``: only those with a process, only those
            without one, or (None) all.

    Raises:
        UsageError: None are named.
    """
    if not arguments.names and not arguments.all and not arguments.tag:
        raise UsageError(f"{verb}: which guest", hint=f"kvmtui {verb} NAME, --tag TAG or --all")
    if arguments.names and (arguments.all or arguments.tag):
        raise UsageError(f"{verb}: names do not go with --all or --tag")
    library = context.library
    names = list(dict.fromkeys(arguments.names))
    if arguments.all or arguments.tag:
        from kvmtui.manage.looking import look

        for view in look(library):
            if arguments.tag and not set(arguments.tag) & set(view.tags):
                continue
            if running is not None and (view.pid is not None) != running:
                continue
            if view.name not in names:
                names.append(view.name)
    return names


def attempt(name: str, act: Callable[[], Outcome]) -> Result:
    """Do something to a guest; its failure is a result too."""
    try:
        return name, act()
    except KvmtuiError as error:
        return name, error
    except OSError as error:
        return name, told_os_error(name, error)


def report(
    context: Context,
    verb: str,
    results: Sequence[Result],
    *,
    extra: dict[str, object] | None = None,
    named: bool = False,
) -> int:
    """Tell each result; the exit status is 1 when any failed.

    Args:
        extra: What each JSON document says besides.
        named: Whether failures say themselves what they are about.
    """
    status = 0
    documents = []
    noted: set[str] = set()
    extra = extra or {}
    for name, result in results:
        if isinstance(result, KvmtuiError):
            tell_failure(result if named else _named(name, result))
            status = max(status, 1 if len(results) > 1 else result.exit_status)
            documents.append({"name": name, "ok": False, "error": result.message, **extra})
            continue
        context.say(result.message)
        for note in result.note.splitlines():
            if note not in noted:
                context.note(note)
            noted.add(note)
        done = {"name": name, "ok": True, "changed": result.changed, "message": result.message}
        documents.append({**done, **extra})
    if context.as_json:
        context.document(documents)
    elif not results:
        context.say(f"{verb}: nothing to do")
    return status


def _named(name: str, error: KvmtuiError) -> KvmtuiError:
    """The failure with the guest's name in front, where it does not say it itself."""
    if not name or error.message.startswith(
        (f"{name}:", f"{name} ", f"'{visible(name)}'", f"{visible(name, limit=80)}:")
    ):
        return error
    return KvmtuiError(f"{name}: {error.message}", hint=error.hint)


def run_start(arguments: argparse.Namespace, context: Context) -> int:
    """Start guests; one alone without asyncio, several in threads."""
    from kvmtui.manage.starting import start

    library = context.library
    names = chosen_names(arguments, context, "start", running=False)

    def one(name: str) -> Result:
        return attempt(name, lambda: start(library, name))

    if len(names) < 2:
        return report(context, "start", [one(name) for name in names])
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_WORKERS) as pool:
        return report(context, "start", list(pool.map(one, names)))


def _run_each(
    arguments: argparse.Namespace,
    context: Context,
    verb: str,
    act: Callable[[Fleet, str], Awaitable[Outcome]],
) -> int:
    import asyncio

    from kvmtui.manage.fleet import Fleet

    fleet = Fleet(context.library)
    names = chosen_names(arguments, context, verb, running=True)
    results = asyncio.run(fleet.each(names, lambda name: act(fleet, name)))
    return report(context, verb, results)


def run_shutdown(arguments: argparse.Namespace, context: Context) -> int:
    """Shut guests down."""
    return _run_each(
        arguments,
        context,
        "shutdown",
        lambda fleet, name: fleet.shutdown(
            name, timeout_s=arguments.timeout, force=arguments.force
        ),
    )


def run_reboot(arguments: argparse.Namespace, context: Context) -> int:
    """Shut guests down and start them again."""
    return _run_each(
        arguments,
        context,
        "reboot",
        lambda fleet, name: fleet.reboot(name, timeout_s=arguments.timeout),
    )


def run_stop(arguments: argparse.Namespace, context: Context) -> int:
    """Pull the plug."""
    return _run_each(arguments, context, "stop", lambda fleet, name: fleet.stop(name))


def run_reset(arguments: argparse.Namespace, context: Context) -> int:
    """Press the reset button."""
    return _run_each(arguments, context, "reset", lambda fleet, name: fleet.reset(name))


def run_pause(arguments: argparse.Namespace, context: Context) -> int:
    """Halt the processors."""
    return _run_each(arguments, context, "pause", lambda fleet, name: fleet.pause(name))


def run_resume(arguments: argparse.Namespace, context: Context) -> int:
    """Let guests go on."""
    return _run_each(arguments, context, "resume", lambda fleet, name: fleet.resume(name))
