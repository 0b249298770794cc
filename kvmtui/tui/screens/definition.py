"""The form of a definition: a new guest, or one that exists."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from kvmtui.errors import KvmtuiError, told_os_error
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.forms import FormField
from kvmtui.tui.render.confirm import question_leave
from kvmtui.tui.screens.answering import AnsweringScreen
from kvmtui.tui.spans import Span
from kvmtui.tui.widgets.dialog import Answer, Dialog
from kvmtui.tui.widgets.fields import FINE, PROBLEM, Field
from kvmtui.tui.widgets.form import Form
from kvmtui.tui.widgets.key_bar import KeyBar
from kvmtui.tui.widgets.message_line import MessageLine
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.widgets.toast import FailureToast

_SETTLED_S = 0.15
_SECTIONS = {"name": "Guest", "description": "Guest", "disk": "Disks and networks"}
_SECTIONS_EDIT = {"description": "Guest", "cdrom": "Disks and networks", "firmware": "Machine"}


class DefinitionScreen(AnsweringScreen):
    """Fills in a definition; each field is checked while it is typed.

    Args:
        name: The guest's; None for a new one.
        fields: What is asked for.
    """

    DEFAULT_CSS = """
    DefinitionScreen { layout: vertical; }
    DefinitionScreen #head { height: 2; }
    DefinitionScreen #area { height: 1fr; layers: below above; }
    """
    AUTO_FOCUS = "Form"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+e", "editor", "$EDITOR", id="form.editor", show=False, priority=True)
    ]

    def __init__(self, fleet: Fleet, name: str | None, fields: list[FormField]) -> None:
        super().__init__()
        self._fleet = fleet
        self._guest = name
        self._begun = {field.id: field.value for field in fields}
        sections = _SECTIONS if name is None else _SECTIONS_EDIT
        self._fields = [
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

    def compose(self) -> ComposeResult:
        title = "New guest" if self._guest is None else f"Edit {self._guest}"
        yield LineView([(Span(f" {title}", bold=True),)], id="head")
        with Container(id="area"):
            yield Form(self._fields, id="form")
            yield FailureToast(id="toast")
        yield MessageLine(id="message")
        yield KeyBar(id="keys")

    @property
    def form(self) -> Form:
        """The form."""
        return self.query_one(Form)

    def on_mount(self) -> None:
        """Check what stands there at first."""
        does = "create" if self._guest is None else "save"
        keys = [("Tab", "next field"), ("Space", "choose"), ("Ctrl-S", does)]
        if self._guest is not None:
            keys.append(("Ctrl-E", "$EDITOR"))
        self.query_one(KeyBar).set_keys([*keys, ("Esc", "leave")], last=("F1", "help"))
        for field in self._fields:
            self._check(field.id, field.value)

    @on(Form.Changed)
    def _changed(self, event: Form.Changed) -> None:
        field, value = event.field, event.value
        self.set_timer(_SETTLED_S, lambda: self._check_settled(field, value))

    def _check_settled(self, field: str, value: str) -> None:
        if self.is_mounted and self.form.values.get(field) == value:
            self._check(field, value)

    @work(group="check")
    async def _check(self, field: str, value: str) -> None:
        said = await self._said(field, value)
        if self.is_mounted and self.form.values.get(field) == value:
            self.form.set_result(field, said)

    async def _said(self, field: str, value: str) -> str:
        right, words = await self._fleet.check_field(field, value)
        if not right:
            return f"{PROBLEM} {words}"
        return f"{FINE} {words}" if words else ""

    @on(Form.Submitted)
    def _submitted(self, event: Form.Submitted) -> None:
        self._do(event.values)

    @on(Form.SubmitRefused)
    def _submit_refused(self, event: Form.SubmitRefused) -> None:
        label, why = event.problems[0]
        count = len(event.problems)
        self.refuse(f"{count} field{'s' if count > 1 else ''} to put right: {label}: {why}")

    @work(group="do", exclusive=True)
    async def _do(self, values: dict[str, str]) -> None:
        """Check all once more, since the last key may be an instant ago, and do it."""
        for field, value in values.items():
            said = await self._said(field, value)
            if said.startswith(PROBLEM):
                self.form.set_result(field, said)
                self.form.go_to(field)
                self.refuse(f"1 field to put right: {said[2:]}")
                return
        try:
            if self._guest is None:
                outcome = await self._fleet.create_from_form(values)
            else:
                changed = {k: v for k, v in values.items() if v != self._begun[k]}
                outcome = await self._fleet.change_by_form(self._guest, changed)
        except KvmtuiError as error:
            self.tell_failure(self._guest or values["name"], error)
        except OSError as error:
            name = self._guest or values["name"]
            self.tell_failure(name, told_os_error(name, error))
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
        self.form.action_leave()

    @on(Form.Left)
    def _left(self, event: Form.Left) -> None:
        if not event.changed:
            self._leave()
            return

        def answered(answer: Answer | None) -> Any:
            if answer is not None and answer.done:
                self._leave()

        self.app.push_screen(Dialog(question_leave()), answered)
