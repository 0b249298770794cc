"""Answer files from templates: ``unattended/`` here, and a user's own of the same names.

The templates are Jinja2's. What is put in by ``{{ }}`` is escaped for the file's format by
itself, whoever wrote the template: a YAML scalar or list, JSON, text for XML, one word of
the shell, or the rest of a line.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from kvmtui.errors import DefinitionError
from kvmtui.text import visible

OWN_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unattended")
_ROOM_FOR_LINES = 1 << 30


class Raw(str):
    """Text that a template puts in as it is."""


def yaml_value(value: Any) -> str:
    """A value as YAML in one line."""
    import yaml

    if isinstance(value, list | tuple):
        return f"[{', '.join(yaml_value(one) for one in value)}]"
    style = '"' if isinstance(value, str) else None
    text: str = yaml.safe_dump(value, default_style=style, width=_ROOM_FOR_LINES)
    return text.removesuffix("\n").removesuffix("\n...")


def json_value(value: Any) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def xml_text(value: Any) -> str:
    """Text for XML, also in the value of an attribute."""
    return escape(_text(value), {'"': "&quot;", "'": "&apos;"})


def shell_word(value: Any) -> str:
    """One word of the shell, as kickstart reads it too."""
    return shlex.quote(_text(value))


def rest_of_line(value: Any) -> str:
    """The rest of a line of a preseed file.

    Raises:
        ValueError: It would not end there.
    """
    text = _text(value)
    if "\n" in text or "\r" in text or text.endswith("\\"):
        raise ValueError("a value does not fit into one line")
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_FORMATS: dict[str, Callable[[Any], str]] = {
    "user-data": yaml_value,
    "meta-data": yaml_value,
    "network-config": yaml_value,
    "autoinstall": yaml_value,
    "preseed.cfg": rest_of_line,
    "late.sh": shell_word,
    "setup.sh": shell_word,
    "ks.cfg": shell_word,
    "autoinst.xml": xml_text,
    "autoinst.json": json_value,
    "alpine-answers": shell_word,
    "alpine-start.sh": shell_word,
    "autounattend.xml": xml_text,
}
"""Every template, and how values are put into it."""
NAMES = tuple(_FORMATS)


def render(name: str, values: Mapping[str, Any], folders: Sequence[str] = ()) -> str:
    """Fill in a template.

    Args:
        name: One of `NAMES`.
        folders: The user's own; the last one wins over the others and over ours.

    Raises:
        DefinitionError: The template is faulty; names its file and line.
    """
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    escaped = _FORMATS[name]

    def finalize(value: Any) -> str:
        if isinstance(value, jinja2.Undefined):
            str(value)  # It is a strict one: this raises.
        return str(value) if isinstance(value, Raw) else escaped(value)

    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([*reversed(folders), OWN_FOLDER]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize,
        autoescape=False,
    )
    environment.globals["raw"] = Raw
    try:
        return environment.get_template(name).render(values)
    except jinja2.TemplateSyntaxError as error:
        where = f"{visible(error.filename or name)}: line {error.lineno}"
        raise DefinitionError([f"{where}: {visible(error.message or 'not a template')}"]) from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        where = _place_of(error, name)
        raise DefinitionError([f"{where}: {visible(str(error))}"]) from None
    except OSError as error:
        raise DefinitionError([f"{visible(name)}: {error.strerror}"]) from None


def _place_of(error: BaseException, name: str) -> str:
    """The template's file and line in which an error arose."""
    found = name
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if os.path.basename(path) == name:
            found = f"{visible(path)}: line {trace.tb_lineno}"
        trace = trace.tb_next
    return found
