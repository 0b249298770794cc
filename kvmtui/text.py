"""Text from guests, images and tools, made safe to show.

Whatever a guest or an image says is hostile: control characters could drive the
terminal, direction marks could turn a name round, and any of it could be endless.
"""

from __future__ import annotations

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str, *, limit: int = 400) -> str:
    """One line of plain text: control and direction characters as ``\\x1b``, bounded.

    Args:
        limit: The most characters kept; a longer text ends with ``…``.
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_character(character) for character in text)


def is_hidden(character: str) -> bool:
    """Whether it is a control character, a direction mark or the like."""
    import unicodedata

    return unicodedata.category(character) in _HIDDEN


def _visible_character(character: str) -> str:
    if not is_hidden(character):
        return character
    if character == "\t":
        return " "
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


def visible_lines(data: bytes, *, last: int, limit: int = 400) -> list[str]:
    """The last lines of a log as plain text, newest last; blank lines are left out.

    Args:
        data: The end of the log; bytes that are no UTF-8 are shown as U+FFFD.
        last: How many lines at the most.
    """
    lines = data.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    kept = [line for line in lines if line.strip()]
    return [visible(line, limit=limit) for line in kept[-last:]]


def without_escapes(data: bytes) -> bytes:
    """What a terminal would show of a guest's bytes: escape sequences and controls are gone."""
    import re

    data = re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[P\]X^_][^\x07\x1b]*(\x07|\x1b\\)", b"", data)
    return re.sub(rb"\x1b[ -/]*[0-~]?|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]", b"", data)
