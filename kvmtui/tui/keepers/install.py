"""Keeps the Install pane: what follows from what is typed, and making the guest."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.light import Later
from kvmtui.manage.fleet import Fleet
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.keepers.base import LookingKeeper
from kvmtui.tui.keepers.install_acts import InstallActs
from kvmtui.tui.keepers.install_bar import install_bar
from kvmtui.tui.keepers.install_seed import InstallSeed
from kvmtui.tui.key_parser import KeyParser
from kvmtui.tui.panes.install import InstallPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.spans import Line, Role, Span

if TYPE_CHECKING:
    from kvmtui.manage.install_door import InstallDoor
    from kvmtui.manage.install_form import InstallForm
    from kvmtui.manage.views import Outcome
    from kvmtui.tui.render import install as render
    from kvmtui.tui.screens.main import MainScreen
    from kvmtui.tui.widgets import fields as widgets
else:
    render = Later("kvmtui.tui.render.install")
    widgets = Later("kvmtui.tui.widgets.fields")

SETTLED_S = 0.15
AGAIN_S = 3.0
"""How often all is looked at again while the pane is seen: room goes, names are taken."""
_AT_ONCE = ("source", "os", "firmware", "answers", "image", "arch")
"""Fields that others follow: nobody waits for the next key."""
_FAULTS = (KvmtuiError, OSError)


class InstallKeeper(LookingKeeper):
    """One look at a time; the newest that was given counts.

    Args:
        changed: Called when something is said anew.
    """

    pane: InstallPane
    LOOKS = "install"

    def __init__(
        self,
        screen: MainScreen,
        pane: InstallPane,
        fleet: Fleet,
        keys: Keys,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(screen, pane, fleet, keys)
        self._changed = changed
        self.number = str(uuid.uuid4())
        """The UUID of the guest to be."""
        self._page: InstallForm | None = None
        self._acts = InstallActs(screen, self)
        self.seed = InstallSeed(screen, self)
        pane.browse = self._acts.browse
        pane.leave = self._leave

    # While the pane is seen.

    def open(self) -> None:
        """The pane is seen: look now, and again and again."""
        KeyParser.literal = True
        self._begin_every(AGAIN_S, self.look)
        self.look()

    def close(self) -> None:
        """The pane is out of sight; what was filled in stays."""
        KeyParser.literal = False
        self._end_every()

    def fill(self) -> None:
        """What comes of it, in the room that there is."""
        self._show_summary()

    @property
    def installs(self) -> InstallDoor:
        """Who knows what follows, and makes guests."""
        return self._fleet.installs

    @property
    def keys(self) -> Keys:
        """The keys in force."""
        return self._keys

    @property
    def create_key(self) -> str:
        """The key that creates and starts."""
        return self._keys.of("install.create")

    async def start(self, name: str) -> Outcome:
        """As `Fleet.start`."""
        return await self._fleet.start(name)

    # Looking.

    @property
    def given(self) -> dict[str, str]:
        """What a person gave."""
        form = self.pane.form
        given = {**(form.given if form is not None else {}), "uuid": self.number}
        return {**given, "password_hash": self._acts.secret} if self._acts.secret else given

    @property
    def is_filled_in(self) -> bool:
        """Whether a person gave a field a value, or edited the seed; a fold has no value."""
        page = self._page
        folds = {field.id for field in page.fields if field.kind == "fold"} if page else set()
        return bool(self.given.keys() - folds - {"uuid"} or self.seed.edits)

    async def look_once(self) -> InstallForm | None:
        """What follows now; None where it cannot be known, or all was begun anew meanwhile."""
        given, edits = self.given, self.seed.edits
        try:
            page = await self._fleet.installs.look(given, edits)
        except _FAULTS as error:
            self._screen.tell_failure("", as_told("", error))
            return None
        if given["uuid"] != self.number:
            return None
        await self._put(page, given)
        return page

    async def _put(self, page: InstallForm, given: dict[str, str]) -> None:
        """Show a look; of what was changed meanwhile the next one tells."""
        self._page = page
        await self.pane.set_fields([widgets.Field(**field._asdict()) for field in page.fields])
        form = self.pane.form
        if form is None:
            return
        now = self.given
        signs = {"fine": widgets.FINE, "warning": widgets.WARNING, "problem": widgets.PROBLEM}
        for field in page.fields:
            if now.get(field.id) == given.get(field.id):
                standing, words = page.said.get(field.id, ("", ""))
                form.set_result(field.id, f"{signs[standing]} {words}" if standing else "")
        self._show_summary()
        self._changed()
        await self._acts.take_waiting(form.field)

    # What is shown of it.

    @property
    def _told(self) -> dict[str, tuple[str, str]]:
        """What was said of the fields that are there, in their order."""
        form, page = self.pane.form, self._page
        if form is None or page is None:
            return {}
        return {field.id: page.said[field.id] for field in form.there if field.id in page.said}

    @property
    def _labels(self) -> dict[str, str]:
        page = self._page
        return {field.id: field.label for field in page.fields} if page is not None else {}

    @property
    def faulty(self) -> list[str]:
        """The fields that are not right."""
        return [field for field, (standing, _) in self._told.items() if standing == "problem"]

    def _show_summary(self) -> None:
        page, form = self._page, self.pane.form
        if page is None or form is None or not self.pane.size.width:
            return
        glyphs, room = self._screen.kvmtui.glyphs, self.pane.room
        key, faulty = self._keys.of("install.copy"), self.faulty
        right: list[Line] = []
        below: dict[str, list[Line]] = {}
        if self.pane.is_wide:
            right = render.right_lines(page.summary, faulty, room, glyphs, key)
        else:
            below["summary"] = render.below_lines(page.summary, faulty, room, glyphs, key)
        below["create_and_start"] = [self._beside_button()]
        self.pane.set_right(right, below)

    def _beside_button(self) -> Line:
        sign, role, text = self.verdict()
        key = Span(f"  {self._keys.of('install.create')}", "accent", bold=True)
        if not self.pane.is_wide or not text:
            return (key,)
        text = text.split(":")[0] if role == "ok" else text
        return (key, Span(f"   {sign}", role, glyph=True), Span(f" {text}"))

    def verdict(self) -> tuple[str, Role, str]:
        """How all of it stands: a sign, its role, and a sentence."""
        glyphs, told = self._screen.kvmtui.glyphs, self._told
        if not told:
            return "", "text", ""
        standing, text = render.verdict(told, self._labels)
        looks: dict[str, tuple[str, Role]] = {
            "fine": (glyphs.good, "ok"),
            "warning": (glyphs.trouble, "warn"),
            "problem": (glyphs.crashed, "err"),
        }
        return (*looks[standing], text)

    def standing(self) -> Line:
        """Counts the checks, or names the first that is not right."""
        sign, role, text = self.verdict()
        return (Span(sign, role, glyph=True), Span(f" {text}", "muted")) if text else ()

    def bar(self) -> list[tuple[str, str]]:
        """Keys of forms, and those of the pane."""
        screen = self._screen
        seeded = self._page is not None and self._page.has_answers
        return install_bar(self._keys, screen.size.width, screen.kvmtui.glyphs, seeded=seeded)

    # What a person does.

    def asked(self, request: Pane.Asked) -> None:
        """A field was changed, or something is wanted."""
        if isinstance(request, InstallPane.Changed):
            self._screen.key_came()
            self._field_changed(request.field)
        elif isinstance(request, InstallPane.Resized):
            self._show_summary()
            self._changed()
        elif isinstance(request, InstallPane.Wanted):
            self._screen.key_came()
            self.perform(request.action_id)

    def _field_changed(self, field: str) -> None:
        form = self.pane.form
        if form is None:
            return
        value = form.values.get(field)

        def settled() -> None:
            if field == "password" and value == "own" and form.values.get(field) == value:
                self._acts.ask_password()
            elif form.values.get(field) == value:
                form.set_result(field, widgets.CHECKING)
                self.look()

        if field == "password":
            self._acts.secret = ""
        if field in _AT_ONCE:
            settled()
        else:
            self._screen.set_timer(SETTLED_S, settled)

    def perform(self, action_id: str) -> None:
        """Do an action of the pane."""
        if action_id == "install.browse":
            self._acts.browse()
        elif self.pane.form is None:
            self._screen.refuse("the form is not there yet")
        elif action_id == "install.expert":
            self.pane.form.switch("expert")
        elif action_id == "install.seed":
            self._screen.run_worker(self.seed.show(), group="install-seed", exclusive=True)
        elif action_id == "install.copy":
            line = self._page.summary.line if self._page is not None else ""
            self._screen.copy_told(line, "there is no command line yet: put the fields right")
        elif action_id == "install.again":
            self._acts.start_over()
        elif action_id in ("install.create", "install.create_only"):
            self._screen.run_worker(
                self._acts.create(start=action_id == "install.create"), group="install-make"
            )

    def _leave(self) -> None:
        """Back to where one came from; what was filled in stays."""
        if self._screen.toast.shown:
            self._screen.toast.close()
        else:
            self._screen.go_back()

    def start_over(self) -> None:
        """Forget what was filled in."""
        self.take_another_number()
        self._acts.secret = ""
        self.seed.forget()
        self._page = None
        self.pane.clear()
        self.look()

    def take_another_number(self) -> None:
        """What is filled in is for another guest from now on."""
        self.number = str(uuid.uuid4())
