"""Where kvmtui keeps things on this machine."""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM_HOME = "/var/lib/kvmtui"
SYSTEM_CONFIG = "/etc/kvmtui/config.yaml"


def default_home() -> Path:
    """``KVMTUI_HOME``, else ``/var/lib/kvmtui`` for root, else ``$XDG_DATA_HOME/kvmtui``."""
    chosen = os.environ.get("KVMTUI_HOME")
    if chosen:
        return absolute(chosen)
    if os.geteuid() == 0:
        return Path(SYSTEM_HOME)
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "kvmtui"


def absolute(text: str | os.PathLike[str]) -> Path:
    """An absolute path without ``..``; symbolic links stay as they are."""
    return Path(os.path.abspath(Path(text).expanduser()))


def config_files() -> list[Path]:
    """The settings files, the user's own last (it wins)."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else Path.home() / ".config"
    return [Path(SYSTEM_CONFIG), base / "kvmtui" / "config.yaml"]
