"""QEMU's answers to typed values, and what is no answer to nothing."""

from __future__ import annotations

import json

import pytest

from kvmtui.stats import answers

NOT_KNOWN = 2**64 - 1


def line(value):
    return json.dumps({"return": value}).encode() + b"\r"


REFUSED = b'{"error": {"class": "GenericError", "desc": "no such thing"}, "id": 1}'
BROKEN = [
    REFUSED,
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b'{"return": 12.5}',
    b'{"return": "text"}',
    b'{"return": [[]]}',
    b'{"return": [{"stats": {"rd_bytes": "1"}}]}',
    b'{"return": [{"stats": {"rd_bytes": 1e99}}]}',
]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    "read",
    [
        answers.read_drives,
        answers.read_balloon,
        answers.read_threads,
        answers.read_number,
        answers.read_exits,
    ],
)
def test_what_is_no_answer_is_not_known(read, broken):
    assert read(broken) is None


def drive(qdev, **counters):
    return {"device": "", "qdev": qdev, "stats": {"rd_bytes": 1, "idle_time_ns": 7, **counters}}


def test_drives_and_their_counters():
    histogram = {"boundaries": [10, 20], "bins": [1, 2, 3]}
    found = answers.read_drives(
        line(
            [
                drive(
                    "hd0",
                    wr_bytes=512,
                    rd_operations=3,
                    wr_operations=1,
                    flush_operations=2,
                    rd_total_time_ns=5,
                    wr_total_time_ns=6,
                    failed_wr_operations=1,
                    failed_flush_operations=1,
                    account_failed=True,
                    rd_latency_histogram=histogram,
                    wr_latency_histogram=histogram,
                    flush_latency_histogram=histogram,
                ),
                drive("/machine/system.flash0"),
                drive(""),
                drive("/machine/peripheral/hd1/virtio-backend", failed_rd_operations=4),
            ]
        )
    )
    assert found == [
        answers.DiskCounters("hd0", 1, 512, 3, 1, 2, 11, 5, 2, (10, 20), (2, 4, 6)),
        answers.DiskCounters(
            "/machine/peripheral/hd1/virtio-backend", 1, 0, 0, 0, 0, 0, 0, 4, (), ()
        ),
    ]


def test_histograms_that_do_not_fit_are_none():
    for other in ({"boundaries": [10], "bins": [1, 2]}, {"boundaries": [10, 20], "bins": [1]}):
        one = drive(
            "hd0",
            rd_latency_histogram={"boundaries": [10, 20], "bins": [1, 2, 3]},
            wr_latency_histogram=other,
        )
        assert answers.read_drives(line([one]))[0].boundaries_ns == ()


def test_no_more_drives_than_a_bound():
    many = [drive(f"hd{index}") for index in range(answers.MOST_DRIVES + 50)]
    assert len(answers.read_drives(line(many))) == answers.MOST_DRIVES


@pytest.mark.parametrize(
    ("total", "available", "updated", "used"),
    [
        (1000, 400, 5, 600),
        (1000, 400, 0, None),
        (NOT_KNOWN, 400, 5, None),
        (1000, NOT_KNOWN, 5, None),
        (1000, 1001, 5, None),
    ],
)
def test_what_the_balloon_tells(total, available, updated, used):
    stats = {"stat-total-memory": total, "stat-available-memory": available, "stat-swap-in": 3}
    state = answers.read_balloon(line({"stats": stats, "last-update": updated}))
    assert state == answers.BalloonState(used, updated)


def test_threads_are_in_the_order_of_the_processors():
    processors = [{"thread-id": 8, "cpu-index": 1, "target": "x"}, {"thread-id": 7}]
    assert answers.read_threads(line(processors)) == (7, 8)


def test_exits_are_those_of_all_processors():
    provided = [
        {"provider": "kvm", "qom-path": "/x", "stats": [{"name": "exits", "value": 5}]},
        {
            "provider": "kvm",
            "stats": [{"name": "halt", "value": [1, 2]}, {"name": "exits", "value": 7}],
        },
    ]
    assert answers.read_exits(line(provided)) == 12
    assert answers.read_exits(line([])) is None, "emulation"
