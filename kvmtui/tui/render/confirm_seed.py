"""What the dialog says before an edited file of a seed is given up."""

from __future__ import annotations

from kvmtui.text import visible
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.dialog import Question


def question_give_back(file: str, lines: int) -> Question:
    """Before an edited file is again as the fields make it."""
    name = visible(file, limit=40)
    count = "1 line" if lines == 1 else f"{lines} lines"
    told: tuple[Line, ...] = ((Span(f"What you edited, {count}, is kept nowhere."),),)
    return Question(f"Take the generated {name} back?", told, "Keep mine", "Take it back")
