"""What is drawn over time: held while it is looked at, and read at a time by a cursor."""

from __future__ import annotations

from typing import Generic, TypeVar

from kvmtui.tui.widgets.base import LineWidget

Shown = TypeVar("Shown")


class ReadOverTime(LineWidget, Generic[Shown]):
    """Stands still while it is held, and shows then what came meanwhile."""

    _held = False
    _cursor_s: float | None = None
    _waiting: Shown | None = None

    @property
    def held(self) -> bool:
        """Whether it stands still whatever comes."""
        return self._held

    @property
    def cursor_s(self) -> float | None:
        """The time that is read, in seconds since 1970."""
        return self._cursor_s

    def show(self, shown: Shown) -> None:
        """Draw this from now on; where it is held, when it goes on."""
        raise NotImplementedError

    def hold(self, held: bool) -> None:
        """Stand still, or go on with the newest that came meanwhile."""
        if held == self._held:
            return
        self._held = held
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not held:
            self.show(waiting)
        else:
            self._draw()

    def read(self, at_s: float | None) -> None:
        """Put the cursor on a time, or on the nearest that is drawn; None takes it away."""
        self._cursor_s = at_s
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc belongs to others while nothing is read."""
        if action == "leave":
            return self._cursor_s is not None
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        raise NotImplementedError
