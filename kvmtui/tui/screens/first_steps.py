"""First steps: pages to read, over whatever is shown."""

from __future__ import annotations

from kvmtui.manage.checking import Report
from kvmtui.manage.first_steps import pages
from kvmtui.tui.render.pages import page_lines
from kvmtui.tui.screens.pages import PagesScreen
from kvmtui.tui.spans import Line, Span

_NEXT = ("right", "l", "space", "enter", "n", "tab")
_BACK = ("left", "h", "p", "backspace", "shift+tab")


class FirstStepsScreen(PagesScreen):
    """Pages that are turned; ends with ``app.help`` where keys are asked for.

    Args:
        report: What is known of this machine.
    """

    def __init__(self, report: Report | None) -> None:
        super().__init__()
        self._pages = pages(report)
        self._at = 0

    def heading(self) -> str:
        """The page's title, and where it stands."""
        return f"{self._pages[self._at].title}  {self._at + 1} of {len(self._pages)}"

    def lines(self, width: int) -> list[Line]:
        """The page."""
        return page_lines(self._pages[self._at], width)

    def least_rows(self) -> int:
        """As many as a screen of 24 rows has: the frame stands still."""
        return 22

    def foot(self) -> Line:
        """Turning; the contents where there is room."""
        arrows = "< >" if self.kvmtui.glyphs.name == "ascii" else "← →"
        return (*self.key_foot((arrows, "turn"), ("F2", "keys"), ("Esc", "closes")), Span(""))

    def key(self, key: str, character: str | None) -> None:
        """Turn, scroll, leave."""
        if key in _NEXT or key in _BACK:
            step = 1 if key in _NEXT else -1
            turned = max(0, min(self._at + step, len(self._pages) - 1))
            self._top = 0 if turned != self._at else self._top
            self._at = turned
        elif (character or "").isdecimal() and 0 < int(character or 0) <= len(self._pages):
            self._at, self._top = int(character or 0) - 1, 0
        elif key == "f2":
            self.dismiss("app.help")
        elif key in ("question_mark", "f1", "f3"):
            self.dismiss("")
        else:
            super().key(key, character)
