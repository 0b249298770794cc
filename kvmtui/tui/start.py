"""From the command line into the app, and out again with its exit status."""

from __future__ import annotations

import os
import sys
import threading

from rich.console import Console

from kvmtui.guest.library import Library
from kvmtui.manage.preferences import Preferences, load_preferences
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.themes import choose_theme, load_themes


def open_interface(library: Library) -> int:
    """Run the app until it is left; guests go on.

    Returns:
        The exit status: 128 and the signal where one ended it.
    """
    preferences = load_preferences()
    themes = load_themes(preferences.theme_folders, os.environ)
    system = Console(file=sys.stderr).color_system
    name, complaint = choose_theme(os.environ, preferences.theme, system, themes.by_name)
    complaints = [*preferences.complaints, *themes.complaints, *filter(None, [complaint])]
    app = KvmtuiApp(library, preferences, themes.by_name[name], complaints)
    app.run(mouse=_mouse(preferences))
    status = app.return_code or 0
    if threading.active_count() > 1:
        # A thread that waits for a dead file system would keep the program for ever.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _mouse(preferences: Preferences) -> bool:
    """Whether the mouse is heard: over SSH each of its moves would be a packet."""
    if preferences.mouse == "auto":
        return not os.environ.get("SSH_CONNECTION")
    return preferences.mouse == "on"
