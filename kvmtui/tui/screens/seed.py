"""The seed of a new guest: its files one by one, to read and to edit before it is made."""

from __future__ import annotations

import re
from typing import ClassVar, Protocol

from textual import work
from textual.binding import Binding, BindingType

from kvmtui.manage.seed_edits import SeedFile, SeedView
from kvmtui.tui.actions.keymap import bindings
from kvmtui.tui.actions.registry import Keys, Place
from kvmtui.tui.render.confirm_seed import question_give_back
from kvmtui.tui.screens.scrollback import FewLines, ScrollbackScreen
from kvmtui.tui.spans import Line, Role, Span, shorten
from kvmtui.tui.widgets.dialog import Answer, Dialog

_LINE = re.compile(r"\bline (\d+)")
_NAME_CELLS = 30


class SeedDesk(Protocol):
    """Who knows the seed, and keeps what is edited of it."""

    async def view(self) -> SeedView | None:
        """The seed now; None where it cannot be had, which was told."""

    async def edit(self, name: str) -> None:
        """Have a file edited."""

    def give_back(self, name: str) -> None:
        """Take a file again as the fields make it."""


class SeedScreen(ScrollbackScreen):
    """One file at a time; edited ones say so.

    Args:
        desk: Who is asked, and does it.
        keys: The keys in force.
        view: The seed to begin with.
        name: The guest to be.
    """

    DEFAULT_CSS = """
    SeedScreen #head { height: 2; }
    """
    places: ClassVar[tuple[Place, ...]] = ("seed", "text")
    title_of_help = "Seed"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("seed"),
        Binding("tab,right", "file(1)", "next file", show=False),
        Binding("shift+tab,left", "file(-1)", "file before", show=False),
    ]

    def __init__(self, desk: SeedDesk, keys: Keys, view: SeedView, name: str) -> None:
        self._desk = desk
        self._keys = keys
        self._view = view
        self._shown = view.first
        super().__init__(FewLines(list(self.file.lines)), name, "seed", reads=True)

    @property
    def file(self) -> SeedFile:
        """The file that is shown."""
        found = (one for one in self._view.files if one.name == self._shown)
        return next(found, self._view.files[0])

    # What is told of it.

    def _tell_head(self) -> None:
        file = self.file
        lines = f"{self._total:,} line{'s' * (self._total != 1)}"
        name = shorten(self._guest, _NAME_CELLS)
        head: Line = (Span(f" {name}", bold=True), Span("  seed.iso  ", "muted"))
        edited: Line = ()
        if file.is_edited:
            sign, role = self._sign(file)
            edited = (Span(f"  {sign}", role, glyph=True), Span(" edited"))
        told = (Span(file.name), Span(f"  {lines}", "muted"), *edited)
        tabs: list[Span] = []
        for one in self._view.files:
            words = f"[{one.name}]" if one is file else f" {one.name} "
            role = "accent" if one is file else "muted"
            tabs.append(Span(words, role, bold=one is file))
            tabs += [Span("*", "warn")] * one.is_edited
        self.head.set_lines([(*head, *told), tuple(tabs)])

    def _sign(self, file: SeedFile) -> tuple[str, Role]:
        glyphs = self.kvmtui.glyphs
        looks: dict[str, tuple[str, Role]] = {
            "fine": (glyphs.good, "ok"),
            "warning": (glyphs.trouble, "warn"),
            "problem": (glyphs.crashed, "err"),
        }
        return looks[file.standing]

    def _tell_keys(self) -> None:
        file = self.file
        edit, back = self._keys.of("seed.edit"), self._keys.of("seed.generated")
        keys = [(edit, "edit")] if file.is_text else []
        keys += [(back, "generated one")] if file.is_edited else []
        keys += [("Tab", "next file")] if len(self._view.files) > 1 else []
        self.key_bar.set_keys([*keys, ("/", "search"), ("Esc", "back")])
        self._tell_state()

    def _tell_state(self) -> None:
        """What is to be said of the file, in the line below it."""
        file = self.file
        said: Line = ()
        if file.said:
            sign, role = self._sign(file)
            said = (Span(sign, role, glyph=True), Span(f" {file.said}", "muted"))
        elif self._view.notes:
            said = (Span(self._view.notes[0], "muted"),)
        self.message.set_standing(said)

    def _tell_kept(self) -> None:
        if self._wanted:
            super()._tell_kept()
        else:
            self._tell_state()

    def _show_file(self) -> None:
        """Show it from its beginning, or at the line that is not right."""
        file = self.file
        self._source = FewLines(list(file.lines))
        wrong = _LINE.search(file.said) if file.standing == "problem" else None
        self._at = min(int(wrong[1]), len(file.lines)) - 1 if wrong else -1
        self._tell_keys()
        self._tell_head()
        self.run_worker(self._show_lines(), group="page", exclusive=True)

    async def _show_lines(self) -> None:
        await self._begin()
        if self._at < 0:
            self.body.scroll_lines_to(0)

    # What is done.

    def action_file(self, step: int) -> None:
        """Show another file."""
        names = [one.name for one in self._view.files]
        self._shown = names[(names.index(self.file.name) + step) % len(names)]
        self._show_file()

    def perform(self, action_id: str) -> None:
        """Edit the file, or take it again as it was made."""
        file = self.file
        if action_id == "seed.edit" and not file.is_text:
            self.refuse(f"{file.name} is made of the other files: edit those")
        elif action_id == "seed.edit":
            self._edit(file.name)
        elif action_id == "seed.generated" and not file.is_edited:
            self.refuse(f"{file.name} is as the fields make it")
        elif action_id == "seed.generated":
            self._ask_give_back(file)

    @work(group="editor", exclusive=True)
    async def _edit(self, name: str) -> None:
        await self._desk.edit(name)
        await self._look()

    def _ask_give_back(self, file: SeedFile) -> None:
        def answered(answer: Answer | None) -> None:
            if answer is not None and answer.done:
                self._desk.give_back(file.name)
                self.run_worker(self._look(), group="look", exclusive=True)
                self.tell(f"{file.name} is as the fields make it")

        question = question_give_back(file.name, len(file.lines))
        self.app.push_screen(Dialog(question), answered)

    async def _look(self) -> None:
        view = await self._desk.view()
        if view is None:
            self.dismiss()
            return
        self._view = view
        self._show_file()
