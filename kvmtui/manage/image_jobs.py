"""Block jobs of a guest that runs: started, followed, ended; and settled by whoever comes later.

QEMU goes on with a job when the kvmtui that asked for it dies. What is under way therefore
stands in the work's record from before the first step (`Job`), and `settle` brings it to an
end from any point: it ends the job, finds out which image is in force, lets the definition
say so, and removes the other. Whether a job let the guest change over is told by its QEMU;
where that is gone, by the record of events that QEMU wrote itself.
"""

from __future__ import annotations

import contextlib
import copy
import os
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from kvmtui.errors import (
    BusyError,
    Cancelled,
    CommandRefused,
    ImageError,
    KvmtuiError,
    MonitorError,
    MonitorTimeout,
    StateError,
)
from kvmtui.guest.folder import EVENTS, GuestFolder
from kvmtui.guest.library import Library
from kvmtui.manage.definitions import load_plain, save_change
from kvmtui.manage.image_work import Watcher, Work
from kvmtui.manage.living import live_pid
from kvmtui.manage.operation import locked, told
from kvmtui.qemu import block_nodes
from kvmtui.qemu.brief import brief_session
from kvmtui.qemu.events import read_events
from kvmtui.qemu.image_tool import Course
from kvmtui.qemu.plain import PlainMonitor
from kvmtui.text import visible

_TURN_S = 0.2
_END_LIMIT_S = 30.0
_SWITCH_LIMIT_S = 120.0
"""A pivot writes out what QEMU still has of the new image, with the guest's lock held."""

Identity = tuple[int, int]


class Job(NamedTuple):
    """A block job of one guest, as the work's record has it."""

    id: str
    verb: str
    """``move``, ``flatten`` or ``commit``."""
    guest: str
    run: str
    """The run of the guest, as its start record has it."""
    qdev: str
    source: str
    """The image that the guest has."""
    node: str
    """Its node."""
    target: str = ""
    """The image that the guest gets; empty where it keeps its own."""
    target_node: str = ""
    """The node that was made for it; empty where QEMU has it anyway."""
    target_format: str = ""
    target_identity: Identity | None = None
    """Of the file that was made for it: no other is ever removed."""
    switching: bool = False
    """Whether QEMU was asked to let the guest change over."""


class End(NamedTuple):
    """How a job ended."""

    in_force: Literal["old", "new", "unknown"]
    error: str
    """QEMU's reason where the job failed."""
    removed: list[str]


def job_of(value: object) -> Job:
    """A job from a work's record.

    Raises:
        KvmtuiError: It is none.
    """
    try:
        job = Job(*value)  # type: ignore[misc]
        if job.target_identity is not None:
            device, inode = job.target_identity
            job = job._replace(target_identity=(device, inode))
        if all(isinstance(text, str) for text in job[:10]):
            return job
    except (TypeError, ValueError):
        pass
    raise KvmtuiError("the record of image work is damaged")


def arguments_of(job: Job, rate_bytes_per_s: int | None, more: dict[str, Any]) -> dict[str, Any]:
    """What each command that starts a job is given; it waits, ended, until it was read."""
    arguments: dict[str, Any] = {"job-id": job.id, "device": job.node, "auto-dismiss": False}
    if rate_bytes_per_s:
        arguments["speed"] = rate_bytes_per_s
    return {**arguments, **more}


def session(folder: GuestFolder) -> contextlib.AbstractContextManager[PlainMonitor]:
    """A monitor of a guest for a few commands about its images."""
    return brief_session(folder, "kvmtui image")


def carry_out(
    library: Library,
    one: Work,
    job: Job,
    start: Callable[[PlainMonitor], None],
    watcher: Watcher | None,
    what: str,
) -> End:
    """Run a job to its end; the record tells of it from before the first command on.

    Args:
        start: Gives the commands that start it.
        what: What is not done where it fails, such as ``a.qcow2 was not moved``.

    Raises:
        Cancelled: A person ended it; the guest has the old image.
        ImageError: It failed; so too.
        StateError: The guest ended meanwhile; its disk is the old image.
        MonitorTimeout: Its QEMU does not answer; whoever comes later settles it.
    """
    folder = library.folder(job.guest)
    course = one.course(watcher or Watcher())
    one.note_live(list(job))
    failure: KvmtuiError | OSError
    try:
        with session(folder) as monitor:
            start(monitor)
        found = _follow(folder, one, job, course)
        failure = ImageError("the job ended")
        if found.get("status") == "ready":
            # From here on, whatever fails, QEMU may have let the guest change over.
            job = job._replace(switching=True)
            end = _switch(library, folder, one, job)
        elif found.get("status") == "pending":
            _finalize(folder, job)
            end = settle(library, job, complete=True)
        else:
            end = settle(library, job)
    except (KvmtuiError, OSError) as error:
        failure = error
        end = _settled_after(library, job)
    except BaseException:
        one.unsettled = _settled_after(library, job).in_force == "unknown"
        raise
    one.unsettled = end.in_force == "unknown"
    return _judged(end, job, failure, what)


def _judged(end: End, job: Job, failure: KvmtuiError | OSError, what: str) -> End:
    if end.in_force == "unknown":
        raise MonitorTimeout(
            f"{what}: {job.guest} does not tell how it ended; the next kvmtui sees to it"
        )
    if end.in_force == "new" or not (job.target or end.error or _is_real(failure)):
        return end
    if isinstance(failure, Cancelled):
        raise Cancelled(f"{what}: it was cancelled")
    if isinstance(failure, OSError):
        raise failure
    if isinstance(failure, CommandRefused):
        raise ImageError(f"{what}: {failure.description}", hint=_remedy(failure.description))
    if end.error and not _is_real(failure):
        raise ImageError(f"{what}: {visible(end.error, limit=300)}", hint=_remedy(end.error))
    failure.message = f"{what}: {failure.message}"
    raise failure


def _is_real(failure: KvmtuiError | OSError) -> bool:
    """Whether something went wrong besides what the job itself tells."""
    return not (isinstance(failure, ImageError) and failure.message == "the job ended")


def _remedy(reason: str) -> str:
    if "No space left" in reason:
        return "make room on that file system"
    if "Permission denied" in reason:
        return "a place that the user of QEMU may write to"
    return ""


def _settled_after(library: Library, job: Job) -> End:
    """Settle after a failure; what cannot be settled now is left to the next kvmtui."""
    try:
        return settle(library, job)
    except (KvmtuiError, OSError):
        return End("unknown", "", [])


def _follow(folder: GuestFolder, one: Work, job: Job, course: Course) -> dict[str, Any]:
    """Wait until a job is ready to change over, or has ended; tell how far it is."""
    while True:
        if course.is_cancelled():
            raise Cancelled("it was cancelled")
        found = _look(folder, job)
        if found is not None:
            done, total = found.get("current-progress"), found.get("total-progress")
            if isinstance(done, int) and isinstance(total, int) and total > 0:
                one.total_bytes = total
                course.tell(min(99.9, 100 * done / total))
            if found.get("status") in ("ready", "pending", "concluded"):
                return found
        time.sleep(_TURN_S)


def _look(folder: GuestFolder, job: Job) -> dict[str, Any] | None:
    """The job as it is now; None where all monitors are taken for the moment.

    Raises:
        StateError: The guest ended, or the job is not there any more.
    """
    try:
        with session(folder) as monitor:
            found = block_nodes.jobs(monitor).get(job.id)
    except MonitorError as error:
        if is_this_run(folder, job):
            if isinstance(error, MonitorTimeout):
                return None
            raise
        raise StateError(f"{job.guest} ended meanwhile") from None
    except BusyError:
        return None
    if found is None:
        raise StateError("QEMU has ended the job without a word")
    return found


def is_this_run(folder: GuestFolder, job: Job) -> bool:
    """Whether the guest still runs, in the run in which the job was begun."""
    record = folder.start_record() or {}
    return record.get("run") == job.run and live_pid(folder, record, None) is not None


def _finalize(folder: GuestFolder, job: Job) -> None:
    """Let a job write into the image that it stands alone.

    QEMU writes this at once, and what it copied when the guest flushes (7.2): if it died in
    between, the image would lose all that. So what was copied is written out first.
    """
    with session(folder) as monitor:
        monitor.execute("human-monitor-command", {"command-line": f'qemu-io {job.node} "flush"'})
        monitor.execute("job-finalize", {"id": job.id})


def _switch(library: Library, folder: GuestFolder, one: Work, job: Job) -> End:
    """Let the guest change over to the new image; nobody starts it meanwhile."""
    with locked(folder):
        one.note_live(list(job), durable=True)
        with session(folder) as monitor:
            monitor.execute("job-complete", {"id": job.id})
        return settle(library, job, complete=True, is_locked=True)


def settle(
    library: Library,
    job: Job,
    *,
    complete: bool = False,
    is_locked: bool = False,
    limit_s: float = _END_LIMIT_S,
) -> End:
    """Bring a job to its end from wherever it is, and leave one image in force.

    Args:
        complete: Whether it was just asked to complete, and is waited for; else it is ended.
        is_locked: Whether the caller holds the guest's lock.
        limit_s: The longest that QEMU may take to end it.

    Raises:
        KvmtuiError: It cannot be told yet how it ended, or the definition not be changed.
    """
    folder = library.place(job.guest)
    if not os.path.isdir(folder.place):
        return End("old", "", _remove_target(job))
    holds = contextlib.nullcontext() if is_locked or not job.switching else locked(folder)
    with holds:
        in_force, error = _in_force(folder, job, complete, _SWITCH_LIMIT_S if complete else limit_s)
        removed = []
        if in_force == "new":
            _point_definition(library, folder, job)
            if os.path.exists(job.target) and not block_nodes.is_same(job.source, job.target):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(job.source)
                    removed.append(job.source)
        elif in_force == "old":
            removed = _remove_target(job)
    return End(in_force, error, removed)


def _remove_target(job: Job) -> list[str]:
    """Remove the file that was made for the guest, and no other that may be there by now."""
    with contextlib.suppress(FileNotFoundError):
        status = os.lstat(job.target)
        if (status.st_dev, status.st_ino) == job.target_identity:
            os.unlink(job.target)
            return [job.target]
    return []


def _in_force(
    folder: GuestFolder, job: Job, complete: bool, limit_s: float
) -> tuple[Literal["old", "new", "unknown"], str]:
    """Which image the guest has, once the job has ended; and why the job failed."""
    deadline = time.monotonic() + limit_s
    while is_this_run(folder, job):
        with contextlib.suppress(MonitorError, BusyError), session(folder) as monitor:
            ended = _ended_job(monitor, job, complete)
            if ended is not None:
                return _clean_nodes(monitor, job), ended
        if time.monotonic() > deadline:
            return "unknown", ""
        time.sleep(_TURN_S / 4)
    record = folder.start_record() or {}
    if record.get("run") != job.run or not job.switching:
        return "old", ""
    for event, _ in read_events(folder.at(EVENTS)):
        if event.name == "BLOCK_JOB_COMPLETED" and event.data.get("device") == job.id:
            return ("old" if event.data.get("error") else "new"), ""
    return "old", ""


def _ended_job(monitor: PlainMonitor, job: Job, complete: bool) -> str | None:
    """End a job; its error (empty where it has none) once it has ended, None until then."""
    found = block_nodes.jobs(monitor).get(job.id)
    if found is None:
        return ""
    if found.get("status") == "concluded":
        monitor.execute("job-dismiss", {"id": job.id})
        return str(found.get("error") or "")
    if not complete:
        with contextlib.suppress(CommandRefused):
            monitor.execute("block-job-cancel", {"device": job.id, "force": True})
    return None


def _clean_nodes(monitor: PlainMonitor, job: Job) -> Literal["old", "new"]:
    """Take away the node of the image that the guest does not have."""
    drive = next((one for one in block_nodes.drives(monitor) if one.qdev == job.qdev), None)
    is_new = bool(job.target) and drive is not None and _is_target(drive.file, job)
    left_over = job.node if is_new else job.target_node
    if left_over and not left_over.startswith("#"):
        with contextlib.suppress(CommandRefused):
            monitor.execute("blockdev-del", {"node-name": left_over})
    return "new" if is_new else "old"


def _is_target(file: str, job: Job) -> bool:
    return block_nodes.is_same(file, job.target)


def _point_definition(library: Library, folder: GuestFolder, job: Job) -> None:
    """Let the definition name the image that is in force; the caller holds the guest's lock."""
    before = load_plain(folder)
    after = copy.deepcopy(before)
    inside = os.path.dirname(job.target) == folder.place
    name = os.path.basename(job.target) if inside else job.target
    for disk in after.get("disks") or ():
        named = disk.get("file") if isinstance(disk, dict) else None
        if isinstance(named, str) and _names(folder, named, job.source):
            disk["file"] = name
            disk["format"] = job.target_format
    if after == before:
        return
    with told(folder, "set") as operation:
        operation.result["set"] = [f"disk {job.source} is {job.target} now"]
        save_change(folder, before, after)


def _names(folder: GuestFolder, named: str, source: str) -> bool:
    path = folder.resolve(named)
    return os.path.realpath(path) == os.path.realpath(source)
