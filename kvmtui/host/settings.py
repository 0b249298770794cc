"""Settings of ``config.yaml``: for all users in /etc, and a user's own over it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kvmtui.errors import DefinitionError, HostError
from kvmtui.host.accounts import Account, account
from kvmtui.host.paths import config_files
from kvmtui.strict_yaml import read_mapping
from kvmtui.text import visible

DEFAULT_RUN_AS = "kvmtui"


class Thresholds(NamedTuple):
    """Above what a figure is told to be too much; None: never."""

    cpu_percent: float | None = 90.0
    """Of a guest's own processors, 100 is all of them."""
    disk_latency_ms: float | None = 200.0
    """Mean of a guest's reads and writes."""
    storage_percent: float | None = 90.0
    """Used of a file system: the home's, and others with guests' disks."""
    for_s: float = 60.0
    """For how long, before `watch` notes it."""


class Settings(NamedTuple):
    """What a user set."""

    run_as: str | None = None
    """The user that QEMU is executed as when root starts it; None: ``kvmtui`` if it exists."""
    theme: str | None = None
    """The name of the interface's theme; None: what suits the terminal."""
    glyphs: str = "auto"
    mouse: str = "auto"
    pictures: str = "auto"
    """How a guest's graphical screen is drawn."""
    detail: str = "auto"
    """Where the detail of a guest is shown."""
    interval: float = 1.0
    """Seconds from one sample to the next."""
    thresholds: Thresholds = Thresholds()
    metrics: str | None = None
    """Where `watch` tells metrics, ``ADDRESS:PORT``; None: nowhere."""
    budget: float | None = None
    """The bytes a second that the interface may send before its graphs slow down."""
    keys: Mapping[str, Any] = MappingProxyType({})
    """The keys of actions by their names, not yet checked."""


_CHOICES = {
    "glyphs": ("auto", "unicode", "blocks", "ascii"),
    "mouse": ("auto", "on", "off"),
    "pictures": ("auto", "blocks", "off"),
    "detail": ("auto", "beside", "below", "off"),
}
_INTERVAL_S = (0.2, 60)
_LEAST_BUDGET = 100


_THRESHOLDS = {
    "cpu_percent": (1, 100),
    "disk_latency_ms": (0.1, 600000),
    "storage_percent": (1, 100),
    "for_s": (0, 86400),
}


def _threshold_fault(found: Any) -> str:
    """What is wrong with ``thresholds``; empty when nothing is."""
    if not isinstance(found, dict):
        return f"a mapping of {', '.join(_THRESHOLDS)} is expected"
    for key, value in found.items():
        if key not in _THRESHOLDS:
            return f"{visible(str(key), limit=60)}: unknown key, not {', '.join(_THRESHOLDS)}"
        if value is None and key != "for_s":
            continue
        least, most = _THRESHOLDS[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not least <= value <= most:
            return f"{key}: a number from {least} to {most} is expected"
    return ""


def _fault(key: str, value: Any) -> str:
    """What is wrong with a setting; empty when nothing is."""
    if key not in Settings._fields:
        return "unknown key"
    if key == "keys":
        return "" if isinstance(value, dict) else "a mapping of actions to keys is expected"
    if key == "thresholds":
        return _threshold_fault(value)
    if key == "budget":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        enough = number and value >= _LEAST_BUDGET
        return "" if enough else f"{_LEAST_BUDGET} bytes a second or more"
    if key == "interval":
        least, most = _INTERVAL_S
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number and least <= value <= most else f"{least} to {most} seconds"
    if not isinstance(value, str):
        return "text is expected"
    choices = _CHOICES.get(key, (value,))
    return "" if value in choices else f"'{visible(value)}' is none of {', '.join(choices)}"


def _read(path: str, faults: list[str]) -> dict[str, Any]:
    """The settings of one file that are right; the others are told."""
    try:
        with open(path, "rb") as file:
            found = read_mapping(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        faults.append(f"{path}: {error.strerror}")
        return {}
    except DefinitionError as error:
        faults.extend(f"{path}: {problem}" for problem in error.problems)
        return {}
    told = {key: _fault(str(key), value) for key, value in found.items()}
    faults.extend(f"{path}: {visible(str(key))}: {text}" for key, text in told.items() if text)
    return {key: value for key, value in found.items() if not told[key]}


def read_settings() -> tuple[Settings, list[str]]:
    """Read the settings files; what is faulty in them keeps its default and is told."""
    faults: list[str] = []
    values: dict[str, Any] = {}
    for path in config_files():
        found = _read(path, faults)
        merged = {
            key: {**values.get(key, {}), **found.get(key, {})} for key in ("keys", "thresholds")
        }
        values = {**values, **found, **merged}
    values["thresholds"] = Thresholds(**values["thresholds"])
    return Settings(**values), faults


def load_settings() -> Settings:
    """Read the settings files.

    Raises:
        DefinitionError: A file is not valid; names the file and the key.
    """
    settings, faults = read_settings()
    if faults:
        raise DefinitionError(faults)
    return settings


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
