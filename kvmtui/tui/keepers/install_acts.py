"""What is done on the Install pane: files are chosen, a seed is shown, the guest is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.views import Outcome

if TYPE_CHECKING:
    from kvmtui.tui.keepers.install import InstallKeeper
    from kvmtui.tui.screens.main import MainScreen

_FAULTS = (KvmtuiError, OSError)
_PATHS = ("kernel", "initrd", "cdrom", "user_data", "ssh_key")
"""Fields that take a path, whatever the file is."""
_WATCHED = {"cloud", "iso", "network"}
"""Sources that have more to do than to start: one watches them in Activity."""


class InstallActs:
    """Does what the pane's keys ask for.

    Args:
        screen: Where it is told.
        keeper: Who knows the form.
    """

    def __init__(self, screen: MainScreen, keeper: InstallKeeper) -> None:
        self._screen = screen
        self._keeper = keeper
        self._making = ""
        self._asked_of = ""
        """The guest of which it was told that nobody could log in."""
        self._file = ""
        """A file that was chosen before there was a form."""
        self.secret = ""
        """The hash of a password that was typed; nothing else of it is kept."""

    # Files.

    def browse(self) -> None:
        """Choose a file; what it is says what the guest is made from."""
        from kvmtui.tui.screens.browse import BrowseScreen

        form = self._keeper.pane.form
        field = form.field if form is not None else ""

        def chosen(path: str | None) -> None:
            if path:
                self._screen.run_worker(self._take_file(field, path), group="install-file")

        self._screen.app.push_screen(BrowseScreen(self._keeper.installs), chosen)

    async def _take_file(self, field: str, path: str) -> None:
        """Put a file into the field it was looked for, or into the one for what it is."""
        form = self._keeper.pane.form
        if form is None:
            self._file = path
            return
        if field not in _PATHS:
            try:
                kind = await self._keeper.installs.kind_of(path)
            except _FAULTS:
                kind = ""
            field = {"iso": "iso", "disk": "file"}.get(kind, field)
            if field not in ("iso", "file"):
                self._screen.refuse("this is neither a medium nor an image")
                return
            form.give("source", {"iso": "iso", "file": "disk"}[field])
        form.give(field, path)
        form.go_to(field)
        self._keeper.look()

    async def take_waiting(self, field: str) -> None:
        """Take the file that was chosen before there was a form."""
        file, self._file = self._file, ""
        if file:
            await self._take_file(field, file)

    # The first login.

    def ask_password(self) -> None:
        """Have a password typed that is not shown; its hash alone is kept."""
        from kvmtui.tui.render.confirm import question_secret
        from kvmtui.tui.widgets.dialog import Answer, Dialog

        def answered(answer: Answer | None) -> None:
            if answer is not None and answer.done:
                self._screen.run_worker(self._hash(answer.text), group="install-password")
            elif self._keeper.pane.form is not None:
                self._keeper.pane.form.give("password", "")
                self._keeper.look()

        question = question_secret("Password of the guest's user", "Not shown", "Take it")
        self._screen.app.push_screen(Dialog(question), answered)

    async def _hash(self, password: str) -> None:
        try:
            self.secret = await self._keeper.installs.password_hash(password)
        except _FAULTS as error:
            self._screen.tell_failure("", as_told("", error))
        self._keeper.look()

    # Beginning anew.

    def start_over(self) -> None:
        """Forget what was filled in; asked first where a person gave something."""
        from kvmtui.tui.render.confirm import question_start_over
        from kvmtui.tui.widgets.dialog import Answer, Dialog

        def answered(answer: Answer | None) -> None:
            if answer is not None and answer.done:
                self._keeper.start_over()
                self._screen.tell("all is as at first")

        if self._keeper.is_filled_in:
            self._screen.app.push_screen(Dialog(question_start_over()), answered)
        else:
            answered(Answer(done=True))

    # Making it.

    async def create(self, *, start: bool) -> None:
        """Look once more, since the last key may be an instant ago, and do it."""
        if self._making:
            self._screen.refuse(f"{self._making} is being made")
            return
        form = self._keeper.pane.form
        page = await self._keeper.look_once()
        if form is None or page is None:
            return
        if self._keeper.faulty:
            form.go_to(self._keeper.faulty[0])
            self._screen.refuse(self._keeper.verdict()[2])
            return
        given = self._keeper.given
        locked_out = page.said.get("ssh_key", ("",))[0] == "warning"
        if start and locked_out and self._asked_of != given["uuid"]:
            self._asked_of = given["uuid"]
            form.go_to("ssh_key")
            self._screen.refuse(
                f"{page.said['ssh_key'][1]}; {self._keeper.create_key} again creates it so"
            )
            return
        name = form.values["name"].strip()
        busy = self._screen.kvmtui.desk.errands.refusal(name)
        if busy or self._making:
            self._screen.refuse(busy or f"{self._making} is being made")
            return
        self._making = name
        values = form.values
        if page.is_long:
            self._make_long(given, values, start=start)
            return
        try:
            outcome = await self._keeper.installs.make(given, self._keeper.seed.edits)
        except _FAULTS as error:
            self._screen.tell_failure(name, as_told(name, error))
            self._keeper.look()
            return
        finally:
            self._making = ""
        self._keeper.start_over()
        self._screen.kvmtui.told(outcome)
        self._screen.show_guest(outcome.name)
        watched = start and values["source"] in _WATCHED
        self._screen.do("pane.activity" if watched else "pane.guests")
        if start:
            self._begin(outcome.name, "start", lambda: self._start(outcome.name, values))

    def _make_long(self, given: dict[str, str], values: dict[str, str], *, start: bool) -> None:
        """An image is fetched first: Activity shows how far it is, and can cancel it."""
        name, self._making = self._making, ""
        # The form stays, for another guest or, where this one fails, another try.
        self._keeper.take_another_number()
        left_as, edits = self._filled_in, self._keeper.seed.edits

        async def act() -> Outcome:
            outcome = await self._keeper.installs.make(given, edits)
            if self._filled_in == left_as and self._keeper.seed.edits is edits:
                self._keeper.start_over()
            if not start:
                return outcome
            started = await self._start(name, values)
            note = "\n".join(filter(None, (outcome.note, started.note)))
            return started._replace(note=note)

        self._screen.show_guest(name)
        self._screen.do("pane.activity")
        self._begin(name, "create", act)
        self._screen.tell_begun(f"{name}: its image is fetched first")

    @property
    def _filled_in(self) -> dict[str, str]:
        """What a person gave, whatever the number of the guest to be."""
        return {**self._keeper.given, "uuid": ""}

    def _begin(self, name: str, verb: str, act: Callable[[], Awaitable[Outcome]]) -> None:
        self._screen.kvmtui.desk.errands.begin(name, verb, act)
        self._screen.kvmtui.look_soon()

    async def _start(self, name: str, values: dict[str, str]) -> Outcome:
        """Start it; where a person has to install it by hand, show its screen."""
        begun = await self._keeper.installs.begin(name) if values["source"] == "iso" else None
        started = begun or await self._keeper.start(name)
        if not started.changed:
            # Whoever lets installations go on was an instant faster.
            started = started._replace(message=f"{name} runs")
        by_hand = values["source"] == "network" or (
            values["source"] == "iso" and values.get("answers") != "made"
        )
        if by_hand and self._screen.is_answering:
            self._screen.kvmtui.open_display(name)
        return started
