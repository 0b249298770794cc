"""The keys below the Install pane: as many, and in as many words, as there is room for."""

from __future__ import annotations

from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.widgets.key_bar import Key, lay_out

_LAST = ("F1", "help")
_SHORT = {"next field": "next", "browse files": "files", "create and start": "create"}
_DROPPED = ("Space", "install.seed", "Tab", "install.expert", "Enter")
"""What goes where there is no room, one after the other."""


def install_bar(keys: Keys, width: int, glyphs: Glyphs, *, seeded: bool) -> list[Key]:
    """Keys of forms, those of the pane, and the way back, which is always there.

    Args:
        seeded: Whether there is a seed or an answer file to show.
    """
    actions = sorted(
        (one for one in ACTIONS.values() if one.place == "install" and one.bar),
        key=lambda action: action.bar,
    )
    all_of = [("Tab", "Tab", "next field"), ("Enter", "Enter", "choose")]
    all_of += [("Space", "Space", "switch")]
    all_of += [(one.id, keys.of(one.id), one.label) for one in actions]
    all_of += [("Esc", "Esc", "back")]
    shown = [one for one in all_of if seeded or one[0] != "install.seed"]
    bar: list[Key] = []
    tries = [(False, 0), (False, 1), *((True, count) for count in range(1, len(_DROPPED) + 1))]
    for short, count in tries:
        bar = [
            (key, _SHORT.get(label, label) if short else label)
            for id, key, label in shown
            if id not in _DROPPED[:count]
        ]
        if len(lay_out(bar, _LAST, width, glyphs)) > len(bar):
            break
    return bar
