"""`help` as a user calls it."""

from __future__ import annotations

import re

import pytest


def test_first_steps_are_for_who_has_only_a_shell(kvmtui):
    done = kvmtui.ok("help", "first-steps")
    for title in ("Host, guest, hypervisor", "Where KVM sits", "This machine", "A first guest"):
        assert f"{title}\n{'=' * len(title)}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert not kvmtui.home.exists()


def test_first_steps_as_json(kvmtui):
    found = kvmtui.ok("help", "first-steps", "--json").json
    assert [sorted(page) for page in found] == [["text", "title"]] * 7


def test_help_without_a_topic_lists_the_verbs(kvmtui):
    done = kvmtui.ok("help")
    assert done.out == kvmtui.ok("--help").out
    assert "help first-steps" in done.out


def test_help_of_a_verb_is_its_own(kvmtui):
    assert kvmtui.ok("help", "start").out == kvmtui.ok("start", "--help").out


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("first-step", "kvmtui help first-steps"),
        ("strat", "kvmtui help start"),
        ("\x1b[", "kvmtui help"),
    ],
)
def test_no_such_topic(kvmtui, topic, hint):
    done = kvmtui("help", topic)
    first, second = done.err.splitlines()
    assert done.status == 2 and first.endswith(": there is no such topic") and "\x1b" not in first
    assert second == f"  try: {hint}"


def test_the_commands_of_the_book_are_ours(kvmtui, tmp_path):
    """Every option that the page names is taken by create."""
    text = kvmtui.ok("help", "first-steps").out
    page = text[text.index("From the book") : text.index("When KVM is missing")]
    options = set(re.findall(r"(--[a-z]+) ", page))
    assert options >= {"--disk", "--memory", "--cpus", "--cdrom", "--set", "--forward"}
    iso = tmp_path / "debian.iso"
    iso.write_bytes(bytes(1 << 20))
    kvmtui.ok(
        *("create", "a", "--disk", "20M", "--memory", "64M", "--cpus", "2"),
        *("--cdrom", str(iso), "--set", "boot=[cdrom, disk]", "--accelerator", "auto"),
        *("--forward", "2222:22"),
    )
    assert (
        "-boot" in kvmtui.ok("show", "a", "--argv").out
        or "bootindex" in kvmtui.ok("show", "a", "--argv").out
    )
