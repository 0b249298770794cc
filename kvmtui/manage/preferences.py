"""How a person wants the interface to be: the door to the settings for what is seen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from kvmtui.host.paths import config_files
from kvmtui.host.settings import Thresholds, read_settings


class Preferences(NamedTuple):
    """The settings of the interface; a faulty one has its default and a complaint."""

    theme: str | None
    """None: what suits the terminal."""
    glyphs: Literal["auto", "unicode", "blocks", "ascii"]
    mouse: Literal["auto", "on", "off"]
    detail: Literal["auto", "beside", "below", "off"]
    interval_s: float
    budget: float | None
    """The bytes a second that the interface may send before its graphs slow down; None: all."""
    keys: Mapping[str, Any]
    """Keys by the names of actions, as they stand in the files."""
    theme_folders: tuple[Path, ...]
    """Where themes may lie, the user's own last: of one name the last is taken."""
    complaints: tuple[str, ...]
    """One line each: file, key, what is wrong."""
    pictures: Literal["auto", "blocks", "off"] = "auto"
    """How a graphical screen is drawn: as the terminal best can, in half blocks, or not."""
    thresholds: Thresholds = Thresholds()
    """For `thresholds.over`: what is too much."""


def load_preferences() -> Preferences:
    """Read the settings of the interface. Nothing in them keeps it from starting."""
    settings, faults = read_settings()
    return Preferences(
        theme=settings.theme,
        glyphs=cast(Literal["auto", "unicode", "blocks", "ascii"], settings.glyphs),
        mouse=cast(Literal["auto", "on", "off"], settings.mouse),
        detail=cast(Literal["auto", "beside", "below", "off"], settings.detail),
        interval_s=float(settings.interval),
        budget=None if settings.budget is None else float(settings.budget),
        keys=settings.keys,
        theme_folders=tuple(Path(path).parent / "themes" for path in config_files()),
        complaints=tuple(faults),
        pictures=cast(Literal["auto", "blocks", "off"], settings.pictures),
        thresholds=settings.thresholds,
    )
