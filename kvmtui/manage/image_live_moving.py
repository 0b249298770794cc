"""Moving an image, to another directory or format, also while its guest runs.

The guest's QEMU copies the image (QMP ``blockdev-mirror``) while the guest goes on, and lets
it change over when both are the same. Up to that moment the old image is in force, from then
on the new one, and the definition follows while nobody can start the guest.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import msgspec

from kvmtui.errors import ImageError, StateError, UsageError
from kvmtui.guest.definition import Definition, Disk
from kvmtui.guest.folder import GuestFolder
from kvmtui.guest.library import Library
from kvmtui.host import resources
from kvmtui.manage import (
    hosting,
    image_guard,
    image_jobs,
    image_moving,
    image_secrets,
)
from kvmtui.manage.definitions import load_definition
from kvmtui.manage.image_copying import format_of_name, measured
from kvmtui.manage.image_files import publish
from kvmtui.manage.image_jobs import Job, carry_out, session
from kvmtui.manage.image_links import ChainPart
from kvmtui.manage.image_making import backing_name
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.image_work import Watcher, Work, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.starting import image_tools
from kvmtui.manage.views import Outcome
from kvmtui.qemu import image_tool
from kvmtui.qemu.block_nodes import DriveNode, drive_of
from kvmtui.qemu.command.storage import disk_node
from kvmtui.qemu.layout import DiskPlace
from kvmtui.qemu.plain import PlainMonitor
from kvmtui.text import visible

LIVE_FORMATS = ("qcow2", "raw")
"""What QEMU writes well enough to run a guest on."""


class Move(NamedTuple):
    """How an image is moved."""

    format: str | None = None
    """None: as the new name says, else the one it has."""
    rate_bytes_per_s: int | None = None
    """The most that is copied in a second while its guest runs."""
    follow: bool = False
    """Whether it may refer to files outside the folders of images."""


def move(
    library: Library,
    path: str,
    target_text: str,
    how: Move | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Move an image; where its guest runs, let that guest's QEMU do it.

    Raises:
        StateError: It, or what stands on it, is in use by others.
        ImageError: There is something at the new place, or no room; it is as it was.
        Cancelled: A person ended it; so too.
    """
    how = how or Move()
    view = image_guard.view_of(library, path)
    user = running_writer(view)
    if user is None:
        return image_moving.move(
            library,
            path,
            target_text,
            image_format=how.format,
            follow=how.follow,
            watcher=watcher,
        )
    return _move_live(library, view, user, target_text, how, watcher)


def running_writer(view: ImageView) -> ImageUser | None:
    """The guest that runs and writes to an image."""
    return next((one for one in view.used_by if one.running and one.role.startswith("disk")), None)


def _move_live(
    library: Library,
    view: ImageView,
    user: ImageUser,
    target_text: str,
    how: Move,
    watcher: Watcher | None,
) -> Outcome:
    name = visible(view.name)
    what = f"{name} was not moved"
    chain = image_guard.chain_of(library, view.path, follow=how.follow)
    refuse_move(library, view, user, chain, what)
    target_format = live_format(chain, target_text, how.format)
    target = image_moving.target_of_move(library, view.path, target_text, how.format)
    folder = library.folder(user.guest)
    drive, run = drive_in_run(folder, view, user, what)
    keeps = keeps_backing(chain, target_format)
    reads = tuple(part.path for part in chain[1:])
    with (
        image_tools(),
        work(library, "move", view.path, writes=(view.path, target), reads=reads) as one,
    ):
        needed = view.actual_size_bytes or 0 if keeps else _needed(chain, target_format)
        image_guard.refuse_without_room(os.path.dirname(target), needed, what)
        job = job_in_run("move", one, user, drive, run, view.path)
        node_name = f"{user.role}-{one.id}"
        job = job._replace(target=target, target_node=node_name, target_format=target_format)
        size = drive.size_bytes or view.virtual_size_bytes or 0
        job = _make_target(one, chain, job, size, keeps)
        node = _target_node(library, folder, user, job)

        def start(monitor: PlainMonitor) -> None:
            monitor.execute("blockdev-add", node)
            more = {"target": job.target_node, "sync": "top" if keeps else "full"}
            more |= {"on-source-error": "report", "on-target-error": "report"}
            arguments = image_jobs.arguments_of(job, how.rate_bytes_per_s, more)
            monitor.execute("blockdev-mirror", arguments)

        end = carry_out(library, one, job, start, watcher, what)
        one.result |= {"target": target, "guest": user.guest, "format": target_format}
    shown = visible(shown_name(library, target))
    notes = [f"changed: {user.guest}, which runs on"]
    if end.removed != [view.path]:
        notes.append(f"{name} could not be removed: kvmtui image delete {name}")
    return Outcome(
        shown, "image move", True, f"{name} is {shown} now, {target_format}", "\n".join(notes)
    )


def refuse_move(
    library: Library, view: ImageView, user: ImageUser, chain: list[ChainPart], what: str
) -> None:
    """Everything that stands against moving an image while its guest runs."""
    image_guard.refuse_device(view, what)
    if os.path.islink(view.path):
        raise ImageError(f"{what}: it is a link", hint="kvmtui image move its real path")
    refuse_others(view, user, what)
    image_guard.refuse_dependents(view, what)
    image_guard.refuse_snapshots(view, what)
    if any(part.header.encrypted for part in chain) or image_secrets.secret_of(library, view):
        raise StateError(
            f"{what}: {user.guest} runs and it is encrypted, and the copy would not be",
            hint=f"kvmtui shutdown {user.guest}",
        )


def refuse_others(view: ImageView, user: ImageUser, what: str) -> None:
    """Raise StateError where not one guest alone has an image."""
    others = sorted({one.guest for one in view.used_by if one.guest != user.guest})
    if others:
        raise StateError(
            f"{what}: {user.guest} runs, and it is also a disk of {', '.join(others)}",
            hint=f"kvmtui shutdown {user.guest}",
        )


def live_format(chain: list[ChainPart], target_text: str, asked: str | None) -> str:
    """The format that a copy gets while its guest runs.

    Raises:
        UsageError: No guest can run on it.
    """
    found = asked or format_of_name(target_text) or chain[0].header.driver
    if found not in LIVE_FORMATS:
        raise UsageError(
            f"a guest that runs is not moved to {visible(found)}",
            hint=f"one of {', '.join(LIVE_FORMATS)}, or shut it down first",
        )
    return found


def keeps_backing(chain: list[ChainPart], target_format: str) -> bool:
    """Whether the copy stands on what the image stands on; else it stands alone."""
    return len(chain) > 1 and target_format == "qcow2"


def _needed(chain: list[ChainPart], target_format: str) -> int:
    needed = measured(chain, target_format)
    return needed["required"] if needed is not None else 0


def drive_in_run(
    folder: GuestFolder, view: ImageView, user: ImageUser, what: str
) -> tuple[DriveNode, str]:
    """The drive that has an image in the guest's present run, and that run.

    Raises:
        StateError: No drive writes to it in this run.
    """
    record = folder.start_record() or {}
    with session(folder) as monitor:
        drive = drive_of(monitor, view.path)
    if drive is None or drive.read_only or not isinstance(record.get("run"), str):
        raise StateError(
            f"{what}: {user.guest} runs, and does not write to it in this run",
            hint=f"kvmtui shutdown {user.guest}",
        )
    return drive, record["run"]


def job_in_run(
    verb: str, one: Work, user: ImageUser, drive: DriveNode, run: str, source: str
) -> Job:
    """A job on the image of a drive, in the run that `drive_in_run` found."""
    return Job(
        id=f"kvmtui-{one.id}",
        verb=verb,
        guest=user.guest,
        run=run,
        qdev=drive.qdev,
        source=source,
        node=drive.node,
    )


def _make_target(one: Work, chain: list[ChainPart], job: Job, size: int, keeps: bool) -> Job:
    """An empty image for the copy, under its name, as the user that the old one belongs to."""
    part = one.new_part(job.target)
    words = ["create", "-q", "-f", job.target_format]
    if keeps:
        below = chain[1]
        words += ["-u", "-b", backing_name(below.path, job.target), "-F", below.header.driver]
    if job.target_format == "qcow2" and chain[0].header.cluster_bytes:
        words += ["-o", f"cluster_size={chain[0].header.cluster_bytes}"]
    image_tool.run([*words, "--", part, str(size)], f"{visible(job.target)} was not made")
    old, made = os.stat(job.source), os.stat(part)
    job = job._replace(target_identity=(made.st_dev, made.st_ino))
    # From here on the record tells whose file that is, whatever its name.
    one.note_live(list(job))
    publish(part, job.target)
    if os.geteuid() == 0:
        os.chown(job.target, old.st_uid, old.st_gid)
    os.chmod(job.target, stat.S_IMODE(old.st_mode))
    return job


def _target_node(
    library: Library, folder: GuestFolder, user: ImageUser, job: Job
) -> dict[str, object]:
    """The block node of the copy, with the modes that the definition has for its disk."""
    definition = load_definition(folder)
    disk = _disk_of(definition, user, job)
    direct = resources.opens_direct(job.target)
    cache = disk.cache
    if cache == "auto":
        cache = "none" if direct else "writeback"
    capabilities = hosting.capabilities_for(library, definition.arch)
    place = DiskPlace(job.target, direct, block_device=False)
    return disk_node(job.target_node, disk, place, cache, capabilities.io_uring)


def _disk_of(definition: Definition, user: ImageUser, job: Job) -> Disk:
    index = int(user.role.removeprefix("disk"))
    return msgspec.structs.replace(
        definition.disks[index], file=job.target, format=job.target_format
    )
