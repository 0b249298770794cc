"""The options that say what is to be so at a guest's first login."""

from __future__ import annotations

import argparse
import getpass
import sys

from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.first_login import FirstLogin, StaticAddress, read_bounded
from kvmtui.guest.seed_image import MOST_BYTES
from kvmtui.guest.user_data import LARGEST_BYTES
from kvmtui.manage import first_logins
from kvmtui.text import visible

_OPTIONS = (
    ("--hostname", "host_name", "NAME", "its host name; default: as the guest"),
    ("--user", "user", "NAME", "who logs in; default: the image's own user"),
    ("--locale", "locale", "NAME", "de_DE.UTF-8, or host for this machine's"),
    ("--keyboard", "keyboard", "NAME", "de, or host"),
    ("--timezone", "timezone", "NAME", "Europe/Berlin, or host"),
    ("--address", "address", "IP/LENGTH", "a fixed address: 192.0.2.5/24"),
    ("--gateway", "gateway", "IP", "its gateway"),
    ("--mirror", "mirror", "URL", "where packages come from; default: the system's own place"),
    ("--proxy", "proxy", "URL", "the proxy for that"),
)
_LISTS = (
    ("--ssh-key", "ssh_keys", "FILE|URL", "public keys that log in; several times for more"),
    ("--dns", "dns", "IP", "a name server, with --address"),
    ("--package", "packages", "NAME", "a package to install"),
    ("--run", "run", "COMMAND", "a shell's command as root, at the end"),
)


def add_first_login(parser: argparse.ArgumentParser) -> None:
    """Add the options, in a group of their own."""
    group = parser.add_argument_group("first login, by cloud-init or the installer's answers")
    for option, name, metavar, text in _OPTIONS:
        group.add_argument(option, dest=f"login_{name}", metavar=metavar, help=text)
    for option, name, metavar, text in _LISTS:
        group.add_argument(
            option, dest=f"login_{name}", metavar=metavar, help=text, action="append", default=[]
        )
    group.add_argument("--password", action="store_true", help="ask for a password")
    group.add_argument(
        "--password-file", metavar="FILE", help="the password, or its hash; - is standard input"
    )
    group.add_argument("--user-data", metavar="FILE", help="your own, for cloud-init")
    group.add_argument(
        "--seed-file",
        action="append",
        default=[],
        dest="seed_files",
        metavar="NAME=FILE",
        help="your own in the place of a file that would be made: preseed.cfg=mine.cfg",
    )
    group.add_argument(
        "--show-seed", action="store_true", help="show the files that would be made; make nothing"
    )


def is_asked_for(arguments: argparse.Namespace) -> bool:
    """Whether any of the options was given."""
    names = [f"login_{name}" for _, name, _, _ in (*_OPTIONS, *_LISTS)]
    given = [*names, "password", "password_file", "user_data", "seed_files", "show_seed"]
    return any(getattr(arguments, name) for name in given)


def own_user_data(arguments: argparse.Namespace) -> bytes | None:
    """The user's own user-data; None where none is named."""
    if arguments.user_data is None:
        return None
    return read_bounded(arguments.user_data, LARGEST_BYTES + 1)


def own_files(arguments: argparse.Namespace) -> dict[str, bytes]:
    """The user's own files, in the place of a seed's.

    Raises:
        UsageError: One is named twice, or cannot be read.
    """
    found: dict[str, bytes] = {}
    for word in arguments.seed_files:
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise UsageError(f"--seed-file {visible(word)} is not NAME=FILE")
        if name in found or (name == "user-data" and arguments.user_data is not None):
            raise UsageError(f"{visible(name)} is given twice")
        found[name] = read_bounded(path, MOST_BYTES + 1)
    return found


def first_login_of(arguments: argparse.Namespace, *, own_keys: bool = False) -> FirstLogin:
    """The wishes, from the options.

    Args:
        own_keys: Whether the caller's own keys log in where nothing else would let anybody.

    Raises:
        UsageError: They contradict each other, or a file cannot be read.
        KvmtuiError: A file holds no keys.
    """
    given = {name: getattr(arguments, f"login_{name}") for _, name, _, _ in (*_OPTIONS, *_LISTS)}
    locale, keyboard, timezone = first_logins.region(
        given["locale"] or "", given["keyboard"] or "", given["timezone"] or ""
    )
    return FirstLogin(
        host_name=given["host_name"] or "",
        user=given["user"] or "",
        ssh_keys=_keys(given["ssh_keys"]) or _usual_keys(arguments, own_keys),
        password_hash=_password(arguments),
        locale=locale,
        keyboard=keyboard,
        timezone=timezone,
        address=_address(given["address"], given["gateway"], given["dns"]),
        packages=given["packages"],
        run=given["run"],
        mirror=given["mirror"] or "",
        proxy=given["proxy"] or "",
    )


def _keys(files: list[str]) -> list[str]:
    found = [key for file in files for key in first_logins.keys_of(file)]
    return list(dict.fromkeys(found))


def _usual_keys(arguments: argparse.Namespace, own_keys: bool) -> list[str]:
    """The caller's own keys, where nothing else would let anybody in."""
    others = arguments.password or arguments.password_file or arguments.user_data
    others = others or arguments.seed_files
    return first_logins.own_keys() if (own_keys or arguments.cloud_image) and not others else []


def _address(address: str | None, gateway: str | None, dns: list[str]) -> StaticAddress | None:
    if address is None:
        if gateway or dns:
            raise UsageError("--gateway and --dns go with --address", hint="--address IP/LENGTH")
        return None
    return StaticAddress(address, gateway, dns)


def _password(arguments: argparse.Namespace) -> str | None:
    if arguments.password_file == "-":
        secret = first_logins.first_line(sys.stdin.buffer.read(4096))
    elif arguments.password_file is not None:
        secret = first_logins.password_of_file(arguments.password_file)
    elif arguments.password:
        if not sys.stdin.isatty():
            raise UsageError("there is no terminal to ask for a password", hint="--password-file -")
        secret = getpass.getpass("password of the guest's user: ").encode()
        if getpass.getpass("again: ").encode() != secret:
            raise KvmtuiError("the two passwords differ; nothing was done")
    else:
        return None
    return first_logins.password_hash(secret)
