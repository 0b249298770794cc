"""Guest names: 1 to 63 of ``a-z A-Z 0-9 . _ -``, starting with a letter or digit."""

from __future__ import annotations

from kvmtui.errors import UsageError
from kvmtui.text import visible

_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_REST = _FIRST | frozenset("._-")
LONGEST = 63


def is_name(text: str) -> bool:
    """Whether ``text`` can name a guest."""
    return 0 < len(text) <= LONGEST and text[0] in _FIRST and _REST.issuperset(text)


def check_name(text: str) -> str:
    """Return ``text``, or raise UsageError with the rule that it breaks."""
    if is_name(text):
        return text
    shown = visible(text, limit=80)
    rule = "use letters, digits, '.', '_' and '-', starting with a letter or digit"
    if not text:
        raise UsageError("a guest's name is empty", hint=rule)
    if len(text) > LONGEST:
        raise UsageError(
            f"{shown}: the name has {len(text)} characters",
            hint=f"a shorter one: {LONGEST} characters at most",
        )
    raise UsageError(f"'{shown}' cannot be a guest's name", hint=rule)
