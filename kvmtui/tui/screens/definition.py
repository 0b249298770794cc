"""The form of a definition: a new guest, or one that exists."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from kvmtui.errors import DefinitionError, KvmtuiError, as_told
from kvmtui.manage.fleet import Changed, Fleet
from kvmtui.manage.forms import FormField
from kvmtui.tui.render.confirm import question_leave
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.dialog import Answer, Dialog
from kvmtui.tui.widgets.fields import FINE, PROBLEM, Field
from kvmtui.tui.widgets.form import Form
from kvmtui.tui.widgets.text_view import LineView

_SETTLED_S = 0.15
_SECTIONS = {"disk": "Disks and networks", "firmware": "Machine"}
_SECTIONS_EDIT = {"cdrom": "Disks and networks", "firmware": "Machine"}


class DefinitionScreen(AnsweringScreen):
    """Fills in a definition; each field is checked while it is typed.

    Args:
        name: The guest's; None for a new one. A definition that is not valid has no form:
            its text is opened instead.
    """

    DEFAULT_CSS = """
    DefinitionScreen { layout: vertical; }
    DefinitionScreen #head { height: 2; }
    DefinitionScreen #area { height: 1fr; layers: base above; }
    """
    AUTO_FOCUS = None
    typed_into = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+e", "editor", "$EDITOR", id="form.editor", show=False, priority=True)
    ]

    def __init__(self, fleet: Fleet, name: str | None) -> None:
        super().__init__()
        self._fleet = fleet
        self._guest = name
        self._begun: dict[str, str] = {}
        self._typed: list[events.Key] = []
        self._form: Form | None = None

    def compose(self) -> ComposeResult:
        title = "New guest" if self._guest is None else f"Edit {self._guest}"
        yield LineView([(Span(f" {title}", bold=True),)], id="head")
        with Container(id="area"):
            yield self.toast
        yield self.message
        yield self.key_bar
        yield self.too_small

    def on_mount(self) -> None:
        """Ask for the fields; the screen is there at once, so that no key goes astray."""
        does = "create" if self._guest is None else "save"
        keys = [("Ctrl-S", does), ("Tab", "next field"), ("Space", "choose")]
        if self._guest is not None:
            keys.append(("Ctrl-E", "$EDITOR"))
        self.key_bar.set_keys([*keys, ("Esc", "leave")], last=("F1", "help"))
        self._fill()

    def take_changes(self, changed: Changed) -> None:
        """Tell that the guest is gone; what was typed is for its owner to give up."""
        if self._guest is not None and changed.get(self._guest, self) is None:
            self.refuse(f"{self._guest} is gone: what is typed here cannot be saved to it")

    @work(group="fill")
    async def _fill(self) -> None:
        name = self._guest
        try:
            fields = await self._fleet.form_fields(name)
        except DefinitionError:
            self.action_editor()
        except (KvmtuiError, OSError) as error:
            self._leave()
            self.kvmtui.tell_failure(name or "new guest", as_told(name or "", error))
        else:
            area = self.query("#area")
            if not area:
                # It was left before its fields came.
                return
            self._form = form = Form(self._asked(fields), id="form")
            await area.first().mount(form, before=0)
            self.set_focus(form)
            for key in self._typed:
                form.post_message(events.Key(key.key, key.character))
            for field in fields:
                self._check(field.id, field.value)

    def _asked(self, fields: list[FormField]) -> list[Field]:
        self._begun = {field.id: field.value for field in fields}
        sections = _SECTIONS if self._guest is None else _SECTIONS_EDIT
        return [
            Field(
                id=field.id,
                label=field.label,
                kind=field.kind,
                value=field.value,
                choices=field.choices,
                help=field.help,
                section="Guest" if number == 0 else sections.get(field.id, ""),
            )
            for number, field in enumerate(fields)
        ]

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

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        self.key_came()
        field, value = event.field, event.value
        self.set_timer(_SETTLED_S, lambda: self._check_settled(field, value))

    def _check_settled(self, field: str, value: str) -> None:
        if self._stands(field, value):
            self._check(field, value)

    @work(group="check")
    async def _check(self, field: str, value: str) -> None:
        said = await self._said(field, value)
        if self._form is not None and self._stands(field, value):
            self._form.set_result(field, said)

    def _stands(self, field: str, value: str) -> bool:
        """Whether a field still has this value."""
        return self._form is not None and self._form.values.get(field) == value

    async def _said(self, field: str, value: str) -> str:
        right, words = await self._fleet.check_field(field, value)
        if not right:
            return f"{PROBLEM} {words}"
        return f"{FINE} {words}" if words else ""

    @on(Form.Submitted)
    def _submitted(self, event: Form.Submitted) -> None:
        self._do(event.values)

    @work(group="do", exclusive=True)
    async def _do(self, values: dict[str, str]) -> None:
        """Check all once more, since the last key may be an instant ago, and do it."""
        form = self._form
        if form is None:
            return
        wrong: list[tuple[str, str]] = []
        for field, value in values.items():
            said = await self._said(field, value)
            form.set_result(field, said)
            if said.startswith(PROBLEM):
                wrong.append((field, said[2:]))
        if wrong:
            form.go_to(wrong[0][0])
            count = "1 field" if len(wrong) == 1 else f"{len(wrong)} fields"
            self.refuse(f"{count} to put right: {wrong[0][1]}")
            return
        try:
            if self._guest is None:
                outcome = await self._fleet.create_from_form(values)
            else:
                changed = {k: v for k, v in values.items() if v != self._begun[k]}
                outcome = await self._fleet.change_by_form(self._guest, changed)
        except (KvmtuiError, OSError) as error:
            name = self._guest or values["name"]
            self.tell_failure(name, as_told(name, error))
        else:
            self._leave()
            self.kvmtui.told(outcome)
            self.kvmtui.show_guest(outcome.name)

    def action_editor(self) -> None:
        """Leave the form for the editor; what was typed here is not taken along."""
        if self._guest is not None:
            name = self._guest
            self._leave()
            self.kvmtui.open_editor(name)

    def _leave(self) -> None:
        if self.is_current:
            self.dismiss()

    def go_up(self) -> None:
        """Esc: the form says whether it was changed."""
        if self._form is not None:
            self._form.action_leave()
        else:
            self._leave()

    @on(Form.Left)
    def _left(self, event: Form.Left) -> None:
        """Esc in the form: a told failure goes first, as everywhere."""
        if self.toast.shown:
            self.toast.close()
            return
        if not event.changed:
            self._leave()
            return

        def answered(answer: Answer | None) -> Any:
            if answer is not None and answer.done:
                self._leave()

        self.app.push_screen(Dialog(question_leave()), answered)
