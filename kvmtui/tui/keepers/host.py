"""Looks at the host for the interface: once after the start, and while its pane is seen."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.light import Later
from kvmtui.manage.fleet import Fleet
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.keepers.base import Keeper
from kvmtui.tui.panes.host import HostPane
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.render import host as render
from kvmtui.tui.render.host import HostView, command_of
from kvmtui.tui.spans import Line

if TYPE_CHECKING:
    from kvmtui.manage import machine, setting_up
    from kvmtui.manage.checking import Result
    from kvmtui.manage.hosting import Progress, Verdict
    from kvmtui.tui.render import confirm
    from kvmtui.tui.screens.main import MainScreen
    from kvmtui.tui.widgets.dialog import Answer
else:
    confirm = Later("kvmtui.tui.render.confirm")
    machine = Later("kvmtui.manage.machine")
    setting_up = Later("kvmtui.manage.setting_up")

Measure = Callable[[Callable[["Progress"], None]], Coroutine[Any, Any, "Verdict"]]

FIRST_LOOK_S = 1.0
"""When the checks are first run, after the first picture: for the sign behind the pane's name."""
AGAIN_S = 60.0
"""How often they are run while the pane is seen."""
_FRESH_S = 5.0
_SIGN = 4
"""Cells of the message line beside its words."""
_FAULTS = (KvmtuiError, OSError)


class HostKeeper(Keeper):
    """What is known of the host, kept fresh at little cost.

    Nothing is asked twice at once: a disk that hangs holds one thread, not one a minute.

    Args:
        changed: Called when something is known anew.
    """

    pane: HostPane

    def __init__(
        self,
        screen: MainScreen,
        pane: HostPane,
        fleet: Fleet,
        keys: Keys,
        changed: Callable[[], None],
    ) -> None:
        super().__init__(screen, pane, fleet, keys)
        self._changed = changed
        self.view = HostView()
        """What is known, but for what the guests and the last round tell."""
        self.kvm_serves = ""
        """The architecture that KVM was measured to serve here; empty where it serves none."""
        self._asked: set[str] = set()
        self._looked: float | None = None
        self._stale = False
        self._measuring: asyncio.Task[Verdict] | None = None

    def begin(self) -> None:
        """Ask for the verdict at once, and for the checks once the first picture stands."""
        self._screen.run_worker(self._measure(self._fleet.verdict, first=True), group="measure")
        self._screen.set_timer(FIRST_LOOK_S, self._look_first)

    def _look_first(self) -> None:
        if self._looked is None and not self.measuring:
            self._ask("check", self._check())

    # What a person asks for.

    def perform(self, action_id: str) -> None:
        """Do an action of the pane."""
        if action_id == "host.measure":
            self.measure()
        elif action_id == "host.all":
            self.pane.switch_fold()
        elif action_id == "host.again":
            self.look()
        elif action_id == "host.explain":
            self.pane.table.action_open()
        elif action_id == "host.copy":
            self._copy(self.pane.under_cursor)
        elif action_id == "host.setup":
            self._ask_setup()

    def asked(self, request: Pane.Asked) -> None:
        """Show all of a check."""
        if isinstance(request, HostPane.ExplainRequested):
            self._explain(request.result)

    def _explain(self, result: Result) -> None:
        from kvmtui.tui.screens.check import CheckScreen

        def answered(action_id: str | None) -> None:
            if action_id:
                self._copy(result)

        self._screen.app.push_screen(CheckScreen(result, self._keys), answered)

    def _copy(self, result: Result | None) -> None:
        command, after = command_of(result)
        self._screen.copy_told(command, "nothing is to be done for this check", after)

    def _ask_setup(self) -> None:
        """Show what a program can set up here; do it, or copy it, once it is agreed to."""
        report = self.view.report
        if report is None:
            self._screen.refuse("the checks are being run: try again in a moment")
            return
        commands = [action.line for action in setting_up.actions_for(report.results)]
        if not commands:
            self._screen.tell("nothing that a program can set up is missing")
            return
        app, runs = self._screen.kvmtui, os.geteuid() == 0

        def agreed(_: Answer) -> None:
            if runs:
                self._screen.run_worker(self._set_up(), group="setup", exclusive=True)
            else:
                self._screen.copy_told(" && ".join(commands), "", "")

        app.ask(
            confirm.question_setup(commands, runs=runs), self._keys.of("host.setup"), [], agreed
        )

    async def _set_up(self) -> None:
        """Run `kvmtui setup` in the terminal, then check again."""
        from kvmtui.tui.outside import kept_on_screen, run_outside

        home = str(self._fleet.library.home)
        words = [sys.executable, "-m", "kvmtui", "--home", home, "setup", "--yes"]
        try:
            status = await run_outside(
                self._screen.kvmtui, kept_on_screen(words, "Enter goes back to kvmtui. ")
            )
        except OSError as error:
            self._screen.tell_failure("setup", as_told("setup", error))
            return
        if status == 0:
            self._screen.tell("the host is set up: the checks are run again")
        else:
            self._screen.refuse("not all of it could be set up: the checks tell what is left")
        self.look()

    # What the frame shows of it.

    def go_up(self) -> bool:
        """Give up a measurement."""
        measuring = self.measuring
        if measuring:
            self.give_up()
        return measuring

    def idle_actions(self) -> list[str]:
        """What the check under the cursor has nothing for."""
        at_check = self.pane.under_cursor
        idle = [] if render.remedy_of(at_check) else ["host.copy"]
        return idle if at_check is not None else [*idle, "host.explain"]

    def badge(self, glyphs: Glyphs) -> Line:
        """The verdict as a sign."""
        return render.badge(self.view, glyphs)

    # While the pane is seen.

    def fill(self) -> None:
        """Show the host as it is known now."""
        self.pane.take(self.whole())

    def open(self) -> None:
        """The pane is seen: look now, if what is known is not fresh, and again and again."""
        self._begin_every(AGAIN_S, self.look)
        now = asyncio.get_running_loop().time()
        if self._looked is None or self.view.storage is None or now - self._looked > _FRESH_S:
            self.look()
        self._fleet.feels_pulse = True
        self._screen.kvmtui.look_soon()

    def close(self) -> None:
        """The pane is out of sight: nothing is asked any more."""
        self._end_every()
        self._fleet.feels_pulse = False

    def look(self) -> None:
        """Run the checks, and look at machine and storage."""
        self._ask("check", self._check())
        self._ask("stand", self._learn("stand", self._fleet.stand))
        self._ask("storage", self._learn("storage", self._fleet.storage))
        self._ask("forecasts", self._learn("forecasts", self._fleet.forecasts))

    def whole(self) -> HostView:
        """All that is known now, with what guests were promised."""
        found = self.view.stand.machine if self.view.stand is not None else None
        promised = machine.promised(self._fleet.guests.values(), found)
        return self.view._replace(
            pulse=self._fleet.pulse, promised=promised, figures=self._fleet.host
        )

    # Asking.

    def _ask(self, what: str, question: Coroutine[Any, Any, None]) -> None:
        if what in self._asked:
            question.close()
            return
        self._asked.add(what)

        async def ask() -> None:
            try:
                await question
            finally:
                self._asked.discard(what)

        self._screen.run_worker(ask(), group="host")

    async def _learn(self, field: str, ask: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Learn one thing; what does not answer is not known."""
        try:
            found = await ask()
        except _FAULTS:
            found = None
        if getattr(self.view, field) != found:
            self.view = self.view._replace(**{field: found})
            self._changed()

    async def _check(self) -> None:
        """Run the checks; once more where another verdict came meanwhile."""
        self._stale = True
        while self._stale:
            self._stale = False
            self._looked = asyncio.get_running_loop().time()
            try:
                report, fault = await self._fleet.check(), ""
            except _FAULTS as error:
                report, fault = None, f"the checks could not be run: {as_told('', error).message}"
            if (report, fault) != (self.view.report, self.view.fault):
                self.view = self.view._replace(report=report, fault=fault)
                self._changed()

    # Measuring.

    @property
    def measuring(self) -> bool:
        """Whether the accelerators are being measured for this app."""
        return self._measuring is not None

    def measure(self) -> None:
        """Measure the accelerators anew, told as it goes on."""
        if self._measuring is not None:
            self._screen.refuse("it is being measured already")
            return
        self._screen.run_worker(self._measure(self._fleet.measure), group="measure")

    def give_up(self) -> None:
        """Give up the measurement; what was known stays."""
        if self._measuring is not None:
            self._measuring.cancel()

    async def _measure(self, ask: Measure, *, first: bool = False) -> None:
        """Have a verdict, then the checks that go by it.

        Args:
            ask: Measures, or knows the verdict already.
            first: Whether nobody asked for it: then only what is new is told, on the panes.
        """
        task = asyncio.get_running_loop().create_task(self._verdict(ask))
        self._measuring = task
        try:
            await asyncio.wait([task])
        finally:
            # Also where the app is left meanwhile.
            task.cancel()
            self._measuring = None
            told = self.view.progress is not None
            self.view = self.view._replace(progress=None)
            self._changed()
        self._tell_end(task, quiet=first and not told)
        self._stale = True
        if not first or told or self._looked is not None:
            self._ask("check", self._check())

    def _tell_end(self, task: asyncio.Task[Verdict], *, quiet: bool) -> None:
        if task.cancelled():
            self._screen.tell("the measurement was given up: what was known stays")
            return
        error = task.exception()
        if error is None:
            verdict = task.result()
            self.kvm_serves = os.uname().machine if verdict.accelerator == "kvm" else ""
            self._changed()
            if not quiet:
                told = f"measured: {verdict.words}"
                if len(told) > self._screen.size.width - _SIGN:
                    # The list, or the Host pane, has all of it.
                    told = f"measured: {verdict.words.partition(':')[0]}"
                self._screen.tell(told)
        elif not isinstance(error, _FAULTS):
            raise error
        elif not quiet:
            # At the start the checks tell why, with a remedy.
            self._screen.tell_failure("measure", as_told("measure", error))

    async def _verdict(self, ask: Measure) -> Verdict:
        task = self._measuring

        def told(progress: Progress) -> None:
            if self._measuring is not None and self._measuring is task:
                self.view = self.view._replace(progress=progress)
                self._changed()

        return await ask(told)
