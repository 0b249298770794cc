"""What stands in the key bar for where one is."""

from __future__ import annotations

from typing import Protocol

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions import ACTIONS
from kvmtui.tui.actions.registry import Action, Keys, Place

Shown = tuple[str, str]


class Refuses(Protocol):
    """Who says why an action cannot act now."""

    def refusal(self, action_id: str, names: list[str]) -> str: ...


def bar_keys(
    places: tuple[Place, ...],
    live: LiveGuest | None,
    chosen: list[str],
    keys: Keys,
    desk: Refuses,
) -> list[Shown]:
    """Key and label of what acts here, in an order that never changes.

    Args:
        places: Where one is.
        live: The guest that the actions would act on; None for none or several.
        chosen: The names of all that they would act on.
    """
    found = [action for action in ACTIONS.values() if action.bar]
    found = [action for action in found if action.place in places]
    shown = []
    for action in sorted(found, key=lambda action: action.bar):
        if action.on_guest and (not chosen or desk.refusal(action.id, chosen)):
            continue
        shown.append((keys.of(action.id), label_of(action, live)))
    return shown


def label_of(action: Action, live: LiveGuest | None) -> str:
    """What an action is called for the guest at hand."""
    if action.id == "guest.pause" and live is not None and live.view.state != "running":
        return "resume"
    return action.label
