"""The form of a definition: a new guest, or one that exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from kvmtui.errors import DefinitionError
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.tui.screens.filling import FillingScreen, fields_of
from kvmtui.tui.widgets.fields import FINE, PROBLEM, Field

_SECTIONS = {"disk": "Disks and networks", "firmware": "Machine"}
_SECTIONS_EDIT = {"cdrom": "Disks and networks", "firmware": "Machine"}


class DefinitionScreen(FillingScreen):
    """Fills in a definition; each field is checked while it is typed.

    Args:
        name: The guest's; None for a new one. A definition that is not valid has no form:
            its text is opened instead.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+e", "editor", "$EDITOR", id="form.editor", show=False, priority=True)
    ]

    def __init__(self, fleet: Fleet, name: str | None) -> None:
        super().__init__()
        self._fleet = fleet
        self._guest = name
        self._begun: dict[str, str] = {}

    def heading(self) -> str:
        """Which guest it is."""
        return "New guest" if self._guest is None else f"Edit {self._guest}"

    def does(self) -> str:
        """Create or save."""
        return "create" if self._guest is None else "save"

    def more_keys(self) -> list[tuple[str, str]]:
        """The editor, where there is a text already."""
        return [] if self._guest is None else [("Ctrl-E", "$EDITOR")]

    def subject(self) -> str:
        """The guest."""
        return self._guest or ""

    def take_changes(self, changed: Changed) -> None:
        """Tell that the guest is gone; what was typed is for its owner to give up."""
        if self._guest is not None and changed.get(self._guest, self) is None:
            self.refuse(f"{self._guest} is gone: what is typed here cannot be saved to it")

    async def load(self) -> list[Field]:
        """The main keys of the definition."""
        try:
            fields = await self._fleet.form_fields(self._guest)
        except DefinitionError:
            self.action_editor()
            return []
        self._begun = {field.id: field.value for field in fields}
        sections = _SECTIONS if self._guest is None else _SECTIONS_EDIT
        return fields_of(fields, {**sections, fields[0].id: "Guest"})

    async def said(self, values: Mapping[str, str]) -> dict[str, str]:
        """Each value is checked for itself."""
        found = {}
        for field, value in values.items():
            right, words = await self._fleet.check_field(field, value)
            found[field] = f"{FINE if right else PROBLEM} {words}" if words or not right else ""
        return found

    async def do(self, values: dict[str, str]) -> None:
        """Define the guest, or change what differs."""
        if self._guest is None:
            outcome = await self._fleet.create_from_form(values)
        else:
            changed = {k: v for k, v in values.items() if v != self._begun[k]}
            outcome = await self._fleet.change_by_form(self._guest, changed)
        self.leave()
        self.kvmtui.told(outcome)
        self.kvmtui.show_guest(outcome.name)

    def action_editor(self) -> None:
        """Leave the form for the editor; what was typed here is not taken along."""
        if self._guest is not None:
            name = self._guest
            self.leave()
            self.kvmtui.open_editor(name)
