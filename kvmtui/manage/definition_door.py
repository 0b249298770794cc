"""The definitions' part of the Fleet's door: what guests are, and what becomes of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from kvmtui.light import Later
from kvmtui.manage.door import Door
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.guest import editing
    from kvmtui.manage import autostart, changing, creating, demo, forms
else:
    editing = Later("kvmtui.guest.editing")
    autostart = Later("kvmtui.manage.autostart")
    changing = Later("kvmtui.manage.changing")
    creating = Later("kvmtui.manage.creating")
    demo = Later("kvmtui.manage.demo")
    forms = Later("kvmtui.manage.forms")


class DefinitionDoor(Door):
    """What is done to definitions."""

    async def create(self, name: str, plain: dict[str, Any], text: str | None = None) -> Outcome:
        """As `creating.create`."""
        return await asyncio.to_thread(
            lambda: creating.create(self.library, name, plain, text=text)
        )

    async def change(self, name: str, changes: list[editing.Change]) -> Outcome:
        """As `changing.change`."""
        return await asyncio.to_thread(lambda: changing.change(self.library, name, changes))

    async def replace_text(self, name: str, before: str, after: str) -> Outcome:
        """As `changing.replace_text`."""
        return await asyncio.to_thread(
            lambda: changing.replace_text(self.library, name, before, after)
        )

    async def form_fields(self, name: str) -> list[forms.FormField]:
        """As `forms.edit_fields`."""
        return await self._read(lambda: forms.edit_fields(self.library, name))

    async def check_field(self, field: str, text: str) -> tuple[bool, str]:
        """As `forms.check_field`."""
        return await self._read(lambda: forms.check_field(self.library, field, text))

    async def change_by_form(self, name: str, values: dict[str, str]) -> Outcome:
        """Change the fields of a definition that a form gave.

        Raises:
            KvmtuiError: A field is not right; the file is as before.
        """

        def change() -> Outcome:
            before, after = forms.edited(self.library, name, values)
            return changing.replace_plain(self.library, name, before, after)

        return await asyncio.to_thread(change)

    async def definition_text(self, name: str) -> str:
        """As `changing.definition_text`."""
        return await self._read(lambda: changing.definition_text(self.library, name))

    async def rename(self, name: str, new_name: str) -> Outcome:
        """As `changing.rename`."""
        return await asyncio.to_thread(lambda: changing.rename(self.library, name, new_name))

    async def delete(self, name: str, *, keep_disks: bool = False) -> Outcome:
        """As `changing.delete`."""
        return await asyncio.to_thread(
            lambda: changing.delete(self.library, name, keep_disks=keep_disks)
        )

    async def files_of(self, name: str) -> tuple[list[tuple[str, int]], list[str]]:
        """As `changing.files_of`."""
        return await self._read(lambda: changing.files_of(self.library, name))

    async def set_tags(self, name: str, tags: list[str]) -> Outcome:
        """Give a guest other tags."""
        text = json.dumps(tags) if tags else ""
        return await self.change(name, [editing.Change(["tags"], text)])

    async def enable_autostart(
        self, name: str, *, order: int | None = None, delay_s: int | None = None
    ) -> Outcome:
        """As `autostart.enable`."""
        return await asyncio.to_thread(
            lambda: autostart.enable(self.library, name, order=order, delay_s=delay_s)
        )

    async def disable_autostart(self, name: str) -> Outcome:
        """As `autostart.disable`."""
        return await asyncio.to_thread(lambda: autostart.disable(self.library, name))

    def demo_names(self) -> list[str]:
        """The names of the demo guests."""
        return list(demo.GUESTS)

    async def define_demo(self) -> list[str]:
        """As `demo.ensure`; returns the demo guests' names."""
        await asyncio.to_thread(lambda: demo.ensure(self.library))
        return self.demo_names()
