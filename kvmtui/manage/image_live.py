"""What is done to the disk of a guest that runs: by QMP on that guest, by nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

from kvmtui.errors import Cancelled, StateError
from kvmtui.guest.library import Library
from kvmtui.guest.units import format_size
from kvmtui.manage import image_changing, image_guard, power
from kvmtui.manage.image_resized import follow_size
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.image_work import Watcher, work
from kvmtui.manage.images import ImageView
from kvmtui.manage.views import Outcome
from kvmtui.qemu import block_nodes
from kvmtui.qemu.monitor import Monitor, command_session
from kvmtui.text import visible

_RESIZE_LIMIT_S = 60.0


async def resize(
    library: Library,
    path: str,
    size_bytes: int,
    *,
    shrink: bool = False,
    relative: bool = False,
    follow: bool = False,
    watcher: Watcher | None = None,
) -> Outcome:
    """Give an image another size; where its guest runs, let that guest's QEMU grow it.

    Args:
        relative: Whether the size is what is added.

    Raises:
        StateError: It would shrink and must not, or is in use by something else.
        ImageError: Its format cannot; it is as it was.
        MonitorError: The guest's QEMU refused, or did not answer.
        Cancelled: A person ended it before the guest's QEMU was asked.
    """
    view = image_guard.view_of(library, path)
    size = image_changing.known_size(view) + size_bytes if relative else size_bytes
    user = _running_writer(view)
    if user is None:
        return image_changing.resize(
            library, path, size, shrink=shrink, follow=follow, watcher=watcher
        )
    old = image_changing.known_size(view)
    name = visible(view.name)
    if size < old:
        raise StateError(
            f"{name} was not shrunk: {user.guest} runs and uses it",
            hint=f"kvmtui shutdown {user.guest}",
        )
    return await _grow(library, view, user, size, watcher or Watcher())


def _running_writer(view: ImageView) -> ImageUser | None:
    return next((u for u in view.used_by if u.running and u.role.startswith("disk")), None)


async def _grow(
    library: Library, view: ImageView, user: ImageUser, size: int, watcher: Watcher
) -> Outcome:
    folder = library.folder(user.guest)
    name, old = visible(view.name), image_changing.known_size(view)
    with work(library, "resize", view.path, writes=(view.path,)) as one:
        place = power.monitors_of(folder)
        async with command_session(place, f"kvmtui image resize {user.guest}") as session:
            node, now = await _node_of(session, view.path, name, user)
            if now is not None and now >= size:
                message = f"{name} has {format_size(now)} already"
                return Outcome(name, "image resize", False, message)
            if one.course(watcher).is_cancelled():
                raise Cancelled(f"{name} was not resized: it was cancelled")
            arguments = {"node-name": node, "size": size}
            await session.execute("block_resize", arguments, limit_s=_RESIZE_LIMIT_S)
        one.result |= {"from_bytes": old, "to_bytes": size, "guest": user.guest}
    message = f"{name} has {format_size(size)} now, it had {format_size(old)}; {user.guest} runs on"
    fault = await asyncio.to_thread(follow_size, library, view, size)
    note = "\n".join(filter(None, (image_changing.INSIDE, fault)))
    return Outcome(name, "image resize", True, message, note)


async def _node_of(
    session: Monitor, path: str, name: str, user: ImageUser
) -> tuple[str, int | None]:
    """The format node of an image in its guest, and its virtual size there."""
    nodes: Any = await session.execute("query-named-block-nodes", {"flat": True})
    node = block_nodes.format_node_in(nodes, path)
    if node is None or node.get("ro"):
        raise StateError(
            f"{name} was not resized: {user.guest} runs, and does not write to it in this run",
            hint=f"kvmtui shutdown {user.guest}",
        )
    size = node.get("image", {}).get("virtual-size")
    return str(node["node-name"]), size if isinstance(size, int) else None
