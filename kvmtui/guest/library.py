"""The library of guests: ``HOME/guests/NAME/``, one folder a guest.

Listing is reading folders. A new guest is made beside its place under a name that
starts with a dot and put there by one rename; a deleted one leaves by one rename.
What a killed program leaves behind is a dot folder that nobody holds; `sweep` ends it.
"""

from __future__ import annotations

import contextlib
import os

from kvmtui.durable import make_folder, sync_folder, try_lock
from kvmtui.errors import HostError, KvmtuiError, StateError
from kvmtui.guest.folder import DEFINITION, HISTORY, LOCK, PID, RUN, GuestFolder
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

    @property
    def history(self) -> str:
        """Which guests were deleted, when and by whom."""
        return self.at(HISTORY)

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
        """The names of all guests, sorted. A missing home has none.

        A symbolic link is no guest: its target may be one already, here or elsewhere.

        Raises:
            HostError: The home is another user's, and closed to this one.
        """
        try:
            with os.scandir(self.at(GUESTS)) as entries:
                found = sorted(
                    entry.name
                    for entry in entries
                    if is_name(entry.name) and entry.is_dir(follow_symlinks=False)
                )
        except FileNotFoundError:
            return []
        except PermissionError:
            self._refuse_closed(self.at(GUESTS))
            raise
        if self._is_of_another():
            for name in found:
                self._refuse_closed(self.at(GUESTS, name))
        return found

    def folder(self, name: str) -> GuestFolder:
        """The folder of a guest that exists.

        Raises:
            UsageError: The name cannot be a guest's.
            KvmtuiError: There is no such guest.
            HostError: The home is another user's, and closed to this one.
        """
        folder = self.place(name)
        if self._is_of_another():
            self._refuse_closed(folder.place)
        _refuse_link(folder)
        if not os.path.isdir(folder.place):
            raise KvmtuiError(f"{name}: there is no such guest", hint="kvmtui list")
        return folder

    def _is_of_another(self) -> bool:
        """Whether the home belongs to a user that we are not; root is everyone."""
        user = os.geteuid()
        try:
            return user not in (0, os.stat(self.root).st_uid)
        except OSError:
            return False

    def _refuse_closed(self, path: str) -> None:
        """Raise HostError where a folder of another user's home is closed to this one.

        Unread, a guest that runs would look like one that does not.
        """
        if not self._is_of_another():
            return
        if all(_is_open(part) for part in (path, f"{path}/{DEFINITION}", f"{path}/{RUN}/{PID}")):
            return
        uid = os.stat(self.root).st_uid
        name = _user_name(uid)
        account = name or f"'#{uid}'"
        raise HostError(
            f"{self.root} belongs to {name or f'user {uid}'}: run it as that user",
            hint=f"sudo -u {account} kvmtui --home {self.root} …",
        )

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
        except BaseException as error:
            remove_tree(staging.path)
            _speak_of_final_place(error, staging, target)
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
        _refuse_link(target)
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
        """Remove what killed programs left behind; what someone holds is left alone.

        A link of such a name was a link to a folder that is none of ours: it alone goes.
        """
        for entry in os.listdir(self.guests):
            if not entry.startswith((_NEW, _TRASH)):
                continue
            path = self.guests / entry
            with contextlib.suppress(OSError):
                if path.is_symlink():
                    path.unlink()
                    continue
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


def _refuse_link(folder: GuestFolder) -> None:
    if os.path.islink(folder.place):
        raise KvmtuiError(
            f"{folder.name}: {folder.place} is a symbolic link, and a guest is a folder",
            hint="move the folder itself there, or mount it there (mount --bind)",
        )


def _is_open(path: str) -> bool:
    """Whether a file or folder can be read, or is not there."""
    import stat

    try:
        needed = os.R_OK | os.X_OK if stat.S_ISDIR(os.lstat(path).st_mode) else os.R_OK
    except PermissionError:
        return False
    except OSError:
        return True
    return os.access(path, needed)


def _user_name(uid: int) -> str | None:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _speak_of_final_place(error: BaseException, staging: GuestFolder, target: GuestFolder) -> None:
    """Make a failure name the guest's own path, not the hidden one that is gone."""
    hidden, final = str(staging.path), str(target.path)
    if isinstance(error, KvmtuiError):
        error.message = error.message.replace(hidden, final)
    elif isinstance(error, OSError) and error.filename is not None:
        error.filename = os.fsdecode(error.filename).replace(hidden, final)


def remove_tree(path: Path) -> None:
    """Remove a folder with all in it; what cannot be removed stays."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
