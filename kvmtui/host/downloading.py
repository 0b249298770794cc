"""Fetching files by HTTP: resumed where it broke off, bounded, ended at once when asked to.

httpx does the protocol, and is imported only here: proxies (``HTTPS_PROXY``, ``NO_PROXY``)
and certificates (``SSL_CERT_FILE``) are as with other programs. What comes is not trusted:
its length is checked and its content never decoded; whoever asked checks the checksum.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import urllib.parse
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from kvmtui.durable import give_to_owner_of, write_atomically
from kvmtui.errors import Cancelled, HostError, ImageError, told_os_error
from kvmtui.text import visible

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Tell = Callable[[int, int | None], None]
"""Gets how many bytes are here, and how many there are where that is known."""

_BLOCK_BYTES = 1 << 18
_CHECK_ROOM_EACH_BYTES = 16 << 20
_KEEP_FREE_BYTES = 64 << 20
_TURN_S = 0.1
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_REDIRECTS = 10
STATE = ".json"
"""What is behind an unfinished file's name where it stands which content it is of."""


class Limits(NamedTuple):
    """How long is waited, and how much is taken."""

    connect_s: float = 20.0
    silence_s: float = 30.0
    """How long a server may say nothing."""
    attempts: int = 6
    """How often in a row it may break off without having brought `progress_bytes`."""
    first_attempts: int = 3
    """How often it is tried where nothing has come yet."""
    most_attempts: int = 100
    progress_bytes: int = 1 << 20
    pause_s: float = 0.5
    """Before the second attempt; twice as long before each further one."""
    most_bytes: int = 64 << 30


def _told(url: str) -> str:
    """An address without what stands before its host, which may be a password."""
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return visible(urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", "")), limit=200)


class _BrokenOff(Exception):
    """It ended too early; another attempt may do."""


def small(
    url: str,
    most_bytes: int,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
) -> bytes:
    """Fetch a small file into memory; an https address stays one.

    Raises:
        HostError: It cannot be had; says why and what to do.
        Cancelled: A person ended it.
    """
    limits = limits or Limits()

    async def get() -> bytes:
        async def once() -> bytes:
            async with _opened(url, {}, limits, secure=True) as response:
                _refuse(response, url)
                found = b""
                async for block in response.aiter_raw(_BLOCK_BYTES):
                    found += block
                    if len(found) > most_bytes:
                        raise HostError(f"{_told(url)}: more than {most_bytes} bytes came")
                return found

        return await _again(once, url, limits, lambda: 0)

    return _run(get(), is_cancelled, url)


def fetch(
    url: str,
    path: str,
    tell: Tell = lambda done, total: None,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
    limits: Limits | None = None,
) -> None:
    """Fetch a file; what an earlier call left of it is gone on with where the server can.

    A failure leaves what came, and beside it (`STATE`) what it is of.

    Raises:
        HostError: It cannot be had; says why and what to do.
        ImageError: There is no room for it.
        Cancelled: A person ended it.
    """
    limits = limits or Limits()
    one = _File(url, path, tell, limits)
    try:
        _run(_again(one.attempt, url, limits, lambda: one.have), is_cancelled, url)
    except OSError as error:
        raise told_os_error("", error) from None
    forget_state(path)


def forget_state(path: str) -> None:
    """Remove what stands beside an unfinished file."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + STATE)


class _File:
    """A file that is being fetched."""

    def __init__(self, url: str, path: str, tell: Tell, limits: Limits) -> None:
        self._url = url
        self._path = path
        self._tell = tell
        self._limits = limits
        self.have = 0
        """How much of it is here."""

    async def attempt(self) -> None:
        state = self._state()
        self.have = _size(self._path) if state else 0
        headers = {}
        if self.have and self.have == state.get("total"):
            return
        if self.have:
            headers = {"Range": f"bytes={self.have}-", "If-Range": state["validator"]}
        async with _opened(self._url, headers, self._limits, secure=False) as response:
            if response.status_code == 416 and self.have:
                self._begin_anew()
                raise _BrokenOff("it has changed meanwhile")
            _refuse(response, self._url)
            total = self._total(response)
            self._refuse_without_room(total)
            self._keep_state(response, total)
            await self._receive(response, total)
        if total is not None and self.have < total:
            raise _BrokenOff(f"{self.have} of {total} bytes came")

    def _total(self, response: httpx.Response) -> int | None:
        """How long the whole is; `have` is then where this answer begins."""
        if response.status_code == 206:
            words = response.headers.get("content-range", "")
            begin, _, total = words.removeprefix("bytes ").partition("/")
            if begin.partition("-")[0] != str(self.have):
                self._begin_anew()
                raise _BrokenOff("another part came than was asked for")
            return int(total) if total.isdecimal() else None
        self.have = 0
        length = response.headers.get("content-length", "")
        return int(length) if length.isdecimal() else None

    def _refuse_without_room(self, total: int | None) -> None:
        more = (total or self.have) - self.have
        if total is not None and total > self._limits.most_bytes:
            raise HostError(f"{_told(self._url)}: {total} bytes are more than an image has")
        found = os.statvfs(os.path.dirname(self._path))
        if found.f_bavail * found.f_frsize < more + _KEEP_FREE_BYTES:
            folder = visible(os.path.dirname(self._path))
            raise ImageError(
                f"{folder} has no room for it: {more >> 20} MiB are to come",
                hint="make room on that file system",
            )

    async def _receive(self, response: httpx.Response, total: int | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        unchecked = 0
        try:
            give_to_owner_of(os.path.dirname(self._path), fd)
            os.ftruncate(fd, self.have)
            os.lseek(fd, self.have, os.SEEK_SET)
            async for block in response.aiter_raw(_BLOCK_BYTES):
                if self.have + len(block) > self._limits.most_bytes:
                    raise HostError(f"{_told(self._url)}: it does not end")
                _write_all(fd, block)
                self.have += len(block)
                self._tell(self.have, total)
                unchecked += len(block)
                if unchecked >= _CHECK_ROOM_EACH_BYTES:
                    unchecked = 0
                    self._refuse_without_room(total)
        finally:
            os.close(fd)

    def _state(self) -> dict[str, Any]:
        """Which content the unfinished file is of; empty where that is not known."""
        try:
            with open(self._path + STATE, "rb") as file:
                found = json.loads(file.read(8192))
        except (OSError, ValueError):
            return {}
        fits = isinstance(found, dict) and found.get("url") == self._url
        return found if fits and isinstance(found.get("validator"), str) else {}

    def _keep_state(self, response: httpx.Response, total: int | None) -> None:
        """Without a strong ETag or a date nothing says that the rest is of the same content."""
        etag = response.headers.get("etag", "")
        strong = etag if etag and not etag.startswith("W/") else ""
        validator = strong or response.headers.get("last-modified", "")
        if not validator:
            forget_state(self._path)
            return
        state = {"url": self._url, "validator": validator, "total": total}
        write_atomically(self._path + STATE, json.dumps(state).encode(), durable=False)

    def _begin_anew(self) -> None:
        forget_state(self._path)
        self.have = 0


def _write_all(fd: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(fd, view) :]


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


@contextlib.asynccontextmanager
async def _opened(
    url: str, headers: dict[str, str], limits: Limits, *, secure: bool
) -> AsyncIterator[httpx.Response]:
    """An answer whose body is still to come.

    Args:
        secure: Whether an https address may not lead to a plain one.
    """
    import httpx

    from kvmtui import __version__

    async def watch(response: httpx.Response) -> None:
        place = response.headers.get("location", "") if response.is_redirect else ""
        was_secure = secure and response.url.scheme == "https"
        if was_secure and place and response.url.join(place).scheme != "https":
            raise HostError(f"{_told(url)} leads to an address that is not https")

    usual = {"User-Agent": f"kvmtui/{__version__}", "Accept-Encoding": "identity"}
    timeout = httpx.Timeout(limits.silence_s, connect=limits.connect_s)
    try:
        async with (
            httpx.AsyncClient(
                timeout=timeout,
                follow_redirects=True,
                max_redirects=_MOST_REDIRECTS,
                event_hooks={"response": [watch]},
            ) as client,
            client.stream("GET", url, headers={**usual, **headers}) as response,
        ):
            yield response
    except httpx.TooManyRedirects:
        raise HostError(f"{_told(url)}: it leads from one address to the next") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        raise HostError(f"{_told(url)}: {visible(str(error), limit=200)}") from None
    except httpx.TimeoutException as error:
        kind = "no connection" if isinstance(error, httpx.ConnectTimeout) else "no answer"
        raise _BrokenOff(f"{kind} in time") from None
    except httpx.TransportError as error:
        reason = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            raise HostError(
                f"{_told(url)}: its certificate cannot be trusted",
                hint="set SSL_CERT_FILE where a proxy has one of its own; see to the clock",
            ) from None
        raise _BrokenOff(visible(reason, limit=200)) from None


def _refuse(response: httpx.Response, url: str) -> None:
    """Raise for an answer that is not the file."""
    if response.status_code in _RETRIED:
        raise _BrokenOff(f"the server says {response.status_code}")
    if response.status_code not in (200, 206):
        hint = "kvmtui catalog list" if response.status_code in (404, 410) else ""
        reason = visible(response.reason_phrase, limit=60)
        raise HostError(f"{_told(url)}: {response.status_code} {reason}".rstrip(), hint=hint)
    if response.headers.get("content-encoding", "identity") != "identity":
        raise HostError(f"{_told(url)}: it comes in an encoding that was not asked for")


async def _again(
    once: Callable[[], Coroutine[Any, Any, T]], url: str, limits: Limits, have: Callable[[], int]
) -> T:
    """Try again as long as something comes; a few times where nothing does."""
    failed, most = 0, 0
    for _ in range(limits.most_attempts):
        try:
            return await once()
        except _BrokenOff as error:
            reason = str(error)
        failed += 1
        if have() >= most + limits.progress_bytes:
            failed, most = 1, have()
        if failed >= (limits.attempts if have() else limits.first_attempts):
            break
        await asyncio.sleep(limits.pause_s * 2 ** (failed - 1))
    raise HostError(
        f"{_told(url)} could not be fetched: {reason}",
        hint="try again, what came is kept; a proxy is named by HTTPS_PROXY",
    )


def _run(work: Coroutine[Any, Any, T], is_cancelled: Callable[[], bool], url: str) -> T:
    """Run it on a loop of its own, and end it within a moment when asked to."""

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=_TURN_S)
                if is_cancelled() and not task.done():
                    task.cancel()
                    await asyncio.wait([task])
                    raise Cancelled(f"{_told(url)} was cancelled; what came is kept")
            return task.result()
        finally:
            task.cancel()

    return asyncio.run(watched())
