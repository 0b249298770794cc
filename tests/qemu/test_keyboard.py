"""Our layouts against those of X's keyboard library, key by key, where the host has it."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import pytest

from kvmtui.qemu import keyboard

LIBRARY = ctypes.util.find_library("xkbcommon")
TABLES = Path("/usr/share/X11/xkb/symbols")
DEAD = {
    "dead_acute": "´",
    "dead_grave": "`",
    "dead_circumflex": "^",
    "dead_diaeresis": "¨",
    "dead_tilde": "~",
}
LEVELS = {(): 0, ("shift",): 1, ("alt_r",): 2, ("shift", "alt_r"): 3}
ROWS = {
    "1": ["TLDE", *(f"AE{number:02}" for number in range(1, 14))],
    "2": [f"AD{number:02}" for number in range(1, 13)],
    "3": [*(f"AC{number:02}" for number in range(1, 12)), "BKSL"],
    "4": ["LSGT", *(f"AB{number:02}" for number in range(1, 12))],
}
NAMES = {
    key: name
    for row, names in ROWS.items()
    for key, name in zip(keyboard.ROWS[row].split(), names, strict=True)
}


class Names(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")
    ]


class Keymap:
    """A keymap of libxkbcommon."""

    def __init__(self, layout: str) -> None:
        self._library = ctypes.CDLL(LIBRARY)
        self._library.xkb_context_new.restype = ctypes.c_void_p
        self._library.xkb_keymap_new_from_names.restype = ctypes.c_void_p
        self._library.xkb_keymap_key_by_name.restype = ctypes.c_uint32
        context = ctypes.c_void_p(self._library.xkb_context_new(0))
        model = b"jp106" if layout == "jp" else b"pc105"
        name = "gb" if layout == "uk" else layout
        names = Names(None, model, name.encode(), b"", None)
        self._map = ctypes.c_void_p(
            self._library.xkb_keymap_new_from_names(context, ctypes.byref(names), 0)
        )
        assert self._map

    def says(self, key: str, level: int) -> tuple[str, str]:
        """The symbol's name and its character."""
        code = self._library.xkb_keymap_key_by_name(self._map, key.encode())
        symbols = ctypes.POINTER(ctypes.c_uint32)()
        count = self._library.xkb_keymap_key_get_syms_by_level(
            self._map, ctypes.c_uint32(code), 0, level, ctypes.byref(symbols)
        )
        if count != 1:
            return "", ""
        name = ctypes.create_string_buffer(64)
        self._library.xkb_keysym_get_name(ctypes.c_uint32(symbols[0]), name, 64)
        code = self._library.xkb_keysym_to_utf32(ctypes.c_uint32(symbols[0]))
        return name.value.decode(), chr(code) if code else ""


@pytest.mark.skipif(not (LIBRARY and TABLES.is_dir()), reason="no libxkbcommon here")
@pytest.mark.parametrize("layout", keyboard.LAYOUTS)
def test_a_layout_is_that_of_other_systems(layout):
    keymap = Keymap(layout)
    direct, dead = keyboard._read()[layout]
    assert len(direct) > 90
    for character, stroke in direct.items():
        said = keymap.says(NAMES[stroke.keys[-1]], LEVELS[stroke.keys[:-1]])
        assert said[1] == character, (character, stroke, said)
    for accent, stroke in dead.items():
        said = keymap.says(NAMES[stroke.keys[-1]], LEVELS[stroke.keys[:-1]])
        assert DEAD[said[0]] == accent, (accent, stroke, said)


def test_each_layout_that_a_definition_may_name_is_there():
    assert set(keyboard._read()) == set(keyboard.LAYOUTS)
