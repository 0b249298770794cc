"""From the command line into the app, and out again with its exit status."""

from __future__ import annotations

import os
import sys
import threading

from kvmtui.guest.library import Library
from kvmtui.manage.preferences import load_preferences
from kvmtui.tui.app import KvmtuiApp
from kvmtui.tui.themes import look_for


def open_interface(library: Library) -> int:
    """Run the app until it is left; guests go on.

    Returns:
        The exit status: 128 and the signal where one ended it.
    """
    preferences, complaints = load_preferences()
    look, faults = look_for(preferences)
    app = KvmtuiApp(library, preferences, look, [*complaints, *faults])
    app.run(mouse=preferences.mouse != "off")
    status = app.return_code or 0
    if threading.active_count() > 1:
        # A thread that waits for a dead file system would keep the program for ever.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
