"""What a guest's console may do to the real terminal, and how that is undone.

Text, colours, the cursor, the alternate screen and the mouse pass. What would reach beyond
the console does not: titles, the clipboard, links and other strings (OSC, DCS, APC, PM, SOS),
resizing and window reports, the printer, the answerback. Modes that were set are remembered,
so that leaving undoes them.
"""

from __future__ import annotations

import re

# ASCII without what is looked at, and characters that are no controls of two bytes (U+0080 to
# U+009F): a byte that a terminal may take for one of those passes in no other company.
_PLAIN = re.compile(
    rb"(?:[^\x05\x1b\x80-\xff]++|\xc2[\xa0-\xbf]|[\xc3-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]"
    rb"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}"
    rb"|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})++"
)
_CHARACTER_BEGUN = re.compile(
    rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z"
)
_IGNORED = bytes({*range(0x20), 0x7F} - {0x18, 0x1A, 0x1B})
"""Controls that a terminal obeys or drops inside an escape sequence, which goes on."""
_ESCAPE = re.compile(rb"\x1b([\x00-\x17\x19\x1c-\x2f\x7f]*+)([0-~])?")
_CSI = re.compile(rb"([0-?]*+)([ -/]*+)([@-~])?")
_STRING_FINALS = b"P]X^_"
_STRING_CONTROLS = b"\x90\x98\x9d\x9e\x9f"
_STRING_END = re.compile(rb"\x07|\x1b\\|\xc2\x9c|[\x18\x1a]")
_LONGEST_ESCAPE = 4
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
            if (found := _PLAIN.match(data, place)) is not None:
                out += found[0]
                place = found.end()
            else:
                place = self._special(data, place, out)
        return as_it_came if self._unfiltered else bytes(out)

    def _special(self, data: bytes, place: int, out: bytearray) -> int:
        """Deal with what begins at ``place``; returns where it ends."""
        if data[place] == 0x1B:
            return self._escape(data, place, out)
        if _CHARACTER_BEGUN.match(data, place):
            self._held = data[place:]
            return len(data)
        if data[place] == 0xC2 and data[place + 1] in range(0x80, 0xA0):
            if data[place + 1] == 0x9B:
                return self._csi(data, place + 2, out)
            if data[place + 1] in _STRING_CONTROLS:
                self._in_string = 1
            else:
                out += data[place : place + 2]
            return place + 2
        if data[place] >= 0xA0:
            out += data[place : place + 1]
        return place + 1

    def _escape(self, data: bytes, place: int, out: bytearray) -> int:
        """A sequence that ESC begins; one that another ESC or no final ends is dropped."""
        found = _ESCAPE.match(data, place)
        assert found is not None
        between, final = found[1].translate(None, _IGNORED), found[2]
        if final is None:
            if found.end() == len(data):
                self._held = b"\x1b" + between[: _LONGEST_ESCAPE + 1]
        elif not between and final == b"[":
            return self._csi(data, found.end(), out)
        elif not between and final in _STRING_FINALS:
            self._in_string = 1
        elif len(between) <= _LONGEST_ESCAPE and between[:1] != b"%":
            if not between and final == b"c":
                self._modes.clear()
            out += b"\x1b" + between + final
        return found.end()

    def _csi(self, data: bytes, place: int, out: bytearray) -> int:
        """A control sequence, without its introducer, which is dropped where it is none."""
        found = _CSI.match(data, place)
        assert found is not None
        parameters, between, final = found.groups()
        if final is not None:
            if self._may_pass(parameters, between, final):
                out += b"\x1b[" + found[0]
            return found.end()
        if found.end() == len(data) and len(found[0]) < _LONGEST_CSI:
            self._held = b"\x1b[" + data[place:]
            return len(data)
        return place

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
