"""From plain data to a `Definition`, with all problems at once and their paths."""

from __future__ import annotations

import functools
import posixpath
import re
import types
import typing
import uuid
from typing import Any

import msgspec

from kvmtui.errors import DefinitionError
from kvmtui.guest.definition import (
    THROTTLES,
    Autostart,
    Definition,
    Disk,
    Duration,
    Limits,
    Size,
)
from kvmtui.guest.folder import RESERVED, SEED
from kvmtui.guest.names import is_name
from kvmtui.guest.platform import platform_problems
from kvmtui.guest.reach import reaching_problems
from kvmtui.guest.units import parse_duration, parse_size
from kvmtui.text import visible

Structure = typing.TypeVar("Structure", bound=msgspec.Struct)

_SWITCHES = {"on": True, "off": False, "yes": True, "no": False}
_LEAST_MEMORY = 1 << 20
_LONGEST_DELAY_S = 3600
_MOST_PER_S = 10**12
"""QEMU refuses more than 10^15, and bursts whose product with their time is too large."""
_PATHS_OF_TEXT = ("kernel", "initrd", "append", "description")


def definition_from(plain: dict[str, Any]) -> Definition:
    """Check plain data and return the definition.

    Raises:
        DefinitionError: Every problem, each with the path of its key.
    """
    problems: list[str] = []
    value = _convert(plain, Definition, "", problems)
    if not problems:
        problems = _contradictions(value)
    if problems:
        raise DefinitionError(problems)
    return typing.cast(Definition, value)


def structure_from(plain: Any, type_: type[Structure], *, what: str) -> Structure:
    """Check plain data against any structure.

    Args:
        what: What it is, for data that is no mapping.

    Raises:
        DefinitionError: Every problem, each with the path of its key.
    """
    problems: list[str] = []
    if not isinstance(plain, dict):
        raise DefinitionError([f"{what}: keys and values are expected"])
    value = _convert(plain, type_, "", problems)
    if problems:
        raise DefinitionError(problems)
    return typing.cast(Structure, value)


def _hook(type_: type, value: Any) -> Any:
    if type_ is Size:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return Size(parse_size(str(value)))
        raise ValueError("a size is written 512M or 20GiB")
    if type_ is Duration:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return Duration(parse_duration(str(value)))
        raise ValueError("a duration is written 10s or 2m")
    raise NotImplementedError(type_)


def _convert(value: Any, type_: Any, path: str, problems: list[str]) -> Any:
    """Convert leaf by leaf, so that one bad field does not hide the next."""
    if isinstance(value, dict):
        type_ = _struct_among(type_) or type_
    if isinstance(value, list):
        type_ = _list_among(type_) or type_
    origin = typing.get_origin(type_)
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return _convert_struct(value, type_, path, problems)
    if origin is list:
        if not isinstance(value, list):
            problems.append(f"{path}: a list is expected, not {_shown(value)}")
            return None
        (item,) = typing.get_args(type_)
        return [
            _convert(element, item, f"{path}[{index}]", problems)
            for index, element in enumerate(value)
        ]
    if _is_switch(type_) and isinstance(value, str) and value.lower() in _SWITCHES:
        return _SWITCHES[value.lower()]
    try:
        return msgspec.convert(value, type_, dec_hook=_hook)
    except (msgspec.ValidationError, ValueError) as error:
        problems.append(f"{path}: {_reason(error, value, type_)}")
        return None


def _is_switch(type_: Any) -> bool:
    return type_ is bool or (bool in typing.get_args(type_) and bool(_struct_among(type_)))


def _struct_among(type_: Any) -> Any:
    """The structure that a union allows besides plain values; None where it has none."""
    if typing.get_origin(type_) not in (typing.Union, types.UnionType):
        return None
    parts = [part for part in typing.get_args(type_) if isinstance(part, type)]
    return next((part for part in parts if issubclass(part, msgspec.Struct)), None)


def _list_among(type_: Any) -> Any:
    """The list that a union allows besides nothing; None where it has none."""
    if typing.get_origin(type_) not in (typing.Union, types.UnionType):
        return None
    return next((one for one in typing.get_args(type_) if typing.get_origin(one) is list), None)


def _convert_struct(value: Any, type_: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(value, dict):
        problems.append(f"{path or 'definition'}: keys and values are expected")
        return None
    hints = _hints(type_)
    converted = {}
    for key, item in value.items():
        where = f"{path}.{visible(str(key), limit=60)}" if path else visible(str(key), limit=60)
        if key not in hints:
            problems.append(f"{where}: unknown key{_guess(str(key), hints)}")
            continue
        converted[key] = _convert(item, hints[key], where, problems)
    for required in type_.__struct_fields__:
        missing = required not in value
        if missing and required in _required(type_):
            problems.append(f"{f'{path}.' if path else ''}{required}: is missing")
    return None if problems else type_(**converted)


def _guess(key: str, known: dict[str, Any]) -> str:
    import difflib

    close = difflib.get_close_matches(key, known, n=1)
    return f": did you mean {close[0]}" if close else ""


@functools.cache
def _hints(type_: Any) -> dict[str, Any]:
    return typing.get_type_hints(type_, include_extras=True)


@functools.cache
def _required(type_: Any) -> set[str]:
    return {info.name for info in msgspec.structs.fields(type_) if info.required}


def _reason(error: Exception, value: Any, type_: Any) -> str:
    text = str(error)
    choices = _choices(type_)
    if choices:
        return f"{_shown(value)} is not one of {', '.join(choices)}"
    if "matching regex" in text and "://" in text:
        return f"{_shown(value)} is no address such as http://10.0.2.2/boot.ipxe"
    if "matching regex" in text:
        return f"{_shown(value)} has characters that are not allowed here"
    if text.startswith("Expected `str") and not isinstance(value, str):
        return f"text is expected, not {_shown(value)}: put it in quotes"
    if _is_switch(type_) and _struct_among(type_):
        return f"true, false, or keys such as order are expected, not {_shown(value)}"
    if text.startswith("Expected `bool"):
        return f"true or false is expected, not {_shown(value)}"
    if text.startswith("Expected `int`, got"):
        return f"a whole number is expected, not {_shown(value)}"
    return _bound(text, value) or visible(text.split(" - at ")[0])


def _bound(text: str, value: Any) -> str:
    """A bound that a value passes, from msgspec's words; empty where they are about another."""
    found = re.match(r"Expected `(int|str|array)`( of length)? ([<>]=) (\d+)", text)
    if found is None:
        return ""
    kind, length, sign, limit = found.groups()
    if not length:
        return f"{_shown(value)} is {'more' if sign == '<=' else 'less'} than {limit}"
    what = "characters" if kind == "str" else "entries"
    return f"has {len(value)} {what}, {limit} {'at most' if sign == '<=' else 'at least'}"


def _choices(type_: Any) -> list[str]:
    if typing.get_origin(type_) is typing.Literal:
        return [str(choice) for choice in typing.get_args(type_)]
    found: list[str] = []
    for part in typing.get_args(type_):
        found.extend(_choices(part))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"'{visible(str(value), limit=60)}'"


def _contradictions(definition: Definition) -> list[str]:
    """What each field's type cannot say: values against each other."""
    problems = [*_identity_problems(definition), *_disk_problems(definition)]
    problems.extend(reaching_problems(definition))
    starts = definition.autostart
    if isinstance(starts, Autostart) and starts.delay > _LONGEST_DELAY_S:
        problems.append("autostart.delay: more than an hour")
    if definition.memory < _LEAST_MEMORY:
        problems.append("memory: less than 1M")
    problems.extend(platform_problems(definition))
    if definition.kernel is None:
        for key in ("initrd", "append"):
            if getattr(definition, key) is not None:
                problems.append(f"{key}: needs kernel")
    if len(set(definition.boot)) != len(definition.boot):
        problems.append("boot: a device stands twice")
    for key in _PATHS_OF_TEXT:
        if "\0" in (getattr(definition, key) or ""):
            problems.append(f"{key}: holds a zero byte")
    problems.extend(
        f"qemu_args[{index}]: holds a zero byte"
        for index, text in enumerate(definition.qemu_args)
        if "\0" in text
    )
    return problems


def _identity_problems(definition: Definition) -> list[str]:
    problems = []
    if definition.uuid is not None:
        try:
            if str(uuid.UUID(definition.uuid)) != definition.uuid.lower():
                raise ValueError
        except ValueError:
            shown = visible(definition.uuid, limit=60)
            problems.append(
                f"uuid: '{shown}' is no UUID such as 4f6c9a1e-0000-4000-8000-1234567890ab"
            )
    if definition.name is not None and not is_name(definition.name):
        problems.append(f"name: '{visible(definition.name, limit=70)}' cannot be a guest's name")
    return problems


def _disk_problems(definition: Definition) -> list[str]:
    problems = []
    seen: dict[str, int] = {}
    for index, disk in enumerate(definition.disks):
        problems.extend(_one_disk(disk, f"disks[{index}]"))
        first = seen.setdefault(disk.file, index)
        if first != index:
            shown = visible(disk.file)
            problems.append(f"disks[{index}].file: {shown} is disks[{first}] already")
    for index, cdrom in enumerate(definition.cdroms):
        if cdrom.file is not None:
            problems.extend(_path_problems(cdrom.file, f"cdroms[{index}].file"))
    return problems


def _one_disk(disk: Disk, path: str) -> list[str]:
    problems = _path_problems(disk.file, f"{path}.file")
    if disk.image_format() is None:
        problems.append(f"{path}.format: is missing, and {visible(disk.file)} does not tell it")
    if disk.size is not None and disk.size < 512:
        problems.append(f"{path}.size: less than 512 bytes")
    if disk.read_only and disk.bus in ("ide", "sata"):
        problems.append(f"{path}.read_only: not on {disk.bus}: use scsi, virtio, usb or nvme")
    if disk.secret is not None:
        problems.extend(_secret_problems(disk, f"{path}.secret"))
    if disk.limits is not None:
        problems.extend(_limit_problems(disk.limits, f"{path}.limits"))
    return problems


def _secret_problems(disk: Disk, path: str) -> list[str]:
    text = disk.secret or ""
    if not text.startswith("/") or "\0" in text or "\n" in text:
        return [f"{path}: the absolute path of a file with the passphrase is expected"]
    if disk.image_format() not in ("qcow2", "raw"):
        return [f"{path}: only qcow2 and raw disks are encrypted"]
    return []


def _limit_problems(limits: Limits, path: str) -> list[str]:
    """What QEMU's throttling refuses."""
    problems = []
    for total in ("bytes_per_s", "iops"):
        for burst in ("", "burst_"):
            if getattr(limits, burst + total) is None:
                continue
            for way in ("read_", "write_"):
                if getattr(limits, f"{burst}{way}{total}") is not None:
                    problems.append(
                        f"{path}.{burst}{way}{total}: stands beside {burst}{total}: "
                        "a total, or reading and writing apart"
                    )
    for key in THROTTLES:
        limit, most = getattr(limits, key), getattr(limits, f"burst_{key}")
        if limit is not None and not 1 <= limit <= _MOST_PER_S:
            problems.append(f"{path}.{key}: from 1 to {_MOST_PER_S} a second")
        if most is not None and limit is None:
            problems.append(f"{path}.burst_{key}: needs {key}")
        elif most is not None and not limit < most <= _MOST_PER_S:
            problems.append(f"{path}.burst_{key}: is not more than {key}")
    bursts = any(getattr(limits, f"burst_{key}") is not None for key in THROTTLES)
    if limits.burst_s is not None and not bursts:
        problems.append(f"{path}.burst_s: needs a burst")
    return problems


def _path_problems(text: str, path: str) -> list[str]:
    if not text.strip():
        return [f"{path}: is empty"]
    if "\0" in text or "\n" in text:
        return [f"{path}: holds a character that no path has here"]
    if not text.startswith("/") and ".." in text.split("/"):
        return [f"{path}: leaves the guest's folder: write the absolute path"]
    first = posixpath.normpath(text).split("/")[0]
    is_seed = first == SEED and path.startswith("cdroms[")
    if (first in RESERVED and not is_seed) or first.startswith("."):
        return [f"{path}: '{visible(text)}' is kvmtui's own: choose another name"]
    return []
