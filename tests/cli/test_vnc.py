"""VNC on a TCP port of real guests: what a viewer is asked for, passwords and their end."""

from __future__ import annotations

import json
import os
import socket
import subprocess

import pytest
from conftest import Done

NONE, PASSWORD, VENCRYPT = 1, 2, 19
LIMIT_S = 20.0


@pytest.fixture
def port():
    """A TCP port that is free."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            if probe.getsockname()[1] >= 5900:
                return probe.getsockname()[1]


def received(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        assert piece, data
        data += piece
    return data


def greeted(connection):
    """The ways to come in that the server offers."""
    connection.settimeout(LIMIT_S)
    assert received(connection, 12) == b"RFB 003.008\n"
    connection.sendall(b"RFB 003.008\n")
    return list(received(connection, received(connection, 1)[0]))


def offered(port):
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
        return greeted(connection)


def answer(challenge, password):
    """What a viewer answers: DES under the password, whose bytes have their bits reversed."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password.encode().ljust(8, b"\0"))
    command = ["openssl", "enc", "-des-ede", "-K", (key + key).hex(), "-nopad"]
    done = subprocess.run(command, input=challenge, capture_output=True, check=True)
    return done.stdout


def lets_in(port, password):
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
        assert greeted(connection) == [PASSWORD]
        connection.sendall(bytes([PASSWORD]))
        connection.sendall(answer(received(connection, 16), password))
        return received(connection, 4) == bytes(4)


def given(kvmtui, password, *words):
    process = kvmtui.popen("screen", "a", "--password", *words, stdin=subprocess.PIPE)
    out, err = process.communicate(password + "\n", timeout=60)
    assert "Traceback" not in err
    return Done(process.returncode, out, err)


def test_a_password_is_set_and_ends(kvmtui, port):
    kvmtui.tiny("a", "--set", f"vnc={{port: {port}, password: true}}")
    refused = given(kvmtui, "geheim7")
    assert refused.status == 1 and "does not run" in refused.err
    kvmtui.ok("start", "a")
    assert offered(port) == [PASSWORD]
    assert not lets_in(port, "")
    assert "until the guest ends" in given(kvmtui, "geheim7").out
    assert lets_in(port, "geheim7") and not lets_in(port, "geheim8")
    assert "for 600 s" in given(kvmtui, "other", "--expires", "10m").out
    assert lets_in(port, "other") and not lets_in(port, "geheim7")
    assert "it is over" in given(kvmtui, "other", "--expires", "0").out
    assert not lets_in(port, "other")
    told = kvmtui.folder("a") / "history.jsonl"
    assert "geheim7" not in told.read_text() and '"password"' in told.read_text()
    for wrong in ("", "nine char", "süß"):
        assert given(kvmtui, wrong).status == 2
    kvmtui.refused("screen", "a", "--expires", "10m", status=2)
    lines = kvmtui("screen", "a", "--viewer")
    if lines.status == 0:
        assert f"vncviewer 127.0.0.1::{port}" in lines.out and "asks for a password" in lines.out


def test_its_socket_stays_as_it_was(kvmtui, port):
    kvmtui.tiny("a", "--set", f"vnc={{port: {port}}}")
    kvmtui.ok("start", "a")
    assert offered(port) == [NONE]
    assert "started without a VNC server that asks" in given(kvmtui, "geheim7").err
    run = os.open(kvmtui.folder("a") / "run", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"/proc/self/fd/{run}/vnc")
        assert greeted(connection) == [NONE]
    os.close(run)
    kvmtui.tiny("b", "--set", f"vnc={{port: {port}}}")
    assert str(port) in kvmtui.refused("start", "b", status=1)


def test_a_password_of_a_file_is_there_from_the_start(kvmtui, port, tmp_path):
    file = tmp_path / "secret, of a"
    wanted = ("create", "a", "--memory", "16M", "--set", f"vnc={{port: {port}, secret: '{file}'}}")
    assert "vnc.secret" in kvmtui.refused(*wanted, status=1)
    file.write_text("geheim7")
    file.chmod(0o600)
    kvmtui.tiny("a", *wanted[4:])
    file.write_text("geheim7\n")
    file.chmod(0o644)
    assert "read by others" in kvmtui.refused("start", "a", status=1)
    file.chmod(0o600)
    assert "newline" in kvmtui.refused("start", "a", status=1)
    file.write_text("much too long")
    assert "8 bytes" in kvmtui.refused("start", "a", status=1)
    file.write_text("geheim7")
    kvmtui.ok("start", "a")
    assert lets_in(port, "geheim7") and not lets_in(port, "")


@pytest.fixture
def second_port(port):
    """Another one."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            if probe.getsockname()[1] != port:
                return probe.getsockname()[1]


def test_a_browsers_viewer_finds_it(kvmtui, port, second_port):
    """A websocket as noVNC opens one: the same server, on loopback, with the same password."""
    kvmtui.tiny("a", "--set", f"vnc={{port: {port}, websocket: {second_port}, password: true}}")
    kvmtui.ok("start", "a")
    with socket.create_connection(("127.0.0.1", second_port), LIMIT_S) as connection:
        connection.settimeout(LIMIT_S)
        asked = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{second_port}\r\nUpgrade: websocket\r\n"
        asked += "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        asked += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
        connection.sendall(asked.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += received(connection, 1)
        assert head.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        assert received(connection, 2)[0] == 0x82
        assert received(connection, 12) == b"RFB 003.008\n"
    told = kvmtui("screen", "a", "--viewer")
    if told.status == 0:
        assert f"ws://127.0.0.1:{second_port} for a browser" in told.out
    kvmtui.tiny("b", "--set", f"vnc={{port: {port}, websocket: {second_port}}}")
    assert str(port) in kvmtui.refused("start", "b", status=1)
    same = f"vnc={{port: {port}, websocket: {port}}}"
    assert "vnc.websocket" in kvmtui.refused("set", "b", same)


def test_under_tls(kvmtui, port, tmp_path):
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    ca = [*new, "-subj", "/CN=CA", "-keyout", "ca-key.pem", "-out", "made.pem"]
    server = [*new, "-subj", "/CN=localhost", "-CA", "made.pem", "-CAkey", "ca-key.pem"]
    server += ["-addext", "basicConstraints=critical,CA:FALSE"]
    server += ["-keyout", "server-key.pem", "-out", "server-cert.pem"]
    for command in (ca, server):
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    kvmtui.tiny("a", "--set", f"vnc={{port: {port}, password: true, tls: '{tmp_path}'}}")
    assert "ca-cert.pem" in kvmtui.refused("start", "a", status=1)
    (tmp_path / "made.pem").rename(tmp_path / "ca-cert.pem")
    kvmtui.ok("start", "a")
    assert offered(port) == [VENCRYPT]
    assert "until the guest ends" in given(kvmtui, "geheim7").out


@pytest.mark.parametrize(
    ("vnc", "words"),
    [
        ("{port: 5977, address: 0.0.0.0}", "others reach 0.0.0.0"),
        ("{port: 5977, address: '::'}", "others reach ::"),
        ("{port: 5977, address: 'a,b'}", "no IP address"),
        ("{port: 80}", "port"),
        ("{port: 5977, secret: relative}", "absolute path"),
        ("{address: 127.0.0.1}", "is missing"),
    ],
)
def test_what_is_refused(kvmtui, vnc, words):
    assert words in kvmtui.refused("create", "a", "--set", f"vnc={vnc}", status=1)


def test_the_definition_says_so(kvmtui):
    kvmtui.tiny("a", "--set", "vnc={port: 5977, address: 0.0.0.0, password: true}")
    assert json.loads(kvmtui.ok("show", "a", "--json").out)
    kvmtui.refused("set", "a", "vnc.password=false", status=1)
    kvmtui.ok("set", "a", "vnc.address=127.0.0.1", "vnc.password=false")
