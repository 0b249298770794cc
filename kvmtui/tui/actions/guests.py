"""What can be done with guests by key."""

from __future__ import annotations

from kvmtui.manage.views import LiveGuest
from kvmtui.tui.actions.registry import Action, Keys
from kvmtui.tui.words import doing, seconds_since

_BROKEN = "stands there broken"


def _busy(live: LiveGuest, but: tuple[str, ...] = ()) -> str:
    under_way = live.under_way
    if under_way is None or under_way.verb in but:
        return ""
    words = doing(under_way.verb).replace("-", " ")
    return f"{live.view.name} is {words} ({seconds_since(under_way.begun)})"


def _start(live: LiveGuest, keys: Keys) -> str:
    name = live.view.name
    if live.view.state == "invalid":
        return f"{name}'s definition is not valid: mend it first ({keys.of('guest.edit')})"
    if live.view.pid is not None:
        return f"{name} runs already" if live.view.state == "running" else _not_stopped(live, keys)
    return _busy(live)


def _installed(live: LiveGuest, keys: Keys) -> str:
    return _busy(live) if live.view.installing else f"{live.view.name} is not being installed"


def _not_stopped(live: LiveGuest, keys: Keys) -> str:
    name, state = live.view.name, live.view.state
    if state == "paused":
        return f"{name} is paused: resume it instead ({keys.of('guest.pause')})"
    if state == "crashed":
        return f"{name} {_BROKEN}: reset it ({keys.of('guest.reset')})"
    return f"{name} has a process already ({state})"


def _running(live: LiveGuest, keys: Keys) -> str:
    name = live.view.name
    if live.view.pid is None:
        return _busy(live) or f"{name} does not run: start it first ({keys.of('guest.start')})"
    return ""


def _obeys(live: LiveGuest, keys: Keys) -> str:
    """For what needs the guest's own help."""
    name, state = live.view.name, live.view.state
    reason = _running(live, keys) or _busy(live)
    if reason:
        return reason
    if not live.view.answers:
        return f"{name} does not answer: only stop can end it ({keys.of('guest.stop')})"
    if state == "paused":
        return f"{name} is paused: resume it first ({keys.of('guest.pause')})"
    if state == "io-error":
        return f"{name} waits for its disk: resume it first ({keys.of('guest.pause')})"
    if state == "crashed":
        return f"{name} {_BROKEN}: reset it or stop it"
    return ""


def _plug(live: LiveGuest, keys: Keys) -> str:
    return _running(live, keys) or _busy(live, but=("shutdown", "reboot"))


def _pause(live: LiveGuest, keys: Keys) -> str:
    reason = _running(live, keys) or _busy(live)
    if not reason and live.view.state == "crashed":
        return f"{live.view.name} {_BROKEN}: reset it first ({keys.of('guest.reset')})"
    return reason


def _edit(live: LiveGuest, keys: Keys) -> str:
    return _busy(live)


def _take_away(live: LiveGuest, keys: Keys) -> str:
    if live.view.pid is not None:
        return f"{live.view.name} runs: shut it down first ({keys.of('guest.shutdown')})"
    return _busy(live)


GUEST_ACTIONS: tuple[Action, ...] = (
    Action(
        "guest.start",
        "s",
        "start",
        "Start {}",
        "Starts the guest under the accelerator that was measured to work here, and waits until "
        "QEMU answers. It then runs on its own, also when you leave.",
        "Power",
        "guests",
        _start,
        bar=1,
        on_guest=True,
    ),
    Action(
        "guest.shutdown",
        "d",
        "shut down",
        "Shut down {}",
        "Presses the guest's power button (ACPI) and waits until it is off, a minute at the most. "
        "A guest that does not listen goes on running: nothing is ever pulled without your word.",
        "Power",
        "guests",
        _obeys,
        bar=2,
        on_guest=True,
    ),
    Action(
        "guest.stop",
        "x",
        "stop",
        "Stop {} at once",
        "Pulls the plug. What the guest has not written is lost; its disks are flushed.",
        "Power",
        "guests",
        _plug,
        bar=3,
        on_guest=True,
    ),
    Action(
        "guest.pause",
        "p",
        "pause",
        "Pause or resume {}",
        "Halts the guest's processors, or lets them go on. Its memory stays. A guest that waits "
        "for disk room is resumed the same way.",
        "Power",
        "guests",
        _pause,
        bar=4,
        on_guest=True,
    ),
    Action(
        "guest.reboot",
        "R",
        "reboot",
        "Reboot {}",
        "Shuts the guest down by its power button and starts it again, as it is now defined.",
        "Power",
        "guests",
        _obeys,
        on_guest=True,
    ),
    Action(
        "guest.reset",
        "r",
        "reset",
        "Reset {}",
        "Presses the reset button: the guest starts anew at once, and what it has not written is "
        "lost.",
        "Power",
        "guests",
        _plug,
        on_guest=True,
    ),
    Action(
        "guest.installed",
        "I",
        "installed",
        "{} is installed",
        "Says that the guest is installed, where it shut itself down or waits: its medium is taken "
        "out and it is started from its disk. After a restart of its own that is done by itself.",
        "Power",
        "guests",
        _installed,
        on_guest=True,
    ),
    Action(
        "guest.open",
        "enter",
        "open",
        "Open {}",
        "Shows all about the guest: system, disks, networks, its whole timeline.",
        "Look",
        "guests",
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.console",
        "c",
        "console",
        "Console of {}",
        "The guest's serial console, in colours and with all its keys. Every key is for the guest "
        "but Ctrl-], which leaves, or takes a letter. Several may look on; one types.",
        "Look",
        "guests",
        _running,
        bar=5,
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.screen",
        "v",
        "screen",
        "Screen of {}",
        "What the guest's display shows: text as text, graphics as a picture. What is typed goes "
        "to its keyboard, clicks to its tablet; Ctrl-] leaves, or takes a letter.",
        "Look",
        "guests",
        _running,
        bar=5,
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.graphs",
        "m",
        "graphs",
        "Graphs of {}",
        "Shows CPU, each vCPU, memory, each disk and each network card of the guest over the last "
        "minute, ten minutes or day; of several marked guests a wall of small graphs.",
        "Look",
        "guests",
        bar=5,
        on_guest=True,
    ),
    Action(
        "guest.log",
        "l",
        "log",
        "Log of {}",
        "Shows what the guest wrote to its serial console, and QEMU's own messages.",
        "Look",
        "guests",
        bar=5,
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.edit",
        "e",
        "edit",
        "Edit {}",
        "Changes the definition in a form; Ctrl-E there opens it in your $EDITOR. Comments in the "
        "file survive. A running guest takes the change at its next start.",
        "Keep",
        "guests",
        _edit,
        bar=6,
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.cd",
        "i",
        "CD",
        "CD in the drive of {}",
        "Puts a CD's image into the guest's drive, also while it runs, or takes it out.",
        "Keep",
        "guests",
        _edit,
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.rename",
        "N",
        "rename",
        "Rename {}",
        "Gives a guest that does not run another name. Its identity stays.",
        "Keep",
        "guests",
        _take_away,
        on_guest=True,
        many=False,
    ),
    Action(
        "guest.tags",
        "T",
        "tags",
        "Tags of {}",
        "Sets the guest's tags, words parted by blanks. Filters and the command line know them.",
        "Keep",
        "guests",
        _edit,
        on_guest=True,
    ),
    Action(
        "guest.autostart",
        "A",
        "autostart",
        "Start {} with the host, or no more",
        "Has the host start the guest as it starts itself, by a systemd unit or by cron, and under "
        "systemd shut it down before it goes down. Order and delay: kvmtui autostart enable.",
        "Keep",
        "guests",
        _edit,
        on_guest=True,
    ),
    Action(
        "guest.delete",
        "D",
        "delete",
        "Delete {}",
        "Deletes the guest with all in its folder, once it is clear what would be lost.",
        "Keep",
        "guests",
        _take_away,
        bar=7,
        on_guest=True,
    ),
    Action(
        "guest.new",
        "n",
        "new",
        "New guest",
        "Opens the Install pane: a new guest from a cloud image, an ISO, a disk, or other.",
        "Keep",
        "guests",
        bar=8,
    ),
    Action(
        "guest.demo",
        "y",
        "demo",
        "Try the demo guests",
        "Defines and starts two tiny guests; nothing is downloaded.",
        "Keep",
        "guests",
    ),
)
