"""A definition while a person edits its text in an editor of their own."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from kvmtui.errors import DefinitionError, HostError, ImageError, KvmtuiError, UsageError
from kvmtui.text import visible

MENDABLE = (DefinitionError, HostError, ImageError)
"""Refusals of an edited text that another edit can mend."""

_DRAW = (
    *("vi", "vim", "vim.basic", "vim.tiny", "nvim", "nano", "pico", "emacs", "mg", "joe", "jed"),
    *("ne", "micro", "hx", "helix", "mcedit", "kak", "tilde", "editor", "sensible-editor"),
)
"""Editors that draw on a terminal; any other, such as ``sed -i``, may do without."""


class Draft:
    """A file of its own for the editor; gone when the block is left.

    Where the program is told to end, an editor may still write it: then the file stays.

    Args:
        name: The guest's.
        text: What the editor begins with.
        place: Where the file's folder is made; usually where temporary files are.
        file: What the file is called; usually as the guest.
    """

    def __init__(
        self, name: str, text: str | bytes, *, place: str | None = None, file: str = ""
    ) -> None:
        self._folder = tempfile.mkdtemp(prefix="kvmtui-edit-", dir=place)
        self._path = Path(self._folder) / (file or f"{name}.yaml")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._path, flags, 0o600), "wb") as new:
            new.write(text.encode("utf-8") if isinstance(text, str) else text)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, Exception):
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def command(self) -> list[str]:
        """The user's editor on the file: ``VISUAL``, ``EDITOR``, else ``vi``.

        Raises:
            UsageError: The user's words cannot be parted.
        """
        name = "VISUAL" if os.environ.get("VISUAL") else "EDITOR"
        try:
            words = shlex.split(os.environ.get(name) or "vi")
        except ValueError as error:
            raise UsageError(f"{name} makes no sense: {error}", hint="set EDITOR") from None
        return [*words, str(self._path)]

    def refuse_no_terminal(self, hint: str) -> None:
        """Refuse an editor that would draw into a pipe.

        Args:
            hint: How it is changed without one.
        """
        editor = os.path.basename(self.command[0])
        if editor in _DRAW and not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise UsageError(f"no terminal here for the editor {visible(editor)}", hint=hint)

    def result(self, status: int) -> str:
        """The edited text.

        Args:
            status: How the editor ended.

        Raises:
            KvmtuiError: It says that nothing is to be changed.
        """
        self.refuse_status(status)
        return self._path.read_bytes().decode("utf-8", "replace")

    def refuse_status(self, status: int) -> None:
        """Refuse an end of the editor that says that nothing is to be changed."""
        if status != 0:
            raise KvmtuiError(f"the editor ended with status {status}; nothing was changed")

    def not_run(self, error: OSError) -> UsageError:
        """The failure of an editor that cannot be run."""
        editor = self.command[0]
        return UsageError(f"the editor {editor} cannot be run: {error.strerror}", hint="set EDITOR")


def keep_text(name: str, text: str) -> str:
    """Keep an edited text that could not be saved; returns where."""
    descriptor, path = tempfile.mkstemp(prefix=f"kvmtui-{name}-", suffix=".yaml")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path
