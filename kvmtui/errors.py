"""Every failure kvmtui knows, named for what the caller can do about it.

KvmtuiError                 a message, and a hint that can be typed or done
├── UsageError              the call itself is wrong; nothing was tried (exit 2)
├── DefinitionError         a guest.yaml is not valid; holds all its problems at once
├── StateError              the guest is not in a state in which this can be done
├── BusyError               another kvmtui is at work on this guest or image
├── Cancelled               a person ended it; all is as before
├── HostError               this machine lacks something, or refuses it
├── ImageError              a disk image is missing, in use, or not what it should be
├── LaunchError             QEMU did not come up; its own line comes first
└── MonitorError            about one QMP session
    ├── CommandRefused      QEMU answered with an error
    ├── ConnectionLost      the socket closed first; whether it was done is not known
    └── MonitorTimeout      no answer in time; whether it was done is not known
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class KvmtuiError(Exception):
    """A failure that a person is told of in one line.

    Args:
        message: What happened, then why. One line, no full stop.
        hint: What can be done about it; it starts with a verb or is a command.
    """

    exit_status = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(KvmtuiError):
    """The call is wrong; nothing was tried."""

    exit_status = 2


class DefinitionError(KvmtuiError):
    """A definition is not valid.

    Attributes:
        problems: One ``path: text`` a problem, such as ``disks[1].szie: unknown key``.
    """

    def __init__(self, problems: Sequence[str], *, hint: str = "") -> None:
        super().__init__("; ".join(problems), hint=hint)
        self.problems = tuple(problems)


class StateError(KvmtuiError):
    """The guest's state does not allow it; nothing was changed."""


class BusyError(KvmtuiError):
    """Another kvmtui holds what is needed; nothing was changed."""


class Cancelled(KvmtuiError):
    """A person ended it before it was done; all is as before."""


class HostError(KvmtuiError):
    """This machine lacks something or refuses it."""


class ImageError(KvmtuiError):
    """A disk image is missing, in use, or not what the definition says."""


class LaunchError(KvmtuiError):
    """QEMU did not come up; no process is left."""


class MonitorError(KvmtuiError):
    """A QMP session went wrong."""


class CommandRefused(MonitorError):
    """QEMU answered with an error; the guest goes on as before.

    Attributes:
        command: The QMP command.
        error_class: QEMU's class, such as ``GenericError``.
        description: QEMU's own words.
    """

    def __init__(self, command: str, error_class: str, description: str) -> None:
        super().__init__(f"QEMU refused {command}: {description}")
        self.command = command
        self.error_class = error_class
        self.description = description


class ConnectionLost(MonitorError):
    """The socket closed before the answer; whether it was done is not known."""


class MonitorTimeout(MonitorError):
    """No answer in time; whether it was done is not known."""


_REMEDIES = {
    "ENOSPC": "make room on that file system",
    "EDQUOT": "make room in your quota",
    "EROFS": "mount that file system writable, or choose another --home",
    "EACCES": "run it as the user that the home belongs to",
    "EPERM": "run it as the user that the home belongs to",
}


def told_os_error(what: str, error: OSError) -> KvmtuiError:
    """A failure of the operating system in the words of all others.

    Args:
        what: What it is about, such as a guest's name; may be empty.
    """
    import errno

    parts = [what, str(error.filename or ""), error.strerror or str(error)]
    name = errno.errorcode.get(error.errno or 0, "")
    return KvmtuiError(": ".join(part for part in parts if part), hint=_REMEDIES.get(name, ""))


def as_told(what: str, error: KvmtuiError | OSError) -> KvmtuiError:
    """Either kind of failure in the words of all."""
    return told_os_error(what, error) if isinstance(error, OSError) else error
