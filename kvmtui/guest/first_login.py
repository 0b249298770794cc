"""What a person wants of a guest at its first login: names, keys, address, packages.

The same wishes go into every answer file. All of it is checked here before any template
sees it, so that no value can end a line or a quotation of a format.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import struct

from msgspec import Struct, field

from kvmtui.errors import DefinitionError, KvmtuiError, UsageError
from kvmtui.text import visible

LARGEST_KEY_FILE_BYTES = 64 * 1024
MOST_ITEMS = 500
_LONGEST_COMMAND = 4096
_LONGEST_KEY = 16 * 1024

_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9-]{1,63})*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_HASH = re.compile(r"\$[0-9a-z]{1,10}\$[./0-9A-Za-z$=,-]{8,300}")
_LOCALE = re.compile(r"[A-Za-z]{1,8}(_[A-Za-z]{2,4})?(\.[A-Za-z0-9-]{1,16})?(@[a-z]{1,16})?")
_KEYBOARD = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_TIMEZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_PACKAGE = re.compile(r"[@A-Za-z0-9][A-Za-z0-9+._:@=~^-]{0,127}")
_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]{1,255}(/[A-Za-z0-9._~%/+@=,-]{0,500})?")
_KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


class StaticAddress(Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """A fixed address of the first network card; without one it asks by DHCP."""

    address: str
    """With its length: 192.0.2.5/24."""
    gateway: str | None = None
    dns: list[str] = field(default_factory=list)
    """Addresses of name servers."""


class FirstLogin(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """What is to be so once the guest can be logged into."""

    host_name: str = ""
    """The guest's own name when empty."""
    user: str = ""
    """Who logs in; the system's usual user when empty, and root where it has none."""
    ssh_keys: list[str] = field(default_factory=list)
    """Public keys, as a line of ``~/.ssh/id_ed25519.pub``."""
    password_hash: str | None = None
    """As crypt(3) makes it; nobody logs in by password when absent."""
    locale: str = ""
    """Such as en_US.UTF-8."""
    keyboard: str = ""
    """Such as us."""
    timezone: str = ""
    """Such as Europe/Berlin."""
    address: StaticAddress | None = None
    packages: list[str] = field(default_factory=list)
    """What is installed besides."""
    run: list[str] = field(default_factory=list)
    """Commands for a shell, as root, at the end."""
    mirror: str = ""
    """Where the installer gets packages: a URL; the system's own place when empty."""
    proxy: str = ""
    """The proxy through which it gets them, a URL."""

    def __repr__(self) -> str:
        # A password's hash has no place in a log.
        return f"FirstLogin(user={self.user!r}, host_name={self.host_name!r})"


def problems(wants: FirstLogin) -> list[str]:
    """What is wrong with wishes, one ``path: text`` each; empty when nothing is."""
    found = []

    def check(path: str, value: str, pattern: re.Pattern[str], example: str, most: int) -> None:
        if value and (len(value) > most or not pattern.fullmatch(value)):
            found.append(f"{path}: '{visible(value, limit=60)}' is none; one such as {example}")

    check("host_name", wants.host_name, _HOST_NAME, "web-1 or web-1.example.org", 253)
    check("user", wants.user, _USER, "admin, in small letters", 32)
    check("locale", wants.locale, _LOCALE, "en_US.UTF-8", 48)
    check("keyboard", wants.keyboard, _KEYBOARD, "us", 32)
    check("timezone", wants.timezone, _TIMEZONE, "Europe/Berlin", 98)
    check("mirror", wants.mirror, _URL, "http://mirror.example.org/debian", 600)
    check("proxy", wants.proxy, _URL, "http://proxy.example.org:3128", 600)
    if wants.password_hash is not None and not _HASH.fullmatch(wants.password_hash):
        found.append("password_hash: is none that crypt(3) makes")
    for name, values in (("packages", wants.packages), ("run", wants.run)):
        if len(values) > MOST_ITEMS:
            found.append(f"{name}: more than {MOST_ITEMS}")
    for index, package in enumerate(wants.packages[:MOST_ITEMS]):
        check(f"packages[{index}]", package or " ", _PACKAGE, "qemu-guest-agent", 128)
    for index, command in enumerate(wants.run[:MOST_ITEMS]):
        if not _is_line(command, _LONGEST_COMMAND):
            found.append(f"run[{index}]: a command is one line of text, {_LONGEST_COMMAND} at most")
    for index, key in enumerate(wants.ssh_keys):
        fault = key_fault(key)
        if fault:
            found.append(f"ssh_keys[{index}]: {fault}")
    return found + _address_problems(wants.address)


def _is_line(text: str, most: int) -> bool:
    printable = all(one.isprintable() or one == "\t" for one in text)
    return bool(text.strip()) and len(text) <= most and printable


def _address_problems(address: StaticAddress | None) -> list[str]:
    if address is None:
        return []
    found = []
    try:
        if "/" not in address.address:
            raise ValueError
        interface = ipaddress.ip_interface(address.address)
    except ValueError:
        text = visible(address.address, limit=60)
        return [f"address.address: '{text}' is none with its length, such as 192.0.2.5/24"]
    for path, text in [
        *([("address.gateway", address.gateway)] if address.gateway else []),
        *((f"address.dns[{index}]", one) for index, one in enumerate(address.dns)),
    ]:
        try:
            parsed = ipaddress.ip_address(text)
        except ValueError:
            found.append(f"{path}: '{visible(text, limit=60)}' is no address")
            continue
        if path == "address.gateway" and parsed.version != interface.version:
            found.append(f"{path}: {text} is of the other IP version than {address.address}")
    return found


def check(wants: FirstLogin) -> None:
    """Raise DefinitionError with all that is wrong with wishes."""
    found = problems(wants)
    if found:
        raise DefinitionError(found)


def key_fault(key: str) -> str:
    """What is wrong with a public SSH key; empty when nothing is.

    The key's own bytes begin with its type, so a line cut or mistyped is told.
    """
    if "PRIVATE KEY" in key:
        return "this is a private key; the file beside it that ends in .pub is meant"
    if not _is_line(key, _LONGEST_KEY):
        return "a public key is one line of text"
    words = key.split(None, 2)
    if words[0] not in _KEY_TYPES:
        return f"'{visible(words[0], limit=40)}' is no type of a key, such as {_KEY_TYPES[0]}"
    try:
        data = base64.b64decode(words[1], validate=True)
        (length,) = struct.unpack_from(">I", data)
    except (IndexError, binascii.Error, struct.error):
        return "the key is cut off or mistyped"
    if data[4 : 4 + length] != words[0].encode() or len(data) <= 4 + length:
        return "the key is cut off, or not of the type that it says"
    return ""


def keys_of_text(data: bytes, named: str) -> list[str]:
    """The public keys of a file such as ``id_ed25519.pub`` or ``authorized_keys``.

    Raises:
        KvmtuiError: There is none, or a line is no key; names the line.
    """
    if len(data) > LARGEST_KEY_FILE_BYTES:
        raise KvmtuiError(f"{visible(named)}: too long for a file of public keys")
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fault = key_fault(line)
        if fault:
            raise KvmtuiError(f"{visible(named)}: line {number}: {fault}")
        found.append(line)
    if not found:
        raise KvmtuiError(f"{visible(named)}: there is no key in it", hint="ssh-keygen makes one")
    return found


def keys_from_file(path: str) -> list[str]:
    """As `keys_of_text`, of a file.

    Raises:
        UsageError: It cannot be read.
    """
    return keys_of_text(read_bounded(path, LARGEST_KEY_FILE_BYTES + 1), path)


def read_bounded(path: str, most_bytes: int) -> bytes:
    """The first bytes of a file that a person named.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read(most_bytes)
    except OSError as error:
        raise UsageError(f"{visible(path)}: {error.strerror}") from None


def host_name_of(guest: str) -> str:
    """A host name that follows from a guest's: only letters, digits and ``-``."""
    labels = [re.sub(r"[^A-Za-z0-9-]+", "-", part).strip("-")[:63] for part in guest.split(".")]
    return ".".join(label for label in labels if label) or "guest"
