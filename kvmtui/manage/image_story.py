"""What is and was done to images, from the home's story: for Activity and for `image info`."""

from __future__ import annotations

from kvmtui.guest import history
from kvmtui.guest.history import seconds_of
from kvmtui.guest.library import Library
from kvmtui.manage.image_names import shown_name
from kvmtui.manage.image_records import CUT_OFF, records
from kvmtui.manage.views import OperationView
from kvmtui.text import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

_TAIL_BYTES = 256 << 10
_MOST = 50


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
    number = str(begin.get("id"))
    result: Literal["running", "done", "failed", "interrupted"]
    percent, ended, message = None, None, ""
    if end is not None:
        told = end.get("result")
        result = "done" if told == "done" else "failed" if told == "failed" else "interrupted"
        message, ended = str(end.get("message", "")), seconds_of(str(end.get("time")))
    elif number in under_way:
        result, found = "running", under_way[number].get("percent")
        percent = float(found) if isinstance(found, int | float) else None
    else:
        result, message = "interrupted", CUT_OFF
    pid = begin.get("pid")
    return OperationView(
        id=number,
        guest="",
        verb=visible(str(begin.get("verb")), limit=20),
        result=result,
        user=visible(str(begin.get("user")), limit=40),
        pid=pid if isinstance(pid, int) else None,
        begun=seconds_of(str(begin.get("time"))),
        ended=ended,
        message=visible(message),
        image=visible(shown_name(library, str(begin.get("image"))), limit=120),
        percent=percent,
    )


def last_check(library: Library, path: str) -> tuple[float, str] | None:
    """When an image was last checked, as of the story's end, and what was found."""
    lines = history.read(library.history, tail_bytes=_TAIL_BYTES, holding=b'"check"')
    for line in reversed(lines):
        if line.get("phase") == "end" and line.get("image") == path and "found" in line:
            return seconds_of(line["time"]), visible(str(line["found"]), limit=120)
    return None
