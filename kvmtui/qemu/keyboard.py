"""From text and names of keys to what a guest's keyboard sends."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from kvmtui.errors import UsageError
from kvmtui.text import visible

LAYOUTS = ("us", "uk", "de", "fr", "es", "it", "jp", "ru")
ROWS = {
    "1": "grave_accent 1 2 3 4 5 6 7 8 9 0 minus equal yen",
    "2": "q w e r t y u i o p bracket_left bracket_right",
    "3": "a s d f g h j k l semicolon apostrophe backslash",
    "4": "less z x c v b n m comma dot slash ro",
}
_LEVELS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "shift": ("shift",),
    "altgr": ("alt_r",),
    "both": ("shift", "alt_r"),
}
_NONE = "∙"
_ALWAYS = {" ": "spc", "\n": "ret", "\t": "tab", "\b": "backspace", "\x1b": "esc"}
_ACCENTS = {"\u0301": "´", "\u0300": "`", "\u0302": "^", "\u0308": "¨", "\u0303": "~"}
_ALIASES = {
    "control": "ctrl",
    "altgr": "alt_r",
    "super": "meta_l",
    "win": "meta_l",
    "meta": "meta_l",
    "del": "delete",
    "enter": "ret",
    "return": "ret",
    "escape": "esc",
    "space": "spc",
    "ins": "insert",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "printscreen": "print",
    "capslock": "caps_lock",
    "numlock": "num_lock",
    "scrolllock": "scroll_lock",
}
_WORDS = """
    ctrl ctrl_r alt alt_r shift shift_r meta_l meta_r delete ret esc spc tab backspace insert home
    end pgup pgdn up down left right print sysrq pause caps_lock num_lock scroll_lock menu
    f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12
    kp_enter kp_add kp_subtract kp_multiply kp_divide kp_decimal
    kp_0 kp_1 kp_2 kp_3 kp_4 kp_5 kp_6 kp_7 kp_8 kp_9
"""
_NAMED = frozenset(" ".join([_WORDS, *ROWS.values()]).split())
_MOST_KEYS = 8


class Stroke(NamedTuple):
    """Keys that are pressed in this order and let go in the reverse one (QKeyCodes)."""

    keys: tuple[str, ...]

    def events(self) -> list[dict[str, Any]]:
        """The events of QMP ``input-send-event``."""
        pressed = [(key, True) for key in self.keys]
        released = [(key, False) for key in reversed(self.keys)]
        return [
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
            for key, down in pressed + released
        ]


Strokes = tuple[Stroke, ...]


@cache
def characters(layout: str) -> dict[str, Strokes]:
    """Each character that a layout has, and how it is typed.

    Raises:
        UsageError: There is no such layout.
    """
    direct, dead = _read().get(layout, ({}, {}))
    if not direct:
        raise UsageError(
            f"there is no keyboard layout '{visible(layout, limit=40)}'",
            hint=f"choose {', '.join(LAYOUTS)}",
        )
    found: dict[str, Strokes] = {c: (Stroke((key,)),) for c, key in _ALWAYS.items()}
    found |= {character: (stroke,) for character, stroke in direct.items()}
    for accent, stroke in dead.items():
        found.setdefault(accent, (stroke, Stroke(("spc",))))
    for mark, accent in _ACCENTS.items():
        if accent not in dead:
            continue
        for letter, stroke in direct.items():
            composed = unicodedata.normalize("NFC", letter + mark)
            if len(composed) == 1 and letter.isascii():
                found.setdefault(composed, (dead[accent], stroke))
    return found


_Layout = tuple[dict[str, Stroke], dict[str, Stroke]]


@cache
def _read() -> dict[str, _Layout]:
    """Of each layout the characters with a key of their own, and the accents that wait."""
    text = resources.files("kvmtui.qemu").joinpath("keyboard_layouts.txt").read_text("utf-8")
    places: dict[tuple[str, str], str] = {}
    found: dict[str, _Layout] = {}
    direct: dict[str, Stroke] = {}
    dead: dict[str, Stroke] = {}
    for line in text.splitlines():
        words = line.split(" ", 2)
        if not line or line.startswith("#"):
            continue
        if words[0] == "layout":
            places = {}
            found[words[1]] = {}, {}
            direct, dead = found[words[1]]
        elif words[0] == "dead":
            character = places[words[1], words[2]]
            dead[character] = Stroke((*_LEVELS[words[2]], words[1]))
            if direct.get(character) == dead[character]:
                del direct[character]
        else:
            for key, character in zip(ROWS[words[0]].split(), words[2], strict=False):
                places[key, words[1]] = character
                if character != _NONE:
                    stroke = Stroke((*_LEVELS[words[1]], key))
                    # The one with fewer keys, where a character is on two of them.
                    known = direct.setdefault(character, stroke)
                    if len(stroke.keys) < len(known.keys):
                        direct[character] = stroke
    return found


def strokes_of(text: str, layout: str, *, secret: bool = False) -> list[Stroke]:
    """How a text is typed.

    Args:
        secret: Whether a failure must not show a part of it.

    Raises:
        UsageError: A character is on no key of this layout; nothing is to be typed then.
    """
    known = characters(layout)
    found: list[Stroke] = []
    for character in unicodedata.normalize("NFC", text.replace("\r\n", "\n")):
        if character not in known:
            shown = "a character of it" if secret else f"'{visible(character)}'"
            raise UsageError(
                f"the keyboard layout {layout} has no key for {shown}",
                hint=f"--layout, one of {', '.join(LAYOUTS)}",
            )
        found += known[character]
    return found


def stroke_named(name: str) -> Stroke:
    """Keys by their names: ``ctrl-alt-delete``, ``alt-sysrq-b``, ``ctrl-alt-f1``, ``enter``.

    Raises:
        UsageError: A key of this name does not exist.
    """
    keys = []
    for word in name.lower().replace("+", "-").split("-"):
        key = _ALIASES.get(word, word)
        if key not in _NAMED:
            raise UsageError(
                f"there is no key '{visible(word, limit=40)}' in '{visible(name, limit=80)}'",
                hint="such as ctrl-alt-delete, ctrl-alt-f1, alt-sysrq-b, enter, f2, minus",
            )
        keys.append(key)
    if len(keys) > _MOST_KEYS or len(set(keys)) < len(keys):
        raise UsageError(f"'{visible(name, limit=80)}' cannot be pressed at once")
    return Stroke(tuple(keys))
