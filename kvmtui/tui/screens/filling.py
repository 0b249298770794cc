"""A form on a screen of its own: filled in, checked while it is typed, done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.manage.forms import FormField
from kvmtui.tui.render.confirm import question_leave
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.dialog import Answer, Dialog
from kvmtui.tui.widgets.fields import PROBLEM, Field
from kvmtui.tui.widgets.form import Form
from kvmtui.tui.widgets.text_view import LineView

_SETTLED_S = 0.15


class FillingScreen(AnsweringScreen):
    """A form that is asked for, checked and done by somebody else; for its kinds to say."""

    DEFAULT_CSS = """
    FillingScreen { layout: vertical; }
    FillingScreen #head { height: 2; }
    FillingScreen #area { height: 1fr; layers: base above; }
    """
    AUTO_FOCUS = None
    typed_into = True
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self) -> None:
        super().__init__()
        self._typed: list[events.Key] = []
        self._form: Form | None = None

    # What the kinds of it say.

    def heading(self) -> str:
        """What is filled in."""
        raise NotImplementedError

    def does(self) -> str:
        """What Ctrl-S does."""
        raise NotImplementedError

    def more_keys(self) -> list[tuple[str, str]]:
        """Keys of its own, for the key bar."""
        return []

    async def load(self) -> list[Field]:
        """The fields.

        Raises:
            KvmtuiError: There are none; the screen closes and it is told.
        """
        raise NotImplementedError

    async def said(self, values: Mapping[str, str]) -> dict[str, str]:
        """What is said of some values, in the words of `Field.check`."""
        raise NotImplementedError

    async def do(self, values: dict[str, str]) -> None:
        """Do it, now that all is right.

        Raises:
            KvmtuiError: It was not done; the form stays.
        """
        raise NotImplementedError

    def subject(self) -> str:
        """What a failure is about."""
        raise NotImplementedError

    # The screen.

    def compose(self) -> ComposeResult:
        yield LineView([(Span(f" {self.heading()}", bold=True),)], id="head")
        with Container(id="area"):
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Ask for the fields; the screen is there at once, so that no key goes astray."""
        self.show_keys()
        self._fill()

    def show_keys(self) -> None:
        """Say what the keys do."""
        keys = [("Ctrl-S", self.does()), ("Tab", "next field"), ("Space", "choose")]
        self.key_bar.set_keys([*keys, *self.more_keys(), ("Esc", "leave")], last=("F1", "help"))

    @work(group="fill")
    async def _fill(self) -> None:
        try:
            fields = await self.load()
        except (KvmtuiError, OSError) as error:
            self.failed(error)
            return
        area = self.query("#area")
        if not area or not fields:
            # It was left before its fields came.
            return
        form = Form(fields, id="form")
        await area.first().mount(form, before=0)
        self.set_focus(form)
        # Not before: until now keys went to the screen, which kept them.
        self._form = form
        for key in self._typed:
            form.post_message(events.Key(key.key, key.character))
        self.begin_checks(fields)

    def begin_checks(self, fields: list[Field]) -> None:
        """Check what stands in the fields at first, each for itself."""
        for field in fields:
            self._check({field.id: field.value})

    def failed(self, error: KvmtuiError | OSError) -> None:
        """There is nothing to fill in: leave, and tell why."""
        self.leave()
        self.kvmtui.tell_failure(self.subject(), as_told(self.subject(), error))

    def on_key(self, event: events.Key) -> None:
        """Keys that came before the form are kept for it; letters are never actions here."""
        self.key_came()
        if event.key == "escape":
            self.back()
        elif self._form is None:
            self._typed.append(event)
        elif not event.is_printable:
            return
        event.stop()

    # Checking.

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        self.key_came()
        field, value = event.field, event.value
        self.set_timer(_SETTLED_S, lambda: self._check_settled(field, value))

    def _check_settled(self, field: str, value: str) -> None:
        if self._stands(field, value):
            self._check(self.together(field, value))

    def together(self, field: str, value: str) -> dict[str, str]:
        """The values that are checked when one differs."""
        return {field: value}

    @work(group="check")
    async def _check(self, values: dict[str, str]) -> None:
        self._put(values, await self.said(values))

    def _put(self, values: Mapping[str, str], said: Mapping[str, str]) -> None:
        """Show what was said, where the values are still those."""
        if all(self._stands(field, value) for field, value in values.items()):
            self.put_said(said)

    def put_said(self, said: Mapping[str, str]) -> None:
        """Show what was said of fields."""
        if self._form is not None:
            for field, words in said.items():
                self._form.set_result(field, words)

    def _stands(self, field: str, value: str) -> bool:
        """Whether a field still has this value."""
        return self._form is not None and self._form.values.get(field) == value

    # Doing.

    @on(Form.Submitted)
    def _submitted(self, event: Form.Submitted) -> None:
        self._do(event.values)

    @work(group="do", exclusive=True)
    async def _do(self, values: dict[str, str]) -> None:
        """Check all once more, since the last key may be an instant ago, and do it."""
        form = self._form
        if form is None:
            return
        said = await self.said(values)
        self.put_said(said)
        wrong = [(field, text[2:]) for field, text in said.items() if text.startswith(PROBLEM)]
        wrong = [(field, text) for field, text in wrong if field in values]
        if wrong:
            form.go_to(wrong[0][0])
            count = "1 field" if len(wrong) == 1 else f"{len(wrong)} fields"
            self.refuse(f"{count} to put right: {wrong[0][1]}")
            return
        try:
            await self.do(values)
        except (KvmtuiError, OSError) as error:
            name = self.subject() or values.get("name", "")
            self.tell_failure(name, as_told(name, error))

    # Leaving.

    def leave(self) -> None:
        """Close, where it is not closed yet."""
        self.leaving = True
        if self.is_current:
            self.dismiss()

    def go_up(self) -> None:
        """Esc: the form says whether it was changed."""
        if self._form is not None:
            self._form.action_leave()
        else:
            self.leave()

    @on(Form.Left)
    def _left(self, event: Form.Left) -> None:
        """Esc in the form: a told failure goes first, as everywhere."""
        if self.toast.shown:
            self.toast.close()
            return
        if not event.changed:
            self.leave()
            return
        ask_whether_to_leave(self, self.leave)


def ask_whether_to_leave(screen: AnsweringScreen, leave: Callable[[], None]) -> None:
    """Ask before what was typed is given up."""

    def answered(answer: Answer | None) -> Any:
        if answer is not None and answer.done:
            leave()

    screen.app.push_screen(Dialog(question_leave()), answered)


def fields_of(fields: list[FormField], sections: Mapping[str, str]) -> list[Field]:
    """Fields for the form.

    Args:
        sections: The head above a field, by its id.
    """
    return [
        Field(
            id=field.id,
            label=field.label,
            kind=field.kind,
            value=field.value,
            choices=field.choices,
            help=field.help,
            section=sections.get(field.id, ""),
        )
        for field in fields
    ]
