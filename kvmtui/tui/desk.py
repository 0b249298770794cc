"""What is done when something is asked for guests: refuse, ask first, begin."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kvmtui.errors import Cancelled, KvmtuiError, as_told
from kvmtui.light import Later
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.operations import INSTALLS
from kvmtui.manage.views import LiveGuest, OperationView, Outcome
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.errands import Act, Ended, Errands
from kvmtui.tui.image_desk import ImageDesk

if TYPE_CHECKING:
    from kvmtui.tui.app import KvmtuiApp
    from kvmtui.tui.render import confirm
    from kvmtui.tui.widgets.dialog import Answer, Dialog, Question
else:
    confirm = Later("kvmtui.tui.render.confirm")

_CAN_BE_CANCELLED = ("shutdown", "reboot")
_OVERTAKES = {"stop": ("shutdown", "reboot"), "reset": ("shutdown", "reboot")}


class GuestDesk:
    """Takes what was asked for by key, palette or click.

    Args:
        app: Where questions are asked and answers told.
        fleet: What does it.
        keys: The keys in force, for the remedies.
    """

    def __init__(self, app: KvmtuiApp, fleet: Fleet, keys: Keys) -> None:
        self._app = app
        self._fleet = fleet
        self._keys = keys
        self.errands = Errands(self._ended)
        self.images = ImageDesk(app, fleet, keys)
        """Does what is asked for images."""

    def refusal(self, action_id: str, names: Sequence[str]) -> str:
        """Why an action can act on none of these guests now; empty when it can on some."""
        action = ACTIONS[action_id]
        if not action.on_guest:
            return ""
        if not names:
            return "no guest is chosen"
        if len(names) > 1 and not action.many:
            return f"{action.label} is for one guest: {len(names)} are marked"
        reasons = [self._reason(action_id, name) for name in names]
        return "" if "" in reasons else reasons[0]

    def _reason(self, action_id: str, name: str) -> str:
        live = self._fleet.guests.get(name)
        if live is None:
            return f"{name} is gone"
        verb = action_id.rpartition(".")[2]
        mine = self.errands.refusal(name, but=_OVERTAKES.get(verb, ()))
        return mine or ACTIONS[action_id].reason(live, self._keys)

    def perform(self, action_id: str, names: Sequence[str]) -> None:
        """Do it, or say why not."""
        reason = self.refusal(action_id, names)
        if reason:
            self._app.refuse(reason)
            return
        able = [name for name in names if not self._reason(action_id, name)]
        guests = [self._fleet.guests[name] for name in able]
        handler: Callable[[list[LiveGuest]], None] = getattr(
            self, "_do_" + action_id.rpartition(".")[2]
        )
        handler(guests)

    def busy(self) -> list[str]:
        """What this app works on: guests, and work on images."""
        return [*self.errands.names(), *self.images.errands.names()]

    async def leave(self, limit_s: float) -> None:
        """End what is waited for, at the end of the app."""
        await asyncio.gather(self.errands.leave(limit_s), self.images.errands.leave(limit_s))

    def _begin(self, guests: list[LiveGuest], verb: str, act: Callable[[str], Act]) -> None:
        for live in guests:
            name = live.view.name
            if name in self._fleet.guests and not self.errands.refusal(
                name, but=_OVERTAKES.get(verb, ())
            ):
                self.errands.begin(name, verb, act(name))
        self._app.look_soon()

    def _ended(self, ended: Ended) -> None:
        self._app.look_soon()
        if isinstance(ended.result, Outcome):
            self._app.told(ended.result)
        elif isinstance(ended.result, Cancelled):
            self._app.tell(ended.result.message)
        elif isinstance(ended.result, KvmtuiError):
            self._app.tell_failure(ended.name, ended.result)
        else:
            self._app.tell(f"{ended.name}: nobody waits for {ended.verb} any more")

    def _ask(
        self, action_id: str, guests: list[LiveGuest], question: Question, then: Callable[..., None]
    ) -> Dialog:
        """Ask; do it only on those that still can when the answer comes."""

        def answered(answer: Answer) -> None:
            names = [live.view.name for live in guests]
            left = [name for name in names if not self._reason(action_id, name)]
            if not left:
                self._app.refuse(self._reason(action_id, names[0]))
                return
            then([self._fleet.guests[name] for name in left], *answer.checks)

        return self._app.ask(
            question,
            self._keys.all_of(action_id).split(",")[0],
            [live.view.name for live in guests],
            answered,
        )

    def cancel(self, operation: OperationView) -> None:
        """Cancel an operation of ours, after one question that says what is left."""
        if operation.image:
            self.images.cancel(operation)
            return
        name, verb = operation.guest, operation.verb
        if operation.result != "running":
            self._app.refuse(f"{verb} of {name} is over")
        elif verb == INSTALLS:
            stop, done = self._keys.of("guest.stop"), self._keys.of("guest.installed")
            self._app.refuse(f"{name} does it: {stop} stops it, {done} says that it is installed")
        elif operation.pid != os.getpid() or not self.errands.refusal(name):
            self._app.refuse(f"pid {operation.pid} does it: cancel it there")
        elif verb not in _CAN_BE_CANCELLED:
            self._app.refuse(f"{verb} cannot be cancelled: it ends by itself")
        else:
            question = confirm.question_cancel(name, verb)
            self._app.ask(question, "", [name], lambda _: self._cancel(name))

    def _cancel(self, name: str) -> None:
        if not self.errands.cancel(name):
            self._app.refuse(f"nothing is under way on {name} any more")

    # One method for each action; the registry says which there are.

    def _do_start(self, guests: list[LiveGuest]) -> None:
        self._begin(guests, "start", lambda name: lambda: self._fleet.start(name))

    def _do_installed(self, guests: list[LiveGuest]) -> None:
        self._begin(guests, "install", lambda name: lambda: self._fleet.install_done(name))

    def _do_shutdown(self, guests: list[LiveGuest]) -> None:
        self._begin(guests, "shutdown", lambda name: lambda: self._fleet.shutdown(name))

    def _do_reboot(self, guests: list[LiveGuest]) -> None:
        self._begin(guests, "reboot", lambda name: lambda: self._fleet.reboot(name))

    def _do_pause(self, guests: list[LiveGuest]) -> None:
        """Pause those that run; where none does, resume them all."""
        running = [live for live in guests if live.view.state == "running"]
        if running:
            self._begin(running, "pause", lambda name: lambda: self._fleet.pause(name))
        else:
            self._begin(guests, "resume", lambda name: lambda: self._fleet.resume(name))

    def _do_stop(self, guests: list[LiveGuest]) -> None:
        question = confirm.question_stop(guests, self._keys.of("guest.shutdown"))

        def then(left: list[LiveGuest]) -> None:
            self._begin(left, "stop", lambda name: lambda: self._fleet.stop(name))

        self._ask("guest.stop", guests, question, then)

    def _do_reset(self, guests: list[LiveGuest]) -> None:
        question = confirm.question_reset(guests, self._keys.of("guest.reboot"))

        def then(left: list[LiveGuest]) -> None:
            self._begin(left, "reset", lambda name: lambda: self._fleet.reset(name))

        self._ask("guest.reset", guests, question, then)

    def _do_delete(self, guests: list[LiveGuest]) -> None:
        """Ask at once, so that no key goes astray; what is lost is said as it is found."""

        def then(left: list[LiveGuest], keep_disks: bool) -> None:
            self._begin(
                left,
                "delete",
                lambda name: lambda: self._fleet.delete(name, keep_disks=keep_disks),
            )

        question = confirm.question_delete(guests)
        dialog = self._ask("guest.delete", guests, question, then)
        self._app.run_worker(self._say_losses(guests, dialog), group="losses", exclusive=True)

    async def _say_losses(self, guests: list[LiveGuest], dialog: Dialog) -> None:
        """Say in figures what is lost; gathering that may wait for a slow disk."""
        inside: list[tuple[str, int]] = []
        elsewhere: list[str] = []
        for live in guests:
            try:
                mine, others = await self._fleet.files_of(live.view.name)
            except (KvmtuiError, OSError):
                continue
            several = len(guests) > 1
            inside += [(f"{live.view.name}/{file}" if several else file, n) for file, n in mine]
            elsewhere += others
        dialog.update(confirm.losses(guests, inside, elsewhere))

    def _do_open(self, guests: list[LiveGuest]) -> None:
        self._app.open_guest(guests[0].view.name, "overview")

    def _do_log(self, guests: list[LiveGuest]) -> None:
        self._app.open_guest(guests[0].view.name, "log")

    def _do_graphs(self, guests: list[LiveGuest]) -> None:
        """Those of one guest, or the wall of several."""
        if len(guests) == 1:
            self._app.open_guest(guests[0].view.name, "graphs")
        else:
            self._app.open_wall([live.view.name for live in guests])

    def _do_console(self, guests: list[LiveGuest]) -> None:
        self._app.open_console(guests[0].view.name)

    def _do_screen(self, guests: list[LiveGuest]) -> None:
        self._app.open_display(guests[0].view.name)

    def _do_edit(self, guests: list[LiveGuest]) -> None:
        self._app.open_form(guests[0].view.name)

    def _do_cd(self, guests: list[LiveGuest]) -> None:
        self._app.open_cd(guests[0].view.name)

    def _do_new(self, _guests: list[LiveGuest]) -> None:
        self._app.open_new()

    def _do_rename(self, guests: list[LiveGuest]) -> None:
        name = guests[0].view.name

        def then(answer: Answer) -> None:
            new = answer.text.strip()
            self._begin(guests, "rename", lambda name: lambda: self._fleet.rename(name, new))

        question = confirm.question_text(f"Rename {name}", "New name", name, "Rename")
        self._app.ask(question, self._keys.all_of("guest.rename"), [name], then)

    def _do_tags(self, guests: list[LiveGuest]) -> None:
        what = guests[0].view.name if len(guests) == 1 else f"{len(guests)} guests"
        before = " ".join(guests[0].view.tags)

        def then(answer: Answer) -> None:
            tags = answer.text.replace(",", " ").split()
            self._begin(guests, "set", lambda name: lambda: self._fleet.set_tags(name, tags))

        question = confirm.question_text(f"Tags of {what}", "Tags", before, "Set")
        names = [live.view.name for live in guests]
        self._app.ask(question, self._keys.all_of("guest.tags"), names, then)

    def _do_autostart(self, guests: list[LiveGuest]) -> None:
        """Have the others start with the host, too; where all do, none."""
        fleet, others = self._fleet, [live for live in guests if not live.view.autostart]
        if others:
            self._begin(others, "set", lambda name: lambda: fleet.enable_autostart(name))
        else:
            self._begin(guests, "set", lambda name: lambda: fleet.disable_autostart(name))

    def _do_demo(self, _guests: list[LiveGuest]) -> None:
        for name in self._fleet.demo_names():
            reason = self.errands.refusal(name)
            if reason:
                self._app.refuse(reason)
                return
        self._app.run_worker(self._begin_demo(), group="demo", exclusive=True)

    async def _begin_demo(self) -> None:
        try:
            names = await self._fleet.define_demo()
        except (KvmtuiError, OSError) as error:
            self._app.tell_failure("demo", as_told("demo", error))
            return
        await asyncio.sleep(0)
        for name in names:
            if not self.errands.refusal(name):
                self.errands.begin(name, "start", _start_of(self._fleet, name))
        self._app.look_soon()


def _start_of(fleet: Fleet, name: str) -> Act:
    return lambda: fleet.start(name)
