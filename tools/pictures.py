"""Pictures of the app for the documentation: ``docs/pictures/*.svg``.

Each is the app itself, without a terminal, over guests made by hand (`tools.exhibits`), or the
graphs of the gallery (`tools.shelf`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from xml.etree import ElementTree

from textual.pilot import Pilot

from kvmtui.manage.preferences import Preferences
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.themes import load_themes
from tools import shelf
from tools.drawn_glyphs import with_shapes
from tools.exhibits import NOW, Exhibits, set_clock

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
_BIG, _MIDDLE, _SMALL = (140, 40), (100, 30), (80, 24)
_MOVED_S = 0.04
_AT_ONCE = (
    "keepers.host.FIRST_LOOK_S",
    "keepers.images.FIRST_LOOK_S",
    "keepers.install.SETTLED_S",
    "panes.guests._SETTLED_S",
    "panes.images._SETTLED_S",
    "screens.filling._SETTLED_S",
)
"""Times after the last key, before the host, images or details are looked at."""
_MARKED = ("space", "space")


class Picture(NamedTuple):
    """One picture: what was pressed, in which theme, at which size."""

    guest: str
    keys: Sequence[str] = ()
    theme: str = "night"
    size: tuple[int, int] = _BIG


GALLERY = {
    "guests-140x40": Picture("web-01", (*_MARKED, *("up",) * 18)),
    "guests-80x24": Picture("db-01", size=_SMALL),
    "guests-paper": Picture("db-01", theme="paper"),
    "guest": Picture("db-01", ("enter",), size=_MIDDLE),
    "new-guest": Picture("db-01", ("3",)),
    "new-guest-80x24": Picture("db-01", ("3",), size=_SMALL),
    "stop": Picture("db-01", ("x",), size=_SMALL),
    "delete": Picture("web-staging", ("D", *"web-sta"), size=_SMALL),
    "graphs": Picture("db-01", ("m", "plus", "left", "left", "left")),
    "wall": Picture("web-01", ("asterisk", "m"), size=_BIG),
    "help": Picture("db-01", ("question_mark",), size=_SMALL),
    "palette": Picture("db-01", ("colon",), size=_SMALL),
    "images": Picture("db-01", ("2", *("j",) * 5)),
    "images-80x24": Picture("db-01", ("2", "exclamation_mark"), size=_SMALL),
    "host": Picture("db-01", ("4",)),
    "host-80x24": Picture("db-01", ("4", "j"), size=_SMALL),
    "first-steps": Picture("db-01", ("4", "question_mark", "right", "right"), size=_SMALL),
    "activity": Picture("db-01", ("5",), size=_MIDDLE),
}


async def _draw(picture: Picture) -> str:
    theme = load_themes([], os.environ).by_name[picture.theme]
    preferences = Preferences(*(picture.theme, "unicode", "off", "auto", 3600.0, None), {}, (), ())
    app = KvmtuiApp(Exhibits(), preferences, theme, [])
    async with app.run_test(size=picture.size) as pilot:
        await _settle(pilot)
        app.show_guest(picture.guest)
        await _settle(pilot)
        for key in picture.keys:
            await pilot.press(key)
            await _settle(pilot)
        return app.export_screenshot(title="kvmtui")


def _without_fonts(svg: str) -> str:
    """The picture in a font that the reader has: none is fetched from anywhere."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "DejaVu Sans Mono")


async def _settle(pilot: Pilot[Any]) -> None:
    """Let what was begun end: details are gathered a little after the last move."""
    await pilot.pause(_MOVED_S)
    while any(worker.group != "look" and worker.is_running for worker in pilot.app.workers):
        await pilot.pause(0.02)
    await pilot.pause()


def names() -> list[str]:
    """The pictures that there are."""
    return [*GALLERY, *shelf.GALLERY]


def draw(name: str) -> str:
    """A picture as SVG; the clock stands."""
    set_clock()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch("time.time", lambda: NOW))
        stack.enter_context(mock.patch("kvmtui.tui.trends.wall_offset_s", lambda: 0.0))
        for name_of_time in _AT_ONCE:
            stack.enter_context(mock.patch(f"kvmtui.tui.{name_of_time}", 0.01))
        drawn = _draw(GALLERY[name]) if name in GALLERY else shelf.draw(name)
        return with_shapes(_without_fonts(asyncio.run(drawn)))


def seen(svg: str) -> str:
    """What can be read in a picture; how it is drawn is Rich's affair.

    Raises:
        ElementTree.ParseError: It is no picture.
    """
    texts = (element.text or "" for element in ElementTree.fromstring(svg).iter())
    return re.sub(r"\s+", " ", "\n".join(texts))


def write(folder: Path = PICTURES) -> None:
    """Draw all pictures."""
    folder.mkdir(exist_ok=True)
    for name in names():
        (folder / f"{name}.svg").write_text(draw(name))


def stale(folder: Path = PICTURES) -> list[str]:
    """The pictures that are missing, or show something else than the app does."""
    found = []
    for name in names():
        path = folder / f"{name}.svg"
        if not path.exists() or seen(path.read_text()) != seen(draw(name)):
            found.append(f"pictures/{name}.svg")
    return found
