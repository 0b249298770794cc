"""Networks of this machine that guests can be plugged into."""

from __future__ import annotations

import os

_CLASS = "/sys/class/net"


def is_bridge(name: str) -> bool:
    """Whether an interface of this name is a bridge."""
    return os.path.isdir(f"{_CLASS}/{name}/bridge")


def bridges() -> list[str]:
    """The bridges, by name."""
    try:
        names = sorted(os.listdir(_CLASS))
    except OSError:
        return []
    return [name for name in names if is_bridge(name)]
