"""What image work costs besides qemu-img itself, and what a list of many images takes."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from kvmtui.guest import seed_image
from kvmtui.guest.library import Library
from kvmtui.manage import image_copying, images

_BYTES = 1 << 30
_ROUNDS = 5
_MANY = 1000


def measure(home: Path) -> None:
    """Convert an image of 1 GiB, half of it random, against qemu-img; list 1,000 images."""
    library = Library(home)
    library.make()
    folder = library.images
    _make(folder / "source.qcow2")
    ours, theirs, synced = [], [], []
    for _ in range(_ROUNDS):
        theirs.append(_seconds(lambda: _convert(folder / "theirs.qcow2", sync=False)))
        synced.append(_seconds(lambda: _convert(folder / "synced.qcow2", sync=True)))
        ours.append(_seconds(lambda: _convert_ours(library, folder / "ours.qcow2")))
        for name in ("theirs", "synced", "ours"):
            (folder / f"{name}.qcow2").unlink()
        os.sync()
    _tell("convert of 1 GiB", ours, theirs, "qemu-img convert")
    _tell("convert of 1 GiB", ours, synced, "qemu-img convert and fsync")
    for index in range(_MANY):
        words = ["qemu-img", "create", "-q", "-f", "qcow2", str(folder / f"m{index}.qcow2"), "1G"]
        subprocess.run(words, check=True)
    catalog = images.ImageCatalog(library)
    cold = _seconds(catalog.survey)
    warm = statistics.median(_seconds(catalog.survey) for _ in range(_ROUNDS))
    files = {"user-data": b"#cloud-config\n" * 100, "meta-data": b"", "network-config": b""}
    seed_image.write_seed("CIDATA", files)
    seed = statistics.median(
        _seconds(lambda: seed_image.write_seed("CIDATA", files)) for _ in range(_ROUNDS)
    )
    print(f"seed of three files: {seed * 1000:.1f} ms")
    print(f"list of {_MANY} images: cold {cold * 1000:.0f} ms, warm {warm * 1000:.0f} ms")


def _make(path: Path) -> None:
    raw = path.with_suffix(".raw")
    with open(raw, "wb") as file:
        for index in range(0, _BYTES, 16 << 20):
            file.seek(index)
            file.write(os.urandom(8 << 20))
        file.truncate(_BYTES)
    words = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(path)]
    subprocess.run(words, check=True)
    raw.unlink()


def _convert(target: Path, *, sync: bool) -> None:
    source = str(target.with_name("source.qcow2"))
    words = ["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", source, str(target)]
    subprocess.run(words, check=True)
    if sync:
        fd = os.open(target, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


def _convert_ours(library: Library, target: Path) -> None:
    source = str(target.with_name("source.qcow2"))
    image_copying.convert(library, source, str(target), image_copying.Copy("qcow2"))


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _tell(title: str, ours: list[float], theirs: list[float], against: str) -> None:
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"{title}: {mine:.2f} s against {other:.2f} s of {against}: {mine / other:.2f}")
