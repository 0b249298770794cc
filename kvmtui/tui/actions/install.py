"""What can be done on the Install pane by key; letters are text there."""

from __future__ import annotations

from kvmtui.tui.actions.registry import Action, Group


def _action(
    name: str, key: str, label: str, title: str, help: str, group: Group = "Keep", bar: int = 0
) -> Action:
    return Action(f"install.{name}", key, label, title, help, group, "install", bar=bar)


INSTALL_ACTIONS: tuple[Action, ...] = (
    _action(
        *("browse", "ctrl+o", "browse files", "Browse files"),
        "Shows ISOs and disk images of this host and what each of them is; the chosen one is "
        "what the guest is made from.",
        "Look",
        bar=1,
    ),
    _action(
        *("expert", "ctrl+e", "expert", "Unfold or fold what experts change"),
        "Shows or hides the fields that follow from the profile. What differs from it is bold.",
        "Look",
        bar=2,
    ),
    _action(
        *("seed", "ctrl+t", "show seed", "Show or edit the seed, or the installer's answers"),
        "Shows what cloud-init or the installer is given, as it will stand in seed.iso; its files "
        "can be edited there.",
        "Look",
        bar=3,
    ),
    _action(
        *("create", "ctrl+s", "create and start", "Create and start the guest"),
        "Makes the guest and starts it; where something is not right, goes there.",
        "Power",
        bar=4,
    ),
    _action(
        *("create_only", "ctrl+n", "create only", "Create the guest, and start it later"),
        "Makes the guest and does not start it.",
        "Keep",
    ),
    _action(
        *("copy", "ctrl+y", "copy line", "Copy the command line"),
        "Sends QEMU's command line to your terminal's clipboard (OSC 52).",
        "Look",
    ),
    _action(
        *("again", "ctrl+r", "start over", "Start over with an empty form"),
        "Forgets what was filled in.",
    ),
    Action(
        "seed.edit",
        "e",
        "edit",
        "Edit the file",
        "Opens the file in your editor, before there is a guest. What you make of it is used as "
        "it is, whatever the fields say later.",
        "Keep",
        "seed",
        bar=1,
    ),
    Action(
        "seed.generated",
        "r",
        "generated one",
        "Take the generated file back",
        "Gives up what you edited: the file is again as the fields make it.",
        "Keep",
        "seed",
        bar=2,
    ),
)
