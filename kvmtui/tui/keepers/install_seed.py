"""Keeps what a person edited of a new guest's seed, and has it edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.light import Later

if TYPE_CHECKING:
    from kvmtui.manage import seed_edits
    from kvmtui.manage.seed_edits import Edits, SeedView
    from kvmtui.tui.keepers.install import InstallKeeper
    from kvmtui.tui.screens.answering import AnsweringScreen
    from kvmtui.tui.screens.main import MainScreen
else:
    seed_edits = Later("kvmtui.manage.seed_edits")

_FAULTS = (KvmtuiError, OSError)


class InstallSeed:
    """The seed to be, for its screen.

    Args:
        screen: The screen with the form.
        keeper: Who knows the form.
    """

    def __init__(self, screen: MainScreen, keeper: InstallKeeper) -> None:
        self._screen = screen
        self._keeper = keeper
        self._kind = ""
        self.edits: Edits = {}
        """What is edited; it stays while the form does."""

    @property
    def _told_on(self) -> AnsweringScreen:
        return self._screen.kvmtui.answering

    async def show(self) -> None:
        """Open the seed, where one goes with what is filled in."""
        from kvmtui.tui.screens.seed import SeedScreen

        if "://" in self._keeper.given.get("ssh_key", ""):
            self._screen.tell_begun("the keys of the seed are fetched")
        view = await self.view()
        if view is None or not view.files:
            return
        form = self._keeper.pane.form
        name = form.values["name"].strip() if form is not None else ""
        self._screen.app.push_screen(SeedScreen(self, self._keeper.keys, view, name))

    async def view(self) -> SeedView | None:
        """The seed now; None where it cannot be had, which was told."""
        try:
            view = await self._keeper.installs.seed(self._keeper.given, self.edits)
        except _FAULTS as error:
            self._screen.refuse(as_told("", error).message)
            return None
        self._kind = view.kind
        return view

    async def edit(self, name: str) -> None:
        """Have a file edited in the person's editor; what comes of it is kept, right or not."""
        from kvmtui.tui.outside import run_outside

        kind, screen = self._kind, self._told_on
        try:
            made = await self._keeper.installs.seed_file(self._keeper.given, name)
            edit = self.edits.get((kind, name))
            before = edit.content if edit is not None else made
            with await self._keeper.installs.draft(name, before) as draft:
                try:
                    status = await run_outside(screen.kvmtui, draft.command)
                except OSError as error:
                    raise draft.not_run(error) from None
                after = draft.content(status)
        except _FAULTS as error:
            screen.tell_failure(name, as_told(name, error))
            return
        if after == before:
            screen.tell(f"{name} is as it was")
            return
        self.edits = seed_edits.take(self.edits, kind, name, after, made)
        self._keeper.look()
        edit = self.edits.get((kind, name))
        if edit is None:
            screen.tell(f"{name} is as the fields make it")
        elif edit.fault:
            screen.refuse(f"{edit.fault}; your text is kept, and nothing is made of it so")
        else:
            screen.tell(f"{name} is kept as edited, for the guest to be")

    def give_back(self, name: str) -> None:
        """Take a file again as the fields make it."""
        self.edits = seed_edits.without(self.edits, self._kind, name)
        self._keeper.look()

    def forget(self) -> None:
        """Nothing is edited."""
        self.edits = {}
