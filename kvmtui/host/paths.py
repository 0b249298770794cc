"""Where kvmtui keeps things on this machine."""

from __future__ import annotations

import os

SYSTEM_HOME = "/var/lib/kvmtui"
SYSTEM_CONFIG = "/etc/kvmtui/config.yaml"


def default_home() -> str:
    """``KVMTUI_HOME``, else ``/var/lib/kvmtui`` for root, else ``$XDG_DATA_HOME/kvmtui``."""
    chosen = os.environ.get("KVMTUI_HOME")
    if chosen:
        return absolute(chosen)
    if os.geteuid() == 0:
        return SYSTEM_HOME
    return f"{_base('XDG_DATA_HOME', '~/.local/share')}/kvmtui"


def _base(variable: str, usual: str) -> str:
    """A base folder of the XDG specification, which ignores relative ones."""
    chosen = os.environ.get(variable, "")
    return chosen if chosen.startswith("/") else os.path.expanduser(usual)


def autostart_unit(home: str) -> str:
    """The systemd unit that starts and ends a home's guests with the host.

    Each home has its own; the name of the usual home's says no more than what it is. By
    the user's folder alone: other variables differ between a shell and a unit.
    """
    return _unit("autostart", home)


def watch_unit(home: str) -> str:
    """The systemd unit that watches a home's guests; named as `autostart_unit` is."""
    return _unit("watch", home)


def _unit(verb: str, home: str) -> str:
    usual = SYSTEM_HOME if os.geteuid() == 0 else os.path.expanduser("~/.local/share/kvmtui")
    if home == usual:
        return f"kvmtui-{verb}.service"
    import binascii

    return f"kvmtui-{verb}-{binascii.crc32(os.fsencode(home)):08x}.service"


def absolute(text: str) -> str:
    """An absolute path without ``..``; symbolic links stay as they are."""
    return os.path.abspath(os.path.expanduser(text))


def answer_folders() -> list[str]:
    """Where users keep their own templates of answer files, the user's own last (it wins)."""
    return [f"{os.path.dirname(path)}/unattended" for path in config_files()]


def catalog_files() -> list[str]:
    """Where users add to the catalogue of cloud images, the user's own last (it wins)."""
    return [f"{os.path.dirname(path)}/catalog.yaml" for path in config_files()]


def config_files() -> list[str]:
    """The settings files, the user's own last (it wins)."""
    return [SYSTEM_CONFIG, f"{_base('XDG_CONFIG_HOME', '~/.config')}/kvmtui/config.yaml"]


def profile_folders() -> list[str]:
    """Where users keep profiles of operating systems, the user's own last (it wins)."""
    return [f"{os.path.dirname(path)}/profiles" for path in config_files()]
