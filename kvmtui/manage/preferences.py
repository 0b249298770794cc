"""tmp"""

from typing import Any, NamedTuple


class Preferences(NamedTuple):
    theme: str | None = None
    glyphs: Any = "auto"
    mouse: str = "auto"
    detail: Any = "auto"
    interval_s: float = 1.0
    keys: dict = {}


def load_preferences():
    return Preferences(), []
