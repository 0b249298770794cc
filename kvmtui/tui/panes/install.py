"""The Install pane: the form of a new guest, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.registry import Keys
from kvmtui.tui.panes.pane import Pane
from kvmtui.tui.spans import Line, Span
from kvmtui.tui.widgets.text_view import LineView

if TYPE_CHECKING:
    from kvmtui.tui.widgets.fields import Field
    from kvmtui.tui.widgets.form import Form
    from kvmtui.tui.widgets.page_form import PageForm

WIDE = 120
_RIGHT = 42
FIRST_FIELD = "name"


class InstallPane(Pane, can_focus=True):
    """A form to fill in. What a person wants leaves as a message.

    The form is there from the first time on that its fields are known; keys that come
    before are kept for it.

    Args:
        keys: The keys in force.
    """

    DEFAULT_CSS = f"""
    InstallPane {{ layout: horizontal; }}
    InstallPane #install-page {{ width: 1fr; height: 1fr; }}
    InstallPane #install-rule {{ width: 2; height: 1fr; display: none; }}
    InstallPane #install-right {{ width: {_RIGHT}; height: 1fr; display: none; }}
    InstallPane.wide #install-rule {{ display: block; }}
    InstallPane.wide #install-right {{ display: block; }}
    """
    PLACE = "install"
    TITLE = "Install"
    TYPED_INTO = True
    BINDINGS: ClassVar[list[BindingType]] = [
        # Where one goes has the next key, whatever the form still has to take.
        Binding("ctrl+o", "browse", "browse", id="install.browse", show=False, priority=True),
        Binding("escape", "leave", "leave", show=False, priority=True),
    ]

    class Changed(Pane.Asked):
        """A person gave a field another value."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    class Wanted(Pane.Asked):
        """An action of the pane is wanted."""

        def __init__(self, action_id: str) -> None:
            super().__init__()
            self.action_id = action_id

    class Resized(Pane.Asked):
        """There is more or less room: what comes of it is drawn anew."""

    def __init__(self, keys: Keys, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys = keys
        self._typed: list[events.Key] = []
        self.browse: Callable[[], None] = lambda: None
        """Opens the browser of files."""
        self.leave: Callable[[], None] = lambda: None
        """Goes back to where one came from."""
        self.form: PageForm | None = None
        """The form; None until its fields are known."""
        self._page = Container(id="install-page")
        self._rule = LineView(id="install-rule")
        self._right = LineView(id="install-right")

    def compose(self) -> ComposeResult:
        yield self._page
        yield self._rule
        yield self._right

    @property
    def is_wide(self) -> bool:
        """Whether what comes of it stands beside the form."""
        return self.app.size.width >= WIDE

    @property
    def room(self) -> tuple[int, int]:
        """The cells and lines for what comes of it, at the right or in the page."""
        if self.is_wide:
            return _RIGHT - 1, self.size.height
        return self.size.width - 5, 1000

    def draw(self) -> None:
        """The form draws itself."""

    def take_focus(self) -> None:
        """The keys are the form's, or kept for it."""
        self.screen.set_focus(self.form or self)

    async def set_fields(self, fields: Sequence[Field]) -> None:
        """Take the fields as they are now; the first time makes the form."""
        if self.form is not None:
            self.form.renew(fields)
            return
        from kvmtui.tui.widgets.page_form import PageForm

        keys = {
            key: (lambda action_id=action.id: self._want(action_id))
            for action in ACTIONS.values()
            if action.place == "install" and action.id != "install.browse"
            for key in self._keys.all_of(action.id).split(",")
        }
        form = PageForm(fields, keys, first=FIRST_FIELD)
        self._lay_out(form)
        await self._page.mount(form)
        had_focus = self.has_focus
        self.form = form
        if had_focus:
            self.screen.set_focus(form)
        for key in self._typed:
            form.post_message(events.Key(key.key, key.character))
        self._typed.clear()

    def action_browse(self) -> None:
        self.browse()

    def action_leave(self) -> None:
        self.leave()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc closes a list that is open."""
        if action == "leave" and self.form is not None and self.form.is_picking:
            return False
        return super().check_action(action, parameters)

    def clear(self) -> None:
        """Forget the form: the next fields make another."""
        if self.form is None:
            return
        had_focus = self.form.has_focus
        self.form.remove()
        self.form = None
        if had_focus:
            self.screen.set_focus(self)

    def _want(self, action_id: str) -> None:
        self.post_message(self.Wanted(action_id))

    def set_right(self, lines: Sequence[Line], below: Mapping[str, Sequence[Line]]) -> None:
        """Show what comes of it: beside the form, or in it."""
        if self.form is not None:
            self.form.say_below(below)
        glyph = self._right.glyphs.rule_down
        self._rule.set_lines([(Span(glyph, "line"),)] * self.size.height)
        self._right.set_lines(lines)

    def on_resize(self) -> None:
        """Where it is wide there are two columns."""
        self.set_class(self.is_wide, "wide")
        if self.form is not None:
            self._lay_out(self.form)
        self.post_message(self.Resized())

    def _lay_out(self, form: PageForm) -> None:
        form.hide(frozenset({"summary"} if self.is_wide else ()))

    def on_key(self, event: events.Key) -> None:
        """Letters are text, also before there is a form; chords of others are not."""
        if self.form is None:
            self._typed.append(event)
        elif not event.is_printable:
            return
        event.stop()

    # Messages of the form.

    def on_form_changed(self, event: Form.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.field))

    def on_page_form_submit_wanted(self, event: Message) -> None:
        event.stop()
        self._want("install.create")

    def on_form_pressed(self, event: Form.Pressed) -> None:
        event.stop()
        one = {"create_and_start": "install.create", "create_only": "install.create_only"}
        self._want(one[event.field])
