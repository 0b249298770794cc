"""The JSON Schema of a definition, from the same structures that check it."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

import msgspec

from kvmtui.guest import definition as module
from kvmtui.guest.definition import Definition, Duration, Size

_SIZE = {
    "title": "size",
    "type": ["string", "integer"],
    "description": "512M, 2G, 20GiB: powers of two",
}

_DURATION = {
    "title": "duration",
    "type": ["string", "integer"],
    "description": "10s, 2m, 1h, or seconds",
}


def definition_schema() -> dict[str, Any]:
    """The schema, with the help of each field as its description."""
    return schema_of(Definition, "kvmtui guest", field_helps(module))


def schema_of(
    type_: type[msgspec.Struct], title: str, helps: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """The schema of a structure and those in it.

    Args:
        helps: The description of each field, by structure and field.
    """
    (top,), components = msgspec.json.schema_components(
        [type_], schema_hook=_schema_of, ref_template="#/$defs/{name}"
    )
    for name, component in components.items():
        for key, prop in component.get("properties", {}).items():
            text = helps.get(name, {}).get(key)
            if text and "$ref" not in prop:
                prop["description"] = text
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **top,
        "$defs": components,
    }


def _schema_of(type_: type) -> dict[str, Any]:
    if type_ is Size:
        return dict(_SIZE)
    if type_ is Duration:
        return dict(_DURATION)
    raise NotImplementedError(type_)


def field_helps(module: ModuleType) -> dict[str, dict[str, str]]:
    """The docstring under each field of each structure of a module, by structure and field."""
    helps: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = helps.setdefault(node.name, {})
        for statement, following in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
            ):
                fields[statement.target.id] = " ".join(str(following.value.value).split())
    return helps
