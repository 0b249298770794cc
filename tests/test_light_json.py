"""What the light JSON writes and reads is what the standard library's does."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kvmtui import light_json

VALUES = [
    None,
    True,
    0,
    -12,
    10**30,
    1.5,
    1e300,
    "",
    'a "b" \\ \x00 \x1b ü 漢 \U0001f600 \ud800',
    [],
    {},
    [1, [2, [3]], {"a": None, "b": [True, False]}],
    {"t": 1732476000.25, "who": "é", "deep": {"x": {"y": ["z"]}}, "": ""},
    ("a", 1),
    {1: "a", None: "b"},
]


@pytest.mark.parametrize("value", VALUES)
def test_it_writes_and_reads_the_same(value) -> None:
    for ascii_only in (True, False):
        for separators in ((", ", ": "), (",", ":")):
            text = light_json.dumps(value, ensure_ascii=ascii_only, separators=separators)
            assert text == json.dumps(value, ensure_ascii=ascii_only, separators=separators)
            assert light_json.loads(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", [' \t\r\n {"a": 1} \n', "Infinity", "-Infinity", '"\\u00e9\\n"', b"[1]"]
)
def test_it_reads_the_same(text) -> None:
    assert light_json.loads(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        '{"a"',
        '{"a": }',
        "[1,]",
        "1 2",
        "nul",
        '"\x01"',
        "'a'",
        "\x00",
        b"\xff",
        "{a: 1}",
    ],
)
def test_what_is_no_json_is_a_value_error(text) -> None:
    with pytest.raises(ValueError):
        json.loads(text)
    with pytest.raises(ValueError):
        light_json.loads(text)


def test_too_deep_and_unknown_things() -> None:
    with pytest.raises(RecursionError):
        light_json.loads("[" * 100_000)
    with pytest.raises(TypeError):
        light_json.dumps({"a": object()})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ValueError):
        light_json.dumps(circle)


def test_a_python_without_the_engines_uses_json_itself() -> None:
    code = (
        "import sys; sys.modules['_json'] = None\n"
        "from kvmtui import light_json as light\n"
        "assert light.loads(b' [1, \"a\"] ') == [1, 'a']\n"
        "assert light.dumps(['é', 1], ensure_ascii=False, separators=(',', ':')) == '[\"é\",1]'\n"
        "assert 'json.scanner' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
