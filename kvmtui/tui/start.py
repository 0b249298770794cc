"""From the command line into the app, and out again with its exit status."""

from __future__ import annotations

import os
import sys

from rich.console import Console

from kvmtui.errors import KvmtuiError
from kvmtui.guest.library import Library
from kvmtui.manage.fleet import Fleet
from kvmtui.manage.preferences import load_preferences
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.life import came_over_ssh, threads_left
from kvmtui.tui.themes import choose_theme, load_themes

_SWITCH_S = 0.001
"""After how long the look at the guests, in its thread, lets a key be answered."""


def open_interface(library: Library) -> int:
    """Run the app until it is left; guests go on.

    Returns:
        The exit status: 128 and the signal where one ended it.

    Raises:
        KvmtuiError: A fault of the interface ended it; names the file that tells more.
    """
    sys.setswitchinterval(_SWITCH_S)
    preferences = load_preferences()
    themes = load_themes(preferences.theme_folders, os.environ)
    system = Console(file=sys.stderr).color_system
    remote = came_over_ssh(os.environ)
    name, complaint = choose_theme(
        os.environ, preferences.theme, system, themes.by_name, remote=remote
    )
    complaints = [*preferences.complaints, *themes.complaints, *filter(None, [complaint])]
    app = KvmtuiApp(Fleet(library), preferences, themes.by_name[name], complaints)
    # Over SSH each move of the mouse would be a packet.
    app.run(mouse=preferences.mouse == "on" or (preferences.mouse == "auto" and not remote))
    if app.fault:
        fault = _told_fault(app.fault)
        if not app.link_stands_at_end():
            raise fault
    status = app.return_code or 0
    if threads_left():
        # One that waits for a dead file system or a lost reader would keep us for ever.
        os._exit(status)
    return status


def _told_fault(fault: str) -> KvmtuiError:
    """A fault of our own as a line, with all of it in a file."""
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="kvmtui-fault-", suffix=".txt")
    with os.fdopen(descriptor, "w") as file:
        file.write(fault)
    last = fault.strip().splitlines()[-1]
    return KvmtuiError(
        f"the interface failed, guests go on: {last}", hint=f"send {path} to who maintains kvmtui"
    )
