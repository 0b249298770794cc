"""What is and was done to images, from the home's story: for Activity and for `image info`."""

from __future__ import annotations

from kvmtui.guest import history
from kvmtui.guest.history import seconds_of
from kvmtui.guest.library import Library
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_records import records
from kvmtui.manage.operations import operation_of
from kvmtui.manage.views import OperationView
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TAIL_BYTES = 256 << 10
_MOST = 50
REMEDY = "; try: "
"""Between why something failed and what helps."""


def read_image_work(library: Library) -> list[OperationView]:
    """The newest work on images, oldest first, with how far it is."""
    lines = history.read(library.history, tail_bytes=_TAIL_BYTES, holding=b'"image"')
    under_way = {record["id"]: record for record, held in records(library) if held}
    ends = {line.get("id"): line for line in lines if line.get("phase") == "end"}
    begins = [line for line in lines if line.get("phase") == "begin"]
    return [_view(library, line, ends.get(line.get("id")), under_way) for line in begins[-_MOST:]]


def _view(
    library: Library,
    begin: dict[str, Any],
    end: dict[str, Any] | None,
    under_way: dict[str, dict[str, Any]],
) -> OperationView:
    record = under_way.get(str(begin.get("id"))) if end is None else None
    # A pull knows its image's whole name only once it has the checksum.
    newest = end or record or begin
    one = operation_of(
        begin,
        end,
        running=record is not None,
        image=visible(shown_name(library, str(newest.get("image"))), limit=120),
        percent=_figure(record, "percent"),
    )
    if end is not None and end.get("hint"):
        hint = visible(str(end["hint"]), limit=200)
        one = one._replace(message=f"{one.message}{REMEDY}{hint}")
    if record is None:
        return one
    rate, left = _figure(record, "rate_bytes_per_s"), _figure(record, "left_s")
    return one._replace(rate_bytes_per_s=rate, left_s=left)


def _figure(record: dict[str, Any] | None, key: str) -> float | None:
    value = record.get(key) if record is not None else None
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e18 else None


def last_check(library: Library, path: str) -> tuple[float, str] | None:
    """When an image was last checked, as of the story's end, and what was found."""
    lines = history.read(library.history, tail_bytes=_TAIL_BYTES, holding=b'"check"')
    for line in reversed(lines):
        if line.get("phase") == "end" and line.get("image") == path and "found" in line:
            return seconds_of(line["time"]), visible(str(line["found"]), limit=120)
    return None
