"""`image`: disk images. One parser for each of its verbs, told apart by the word behind it."""

from __future__ import annotations

import argparse
import importlib

from kvmtui.cli.context import Context
from kvmtui.errors import UsageError

SUBVERBS: dict[str, tuple[str, str]] = {
    "list": ("image_listing", "images, what they take, who uses them"),
    "info": ("image_listing", "all about one image"),
    "tree": ("image_listing", "which image stands on which"),
    "create": ("image_making", "an empty image, or one that stands on another"),
    "resize": ("image_changing", "give an image another size, also while its guest runs"),
    "convert": ("image_making", "write an image anew in another format"),
    "clone": ("image_making", "another image with the same content"),
    "rebase": ("image_changing", "let an image stand on another one, or on nothing"),
    "flatten": ("image_changing", "copy into an image what it stands on, also while a guest runs"),
    "commit": ("image_changing", "write an image into the one it stands on, and let that be it"),
    "compact": ("image_changing", "give back what is zero or free in an image"),
    "check": ("image_checking", "check an image, and repair it where asked"),
    "measure": ("image_checking", "what a copy would take"),
    "partitions": ("image_partitions", "what an image is divided into, and its file systems"),
    "move": ("image_changing", "move an image, also while its guest runs; guests are told"),
    "limit": ("image_limits", "what a guest may read and write in a second; at once where it runs"),
    "import": ("image_making", "bring in a file, a pipe, or the disk of an OVA"),
    "orphans": ("image_checking", "images that nobody uses, and what cut-off work left"),
    "delete": ("image_changing", "delete images that nothing depends on"),
    "cancel": ("image_changing", "end work on an image that another kvmtui does"),
    "storage": ("image_places", "file systems with images: taken, left, promised"),
    "add-directory": ("image_places", "list the images of a directory, or a block device"),
    "remove-directory": ("image_places", "list those no more; nothing in it is touched"),
}
"""Which module has each verb of `image`, and its line in the help."""


def configure_image(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image`: those of each of its verbs."""
    from kvmtui.cli.parsing import add_verbs

    texts = {verb: text for verb, (_, text) in SUBVERBS.items()}
    verbs = add_verbs(parser, "verbs of image", texts, dest="image_verb", metavar="VERB")
    for verb, own in verbs:
        module = importlib.import_module(f"kvmtui.cli.{SUBVERBS[verb][0]}")
        getattr(module, f"configure_{verb.replace('-', '_')}")(own)
        own.set_defaults(run_image_verb=getattr(module, f"run_{verb.replace('-', '_')}"))


def run_image(arguments: argparse.Namespace, context: Context) -> int:
    """Do what one verb of `image` does.

    Raises:
        UsageError: None is named.
    """
    if not arguments.image_verb:
        raise UsageError(f"image: which of {', '.join(SUBVERBS)}", hint="kvmtui image -h")
    status: int = arguments.run_image_verb(arguments, context)
    return status
