"""Images as rows and detail: pure functions over images made by hand."""

from __future__ import annotations

import time

import pytest
from tui.views import operation

from kvmtui.manage.forecast import Forecast
from kvmtui.manage.image_links import Link
from kvmtui.manage.image_storage import Storage
from kvmtui.manage.image_users import ImageUser
from kvmtui.manage.images import ImageView
from kvmtui.qemu.image_header import Header
from kvmtui.tui.glyphs import ASCII, UNICODE
from kvmtui.tui.render import image_detail, image_rows
from kvmtui.tui.render import images as render
from kvmtui.tui.render.images import ImagesView, Scene
from kvmtui.tui.spans import plain, width_of

NOW = 1_764_000_000.0
SCENE = Scene(UNICODE, NOW, {}, {})
G = 1 << 30


def view(name, backing=None, children=(), folder="/h/images", **fields):
    link = None if backing is None else Link(backing, f"{folder}/{backing}", "qcow2", "")
    one = ImageView(
        path=f"{folder}/{name}",
        name=name,
        format="qcow2",
        virtual_size_bytes=20 * G,
        actual_size_bytes=2 * G,
        used_by=(),
        snapshots=0,
        changed=NOW - 86400 * 3,
        backing=link,
        children=tuple(f"{folder}/{child}" for child in children),
        locked=False,
        trouble="",
        header=Header("qcow2", 20 * G, cluster_bytes=65536, compression="zstd"),
    )
    return one._replace(**fields)


def known(*views, **fields):
    images = {one.path: one for one in views}
    return ImagesView(images, image_rows.parents(images), True, **fields)


TREE = (
    view("base", children=("one", "two")),
    view("one", "base", children=("three",)),
    view("two", "base"),
    view("three", "one"),
    view("alone"),
)


def shown(items, glyphs=UNICODE):
    return [plain(render.row_cells(item, SCENE._replace(glyphs=glyphs))[0]) for item in items]


def test_each_stands_below_the_one_that_it_stands_on():
    items = image_rows.arranged({one.path: one for one in TREE})
    assert shown(items) == [
        "alone",
        "▾ base",
        "│ ├ ▾ one",
        "│ │ └ three",
        "│ └ two",
    ]
    assert shown(items, ASCII)[2:4] == ["| + - one", "| | + three"]


def test_a_folded_tree_and_one_of_many():
    images = {one.path: one for one in TREE}
    items = image_rows.arranged(images, folds={"/h/images/one": True})
    assert shown(items) == ["alone", "▾ base", "│ ├ ▸ one", "│ └ two"]
    many = [f"c{number}" for number in range(14)]
    images = {one.path: one for one in (view("b", children=many), *(view(c, "b") for c in many))}
    assert shown(image_rows.arranged(images)) == ["▸ b"]
    assert len(image_rows.arranged(images, folds={"/h/images/b": False})) == 15


def test_by_directory_and_filtered():
    images = {one.path: one for one in (*TREE, view("x", folder="/far"))}
    items = image_rows.arranged(images, by="directory")
    assert shown(items)[:3] == ["▾ /far", "│ └ x", "▾ images"]
    assert plain(render.row_cells(items[2], SCENE)[4]) == "5 images"
    assert shown(image_rows.arranged(images, text="TWO")) == ["two"]
    far = {"/far/x": images["/far/x"]._replace(name="/far/x")}
    assert shown(image_rows.arranged(images | far, text="far")) == ["/far/x"]
    assert shown(image_rows.arranged(images, text="images")) == [], "where all of them lie"


@pytest.mark.parametrize("sort", image_rows.SORTABLE)
def test_sorted_within_each_tree(sort):
    images = {
        one.path: one
        for one in (
            view("a", actual_size_bytes=None, virtual_size_bytes=None, changed=None, format=None),
            view("b", trouble="corrupt"),
            view("c", used_by=(ImageUser("web", True, "disk0"),)),
        )
    }
    items = image_rows.arranged(images, sort=sort)
    assert len(items) == 3
    first = {"used": "b", "format": "b", "size": "b", "real": "b", "changed": "b"}
    assert shown(items)[0] == first.get(sort, "a")


def test_a_circle_and_a_chain_without_end():
    images = {one.path: one for one in (view("a", "b", ("b",)), view("b", "a", ("a",)))}
    items = image_rows.arranged(images)
    assert len(items) == 2
    everything = known(*images.values())
    for one in images.values():
        assert image_detail.chain_lines(everything, one, 40, SCENE)
    deep = [view(f"d{n:04}", f"d{n - 1:04}" if n else None, (f"d{n + 1:04}",)) for n in range(900)]
    items = image_rows.arranged({one.path: one for one in deep})
    assert len(items) == 900 and max(len(text) for text in shown(items)) < 30
    everything = known(*deep)
    lines = [plain(line) for line in image_detail.chain_lines(everything, deep[600], 43, SCENE)]
    assert any("… 595 more" in line for line in lines) and len(lines) < 12
    assert all(len(line) <= 43 for line in lines)


def test_ten_thousand_rows_are_made_as_they_are_drawn():
    images = {one.path: one for one in (view(f"i{n:05}") for n in range(10_000))}
    begun = time.thread_time()
    items = image_rows.arranged(images)
    assert len(items) == 10_000 and time.thread_time() - begun < 2
    made = []
    cells = render.Cells("source", lambda: made.append(1) or [()] * 7)
    assert len(cells) == 7 and not made and cells == render.Cells("source", lambda: [])
    assert cells[0] == () and made == [1] and cells != render.Cells("other", lambda: [])


def test_the_next_in_trouble_goes_round():
    bad = (view("b", trouble="corrupt"), view("d", trouble="backing gone"))
    images = {one.path: one for one in (view("a"), bad[0], view("c"), bad[1])}
    order = [item.key for item in image_rows.arranged(images)]
    assert image_rows.next_in_trouble(images, order, None) == "/h/images/b"
    assert image_rows.next_in_trouble(images, order, "/h/images/b") == "/h/images/d"
    assert image_rows.next_in_trouble(images, order, "/h/images/c") == "/h/images/d"
    assert image_rows.next_in_trouble(images, order, "/h/images/d") is None
    assert image_rows.next_in_trouble(images, order[:1], "/h/images/a") == "/h/images/b"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "nobody"),
        ({"trouble": "backing gone"}, "✗ backing gone"),
        ({"trouble": "backing elsewhere"}, "▲ backing elsewhere"),
        ({"trouble": "in use by cat (pid 9)"}, "▲ in use by cat (pid 9)"),
        ({"used_by": (ImageUser("web", True, "disk0"),)}, "● web"),
        ({"used_by": (ImageUser("web", False, "disk0"),)}, "○ web"),
        (
            {"used_by": (ImageUser("a", True, "disk0"), ImageUser("b", False, "disk0"))},
            "2 guests, 1 run",
        ),
    ],
)
def test_who_uses_it_or_what_is_wrong(fields, text):
    assert plain(render.used_cell(view("a", **fields), SCENE)) == text


def test_what_is_done_to_it_stands_there_instead():
    work = operation("", "convert", "running")._replace(image="a", percent=18.4)
    scene = SCENE._replace(work={"a": work})
    assert plain(render.used_cell(view("a"), scene)) == "» converting 18 %"


def test_storage_has_bar_sum_and_promise():
    one = Storage("/srv", 2000 * G, 400 * G, 0, 2900 * G, ("/srv/images",))
    full = Storage("/fast", 480 * G, 0, 0, 480 * G, ("/fast",))
    lines = render.storage_lines(ImagesView(storages=(one, full)), 130, UNICODE, 4)
    assert plain(lines[0]).endswith("1.6T of 2.0T, promised 2.8T (145 %)")
    assert "full now ▲" in plain(lines[1])
    (only,) = render.storage_lines(ImagesView(storages=(one, full)), 60, UNICODE, 1)
    assert plain(only).startswith("/fast") and width_of(only) <= 60
    assert render.storage_lines(ImagesView(), 60, UNICODE, 2) == []


def test_who_waits_stands_beside_a_full_file_system():
    full = Storage("/fast", 480 * G, 0, 0, 480 * G, ("/h/images",))
    users = (ImageUser("ci-2", True, "disk0"), ImageUser("ci-1", True, "disk0"))
    seen = known(view("a", used_by=users[:1]), view("b", used_by=users[1:]), storages=(full,))
    (line,) = render.storage_lines(seen._replace(waiting=frozenset({"ci-2"})), 130, UNICODE, 4)
    assert "full now ▲  ci-2 waits for it" in plain(line)
    both = seen._replace(waiting=frozenset({"ci-1", "ci-2", "elsewhere"}))
    (line,) = render.storage_lines(both, 130, UNICODE, 4)
    assert "full now ▲  ci-1 and 1 more wait for it" in plain(line)
    roomy = both._replace(storages=(full._replace(free_bytes=100 * G),))
    assert "wait" not in plain(render.storage_lines(roomy, 130, UNICODE, 4)[0])
    (line,) = render.storage_lines(seen, 130, UNICODE, 4)
    assert "wait" not in plain(line)


def test_the_home_says_when_it_is_full():
    one = Storage("/srv", 2000 * G, 400 * G, 0, 2900 * G, ("/srv/images",))
    other = one._replace(mount="/fast")
    when = time.mktime((2027, 1, 18, 12, 0, 0, 0, 0, -1))
    known = Forecast("/srv", 2000 * G, 400 * G, 6.0 * G, 7.0, when)
    fast = Forecast("/fast", 500 * G, 400 * G, 1.0 * G, 7.0, when + 86400)
    seen = ImagesView(storages=(one, other), forecasts=(known, fast))
    lines = [plain(line) for line in render.storage_lines(seen, 130, UNICODE, 4)]
    assert lines[0].endswith("promised 2.8T (145 %), full on 18 Jan")
    assert lines[1].endswith("(145 %), full on 19 Jan"), "each file system has its own"
    narrow = [plain(line) for line in render.storage_lines(seen, 60, UNICODE, 4)]
    assert narrow[0].endswith("1.6T of 2.0T, full on 18 Jan") and len(narrow[0]) <= 60
    nothing = known._replace(bytes_per_day=None, full_at=None)
    for unknown in (known._replace(full_at=None), nothing._replace(is_watched=True)):
        lines = render.storage_lines(seen._replace(forecasts=(unknown,)), 130, UNICODE, 4)
        assert plain(lines[0]).endswith("(145 %)")


@pytest.mark.parametrize("width", [60, 80, 130])
def test_without_a_watch_storage_says_once_who_would_tell(width):
    one = Storage("/srv", 2000 * G, 400 * G, 0, 2900 * G, ("/srv/images",))
    nothing = Forecast("/srv", 2000 * G, 400 * G, None, None, None)
    seen = ImagesView(
        storages=(one, one._replace(mount="/fast")),
        forecasts=(nothing, nothing._replace(mount="/fast")),
    )
    lines = [plain(line) for line in render.storage_lines(seen, width, UNICODE, 4)]
    assert all(len(line) <= width for line in lines)
    told = [", kvmtui watch tells when full" in line for line in lines]
    assert told == ([False, False] if width == 60 else [True, False])


def test_the_sum_of_it():
    assert render.summary(known(*TREE)) == (
        "5 images · 10G really used · 5 used by nobody (10G would come free)"
    )
    assert render.summary(ImagesView()) == ""


def test_the_detail_draws_the_chain_and_marks_where_one_stands():
    everything = known(*TREE)
    lines = image_detail.beside(everything, TREE[1], (NOW - 30, "no errors"), 43, 30, SCENE)
    text = [plain(line) for line in lines]
    assert text[0] == "one"
    heads = [line.rstrip()[:-12].rstrip() for line in text[2:5]]
    assert heads == ["base", "└ one", "  └ three"]
    assert any(span.bold and span.text == "one" for span in lines[3])
    assert "Checked   now, no errors" in text and "Cluster   64K, zstd" in text
    assert not any(line.startswith("Reclaim") for line in text)
    lazy = TREE[1]._replace(header=TREE[1].header._replace(lazy_refcounts=True))
    measured = everything._replace(reclaim={lazy.path: 38 << 20})
    lines = image_detail.beside(measured, lazy, None, 43, 30, SCENE)
    text = [plain(line) for line in lines]
    assert "Cluster   64K, lazy refcounts, zstd" in text and "Reclaim   38M by compact" in text
    below = image_detail.below(everything, TREE[0], None, 78, 2, SCENE)
    assert plain(below[0]).startswith("/h/images · ") and "2 stand on it" in plain(below[0])


def test_lost_images_are_told_in_sentences():
    lost = view("lost", "gone", trouble="backing gone")
    lines = image_detail.beside(known(lost), lost, None, 43, 30, SCENE)
    text = " ".join(plain(line) for line in lines)
    assert "it stands on" in text and "/h/images/gone, which is not there" in text
    assert "✗ gone" in text
    away = view("away", "far", trouble="backing elsewhere")
    assert "not followed" in image_detail.trouble_words(away)
    below = image_detail.below(known(away), away, None, 78, 2, SCENE)
    assert len(below) == 2 and plain(below[1]).startswith("▲ backing elsewhere")


def test_hostile_words_of_an_image_drive_nothing():
    name = "a\n\x1b[2J\u202e"
    one = view(name, "\x1b]0;x\x07", trouble="backing gone")._replace(
        header=Header("vmdk", data_files=("\x1b[31m",))
    )
    lines = image_detail.beside(known(one), one, None, 43, 40, SCENE)
    lines += image_detail.below(known(one), one, None, 78, 2, SCENE)
    item = image_rows.arranged({one.path: one})[0]
    lines += render.row_cells(item, SCENE)
    for line in lines:
        assert plain(line).isprintable() or plain(line) == ""
