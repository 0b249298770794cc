"""`create`: a guest from options or from a file."""

from __future__ import annotations

import argparse
import contextlib
import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.cli.first_login import (
    add_first_login,
    first_login_of,
    is_asked_for,
    own_files,
    own_user_data,
)
from kvmtui.cli.power import attempt, report
from kvmtui.errors import DefinitionError, KvmtuiError, UsageError
from kvmtui.guest.editing import Change, apply_to_plain
from kvmtui.guest.names import check_name
from kvmtui.guest.validation import definition_from
from kvmtui.manage import creating
from kvmtui.manage.options import disk_of, network_of
from kvmtui.manage.views import Outcome
from kvmtui.strict_yaml import LARGEST_BYTES, read_mapping, read_yaml
from kvmtui.text import visible

_PLAIN_OPTIONS = ("os", "memory", "firmware", "arch", "accelerator", "append")


def configure_create(parser: argparse.ArgumentParser) -> None:
    """Arguments of `create`."""
    from kvmtui.manage.install_fields import help_of

    parser.add_argument("name", nargs="?", metavar="NAME", help=help_of("name"))
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="a definition in YAML; - reads standard input"
    )
    parser.add_argument("--os", help="a system's short id, such as debian12, for its profile")
    parser.add_argument("--memory", metavar="SIZE", help=help_of("memory"))
    parser.add_argument("--cpus", metavar="N", help=help_of("cpus"))
    parser.add_argument(
        "--disk",
        action="append",
        default=[],
        metavar="SIZE|FILE[,KEY=VALUE…]",
        help=f"{help_of('disk')}; keys: format, bus, cache, size, read_only …",
    )
    parser.add_argument(
        "--cdrom", action="append", default=[], metavar="FILE", help=help_of("cdrom")
    )
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="user|bridge=NAME|tap=NAME|none[,KEY=VALUE…]",
        help="what its card is plugged into; keys: model, mac, boot_file …",
    )
    parser.add_argument(
        *("--forward",),
        action="append",
        default=[],
        metavar="HOSTPORT:GUESTPORT",
        help="a port of the host, for the user network",
    )
    parser.add_argument("--kernel", metavar="FILE", help=help_of("kernel"))
    parser.add_argument("--initrd", metavar="FILE", help=help_of("initrd"))
    parser.add_argument("--append", metavar="TEXT", help=help_of("append"))
    parser.add_argument("--firmware", choices=_choices("firmware"), help=help_of("firmware"))
    parser.add_argument("--arch", choices=_choices("arch"), help="whose machine it is")
    parser.add_argument(
        "--accelerator", choices=_choices("accelerator"), help=help_of("accelerator")
    )
    parser.add_argument("--tag", action="append", default=[], help="a word to choose it by")
    parser.add_argument("--description", metavar="TEXT", help=help_of("description"))
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="changes")
    parser.add_argument("--start", action="store_true", help="start it at once")
    parser.add_argument("--cloud-image", metavar="ID", help="as kvmtui catalog list has it")
    add_first_login(parser)


def _choices(id: str) -> tuple[str, ...]:
    """The values that a key of the definition can have."""
    from kvmtui.manage.install_fields import described

    known = described(id)
    return known.choices if known is not None else ()


def run_create(arguments: argparse.Namespace, context: Context) -> int:
    """Define a guest, and start it where asked to."""
    text, plain = read_source(arguments.source)
    name = _name(arguments, plain)
    own = _problems(plain) if arguments.source else []
    library = context.library
    if arguments.show_seed:
        return _show_seed(context, name, plain, arguments)

    def create() -> Outcome:
        with file_named(arguments.source, own):
            complete, profiled = completed(plain, arguments), arguments.os is not None
            if not arguments.cloud_image and not is_asked_for(arguments):
                return creating.create(library, name, complete, text=text, profiled=profiled)
            return _create_seeded(context, name, complete, arguments, text)

    _, made = attempt(name, create)
    if not arguments.start or not isinstance(made, Outcome):
        return report(context, "create", [(name, made)], extra={"started": False})
    from kvmtui.manage.starting import start

    context.say(made.message)
    _, result = attempt(name, lambda: start(library, name))
    started = isinstance(result, Outcome)
    if isinstance(result, Outcome):
        result = result._replace(note="\n".join(filter(None, (made.note, result.note))))
    return report(context, "create", [(name, result)], extra={"started": started})


def _show_seed(
    context: Context, name: str, plain: dict[str, Any], arguments: argparse.Namespace
) -> int:
    """Print the seed that the guest would find; a cloud image is not fetched for that."""
    from kvmtui.cli.seeds import show_files
    from kvmtui.manage.seeding import with_seed

    check_name(name)
    complete = completed(plain, arguments)
    made = with_seed(
        *(name, complete, first_login_of(arguments)),
        user_data=own_user_data(arguments),
        own=own_files(arguments),
    )
    show_files(context, name, made.answers.label, made.answers.files)
    return 0


def _create_seeded(
    context: Context,
    name: str,
    plain: dict[str, Any],
    arguments: argparse.Namespace,
    text: str | None,
) -> Outcome:
    """Define a guest that finds a seed at its first start, of a cloud image where one is named."""
    from kvmtui.manage.seeding import with_seed

    check_name(name)
    library = context.library
    wants, user_data = first_login_of(arguments), own_user_data(arguments)
    own = own_files(arguments)
    if arguments.cloud_image:
        from kvmtui.cli.image_telling import watcher
        from kvmtui.manage.catalog import create_guest

        return create_guest(
            library,
            name,
            plain,
            arguments.cloud_image,
            wants,
            user_data=user_data,
            own=own,
            text=text,
            watcher=watcher(context),
        )
    seeded = with_seed(name, plain, wants, user_data=user_data, own=own)
    return creating.create(
        library,
        name,
        seeded.plain,
        text=text,
        profiled=arguments.os is not None,
        files=seeded.files,
    )


def _name(arguments: argparse.Namespace, plain: dict[str, Any]) -> str:
    """The name given, else the one in the file, else the file's own."""
    given = plain.pop("name", None)
    name = arguments.name if arguments.name is not None else given or _stem(arguments.source)
    if name is None:
        raise UsageError("create: which name", hint="kvmtui create NAME")
    if not isinstance(name, str):
        raise UsageError(
            "create: the file's name is no text", hint="kvmtui create NAME --from FILE"
        )
    return name


def completed(plain: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """The file's definition with the options' values in it."""
    plain = copy.deepcopy(plain)
    _apply_options(plain, arguments)
    changes = [Change.parse(assignment) for assignment in arguments.changes]
    return apply_to_plain(creating.prepare(plain), changes) if changes else plain


def _problems(plain: dict[str, Any]) -> list[str]:
    try:
        definition_from(creating.prepare(plain))
    except DefinitionError as error:
        return list(error.problems)
    return []


@contextlib.contextmanager
def file_named(source: str | None, own: list[str]) -> Iterator[None]:
    """Name the file in problems of a definition that are its own, not an option's."""
    try:
        yield
    except DefinitionError as error:
        raise DefinitionError(
            [f"{_named(source or '')}: {one}" if one in own else one for one in error.problems],
            hint=error.hint,
        ) from None


def read_source(source: str | None) -> tuple[str | None, dict[str, Any]]:
    if source is None:
        return None, {}
    named = _named(source)
    try:
        with open(0 if source == "-" else source, "rb", closefd=source != "-") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise KvmtuiError(f"{named}: {error.strerror}") from None
    try:
        plain = read_mapping(data)
    except DefinitionError as error:
        raise DefinitionError([f"{named}: {one}" for one in error.problems]) from None
    return data.decode("utf-8"), creating.anchor_paths(plain, Path(source).absolute().parent)


def _named(source: str) -> str:
    return "standard input" if source == "-" else visible(source)


def _stem(source: str | None) -> str | None:
    return Path(source).stem if source not in (None, "-") else None


def _apply_options(plain: dict[str, Any], arguments: argparse.Namespace) -> None:
    for key in _PLAIN_OPTIONS:
        value = getattr(arguments, key)
        if value is not None:
            plain[key] = value
    if arguments.cpus is not None:
        plain["cpus"] = read_yaml(arguments.cpus.encode())
    for key in ("kernel", "initrd"):
        value = getattr(arguments, key)
        if value is not None:
            plain[key] = os.path.abspath(value)
    if arguments.description is not None:
        plain["description"] = arguments.description
    if arguments.tag:
        plain["tags"] = list(arguments.tag)
    if arguments.disk == [""]:
        plain["disks"] = []
    elif arguments.disk:
        plain["disks"] = [*plain.get("disks", []), *map(disk_of, arguments.disk)]
    if arguments.cdrom:
        drives = [{"file": os.path.abspath(path)} for path in arguments.cdrom]
        plain["cdroms"] = [*plain.get("cdroms", []), *drives]
        plain.setdefault("boot", ["disk", "cdrom"])
    _apply_networks(plain, arguments)


def _apply_networks(plain: dict[str, Any], arguments: argparse.Namespace) -> None:
    if arguments.network:
        found = [network_of(text) for text in arguments.network]
        if None in found and len(found) > 1:
            raise UsageError("--network none goes with no other network")
        plain["networks"] = [network for network in found if network is not None]
    if not arguments.forward:
        return
    networks = plain.setdefault("networks", [{}])
    for network in networks:
        if network.get("type", "user") == "user":
            network["forwards"] = [*network.get("forwards", []), *arguments.forward]
            return
    raise UsageError("--forward needs a network of type user", hint="--network user")
