"""Packets by the queues of virtio cards: told only where 16 bits are enough for sure."""

from __future__ import annotations

import json
import os

import pytest

from kvmtui.stats import queues
from kvmtui.stats.queues import Card

CARD = Card("nic0", "52:54:00:00:00:01")


def answer(used, desc=4096):
    return json.dumps({"return": {"used-idx": used, "vring-desc": desc, "inuse": 0}}).encode()


def rates_of(monkeypatch, first, second, loop=0.02):
    """What is told of two readings a second apart, between which the main loop ran so long."""
    ran = iter([1.0, 1.0, 1.0, 1.0 + loop])
    monkeypatch.setattr(queues, "loop_s", lambda pid: next(ran))
    meter = queues.QueuesMeter(1, [CARD])
    for moment, pair in ((1.0, first), (2.0, second)):
        names = [name for name, _ in meter.questions()]
        told = meter.take(dict(zip(names, pair, strict=True)), (moment, moment))
    return told


def test_packets_are_told_and_bytes_are_not(monkeypatch):
    (card,) = rates_of(monkeypatch, [answer(5), answer(65530)], [answer(105), answer(4)])
    assert (card.receive_packets_per_s, card.transmit_packets_per_s) == (100, 10)
    assert card.name == CARD.mac
    assert card.receive_bytes_per_s is card.transmit_bytes_per_s is card.drops_per_s is None


@pytest.mark.parametrize(
    ("first", "second", "loop"),
    [
        (answer(5), answer(105), 0.07),
        (answer(9000), answer(2), 0.02),
        (answer(5, desc=0), answer(5), 0.02),
        (answer(5), answer(5, desc=0), 0.02),
        (b'{"error": {"class": "CommandNotFound"}}', answer(5), 0.02),
        (b"{", answer(5), 0.02),
    ],
    ids=["may have gone round", "begun anew", "not set up", "taken down", "refused", "torn"],
)
def test_what_is_not_sure_is_not_told(monkeypatch, first, second, loop):
    told = rates_of(monkeypatch, [first] * 2, [second] * 2, loop)
    assert all(one.receive_packets_per_s is None for one in told)


def test_the_main_loop_is_the_first_thread():
    ours = queues.loop_s(os.getpid())
    assert ours is not None and ours > 0
    assert queues.loop_s(0) is None
