"""Signatures by gpg, with a keyring that this machine has; in a home of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from kvmtui.errors import HostError, KvmtuiError
from kvmtui.text import visible

_LIMIT_S = 600.0
"""A signature may be of an image of some GiB."""
LARGEST_BYTES = 1 << 20


class NotChecked(KvmtuiError):
    """This machine has not what it takes to check a signature; says what."""


def usable_keyring(keyrings: Sequence[str]) -> str:
    """The first keyring that is here.

    Raises:
        NotChecked: None is, or gpg is missing.
    """
    if shutil.which("gpg") is None:
        raise NotChecked("its signature was not checked: gpg is missing")
    for path in keyrings:
        if os.path.isfile(os.path.expanduser(path)):
            return os.path.expanduser(path)
    named = visible(keyrings[0]) if keyrings else "a keyring"
    raise NotChecked(f"its signature was not checked: {named} is not on this machine")


def signed_text(data: bytes, keyring: str, fingerprints: Sequence[str], named: str) -> bytes:
    """What is signed in a file that holds its signature itself; what stands around it is not.

    Raises:
        HostError: The signature is none of these keys, or does not fit.
    """
    with tempfile.TemporaryDirectory(prefix="kvmtui-gpg-") as home:
        signed, clear = os.path.join(home, "signed"), os.path.join(home, "clear")
        _write(signed, data)
        _verify(home, keyring, ["--output", clear, "--decrypt", signed], fingerprints, named)
        with open(clear, "rb") as file:
            return file.read()


def check_detached(
    content: str | bytes, signature: bytes, keyring: str, fingerprints: Sequence[str], named: str
) -> None:
    """Check a signature that is a file of its own.

    Args:
        content: What is signed, or its path.

    Raises:
        HostError: The signature is none of these keys, or does not fit.
    """
    with tempfile.TemporaryDirectory(prefix="kvmtui-gpg-") as home:
        beside = os.path.join(home, "signature")
        _write(beside, signature)
        path = content if isinstance(content, str) else os.path.join(home, "content")
        if isinstance(content, bytes):
            _write(path, content)
        _verify(home, keyring, ["--verify", beside, path], fingerprints, named)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _verify(
    home: str, keyring: str, words: Sequence[str], fingerprints: Sequence[str], named: str
) -> None:
    _gpg(home, ["--import", keyring])
    done = _gpg(home, ["--status-fd", "1", *words])
    valid: set[str] = set()
    for line in done.stdout.decode("ascii", "replace").splitlines():
        fields = line.split()
        if fields[:2] == ["[GNUPG:]", "VALIDSIG"] and len(fields) > 2:
            # The key that made it, and at the end the primary key that it belongs to.
            valid |= {fields[2], fields[-1]}
    trusted = not fingerprints or valid & set(fingerprints)
    if done.returncode != 0 or not valid or not trusted:
        raise HostError(
            f"the signature of {visible(named)} is not right: it was changed, or signed by a key"
            f" that is not in {visible(keyring)}",
            hint="get a newer keyring, or try again later; do not use it",
        )


def _gpg(home: str, words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    command = ["gpg", "--batch", "--no-tty", "--no-autostart", "--homedir", home, *words]
    try:
        return subprocess.run(
            command, capture_output=True, timeout=_LIMIT_S, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise HostError(f"gpg cannot be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise HostError("gpg did not end in time") from None
