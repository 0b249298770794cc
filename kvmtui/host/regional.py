"""Language, keyboard and time zone of this machine, where it tells them."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

_ZONES = "/zoneinfo/"


def locale(root: Path = Path("/")) -> str:
    """The system's locale, such as ``en_US.UTF-8``; empty where it tells none."""
    for file in ("etc/locale.conf", "etc/default/locale"):
        found = _assignments(root / file).get("LANG", "")
        if re.fullmatch(r"[A-Za-z_]+\.(UTF-8|utf8)", found):
            return found.replace("utf8", "UTF-8")
    return ""


def keyboard(root: Path = Path("/")) -> str:
    """The keyboard's layout, such as ``de``; empty where it tells none."""
    for file, key in (("etc/default/keyboard", "XKBLAYOUT"), ("etc/vconsole.conf", "KEYMAP")):
        found = _assignments(root / file).get(key, "").split(",")[0]
        if re.fullmatch(r"[a-z]{2,8}", found):
            return found
    return ""


def timezone(root: Path = Path("/")) -> str:
    """The time zone, such as ``Europe/Berlin``; empty where it tells none."""
    try:
        goal = os.readlink(root / "etc/localtime")
    except OSError:
        goal = ""
    name = goal.partition(_ZONES)[2] or _first_line(root / "etc/timezone")
    return name if re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", name) else ""


def _first_line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""


def _assignments(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            try:
                words = shlex.split(value)
            except ValueError:
                continue
            found[key.strip()] = words[0] if words else ""
    return found
