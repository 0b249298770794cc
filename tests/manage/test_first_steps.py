"""The first steps: each page is short, and what it says of this machine is what was found."""

from __future__ import annotations

import pytest

from kvmtui.host.check_run import Result
from kvmtui.manage.checking import Report
from kvmtui.manage.first_steps import blocks, in_lines, pages

TRIALS = [
    {
        **{"accelerator": "tcg", "cpu": "max", "serves": True, "tried": True, "booted": True},
        **{"boot_s": 0.05, "duration_s": 0.1, "loop_s": None, "loop_rounds_per_s": None},
        **{"slower_than_s": None, "detail": ""},
    },
    {
        **{"accelerator": "kvm", "cpu": "host", "serves": False, "tried": True, "booted": False},
        **{"boot_s": None, "duration_s": None, "loop_s": None, "loop_rounds_per_s": None},
        **{"slower_than_s": 1.0, "detail": "unhandled MSR"},
    },
]


def result(id, status="ok", detail="fine", remedy=None, **measured):
    return Result(id, id.upper(), status, detail, remedy, measured)


def text_of(report):
    return next(page.text for page in pages(report) if page.title == "This machine")


@pytest.mark.parametrize("number", range(7))
def test_a_page_fits_a_small_terminal(number):
    page = pages(None)[number]
    assert len(in_lines(page, 76)) <= 22


def test_the_drawing_fits_a_narrow_terminal():
    page = next(page for page in pages(None) if page.title == "Where KVM sits")
    drawing = next(block.lines for block in blocks(page.text) if not block.flows)
    assert len(drawing) > 9 and all(len(line) <= 36 for line in drawing)


def test_paragraphs_flow_and_drawings_stand():
    found = blocks("one\ntwo\n  still\nafter\n\nnext")
    assert [(block.lines, block.flows) for block in found] == [
        (("one", "two"), True),
        (("  still",), False),
        (("after",), True),
        ((), True),
        (("next",), True),
    ]


def test_before_the_checks_it_says_how_to_run_them():
    assert "kvmtui check" in text_of(None)


def test_a_machine_that_was_measured():
    accelerator = result("accelerator", "warn", "slow", "nest it", accelerator="tcg", trials=TRIALS)
    report = Report((accelerator, result("kvm-run", detail="ran in 4 ms")), "Guests are emulated")
    text = text_of(report)
    assert text.startswith("Guests are emulated.")
    assert "KVM-RUN: ran in 4 ms." in text
    assert "tcg -cpu max" in text and "unhandled MSR" in text
    assert "Guests are emulated here." in text and "What may help: nest it." in text


def test_a_machine_that_was_not_measured():
    assert "not measured yet" in text_of(Report((result("kvm-run"),), "Guests can run"))


def test_what_a_machine_says_is_shown_as_text():
    report = Report((result("kvm-run", detail="\x1b[31m\u202e"),), "words \x07")
    assert "\x1b" not in text_of(report) and "\x07" not in text_of(report)
