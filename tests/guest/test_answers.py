"""Answer files with ordinary and hostile values, read back by their formats' own parsers."""

from __future__ import annotations

import base64
import io
import json
import shlex
import shutil
import struct
import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree

import msgspec
import pytest
import yaml

from kvmtui.errors import DefinitionError, KvmtuiError
from kvmtui.guest import templates
from kvmtui.guest.answers import KINDS, Target, answers, kernel_line
from kvmtui.guest.first_login import (
    FirstLogin,
    StaticAddress,
    host_name_of,
    keys_of_text,
    problems,
)

HASH = "$6$salt.salt$" + "a/B." * 21 + "ab"
HOSTILE = 'it\'s "me" \\ $(id) `id` ${HOME} & <b> ]]> : # %end {{ user }} {% raw %} é 😀 \\n'


def key(comment: str = "root@laptop") -> str:
    data = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + b"k" * 32
    return f"ssh-ed25519 {base64.b64encode(data).decode()} {comment}".strip()


KEYS = [key(), key(HOSTILE)]
RUN = ["true", f"echo {HOSTILE}", "- a: b", "!!python/none x", "%end", "*x", "no"]
WANTS = FirstLogin(
    host_name="web-1.example.org",
    user="admin",
    ssh_keys=KEYS,
    password_hash=HASH,
    locale="de_DE.UTF-8",
    keyboard="de",
    timezone="Europe/Berlin",
    address=StaticAddress("192.0.2.5/24", "192.0.2.1", ["192.0.2.2", "192.0.2.3"]),
    packages=["vim", "libstdc++6"],
    run=RUN,
    mirror="http://mirror.example.org:8080/debian",
    proxy="http://proxy.example.org:3128",
)
TARGET = Target("web", "7b0c", mac="52:54:00:12:34:56", firmware="uefi", os="win11")
LEAST = FirstLogin()
KEY_ONLY = msgspec.structs.replace(WANTS, password_hash=None, address=None)
ROOT = msgspec.structs.replace(WANTS, user="root")
SIX = msgspec.structs.replace(WANTS, address=StaticAddress("2001:db8::5/64", "2001:db8::1"))
BARE = FirstLogin(user="admin", ssh_keys=KEYS, address=StaticAddress("192.0.2.5/24"))
ALL = {"all": WANTS, "least": LEAST, "key": KEY_ONLY, "root": ROOT, "ip6": SIX, "bare": BARE}
every = pytest.mark.parametrize("wants", ALL.values(), ids=ALL)


def files(kind: str, wants: FirstLogin, target: Target = TARGET) -> dict[str, bytes]:
    return answers(kind, wants, target).files


@every
def test_cloud_init(wants):
    made = files("cloud-init", wants)
    assert made["user-data"].startswith(b"#cloud-config\n")
    data, meta = yaml.safe_load(made["user-data"]), yaml.safe_load(made["meta-data"])
    assert meta == {"instance-id": "7b0c", "local-hostname": data["hostname"]}
    assert data.get("runcmd", []) == wants.run and data.get("packages", []) == wants.packages
    user = data["users"][0] if wants.user else data
    assert user.get("ssh_authorized_keys", []) == wants.ssh_keys
    if wants.user:
        assert user["name"] == wants.user and user.get("hashed_passwd") == wants.password_hash
        assert user["lock_passwd"] is (wants.password_hash is None)
        assert ("sudo" in user) is (wants.user != "root")
    network = yaml.safe_load(made["network-config"])["ethernets"]["first"]
    assert network["match"] == {"macaddress": "52:54:00:12:34:56"}
    if wants.address:
        assert network["addresses"] == [wants.address.address] and "dhcp4" not in network
        via = [route["via"] for route in network.get("routes", [])]
        assert via == [wants.address.gateway] * (wants.address.gateway is not None)
    else:
        assert network["dhcp4"] is True
    assert "network-config" not in files("cloud-init", wants, TARGET._replace(mac=None))


@every
def test_autoinstall(wants):
    made = answers("autoinstall", wants, TARGET)
    assert made.label == "CIDATA" and made.kernel_append.startswith("autoinstall ")
    assert made.needs_kernel_from_iso
    data = yaml.safe_load(made.files["user-data"])["autoinstall"]
    assert data["version"] == 1 and data.get("user-data", {}).get("runcmd", []) == wants.run
    if wants.user == "root":
        assert data["user-data"]["users"][0]["ssh_authorized_keys"] == KEYS
    else:
        assert data["ssh"]["authorized-keys"] == wants.ssh_keys
        assert data["identity"]["username"] == wants.user or "ubuntu"
        assert data["identity"]["password"] == (wants.password_hash or "!")
    assert all(isinstance(one, str | list) for one in data["late-commands"])
    # With several disks it takes the largest where it is not told.
    assert data["storage"]["layout"]["match"] == {"path": "/dev/sda"}


@pytest.mark.parametrize("kind", ["autoinstall", "preseed", "kickstart", "autoyast", "agama"])
def test_what_every_guest_gets_is_asked_for_once(kind):
    made = files(kind, FirstLogin(packages=["qemu-guest-agent", "vim"]))
    assert b"".join(made.values()).count(b"qemu-guest-agent") == 1


def test_the_kernels_line_names_the_medium_and_the_serial_port():
    target = TARGET._replace(medium="My DVD é", serial=False)
    assert kernel_line("kickstart", target).split()[:2] == [
        r"inst.stage2=hd:LABEL=My\x20DVD\x20\xc3\xa9",
        "inst.ks=hd:LABEL=OEMDRV:/ks.cfg",
    ]
    assert kernel_line("agama", target).startswith(r"root=live:CDLABEL=My\x20DVD")
    assert kernel_line("autoyast", target).startswith("install=cd:/ autoyast=label://OEMDRV/")
    assert kernel_line("autoinstall", TARGET._replace(serial=True, arch="aarch64")) == (
        "autoinstall console=tty0 console=ttyAMA0,115200"
    )
    # The label is anybody's: it adds no word.
    hostile = kernel_line("kickstart", target._replace(medium="a init=/bin/sh\n\"'"))
    assert "init=/bin/sh" not in hostile.split() and "\n" not in hostile
    for kind in ("kickstart", "agama", "autoyast"):
        assert kernel_line(kind, TARGET) is None
    assert kernel_line("alpine", target) is None


@every
def test_preseed(wants, tmp_path):
    made = answers("preseed", wants, TARGET)
    assert "auto=true priority=critical" in made.kernel_append
    text = made.files["preseed.cfg"].decode()
    if wants.password_hash:
        assert text.count(HASH) == 1
    words = dict(line.split(" ", 3)[1::2] for line in text.splitlines() if line.count(" ") >= 3)
    assert words["netcfg/get_hostname"] == (wants.host_name.split(".")[0] or "web")
    if wants.address:
        # Without a word it asks for the gateway.
        assert words["netcfg/get_gateway"] == (wants.address.gateway or "none")
        own = wants.address.address
        assert words["netcfg/get_ipaddress"] == (own if ":" in own else own.split("/")[0])
        assert ("netcfg/get_netmask" in words) is (":" not in own)
    if shutil.which("debconf-set-selections"):
        path = tmp_path / "preseed.cfg"
        path.write_bytes(made.files["preseed.cfg"])
        done = subprocess.run(
            ["debconf-set-selections", "-c", path], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
    check_script(made.files["late.sh"], wants, ["in-target", "sh", "-c"])
    if shutil.which("cpio"):
        done = subprocess.run(["cpio", "-i"], input=made.initrd_extra, cwd=tmp_path, check=True)
        assert (tmp_path / "preseed.cfg").read_bytes() == made.files["preseed.cfg"]
        assert (tmp_path / "kvmtui-late.sh").read_bytes() == made.files["late.sh"]


def check_script(script: bytes, wants: FirstLogin, before: list[str]) -> None:
    """A shell takes it, and sees each key and command as one word that is the same."""
    subprocess.run(["sh", "-n"], input=script, check=True)
    split = [shlex.split(line) for line in script.decode().splitlines() if line[:1] != "#"]
    keys = [words[2] for words in split if words[:2] == ["printf", "%s\\n"]]
    assert keys == wants.ssh_keys
    runs = [words[len(before)] for words in split if words[: len(before)] == before]
    assert runs == wants.run


@every
@pytest.mark.parametrize("version", ["RHEL8", "RHEL10", "F43"])
@pytest.mark.filterwarnings("ignore:An ssh user")
def test_kickstart(wants, version):
    pytest.importorskip("pykickstart")
    from pykickstart.parser import KickstartParser
    from pykickstart.version import makeVersion

    text = files("kickstart", wants, TARGET)["ks.cfg"].decode()
    handler = makeVersion(version)
    parser = KickstartParser(handler)
    parser.readKickstartFromString(text)
    assert [one.key for one in handler.sshkey.sshUserList] == wants.ssh_keys
    if wants.user == "admin":
        (user,) = handler.user.userList
        assert (user.name, user.groups) == ("admin", ["wheel"])
        assert user.password == (wants.password_hash or "") and user.lock is (
            wants.password_hash is None
        )
    assert set(wants.packages) <= set(handler.packages.packageList)
    (network,) = handler.network.network
    assert network.hostname == (wants.host_name or "web")
    if wants.address and ":" not in wants.address.address:
        assert (network.ip, network.netmask) == ("192.0.2.5", "255.255.255.0")
    script = "".join(one.script for one in handler.scripts)
    check_script(script.encode(), msgspec.structs.replace(wants, ssh_keys=[]), ["sh", "-c"])


@every
def test_autoyast(wants):
    root = ElementTree.fromstring(files("autoyast", wants)["autoinst.xml"])
    space = "{http://www.suse.com/1.0/yast2ns}"
    user = root.find(f"{space}users/{space}user")
    listed = [one.text for one in user.iter(f"{space}listentry")]
    assert listed == wants.ssh_keys and user.find(f"{space}username").text == (wants.user or "root")
    script = root.find(f".//{space}source").text
    check_script(script.encode(), wants, ["sh", "-c"])


@every
def test_agama(wants):
    made = answers("agama", wants, TARGET._replace(os="opensuse16.0"))
    assert made.label == "OEMDRV"
    data = json.loads(made.files["autoinst.json"])
    assert data["product"] == {"id": "Leap_16.0"}
    assert [drive["search"] for drive in data["storage"]["drives"]] == ["/dev/sda"]
    if wants.user != "admin":
        # Where root has neither password nor key it does not install by itself.
        assert data["root"]["password"] == (wants.password_hash or "!")
    if wants.user == "admin":
        assert data["user"]["password"] == (wants.password_hash or "!")
    check_script(data["scripts"]["post"][0]["content"].encode(), wants, ["sh", "-c"])


@every
def test_alpine(wants, tmp_path):
    made = files("alpine", wants)
    shell = '. ./answers; printf \'%s|\' "$HOSTNAMEOPTS" "$USEROPTS" "$TIMEZONEOPTS"'
    (tmp_path / "answers").write_bytes(made["answers"])
    done = subprocess.run(["sh", "-ec", shell], cwd=tmp_path, capture_output=True, text=True)
    user = f"-a {wants.user}" if wants.user == "admin" else "none"
    told = [wants.host_name or "web", user, wants.timezone or "UTC", ""]
    assert done.stdout.split("|") == told and not done.stderr
    with tarfile.open(fileobj=io.BytesIO(made["localhost.apkovl.tar.gz"])) as archive:
        start = archive.getmember("etc/local.d/kvmtui.start")
        assert start.mode & 0o111
        script = archive.extractfile(start).read()
        link = archive.getmember("etc/runlevels/default/local")
        assert (link.issym(), link.linkname) == (True, "/etc/init.d/local")
    check_script(script, wants, ["chroot", "/mnt", "sh", "-c"])
    # setup-alpine -e leaves root without a password; sshd refuses whom a ! locks.
    lines = script.decode().splitlines()
    assert ("printf 'root:*\\n' | chroot /mnt chpasswd -e" in lines) is (wants.user == "admin")
    login = f"{wants.user or 'root'} '{wants.password_hash or '*'}'"
    assert f"printf '%s:%s\\n' {login} | chroot /mnt chpasswd -e" in lines
    assert ("doas.d" in script.decode()) is (wants.user == "admin" and not wants.password_hash)


def opts(wants, **changed):
    """What Alpine's setup scripts are given, by name, as its shell reads them."""
    target = TARGET._replace(os="alpinelinux3.22", **changed)
    text = files("alpine", wants, target)["answers"].decode()
    return dict(one.split("=", 1) for one in shlex.split(text, comments=True))


def test_alpines_scripts_get_no_word_that_lets_them_ask():
    # Addresses are words of their own: behind -n the domain would be asked for.
    assert opts(WANTS)["DNSOPTS"] == "-d example.org 192.0.2.2 192.0.2.3"
    assert opts(BARE)["DNSOPTS"] == "-h" and "DNSOPTS" not in opts(KEY_ONLY)
    # A repository has the version in its address; -1 alone leaves out community.
    mirror = "http://mirror.example.org:8080/debian/v3.22"
    assert opts(WANTS)["APKREPOSOPTS"] == f"{mirror}/main {mirror}/community"
    assert opts(BARE)["APKREPOSOPTS"] == "-c -1"
    alone = opts(LEAST, mac=None)
    assert (alone["APKREPOSOPTS"], alone["DNSOPTS"]) == ("-h", "-h")


def test_without_a_network_card_nothing_is_asked_of_one():
    alone = TARGET._replace(mac=None)
    for kind in KINDS:
        made = b"".join(files(kind, LEAST, alone).values())
        assert b"qemu-guest-agent" not in made and b"dhcp" not in made, kind
    preseed = files("preseed", LEAST, alone)["preseed.cfg"]
    assert b"netcfg/enable boolean false" in preseed and b"use_mirror boolean false" in preseed


def test_an_ubuntu_of_debians_installer_has_ubuntus_packages():
    made = files("preseed", LEAST, TARGET._replace(os="ubuntu18.04"))["preseed.cfg"]
    assert b"hostname string archive.ubuntu.com\n" in made and b"directory string /ubuntu\n" in made


def test_suse_is_told_its_products_as_each_installer_calls_them():
    def product(kind, os_id, medium=""):
        target = TARGET._replace(os=os_id, medium=medium)
        return answers(kind, LEAST, target)

    for os_id, name in (("opensuse15.6", "Leap"), ("opensusetumbleweed", "openSUSE")):
        assert (
            f"<product>{name}</product>".encode()
            in product("autoyast", os_id).files["autoinst.xml"]
        )
    for os_id, name in (("opensuse16.0", "Leap_16.0"), ("opensuse16.1", "openSUSE_Leap")):
        assert json.loads(product("agama", os_id).files["autoinst.json"])["product"]["id"] == name
    full = product("autoyast", "sle15sp7", "SLE-15-SP7-Full-x86_64123").files["autoinst.xml"]
    assert b"<product_dir>/Module-Basesystem</product_dir>" in full
    online = product("autoyast", "sle15sp7", "SLE-15-SP7-Online-x86_64")
    assert b"add-on" not in online.files["autoinst.xml"] and "registration" in online.notes[0]


@pytest.mark.parametrize(
    ("os_id", "medium", "key", "language"),
    [
        ("win11", "CCCOMA_X64FRE_DE-DE_DV9", "W269N", "de-DE"),
        ("win11", "CES_X64FREV_EN-US_DV5", "", "en-US"),
        ("win10", "CENA_X64FREE_FR-FR_DV5", "", "fr-FR"),
        ("win2k25", "SSS_X64FREE_EN-US_DV9", "", "en-US"),
    ],
)
def test_windows_setup_has_a_key_or_an_edition_and_the_mediums_language(
    os_id, medium, key, language
):
    made = files("autounattend", LEAST, TARGET._replace(os=os_id, medium=medium))
    text = made["autounattend.xml"].decode()
    assert ("<InstallFrom>" in text) is not bool(key)
    assert (f"<ProductKey><Key>{key}-" in text) is bool(key)
    assert f"<UILanguage>{language}</UILanguage>" in text and "<Key></Key>" not in text


@pytest.mark.parametrize(
    ("guest", "name"), [("12345", "pc-12345"), ("a-very-long-na-me", "a-very-long-na")]
)
def test_windows_takes_the_computers_name(guest, name):
    made = files("autounattend", LEAST, TARGET._replace(name=guest))["autounattend.xml"]
    assert f"<ComputerName>{name}</ComputerName>" in made.decode()


def test_what_an_installer_has_no_word_for_is_told():
    told = " ".join(answers("autounattend", WANTS, TARGET).notes)
    assert "not told of a fixed address" in told and "keys are not put into Windows" in told
    assert "not told of a mirror" in " ".join(answers("agama", WANTS, TARGET).notes)
    for kind in ("preseed", "kickstart", "autoinstall", "cloud-init"):
        assert answers(kind, WANTS, TARGET).notes == ()


@every
def test_autounattend(wants):
    made = answers("autounattend", wants, TARGET)
    root = ElementTree.fromstring(made.files["autounattend.xml"])
    space = "{urn:schemas-microsoft-com:unattend}"
    commands = [one.text for one in root.iter(f"{space}CommandLine")]
    assert commands[len(commands) - len(wants.run) :] == wants.run
    assert root.find(f".//{space}LocalAccount/{space}Name").text in ("admin",)
    paths = [one.text for one in root.iter(f"{space}Path")]
    assert "E:\\viostor\\w11\\amd64" in paths
    assert HASH not in made.files["autounattend.xml"].decode()
    assert bool(wants.password_hash) is any("no hash" in note for note in made.notes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "a\x1bb", "\u202ea", "a\u2028b"])
def test_no_value_ends_its_line(kind, bad):
    for field in ("host_name", "user", "locale", "keyboard", "timezone", "mirror", "proxy"):
        with pytest.raises(DefinitionError, match=field):
            answers(kind, FirstLogin(**{field: bad}), TARGET)
    for field, value in (
        ("packages", [bad]),
        ("run", [bad]),
        ("ssh_keys", [key(bad)]),
        ("password_hash", bad),
        ("address", StaticAddress(bad)),
        ("address", StaticAddress("192.0.2.5/24", bad)),
        ("address", StaticAddress("192.0.2.5/24", None, [bad])),
    ):
        with pytest.raises(DefinitionError, match=field):
            answers(kind, FirstLogin(**{field: value}), TARGET)


@pytest.mark.parametrize(
    "wants",
    [
        FirstLogin(user="Admin"),
        FirstLogin(user="a" * 33),
        FirstLogin(user="a b"),
        FirstLogin(host_name="-a"),
        FirstLogin(host_name="a_b"),
        FirstLogin(password_hash="plain"),
        FirstLogin(packages=["a b"]),
        FirstLogin(packages=["-oOption"]),
        FirstLogin(run=["  "]),
        FirstLogin(mirror="file:///etc"),
        FirstLogin(address=StaticAddress("192.0.2.5")),
        FirstLogin(address=StaticAddress("192.0.2.5/24", "2001:db8::1")),
        FirstLogin(ssh_keys=["ssh-ed25519 AAAA"]),
        FirstLogin(ssh_keys=[key().replace("ssh-ed25519 ", "ssh-rsa ")]),
        FirstLogin(ssh_keys=["-----BEGIN OPENSSH PRIVATE KEY-----"]),
    ],
)
def test_what_cannot_be_is_told(wants):
    assert len(problems(wants)) == 1


def test_keys_of_a_file():
    text = f"# mine\n\n{KEYS[0]}\n{KEYS[1]}\n".encode()
    assert keys_of_text(text, "f") == KEYS
    for data, told in ((b"", "no key"), (b"x\ny", "line 1"), (f"{KEYS[0]}\nz".encode(), "line 2")):
        with pytest.raises(KvmtuiError, match=told):
            keys_of_text(data, "f")


def test_a_hash_is_in_no_representation():
    assert HASH not in repr(WANTS)


@pytest.mark.parametrize(
    ("guest", "host"), [("web", "web"), ("a_b.c", "a-b.c"), ("_", "guest"), ("x..y-", "x.y")]
)
def test_a_host_name_follows_from_the_guests(guest, host):
    assert host_name_of(guest) == host
    assert problems(FirstLogin(host_name=host)) == []


def test_a_users_own_template_wins_and_its_faults_are_told(tmp_path):
    folder = str(tmp_path)
    (tmp_path / "ks.cfg").write_text("# mine\nuser {{ user }}\n")
    made = answers("kickstart", WANTS, TARGET, [folder]).files["ks.cfg"]
    assert made == b"# mine\nuser admin\n"
    for text, told in (
        ("\n\n{{ nobody }}", "line 3.*nobody"),
        ("\n{% if %}", "line 2"),
        ("{{ user.__class__.__mro__ }}", "unsafe|undefined"),
        ("{{ 1 / 0 }}", "division"),
    ):
        (tmp_path / "ks.cfg").write_text(text)
        with pytest.raises(DefinitionError, match=f"(?s){told}") as failure:
            answers("kickstart", WANTS, TARGET, [folder])
        assert "ks.cfg" in str(failure.value)


def test_what_a_template_of_a_user_puts_in_is_escaped_by_itself(tmp_path):
    (tmp_path / "user-data").write_text("a: {{ keys[1] }}\nb: {{ keys }}\n")
    made = templates.render("user-data", {"keys": KEYS}, [str(tmp_path)])
    assert yaml.safe_load(made) == {"a": KEYS[1], "b": KEYS}
