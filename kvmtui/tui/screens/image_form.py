"""The form of an operation on an image, with its figures: from, to, the room after it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult

from kvmtui.errors import KvmtuiError, as_told
from kvmtui.tui.glyphs import Glyphs
from kvmtui.tui.screens.filling import FillingScreen, fields_of
from kvmtui.tui.spans import Line, Span, shorten
from kvmtui.tui.widgets.fields import FINE, PROBLEM, WARNING, Field
from kvmtui.tui.widgets.text_view import LineView
from kvmtui.tui.widgets.wrapping import wrap

if TYPE_CHECKING:
    from kvmtui.manage.image_form_door import FormDoor
    from kvmtui.manage.image_form_words import Kind, Said
    from kvmtui.manage.image_forms import ImageForm
    from kvmtui.tui.image_desk import ImageDesk

AGAIN_S = 3.0
"""How often what is said is looked at again: room goes, images vanish."""
_SIGNS = {"fine": FINE, "warning": WARNING, "problem": PROBLEM}
_LABEL = 9
_LOW = 18


class ImageFormScreen(FillingScreen):
    """Fills in what is to be done; the desk does it, and asks where something would be lost.

    Args:
        forms: Who has the fields and checks them.
        kind: The operation.
        path: The image; empty where it is for none.
        name: What a failure is about.
    """

    DEFAULT_CSS = """
    ImageFormScreen #figures { height: 1; }
    """

    def __init__(
        self, forms: FormDoor, desk: ImageDesk, kind: Kind, path: str, name: str, title: str
    ) -> None:
        super().__init__()
        self._forms = forms
        self._desk = desk
        self._kind: Kind = kind
        self._path = path
        self._subject = name
        self._heading = title
        self._loaded: ImageForm | None = None
        self._said: Said | None = None
        self._room = 0
        self.figures = LineView(id="figures")

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield widget
            if widget.id == "head":
                yield self.figures

    def heading(self) -> str:
        """The operation and its image."""
        return self._loaded.title if self._loaded is not None else self._heading

    def does(self) -> str:
        """The operation."""
        return self._loaded.does if self._loaded is not None else self._kind

    def subject(self) -> str:
        """The image."""
        return self._subject

    async def load(self) -> list[Field]:
        """The fields of the operation."""
        self._loaded = form = await self._forms.open(self._kind, self._path)
        head = self.query("#head")
        if head:
            head.first(LineView).set_lines([(Span(f" {form.title}", bold=True),)])
        self.show_keys()
        self.set_interval(AGAIN_S, self._look_again)
        return fields_of(list(form.fields), {})

    def begin_checks(self, fields: list[Field]) -> None:
        """All at once: each may depend on the others."""
        self._check({field.id: field.value for field in fields})

    def together(self, field: str, value: str) -> dict[str, str]:
        """All of them."""
        return dict(self._form.values) if self._form is not None else {}

    def _look_again(self) -> None:
        if self._form is not None and self.is_current:
            self._check(self.together("", ""))

    async def said(self, values: Mapping[str, str]) -> dict[str, str]:
        """What is said of the fields; the figures are shown besides."""
        try:
            self._said = said = await self._forms.check(self._kind, self._path, dict(values))
        except asyncio.CancelledError:
            raise
        except (KvmtuiError, OSError) as error:
            words = as_told("", error).message
            return {next(iter(values), ""): f"{PROBLEM} {words}"}
        self._show_figures()
        told = dict.fromkeys(values, "")
        for field, (standing, words) in said.fields.items():
            told[field] = f"{_SIGNS[standing]} {words}"
        return told

    async def do(self, values: dict[str, str]) -> None:
        """Hand it to the desk, which tells how it ended."""
        said = self._said
        fault = said.fault if said is not None else ""
        if fault:
            self.refuse(fault)
            return
        figures = said.figures if said is not None else ()
        self._desk.do_form(self._kind, self._path, self._subject, values, self.leave, figures)

    # The figures.

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._show_figures()

    def _show_figures(self) -> None:
        said, width = self._said, self.app.size.width
        if said is None or width < 10 or not self.is_mounted:
            return
        glyphs: Glyphs = self.kvmtui.glyphs
        low = self.app.size.height < _LOW
        lines = list(figure_lines(said, width - 5, glyphs))[-3 if low else -6 :]
        # It never becomes lower again: the fields below it would jump.
        self._room = max(self._room, len(lines) + (not low))
        found = self.figures.styles.height
        if found is None or found.value != self._room:
            self.figures.styles.height = self._room
        self.figures.set_lines([(Span("   "), *line) for line in lines])


def figure_lines(said: Said, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """The figures below each other, and last why it cannot be done."""
    for label, text in said.figures:
        short = text.endswith("too little") or " too little;" in text
        words = Span(shorten(text, width - _LABEL), "warn" if short else "text")
        yield (Span(label.ljust(_LABEL), "muted"), words)
    if said.fault:
        sign = Span(glyphs.crashed, "err", glyph=True)
        yield from wrap((sign, Span(f" {said.fault}", "err")), width)
