"""What the contract promises of every verb: exit codes, streams, global options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kvmtui import __version__
from kvmtui.cli.main import run
from kvmtui.cli.verbs import VERBS


def test_without_a_terminal_there_is_one_line(kvmtui):
    told = kvmtui.refused(status=2)
    assert "no terminal here: list, show, start" in told


def test_no_such_verb(kvmtui):
    done = kvmtui("strat")
    assert done.status == 2
    assert done.err.splitlines() == [
        "kvmtui: strat: there is no such verb",
        "  try: kvmtui start",
    ]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_before_and_after(kvmtui, verb):
    after = kvmtui.ok(verb, "--help").out
    assert after.startswith("usage: kvmtui " + verb)
    assert kvmtui.ok("--help", verb).out == after
    assert "--home" in after


def test_version_in_both_places(kvmtui):
    assert kvmtui.ok("--version").out == f"kvmtui {__version__}\n"
    assert kvmtui.ok("list", "--version").out == f"kvmtui {__version__}\n"


def test_global_options_in_both_places(kvmtui, tmp_path):
    other = tmp_path / "other"
    kvmtui.tiny("here")
    assert kvmtui.ok("--json", "list").json == kvmtui.ok("list", "--json").json
    assert kvmtui.ok("--home", other, "list", "--json").json == []
    assert kvmtui.ok("list", "--json", "--home", other).json == []
    assert kvmtui.ok("--quiet", "list").out == kvmtui.ok("list", "--quiet").out == ""
    kvmtui.ok("--yes", "delete", "here")
    kvmtui.tiny("here")
    kvmtui.ok("delete", "here", "--yes")


def test_all_with_nothing_to_do_is_done(kvmtui):
    for verb in ("start", "shutdown", "stop", "reset", "pause", "resume", "reboot"):
        assert "nothing to do" in kvmtui.ok(verb, "--all").out


@pytest.mark.parametrize("verb", ["start", "stop", "show", "why", "events", "logs", "pause"])
def test_a_missing_guest_is_one_line(kvmtui, verb):
    assert kvmtui.refused(verb, "nobody") == "kvmtui: nobody: there is no such guest"


@pytest.mark.parametrize(
    "words",
    [
        ["screen", "nobody"],
        ["screen", "nobody", "--viewer"],
        ["screen", "nobody", "--png", "-"],
        ["type", "nobody", "--keys", "esc"],
        ["type", "nobody", "x", "--layout", "de"],
        ["agent", "nobody", "ping"],
        ["agent", "nobody", "exec", "true"],
        ["device", "list", "nobody"],
        ["device", "eject", "nobody"],
    ],
    ids=" ".join,
)
def test_a_missing_guest_is_one_line_at_its_console_too(kvmtui, words):
    assert kvmtui.refused(*words) == "kvmtui: nobody: there is no such guest"


def test_which_guest_is_wrong_usage(kvmtui):
    kvmtui.refused("start", status=2)


def test_each_guest_has_its_own_failure(kvmtui):
    kvmtui.tiny("a")
    done = kvmtui("stop", "a", "nobody", "--json")
    assert done.status == 1
    assert [(item["name"], item["ok"]) for item in done.json] == [("a", True), ("nobody", False)]
    assert "nobody: there is no such guest" in done.err


def test_impossible_and_already_so(kvmtui):
    kvmtui.tiny("a")
    assert "does not run" in kvmtui.ok("stop", "a").out
    assert "does not run" in kvmtui.ok("shutdown", "a").out
    for verb in ("resume", "pause", "reset", "reboot", "qmp", "screen", "type", "agent"):
        words = {"qmp": ["query-status"], "type": ["x"], "agent": ["ping"]}.get(verb, [])
        assert "does not run" in kvmtui.refused(verb, "a", *words, status=1)


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["schema"], ["--help"]])
def test_output_into_a_closed_pipe_is_silent(kvmtui, words):
    kvmtui.tiny("a")
    process = kvmtui.popen(*words)
    process.stdout.close()
    err = process.stderr.read()
    process.wait(30)
    assert err == ""


def test_python_m_is_the_same_program(kvmtui):
    done = subprocess.run(
        [sys.executable, "-m", "kvmtui", "--version"], capture_output=True, text=True
    )
    assert done.stdout == f"kvmtui {__version__}\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words", [["--help"], ["list", "--help"], ["--version"], ["list"], ["schema"]], ids=" ".join
)
def test_output_that_cannot_be_written_is_a_failure(kvmtui, words, unbuffered):
    kvmtui.environment["PYTHONUNBUFFERED"] = unbuffered
    with open("/dev/full", "w") as full:
        assert "No space left" in kvmtui.refused(*words, stdout=full, status=1)
        process = kvmtui.popen(*words, stdout=full, stderr=full)
        assert process.wait(30) == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(kvmtui, shell):
    script = kvmtui.ok("completion", shell).out
    assert "shutdown" in script and "completion" in script and "profiles" in script


COMPLETE = """
source <(python3 -m kvmtui completion bash)
kvmtui() { python3 -m kvmtui "$@"; }
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_shtab_kvmtui kvmtui "${COMP_WORDS[COMP_CWORD]}"
echo "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["start", ""], ["db", "web"]),
        (["shutdown", "w"], ["web"]),
        (["stop", "web", ""], ["db", "web"]),
        (["rename", "d"], ["db"]),
        (["rename", "db", ""], []),
        (["create", ""], []),
        (["--home", "HOME", "delete", ""], ["db", "web"]),
        (["delete", "--home", "=", "HOME", "w"], ["web"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["seed", "show", "w"], ["web"]),
        (["install", "w", "--hostname", ""], []),
        (["install", "x", "--os", "win1"], ["win10", "win11"]),
        (["catalog", "pull", "debian-1"], ["debian-13", "debian-12", "debian-11"]),
    ],
    ids=str,
)
def test_bash_offers_guests_and_ids_where_one_is_named(kvmtui, words, offered):
    for name in ("web", "db"):
        kvmtui.tiny(name)
    words = [str(kvmtui.home) if word == "HOME" else word for word in words]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**kvmtui.environment, "PATH": path}
    if "--home" in words:
        del environment["KVMTUI_HOME"]
    done = subprocess.run(
        ["bash", "-c", COMPLETE, "bash", "kvmtui", *words],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.stderr == "" and done.stdout.split() == offered


def test_schema_is_json(kvmtui):
    assert json.loads(kvmtui.ok("schema").out)["title"] == "kvmtui guest"


@pytest.mark.parametrize(
    "words",
    [
        ["create", "a", "--colour"],
        ["wait", "a"],
        ["show"],
        ["--colour", "list"],
        ["shutdown", "a", "--timeout", "abc"],
        ["screen", "a", "--text", "--viewer"],
        ["console", "a"],
        ["expect", "a"],
        ["type", "a"],
        ["agent", "a", "dance"],
        ["device", "paint", "a"],
        ["create", "a", "--firmware", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_too(kvmtui, words):
    kvmtui.refused(*words, status=2)


def test_names_do_not_go_with_all(kvmtui):
    kvmtui.tiny("a")
    kvmtui.tiny("b")
    kvmtui.refused("delete", "a", "--all", "--yes", status=2)
    kvmtui.refused("stop", "a", "--tag", "x", status=2)
    assert len(kvmtui.ok("list", "--json").json) == 2


def test_text_that_a_terminal_cannot_show_is_no_traceback(kvmtui):
    kvmtui.tiny("a", "--description", "Büro – ☃")
    kvmtui.environment |= {"PYTHONIOENCODING": "ascii"}
    assert "B\\xfcro" in kvmtui.ok("show", "a").out
    kvmtui.ok("create", "--help")
    kvmtui.refused("set", "a", b"description=\xff".decode("utf-8", "surrogateescape"))


def test_one_failure_is_json_too(kvmtui):
    done = kvmtui("start", "nobody", "--json")
    assert done.status == 1 and done.json[0]["ok"] is False


def test_json_holds_nothing_that_a_terminal_obeys(kvmtui):
    kvmtui.tiny("a", "--description", "\x9b31m\u202etxt é")
    done = kvmtui.ok("list", "--json")
    assert "\\u009b31m\\u202etxt é" in done.out and done.json[0]["description"][0] == "\x9b"
    kvmtui.environment |= {"PYTHONIOENCODING": "latin-1"}
    assert kvmtui.ok("show", "a", "--json").json["description"] == done.json[0]["description"]


@pytest.mark.parametrize(
    "words", [["help"], ["help", "list"], ["completion", "bash"]], ids=" ".join
)
def test_help_is_json_too(kvmtui, words):
    assert "list" in str(kvmtui.ok(*words, "--json").json)


def test_a_wait_in_vain_is_json_too(kvmtui):
    kvmtui.tiny("a")
    done = kvmtui("wait", "a", "--for", "running", "--timeout", "0", "--json")
    assert done.status == 1 and done.json[0]["ok"] is False


def test_an_empty_home_is_not_the_usual_one(kvmtui):
    kvmtui.tiny("a")
    for words in (["--home", "", "list"], ["delete", "--all", "--yes", "--home="]):
        assert "--home is empty" in kvmtui.refused(*words, status=2)
    assert kvmtui.row("a")


def test_an_empty_disk_is_none(kvmtui):
    kvmtui.tiny("a", "--disk", "")
    assert kvmtui.ok("show", "a", "--json").json["disks"] == []
    kvmtui.refused("create", "b", "--disk", "", "--disk", "1M", status=2)


def test_closed_streams(kvmtui):
    kvmtui.tiny("a")

    def call(words):
        command = f'exec "$0" -m kvmtui {words}'
        return subprocess.run(
            ["sh", "-c", command, sys.executable],
            env=kvmtui.environment,
            capture_output=True,
            text=True,
        )

    listed = call("list >&-")
    assert listed.returncode == 1
    assert listed.stderr == "kvmtui: standard output: Bad file descriptor\n"
    assert call("list 2>&-").stdout.startswith("NAME")
    assert call("delete a <&-").returncode == 2 and kvmtui.row("a")
    assert call("start a --quiet <&- >&- 2>&-").returncode == 0
    assert kvmtui.row("a")["state"] == "running"


INTERRUPTED = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "kvmtui.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from kvmtui.__main__ import main
main()
"""


def test_an_interrupt_while_it_begins_is_130():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "kvmtui: interrupted\n")


def test_a_fault_of_its_own_is_one_line(monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("by\x1b nothing")

    monkeypatch.setattr("kvmtui.cli.listing.run_list", broken)
    assert run(["list"]) == 1
    first, hint = capsys.readouterr().err.splitlines()
    assert first.startswith("kvmtui: a fault of kvmtui itself: ZeroDivisionError: by\\x1b nothing")
    assert "main.py:" in first and hint.startswith("  try: report")


def test_none_goes_with_no_other_network(kvmtui):
    kvmtui.refused("create", "a", "--network", "none", "--network", "user", status=2)


def test_every_id_is_offered_and_media_of_the_home(kvmtui):
    found = {one["id"] for one in kvmtui.ok("profile", "list", "--json").json}
    offered = kvmtui.ok("completion", "profiles").out.split()
    assert len(offered) == len(found) and set(offered) == found
    images = [one["id"] for one in kvmtui.ok("catalog", "list", "--json").json]
    assert kvmtui.ok("completion", "catalog").out.split() == images
    assert kvmtui.ok("completion", "media").out == ""
    kvmtui.library.make()
    folder = kvmtui.home / "images"
    for name in ("a b.iso", "c.ISO", "d.qcow2", "e\n.iso"):
        (folder / name).touch()
    assert kvmtui.ok("completion", "media").out == f"{folder}/a b.iso\n{folder}/c.ISO\n"
    assert "profiles" not in kvmtui.ok("completion", "--help").out
