"""The JSON Schema of a file of profiles, from the same structures that check it."""

from __future__ import annotations

from typing import Any

from kvmtui.guest import profile as module
from kvmtui.guest.laying import EACH, ONLY_A_GUESTS
from kvmtui.guest.profile import ProfileFile
from kvmtui.guest.schema import definition_schema, field_helps, schema_of


def profile_schema() -> dict[str, Any]:
    """The schema, with the help of each field as its description."""
    helps = field_helps(module)
    for name in ("Version", "ProfileFile"):
        helps[name] = {**helps["Facts"], **helps[name]}
    schema = schema_of(ProfileFile, "kvmtui profiles", helps)
    guests = definition_schema()["$defs"]
    definition = guests.pop("Definition")
    parts = {key: {"$ref": f"#/$defs/{name}"} for key, name in _PARTS.items()}
    for name in _PARTS.values():
        guests[name].pop("required", None)
    own = {key: one for key, one in definition["properties"].items() if key not in ONLY_A_GUESTS}
    schema["$defs"] |= guests
    schema["$defs"]["PartialDefinition"] = {
        "title": "PartialDefinition",
        "type": "object",
        "properties": own | parts,
        "additionalProperties": False,
    }
    for name in ("Version", "ProfileFile"):
        schema["$defs"][name]["properties"]["definition"] = {
            "$ref": "#/$defs/PartialDefinition",
        }
    return schema


_PARTS = {key: type_.__name__ for key, (_, type_, _) in EACH.items()}
