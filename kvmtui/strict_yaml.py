"""Reading YAML as YAML 1.2 has it, bounded, without anchors and duplicate keys.

PyYAML's own loaders follow YAML 1.1 and turn ``52:54:00:12:34:56`` into
41135085296, ``2222:22`` into 133342, ``off`` into False and ``0600`` into 384.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from kvmtui.errors import DefinitionError
from kvmtui.text import visible

LARGEST_BYTES = 256 * 1024
DEEPEST = 24

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's core schema; a key stands once in a mapping."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as in the base class

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _at(key_node.start_mark, "a key is a word, not a list or mapping")
            if key_node.value in seen:
                raise _at(key_node.start_mark, f"the key '{visible(key_node.value)}' stands twice")
            seen.add(key_node.value)
        return {
            key_node.value: self.construct_object(value_node, deep=True)
            for key_node, value_node in node.value
        }


def _at(mark: Any, text: str) -> DefinitionError:
    return DefinitionError([f"line {mark.line + 1}: {text}" if mark else text])


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node)


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value
    if len(text) > 40:
        raise _at(node.start_mark, "a number has more than 40 digits")
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


def _boolean(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() == "true"


def _refuse_tag(loader: _Loader, node: yaml.Node) -> Any:
    raise _at(node.start_mark, f"the tag {visible(node.tag)} is not allowed")


for _tag, _pattern, _first in (
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", _INTEGER, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _full = re.compile(rf"^(?:{_pattern.pattern})$")
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _full, _first)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_Loader.add_constructor(None, _refuse_tag)


def _check_events(text: str) -> None:
    """Refuse what could blow up before it is composed: aliases and deep nesting."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _at(event.start_mark, "anchors and aliases (& and *) are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _at(event.start_mark, f"more than {DEEPEST} levels of nesting")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def read_yaml(data: bytes) -> Any:
    """Read one YAML document into plain data.

    Raises:
        DefinitionError: Not YAML, too large, or not allowed here; names the line.
    """
    if len(data) > LARGEST_BYTES:
        raise DefinitionError([f"{len(data)} bytes are more than {LARGEST_BYTES}"])
    try:
        text = data.decode("utf-8")
        _check_events(text)
        return yaml.load(text, _Loader)
    except UnicodeDecodeError as error:
        raise DefinitionError([f"byte {error.start} is not UTF-8"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise _at(mark, f"not YAML: {visible(problem)}") from None


def read_mapping(data: bytes) -> dict[str, Any]:
    """Read a file that holds a mapping; an empty file is an empty one.

    Raises:
        DefinitionError: As `read_yaml`, or the document is no mapping.
    """
    value = read_yaml(data)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DefinitionError(["a definition is a mapping of keys to values"])
    return value
