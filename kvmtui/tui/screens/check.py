"""All of one check of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.render.host import check_page, remedy_of
from kvmtui.tui.screens.pages import PagesScreen
from kvmtui.tui.spans import Line

if TYPE_CHECKING:
    from kvmtui.manage.checking import Result


class CheckScreen(PagesScreen):
    """What a check found, its remedy, what it is about, what it reads.

    Ends with ``host.copy`` where the remedy is to be copied.
    """

    def __init__(self, result: Result, keys: Keys) -> None:
        super().__init__()
        self._result = result
        self._copy_keys = keys.all_of("host.copy").split(",")
        self._copy_key = keys.of("host.copy")

    def heading(self) -> str:
        """The check's."""
        return visible(self._result.title, limit=60)

    def lines(self, width: int) -> list[Line]:
        """All of it."""
        return check_page(self._result, width, self.kvmtui.glyphs)

    def foot(self) -> Line:
        """Copying, where there is something to copy."""
        copies = ((self._copy_key, "copies the remedy"),) if remedy_of(self._result) else ()
        return self.key_foot(*copies, ("Esc", "closes"))

    def key(self, key: str, character: str | None) -> None:
        """Copy, scroll, leave."""
        if key in self._copy_keys and remedy_of(self._result):
            self.dismiss("host.copy")
        elif key == "enter":
            self.dismiss("")
        else:
            super().key(key, character)
