"""The kept log of a console, by pages and by search: beside what a plain look at it finds."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from kvmtui.guest.library import Library
from kvmtui.manage import kept_log
from kvmtui.manage.kept_log import KeptLog, shown_lines
from kvmtui.qemu.events import punch_head


@pytest.fixture
def log(tmp_path):
    """Writes the log of a guest; returns its reader."""
    made = []

    def write(data, *, hole=0):
        path = tmp_path / "guests" / "g" / "console.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if hole:
            fd = os.open(path, os.O_WRONLY)
            punch_head(fd, hole)
            os.close(fd)
        made.append(KeptLog(Library(tmp_path), "g"))
        return made[-1]

    yield write
    for one in made:
        one.close()


def odd_lines(count):
    """Lines of all lengths and sorts, one of them longer than what is looked at at once."""
    chance = random.Random(7)
    parts = [
        b"word ",
        b"\x1b[31mRed\x1b[0m",
        b"\xc3\x84rger ",
        b"\t",
        b"\r",
        b"",
        b"\xff",
        b"needle",
    ]
    for number in range(count):
        yield (
            b"%d " % number
            + b"".join(chance.choices(parts, k=chance.randrange(12)))
            + (b" Needle" if chance.random() < 0.1 else b"")
        )
    yield b"long " * 40_000 + b"Needle at its end"


@pytest.mark.parametrize("hole", [0, 1 << 16])
def test_all_of_it_can_be_paged_and_searched(log, hole):
    raw = [*odd_lines(12_000), b"", b"last"]
    data = b"\n".join(raw)
    reader = log(data, hole=hole)
    kept = data[hole and len(data[:hole]) :].split(b"\n")
    wanted = [line for one in kept for line in shown_lines(one)]

    async def look():
        page = await reader.tail()
        assert page.is_last and not page.is_first and page.lines[-1] == "last"
        seen = list(zip(page.places, page.lines, strict=True))
        while not page.is_first:
            page = await reader.around(page.places[0])
            older = [
                one for one in zip(page.places, page.lines, strict=True) if one[0] < seen[0][0]
            ]
            assert older, "each page leads on"
            seen = older + seen
        forward = await reader.around(0)
        count = len(forward.lines)
        while not forward.is_last:
            last = forward.places[-1]
            forward = await reader.around(last)
            count += sum(place > last for place in forward.places)
        found = await reader.find("NEEDLE")
        return seen, count, found, await reader.count()

    seen, forward, found, count = asyncio.run(look())
    # A line that is longer than a block comes in pieces, which show more of it than its begin.
    short = [line for _, line in seen if not line.startswith(("long", "ong", "ng l", "g lo"))]
    assert [line for line in short if "word" in line or line == "last"] == [
        line for line in wanted if "word" in line or line == "last"
    ]
    assert abs(forward - len(seen)) < 8 and count == len(kept) - 1
    with_it = {place for place, line in seen if "needle" in line.casefold()}
    assert with_it - {found.places[-1]} <= set(found.places) and not found.more
    assert len(found.places) > 300 and found.places == sorted(set(found.places))


def test_too_many_are_told_and_a_search_can_be_given_up(log, monkeypatch):
    monkeypatch.setattr(kept_log, "MOST_FOUND", 50)
    reader = log(b"the same\n" * 100_000)

    async def look():
        found = await reader.find("same")
        assert found.more and len(found.places) == 50 and found.places[-1] == 9 * 99_999
        assert (await reader.find("other")).places == []
        search = asyncio.ensure_future(reader.find("other"))
        await asyncio.sleep(0)
        search.cancel()
        page = await reader.tail()
        assert page.lines == ["the same"] * 1000

    asyncio.run(look())


def test_no_log_is_no_lines(log):
    reader = log(b"")
    os.unlink(reader._path)
    assert asyncio.run(reader.tail()).lines == []
    assert asyncio.run(reader.find("x")).places == [] and asyncio.run(reader.count()) == 0
