"""`create`: a guest from options or from a file."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from kvmtui.cli.context import Context
from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.editing import Change, apply_to_plain
from kvmtui.manage import creating
from kvmtui.manage.options import disk_of, network_of
from kvmtui.strict_yaml import LARGEST_BYTES, read_mapping, read_yaml
from kvmtui.text import visible

_PLAIN_OPTIONS = ("os", "memory", "firmware", "arch", "accelerator", "append")


def configure_create(parser: argparse.ArgumentParser) -> None:
    """Arguments of `create`."""
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--from", dest="source", metavar="FILE", help="a definition in YAML")
    parser.add_argument("--os", help="operating system, as a short id: debian12")
    parser.add_argument("--memory", metavar="SIZE", help="such as 2G")
    parser.add_argument("--cpus", metavar="N")
    parser.add_argument(
        "--disk",
        action="append",
        default=[],
        metavar="SIZE|FILE[,KEY=VALUE…]",
        help="20G makes an image, a path takes one; keys: format, bus, cache, size, read_only …",
    )
    parser.add_argument("--cdrom", action="append", default=[], metavar="FILE")
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="user|bridge=NAME|tap=NAME|none[,KEY=VALUE…]",
    )
    parser.add_argument("--forward", action="append", default=[], metavar="HOSTPORT:GUESTPORT")
    parser.add_argument("--kernel", metavar="FILE")
    parser.add_argument("--initrd", metavar="FILE")
    parser.add_argument("--append", metavar="TEXT", help="the kernel's command line")
    parser.add_argument("--firmware", choices=("bios", "uefi"))
    parser.add_argument("--arch", choices=("x86_64", "aarch64", "riscv64"))
    parser.add_argument("--accelerator", choices=("auto", "kvm", "tcg"))
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="changes")
    parser.add_argument("--start", action="store_true", help="start it at once")


def run_create(arguments: argparse.Namespace, context: Context) -> int:
    """Define a guest, and start it where asked to."""
    text, plain = _read_source(arguments.source)
    name = arguments.name or plain.get("name") or _stem(arguments.source)
    if name is None:
        raise UsageError("create: which name", hint="kvmtui create NAME")
    if not isinstance(name, str):
        raise UsageError(
            "create: the file's name is no text", hint="kvmtui create NAME --from FILE"
        )
    plain.pop("name", None)
    _apply_options(plain, arguments)
    changes = [Change.parse(assignment) for assignment in arguments.changes]
    if changes:
        plain = apply_to_plain(creating.prepare(plain), changes)
    library = context.library
    outcome = creating.create(library, name, plain, text=text)
    context.say(outcome.message)
    started = None
    if arguments.start:
        from kvmtui.manage.starting import start

        started = start(library, name)
        context.say(started.message)
        context.note(started.note)
    else:
        context.note(outcome.note)
    if context.as_json:
        context.document({"name": name, "started": started is not None})
    return 0


def _read_source(source: str | None) -> tuple[str | None, dict[str, Any]]:
    if source is None:
        return None, {}
    try:
        with open(source, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise KvmtuiError(f"{visible(source)}: {error.strerror}") from None
    plain = read_mapping(data)
    return data.decode("utf-8"), creating.anchor_paths(plain, Path(source).absolute().parent)


def _stem(source: str | None) -> str | None:
    return Path(source).stem if source else None


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
    if arguments.disk:
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
