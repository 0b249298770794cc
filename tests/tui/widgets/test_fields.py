"""What keys make of the fields of a form, without a screen."""

from __future__ import annotations

import pytest

from kvmtui.tui.widgets.fields import Field, Fields, Result


def name_check(value: str) -> str:
    return "✓ free" if value != "web" else "✗ web is there already"


def fields() -> Fields:
    return Fields(
        [
            Field("name", "Name", value="db", check=name_check, section="Guest"),
            Field("disk", "Disk", "choice", "virtio", ("virtio", "sata", "ide")),
            Field("start", "Start", "switch", "no"),
        ]
    )


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ("", Result()),
        ("✓ free", Result("✓", "free")),
        ("▲ slow", Result("▲", "slow")),
        ("✗ taken", Result("✗", "taken")),
        ("taken", Result("✗", "taken")),
    ],
)
def test_what_a_check_says(said: str, result: Result) -> None:
    assert Result.of(said) == result


@pytest.mark.parametrize(
    ("field", "keys", "value"),
    [
        ("name", "x y", "xy"),
        ("name", "end x", "dbx"),
        ("name", "right backspace home x", "xd"),
        ("name", "left x", "xdb"),
        ("name", "backspace", ""),
        ("disk", "right", "sata"),
        ("disk", "left", "ide"),
        ("disk", "space down enter", "sata"),
        ("disk", "enter j j j k space", "sata"),
        ("disk", "enter j escape", "virtio"),
        ("disk", "enter x j enter", "sata"),
        ("disk", "x", "virtio"),
        ("disk", "i", "virtio"),
        ("disk", "i enter", "ide"),
        ("disk", "i down S backspace enter", "sata"),
        ("start", "space", "yes"),
        ("start", "enter enter", "no"),
    ],
)
def test_keys(field: str, keys: str, value: str) -> None:
    form = fields()
    form.go_to(field)
    for key in keys.split():
        form.press(key, key if len(key) == 1 else None)
    assert form.values[field] == value
    assert form.changed == (value != form.field.value)


def test_what_a_person_typed_is_not_replaced_when_they_come_back() -> None:
    form = fields()
    assert form.editor.selected
    form.press("x", "x")
    form.go(1)
    form.go(0)
    assert not form.editor.selected
    form.press("y", "y")
    assert form.values["name"] == "xy"


def test_a_default_that_changes_meanwhile_stays_as_it_was_taken() -> None:
    form = fields()
    renewed = [form.fields[0]._replace(value="db2"), *form.fields[1:]]
    form.renew(renewed)
    assert form.editor.selected
    form.press("end", None)
    form.renew([form.fields[0]._replace(value="db3"), *form.fields[1:]])
    form.press("x", "x")
    assert form.values["name"] == "db3x"


def test_paste_takes_the_place_of_a_default() -> None:
    form = fields()
    form.insert("\n")
    assert form.values["name"] == "db"
    form.insert("web\n")
    assert form.values["name"] == "web"


def test_problems_are_told_and_gone_to() -> None:
    form = fields()
    assert form.results["name"] == Result("✓", "free")
    form.set("name", "web")
    assert [(field.id, text) for field, text in form.problems] == [("name", "web is there already")]
    assert form.editor.text == "web"
    form.go_to("start")
    form.check_all()
    assert form.field.id == "name"


def test_the_fields_go_round() -> None:
    form = fields()
    form.go(-1)
    assert form.field.id == "start"
    form.go(form.at + 1)
    assert (form.field.id, form.editor.cursor) == ("name", 2)


def test_paste_goes_into_text_only() -> None:
    form = fields()
    form.press("end", None)
    form.insert("-0\n1")
    assert form.values["name"] == "db-01"
    form.go_to("disk")
    form.insert("x")
    assert form.values["disk"] == "virtio"
