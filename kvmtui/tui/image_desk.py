"""What is done when something is asked for images: refuse, ask first, begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kvmtui.errors import Cancelled, KvmtuiError, as_told
from kvmtui.light import Later
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.views import OperationView, Outcome
from kvmtui.text import visible
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.errands import Act, Ended, Errands

if TYPE_CHECKING:
    from kvmtui.manage.image_form_words import Kind
    from kvmtui.manage.images import ImageView
    from kvmtui.tui.app import KvmtuiApp
    from kvmtui.tui.render import confirm_images as confirm
    from kvmtui.tui.widgets.dialog import Answer, Question
else:
    confirm = Later("kvmtui.tui.render.confirm_images")

_TITLES = {
    "create": "New image",
    "import": "Bring an image in",
    "add": "List another directory",
    "remove": "List a directory no more",
}
_QUICK = ("resize", "add", "remove", "delete", "limits")
UNSTOPPABLE = ("delete", "undo-repair")
"""Work that ends by itself in a moment, or must not be cut."""


class ImageDesk:
    """Takes what was asked for by key, palette or form.

    Args:
        app: Where questions are asked and answers told.
        fleet: What does it.
        keys: The keys in force.
    """

    def __init__(self, app: KvmtuiApp, fleet: Fleet, keys: Keys) -> None:
        self._app = app
        self._fleet = fleet
        self._keys = keys
        self.errands = Errands(self._ended)
        self.changed: Callable[[], None] = lambda: None
        """Called when something was done to images."""

    # Forms.

    def open_form(self, kind: Kind, view: ImageView | None = None) -> None:
        """Open the form of an operation."""
        from kvmtui.tui.screens.image_form import ImageFormScreen

        name = "" if view is None else _name(view)
        title = _TITLES.get(kind, f"{kind.capitalize()} {name}")
        path = "" if view is None else view.path
        self._app.push_screen(
            ImageFormScreen(self._fleet.images.forms, self, kind, path, name or title, title)
        )

    def do_form(
        self,
        kind: Kind,
        path: str,
        name: str,
        values: dict[str, str],
        leave: Callable[[], None],
        figures: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Do what was filled in; where data would be lost, ask first.

        Args:
            figures: What the form says beside its fields.
            leave: Closes the form, once it is begun.
        """

        def begin() -> None:
            leave()
            what = name if kind not in ("create", "import") else values["name"] or "an image"
            forms = self._fleet.images.forms
            self.begin(kind, visible(what, limit=60), lambda: forms.act(kind, path, values))

        question = confirm.question_of_form(kind, name, values, figures)
        if question is None:
            begin()
        else:
            self._app.ask(question, "", [], lambda _: begin())

    # Doing.

    def begin(self, verb: str, what: str, act: Act) -> None:
        """Begin work, and say where it goes on; the same twice is refused."""
        key = f"{verb} {what}"
        reason = self.errands.refusal(key)
        if reason:
            self._app.refuse(f"{key} goes on already")
            return
        self.errands.begin(key, verb, act)
        if verb not in _QUICK:
            self._app.tell(f"{key}: begun, {self._keys.of('pane.activity')} shows how far it is")
        self._app.look_soon()

    def _ended(self, ended: Ended) -> None:
        self._app.look_soon()
        self.changed()
        result = ended.result
        if isinstance(result, Outcome):
            self._app.told(result)
        elif isinstance(result, Cancelled):
            self._app.tell(result.message)
        elif isinstance(result, KvmtuiError):
            self._app.tell_failure("", self._shortened(result))
        else:
            self._app.tell(f"{ended.name}: given up")

    def _shortened(self, error: KvmtuiError) -> KvmtuiError:
        """A failure that calls images as the list does, so that its reason is seen too."""
        home = visible(str(self._fleet.library.home), limit=4096)
        for folder in ("images", "guests"):
            error.message = error.message.replace(f"{home}/{folder}/", "")
            error.hint = error.hint.replace(f"{home}/{folder}/", "")
        return error

    def check(self, views: Sequence[ImageView]) -> None:
        """Check images; what is wrong is told with the key that repairs it."""
        away = [view for view in views if confirm.leads_away(view)]
        for view in views:
            if view not in away:
                self.begin("check", _name(view), self._check_of(view))

        def agreed(_: Answer) -> None:
            for view in away:
                self.begin("check", _name(view), self._check_of(view, follow=True))

        if away:
            self._ask("images.check", confirm.question_check(away), agreed)

    def _check_of(self, view: ImageView, *, follow: bool = False) -> Act:
        async def act() -> Outcome:
            result = await self._fleet.images.check(view.path, follow=follow)
            told = f"{result.name}: {result.words}"
            if not result.is_sound or result.leaks:
                key = self._keys.of("images.repair")
                raise KvmtuiError(told, hint=f"{key} on it repairs it, once its guest is off")
            return Outcome(result.name, "image check", False, told)

        return act

    def measure(self, view: ImageView) -> None:
        """Say what a copy would take."""

        async def act() -> Outcome:
            found = await self._fleet.images.measure(view.path, "qcow2")
            return Outcome(_name(view), "image measure", False, confirm.measured(view, found))

        self.begin("measure", _name(view), act)

    def compact(self, view: ImageView) -> None:
        """Ask, then write an image anew without what is free in it."""

        def agreed(answer: Answer) -> None:
            compress = bool(answer.checks and answer.checks[0])
            follow = len(answer.checks) > 1 and answer.checks[1]
            images = self._fleet.images
            self.begin(
                "compact",
                _name(view),
                lambda: images.compact(view.path, compress=compress, follow=follow),
            )

        self._ask("images.compact", confirm.question_compact(view), agreed)

    def flatten(self, view: ImageView, free: int | None) -> None:
        """Ask, then copy into an image what it stands on.

        Args:
            free: What is left on its file system, where that is known.
        """
        if view.backing is None:
            self._app.refuse(f"{_name(view)} stands on nothing already")
            return

        def agreed(answer: Answer) -> None:
            follow = bool(answer.checks and answer.checks[0])
            images = self._fleet.images
            self.begin("flatten", _name(view), lambda: images.flatten(view.path, follow=follow))

        self._ask("images.flatten", confirm.question_flatten(view, free), agreed)

    def delete(self, views: Sequence[ImageView]) -> None:
        """Refuse what something depends on; ask for the rest."""
        self._app.run_worker(self._delete(list(views)), group="deletable", exclusive=True)

    async def _delete(self, views: list[ImageView]) -> None:
        try:
            found = await self._fleet.images.deletable([view.path for view in views])
        except (KvmtuiError, OSError) as error:
            self._app.tell_failure("delete", as_told("delete", error))
            return
        free = [one for one in found if not isinstance(one, KvmtuiError)]
        refused = [one for one in found if isinstance(one, KvmtuiError)]
        if not free:
            self._app.tell_failure("", self._shortened(refused[0]))
            return
        question = confirm.question_delete(free, [one.message for one in refused])

        def agreed(_: Answer) -> None:
            for view in free:
                self.begin("delete", _name(view), self._delete_of(view))

        self._ask("images.delete", question, agreed)

    def _delete_of(self, view: ImageView) -> Act:
        return lambda: self._fleet.images.delete(view.path)

    def cancel(self, operation: OperationView) -> None:
        """End work on an image, this kvmtui's or another's, after one question."""
        what = f"{operation.verb} of {operation.image}"
        if operation.result != "running":
            self._app.refuse(f"{what} is over")
        elif operation.verb in UNSTOPPABLE:
            self._app.refuse(f"{operation.verb} cannot be cancelled: it ends by itself")
        else:
            question = confirm.question_cancel(operation)
            self._app.ask(question, "", [], lambda _: self._begin_cancel(operation))

    def _begin_cancel(self, operation: OperationView) -> None:
        self._app.run_worker(self._cancel(operation), group="cancel")

    async def _cancel(self, operation: OperationView) -> None:
        what = f"{operation.verb} of {operation.image}"
        try:
            goes_on = await self._fleet.images.cancel(operation.id)
        except (KvmtuiError, OSError) as error:
            self._app.tell_failure(what, as_told(what, error))
            return
        if goes_on:
            self._app.tell(f"{what} is asked to end")
        else:
            self._app.refuse(f"{what} is over")
        self._app.look_soon()

    def _ask(self, action_id: str, question: Question, agreed: Callable[[Answer], None]) -> None:
        key = self._keys.all_of(action_id).split(",")[0]
        self._app.ask(question, key, [], agreed)


def _name(view: ImageView) -> str:
    return visible(view.name, limit=80)
