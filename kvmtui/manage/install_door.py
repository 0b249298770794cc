"""The door to new guests: their form, the files to make them from, and making them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kvmtui.errors import DefinitionError
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.door import Door
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.manage import browsing, creating, install_checks, install_form, recognising
    from kvmtui.manage.install_form import InstallForm
    from kvmtui.manage.recognising import Recogniser
else:
    browsing = Later("kvmtui.manage.browsing")
    creating = Later("kvmtui.manage.creating")
    install_checks = Later("kvmtui.manage.install_checks")
    install_form = Later("kvmtui.manage.install_form")
    recognising = Later("kvmtui.manage.recognising")

Values = dict[str, str]


class InstallDoor(Door):
    """What the Install pane asks for.

    Args:
        library: The folders of the guests.
        promised_cpus: Says how many processors running guests have.
    """

    def __init__(self, library: Library, promised_cpus: Callable[[], int]) -> None:
        super().__init__(library)
        self._promised_cpus = promised_cpus
        self._recogniser: Recogniser | None = None

    @property
    def recogniser(self) -> Recogniser:
        """Who looks at media; what it has seen is kept."""
        if self._recogniser is None:
            self._recogniser = recognising.Recogniser(self.library)
        return self._recogniser

    async def look(self, given: Values) -> InstallForm:
        """The form as it is, given what a person filled in."""
        host = install_checks.Host(self._promised_cpus())
        return await self._read(
            lambda: install_form.look(self.library, self.recogniser, given, host)
        )

    async def make(self, given: Values) -> Outcome:
        """Define the guest that the fields say.

        Raises:
            KvmtuiError: A field is not right, or it cannot be made; nothing is left.
        """
        return await asyncio.to_thread(lambda: self._make(given))

    def _make(self, given: Values) -> Outcome:
        planned = install_form.planned(self.library, self.recogniser, given)
        if planned.problems or planned.definition is None:
            raise DefinitionError([f"{key}: {text}" for key, text in planned.problems.items()])
        outcome = creating.create(self.library, planned.name, planned.plain)
        notes = "\n".join(filter(None, [*planned.notes, outcome.note]))
        return outcome._replace(note=notes)

    async def browse(self, folder: str) -> browsing.Listing:
        """What is in a folder; the places to begin at where none is named.

        Raises:
            KvmtuiError: It cannot be read.
        """
        if not folder:
            return await self._read(lambda: browsing.begin(self.library))
        return await self._read(lambda: browsing.list_folder(folder))

    async def told(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """As `browsing.told`."""
        return await self._read(lambda: browsing.told(self.recogniser, paths))

    async def kind_of(self, path: str) -> str:
        """As `browsing.kind_of`."""
        return await self._read(lambda: browsing.kind_of(self.recogniser, path))
