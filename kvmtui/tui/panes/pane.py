"""What all panes have in common: their place, and rest while out of sight."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.message import Message
from textual.widget import Widget


class Pane(Widget):
    """One tab of the main screen.

    A pane that is not seen draws nothing: `show` only notes that it is due, and `wake`
    makes up for it.
    """

    PLACE: ClassVar[Literal["guests", "images", "install", "host", "activity"]]
    """Where its keys belong."""
    TITLE: ClassVar[str]
    """What it is called."""
    TYPED_INTO: ClassVar[bool] = False
    """Whether letters are text in it."""

    class Asked(Message):
        """Something is asked for on the pane; each pane has its own."""

    class ChoiceChanged(Message):
        """The cursor, the marks or what is shown is other than before."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._due = False

    def draw(self) -> None:
        """Show all of it; for the panes to say."""
        raise NotImplementedError

    def show(self) -> None:
        """Show what is new, now or as soon as the pane is seen."""
        self._due = not self.display
        if self.display:
            self.draw()

    def wake(self) -> None:
        """The pane is seen from now on."""
        if self._due:
            self.show()

    def take_focus(self) -> None:
        """Give the keys to what they are for in the pane."""
        raise NotImplementedError
