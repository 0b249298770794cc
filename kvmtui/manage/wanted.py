"""Which figures somebody looks at: the others cost nothing."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set
    from typing import Literal

    Level = Literal["columns", "detail"]


class Wanted:
    """Who looks at which guests, and how closely; told from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_owner: dict[str, tuple[frozenset[str] | None, Level]] = {}

    def want(self, owner: str, names: Set[str] | None, level: Level | None) -> None:
        """What an owner needs from the next round on, in place of what it needed before.

        Args:
            names: The guests; None for all.
            level: None for nothing any more.
        """
        with self._lock:
            if level is None:
                self._by_owner.pop(owner, None)
            else:
                self._by_owner[owner] = (None if names is None else frozenset(names), level)

    def of(self, running: Set[str]) -> dict[str, Level]:
        """The running guests that somebody looks at, each at the closest level."""
        with self._lock:
            wishes = list(self._by_owner.values())
        found: dict[str, Level] = {}
        for names, level in wishes:
            for name in running if names is None else running & names:
                if found.get(name) != "detail":
                    found[name] = level
        return found
