"""A person's own user-data for cloud-init, checked before a guest fails on it unseen."""

from __future__ import annotations

from typing import Any

from kvmtui.errors import DefinitionError
from kvmtui.text import visible

LARGEST_BYTES = 1 << 20
CLOUD_CONFIG = "#cloud-config"
_OTHER_KINDS = (
    "#!",
    "#include",
    "#cloud-config-archive",
    "#cloud-boothook",
    "#part-handler",
    "## template: jinja",
    "Content-Type: multipart/",
    "MIME-Version:",
    "From nobody",
)
"""How the other kinds begin that cloud-init knows; they are taken as they are."""


def check_user_data(data: bytes, named: str = "user-data") -> None:
    """Refuse what cloud-init would not take.

    Raises:
        DefinitionError: It begins as nothing that cloud-init knows, or is no YAML; the line
            is named.
    """
    if len(data) > LARGEST_BYTES:
        raise DefinitionError([f"{visible(named)}: more than {LARGEST_BYTES >> 10} KiB"])
    text = _text(data, named)
    first = text.splitlines()[0].rstrip() if text.strip() else ""
    if first != CLOUD_CONFIG:
        if first.startswith(_OTHER_KINDS):
            return
        raise DefinitionError(
            [f"{visible(named)}: line 1: cloud-init reads it only if it begins {CLOUD_CONFIG}"],
            hint=f"{CLOUD_CONFIG} as its first line",
        )
    value = _yaml(text, named)
    if value is not None and not isinstance(value, dict):
        raise DefinitionError([f"{visible(named)}: it is no mapping of keys to values"])


def check_yaml(data: bytes, named: str) -> None:
    """Refuse what is no YAML mapping, as meta-data and network-config are; names the line."""
    if not isinstance(_yaml(_text(data, named), named), dict):
        raise DefinitionError([f"{visible(named)}: it is no mapping of keys to values"])


def _text(data: bytes, named: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError([f"{visible(named)}: byte {error.start} is not UTF-8"]) from None


def _yaml(text: str, named: str) -> Any:
    """As cloud-init reads it: YAML 1.1, anchors too, so not by our own stricter loader."""
    import yaml

    try:
        return yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = f"line {mark.line + 1}: " if mark else ""
        told = f"{visible(named)}: {line}not YAML: {visible(str(problem))}"
        raise DefinitionError([told]) from None
    except (RecursionError, ValueError) as error:
        raise DefinitionError([f"{visible(named)}: not YAML: {visible(str(error))}"]) from None
