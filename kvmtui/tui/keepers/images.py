"""Keeps the Images pane: looks at the images while it is seen, does what its keys ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.keepers.base import LookingKeeper
from kvmtui.tui.keepers.image_acts import ImageActs
from kvmtui.tui.panes.images import ImagesPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.render.image_rows import parents
from kvmtui.tui.render.images import ImagesView, State, summary
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.words import clock_time, state_look

if TYPE_CHECKING:
    from kvmtui.manage.image_storage import Storage
    from kvmtui.manage.images import Survey
    from kvmtui.tui.screens.main import MainScreen

FIRST_LOOK_S = 1.5
"""When the images are first looked at, after the first picture: for what was cut off, and
for the sign behind the pane's name."""
AGAIN_S = 10.0
"""How often they are looked at while the pane is seen: images grow."""
_FRESH_S = 3.0
_REST = 10
"""How many times as long as a look takes it rests before the next of itself."""
FORECAST_AGAIN_S = 300.0
"""How often it is looked up when storage is full: that takes what a watch recorded."""
_DISK_FAULTS = (KvmtuiError, OSError)


class ImagesKeeper(LookingKeeper):
    """What is known of the images, at little cost; one look at a time.

    Args:
        changed: Called when something is known anew.
    """

    pane: ImagesPane
    LOOKS = "images"

    def __init__(
        self,
        screen: MainScreen,
        pane: ImagesPane,
        fleet: Fleet,
        keys: Keys,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(screen, pane, fleet, keys)
        self._changed = changed
        self._acts = ImageActs(screen, pane, fleet, keys)
        self.view = ImagesView()
        """What is known of images and storage."""
        self._looked = float("-inf")
        self._took_s = 0.0
        self._forecast_at = float("-inf")
        self._pids: dict[str, int | None] = {}
        self._silent_since: dict[str, float] = {}
        self._told_cut_off = False
        self._trouble_wanted = False

    def begin(self) -> None:
        """Look once, a little after the first picture stands."""
        self._screen.kvmtui.desk.images.changed = self.look
        self._screen.set_timer(FIRST_LOOK_S, self._look_first)

    def _look_first(self) -> None:
        if not self.view.known:
            self.look()

    # Looking.

    async def look_once(self) -> None:
        """Look at all images, and at the storage they lie on."""
        self._looked = asyncio.get_running_loop().time()
        images = self._fleet.images
        try:
            survey = await images.survey()
        except _DISK_FAULTS as error:
            told = f"the images could not be looked at: {as_told('', error).message}"
            self._know(self.view._replace(known=True, fault=told))
            return
        view = self._surveyed(survey)
        self._know(view)
        self._tell_cut_off()
        storages: tuple[Storage, ...] = ()
        try:
            storages = tuple(await images.storage(survey))
        except _DISK_FAULTS:
            storages = view.storages
        self._know(self.view._replace(storages=storages))
        await self._foresee()
        self._took_s = asyncio.get_running_loop().time() - self._looked

    def _is_to_foresee(self, now: float) -> bool:
        return now - self._forecast_at >= FORECAST_AGAIN_S

    async def _foresee(self) -> None:
        """Look up when storage is full, while the pane is seen."""
        if self._every is None or not self._is_to_foresee(self._looked):
            return
        self._forecast_at = self._looked
        try:
            self._know(self.view._replace(forecasts=await self._fleet.forecasts()))
        except _DISK_FAULTS:
            self._know(self.view._replace(forecasts=()))

    def _know(self, view: ImagesView) -> None:
        if view != self.view:
            self.view = view
            self._changed()
        if self._trouble_wanted and view.known:
            self._trouble_wanted = False
            if not self.next_trouble(from_top=True):
                self._screen.tell("no guest and no image is in trouble")

    def _surveyed(self, survey: Survey) -> ImagesView:
        """What a look found; images of directories that do not answer stay as they were."""
        now = time.time()
        since = {place: self._silent_since.get(place, now) for place in survey.silent}
        self._silent_since = since
        silent = [
            (place, f"no answer since {clock_time(when, now)}") for place, when in since.items()
        ]
        silent += [(place, reason) for place, reason in survey.unreadable]
        known = dict(survey.images)
        stale = set()
        for path, one in self.view.images.items():
            if path not in known and (path.rpartition("/")[0] in since or path in since):
                known[path] = one
                stale.add(path)
        return self.view._replace(
            images=known,
            above=parents(known),
            known=True,
            stale=frozenset(stale),
            reclaim=self._fleet.images.reclaim(survey),
            silent=tuple(silent),
            fault="",
        )

    def _tell_cut_off(self) -> None:
        """Tell once what a kvmtui that was killed left behind."""
        cut_off = self._fleet.images.cut_off
        if self._told_cut_off or not cut_off:
            return
        self._told_cut_off = True
        first = cut_off[0]
        left = "; what was unfinished is removed" if first.unfinished else ""
        name = visible(first.image.rpartition("/")[2], limit=60)
        more = f"  +{len(cut_off) - 1} more in Activity" if len(cut_off) > 1 else ""
        self._screen.refuse(f"{first.verb} of {name} was cut off{left}{more}")
        self._screen.kvmtui.look_soon()

    def take_changes(self, changed: Changed) -> None:
        """Who uses which image is another where guests came, went, started or ended."""
        pids = {name: live.view.pid for name, live in self._fleet.guests.items()}
        before, self._pids = self._pids, pids
        if self._every is not None and pids != before:
            self.look()

    # While the pane is seen.

    def open(self) -> None:
        """The pane is seen: look now, if what is known is not fresh, and again and again."""
        self._begin_every(AGAIN_S, self._look_again)
        now = asyncio.get_running_loop().time()
        is_fresh = self.view.known and now - self._looked <= _FRESH_S
        if not is_fresh or self._is_to_foresee(now):
            self.look()

    def _look_again(self) -> None:
        """Look once more, where a look does not take most of the time."""
        now = asyncio.get_running_loop().time()
        if now - self._looked > _REST * self._took_s:
            self.look()

    def close(self) -> None:
        """The pane is out of sight: nothing is asked any more."""
        self._end_every()

    def fill(self) -> None:
        """Show the images with the guests and the work of this round."""
        glyphs = self._screen.kvmtui.glyphs
        users = {u.guest for one in self.view.images.values() for u in one.used_by}
        states: dict[str, State] = {
            name: state_look(live, glyphs)
            for name, live in self._fleet.guests.items()
            if name in users
        }
        work = {
            one.image: one
            for one in self._fleet.operations
            if one.image and one.result == "running"
        }
        waiting = {
            name for name, live in self._fleet.guests.items() if live.view.state == "io-error"
        }
        self.pane.take(self.view._replace(states=states, work=work, waiting=frozenset(waiting)))

    # What the frame shows of it.

    def count(self) -> str:
        """How many images there are."""
        return str(len(self.view.images) or "")

    def badge(self, glyphs: Glyphs) -> Line:
        """A sign where an image is in trouble."""
        if any(one.trouble for one in self.view.images.values()):
            return (Span(glyphs.trouble, "warn", glyph=True),)
        return ()

    def standing(self) -> Line:
        """The sum of it, in the message line."""
        text = summary(self.view)
        return (Span(text, "muted"),) if text else ()

    def idle_actions(self) -> list[str]:
        """What the chosen images have nothing for."""
        return self._acts.idle()

    def refusal(self, action_id: str) -> str:
        """Why an action can act on none of the chosen images now; empty where it can."""
        return self._acts.refusal(action_id)

    def perform(self, action_id: str) -> None:
        """Do an action of the pane, or say why not."""
        if action_id == "images.again":
            self.look()
        else:
            self._acts.perform(action_id, self.view)

    def asked(self, request: Pane.Asked) -> None:
        """Show all of an image, or look up when it was checked."""
        if isinstance(request, ImagesPane.OpenRequested):
            self._acts.open_image(request.path, self.view)
        elif isinstance(request, ImagesPane.DetailWanted):
            self._screen.run_worker(self._gather(request.path), group="checked", exclusive=True)

    async def _gather(self, path: str) -> None:
        try:
            self.pane.take_checked(path, await self._fleet.images.last_check(path))
        except _DISK_FAULTS:
            return

    def next_trouble(self, *, from_top: bool) -> bool:
        """Put the cursor on the next image in trouble; False where none is behind it."""
        if not self.view.known:
            self._trouble_wanted = True
            self.look()
            return True
        self.fill()
        return self.pane.next_trouble(from_top=from_top)
