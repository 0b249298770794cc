"""A seed: a small CD image with a label, and files for cloud-init or an installer.

Written and read by pycdlib, which is imported only here. Every file has its true name by
Rock Ridge (Linux, the BSDs) and by Joliet (Windows).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import NamedTuple

from kvmtui.durable import reading
from kvmtui.errors import ImageError
from kvmtui.text import visible

MOST_BYTES = 8 << 20
_MOST_FILES = 64
_LONGEST_NAME = 64
"""Of Joliet."""


class Seed(NamedTuple):
    """What a seed holds."""

    label: str
    files: dict[str, bytes]


def write_seed(label: str, files: Mapping[str, bytes]) -> bytes:
    """A CD image with these files at its root.

    Raises:
        ImageError: They are too many, too large, or a name is none.
    """
    from pycdlib import PyCdlib

    if len(files) > _MOST_FILES or sum(map(len, files.values())) > MOST_BYTES:
        raise ImageError(f"a seed holds {_MOST_FILES} files and {MOST_BYTES >> 20} MiB at the most")
    image = PyCdlib()
    image.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09")
    for number, (name, data) in enumerate(files.items()):
        if not name or "/" in name or len(name) > _LONGEST_NAME:
            raise ImageError(f"'{visible(name, limit=80)}' cannot be the name of a seed's file")
        image.add_fp(
            io.BytesIO(data),
            len(data),
            iso_path=f"/F{number:07d}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    made = io.BytesIO()
    image.write_fp(made)
    image.close()
    return made.getvalue()


def read_seed(path: str) -> Seed:
    """What a seed holds; the image may be anybody's.

    Raises:
        ImageError: It cannot be read, or is no seed.
    """
    try:
        with reading(path) as file:
            data = file.read(2 * MOST_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{visible(path)}: {error.strerror}") from None
    if len(data) > 2 * MOST_BYTES:
        raise ImageError(f"{visible(path)} is too large for a seed")
    try:
        return _read(data)
    except ImageError:
        raise
    except Exception as error:  # noqa: BLE001 - pycdlib fails in many ways on a damaged image
        text = visible(str(error), limit=200)
        raise ImageError(f"{visible(path)} cannot be read as a seed: {text}") from None


def _read(data: bytes) -> Seed:
    from pycdlib import PyCdlib

    image = PyCdlib()
    image.open_fp(io.BytesIO(data))
    label = image.pvd.volume_identifier.decode("ascii", "replace").rstrip()
    files: dict[str, bytes] = {}
    for child in image.list_children(rr_path="/"):
        if child is None or not child.is_file():
            continue
        if len(files) >= _MOST_FILES or child.get_data_length() > MOST_BYTES:
            raise ImageError("it holds more than a seed does")
        name = child.rock_ridge.name().decode("utf-8", "replace")
        content = io.BytesIO()
        image.get_file_from_iso_fp(content, rr_path=f"/{name}")
        files[name] = content.getvalue()
    image.close()
    return Seed(label, files)
