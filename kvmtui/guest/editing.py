"""Changing a definition by program, so that a person's comments and order survive.

The changed text is read back by our own loader and compared with what was meant;
if anything but the named keys differs, the change is refused.
"""

from __future__ import annotations

import copy
import io
import re
from typing import Any

from kvmtui.errors import DefinitionError, UsageError
from kvmtui.guest.validation import definition_from
from kvmtui.strict_yaml import read_mapping, read_yaml
from kvmtui.text import visible

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[0-9]{1,4}\])*)")
_INDEX = re.compile(r"\[([0-9]+)\]")

Path = list[str | int]


class Change:
    """One ``PATH=VALUE``; an empty value takes the key away (back to its default)."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.removes = text == ""

    @classmethod
    def parse(cls, assignment: str) -> Change:
        """Read ``disks[0].cache=none``.

        Raises:
            UsageError: No ``=``, or a path that is none.
        """
        name, equals, value = assignment.partition("=")
        if not equals:
            raise UsageError(
                f"'{visible(assignment, limit=60)}' sets nothing", hint="write KEY=VALUE"
            )
        path: Path = []
        for part in name.strip().split("."):
            match = _STEP.fullmatch(part)
            if not match:
                raise UsageError(
                    f"'{visible(name, limit=60)}' is no path of a key",
                    hint="write a path such as memory or disks[0].cache",
                )
            path.append(match[1])
            path.extend(int(index) for index in _INDEX.findall(match[2]))
        return cls(path, value)

    def value(self) -> Any:
        """The value as YAML reads it; text that is no YAML stands for itself."""
        try:
            return read_yaml(self.text.encode("utf-8", "surrogateescape"))
        except DefinitionError:
            return self.text


def apply_to_plain(plain: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """Return a changed copy that is a valid definition.

    A value that is a number or switch to YAML, where the key wants text, is the text.

    Raises:
        DefinitionError: The result is not valid.
    """
    result = copy.deepcopy(plain)
    for change in changes:
        if change.removes:
            _remove(result, change.path)
            continue
        as_text, as_yaml = copy.deepcopy(result), copy.deepcopy(result)
        _put(as_text, change.path, change.text)
        _put(as_yaml, change.path, change.value())
        # A key that takes text gets the words as they stand: "# 1", "off", "0123".
        wrong, wrong_yaml = _problems(as_text), _problems(as_yaml)
        here = f"{_written(change.path)}:"
        is_text = len(wrong) <= len(wrong_yaml)
        if any(one.startswith(here) for one in wrong):
            # Of two that are wrong the one that is wrong elsewhere is what was meant.
            is_text = is_text and any(one.startswith(here) for one in wrong_yaml)
            # And of two that are wrong here the one that is of the kind that is expected.
            is_text = is_text and not (_is_other(here, wrong) and not _is_other(here, wrong_yaml))
        structured = isinstance(change.value(), (dict, list)) and bool(wrong)
        result = as_text if is_text and not structured else as_yaml
    definition_from(result)
    return result


def _is_other(here: str, problems: tuple[str, ...]) -> bool:
    """Whether a value is of another kind than its key takes."""
    return any(one.startswith(here) and "is expected, not" in one for one in problems)


def _problems(plain: dict[str, Any]) -> tuple[str, ...]:
    try:
        definition_from(plain)
    except DefinitionError as error:
        return error.problems
    return ()


def _walk(node: Any, path: Path) -> Any:
    """The container of the path's last step; missing ones on the way are made."""
    for step, following in zip(path, path[1:], strict=False):
        fresh: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            _check_index(node, step, path)
            if step == len(node):
                node.append(fresh)
        elif not isinstance(node, dict):
            raise UsageError(f"{_written(path)}: there is nothing of this name")
        elif node.get(step) is None:
            node[step] = fresh
        node = node[step]
    return node


def _check_index(node: Any, index: int, path: Path) -> None:
    if not isinstance(node, list):
        raise UsageError(f"{_written(path)}: is no list")
    if index > len(node):
        count = "1 entry" if len(node) == 1 else f"{len(node)} entries"
        raise UsageError(
            f"{_written(path)}: the list has {count}", hint=f"[{len(node)}] adds one at its end"
        )


def _put(root: Any, path: Path, value: Any) -> None:
    node = _walk(root, path)
    last = path[-1]
    if isinstance(last, int):
        _check_index(node, last, path)
        if last == len(node):
            node.append(value)
            return
    elif not isinstance(node, dict):
        raise UsageError(f"{_written(path)}: there is nothing of this name")
    node[last] = value


def _remove(root: Any, path: Path) -> None:
    node = root
    for step in path[:-1]:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    if isinstance(node, dict):
        node.pop(last, None)
    elif isinstance(node, list) and isinstance(last, int) and last < len(node):
        del node[last]


def _written(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".")


def dump_plain(plain: dict[str, Any]) -> str:
    """A new definition file from plain data."""
    return _dump(_round_trip(), plain)


def edit_text(text: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Carry the difference between two states of plain data into the text.

    Raises:
        DefinitionError: The text would then say something else than ``new``.
    """
    yaml = _round_trip()
    document = yaml.load(text)
    if document is None:
        document = {}
    _carry(document, old, new)
    changed = _dump(yaml, document)
    if read_mapping(changed.encode()) != new:
        raise DefinitionError(
            ["the file is written in a way that cannot be changed safely by program"],
            hint="kvmtui edit NAME",
        )
    return changed


def _carry(node: Any, old: Any, new: Any) -> None:
    """Make ``node`` say ``new`` where ``old`` and ``new`` differ, and touch nothing else."""
    if isinstance(new, dict):
        for key in [key for key in old if key not in new]:
            del node[key]
        pairs = [(key, new[key], key in old) for key in new]
    else:
        del node[len(new) :]
        pairs = [(index, value, index < len(old)) for index, value in enumerate(new)]
    for key, value, existed in pairs:
        if not existed:
            node.append(value) if isinstance(new, list) else node.__setitem__(key, value)
        elif old[key] != value:
            if type(old[key]) is type(value) and isinstance(value, (dict, list)):
                _carry(node[key], old[key], value)
            else:
                node[key] = value


def _round_trip() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _dump(yaml: Any, document: Any) -> str:
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
