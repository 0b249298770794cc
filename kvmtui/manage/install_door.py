"""The door to new guests: their form, the files to make them from, and making them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from kvmtui.errors import DefinitionError, KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.light import Later
from kvmtui.manage.door import Door
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.guest.answers import Answers
    from kvmtui.manage import (
        browsing,
        creating,
        first_logins,
        install_checks,
        install_draft,
        install_form,
        install_login,
        install_plan,
        installing,
        recognising,
        secret_drafts,
        seed_edits,
    )
    from kvmtui.manage.catalog import CatalogDoor
    from kvmtui.manage.install_draft import Draft
    from kvmtui.manage.install_form import InstallForm
    from kvmtui.manage.install_login import Wishes
    from kvmtui.manage.install_plan import Plan
    from kvmtui.manage.recognising import Recogniser
    from kvmtui.manage.secret_drafts import SecretDraft
    from kvmtui.manage.seed_edits import Edits, SeedView
else:
    browsing = Later("kvmtui.manage.browsing")
    creating = Later("kvmtui.manage.creating")
    first_logins = Later("kvmtui.manage.first_logins")
    install_checks = Later("kvmtui.manage.install_checks")
    install_draft = Later("kvmtui.manage.install_draft")
    install_form = Later("kvmtui.manage.install_form")
    install_login = Later("kvmtui.manage.install_login")
    install_plan = Later("kvmtui.manage.install_plan")
    installing = Later("kvmtui.manage.installing")
    recognising = Later("kvmtui.manage.recognising")
    secret_drafts = Later("kvmtui.manage.secret_drafts")
    seed_edits = Later("kvmtui.manage.seed_edits")

Values = dict[str, str]


class InstallDoor(Door):
    """What the Install pane asks for.

    Args:
        library: The folders of the guests.
        promised_cpus: Says how many processors running guests have.
        catalog: Has the catalogue of cloud images.
    """

    def __init__(
        self,
        library: Library,
        promised_cpus: Callable[[], int],
        catalog: Callable[[], CatalogDoor],
    ) -> None:
        super().__init__(library)
        self._catalog = catalog
        self._promised_cpus = promised_cpus
        self._recogniser: Recogniser | None = None
        self._fetched: dict[str, list[str]] = {}
        """Keys that a seed was shown with, by their addresses."""

    @property
    def recogniser(self) -> Recogniser:
        """Who looks at media; what it has seen is kept."""
        if self._recogniser is None:
            self._recogniser = recognising.Recogniser(self.library)
        return self._recogniser

    async def look(self, given: Values, edits: Edits | None = None) -> InstallForm:
        """The form as it is, given what a person filled in, and edited of its seed."""
        host = install_checks.Host(self._promised_cpus())
        return await self._read(
            lambda: install_form.look(
                *(self.library, self.recogniser, given, host, edits or {}), self._fetched
            )
        )

    async def make(self, given: Values, edits: Edits | None = None) -> Outcome:
        """Define the guest that the fields say; a cloud image that is missing is fetched.

        Args:
            edits: Files of its seed, which are used as they are.

        Raises:
            KvmtuiError: A field or an edited file is not right, or it cannot be made; nothing
                is left.
        """
        draft, plan, wished = await self._read(lambda: self._planned(given, fetches=True))
        problems = {**plan.problems, **wished.problems}
        if problems or plan.definition is None:
            raise DefinitionError([f"{key}: {text}" for key, text in problems.items()])
        own = seed_edits.contents(edits or {}, install_login.kind_of(draft))
        if draft.cloud is None:
            return await asyncio.to_thread(lambda: self._make(draft, plan, wished, own))
        return await self._catalog().create_guest(
            *(plan.name, plan.plain, draft.cloud.image.id, wished.login),
            user_data=wished.user_data,
            own=own,
        )

    def _planned(self, given: Values, *, fetches: bool) -> tuple[Draft, Plan, Wishes]:
        draft = install_draft.draft(self.library, self.recogniser, given)
        return (
            draft,
            install_plan.plan(draft),
            install_login.wishes(draft, fetches=fetches, fetched=self._fetched),
        )

    def _make(self, draft: Draft, plan: Plan, wished: Wishes, own: Mapping[str, bytes]) -> Outcome:
        if draft.source == "iso":
            answered = install_draft.makes_answers(draft.values)
            wants, own = (wished.login, own) if answered else (None, {})
            outcome = installing.create(self.library, plan.name, plan.plain, wants=wants, own=own)
        else:
            outcome = creating.create(self.library, plan.name, plan.plain, profiled=True)
        told = dict.fromkeys([*plan.notes, *outcome.note.splitlines()])
        return outcome._replace(note="\n".join(filter(None, told)))

    async def begin(self, name: str) -> Outcome | None:
        """Start an installation; None where another does so already.

        Raises:
            KvmtuiError: It does not start.
        """
        return await asyncio.to_thread(lambda: installing.settle(self.library, name))

    async def seed(self, given: Values, edits: Edits | None = None) -> SeedView:
        """What the guest or its installer would be given, its edited files as they are.

        Keys that are at an address are fetched for it, once.

        Raises:
            KvmtuiError: A field is not right, or nothing is given.
        """

        def read() -> SeedView:
            kind, made = self._answers(given)
            return seed_edits.view(made, kind, edits or {})

        return await self._read(read)

    async def seed_file(self, given: Values, name: str) -> bytes:
        """A file of the seed as the fields make it, with all that is in it.

        Raises:
            KvmtuiError: As `seed`.
        """
        return await self._read(lambda: self._answers(given)[1].files.get(name, b""))

    async def draft(self, file: str, content: bytes) -> SecretDraft:
        """A file of the seed for a person's editor.

        Raises:
            KvmtuiError: There is no place for it.
        """
        return await self._read(lambda: secret_drafts.SecretDraft(self.library, file, content))

    def _answers(self, given: Values) -> tuple[str, Answers]:
        # A file that is edited has all in it: keys are not put in later.
        fetches = given.get("ssh_key", "").strip() not in self._fetched
        draft, plan, wished = self._planned(given, fetches=fetches)
        if not install_draft.makes_answers(draft.values):
            raise KvmtuiError("no seed goes with it: nothing in it would read one")
        if wished.problems:
            field, words = next(iter(wished.problems.items()))
            raise KvmtuiError(f"{field}: {words}")
        return install_login.kind_of(draft), install_login.answers(draft, plan, wished)

    async def password_hash(self, password: str) -> str:
        """A password's hash: it alone is kept, and only until the guest is made.

        Raises:
            KvmtuiError: It cannot be made here.
        """
        return await self._read(lambda: first_logins.password_hash(password.encode()))

    async def browse(self, folder: str) -> browsing.Listing:
        """What is in a folder; the places to begin at where none is named.

        Raises:
            KvmtuiError: It cannot be read.
        """
        if not folder:
            return await self._read(lambda: browsing.begin(self.library))
        return await self._read(lambda: browsing.list_folder(folder))

    async def place_of(self, text: str) -> browsing.Place:
        """As `browsing.place_of`."""
        return await self._read(lambda: browsing.place_of(text))

    async def told(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """As `browsing.told`."""
        return await self._read(lambda: browsing.told(self.recogniser, paths))

    async def kind_of(self, path: str) -> str:
        """As `browsing.kind_of`."""
        return await self._read(lambda: browsing.kind_of(self.recogniser, path))
