"""Where wishes for the first login come from on this machine: keys, passwords, the region."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable

from kvmtui.errors import KvmtuiError, UsageError
from kvmtui.guest.first_login import (
    LARGEST_KEY_FILE_BYTES,
    keys_from_file,
    keys_of_text,
    read_bounded,
)
from kvmtui.host import downloading, passwords, regional
from kvmtui.text import visible

HOST = "host"
"""Stands for what this machine itself has."""
_OWN_HASH = re.compile(rb"\$[0-9a-z]{1,10}\$[./0-9A-Za-z$=,-]{8,300}")


def own_keys(home: str = "~") -> list[str]:
    """The public keys of who sits here, of ``~/.ssh/*.pub``; what is no key is left out."""
    found: list[str] = []
    for path in sorted(glob.glob(os.path.join(os.path.expanduser(home), ".ssh", "*.pub"))):
        try:
            found += keys_from_file(path)
        except KvmtuiError:
            continue
    return list(dict.fromkeys(found))


def keys_of(source: str, *, is_cancelled: Callable[[], bool] = lambda: False) -> list[str]:
    """The public keys of a file, or of an https address such as ``https://github.com/NAME.keys``.

    Raises:
        UsageError: The file cannot be read, or the address is a plain one.
        HostError: The address cannot be had.
        KvmtuiError: There is no key in it; names the line.
    """
    if source.startswith("http://"):
        raise UsageError(
            f"{visible(source, limit=120)}: keys that come by plain http may be anybody's",
            hint="an https address, or a file",
        )
    if not source.startswith("https://"):
        return keys_from_file(source)
    data = downloading.small(source, LARGEST_KEY_FILE_BYTES, is_cancelled=is_cancelled)
    return keys_of_text(data, source)


def password_hash(secret: bytes) -> str:
    """A password's hash; what is one already, as crypt(3) makes it, is taken as it is."""
    if _OWN_HASH.fullmatch(secret):
        return secret.decode()
    return passwords.sha512_crypt(secret)


def password_of_file(path: str) -> bytes:
    """The password in a file: its first line, without the end of the line.

    Raises:
        UsageError: It cannot be read.
    """
    return first_line(read_bounded(path, 4096))


def first_line(data: bytes) -> bytes:
    """What stands before the first end of a line."""
    return data.split(b"\n", 1)[0].removesuffix(b"\r")


def region(locale: str = "", keyboard: str = "", timezone: str = "") -> tuple[str, str, str]:
    """Locale, keyboard and time zone; the word ``host`` stands for this machine's own."""
    return (
        regional.locale() if locale == HOST else locale,
        regional.keyboard() if keyboard == HOST else keyboard,
        regional.timezone() if timezone == HOST else timezone,
    )
