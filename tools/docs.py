"""Write the generated parts of ``docs/``: verbs, keys of a definition, pictures of the app.

python -m tools.docs            write them
python -m tools.docs --check    compare with what is there
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from kvmtui.cli.parsing import verb_parser
from kvmtui.cli.verbs import VERBS
from kvmtui.guest.schema import definition_schema
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.keymap import checked_keys
from tools import pictures

DOCS = Path(__file__).parent.parent / "docs"


def verbs_page() -> str:
    """Every verb with its own help."""
    os.environ["COLUMNS"] = "90"
    parts = ["# Verbs", "", "Made by `./dev docs` from the program's own help.", ""]
    for verb, (_, text) in VERBS.items():
        parser = verb_parser(verb)
        shown = parser.format_help().rstrip()
        parts += [f"## {verb}", "", text[0].upper() + text[1:] + ".", "", "```", shown, "```", ""]
        for own, inner in _verbs_within(parser):
            parts += [f"### {verb} {own}", "", "```", inner.format_help().rstrip(), "```", ""]
    return "\n".join(parts)


def _verbs_within(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """The verbs of a verb, such as those of `image`, with their parsers."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices.items())
    return []


def definition_page() -> str:
    """Every key of a ``guest.yaml``."""
    schema = definition_schema()
    parts = ["# The definition, guest.yaml", "", "Made by `./dev docs` from `kvmtui schema`.", ""]
    for name, component in schema["$defs"].items():
        parts += [f"## {name}", "", component.get("description", ""), ""]
        parts += ["| key | values | default | meaning |", "|---|---|---|---|"]
        for key, prop in component["properties"].items():
            default = "" if "default" not in prop else f"`{prop['default']}`"
            meaning = prop.get("description", "")
            parts.append(f"| `{key}` | {_values(prop)} | {default} | {meaning} |")
        parts.append("")
    return "\n".join(parts)


def _values(prop: dict[str, Any]) -> str:
    if "enum" in prop:
        return ", ".join(f"`{value}`" for value in prop["enum"])
    if "anyOf" in prop:
        return " or ".join(_values(part) for part in prop["anyOf"] if part.get("type") != "null")
    if "$ref" in prop:
        return f"see {prop['$ref'].rsplit('/', 1)[-1]}"
    if prop.get("type") == "array":
        return f"list of {_values(prop['items'])}"
    kind = prop.get("type", "")
    return str(prop["title"]) if isinstance(kind, list) else str(kind)


_PLACES = {
    "guests": "Guests",
    "images": "Images",
    "install": "Install: letters are text there",
    "seed": "Seed of a new guest (Ctrl-T in Install)",
    "host": "Host",
    "activity": "Activity",
    "main": "In every pane",
    "list": "In every list",
    "text": "In every text",
    "app": "Everywhere",
}


def keys_page() -> str:
    """Every key of the interface, by where it works."""
    keys, _ = checked_keys({})
    parts = ["# Keys", "", "Made by `./dev docs` from the program's own actions.", ""]
    parts += ["`keys:` of `config.yaml` gives an action another key, by its id.", ""]
    for place, title in _PLACES.items():
        parts += [f"## {title}", "", "| key | does | id |", "|---|---|---|"]
        for action in ACTIONS.values():
            if action.place == place:
                shown = keys.shown(action.id).replace("|", "\\|")
                parts.append(f"| {shown} | {action.help} | `{action.id}` |")
        parts.append("")
    return "\n".join(parts)


def main() -> int:
    """Write or check them; the exit status is 1 when one is not current."""
    stale = []
    pages = {"definition.md": definition_page(), "keys.md": keys_page()}
    # argparse writes its help a little differently in each Python.
    if sys.version_info[:2] == (3, 11):
        pages["verbs.md"] = verbs_page()
    for name, text in pages.items():
        path = DOCS / name
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(name)
    if "--check" in sys.argv:
        stale += pictures.stale()
    else:
        pictures.write()
    if stale:
        print("not current, run ./dev docs:", ", ".join(stale))
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
