"""The user's own keys, checked: Textual takes unknown ids, keys and clashes in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding
from textual.keys import Keys as TextualKeys
from textual.keys import _character_to_key

from kvmtui.text import visible
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.registry import Action, Keys, Place

_NAMED = {key.value for key in TextualKeys}
_CHARACTER_NAMES = {_character_to_key(chr(code)) for code in range(33, 127)}
_MODIFIERS = ("ctrl+", "shift+", "alt+")


def _is_key(key: str) -> bool:
    """Whether Textual would ever report a key of this name."""
    if key in _NAMED:
        return True
    bare = key
    for modifier in _MODIFIERS:
        bare = bare.removeprefix(modifier)
    if bare in _NAMED:
        return True
    return (len(bare) == 1 and bare.isprintable()) or bare in _CHARACTER_NAMES


def _normal(key: str) -> str:
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def checked_keys(wanted: Mapping[str, object]) -> tuple[Keys, list[str]]:
    """The keys in force, and a line for each wish that cannot be.

    A faulty wish is told, and that action keeps its default. Two may change places.
    """
    keys = {action.id: action.key for action in ACTIONS.values()}
    complaints = []
    wishes = []
    for action_id, value in wanted.items():
        problem = _problem(action_id, value)
        if problem:
            complaints.append(f"keys: {visible(str(action_id), limit=60)}: {problem}")
            continue
        keys[action_id] = ",".join(_normal(key) for key in str(value).split(","))
        wishes.append(action_id)
    while clashes := [(wish, clash) for wish in wishes if (clash := _clash(wish, keys))]:
        wish, clash = clashes[-1]
        wishes.remove(wish)
        keys[wish] = ACTIONS[wish].key
        complaints.append(f"keys: {wish}: {clash}")
    return Keys(keys), complaints


def changed_keys(keys: Keys) -> dict[str, str]:
    """The keys that are not the defaults: Textual goes through them all at each key."""
    found = {action_id: keys.all_of(action_id) for action_id in ACTIONS}
    return {one: key for one, key in found.items() if key != ACTIONS[one].key}


def _problem(action_id: str, value: object) -> str:
    if action_id not in ACTIONS:
        import difflib

        close = difflib.get_close_matches(str(action_id), ACTIONS, n=1)
        return f"there is no such action{f', did you mean {close[0]}' if close else ''}"
    if not isinstance(value, str) or not value.strip():
        return "a key is expected, such as x or ctrl+x"
    for key in value.split(","):
        if not _is_key(_normal(key)):
            return f"'{visible(key.strip(), limit=20)}' is no key"
    return ""


def _clash(action_id: str, keys: Mapping[str, str]) -> str:
    """Another action that has one of the keys where both would hear it."""
    mine = {_normal(key) for key in keys[action_id].split(",")}
    for other, value in keys.items():
        if other == action_id or not _meet(ACTIONS[action_id], ACTIONS[other]):
            continue
        shared = mine & {_normal(key) for key in value.split(",")}
        if shared:
            return f"{sorted(shared)[0]} is {other} already"
    return ""


_PANES = {"guests", "images", "install", "host", "activity"}
_WHOLE_SCREENS: tuple[set[str], ...] = (
    {"main", "list", *_PANES},
    {"text", "guests"},
    {"text", "seed"},
    {"sheet", "graphs", "guests"},
    {"sheet", "wall"},
)
"""The places that are heard together, besides ``app``."""
NOT_OF_ONE = ("guest.open", "guest.new", "guest.demo")
"""The actions of the list that a guest's own screen does not have."""


def _meet(first: Action, second: Action) -> bool:
    """Whether a key could be heard for both at once."""
    places = {first.place, second.place}
    if len(places) == 1 or "app" in places:
        return True
    if places <= _PANES or not any(places <= heard for heard in _WHOLE_SCREENS):
        return False
    # On a guest's own screen.
    of_one = places & {"sheet", "graphs", "text"}
    return not (of_one and {first.id, second.id} & set(NOT_OF_ONE))


def bindings(place: Place) -> Iterable[Binding]:
    """Textual's bindings of one place; the ids are what the key map changes."""
    return [_binding(action) for action in ACTIONS.values() if action.place == place]


def _binding(action: Action) -> Binding:
    where = "app" if action.place == "app" else "screen"
    words = f"{where}.act('{action.id}')"
    return Binding(action.key, words, action.label, id=action.id, show=False)
