"""A file that may hold a password's hash, while a person edits it in an editor of their own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess

from kvmtui.guest.library import Library
from kvmtui.guest.seed_image import MOST_BYTES
from kvmtui.manage import hosting
from kvmtui.manage.drafts import Draft

_REMOVER = 'trap "" HUP INT TERM; cat >/dev/null; rm -rf -- "$0"'
"""Removes a folder once nobody holds the other end of its standard input."""
_YAML = ("user-data", "meta-data", "network-config", "vendor-data")


class SecretDraft(Draft):
    """A file for its owner alone, in the user's runtime folder or in kvmtui's home.

    It is gone when the block is left, however that comes; should kvmtui be killed meanwhile,
    another process removes it.

    Args:
        file: What the file is called in its seed.
        content: What the editor begins with.
    """

    def __init__(self, library: Library, file: str, content: bytes) -> None:
        super().__init__(file, content, place=_place(library), file=_named(file))
        self._remover = subprocess.Popen(
            ["/bin/sh", "-c", _REMOVER, self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> SecretDraft:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._remover.communicate()

    def content(self, status: int) -> bytes:
        """The edited file, bounded; else as `result`."""
        self.refuse_status(status)
        with open(self._path, "rb") as file:
            return file.read(MOST_BYTES + 1)


def _named(file: str) -> str:
    """A name that editors know the kind of file by."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", file).lstrip(".-") or "file"
    return f"{name}.yaml" if name in _YAML else name


def _place(library: Library) -> str:
    """The user's runtime folder, which no disk holds; else the home."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    with contextlib.suppress(OSError):
        status = os.stat(runtime)
        is_own = status.st_uid == os.geteuid() and not status.st_mode & 0o077
        if runtime.startswith("/") and is_own and os.access(runtime, os.W_OK | os.X_OK):
            return runtime
    hosting.make_home(library)
    return library.root
