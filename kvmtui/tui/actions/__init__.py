"""The registry of actions, whole."""

from __future__ import annotations

from kvmtui.tui.actions.around import AROUND_ACTIONS
from kvmtui.tui.actions.graphs import GRAPH_ACTIONS
from kvmtui.tui.actions.guests import GUEST_ACTIONS
from kvmtui.tui.actions.host import HOST_ACTIONS
from kvmtui.tui.actions.images import IMAGE_ACTIONS
from kvmtui.tui.actions.install import INSTALL_ACTIONS
from kvmtui.tui.actions.registry import Action

ACTIONS: dict[str, Action] = {
    action.id: action
    for action in (
        *GUEST_ACTIONS,
        *GRAPH_ACTIONS,
        *IMAGE_ACTIONS,
        *INSTALL_ACTIONS,
        *HOST_ACTIONS,
        *AROUND_ACTIONS,
    )
}
"""Every action by its id, in the order of the help."""
