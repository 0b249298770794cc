"""The verbs: which module has each, and its line in the help.

A verb ``start`` of module ``power`` has ``configure_start(parser)`` and
``run_start(arguments, context)`` there. Only the module of the verb on the command line
is imported, and only its parser is built.
"""

from __future__ import annotations

VERBS: dict[str, tuple[str, str]] = {
    "check": ("checking", "whether guests can run here, and what to do if not"),
    "list": ("listing", "guests and what they do now"),
    "show": ("listing", "all about one guest"),
    "create": ("creating", "define a guest"),
    "install": ("installing", "install a guest from its media, and where that stands"),
    "edit": ("changing", "change a definition in $EDITOR"),
    "set": ("changing", "change values of a definition"),
    "rename": ("changing", "give a guest another name"),
    "delete": ("changing", "delete a guest and its disks"),
    "start": ("power", "start guests"),
    "shutdown": ("power", "press the power button and wait"),
    "reboot": ("power", "shut down and start again"),
    "stop": ("power", "pull the plug"),
    "reset": ("power", "press the reset button"),
    "pause": ("power", "halt the processors"),
    "resume": ("power", "let paused guests go on"),
    "autostart": ("autostart", "guests that start, and are shut down, with the host"),
    "wait": ("watching", "wait for a state, a text on the console, a port"),
    "console": ("consoles", "the serial console in this terminal; Ctrl-] leaves"),
    "screen": ("screens", "what the guest's display shows now, as text or picture"),
    "type": ("keys", "type text and keys into a guest"),
    "stats": ("stats", "live figures of guests"),
    "watch": ("watch", "the optional process that is always there: histories, limits, reports"),
    "exporter": ("exporting", "metrics of guests for Prometheus"),
    "events": ("watching", "what happened to a guest"),
    "why": ("watching", "why a guest is as it is"),
    "logs": ("watching", "the serial console's or QEMU's log"),
    "qmp": ("raw", "one QMP command"),
    "expect": ("expecting", "a console script: wait for texts, type, press keys"),
    "seed": ("seeds", "what cloud-init or an installer is given: show, edit"),
    "device": ("devices", "CD drives: what is in them, insert, eject"),
    "agent": ("agents", "what a guest's own agent tells and does"),
    "image": ("images", "disk images: list, create, convert and others"),
    "profile": ("profiles", "operating systems: what is known of each"),
    "catalog": ("catalogs", "cloud images, verified: list, pull"),
    "demo": ("demo", "the built-in demo guests"),
    "setup": ("checking", "what this host lacks, by the distribution's own commands"),
    "schema": ("raw", "JSON Schema of a definition"),
    "completion": ("completion", "completion for bash, zsh or fish"),
    "help": ("helping", "a verb's help; help first-steps: what host, guest, KVM and QEMU are"),
}
