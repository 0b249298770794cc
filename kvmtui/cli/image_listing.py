"""`image list`, `image info`, `image tree`: looking at images."""

from __future__ import annotations

import argparse
import time

from kvmtui.cli.context import Context, table
from kvmtui.guest.units import format_size
from kvmtui.manage import image_info, image_places, image_secrets, image_tree, images
from kvmtui.manage.images import ImageView, Survey
from kvmtui.text import visible

_HEADS = ("NAME", "FORMAT", "SIZE", "REAL", "USED BY", "SNAP", "CHANGED", "TROUBLE")


def configure_list(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image list`."""


def run_list(arguments: argparse.Namespace, context: Context) -> int:
    """List images."""
    found = images.survey(context.library)
    views = list(found.images.values())
    if context.as_json:
        context.document([image_info.view_document(view) for view in views])
    else:
        _print_rows(context, [(view.name, view) for view in views])
    _note_silence(context, found)
    return 0


def configure_tree(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image tree`."""
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="those; default: all")


def run_tree(arguments: argparse.Namespace, context: Context) -> int:
    """Draw which image stands on which."""
    library = context.library
    paths = [image_places.find_image(library, text) for text in arguments.images]
    found = images.survey(library, paths)
    rows = image_tree.tree_rows(found.images)
    if paths:
        wanted = _families(found, paths)
        rows = [(depth, view) for depth, view in rows if view.path in wanted]
    if context.as_json:
        documents = []
        for depth, view in rows:
            document = image_info.view_document(view)
            documents.append({**document, "depth": depth, "children": list(view.children)})
        context.document(documents)
    else:
        signs = image_tree.tree_signs([depth for depth, _ in rows])
        named = [(sign + view.name, view) for sign, (_, view) in zip(signs, rows, strict=True)]
        _print_rows(context, named)
    _note_silence(context, found)
    return 0


def _families(found: Survey, paths: list[str]) -> set[str]:
    """The images that stand in one tree with these."""
    wanted: set[str] = set()
    waiting = [image_tree.chain_below(found.images, path)[-1].path for path in paths]
    while waiting:
        path = waiting.pop()
        if path not in wanted:
            wanted.add(path)
            waiting.extend(found.images[path].children)
    return wanted


def _print_rows(context: Context, rows: list[tuple[str, ImageView]]) -> None:
    cells = [(visible(name, limit=200), *_cells(view)) for name, view in rows]
    if cells:
        context.say(table(_HEADS, cells, right=frozenset({2, 3, 5})))
    elif not context.quiet:
        context.say("no images: kvmtui image create NAME SIZE makes one")


def _cells(view: ImageView) -> tuple[str, ...]:
    return (
        view.format or "-",
        "-" if view.virtual_size_bytes is None else format_size(view.virtual_size_bytes),
        "-" if view.actual_size_bytes is None else format_size(view.actual_size_bytes),
        _used_by(view),
        "-" if view.snapshots is None else str(view.snapshots),
        "-" if view.changed is None else time.strftime("%Y-%m-%d", time.localtime(view.changed)),
        view.trouble,
    )


def _used_by(view: ImageView) -> str:
    if not view.used_by:
        return "-"
    if len(view.used_by) > 2:
        return f"{len(view.used_by)} guests"
    return ", ".join(f"{user.guest}{'*' if user.running else ''}" for user in view.used_by)


def _note_silence(context: Context, found: Survey) -> None:
    for path in found.silent:
        context.note(f"{visible(path)} does not answer; its images are not listed")
    for path, reason in found.unreadable:
        context.note(f"{visible(path)}: {reason}")


def configure_info(parser: argparse.ArgumentParser) -> None:
    """Arguments of `image info`."""
    parser.add_argument("image", metavar="IMAGE", help="a path, or a name as in `image list`")


def run_info(arguments: argparse.Namespace, context: Context) -> int:
    """Tell all about one image."""
    library = context.library
    info = image_info.image_info(library, image_places.find_image(library, arguments.image))
    if context.as_json:
        context.document(image_info.info_document(info))
    else:
        rows = _info_rows(info)
        if info.view.header is not None and info.view.header.encrypted:
            rows.append(("encrypted", image_secrets.told_secret(library, info.view)))
        width = max(len(label) for label, _ in rows)
        lines = [f"  {label.ljust(width)}  {text}" for label, text in rows]
        context.say("\n".join([visible(info.view.name), *lines]))
    return 0


def _info_rows(info: image_info.ImageInfo) -> list[tuple[str, str]]:
    view, header = info.view, info.view.header
    rows = [("file", visible(view.path)), ("format", _format(info))]
    if view.virtual_size_bytes is not None:
        size = f"{format_size(view.virtual_size_bytes)} ({view.virtual_size_bytes} bytes)"
        rows.append(("virtual size", size))
    if view.actual_size_bytes is not None:
        rows.append(("real size", format_size(view.actual_size_bytes)))
    for user in view.used_by:
        running = ", which runs" if user.running else ""
        rows.append(("used by", f"{user.guest} as {user.role}{running}"))
    if view.backing is not None:
        told = f" ({view.backing.format})" if view.backing.format else ""
        rows.append(("stands on", view.backing.text + told))
    rows += [("chain", f"{visible(one.name)}  {_share(one)}") for one in info.chain[1:]]
    rows += [("below", visible(path)) for path in view.children]
    if header is not None:
        rows += [("data in", visible(name)) for name in header.data_files]
    rows += [("snapshot", _snapshot(one)) for one in info.snapshots]
    if info.medium is not None:
        found = info.medium.recognition
        rows.append(("volume id", info.medium.media.volume_id or "none"))
        rows.append(("system", info.medium.told))
        rows += [("machine", found.arch)] if found.arch else []
        rows.append(("boots by", ", ".join(found.boot) or "nothing"))
    rows += [("cloud image", info.cloud)] if info.cloud else []
    if info.checked is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.checked[0]))
        rows.append(("checked", f"{when}, {info.checked[1]}"))
    rows += [("trouble", text) for text in dict.fromkeys((view.trouble, info.fault)) if text]
    return rows


def _format(info: image_info.ImageInfo) -> str:
    view, header = info.view, info.view.header
    parts = [view.format or "cannot be read"]
    if header is not None:
        if header.cluster_bytes is not None:
            parts.append(f"clusters of {format_size(header.cluster_bytes)}")
        parts += ["lazy refcounts"] if header.lazy_refcounts else []
        parts += [header.compression] if header.compression else []
        parts += ["encrypted"] if header.encrypted else []
        parts += ["marked corrupt"] if header.corrupt else []
    return ", ".join(parts)


def _share(view: ImageView) -> str:
    real = "-" if view.actual_size_bytes is None else format_size(view.actual_size_bytes)
    size = "-" if view.virtual_size_bytes is None else format_size(view.virtual_size_bytes)
    return f"{real} of {size}"


def _snapshot(one: image_info.SnapshotView) -> str:
    when = "-"
    if one.time is not None:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.time))
    memory = f", with {format_size(one.vm_state_bytes)} of memory" if one.vm_state_bytes else ""
    return f"{one.name}  {when}{memory}"
