"""Regular expressions as text: what can be said of them before they are compiled."""

from __future__ import annotations

_SPECIAL = frozenset("\\.^$*+?{}[]()|")
_MAY_BE_NONE = frozenset("*?{")


def beginning(pattern: str) -> str:
    """What is in every text that a pattern matches: its first letters, as far as they are plain."""
    if _has_other_ways(pattern):
        return ""
    found: list[str] = []
    index = 1 if pattern.startswith("^") else 0
    while index < len(pattern):
        letter = pattern[index]
        if letter == "\\" and index + 1 < len(pattern) and not pattern[index + 1].isalnum():
            index += 1
            letter = pattern[index]
        elif letter in _SPECIAL:
            if letter in _MAY_BE_NONE:
                del found[-1:]
            break
        found.append(letter)
        index += 1
    return "".join(found)


def _has_other_ways(pattern: str) -> bool:
    """Whether it may have alternatives outside of parentheses."""
    depth = 0
    for letter in pattern if "|" in pattern else "":
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth < 1:
            return True
    return False
