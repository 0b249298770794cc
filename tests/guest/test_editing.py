"""Changes by program leave a person's file as it is but for the named key."""

import pytest

from kvmtui.errors import DefinitionError, UsageError
from kvmtui.guest.editing import Change, apply_to_plain, edit_text
from kvmtui.strict_yaml import read_mapping

TEXT = """# my guest
memory: 1G   # plenty
disks:
  # the system
  - file: disk0.qcow2
networks:
  - mac: 52:54:00:12:34:56
    forwards: [2222:22]
"""


def changed(*assignments, text=TEXT):
    old = read_mapping(text.encode())
    new = apply_to_plain(old, [Change.parse(assignment) for assignment in assignments])
    return edit_text(text, old, new)


def test_comments_and_order_survive():
    result = changed("memory=2G", "disks[0].cache=none")
    assert result == TEXT.replace("1G ", "2G ").replace(
        "disk0.qcow2\n", "disk0.qcow2\n    cache: none\n"
    )


def test_lists_grow_at_their_end_and_shrink():
    result = read_mapping(changed("disks[1].file=b.raw", "networks[0].forwards[0]=").encode())
    assert result["disks"][1] == {"file": "b.raw"}
    assert result["networks"][0]["forwards"] == []


def test_text_that_looks_like_a_number_stays_text():
    result = read_mapping(changed("description=web # prod", "disks[0].serial=0123").encode())
    assert result["description"] == "web # prod"
    assert result["disks"][0]["serial"] == "0123"


def test_an_empty_value_takes_the_key_away():
    assert "memory" not in read_mapping(changed("memory=").encode())


@pytest.mark.parametrize("assignment", ["memory", "a b=1", "disks[x].file=a", "=1", "[0]=1"])
def test_what_is_no_assignment(assignment):
    with pytest.raises(UsageError):
        Change.parse(assignment)


@pytest.mark.parametrize("assignment", ["disks[7].file=a.raw", "memory[0]=1", "memory.x=1"])
def test_paths_that_lead_nowhere(assignment):
    with pytest.raises((UsageError, DefinitionError)):
        changed(assignment)


def test_an_invalid_result_is_refused():
    with pytest.raises(DefinitionError):
        changed("memory=lots")


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("cpus=0", "cpus: '0' is less than 1"),
        ("cpus=two", "cpus: a whole number is expected, not 'two'"),
        ("disks[0].serial=a b", "disks[0].serial: 'a b' has characters that are not allowed here"),
    ],
)
def test_a_refusal_is_about_what_was_meant(assignment, problem):
    with pytest.raises(DefinitionError) as caught:
        changed(assignment)
    assert caught.value.problems == (problem,)
