"""A loopback HTTP server that serves files as servers do, and as they should not."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Files:
    """What the server serves, and how it was asked.

    Attributes:
        content: Each file by its path.
        faults: Words on how a path is served badly: ``break`` (it breaks off once, after
            half), ``always-break``, ``short`` (it says more than it has), ``no-range``,
            ``changed`` (another ETag each time), ``endless``, ``silent``, ``slow``,
            ``redirect=PATH``, ``loop``, ``503-once``, ``gzip``.
        asked: Every request: method, path and Range.
        parts: How often a part was served, and not the whole.
    """

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.faults: dict[str, set[str]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.served = 0
        self.parts = 0
        self.url = ""
        self.ended = threading.Event()
        self.waits = threading.Event()
        """Set when a slow or silent answer has begun."""

    def serve(self, path: str, content: bytes, *faults: str) -> str:
        """Serve a file; returns its address."""
        self.content[path] = content
        self.faults[path] = set(faults)
        return self.url + path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: Files

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        files = self.files
        path = self.path
        if path.startswith("http://"):  # As a proxy is asked.
            path = "/" + path.split("/", 3)[3]
        files.asked.append((self.command, self.path, self.headers.get("Range", "")))
        faults = files.faults.get(path, set())
        self.close_connection = True
        if path not in files.content:
            self.send_error(404)
            return
        for fault in faults:
            if fault.startswith("redirect="):
                self._redirect(fault.removeprefix("redirect="))
                return
        if "loop" in faults:
            self._redirect(path)
        elif "503-once" in faults:
            faults.discard("503-once")
            self.send_error(503)
        else:
            with contextlib.suppress(ConnectionError):
                self._send(path, files.content[path], faults)

    def _redirect(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, path: str, data: bytes, faults: set[str]) -> None:
        self.files.served += 1
        etag = f'"{self.files.served}"' if "changed" in faults else '"one"'
        begin = 0
        asked = self.headers.get("Range", "")
        is_part = asked and "no-range" not in faults and self.headers.get("If-Range") == etag
        if is_part:
            self.files.parts += 1
            begin = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if is_part else 200)
        if is_part:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", etag)
        if "gzip" in faults:
            self.send_header("Content-Encoding", "gzip")
        body = data[begin:]
        if not faults & {"endless"}:
            self.send_header("Content-Length", str(len(body) + (1000 if "short" in faults else 0)))
        self.end_headers()
        if "endless" in faults:
            while not self.files.ended.is_set():
                self.wfile.write(b"\0" * 65536)
        if faults & {"silent", "slow"}:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.files.waits.set()
            self.files.ended.wait(60)
            return
        if "always-break" in faults or "break" in faults:
            faults.discard("break")
            body = body[: len(body) // 2]
        self.wfile.write(body)


@contextlib.contextmanager
def serving(certificate: Path | None = None) -> Iterator[Files]:
    """The server, for as long as the block lasts.

    Args:
        certificate: A file with its key too: it speaks https then, as localhost.
    """
    files = Files()
    handler = type("Handler", (_Handler,), {"files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    files.url = f"http://127.0.0.1:{server.server_port}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        files.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield files
    finally:
        files.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(folder: Path) -> Path:
    """A certificate of localhost with its key, which is its own authority."""
    key, certificate, both = (folder / name for name in ("key.pem", "cert.pem", "both.pem"))
    words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run(["openssl", "req", *words], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
