"""A console script: steps that wait for a text, type, press keys, take a picture."""

import re
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from kvmtui.errors import DefinitionError, UsageError
from kvmtui.guest.validation import structure_from
from kvmtui.qemu import keyboard
from kvmtui.strict_yaml import read_mapping
from kvmtui.text import visible

_ACTIONS = ("wait", "type", "type_variable", "keys", "screenshot")
_MOST_STEPS = 1000
Seconds = Annotated[float, Meta(ge=0, le=1e6)]
Side = Literal["serial", "screen"]


class Step(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One step; it has one of wait, type, type_variable, keys, screenshot."""

    wait: str | None = None
    """Wait for a text: a regular expression, in what came since the last text waited for."""
    type: str | None = None
    """Type a text; \\n in double quotes is Enter."""
    type_variable: str | None = None
    """Type what an environment variable holds, which is told nowhere: a password."""
    keys: str | list[str] | None = None
    """Press keys: ctrl-alt-delete, or a list of such, one after the other."""
    screenshot: str | None = None
    """Save the screen to a file: a picture, or text where its name ends with .txt."""
    on: Side | None = None
    """Where: the serial console, or the screen and keyboard."""
    timeout: Seconds | None = None
    """How long to wait, in seconds."""

    @property
    def action(self) -> str:
        """Which of the five it is."""
        return next(action for action in _ACTIONS if getattr(self, action) is not None)

    def combinations(self) -> list[str]:
        """The keys to press."""
        keys = self.keys or []
        return [keys] if isinstance(keys, str) else keys

    @property
    def words(self) -> str:
        """The step for people: ``wait 'login:'``; what is typed by a variable is its name."""
        value = getattr(self, self.action)
        shown = " ".join(value) if isinstance(value, list) else str(value)
        return f"{self.action.replace('_', ' ')} '{visible(shown, limit=60)}'"


class Script(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A console script."""

    on: Side = "serial"
    """Where steps are that do not say."""
    timeout: Seconds = 60.0
    """How long a wait lasts that does not say."""
    layout: Literal["us", "uk", "de", "fr", "es", "it", "jp", "ru"] | None = None
    """The keyboard layout for typing on the screen; the guest's when absent."""
    steps: list[Step]

    def side(self, step: Step) -> Side:
        """Where a step is; keys and pictures are always of the screen."""
        if step.action in ("keys", "screenshot"):
            return "screen"
        return step.on or self.on

    def limit_s(self, step: Step) -> float:
        """How long a step waits."""
        return self.timeout if step.timeout is None else step.timeout


def read_script(data: bytes) -> Script:
    """Read a console script.

    Raises:
        DefinitionError: Every problem, each with its path, such as ``steps[2].wiat``.
    """
    plain = read_mapping(data)
    _allow_whole_seconds(plain)
    script = structure_from(plain, Script, what="a script")
    problems = [] if script.steps else ["steps: at least one is expected"]
    if len(script.steps) > _MOST_STEPS:
        problems.append(f"steps: {len(script.steps)} are more than {_MOST_STEPS}")
    for index, step in enumerate(script.steps[:_MOST_STEPS]):
        problems += [f"steps[{index}]{problem}" for problem in _problems(script, step)]
    if problems:
        raise DefinitionError(problems)
    return script


def _allow_whole_seconds(plain: dict[str, Any]) -> None:
    steps = plain.get("steps")
    for holder in (plain, *(steps if isinstance(steps, list) else ())):
        if isinstance(holder, dict) and type(holder.get("timeout")) is int:
            holder["timeout"] = float(holder["timeout"])


def _problems(script: Script, step: Step) -> list[str]:
    given = [action for action in _ACTIONS if getattr(step, action) is not None]
    if len(given) != 1:
        found = f"not {', '.join(given)} at once" if given else "there is none"
        return [f": one of {', '.join(_ACTIONS)} is expected, {found}"]
    if step.wait is not None:
        try:
            re.compile(step.wait)
        except re.error as error:
            return [f".wait: no regular expression: {error}"]
    try:
        for combination in step.combinations():
            keyboard.stroke_named(combination)
        if step.type is not None and script.layout and script.side(step) == "screen":
            keyboard.strokes_of(step.type, script.layout)
    except UsageError as error:
        return [f".{step.action}: {error.message}"]
    if step.on == "serial" and step.action in ("keys", "screenshot"):
        return [f".on: {step.action} is of the screen"]
    return []
