"""Flattening an image, and committing it into the one it stands on; also while its guest runs.

Of a guest that runs its own QEMU does it (QMP ``block-stream``, ``block-commit``): what is
below is copied up, or what is above is copied down and the guest changes over to the lower
image. Cut off at any moment both images together have all of the content.
"""

from __future__ import annotations

import copy
import os

from kvmtui.errors import ImageError, StateError
from kvmtui.guest.library import Library
from kvmtui.manage import (
    changing,
    image_changing,
    image_guard,
    image_jobs,
    images,
)
from kvmtui.manage.definitions import load_plain
from kvmtui.manage.image_jobs import carry_out
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_live_moving import (
    drive_in_run,
    job_in_run,
    refuse_others,
    running_writer,
)
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.qemu.block_nodes import format_node, is_same
from kvmtui.qemu.plain import PlainMonitor
from kvmtui.text import visible


def flatten(
    library: Library,
    path: str,
    *,
    rate_bytes_per_s: int | None = None,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Copy into an image all that it takes from those below, so that it stands alone.

    Args:
        rate_bytes_per_s: The most that is copied in a second while its guest runs.

    Raises:
        As `image_changing.rebase`, and StateError when the guest ended meanwhile.
    """
    view = image_guard.view_of(library, path)
    user = running_writer(view)
    if user is None:
        return image_changing.flatten(library, path, follow=follow, watcher=watcher)
    name = visible(view.name)
    what = f"{name} was not flattened"
    chain = image_guard.chain_of(library, path, follow=follow)
    if len(chain) == 1:
        return Outcome(name, "image flatten", False, f"{name} stands on nothing already")
    image_guard.refuse_snapshots(view, what)
    drive, run = drive_in_run(library.folder(user.guest), view, user, what)
    reads = tuple(part.path for part in chain[1:])
    with work(library, "flatten", path, writes=(path,), reads=reads) as one:
        with image_tools():
            image_changing.refuse_growth(chain, name, what)
        job = job_in_run("flatten", one, user, drive, run, path)

        def start(monitor: PlainMonitor) -> None:
            more = {"on-error": "report", "auto-finalize": False}
            monitor.execute("block-stream", image_jobs.arguments_of(job, rate_bytes_per_s, more))

        carry_out(library, one, job, start, watcher, what)
        one.result["guest"] = user.guest
    message = f"{name} stands alone now; {user.guest} runs on"
    return Outcome(name, "image flatten", True, message)


def commit(
    library: Library,
    path: str,
    *,
    rate_bytes_per_s: int | None = None,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Write what an image has of its own into the one it stands on, which takes its place.

    The guests that name it name the lower image then, and it is removed.

    Args:
        rate_bytes_per_s: The most that is copied in a second while its guest runs.

    Raises:
        StateError: Something else stands on either, or uses the lower one; names it.
        ImageError: It stands on nothing, or it failed; the content is as it was.
    """
    view = image_guard.view_of(library, path)
    name = visible(view.name)
    what = f"{name} was not committed"
    chain = image_guard.chain_of(library, path, follow=follow)
    user = running_writer(view)
    base = refuse_commit(library, view, user, chain, what)
    reads = tuple(part.path for part in chain[2:])
    with (
        image_tools(),
        work(library, "commit", path, writes=(path, base.path), reads=reads) as one,
    ):
        if user is None:
            _commit_stopped(library, one, view, chain, watcher, what)
        else:
            _commit_live(library, one, view, user, chain[1], rate_bytes_per_s, watcher, what)
        one.result["target"] = base.path
    shown = visible(base.name)
    guests = sorted({one.guest for one in view.used_by if one.role != "backing"})
    note = f"changed: {', '.join(guests)}" if guests else ""
    message = f"{shown} has the content of {name} now, which is gone"
    return Outcome(shown, "image commit", True, message, note)


def refuse_commit(
    library: Library, view: ImageView, user: ImageUser | None, chain: list[ChainPart], what: str
) -> ImageView:
    """Everything that stands against a commit; the lower image."""
    if len(chain) == 1:
        raise ImageError(f"{what}: it stands on nothing")
    if os.path.islink(view.path) or view.actual_size_bytes is None:
        raise ImageError(f"{what}: it is no plain file")
    if any(part.header.encrypted for part in chain[:2]):
        raise StateError(f"{what}: it, or what it stands on, is encrypted")
    image_guard.refuse_dependents(view, what)
    image_guard.refuse_snapshots(view, what)
    if user is None:
        image_guard.refuse_in_use(library, view, what)
    else:
        refuse_others(view, user, what)
    below = chain[1].path
    base = images.survey(library, [view.path, below]).images.get(below)
    if base is None:
        raise ImageError(f"{what}: {visible(below)} cannot be looked at")
    others = [one for one in base.children if not is_same(one, view.path)]
    if others:
        told = ", ".join(visible(one) for one in others[:3])
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise StateError(
            f"{what}: {told}{more} also {'stands' if len(others) == 1 else 'stand'} on "
            f"{visible(base.name)} and would be damaged",
            hint=f"kvmtui image flatten {visible(view.name)}",
        )
    owners = sorted({one.guest for one in base.used_by if one.role != "backing"})
    if owners:
        raise StateError(
            f"{what}: {visible(base.name)} is a disk of {', '.join(owners)}",
            hint=f"kvmtui image flatten {visible(view.name)}",
        )
    if not os.access(below, os.W_OK):
        raise ImageError(
            f"{what}: {visible(base.name)} cannot be written",
            hint=f"kvmtui image flatten {visible(view.name)}",
        )
    return base


def _commit_stopped(
    library: Library,
    one: Work,
    view: ImageView,
    chain: list[ChainPart],
    watcher: Watcher | None,
    what: str,
) -> None:
    """By ``qemu-img commit``: the upper image stays whole until every guest names the lower."""
    course = one.course(watcher or Watcher(), view.actual_size_bytes)
    words = ["commit", "-p", "-d", "-f", chain[0].header.driver, "--", view.path]
    image_tool.run(words, what, course=course, limit_s=None)
    below, driver = chain[1].path, chain[1].header.driver
    for guest in sorted({user.guest for user in view.used_by if user.role != "backing"}):
        _name_instead(library, guest, view.path, below, driver)
    os.unlink(view.path)


def _name_instead(library: Library, guest: str, old: str, new: str, driver: str) -> None:
    folder = library.folder(guest)
    before = load_plain(folder)
    after = copy.deepcopy(before)
    for disk in after.get("disks") or ():
        if isinstance(disk, dict) and is_same(folder.resolve(str(disk.get("file"))), old):
            disk["file"] = os.path.basename(new) if os.path.dirname(new) == folder.place else new
            disk["format"] = driver
    changing.replace_plain(library, guest, before, after)


def _commit_live(
    library: Library,
    one: Work,
    view: ImageView,
    user: ImageUser,
    below: ChainPart,
    rate_bytes_per_s: int | None,
    watcher: Watcher | None,
    what: str,
) -> None:
    drive, run = drive_in_run(library.folder(user.guest), view, user, what)
    job = job_in_run("commit", one, user, drive, run, view.path)
    job = job._replace(target=below.path, target_format=below.header.driver)

    def start(monitor: PlainMonitor) -> None:
        more = {"base-node": _node_of_base(monitor, below.path, what), "on-error": "report"}
        monitor.execute("block-commit", image_jobs.arguments_of(job, rate_bytes_per_s, more))

    carry_out(library, one, job, start, watcher, what)


def _node_of_base(monitor: PlainMonitor, path: str, what: str) -> str:
    """The node of the lower image in a guest, which QEMU names itself."""
    node = format_node(monitor, path)
    if node is None:
        raise ImageError(f"{what}: QEMU has {visible(path)} not open below it")
    return node
