"""tmp"""

import os
from pathlib import Path
from typing import NamedTuple

import yaml
from textual.theme import Theme

from kvmtui.tui.palette import Palette


class Look(NamedTuple):
    theme: Theme
    palette: Palette
    indices_256: dict


def look_for(preferences):
    name = os.environ.get("KT", "night")
    if name == "terminal":
        return Look(
            Theme(
                name="terminal",
                primary="ansi_default",
                foreground="ansi_default",
                background="ansi_default",
                surface="ansi_default",
                panel="ansi_default",
                ansi=True,
            ),
            Palette(None),
            {},
        ), []
    c = yaml.safe_load(
        (Path(__file__).parent.parent.parent / "themes" / f"{name}.yaml").read_text()
    )["colors"]
    return Look(
        Theme(
            name=name,
            primary=c["accent"],
            foreground=c["text"],
            background=c["bg"],
            surface=c["bg"],
            panel=c["field"],
        ),
        Palette(c),
        {},
    ), []
