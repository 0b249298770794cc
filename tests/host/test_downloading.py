"""Fetching by HTTP, from a server on loopback that does all that servers do."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from kvmtui.errors import Cancelled, HostError, ImageError
from kvmtui.host import downloading
from kvmtui.host.downloading import STATE, Limits

sys.path.insert(0, str(Path(__file__).parent.parent))
from http_files import make_certificate, serving

DATA = os.urandom(3_000_001)
QUICK = Limits(connect_s=5, silence_s=5, attempts=3, pause_s=0.01, progress_bytes=100_000)


@pytest.fixture
def files():
    with serving() as found:
        yield found


@pytest.fixture
def target(tmp_path):
    return str(tmp_path / "image.download")


def test_a_file_comes_whole_and_tells_how_far_it_is(files, target):
    told = []
    downloading.fetch(files.serve("/i", DATA), target, lambda *one: told.append(one), limits=QUICK)
    assert Path(target).read_bytes() == DATA
    assert os.stat(target).st_mode & 0o777 == 0o600
    assert told[-1] == (len(DATA), len(DATA)) and len(told) > 3
    assert not os.path.exists(target + STATE)


def test_what_breaks_off_is_gone_on_with(files, target):
    downloading.fetch(files.serve("/i", DATA, "break"), target, limits=QUICK)
    assert Path(target).read_bytes() == DATA
    ranges = [one[2] for one in files.asked]
    assert ranges[0] == "" and ranges[1].startswith("bytes=1") and len(ranges) == 2
    assert files.parts == 1


@pytest.mark.parametrize("fault", ["no-range", "changed"])
def test_what_cannot_be_gone_on_with_begins_anew(files, target, fault):
    downloading.fetch(files.serve("/i", DATA, "break", fault), target, limits=QUICK)
    assert Path(target).read_bytes() == DATA


def test_a_later_call_goes_on_where_an_earlier_one_ended(files, target):
    url = files.serve("/i", DATA, "always-break")
    limits = QUICK._replace(most_attempts=1)
    with pytest.raises(HostError, match="could not be fetched"):
        downloading.fetch(url, target, limits=limits)
    half = os.path.getsize(target)
    assert 0 < half < len(DATA)
    downloading.fetch(files.serve("/i", DATA), target, limits=QUICK)
    assert Path(target).read_bytes() == DATA and files.asked[-1][2] == f"bytes={half}-"


def test_a_server_that_says_more_than_it_has_is_given_up(files, target):
    with pytest.raises(HostError, match=f"{len(DATA)} of {len(DATA) + 1000} bytes|could not"):
        downloading.fetch(files.serve("/i", DATA, "short"), target, limits=QUICK)
    assert len(files.asked) <= 5


def test_a_body_without_end_is_ended(files, target):
    limits = QUICK._replace(most_bytes=1 << 20)
    with pytest.raises(HostError, match="does not end"):
        downloading.fetch(files.serve("/i", b"", "endless"), target, limits=limits)
    assert os.path.getsize(target) <= 1 << 20
    with pytest.raises(HostError, match="more than 1000 bytes"):
        downloading.small(files.url + "/i", 1000, limits=QUICK)


def test_a_file_larger_than_any_image_is_refused_before_it_comes(files, target):
    with pytest.raises(HostError, match="more than an image"):
        downloading.fetch(files.serve("/i", DATA), target, limits=QUICK._replace(most_bytes=1000))
    assert not os.path.exists(target)


def test_silence_has_a_limit(files, target):
    limits = QUICK._replace(silence_s=0.3, attempts=1, first_attempts=1)
    with pytest.raises(HostError, match="no answer in time"):
        downloading.fetch(files.serve("/i", DATA, "silent"), target, limits=limits)


def test_it_ends_at_once_when_cancelled(files, target):
    url = files.serve("/i", DATA, "slow")
    ended = []

    def fetch():
        try:
            downloading.fetch(url, target, is_cancelled=files.waits.is_set, limits=QUICK)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join(4)
    assert not thread.is_alive() and "what came is kept" in str(ended[0])
    assert os.path.getsize(target) > 0 and os.path.exists(target + STATE)


def test_redirects_are_followed_but_not_for_ever(files, target):
    files.serve("/real", DATA)
    downloading.fetch(files.serve("/i", b"", "redirect=/real"), target, limits=QUICK)
    assert Path(target).read_bytes() == DATA
    with pytest.raises(HostError, match="from one address to the next"):
        downloading.fetch(files.serve("/l", b"", "loop"), target, limits=QUICK)


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(files, target):
    downloading.fetch(files.serve("/i", DATA, "503-once"), target, limits=QUICK)
    assert Path(target).read_bytes() == DATA
    with pytest.raises(HostError, match="404 Not Found") as failure:
        downloading.fetch(files.url + "/none", target, limits=QUICK)
    assert failure.value.hint and len(files.asked) == 3


def test_an_encoding_that_was_not_asked_for_is_refused(files, target):
    with pytest.raises(HostError, match="encoding"):
        downloading.fetch(files.serve("/i", DATA, "gzip"), target, limits=QUICK)


def test_a_proxy_is_gone_through(files, target, monkeypatch):
    files.serve("/i", DATA)
    monkeypatch.setenv("HTTP_PROXY", files.url)
    downloading.fetch("http://images.invalid/i", target, limits=QUICK)
    assert Path(target).read_bytes() == DATA
    assert files.asked == [("GET", "http://images.invalid/i", "")]


def test_nobody_there_is_told_without_passwords(tmp_path, target):
    with pytest.raises(HostError) as failure:
        downloading.fetch("http://me:secret@127.0.0.1:1/i?token=x", target, limits=QUICK)
    assert "127.0.0.1:1/i" in failure.value.message
    assert "secret" not in failure.value.message and "token" not in failure.value.message
    assert "HTTPS_PROXY" in failure.value.hint


def test_a_full_disk_is_told_before_it_is_full(files, new_disk):
    folder = new_disk(65)
    with pytest.raises(ImageError, match="no room"):
        downloading.fetch(files.serve("/i", DATA), str(folder / "i"), limits=QUICK)


@pytest.mark.parametrize("url", ["ftp://h/i", "file:///etc/passwd", "http://", "nonsense"])
def test_other_addresses_are_refused(url, target):
    with pytest.raises(HostError):
        downloading.fetch(url, target, limits=QUICK)


def test_https_stays_https_where_it_is_a_checksum(files, target, tmp_path, monkeypatch):
    files.serve("/sums", b"plain")
    files.serve("/i", DATA)
    certificate = make_certificate(tmp_path)
    with serving(certificate) as secure:
        url = secure.serve("/s", b"", f"redirect={files.url}/sums")
        with pytest.raises(HostError, match="certificate cannot be trusted") as failure:
            downloading.small(url, 100, limits=QUICK)
        assert "SSL_CERT_FILE" in failure.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(HostError, match="not https"):
            downloading.small(url, 100, limits=QUICK)
        assert not files.asked
        # What a checksum is looked at for may come from any mirror.
        downloading.fetch(secure.serve("/i", b"", f"redirect={files.url}/i"), target, limits=QUICK)
        assert Path(target).read_bytes() == DATA
