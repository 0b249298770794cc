"""JSON for standard output: any terminal and any locale takes it."""

from __future__ import annotations

import json
import sys

from kvmtui.text import is_hidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON, all of it printable.

    What JSON leaves as it is but a terminal would obey (U+009B begins an escape sequence,
    U+202E turns the line round) stands there as ``\\u009b``, the same to who parses it; so does
    all that is not ASCII where standard output does not take UTF-8.
    """
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character == "\n" or not is_hidden(character):
        return character
    return json.dumps(character)[1:-1] if character != "\x7f" else "\\u007f"
