"""`list` and `show`."""

from __future__ import annotations

from kvmtui.cli.context import Context, table
from kvmtui.guest.units import format_duration, format_size
from kvmtui.manage.addresses import with_addresses
from kvmtui.manage.looking import look

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from kvmtui.manage.showing import Details
    from kvmtui.manage.views import GuestView

_HEADS = ("NAME", "STATE", "VCPU", "MEMORY", "USED", "UP", "ACC", "ADDRESSES")
_RIGHT = frozenset({2, 3, 4, 5})


def configure_list(parser: argparse.ArgumentParser) -> None:
    """Arguments of `list`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="these guests only")
    parser.add_argument("--tag", action="append", default=[], help="guests with this tag only")


def run_list(arguments: argparse.Namespace, context: Context) -> int:
    """Print all guests."""
    views = look(context.library, arguments.names or None)
    if arguments.tag:
        views = [view for view in views if set(arguments.tag) & set(view.tags)]
    views = with_addresses(context.library, views)
    if context.as_json:
        context.document([view_document(view) for view in views])
        return 0
    if not views:
        context.say("no guests")
        return 0
    context.say(table(_HEADS, [_row(view) for view in views], _RIGHT))
    for view in views:
        if view.error:
            context.note(f"{view.name}: {view.error}")
    return 0


def view_document(view: GuestView) -> dict[str, object]:
    """A view with the contract's JSON names."""
    plain: dict[str, object] = view._asdict()
    del plain["answers"]
    plain["addresses"] = list(view.addresses)
    plain["tags"] = list(view.tags)
    return plain


def _row(view: GuestView) -> tuple[str, ...]:
    return (
        view.name,
        "installing" if view.installing and view.state == "running" else view.state,
        "" if view.cpus is None else str(view.cpus),
        "" if view.memory_bytes is None else format_size(view.memory_bytes),
        "" if view.memory_resident_bytes is None else format_size(view.memory_resident_bytes),
        "" if view.uptime_s is None else format_duration(view.uptime_s),
        view.accelerator or "",
        " ".join(view.addresses),
    )


def configure_show(parser: argparse.ArgumentParser) -> None:
    """Arguments of `show`."""
    parser.add_argument("name", metavar="NAME")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--argv", action="store_true", help="the shell line QEMU is started with")
    what.add_argument("--yaml", action="store_true", help="the definition as it stands")


def run_show(arguments: argparse.Namespace, context: Context) -> int:
    """Print one guest."""
    from kvmtui.manage import showing

    if arguments.yaml:
        from kvmtui.manage.changing import definition_text

        text = definition_text(context.library, arguments.name)
        if context.as_json:
            context.document({"yaml": text})
        else:
            context.say(text.rstrip("\n"))
        return 0
    details = showing.details(context.library, arguments.name, argv_needed=arguments.argv)
    details = details._replace(view=with_addresses(context.library, [details.view])[0])
    if context.as_json:
        context.document({**view_document(details.view), **showing.details_document(details)})
    elif arguments.argv:
        import shlex

        folder = shlex.quote(details.directory + "/run")
        context.say(f"cd {folder} && {shlex.join(details.argv or [])}")
    else:
        context.say(_told(details))
    return 0


def _told(details: Details) -> str:
    from kvmtui.text import visible

    view = details.view
    state = "installing" if view.installing and view.state == "running" else view.state
    rows = [("state", f"{state}  {visible(view.error)}" if view.error else state)]
    if view.pid is not None:
        rows.append(("process", f"pid {view.pid}, {view.accelerator}, up {_up(view)}"))
    rows.append(("system", f"{view.os or 'other'}, {view.arch}, {view.cpus} vCPU"))
    if view.memory_bytes is not None:
        rows.append(("memory", format_size(view.memory_bytes)))
    rows += [("disk", f"{visible(disk['file'])}  {disk['format']}") for disk in details.disks]
    rows += [("cdrom", visible(file) if file else "empty") for file in details.cdroms]
    rows += [("network", _network_line(network)) for network in details.networks]
    if view.addresses:
        rows.append(("addresses", " ".join(view.addresses)))
    if view.tags:
        rows.append(("tags", " ".join(view.tags)))
    if details.autostart:
        rows.append(("autostart", details.autostart))
    if view.description:
        rows.append(("about", visible(view.description)))
    if details.accelerator_reason is not None:
        rows.append(("runs under", visible(details.accelerator_reason["words"], limit=600)))
    if details.last_stop is not None:
        when = details.last_stop.time or "at a time nobody saw"
        rows.append(("last stop", f"{when}: {details.last_stop.words}"))
    rows.append(("directory", visible(details.directory, limit=4200)))
    width = max(len(label) for label, _ in rows)
    return "\n".join([view.name, *(f"  {label.ljust(width)}  {text}" for label, text in rows)])


def _up(view: GuestView) -> str:
    return format_duration(view.uptime_s or 0)


def _network_line(network: dict[str, object]) -> str:
    words = [str(network["type"]), str(network["mac"]), str(network["model"])]
    forwards = network["forwards"]
    if isinstance(forwards, list):
        words += [str(rule) for rule in forwards]
    return "  ".join(words)
