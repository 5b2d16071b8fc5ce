"""Settings that change while the service runs: by SIGHUP and by the file's change, whole or not at all."""

import contextlib
import signal
import socket
import time

import pytest

from processes import wait_until

BASE = "limits: { enabled: false }\n"


@pytest.fixture
def configured(launch):
    """A running server whose settings stand in a file of its own, and what writes that file and says SIGHUP."""
    server = launch(settings={"runtime.shards": "2"})
    folder = server.own_configuration(BASE, "auth: { passwords: { memory_kib: 256, passes: 1 } }\n")
    server.start()

    def write(text, hang_up=True):
        seen = len(list(server.log_lines()))
        (folder / "base.yaml").write_text(text)
        if hang_up:
            server.process.send_signal(signal.SIGHUP)

        def said():
            return next((line for line in list(server.log_lines())[seen:] if "configuration was" in line.get("message", "")), None)
        return wait_until(said, what="a word about the new settings")

    server.write = write
    return server


def statuses(client, count):
    return [client.get("/version").status_code for _ in range(count)]


@pytest.mark.parametrize("hang_up", [True, False], ids=["SIGHUP", "file"])
def test_limits_change_at_once_and_go_again(configured, hang_up):
    with configured.client() as client:
        assert set(statuses(client, 30)) == {200}
        told = configured.write("limits: { enabled: true, requests: 4, window: 3600s }\n", hang_up)
        assert told["message"] == "the configuration was reloaded" and "limits.requests" in told["changes"]
        got = statuses(client, 30)
        # Divided between the shards, so an address has between the limit and that many times as much.
        assert 4 <= got.count(200) <= 8 and got[-1] == 429, got
        configured.write(BASE, hang_up)
        assert set(statuses(client, 30)) == {200}


def test_a_window_that_is_no_whole_second_changes_nothing(configured):
    told = configured.write("limits: { enabled: true, requests: 4, window: 1999ms }\n")
    assert told["message"] == "the configuration was not reloaded" and "limits.window is 1999ms" in told["reason"], told
    with configured.client() as client:
        assert set(statuses(client, 30)) == {200}


def test_time_outs_change_for_connections_that_wait_already(configured):
    with socket.create_connection(configured.address, timeout=30) as idle, socket.create_connection(configured.address, timeout=30) as slow:
        slow.sendall(b"GET /version HT")
        idle.sendall(b"GET /version HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        configured.write("http: { idle_timeout: 300ms, head_timeout: 400ms }\n" + BASE)
        assert idle.recv(65536) == b"", "closed without a word"
        assert slow.recv(65536).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - begun < 20, "the old ones were 75 and 10 seconds"


def test_the_number_of_connections_changes(configured):
    configured.write("http: { max_connections: 2 }\n" + BASE)
    with contextlib.ExitStack() as open_ones:
        def connect():
            return open_ones.enter_context(socket.create_connection(configured.address, timeout=30))
        busy = [connect() for _ in range(2)]
        for peer in busy:  # in the middle of a body, so that none of them is idle
            peer.sendall(b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        with configured.client() as client:
            wait_until(lambda: refused(connect()), what="a connection too many to be refused")
        configured.write(BASE)
        with configured.client() as client:
            assert client.get("/version").status_code == 200


def refused(peer):
    peer.sendall(b"GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        return b" 503 " in peer.recv(65536)


@pytest.mark.parametrize("text, named", [
    ("limits: { enabled: true, requests: 4 }\nhttp: { idle_timeout: soon }\n", "base.yaml:2"),
    ("limits: { enabled: true, requests: 0 }\n", "base.yaml:1"),
    ("limits: { enabled: true, request: 4 }\n", "limits.requests"),
    ("limits: [\n", "base.yaml"),
])
def test_a_wrong_file_changes_nothing_and_is_named(configured, text, named):
    told = configured.write(text)
    assert told["level"] == "error" and told["message"] == "the configuration was not reloaded" and named in told["reason"], told
    with configured.client() as client:
        assert set(statuses(client, 30)) == {200}, "not even the part that was right"


def test_what_needs_a_restart_is_named_and_waits(configured):
    told = configured.write(BASE + "compression: { level: 9 }\nlog: { level: debug }\n")
    assert "log.level" in told["changes"] and "restart" in told["changes"] and "compression.level" in told["changes"]


def test_a_level_that_is_gone_from_the_file_is_gone_from_the_log(configured):
    def requests_are_logged():
        mark = f"mark-{time.monotonic_ns()}"
        with configured.client() as client:
            client.get("/version", headers={"x-request-id": mark})
            client.get("/version", headers={"x-request-id": mark + "-after"})
        with contextlib.suppress(AssertionError):
            return wait_until(lambda: mark in configured.log(), seconds=0.5)

    name = next(line["logger"] for line in configured.log_lines() if line.get("message") == "serving")
    assert name == "server" and requests_are_logged()
    access = next(line["logger"] for line in configured.log_lines() if line.get("route") == "/version")
    configured.write(BASE + f"log: {{ levels: {{ {access}: error }} }}\n")
    assert not requests_are_logged()
    configured.write(BASE)
    assert requests_are_logged()
