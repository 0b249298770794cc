"""Help: what acts here, in four columns; each explained on Enter, all as a page on F2."""

from __future__ import annotations

from collections.abc import Sequence

from kvmtui.tui.actions.registry import Action, Group, Keys
from kvmtui.tui.screens.overlay import Overlay
from kvmtui.tui.spans import Ground, Line, Span, fit
from kvmtui.tui.widgets.base import Part, Parts
from kvmtui.tui.widgets.framed import framed
from kvmtui.tui.widgets.wrapping import wrap

_GROUPS: tuple[Group, ...] = ("Power", "Look", "Keep", "Around")
_LEAST_WIDTH = 60
"""Below it the columns would have no room for their words."""


class HelpScreen(Overlay):
    """The keys of one place.

    Args:
        title: What the place is called.
        actions: What acts there.
        keys: The keys in force.
    """

    def __init__(self, title: str, actions: Sequence[Action], keys: Keys) -> None:
        super().__init__()
        self._title = title
        self._keys = keys
        self._columns = [
            [action for action in actions if action.group == group] for group in _GROUPS
        ]
        self._columns = [column for column in self._columns if column]
        self._grid_of = [
            [action for action in column if not action.minor] for column in self._columns
        ]
        self._at = (0, 0)
        self._explained = False
        self._page = False
        self._top = 0

    @property
    def _action(self) -> Action:
        column, row = self._at
        return self._grid_of[column][row]

    def rows(self, width: int, height: int) -> list[Parts]:
        """Columns, an explanation, or the page."""
        glyphs = self.kvmtui.glyphs
        dot = f" {glyphs.dot} "
        room = height - 2
        if self._is_page:
            lines = self._page_lines(width - 4)
            self._top = max(0, min(self._top, len(lines) - room))
            rows: list[Parts] = [(Part(line),) for line in lines[self._top : self._top + room]]
            foot: Line = (Span(f"j k move{dot}Esc closes", "muted"),)
            return framed(rows, width, glyphs, title=f"{self._title}: all keys", foot=foot)
        rows = self._grid(width - 4)
        if self._explained:
            told = [(), *((Part(line),) for line in self._explanation(width - 4))]
            rows = [*self._around_cursor(rows, max(room - len(told), 2)), *told]
        else:
            rows = self._around_cursor(rows, room)
        foot = (Span(f"Enter explains one{dot}F2 all keys as a page{dot}Esc closes", "muted"),)
        return framed(rows[:room], width, glyphs, title=f"{self._title}: keys", foot=foot)

    @property
    def _is_page(self) -> bool:
        """Whether it is read from top to bottom: asked for, or too narrow for columns."""
        return self._page or self.app.size.width < _LEAST_WIDTH

    def _around_cursor(self, rows: list[Parts], room: int) -> list[Parts]:
        """The heads, and of the other rows those that fit, with the cursor's among them."""
        top = max(0, self._at[1] + 2 - room)
        return [rows[0], *rows[1 + top :][: room - 1]]

    def _grid(self, width: int) -> list[Parts]:
        cell = width // len(self._grid_of)
        heads: Line = tuple(
            span
            for column in self._grid_of
            for span in fit((Span(column[0].group, bold=True),), cell)
        )
        rows: list[Parts] = [(Part(heads),)]
        for row in range(max(map(len, self._grid_of))):
            parts: list[Part] = []
            for number, column in enumerate(self._grid_of):
                line = self._cell(column[row]) if row < len(column) else ()
                ground: Ground = "cursor" if (number, row) == self._at else "bg"
                parts.append(Part(fit(line, cell - 1), ground))
                parts.append(Part((Span(" "),)))
            rows.append(tuple(parts))
        return rows

    def _cell(self, action: Action) -> Line:
        key = self._keys.of(action.id)
        return (Span(key, "accent", bold=True), Span(f" {action.label}"))

    def _explanation(self, width: int) -> list[Line]:
        action = self._action
        line: Line = (
            Span(f"{self._all_keys(action)}  ", "accent", bold=True),
            Span(f"{action.label}: ", bold=True),
            Span(action.help),
        )
        return list(wrap(line, width))

    def _all_keys(self, action: Action) -> str:
        return self._keys.shown(action.id)

    def _page_lines(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for column in self._columns:
            lines += [(Span(column[0].group, bold=True),)]
            for action in column:
                lines.append(
                    (
                        Span(f"  {self._all_keys(action).ljust(14)}", "accent", bold=True),
                        Span(action.label, bold=True),
                    )
                )
                lines += [(Span("    "), *line) for line in wrap((Span(action.help),), width - 4)]
            lines.append(())
        return lines[:-1]

    def key(self, key: str, character: str | None) -> None:
        """Move, explain, show the page, leave."""
        if key in ("escape", "question_mark", "f1", "q"):
            self.dismiss("")
        elif key == "f2":
            self._page = not self._page
        elif self._is_page:
            self._scroll(key)
        elif key == "enter":
            self._explained = not self._explained
        else:
            self._move(key)

    def _scroll(self, key: str) -> None:
        steps = {"j": 1, "down": 1, "k": -1, "up": -1, "pagedown": 15, "pageup": -15, "space": 15}
        self._top += steps.get(key, 0)

    def _move(self, key: str) -> None:
        column, row = self._at
        steps = {"j": (0, 1), "down": (0, 1), "k": (0, -1), "up": (0, -1)}
        steps |= {"l": (1, 0), "right": (1, 0), "tab": (1, 0), "h": (-1, 0), "left": (-1, 0)}
        across, down = steps.get(key, (0, 0))
        column = (column + across) % len(self._grid_of)
        row = (row + down) % len(self._grid_of[column]) if down else row
        self._at = (column, min(row, len(self._grid_of[column]) - 1))
