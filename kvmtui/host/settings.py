"""Settings of ``config.yaml``: for all users in /etc, and a user's own over it."""

from __future__ import annotations

from typing import Any, NamedTuple

from kvmtui.errors import DefinitionError, HostError
from kvmtui.host.accounts import Account, account
from kvmtui.host.paths import config_files
from kvmtui.strict_yaml import read_mapping
from kvmtui.text import visible

DEFAULT_RUN_AS = "kvmtui"


class Settings(NamedTuple):
    """What a user set."""

    run_as: str | None = None
    """The user that QEMU is executed as when root starts it; None: ``kvmtui`` if it exists."""


def load_settings() -> Settings:
    """Read the settings files.

    Raises:
        DefinitionError: A file is not valid; names the file and the key.
    """
    values: dict[str, Any] = {}
    for path in config_files():
        try:
            with open(path, "rb") as file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            found = read_mapping(data)
        except DefinitionError as error:
            raise DefinitionError([f"{path}: {problem}" for problem in error.problems]) from None
        for key, value in found.items():
            if key not in Settings._fields:
                raise DefinitionError([f"{path}: {visible(str(key))}: unknown key"])
            if not isinstance(value, str):
                raise DefinitionError([f"{path}: {key}: text is expected"])
        values |= found
    return Settings(**values)


def run_as_account() -> Account | None:
    """The user that a new home of root is given to; None: root itself.

    Raises:
        HostError: ``run_as`` names a user that does not exist.
    """
    chosen = load_settings().run_as
    found = account(chosen or DEFAULT_RUN_AS)
    if chosen is not None and found is None:
        raise HostError(
            f"run_as names the user '{visible(chosen)}', who does not exist",
            hint=f"useradd --system --shell /usr/sbin/nologin {visible(chosen)}",
        )
    return found
