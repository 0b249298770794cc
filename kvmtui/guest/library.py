"""The library of guests: ``HOME/guests/NAME/``, one folder a guest.

Listing is reading folders. A new guest is made beside its place under a name that
starts with a dot and put there by one rename; a deleted one leaves by one rename.
What a killed program leaves behind is a dot folder that nobody holds; `sweep` ends it.
"""

from __future__ import annotations

import contextlib
import os

from kvmtui.durable import make_folder, sync_folder, try_lock
from kvmtui.errors import KvmtuiError, StateError
from kvmtui.guest.folder import LOCK, GuestFolder
from kvmtui.guest.names import check_name, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUESTS = "guests"
IMAGES = "images"
CACHE = "cache.json"
STARTS = "starts"
"""What is remembered of each guest's last start."""
_NEW = ".new-"
_TRASH = ".deleted-"


class Library:
    """The guests below one home."""

    def __init__(self, home: Path | str) -> None:
        self.root = os.fspath(home)

    @property
    def home(self) -> Path:
        """The home itself."""
        from pathlib import Path

        return Path(self.root)

    @property
    def guests(self) -> Path:
        """The folder of the guests' folders."""
        return self.home / GUESTS

    @property
    def images(self) -> Path:
        """The folder of images that several guests share."""
        return self.home / IMAGES

    def at(self, *names: str) -> str:
        """The path of something in the home, as text."""
        return "/".join((self.root, *names))

    def make(self, owner: tuple[int, int] | None = None) -> None:
        """Make the home and its folders where missing.

        Args:
            owner: User and group id that a new home is given to (we are root then).
        """
        if not self.home.exists():
            self.home.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self.home.mkdir(mode=0o700)
            if owner is not None:
                os.chown(self.home, *owner)
        make_folder(self.guests)
        make_folder(self.images)

    def names(self) -> list[str]:
        """The names of all guests, sorted. A missing home has none."""
        try:
            found = os.listdir(self.at(GUESTS))
        except FileNotFoundError:
            return []
        return sorted(name for name in found if is_name(name))

    def folder(self, name: str) -> GuestFolder:
        """The folder of a guest that exists.

        Raises:
            UsageError: The name cannot be a guest's.
            KvmtuiError: There is no such guest.
        """
        folder = self.place(name)
        if not os.path.isdir(folder.place):
            raise KvmtuiError(f"{name}: there is no such guest", hint="kvmtui list")
        return folder

    def place(self, name: str) -> GuestFolder:
        """Where a guest of this name lies or would lie."""
        return GuestFolder(self.at(GUESTS, check_name(name)))

    @contextlib.contextmanager
    def new_guest(self, name: str) -> Iterator[GuestFolder]:
        """Make a guest's folder under a hidden name; it becomes the guest at the end.

        When the block raises, everything in it is removed again.

        Raises:
            StateError: A guest of this name exists.
        """
        target = self.place(name)
        self._refuse_existing(target)
        self.sweep()
        staging = GuestFolder(self.guests / f"{_NEW}{name}-{os.getpid()}-{os.urandom(3).hex()}")
        make_folder(staging.path)
        lock = try_lock(staging.path / LOCK, owner_folder=self.guests)
        try:
            yield staging
            sync_folder(staging.path)
            self.move(staging.path, target)
        except BaseException:
            remove_tree(staging.path)
            raise
        finally:
            if lock is not None:
                os.close(lock)

    def move(self, source: Path, target: GuestFolder) -> None:
        """Give a folder its name, durably; never over another guest."""
        self._refuse_existing(target)
        try:
            source.rename(target.path)
        except OSError as error:
            if target.path.exists():
                self._refuse_existing(target)
            raise error
        sync_folder(self.guests)

    def _refuse_existing(self, target: GuestFolder) -> None:
        if target.path.exists():
            raise StateError(
                f"{target.name}: a guest of this name exists", hint=f"kvmtui show {target.name}"
            )

    def discard(self, folder: GuestFolder) -> None:
        """Take a guest away: by one rename, then its files. The caller holds its lock."""
        trash = self.guests / f"{_TRASH}{folder.name}-{os.urandom(4).hex()}"
        folder.path.rename(trash)
        sync_folder(self.guests)
        remove_tree(trash)

    def sweep(self) -> None:
        """Remove what killed programs left behind; what someone holds is left alone."""
        for entry in os.listdir(self.guests):
            if not entry.startswith((_NEW, _TRASH)):
                continue
            path = self.guests / entry
            with contextlib.suppress(OSError):
                lock = try_lock(path / LOCK)
                if lock is not None:
                    remove_tree(path)
                    os.close(lock)
        self._forget_gone()

    def _forget_gone(self) -> None:
        """Remove what is remembered of guests that are no more."""
        with contextlib.suppress(OSError):
            for entry in os.listdir(self.at(STARTS)):
                if not os.path.isdir(self.at(GUESTS, entry.removesuffix(".json"))):
                    os.unlink(self.at(STARTS, entry))


def remove_tree(path: Path) -> None:
    """Remove a folder with all in it; what cannot be removed stays."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
