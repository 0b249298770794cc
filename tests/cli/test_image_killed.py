"""`kvmtui image` killed at each step of each verb: nothing is lost, and what is left is removed."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.cli.test_images import content, leftovers, pair, pair_made_once

__all__ = ["pair", "pair_made_once"]

KILLED = """
import importlib, os, signal, sys
moment, place = sys.argv.pop(1).split()
module, _, name = place.rpartition(".")
owner = importlib.import_module(module)
real = getattr(owner, name)
def at(*arguments, **named):
    if moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    value = real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, at)
from kvmtui.__main__ import main
sys.exit(main())
"""
_M = "kvmtui.manage."
_RUN = "kvmtui.qemu.image_tool.run"
MOMENTS = {
    "import": [
        f"before {_M}image_importing._spool",
        f"after {_M}image_importing._spool",
        f"after {_RUN}",
        f"after {_M}image_importing.publish",
    ],
    "create": [f"before {_RUN}", f"after {_RUN}", f"after {_M}image_making.publish"],
    "delete": ["before os.unlink", "after os.unlink"],
    "commit": [
        f"before {_RUN}",
        f"after {_RUN}",
        f"after {_M}image_live_merging._name_instead",
        "after os.unlink",
    ],
    "resize": [f"before {_RUN}", f"after {_RUN}"],
    "undo": [
        f"before {_M}image_checking._copy_allocated",
        f"after {_M}image_checking._copy_range",
        f"after {_M}image_checking._copy_allocated",
    ],
}


def killed(kvmtui, moment, *words):
    command = [sys.executable, "-c", KILLED, moment, *map(str, words)]
    process = subprocess.Popen(
        command, env=kvmtui.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    assert process.wait(60) == -signal.SIGKILL, moment


def swept(kvmtui, verb):
    """The next kvmtui removes what is left, and the story says what was cut off."""
    assert list((kvmtui.home / "work").glob("*.json"))
    kvmtui.ok("image", "orphans")
    assert leftovers(kvmtui) == []
    last = json.loads((kvmtui.home / "history.jsonl").read_text().splitlines()[-1])
    assert (last["verb"], last["result"]) == (verb, "interrupted")
    kvmtui.ok("image", "list")


def moments_of(verb):
    return pytest.mark.parametrize(
        "moment", MOMENTS[verb], ids=lambda one: one.replace(_M, "").replace("kvmtui.", "")
    )


@moments_of("import")
def test_an_import(kvmtui, pair, tmp_path, moment):
    """Packed, so that it is unpacked first and then written in its format."""
    source = tmp_path / "in.raw.xz"
    source.write_bytes(lzma.compress((kvmtui.home / "content").read_bytes(), preset=0))
    before = source.read_bytes()
    killed(kvmtui, moment, "image", "import", source)
    swept(kvmtui, "import")
    assert source.read_bytes() == before
    target = pair / "in.qcow2"
    assert target.exists() == ("after" in moment and moment.endswith("publish"))
    if not target.exists():
        kvmtui.ok("image", "import", source)
    assert content(kvmtui, target)


@moments_of("create")
def test_a_creation(kvmtui, pair, moment):
    killed(kvmtui, moment, "image", "create", "new", "16M", "--backing", "base.qcow2")
    swept(kvmtui, "create")
    target = pair / "new.qcow2"
    assert target.exists() == moment.endswith("publish")
    if target.exists():
        kvmtui.ok("image", "check", "new.qcow2")
    else:
        kvmtui.ok("image", "create", "new", "16M", "--backing", "base.qcow2")


@moments_of("delete")
def test_a_deletion(kvmtui, pair, moment):
    """It is there and whole, or it is gone."""
    killed(kvmtui, moment, "image", "delete", "top.qcow2", "--yes")
    swept(kvmtui, "delete")
    top = pair / "top.qcow2"
    assert top.exists() == moment.startswith("before")
    if top.exists():
        assert content(kvmtui, top)
    kvmtui.ok("image", "check", "base.qcow2")


@moments_of("commit")
def test_a_commit_of_a_stopped_guest(kvmtui, pair, moment):
    """Whichever image the guest names has all of the content."""
    kvmtui.tiny("web", "--disk", pair / "top.qcow2")
    killed(kvmtui, moment, "image", "commit", "top.qcow2", "--yes")
    swept(kvmtui, "commit")
    (disk,) = kvmtui.ok("show", "web", "--json").json["definition"]["disks"]
    assert content(kvmtui, disk["file"])
    named_lower = "_name_instead" in moment or "unlink" in moment
    assert (os.path.basename(disk["file"]) == "base.qcow2") == named_lower
    assert (pair / "top.qcow2").exists() == ("unlink" not in moment)
    if not named_lower:
        kvmtui.ok("image", "commit", "top.qcow2", "--yes")
        assert content(kvmtui, pair / "base.qcow2")


@moments_of("resize")
def test_a_resize(kvmtui, pair, moment):
    killed(kvmtui, moment, "image", "resize", "top.qcow2", "24M")
    swept(kvmtui, "resize")
    kvmtui.ok("image", "check", "top.qcow2")
    kvmtui.ok("image", "resize", "top.qcow2", "24M")
    kvmtui.ok("image", "resize", "top.qcow2", "16M", "--shrink", "--yes")
    assert content(kvmtui, pair / "top.qcow2")


@moments_of("undo")
def test_the_undoing_of_a_repair(kvmtui, pair, moment):
    """It may be done again, since what it writes back stays until a person removes it."""
    path = pair / "base.qcow2"
    broken = bytearray(path.read_bytes())
    broken[0x10000 * 2 : 0x10000 * 2 + 4] = b"\0\0\0\0"  # Reference counts of two clusters.
    path.write_bytes(broken)
    assert kvmtui("image", "check", "base.qcow2").status == 1
    done = kvmtui.ok("image", "check", "base.qcow2", "--repair", "all", "--yes", "--json")
    kept = done.json["kept"]
    kvmtui.ok("image", "check", "base.qcow2")
    copy = shutil.copy(kept, pair.parent / "kept")
    killed(kvmtui, moment, "image", "check", "base.qcow2", "--undo", kept, "--yes")
    swept(kvmtui, "undo-repair")
    with open(kept, "rb") as one, open(copy, "rb") as other:
        assert one.read() == other.read()
    kvmtui.ok("image", "check", "base.qcow2", "--undo", kept, "--yes")
    assert path.read_bytes() == bytes(broken)
