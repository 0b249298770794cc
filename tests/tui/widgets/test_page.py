"""Forms that are a page: fields that come and go, folds, lists, and how all of it looks."""

from __future__ import annotations

import pytest

from kvmtui.tui.glyphs import ASCII, UNICODE
from kvmtui.tui.spans import Span, plain
from kvmtui.tui.widgets.fields import Field, Fields
from kvmtui.tui.widgets.page_lines import fields_below, page_lines

FIELDS = (
    Field("from", "New guest  from", "head", "iso", ("iso", "empty"), labels=("ISO", "Empty")),
    Field("iso", "ISO", section="System", when=({"from": ("iso",)},)),
    Field(
        "os", "Profile", "choice", "b", ("a", "b", "c"), section="System", labels=("A", "B", "C")
    ),
    Field("name", "Name", value="web", section="Guest"),
    Field("memory", "Memory", value="2G", short=True),
    Field("expert", "Expert", "fold", "no", note="1 field"),
    Field("cpu", "CPU model", value="host", choices=("host", "max"), when=({"expert": ("yes",)},)),
    Field("made", "Create and start", "button"),
    Field("only", "Create only", "button"),
)


def fields() -> Fields:
    found = Fields(FIELDS)
    found.go_to("name")
    return found


def drawn(found, width=80, glyphs=UNICODE, **more):
    lines = page_lines(found, width, glyphs, focus=True, **more)
    return ["".join(plain(part.line) for part in line.parts).rstrip() for line in lines]


def test_a_page_reads_from_top_to_bottom():
    found = fields()
    found.results["name"] = found.results["name"].of("✓ free")
    assert drawn(found) == [
        " New guest  from  ● ISO  ○ Empty",
        "",
        " System",
        "   ISO",
        "   Profile    B                               ▾",
        "",
        " Guest",
        "   Name      ▌web█                               ✓ free",
        "   Memory     2G",
        "",
        " ▸ Expert   1 field",
        "",
        "   [ Create and start ]   [ Create only ]",
    ]


def test_a_wide_page_and_one_in_ascii():
    wide = drawn(fields(), 97)
    assert wide[0] == " New guest   from   ● ISO   ○ Empty"
    assert wide[7].startswith("   Name        ▌web█")
    assert wide[-1] == "     Create and start       Create only"
    ascii_only = drawn(fields(), 60, ASCII)
    assert ascii_only[0] == " New guest  from  + ISO  - Empty"
    assert all(line.isascii() for line in ascii_only)


def test_fields_come_and_go_with_what_others_say():
    found = fields()
    found.go_to("from")
    assert found.press("right", None)
    assert found.values["from"] == "empty"
    assert found.touched == {"from"}
    assert "   ISO" not in drawn(found)
    found.go(found.at + 1)
    assert found.field.id == "os"
    found.go(found.at - 1, -1)
    assert found.field.id == "from"


def test_a_fold_opens_what_hangs_on_it_and_says_more():
    found = fields()
    found.go_to("expert")
    found.press("enter", None)
    lines = drawn(found, below={"expert": [(Span("said below"),)]})
    at = lines.index(" ▾ Expert   1 field")
    assert lines[at + 1 : at + 3] == [
        "   said below",
        "   CPU model  host                            ▾",
    ]


def test_what_a_person_gave_stays_and_the_rest_follows():
    found = fields()
    found.press("end", None)
    found.insert("-1")
    renewed = [field._replace(value="new") if field.kind == "text" else field for field in FIELDS]
    found.renew(renewed)
    assert (found.values["name"], found.values["memory"]) == ("web-1", "new")
    assert found.editor.text == "web-1"
    found.renew([field for field in renewed if field.id != "name"])
    assert found.at == 0
    assert "name" not in found.values


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ("enter enter", "b"),
        ("enter down enter", "c"),
        ("enter home enter", "a"),
        ("enter end enter", "c"),
        ("enter pageup enter", "a"),
        ("enter c enter", "c"),
        ("enter down escape", "b"),
        ("left", "a"),
    ],
)
def test_a_list_is_gone_through_by_keys(keys, value):
    found = fields()
    found.go_to("os")
    for key in keys.split():
        assert found.press(key, key if len(key) == 1 else None)
    assert found.values["os"] == value
    assert found.picking is None


SYSTEMS = ("Arch Linux", "Debian 12", "Debian 13", "Linux of any kind", "Windows Server 2022")


@pytest.mark.parametrize(
    ("typed", "found", "search"),
    [
        ("l", "Linux of any kind", "l"),
        ("ar", "Arch Linux", "ar"),
        ("DEBIAN 13", "Debian 13", "DEBIAN 13"),
        ("debian 13<<", "Debian 12", "debian "),
        ("serv", "Windows Server 2022", "serv"),
        ("2022", "Windows Server 2022", "2022"),
        ("debx", "Debian 12", "deb"),
        ("dd", "Debian 13", "d"),
        ("xyz", "Arch Linux", ""),
    ],
)
@pytest.mark.parametrize("is_open", [True, False])
def test_letters_find_in_a_list(typed, found, search, is_open):
    form = Fields([Field("os", "Profile", "choice", SYSTEMS[0], SYSTEMS)])
    if is_open:
        form.press("enter", None)
    for letter in typed:
        if letter == "<":
            form.press("backspace", "\x08")
        else:
            form.press("space" if letter == " " else letter, letter)
    assert SYSTEMS[form.picking] == found
    assert form.found == search
    assert form.values["os"] == SYSTEMS[0], "nothing is taken before Enter"
    if search:
        place = SYSTEMS.index(found) + 1
        assert drawn(form)[-1].strip() == f"{search}   {place} of 5".strip()
    form.press("enter", None)
    assert form.values["os"] == found
    form.press("space", " ")
    assert form.found == ""


def test_a_long_list_shows_what_is_around_its_cursor():
    words = tuple(f"word{number:03}" for number in range(100))
    found = Fields([Field("one", "One", "choice", "word050", words)])
    found.press("enter", None)
    lines = drawn(found)
    assert len(lines) == 1 + 8 + 1
    assert "▌ word050" in lines[5]
    assert lines[-1].strip() == "51 of 100"


def test_a_text_that_can_be_picked_or_typed():
    found = fields()
    found.go_to("expert")
    found.press("space", " ")
    found.go_to("cpu")
    found.press("end", None)
    found.press("x", "x")
    assert found.values["cpu"] == "hostx"
    for key in ("enter", "down", "enter"):
        found.press(key, None)
    assert found.values["cpu"] == "max"


def test_what_is_below_the_screen_is_counted():
    found = fields()
    lines = page_lines(found, 80, UNICODE, focus=True)
    assert [field.id for field in fields_below(lines, found, 8)] == ["memory", "expert", "made"]
