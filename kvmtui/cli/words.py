"""Words without options, read without argparse, which costs more than a listing of ten guests.

A verb declares its arguments once, for argparse's parser. The same declarations, made to a
`Words`, tell what each plain word is. Whatever is not that simple is left to argparse.
"""

from __future__ import annotations

from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_GLOBAL = {"home": None, "json": False, "quiet": False, "yes": False}


class NotPlain(Exception):
    """A declaration or a call that takes argparse."""


class Words:
    """Takes the declarations that a verb makes to its parser."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = dict(_GLOBAL)
        self._places: list[tuple[str, str | None]] = []

    def add_argument(self, *names: str, **how: Any) -> None:
        """As argparse's; an option is only its default here.

        Raises:
            NotPlain: An argument that argparse would convert, check or insist on.
        """
        if names[0].startswith("-") and not how.get("required"):
            dest = how.get("dest") or names[-1].lstrip("-").replace("-", "_")
            usual = False if how.get("action") == "store_true" else None
            self._values[dest] = how.get("default", usual)
        elif how.keys() <= {"metavar", "help", "nargs"} and how.get("nargs") in (None, "*"):
            self._places.append((names[0], how.get("nargs")))
        else:
            raise NotPlain

    def __getattr__(self, name: str) -> Any:
        raise NotPlain

    def read(self, words: Sequence[str]) -> SimpleNamespace:
        """What argparse would make of these words, none of which is an option.

        Raises:
            NotPlain: One is, or they are too few or too many.
        """
        if any(word.startswith("-") for word in words):
            raise NotPlain
        rest = list(words)
        for name, count in self._places:
            if count is None and rest:
                self._values[name] = rest.pop(0)
            elif count == "*" and name == self._places[-1][0]:
                self._values[name], rest = rest, []
            else:
                raise NotPlain
        if rest:
            raise NotPlain
        return SimpleNamespace(**self._values)
