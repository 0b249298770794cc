"""Agents that answer, that do not, and that say whatever they like."""

from __future__ import annotations

import json
import socket

import pytest

from kvmtui.qemu import agent_polls
from kvmtui.qemu.agent_polls import AgentPoll
from kvmtui.qemu.claims import claim
from kvmtui.stats import answers


@pytest.fixture
def channel(tmp_path, monkeypatch):
    """An agent's channel, and a poll of it that asks at each step."""
    monkeypatch.setattr(agent_polls, "EVERY_S", 0.0)
    monkeypatch.setattr(agent_polls, "_REST_S", 0.0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "agent"))
        listener.listen()
        folder = str(tmp_path)
        poll = AgentPoll(folder, folder, "agent", answers.ASK_CARDS, "a test")
        yield poll, listener, folder
        poll.close()


def asked(poll, listener):
    """Have it ask; returns the agent's end and the answer to its synchronization."""
    assert poll.step() is None
    peer, _ = listener.accept()
    sync, question, rest = peer.recv(1000).split(b"\n")
    assert sync[:1] == b"\xff" and question + b"\n" == answers.ASK_CARDS and rest == b""
    number = json.loads(sync[1:])["arguments"]["id"]
    return peer, b'\xff{"return": %d}\n' % number


def test_an_answer_gives_the_channel_back(channel):
    poll, listener, folder = channel
    peer, sync = asked(poll, listener)
    assert claim(folder, "agent", "another") is None
    assert poll.step() is None
    peer.sendall(b'{"return": "older"}\n\xff{"return": 1}\n{"return": 2}\n' + sync + b'{"return"')
    assert poll.step() is None
    peer.sendall(b": []}\n")
    line, when = poll.step()
    assert line == b'{"return": []}' and when > 0
    assert peer.recv(1) == b"", "the channel is free again"
    peer.close()
    peer, _ = asked(poll, listener)
    peer.close()


@pytest.mark.parametrize("said", [b"", b"x" * (2 << 20)], ids=["leaves", "without end"])
def test_one_that_leaves_or_never_ends(channel, said):
    poll, listener, _ = channel
    peer, _ = asked(poll, listener)
    peer.setblocking(False)
    while said and poll._socket is not None:
        said = said[peer.send(said[:4096]) :]
        assert poll.step() is None
    peer.close()
    while poll._socket is not None:
        assert poll.step() is None
    again, _ = asked(poll, listener)
    again.close()


def test_one_that_says_nothing_is_left_alone(channel, monkeypatch):
    poll, listener, _ = channel
    peer, _ = asked(poll, listener)
    monkeypatch.setattr(agent_polls, "LIMIT_S", -1.0)
    assert poll.step() is None and peer.recv(1) == b""
    peer.close()


def test_nobody_there(tmp_path):
    poll = AgentPoll(str(tmp_path), str(tmp_path), "agent", answers.ASK_CARDS, "a test")
    assert poll.step() is None and poll.step() is None
    poll.close()


MAC = "52:54:00:12:34:56"


def card(mac, received, **more):
    statistics = {"rx-bytes": received, "tx-bytes": 2 * received, "rx-dropped": 1, **more}
    return {"name": "eth0", "hardware-address": mac, "statistics": statistics}


@pytest.mark.parametrize(
    ("cards", "found"),
    [
        ([card(MAC.upper(), 5)], {MAC: (5, 0, 10, 0, 1)}),
        ([card(MAC, 5), card(MAC, 9)], {MAC: (5, 0, 10, 0, 1)}),
        ([card("00:00:00:00:00:00", 5)], {}),
        ([{"name": "lo"}, {"hardware-address": MAC}], {}),
        ([card(MAC, "5")], {}),
        ([card(MAC, 1e300)], {}),
        ("text", {}),
        (None, {}),
    ],
)
def test_cards_of_an_agent(cards, found):
    line = json.dumps({"return": cards}).encode()
    assert answers.read_cards(line, [MAC]) == found
