"""The themes that can be worn, and which of them suits a terminal.

Stock widgets take their colours from variables; all of those are set to the theme's own
colours, so that they look of one piece with ours and have exact indices in 256 colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from textual.theme import Theme

from kvmtui.errors import DefinitionError
from kvmtui.text import visible
from kvmtui.tui.filters import no_color
from kvmtui.tui.palette import Palette
from kvmtui.tui.sgr import Triplet
from kvmtui.tui.theme_files import ThemeFile, read_theme, triplet

_PACKAGE = Path(__file__).parent.parent
PLAIN_THEME, COLORED_THEME = "terminal", "night"

_VARIABLES = {
    "bg": "scrollbar-background scrollbar-background-hover scrollbar-background-active"
    " scrollbar-corner-color footer-background footer-item-background footer-key-background"
    " footer-description-background block-cursor-blurred-background input-cursor-foreground"
    " background-muted",
    "field": "surface-active block-hover-background primary-muted secondary-muted"
    " accent-muted warning-muted error-muted success-muted",
    "cursor": "cursor block-cursor-background input-selection-background"
    " screen-selection-background link-background-hover",
    "text": "text block-cursor-foreground block-cursor-blurred-foreground footer-foreground"
    " input-cursor-background input-selection-foreground screen-selection-foreground"
    " button-foreground link-color-hover markdown-h4-color markdown-h5-color",
    "muted": "muted text-muted text-disabled foreground-muted foreground-disabled"
    " footer-description-foreground scrollbar-hover markdown-h6-color",
    "line": "line border-blurred scrollbar",
    "accent": "border footer-key-foreground scrollbar-active link-color text-primary text-accent"
    " markdown-h1-color markdown-h2-color markdown-h3-color",
    "ok": "text-success",
    "warn": "text-warning",
    "err": "text-error",
    "busy": "busy",
    "graph": "text-secondary",
    "tab_text": "button-color-foreground",
}
_SHADED = {
    **{"primary": "accent", "accent": "accent", "secondary": "graph", "foreground": "text"},
    **{"background": "bg", "surface": "bg", "panel": "field", "boost": "field"},
    **{"primary-background": "bg", "secondary-background": "bg"},
    **{"warning": "warn", "error": "err", "success": "ok"},
}
_STYLES = {
    "block-cursor-text-style": "bold",
    "block-cursor-blurred-text-style": "bold",
    "input-cursor-text-style": "none",
    "button-focus-text-style": "bold underline",
}
_TERMINAL = {
    **dict.fromkeys(("muted", "line", "cursor", "border", "border-blurred"), "ansi_default"),
    **dict.fromkeys(("link-color", "link-color-hover", "footer-key-foreground"), "ansi_default"),
    **dict.fromkeys((f"markdown-h{level}-color" for level in range(1, 7)), "ansi_default"),
    **dict.fromkeys(("ansi-background", "ansi-foreground"), "ansi_default"),
    "busy": "ansi_magenta",
    "link-background-hover": "ansi_default",
    "block-cursor-background": "ansi_default",
    "block-cursor-text-style": "bold reverse",
    "block-cursor-blurred-text-style": "bold",
    "scrollbar": "ansi_bright_black",
    "scrollbar-hover": "ansi_bright_black",
    "scrollbar-active": "ansi_default",
    "scrollbar-background": "ansi_default",
    "scrollbar-background-hover": "ansi_default",
    "scrollbar-background-active": "ansi_default",
    "input-selection-background": "ansi_cyan",
    "input-selection-foreground": "ansi_black",
}


class LoadedTheme(NamedTuple):
    """A theme as each of its users needs it."""

    name: str
    textual: Theme
    palette: Palette
    exact_256: dict[Triplet, int]
    """For `WireApp.exact_256`."""


class Themes(NamedTuple):
    """All themes by name, and what was wrong with files that are none."""

    by_name: dict[str, LoadedTheme]
    complaints: tuple[str, ...]


def _variables(colors: Mapping[str, str]) -> dict[str, str]:
    found = {name: colors[role] for role, names in _VARIABLES.items() for name in names.split()}
    for name, role in _SHADED.items():
        # Textual makes even the shade of no difference by a rounding way round.
        found[name] = colors[role]
        for step in (1, 2, 3):
            found[f"{name}-lighten-{step}"] = found[f"{name}-darken-{step}"] = colors[role]
    return {**found, **_STYLES}


def _colored(file: ThemeFile, colors: Mapping[str, str]) -> Theme:
    return Theme(
        name=file.name,
        dark=file.dark,
        primary=colors["accent"],
        accent=colors["accent"],
        secondary=colors["graph"],
        success=colors["ok"],
        warning=colors["warn"],
        error=colors["err"],
        foreground=colors["text"],
        background=colors["bg"],
        surface=colors["bg"],
        panel=colors["field"],
        boost=colors["field"],
        variables=_variables(colors),
    )


def _terminal(file: ThemeFile) -> Theme:
    return Theme(
        name=file.name,
        dark=file.dark,
        ansi=True,
        primary="ansi_default",
        accent="ansi_default",
        secondary="ansi_default",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_red",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        variables=dict(_TERMINAL),
    )


def build_theme(file: ThemeFile, *, glyph_colors: bool = True) -> LoadedTheme:
    """Make of a file what Textual, our widgets and the output need."""
    if file.colors is None:
        palette = Palette(None, glyph_colors=glyph_colors)
        return LoadedTheme(file.name, _terminal(file), palette, {})
    exact = {triplet(file.colors[role]): index for role, index in file.indices.items()}
    return LoadedTheme(file.name, _colored(file, file.colors), Palette(file.colors), exact)


def _own_folder() -> Path:
    """Where our themes are: in the package; in a checkout, beside it."""
    inside = _PACKAGE / "themes"
    return inside if inside.is_dir() else _PACKAGE.parent / "themes"


def load_themes(folders: Iterable[Path], environment: Mapping[str, str]) -> Themes:
    """Load our themes and those of some folders; of one name the last is taken.

    A faulty file is told of and skipped: of its name there is then ours, or none.
    """
    found: dict[str, LoadedTheme] = {}
    complaints: list[str] = []
    for folder in (_own_folder(), *folders):
        for path in sorted(folder.glob("*.yaml")):
            try:
                theme = build_theme(read_theme(path), glyph_colors=not no_color(environment))
            except DefinitionError as error:
                complaints.extend(error.problems)
            else:
                found[theme.name] = theme
    return Themes(found, tuple(complaints))


def choose_theme(
    environment: Mapping[str, str],
    setting: str | None,
    system: str | None,
    names: Iterable[str],
    *,
    remote: bool,
) -> tuple[str, str]:
    """The name of the theme to begin with, and a complaint; empty when there is none.

    The setting wins. Else it is the terminal's own colours over SSH, with ``NO_COLOR`` and
    where there are only 16 colours, and night elsewhere.

    Args:
        setting: The name that the user's settings have.
        system: Rich's word for the colours of the terminal, such as ``truecolor``.
        names: The themes that there are.
        remote: Whether the terminal is at the other end of SSH.
    """
    names = sorted(names)
    if setting in names:
        return str(setting), ""
    complaint = ""
    if setting is not None:
        complaint = f"theme: there is no '{visible(setting)}'; one of {', '.join(names)}"
    if remote or no_color(environment) or system not in ("256", "truecolor"):
        return PLAIN_THEME, complaint
    return COLORED_THEME, complaint
