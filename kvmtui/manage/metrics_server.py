"""A small HTTP server for metrics that no client can hold up.

`MOST_AT_ONCE` connections, each with `LIMIT_S` in all; more are sent away. A look is made
once for all that come at the same time.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kvmtui.errors import HostError, KvmtuiError, UsageError, as_told
from kvmtui.manage import metrics
from kvmtui.manage.scrapes import Snapshot
from kvmtui.text import visible

DEFAULT_ADDRESS = "127.0.0.1:19177"
MOST_AT_ONCE = 8
LIMIT_S = 10.0
_QUIET_S = 5.0
_PAGE = b"kvmtui: metrics are at /metrics\n"
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"

Source = Callable[[], Snapshot | None]


def parse_address(text: str) -> tuple[str, int]:
    """Read ``ADDRESS:PORT``, ``[ADDRESS]:PORT`` or a port of 127.0.0.1.

    Raises:
        UsageError: It is none.
    """
    host, _, port = text.rpartition(":")
    host = (host or "127.0.0.1").removeprefix("[").removesuffix("]")
    host = "127.0.0.1" if host == "localhost" else host
    with contextlib.suppress(ValueError):
        if port.isascii() and port.isdecimal() and int(port) < 65536:
            return str(ipaddress.ip_address(host)), int(port)
    raise UsageError(
        f"'{visible(text, limit=60)}' is no address to listen on",
        hint=f"write an IP address and a port, such as {DEFAULT_ADDRESS}",
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return ipaddress.ip_address(host).is_loopback


class _Server(ThreadingHTTPServer):
    """Bounded: connections at once, and how long each may last."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], source: Source) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._open: dict[socket.socket, float] = {}
        self._guard = threading.Lock()
        self._telling = threading.Lock()
        self._source = source
        self._told: tuple[float, bytes] | None = None
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve it in a thread, or send it away."""
        if not self._places.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.settimeout(0.0)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        with self._guard:
            self._open[request] = time.monotonic()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._open.pop(request, None)
            self._places.release()

    def service_actions(self) -> None:
        """End what has lasted too long; called twice a second."""
        latest = time.monotonic() - LIMIT_S
        with self._guard:
            for request, since in self._open.items():
                if since < latest:
                    with contextlib.suppress(OSError):
                        request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left costs nothing but its answer."""

    def told(self) -> bytes:
        """The metrics, made once of each look."""
        with self._telling:
            snapshot = self._source()
            if snapshot is None:
                raise HostError("no round is done yet")
            if self._told is None or self._told[0] != snapshot.time:
                self._told = (snapshot.time, metrics.told(snapshot))
            return self._told[1]


class _Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    server: _Server
    timeout = _QUIET_S
    server_version = "kvmtui"
    sys_version = ""

    def do_GET(self) -> None:
        """Tell the metrics, or where they are."""
        path = self.path.partition("?")[0]
        if path == "/":
            self._answer(200, _PAGE, "text/plain; charset=utf-8")
        elif path != "/metrics":
            self._answer(404, b"there is only /metrics\n", "text/plain; charset=utf-8")
        else:
            try:
                self._answer(200, self.server.told(), metrics.CONTENT_TYPE)
            except (KvmtuiError, OSError) as error:
                text = visible(as_told("", error).message, limit=500) + "\n"
                self._answer(503, text.encode(), "text/plain; charset=utf-8")

    do_HEAD = do_GET

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads who scraped when."""


class MetricsServer:
    """Tells metrics on an address, in threads of its own, until it is closed.

    Args:
        text: The address; port 0 is one that is free.
        source: The newest look; called by one thread at a time.

    Raises:
        UsageError: It is no address.
        HostError: The library is missing, or nobody may listen there.
    """

    def __init__(self, text: str, source: Source) -> None:
        host, port = parse_address(text)
        metrics.require()
        try:
            self._server = _Server((host, port), source)
        except OSError as error:
            raise HostError(
                f"nobody can listen on {visible(text, limit=60)}: {error.strerror}",
                hint="choose another port; ss -ltnp tells who has this one",
            ) from None
        port = self._server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{port}"
        """Where it listens."""
        self.warning = ""
        """What a person should know; empty where nothing."""
        if not is_loopback(host):
            self.warning = (
                f"metrics on {self.address} can be read by whoever reaches it: there is neither a"
                " password nor encryption; a proxy or 127.0.0.1 behind ssh has both"
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="kvmtui-metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
