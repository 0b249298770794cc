"""What a guest's console may do to the real terminal, and how that is undone.

Text, colours, the cursor, the alternate screen and the mouse pass. What would reach beyond
the console does not: titles, the clipboard, links and other strings (OSC, DCS, APC, PM, SOS),
resizing and window reports, the printer, the answerback. Modes that were set are remembered,
so that leaving undoes them.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(rb"[\x05\x1b\xc2]")
_CSI = re.compile(rb"(?:\x1b\[|\xc2\x9b)([0-?]*)([ -/]*)([@-~])")
_CSI_BEGUN = re.compile(rb"(?:\x1b\[|\xc2\x9b)[0-?]*[ -/]*\Z")
_STRING = re.compile(rb"\x1b[P\]X^_]|\xc2[\x90\x98\x9d\x9e\x9f]")
_STRING_END = re.compile(rb"\x07|\x1b\\|\xc2\x9c|[\x18\x1a]")
_LONGEST_CSI = 256
_LONGEST_STRING = 1 << 16
_ALTERNATE = (b"47", b"1047", b"1049")


class TerminalFilter:
    """One console's stream, in pieces.

    Args:
        unfiltered: Let everything pass, and only remember modes.
    """

    def __init__(self, *, unfiltered: bool = False) -> None:
        self._unfiltered = unfiltered
        self._held = b""
        self._in_string = 0
        """How many bytes of a string were dropped so far; 0 outside of one."""
        self._modes: dict[bytes, bool] = {}
        self._sent: set[bytes] = set()

    def feed(self, data: bytes) -> bytes:
        """The part of it that may pass; what may still become a sequence is held back."""
        as_it_came = data
        data = self._held + data
        self._held = b""
        out = bytearray()
        place = 0
        while place < len(data):
            if self._in_string:
                place = self._skip_string(data, place)
                continue
            found = _SPECIAL.search(data, place)
            if found is None:
                out += data[place:]
                break
            out += data[place : found.start()]
            place = self._special(data, found.start(), out)
        return as_it_came if self._unfiltered else bytes(out)

    def _special(self, data: bytes, place: int, out: bytearray) -> int:
        """Deal with what begins at ``place``; returns where it ends."""
        if data[place] == 0x05:
            return place + 1
        if place + 1 == len(data):
            self._held = data[place:]
            return len(data)
        if _STRING.match(data, place):
            self._in_string = 1
            return place + 2
        sequence = _CSI.match(data, place)
        if sequence is not None:
            if self._may_pass(*sequence.groups()):
                out += sequence[0]
            return sequence.end()
        if _CSI_BEGUN.match(data, place) and len(data) - place < _LONGEST_CSI:
            self._held = data[place:]
            return len(data)
        if data[place : place + 2] in (b"\x1b[", b"\xc2\x9b"):
            return place + 2
        if data[place : place + 2] == b"\x1bc":
            self._modes.clear()
        out += data[place : place + 2]
        return place + 2

    def _skip_string(self, data: bytes, place: int) -> int:
        end = _STRING_END.search(data, place)
        if end is not None:
            self._in_string = 0
            return end.end()
        self._in_string += len(data) - place
        if self._in_string > _LONGEST_STRING:
            self._in_string = 0
        elif data[-1] in b"\x1b\xc2":
            self._held = data[-1:]
        return len(data)

    def _may_pass(self, parameters: bytes, between: bytes, final: bytes) -> bool:
        if final in b"hl" and parameters[:1] == b"?" and not between:
            for mode in parameters[1:].split(b";"):
                if len(self._modes) < 200:
                    self._modes[mode] = final == b"h"
        elif final == b"r" and not between:
            self._sent.add(b"region")
        elif final == b"m" and parameters[:1] == b">":
            self._sent.add(b"keys")
        elif final == b"u" and parameters[:1] in (b">", b"="):
            self._sent.add(b"kitty")
        elif final == b"q" and between == b" ":
            self._sent.add(b"cursor")
        return not (final in b"ti" and not between)

    def undo(self) -> bytes:
        """What puts a terminal back that the guest left in some mode."""
        out = [f"\x1b[?{mode.decode()}l".encode() for mode in _ALTERNATE if self._modes.get(mode)]
        for mode, is_set in self._modes.items():
            usual = mode in (b"7", b"25")
            if mode not in _ALTERNATE and is_set != usual and mode.isdigit():
                out.append(b"\x1b[?" + mode + (b"h" if usual else b"l"))
        undone = {b"keys": b"\x1b[>4m", b"kitty": b"\x1b[<9u", b"cursor": b"\x1b[0 q"}
        undone[b"region"] = b"\x1b7\x1b[r\x1b8"
        out += [undone[what] for what in sorted(self._sent)]
        # Colours, character set and keypad can be told without asking whether they changed.
        return b"".join([*out, b"\x1b[0m\x1b(B\x0f\x1b>\x1b[4l"])
