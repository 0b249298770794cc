"""Actions: everything a key, the palette or a click can do, described once.

The registry alone feeds the key bar, the help, the palette and the key map. An action
that cannot act now says why, and that sentence answers its key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from kvmtui.manage.views import LiveGuest

Group = Literal["Power", "Look", "Keep", "Around"]
Place = Literal[
    "app",
    "main",
    "list",
    "text",
    "guests",
    "images",
    "install",
    "seed",
    "host",
    "activity",
    "sheet",
    "graphs",
    "wall",
]
"""Where the key works: everywhere, over the panes, in every list or text, in one pane, on the
seed of a new guest, on every page of graphs, on a guest's or on that of several."""


class Keys:
    """Which key does what, after the user's own changes."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = dict(keys)

    def all_of(self, action_id: str) -> str:
        """The keys of an action as Textual writes them, parted by commas."""
        return self._keys.get(action_id, "")

    def of(self, action_id: str) -> str:
        """The first key of an action as a person reads it."""
        return shown_key(self.all_of(action_id).split(",")[0])

    def shown(self, action_id: str) -> str:
        """All keys of an action as a person reads them."""
        return " ".join(shown_key(key) for key in self.all_of(action_id).split(","))


Reason = Callable[[LiveGuest, Keys], str]
"""Why an action cannot act on a guest now; empty when it can."""


def _always(_live: LiveGuest, _keys: Keys) -> str:
    return ""


class Action(NamedTuple):
    """One thing that can be done."""

    id: str
    """For the key map in ``config.yaml``: ``guest.start``."""
    key: str
    """The default keys, parted by commas."""
    label: str
    """In the key bar and the help: two words at the most."""
    title: str
    """In the palette; ``{}`` stands for the guests it would act on."""
    help: str
    """What it does, for who reads the help."""
    group: Group
    place: Place
    reason: Reason = _always
    bar: int = 0
    """Its place in the key bar, from 1; 0: not there."""
    on_guest: bool = False
    """Whether it acts on the marked guests or the one under the cursor."""
    minor: bool = False
    """Whether only the whole page of help tells of it."""
    many: bool = True
    """Whether it can act on several guests at once."""


_SHOWN = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "exclamation_mark": "!",
    "asterisk": "*",
    "plus": "+",
    "minus": "-",
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "Shift-Tab",
    "left": "←",
    "right": "→",
}


def shown_key(key: str) -> str:
    """A key as people write it: ``ctrl+l`` is Ctrl-L, ``slash`` is /."""
    key = key.strip()
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return "Ctrl-" + shown_key(key[5:]).upper()
    if len(key) > 1 and key[0] == "f" and key[1:].isdecimal():
        return key.upper()
    return key
