"""Plain words are read without argparse, and as argparse reads them."""

from __future__ import annotations

import contextlib
import importlib
import io

import pytest

from kvmtui.cli.main import _plain
from kvmtui.cli.parsing import verb_parser, words_before
from kvmtui.cli.verbs import VERBS
from kvmtui.errors import UsageError


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("words", [[], ["a"], ["a", "b"], ["a", "bash", ""], ["a=b", "--all"]])
def test_plain_words_are_what_argparse_makes_of_them(verb, words):
    plain = _plain([verb, *words])
    if plain is None:
        return
    with contextlib.redirect_stderr(io.StringIO()):
        parsed = vars(verb_parser(verb).parse_args(words, words_before([])))
    parsed.pop("help")
    assert vars(plain) == parsed


def test_the_usual_calls_take_no_argparse():
    for call in (
        ["list"],
        ["list", "a"],
        ["start", "a"],
        ["start", "a", "b"],
        ["rename", "a", "b"],
    ):
        assert _plain(call) is not None, call
    for call in (
        [],
        ["nothing"],
        ["list", "--json"],
        ["rename", "a"],
        ["list", "", "-h"],
        ["wait", "a"],
    ):
        assert _plain(call) is None, call


def test_every_verb_declares_its_arguments_to_argparse():
    for verb, (module, _) in VERBS.items():
        assert hasattr(importlib.import_module(f"kvmtui.cli.{module}"), f"configure_{verb}")
        assert verb_parser(verb).prog == f"kvmtui {verb}"
    with pytest.raises(UsageError):
        verb_parser("wait").parse_args(["a"])


@pytest.mark.parametrize(
    ("verb", "words", "told"),
    [
        ("create", "web -cdrom x.iso", "-cdrom x.iso: did you mean --cdrom?"),
        ("create", "web -boot d", "-boot d: did you mean --set 'boot=[cdrom, disk]'?"),
        ("create", "web -m 512", "-m 512: did you mean --memory?"),
        ("create", "web --memroy=2G", "--memroy=2G: did you mean --memory?"),
        ("create", "web other", "other"),
        ("start", "web -m 512", "-m 512"),
    ],
)
def test_words_of_qemu_and_slips_are_told_what_they_are_here(verb, words, told):
    with pytest.raises(UsageError) as raised:
        verb_parser(verb).parse_args(words.split())
    assert raised.value.message == f"{verb}: unrecognized arguments: {told}"
    assert raised.value.hint == f"kvmtui {verb} -h"
