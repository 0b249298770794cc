"""Where wishes for the first login come from on this machine: keys, passwords, the region."""

from __future__ import annotations

import glob
import os
import re

from kvmtui.errors import KvmtuiError
from kvmtui.guest.first_login import keys_from_file, read_bounded
from kvmtui.host import passwords, regional

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
