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

_BYTES = 4 << 30
"""Enough that what a start costs does not count, at two gigabytes a second too."""
_ROUNDS = 9
_MANY = 1000

Cost = tuple[float, float]


def measure(home: Path) -> None:
    """Convert an image of 4 GiB, half of it random, against qemu-img; list 1,000 images."""
    library = Library(home)
    library.make()
    folder = library.images
    _make(folder / "source.qcow2")
    ways: dict[str, Callable[[Path], None]] = {
        "ours": lambda target: _convert_ours(library, target),
        "theirs": lambda target: _convert(target, sync=False),
        "synced": lambda target: _convert(target, sync=True),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(_ROUNDS):
        # Each is the first of a round as often: later ones find less memory that is free.
        names = [*ways][number % 3 :] + [*ways][: number % 3]
        for name in names:
            target = folder / f"{name}.qcow2"
            costs[name].append(_cost(lambda name=name, target=target: ways[name](target)))  # type: ignore[misc]
            target.unlink()
            os.sync()
    ours, theirs, synced = costs["ours"], costs["theirs"], costs["synced"]
    _tell("convert of 4 GiB", ours, theirs, "qemu-img convert")
    _tell("convert of 4 GiB", ours, synced, "qemu-img convert and fsync")
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


def _cost(act: Callable[[], object]) -> Cost:
    """How long it took, and the processor time of all of it, its programs included."""
    before = os.times()
    took = _seconds(act)
    after = os.times()
    return took, sum(after[:4]) - sum(before[:4])


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _tell(title: str, ours: list[Cost], theirs: list[Cost], against: str) -> None:
    for what, index in (("time", 0), ("processor time", 1)):
        mine = statistics.median(one[index] for one in ours)
        other = statistics.median(one[index] for one in theirs)
        # Each round's own share says more where the machine's speed drifts.
        shares = [one[index] / two[index] for one, two in zip(ours, theirs, strict=True)]
        print(
            f"{title}, {what}: {mine:.2f} s against {other:.2f} s of {against}: "
            f"{mine / other:.3f}; of each round {statistics.median(shares):.3f}"
        )
