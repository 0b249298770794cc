"""What can be done on the Images pane by key."""

from __future__ import annotations

from kvmtui.tui.actions.registry import Action, Group


def _action(
    name: str, key: str, label: str, title: str, help: str, group: Group = "Keep", bar: int = 0
) -> Action:
    return Action(f"images.{name}", key, label, title, help, group, "images", bar=bar)


IMAGE_ACTIONS: tuple[Action, ...] = (
    _action(
        *("new", "n", "new", "New image"),
        "Makes an image in a form: empty, or standing on another one.",
        bar=1,
    ),
    _action(
        *("import", "i", "import", "Bring an image in"),
        "Brings in a file, compressed or not, or the disk of an OVA. It stands alone afterwards.",
        bar=2,
    ),
    _action(
        *("grow", "w", "grow", "Give the image another size"),
        "Gives the image another size. A guest that runs sees it at once; what lies in the image "
        "is grown inside the guest. Shrinking asks first.",
        bar=3,
    ),
    _action(
        *("convert", "V", "convert", "Convert the image"),
        "Writes the image anew in another format (qcow2, raw, vmdk, vdi, vhdx, vpc). The source "
        "is only read.",
        bar=4,
    ),
    _action(
        *("clone", "C", "clone", "Clone the image"),
        "Makes another image of the same content: a full copy, one that stands on it, or one that "
        "shares its blocks.",
        bar=5,
    ),
    _action(
        *("check", "c", "check", "Check the image"),
        "Checks the image's own structures; nothing is changed. Acts on all marked.",
        bar=6,
    ),
    _action(
        *("compact", "Z", "compact", "Compact the image"),
        "Writes the image anew without what is zero or free in it, and puts that in its place.",
        bar=7,
    ),
    _action(
        *("flatten", "T", "flatten", "Flatten the image"),
        "Copies into the image all that it takes from those below, so that it stands alone.",
        bar=8,
    ),
    _action(
        *("delete", "D", "delete", "Delete the image"),
        "Deletes images once it is clear what would be lost. What a guest uses, or another image "
        "stands on, is refused. Acts on all marked.",
        bar=8,
    ),
    _action(
        *("commit", "W", "commit", "Commit the image into the one it stands on"),
        "Writes what the image has of its own into the one it stands on, which takes its place, "
        "also in a guest that runs. Asks first: the lower image has no content of its own then.",
    ),
    _action(
        *("limits", "L", "limits", "Limit what guests read and write of the image"),
        "Limits bytes and operations a second, and bursts, of the disks that the image is; in "
        "force at once where a guest runs.",
    ),
    _action(
        *("rebase", "B", "rebase", "Let the image stand on another one"),
        "Lets the image stand on another one, or on nothing; also where its backing file was "
        "moved or is gone.",
    ),
    _action(
        *("move", "m", "move", "Move the image"),
        "Moves the image to another directory, name or format, also while its guest runs; guests "
        "that use it and images that stand on it are told.",
    ),
    _action(
        *("repair", "R", "repair", "Repair the image"),
        "Frees what nothing uses, or mends wrong references, and keeps the metadata from before; "
        "or undoes that.",
    ),
    _action(
        *("cancel", "X", "cancel", "Cancel what is done to the image"),
        "Ends work on the image, whichever kvmtui does it, and says what is left behind.",
        bar=13,
    ),
    _action(
        *("add", "a", "add directory", "List another directory"),
        "Lists the images of another directory, or a block device such as an LVM volume.",
    ),
    _action(
        *("remove", "A", "remove dir.", "List a directory no more"),
        "Lists the images of an added directory no more; nothing in it is touched.",
    ),
    _action(
        *("open", "enter", "open", "Show all of the image"),
        "Shows all of the image: its chain, who uses it, its snapshots, its partitions, what a "
        "medium boots. On a directory: folds it.",
        "Look",
    ),
    _action(
        *("measure", "M", "measure", "Measure what a copy would take"),
        "Says what a copy of the image takes at first, and once all of it is written.",
        "Look",
    ),
    _action(
        *("tree", "d", "by directory", "Show images by directory or by what they stand on"),
        "Shows the images by the directory in which they lie, or by what they stand on.",
        "Look",
        bar=12,
    ),
    _action(
        *("unused", "u", "unused", "Show only images that nobody uses"),
        "Shows only images that no guest uses, nor anything that stands on them, and what would "
        "come free; or all again.",
        "Look",
        bar=11,
    ),
    _action(*("fold", "left", "fold", "Fold the tree"), "Folds what hangs at the row.", "Look"),
    _action(
        *("unfold", "right", "unfold", "Unfold the tree"), "Unfolds what hangs at the row.", "Look"
    ),
    _action(
        *("copy", "y", "copy path", "Copy the image's path"),
        "Sends the path to your terminal's clipboard (OSC 52).",
        "Look",
    ),
    _action(
        *("again", "f5", "look again", "Look at the images again"),
        "Looks at the images now. While the pane is seen they are looked at every 10 seconds.",
        "Look",
    ),
)
