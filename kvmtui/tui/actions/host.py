"""What can be done on the Host pane by key."""

from __future__ import annotations

from kvmtui.tui.actions.registry import Action

HOST_ACTIONS: tuple[Action, ...] = (
    Action(
        "host.measure",
        "m",
        "measure",
        "Measure how guests run here",
        "Boots a test under emulation and under KVM and times it, a few seconds. Guests with "
        "accelerator: auto follow what was faster. Esc gives it up.",
        "Power",
        "host",
        bar=1,
    ),
    Action(
        "host.explain",
        "enter",
        "explain",
        "Explain the check",
        "Shows all of a check: what it found, its remedy, what it is about and what it reads.",
        "Look",
        "host",
        bar=2,
    ),
    Action(
        "host.copy",
        "y",
        "copy remedy",
        "Copy the remedy",
        "Sends the remedy to your terminal's clipboard (OSC 52), to be pasted into a shell.",
        "Keep",
        "host",
        bar=3,
    ),
    Action(
        "host.all",
        "a",
        "show all",
        "Show or fold the checks that are ok",
        "Shows the checks that are ok too, or folds them into one row.",
        "Look",
        "host",
        bar=5,
    ),
    Action(
        "host.setup",
        "S",
        "set up",
        "Set up what the host lacks",
        "Shows the commands of the remedies that a program may run (packages, group, user, rules "
        "of udev and modprobe, lingering) and, as root, runs them once you have agreed.",
        "Power",
        "host",
        bar=4,
    ),
    Action(
        "host.again",
        "f5",
        "check again",
        "Check the host again",
        "Runs the checks now. While the pane is seen they are run every minute.",
        "Power",
        "host",
        bar=6,
    ),
)
