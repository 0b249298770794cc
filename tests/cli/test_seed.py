"""`create` with wishes for the first login, `seed show`, `seed edit`."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kvmtui.errors import ImageError, UsageError
from kvmtui.guest.seed_image import read_seed, write_seed
from kvmtui.host import passwords, regional
from kvmtui.manage import first_logins

sys.path.insert(0, str(Path(__file__).parent.parent))
from http_files import make_certificate, serving

FILES = {"meta-data": b"instance-id: i\n", "user-data": b"#cloud-config\n", "ä.txt": b"\0" * 5000}


@pytest.fixture
def key(tmp_path):
    """The public key of a fresh pair, and its file."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    public = tmp_path / "key.pub"
    return public.read_text().strip(), public


def test_create_makes_a_seed_that_only_its_owner_reads(kvmtui, key, tmp_path):
    text, file = key
    secret = tmp_path / "password"
    secret.write_text("open sesame\nsecond line\n")
    done = kvmtui.ok("create", "web", "--user", "admin", "--ssh-key", file, "--password-file",
                     secret, "--run", "echo 'a: b' # \"c\"", "--package", "vim", "--address",
                     "192.0.2.5/24", "--gateway", "192.0.2.1")  # fmt: skip
    path = kvmtui.folder("web") / "seed.iso"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == kvmtui.home.stat().st_uid
    assert "seed.iso" in kvmtui.ok("show", "web", "--argv").out
    shown = kvmtui.ok("seed", "show", "web", "--json").json
    assert shown["label"] == "CIDATA"
    data = yaml.safe_load(shown["files"]["user-data"])
    (user,) = data["users"]
    assert user["ssh_authorized_keys"] == [text] and data["runcmd"] == ["echo 'a: b' # \"c\""]
    definition = kvmtui.ok("show", "web", "--json").json["definition"]
    meta = yaml.safe_load(shown["files"]["meta-data"])
    assert meta["instance-id"] == definition["uuid"]
    network = yaml.safe_load(shown["files"]["network-config"])["ethernets"]["first"]
    assert network["addresses"] == ["192.0.2.5/24"]
    for one in kvmtui.home.rglob("*"):
        assert not one.is_file() or b"open sesame" not in one.read_bytes(), one
    assert "open sesame" not in done.out + done.err
    assert check_password(user["hashed_passwd"], "open sesame")
    assert not check_password(user["hashed_passwd"], "second line")


def check_password(hashed: str, password: str) -> bool:
    salt = hashed.split("$")[2]
    command = ["openssl", "passwd", "-6", "-salt", salt, "-stdin"]
    done = subprocess.run(command, input=password, capture_output=True, text=True, check=True)
    return done.stdout.strip() == hashed


def test_own_user_data_goes_first_and_its_faults_have_a_line(kvmtui, key, tmp_path):
    _, file = key
    own = tmp_path / "mine.yaml"
    own.write_text("#cloud-config\nusers: []\nrun cmd: [x\n")
    told = kvmtui.refused("create", "a", "--user-data", own)
    assert "user-data: line 4: not YAML" in told
    own.write_text("users: []\n")
    assert "line 1" in kvmtui.refused("create", "a", "--user-data", own)
    own.write_text("#cloud-config\n- a\n")
    assert "no mapping" in kvmtui.refused("create", "a", "--user-data", own)
    assert kvmtui.ok("list", "--json").json == []
    own.write_text("#cloud-config\npackages: &p [vim]\nx: *p\n")
    kvmtui.ok("create", "a", "--user-data", own, "--ssh-key", file)
    files = kvmtui.ok("seed", "show", "a", "--json").json["files"]
    assert files["user-data"] == own.read_text() and "ssh-ed25519" in files["vendor-data"]


def test_files_of_ones_own_stand_in_the_place_of_those_that_would_be_made(kvmtui, key, tmp_path):
    _, file = key
    mine, network = tmp_path / "mine.yaml", tmp_path / "net.yaml"
    mine.write_text("#cloud-config\na: [b\n")
    network.write_text("version: 2\n")
    words = ("create", "a", "--ssh-key", file)
    assert "user-data: line 3: not YAML" in kvmtui.refused(
        *words, "--seed-file", f"user-data={mine}"
    )
    both = ("--user-data", mine, "--seed-file", f"user-data={mine}")
    assert "user-data is given twice" in kvmtui.refused(*words, *both)
    assert "no file userdata" in kvmtui.refused(*words, "--seed-file", f"userdata={mine}")
    assert kvmtui.ok("list", "--json").json == []
    mine.write_text("#cloud-config\nruncmd: [reboot]\n")
    own = ("--seed-file", f"user-data={mine}", "--seed-file", f"network-config={network}")
    shown = kvmtui.ok(*words, "--show-seed", "--json").json["files"]
    assert "ssh-ed25519" in shown["user-data"] and "version: 2" in shown["network-config"]
    shown = kvmtui.ok(*words, *own, "--show-seed").out
    assert f"--- user-data\n{mine.read_text()}" in shown
    assert kvmtui.ok("list", "--json").json == []
    kvmtui.ok(*words, *own)
    files = kvmtui.ok("seed", "show", "a", "--json").json["files"]
    assert files["user-data"] == mine.read_text() and files["network-config"] == "version: 2\n"
    assert "instance-id" in files["meta-data"] and "vendor-data" not in files


def test_wrong_wishes_define_nothing(kvmtui, key, tmp_path):
    _, file = key
    private = tmp_path / "key"
    for words, told in (
        (("--user", "A b"), "user: 'A b' is none"),
        (("--ssh-key", private), "private key"),
        (("--ssh-key", tmp_path / "none"), "No such file"),
        (("--ssh-key", os.devnull), "no key in it"),
        (("--gateway", "192.0.2.1"), "go with --address"),
        (("--password",), "no terminal"),
        (("--password-file", os.devnull), "a password has 1 to 128"),
        (("--run", "a\nb"), "run[0]"),
        (("--timezone", "../etc"), "timezone"),
    ):
        assert told in kvmtui.refused("create", "a", *words)
    assert kvmtui.ok("list", "--json").json == []
    kvmtui.refused("create", "a", "--disk", "seed.iso,size=1G", "--ssh-key", file)


def test_a_seed_is_shown_and_changed(kvmtui, key, tmp_path):
    _, file = key
    kvmtui.tiny("a")
    assert "has no seed" in kvmtui.refused("seed", "show", "a", status=1)
    kvmtui.ok("create", "web", "--ssh-key", file, "--memory", "16M")
    path = kvmtui.folder("web") / "seed.iso"
    before = path.read_bytes()
    new = tmp_path / "new"
    new.write_text("#cloud-config\na:\n\tb\n")
    assert "line 3: not YAML" in kvmtui.refused("seed", "edit", "web", "--from", new)
    assert "no file nothing" in kvmtui.refused("seed", "edit", "web", "nothing", "--from", new)
    assert path.read_bytes() == before
    new.write_text("#cloud-config\nruncmd: [reboot]\n")
    instance = kvmtui.ok("seed", "show", "web", "meta-data").out
    assert "is changed" in kvmtui.ok("seed", "edit", "web", "--from", new).out
    assert kvmtui.ok("seed", "show", "web", "user-data").out == new.read_text()
    assert kvmtui.ok("seed", "show", "web", "meta-data").out == instance
    assert "as it was" in kvmtui.ok("seed", "edit", "web", "--from", new).out
    kvmtui.ok("seed", "edit", "web", "--from", new, "--again")
    assert kvmtui.ok("seed", "show", "web", "meta-data").out != instance
    kvmtui.environment["EDITOR"] = "sed -i s/reboot/true/"
    kvmtui.ok("seed", "edit", "web")
    assert "true" in kvmtui.ok("seed", "show", "web", "user-data").out
    kvmtui.environment["EDITOR"] = "sed -i s/[[]/{/"
    failure = kvmtui("seed", "edit", "web")
    assert failure.status == 1 and "not YAML" in failure.err and "where your text is" in failure.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"x" * 40000)
    assert "cannot be read as a seed" in kvmtui.refused("seed", "show", "web", status=1)


def test_a_seed_is_read_by_others_as_it_was_written(tmp_path):
    path = tmp_path / "seed.iso"
    path.write_bytes(write_seed("CIDATA", FILES))
    assert read_seed(str(path)) == ("CIDATA", FILES)
    if shutil.which("xorriso"):
        out = tmp_path / "out"
        command = ["xorriso", "-osirrox", "on", "-indev", path, "-extract", "/", out]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "Volume id    : 'CIDATA'" in done.stderr
        assert {one.name: one.read_bytes() for one in out.iterdir()} == FILES


@pytest.mark.parametrize("name", ["", "a/b", "x" * 65])
def test_names_that_no_seed_can_have(name):
    with pytest.raises(ImageError):
        write_seed("CIDATA", {name: b""})


@pytest.mark.parametrize("secret", [b"", b"x" * 129, b"a\nb", b"a\0b"])
def test_what_is_no_password(secret):
    with pytest.raises(UsageError):
        passwords.sha512_crypt(secret)


def test_a_hash_is_taken_as_it_is():
    made = passwords.sha512_crypt("pass wörd".encode())
    assert check_password(made, "pass wörd")
    assert first_logins.password_hash(made.encode()) == made


def test_this_machines_region(tmp_path):
    etc = tmp_path / "etc"
    (etc / "default").mkdir(parents=True)
    assert (regional.locale(tmp_path), regional.keyboard(tmp_path)) == ("", "")
    assert regional.timezone(tmp_path) == ""
    (etc / "default/locale").write_text('#LANG=x\nLANG="de_DE.UTF-8"\n')
    (etc / "default/keyboard").write_text('XKBMODEL="pc105"\nXKBLAYOUT="de,us"\n')
    (etc / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert regional.locale(tmp_path) == "de_DE.UTF-8" and regional.keyboard(tmp_path) == "de"
    assert regional.timezone(tmp_path) == "Europe/Berlin"
    (etc / "localtime").unlink()
    (etc / "timezone").write_text("Etc/UTC\n")
    assert regional.timezone(tmp_path) == "Etc/UTC"
    (etc / "default/locale").write_text("LANG=$(reboot)\n")
    assert regional.locale(tmp_path) == ""


def test_keys_come_by_https_only(kvmtui, key, tmp_path):
    text, _ = key
    certificate = make_certificate(tmp_path)
    kvmtui.environment["SSL_CERT_FILE"] = str(certificate)
    with serving(certificate) as files:
        url = files.serve("/me.keys", f"{text}\n".encode())
        kvmtui.ok("create", "a", "--ssh-key", url)
        assert text in kvmtui.ok("seed", "show", "a", "user-data").out
        bad = files.serve("/bad", b"<html>\n")
        assert "line 1" in kvmtui.refused("create", "b", "--ssh-key", bad, status=1)
        assert "404" in kvmtui.refused("create", "b", "--ssh-key", f"{files.url}/none", status=1)
    plain = url.replace("https:", "http:")
    assert "plain http" in kvmtui.refused("create", "b", "--ssh-key", plain, status=2)
