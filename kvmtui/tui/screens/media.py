"""The form of a guest's CD drive: an image's path, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.tui.screens.filling import FillingScreen, fields_of
from kvmtui.tui.widgets.fields import FINE, PROBLEM, Field


class MediaScreen(FillingScreen):
    """Puts a CD in, or takes it out.

    Args:
        name: The guest's.
    """

    def __init__(self, fleet: Fleet, name: str) -> None:
        super().__init__()
        self._fleet = fleet
        self._guest = name

    def heading(self) -> str:
        """Whose drive it is."""
        return f"CD of {self._guest}"

    def does(self) -> str:
        """What Ctrl-S does."""
        return "change the CD"

    def subject(self) -> str:
        """The guest."""
        return self._guest

    def take_changes(self, changed: Changed) -> None:
        """Leave when the guest is gone."""
        if changed.get(self._guest, self) is None:
            self.leave()
            self.kvmtui.refuse(f"{self._guest} is gone")

    async def load(self) -> list[Field]:
        """What is in the drives."""
        fields = await self._fleet.console.cd_fields(self._guest)
        return fields_of(fields, {fields[0].id: "Drive"})

    async def said(self, values: Mapping[str, str]) -> dict[str, str]:
        """The file is looked at; of a drive is told what is in it."""
        found = dict.fromkeys(values, "")
        if "file" in values:
            right, words = await self._fleet.console.check_cd(values["file"])
            found["file"] = f"{FINE if right else PROBLEM} {words}"
        if "drive" in values:
            words = await self._fleet.console.told_of_cd(self._guest, values["drive"])
            found["drive"] = f"{FINE} now {words}" if words else f"{PROBLEM} there is none now"
        return found

    async def do(self, values: dict[str, str]) -> None:
        """Put it in or take it out; where the guest holds its tray, the form stays."""
        outcome = await self._fleet.console.change_cd(self._guest, values)
        self.leave()
        self.kvmtui.told(outcome)
