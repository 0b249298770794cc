"""The form of the definition of a guest that exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from kvmtui.errors import DefinitionError
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.tui.screens.filling import FillingScreen, fields_of
from kvmtui.tui.widgets.fields import FINE, PROBLEM, Field

_SECTIONS = {"cdrom": "Disks and networks", "firmware": "Machine"}


class DefinitionScreen(FillingScreen):
    """Fills in a definition; each field is checked while it is typed.

    Args:
        name: The guest's. A definition that is not valid has no form: its text is opened
            instead.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+e", "editor", "$EDITOR", id="form.editor", show=False, priority=True)
    ]

    def __init__(self, fleet: Fleet, name: str) -> None:
        super().__init__()
        self._fleet = fleet
        self._guest = name
        self._begun: dict[str, str] = {}

    def heading(self) -> str:
        """Which guest it is."""
        return f"Edit {self._guest}"

    def does(self) -> str:
        """What Ctrl-S does."""
        return "save"

    def more_keys(self) -> list[tuple[str, str]]:
        """The editor."""
        return [("Ctrl-E", "$EDITOR")]

    def subject(self) -> str:
        """The guest."""
        return self._guest

    def take_changes(self, changed: Changed) -> None:
        """Tell that the guest is gone; what was typed is for its owner to give up."""
        if changed.get(self._guest, self) is None:
            self.refuse(f"{self._guest} is gone: what is typed here cannot be saved to it")

    async def load(self) -> list[Field]:
        """The main keys of the definition."""
        try:
            fields = await self._fleet.form_fields(self._guest)
        except DefinitionError:
            self.action_editor()
            return []
        self._begun = {field.id: field.value for field in fields}
        return fields_of(fields, {**_SECTIONS, fields[0].id: "Guest"})

    async def said(self, values: Mapping[str, str]) -> dict[str, str]:
        """Each value is checked for itself."""
        found = {}
        for field, value in values.items():
            right, words = await self._fleet.check_field(field, value)
            found[field] = f"{FINE if right else PROBLEM} {words}" if words or not right else ""
        return found

    async def do(self, values: dict[str, str]) -> None:
        """Change what differs."""
        changed = {k: v for k, v in values.items() if v != self._begun[k]}
        outcome = await self._fleet.change_by_form(self._guest, changed)
        self.leave()
        self.kvmtui.told(outcome)
        self.kvmtui.show_guest(outcome.name)

    def action_editor(self) -> None:
        """Leave the form for the editor; what was typed here is not taken along."""
        name = self._guest
        self.leave()
        self.kvmtui.open_editor(name)
