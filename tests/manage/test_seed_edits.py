"""Edited files of a seed to be: kept apart by kind, told when fields change, used as they are."""

from __future__ import annotations

import asyncio
import gzip
import uuid

import pytest
from answered_installer import debian
from http_files import make_certificate, serving

from kvmtui.errors import DefinitionError
from kvmtui.guest.install_record import read_install
from kvmtui.guest.library import Library
from kvmtui.guest.seed_image import read_seed
from kvmtui.manage import seed_edits
from kvmtui.manage.install_door import InstallDoor

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA" + "A" * 42 + " anna@laptop"


@pytest.fixture
def door(tmp_path, monkeypatch):
    """The door, and a person without keys."""
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    library = Library(tmp_path / "home")
    library.make()
    made = InstallDoor(library, lambda: 0, lambda: None)
    yield made
    made.close()


@pytest.fixture
def given(tmp_path):
    """What a person filled in: an ISO of Debian."""
    iso = debian(tmp_path / "debian.iso")
    filled = {"source": "iso", "iso": str(iso), "name": "g", "memory": "64M", "disk": "1M"}
    return {"uuid": str(uuid.uuid4()), "accelerator": "tcg", "user": "ann", **filled}


def edited(door, given, name, change, edits=seed_edits.NONE):
    view = asyncio.run(door.seed(given, edits))
    made = asyncio.run(door.seed_file(given, name))
    return seed_edits.take(edits, view.kind, name, change(made), made)


def said(door, given, edits):
    form = asyncio.run(door.look(given, edits))
    return form.said.get("answers", ("", "")), form.said.get("ssh_key"), form.summary


def test_an_edited_answer_file_reaches_the_installer_and_goes_with_the_installation(door, given):
    _, key, _ = said(door, given, {})
    assert key == ("warning", "neither key nor password: nobody could log in")
    edits = edited(door, given, "preseed.cfg", lambda made: made + b"d-i x/y string edited\n")
    (standing, words), key, summary = said(door, given, edits)
    assert (standing, words, key) == ("fine", "preseed.cfg is as edited", None)
    assert ("seed.iso", "preseed.cfg edited") in summary.files
    assert "as edited: preseed.cfg" in summary.facts
    (standing, words), _, _ = said(door, {**given, "user": "bob"}, edits)
    assert (standing, words) == (
        "warning",
        "preseed.cfg is as edited: it no longer follows the fields",
    )
    # Other files go on following them; another kind of answers has none of it.
    view = asyncio.run(door.seed({**given, "user": "bob"}, edits))
    told = {file.name: (file.is_edited, file.standing) for file in view.files}
    assert told == {"preseed.cfg": (True, "warning"), "late.sh": (False, "fine")}
    fedora = asyncio.run(door.seed({**given, "os": "fedora40"}, edits))
    assert [file.is_edited for file in fedora.files] == [False]

    outcome = asyncio.run(door.make({**given, "user": "bob"}, edits))
    assert outcome.name == "g" and "nobody could log in" not in outcome.note
    folder = door.library.folder("g")
    preseed = read_seed(folder.at("seed.iso")).files["preseed.cfg"]
    assert b"string edited\n" in preseed and b"ann" in preseed and b"bob" not in preseed
    with open(folder.at("install.initrd"), "rb") as file:
        assert preseed in file.read()
    assert read_install(folder).secret, "nobody knows what a person put in"


def test_a_faulty_file_is_kept_and_nothing_is_made_of_it(door, given):
    given["os"] = "opensuse15.6"
    edits = edited(door, given, "autoinst.xml", lambda made: made + b"<a>\n")
    (standing, words), _, _ = said(door, given, edits)
    assert standing == "problem" and words.startswith("autoinst.xml: line ")
    view = asyncio.run(door.seed(given, edits))
    main = next(file for file in view.files if file.name == view.first)
    assert (main.said, main.lines[-1]) == (words, "<a>")
    with pytest.raises(DefinitionError, match="not XML"):
        asyncio.run(door.make(given, edits))
    assert door.library.names() == []


def test_an_edit_that_undoes_itself_is_none(door, given):
    edits = edited(door, given, "late.sh", lambda made: made + b"# more\n")
    assert list(edits) == [("preseed", "late.sh")]
    assert edited(door, given, "late.sh", lambda made: made, edits) == {}
    assert seed_edits.without(edits, "preseed", "late.sh") == {}


def test_keys_at_an_address_are_in_the_file_that_is_edited(door, given, tmp_path, monkeypatch):
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as files:
        given["ssh_key"] = files.serve("/anna.keys", f"{KEY}\n".encode())
        assert said(door, given, {})[1] == ("fine", "fetched when the guest is made")
        edits = edited(door, given, "late.sh", lambda made: made + b"# mine\n")
        assert KEY.encode() in edits["preseed", "late.sh"].content
        assert len(files.asked) == 1
        # A look at the form fetches nothing, and takes nothing for changed.
        (standing, _), key, _ = said(door, given, edits)
        assert (standing, key, len(files.asked)) == ("fine", ("fine", "anna@laptop"), 1)


def test_what_is_made_of_others_follows_them_and_is_not_edited(door, given):
    given["os"] = "alpinelinux3.20"
    edits = edited(door, given, "answers", lambda made: made + b"# mine\n")
    view = asyncio.run(door.seed(given, edits))
    texts = {file.name: file.is_text for file in view.files}
    assert texts == {"answers": True, "start.sh": True, "localhost.apkovl.tar.gz": False}
    outcome = asyncio.run(door.make(given, edits))
    assert outcome.name == "g"
    files = read_seed(door.library.folder("g").at("seed.iso")).files
    assert b"# mine\n" in gzip.decompress(files["localhost.apkovl.tar.gz"])
