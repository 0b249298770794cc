"""The light NamedTuple is what typing's is, as far as the package uses it."""

from __future__ import annotations

import copy
import json
import typing

import pytest

from kvmtui import light


class Light(light.NamedTuple):
    name: str
    size: int = 1


class Heavy(typing.NamedTuple):
    name: str
    size: int = 1


@pytest.mark.parametrize("base", [Light, Heavy])
def test_both_behave_alike(base):
    value = base("a")
    assert value == ("a", 1) == base(name="a", size=1) == base("a", size=1)
    assert value.name == "a" and value.size == 1 and base._fields == ("name", "size")
    assert value._replace(size=2) == ("a", 2)
    assert value._asdict() == {"name": "a", "size": 1}
    assert repr(value) == f"{base.__name__}(name='a', size=1)"
    assert json.dumps(value) == '["a", 1]'
    assert copy.deepcopy(value) == value and type(copy.deepcopy(value)) is base
    name, _ = value
    assert name == "a"
    with pytest.raises(AttributeError):
        value.name = "b"
    for arguments, named in (((), {}), (("a", 1, 2), {}), (("a",), {"other": 1})):
        with pytest.raises(TypeError):
            base(*arguments, **named)
    with pytest.raises(TypeError):
        base("a", name="b")
