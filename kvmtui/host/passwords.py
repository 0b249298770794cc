"""A password's hash, by ``openssl passwd``: Python 3.13 has no crypt(3) any more."""

from __future__ import annotations

import re
import subprocess

from kvmtui.errors import HostError, UsageError
from kvmtui.host.packages import install_hint

LONGEST_BYTES = 128
_LIMIT_S = 20.0
_HASH = re.compile(rb"\$6\$[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}")


def sha512_crypt(password: bytes) -> str:
    """The password as ``$6$SALT$…``; it goes to openssl by a pipe and stands nowhere else.

    Raises:
        UsageError: It is empty, too long, or has a byte that no password can have.
        HostError: openssl is missing or does not make one.
    """
    if not password or len(password) > LONGEST_BYTES:
        raise UsageError(f"a password has 1 to {LONGEST_BYTES} bytes")
    if any(byte < 0x20 or byte == 0x7F for byte in password):
        raise UsageError("a password is one line, without control characters")
    command = ["openssl", "passwd", "-6", "-stdin"]
    try:
        done = subprocess.run(
            command, input=password + b"\n", capture_output=True, timeout=_LIMIT_S
        )
    except FileNotFoundError:
        hint = install_hint("openssl")
        raise HostError("a password's hash takes openssl, which is missing", hint=hint) from None
    except subprocess.TimeoutExpired:
        raise HostError(f"openssl made no hash within {_LIMIT_S:.0f} s") from None
    made = done.stdout.strip()
    if done.returncode != 0 or not _HASH.fullmatch(made):
        raise HostError("openssl makes no SHA-512 hash", hint="a newer openssl (1.1.1 or later)")
    return made.decode()
