"""JSON for what `list` and `start` import: the standard library's, without its wrapping.

``json`` imports ``re`` for it, which is a tenth of a whole `start`. The two engines of the C
module ``_json``, the scanner and the encoder, need none; where a Python has no such module,
``json`` itself is used. Written and read is what ``json.dumps`` and ``json.loads`` write and
read (a test says so). Use it as ``from kvmtui import light_json as json``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

engines: Any
try:
    import _json as engines
except ImportError:  # Another Python than CPython.
    engines = None

_BLANKS = " \t\n\r"


class _Reading:
    """What the scanner asks about how to read."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


_scan = engines and engines.make_scanner(_Reading)


def loads(data: str | bytes | bytearray) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: It is none, or not UTF-8.
        RecursionError: It is nested too deep.
    """
    text = data if isinstance(data, str) else data.decode()
    if engines is None:
        import json

        return json.loads(text)
    begin = len(text) - len(text.lstrip(_BLANKS))
    try:
        value, end = _scan(text, begin)
    except StopIteration as stop:
        raise ValueError(f"no JSON: a value is expected at character {stop.value}") from None
    if text[end:].strip(_BLANKS):
        raise ValueError(f"no JSON: something follows the value at character {end}")
    return value


def dumps(
    value: Any, *, ensure_ascii: bool = True, separators: tuple[str, str] = (", ", ": ")
) -> str:
    """A value as JSON in one line.

    Raises:
        TypeError: It holds something that JSON has no word for.
        ValueError: It holds itself.
    """
    if engines is None:
        import json

        return json.dumps(value, ensure_ascii=ensure_ascii, separators=separators)
    text = engines.encode_basestring_ascii if ensure_ascii else engines.encode_basestring
    item, key = separators
    encode = engines.make_encoder({}, _no_word, text, None, key, item, False, False, True)
    return "".join(encode(value, 0))


def _no_word(value: object) -> Any:
    raise TypeError(f"JSON has no word for a {type(value).__name__}")
