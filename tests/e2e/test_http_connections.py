"""Connections from outside: how many, how slow, for whom, and over which sockets."""

import json
import socket
import struct
import subprocess
import time

import pytest

from processes import wait_until
from raw_http import assert_observed, first, get, heads, read_to_the_end


def test_what_is_turned_away_is_counted(launch):
    server = launch(settings={"http.max_connections": "2", "http.head_timeout": "300ms"}).start()

    def counted(name):
        return server.metrics()[name]

    server.raw(b"rubbish\r\n\r\n")
    assert counted("http_malformed_total") == 1
    slow = socket.create_connection(server.address, timeout=20)
    slow.sendall(b"GET / HT")
    wait_until(lambda: counted("http_timed_out_total") == 1, what="the slow head to be counted")
    slow.close()
    wait_until(lambda: counted("http_connections_open") == 0, what="the connections to go")
    busy = [socket.create_connection(server.address, timeout=20) for _ in range(2)]
    for peer in busy:  # one that waits for a request would make room; these are asked for their bodies
        peer.sendall(b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n"
                     b"Expect: 100-continue\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 100 ")
    assert counted("http_connections_open") == 2 and counted("http_connections_idle") == 0
    with socket.create_connection(server.address, timeout=20) as third:
        assert third.recv(65536).startswith(b"HTTP/1.1 503 ")
    assert counted("http_refused_total") == 1 and counted("http_connections_accepted_total") == 5
    for peer in busy:
        peer.close()


def test_what_is_refused_unread_and_what_operators_are_refused_has_no_id(launch):
    server = launch(settings={"http.max_connections": "1"}).start()
    host, _, port = server.operator_url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as operator:
        operator.sendall(get("/nowhere", "Connection: close"))
        status, fields, body = heads(read_to_the_end(operator))[0]
    assert status == 404 and "x-request-id" not in fields and "correlation_id" not in json.loads(body)
    with socket.create_connection(server.address, timeout=20) as busy:
        busy.sendall(b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n"
                     b"Expect: 100-continue\r\n\r\n")
        assert busy.recv(65536).startswith(b"HTTP/1.1 100 ")
        with socket.create_connection(server.address, timeout=20) as second:
            status, fields, body = heads(read_to_the_end(second))[0]
    assert status == 503 and int(fields["retry-after"]) > 0
    assert "x-request-id" not in fields and "correlation_id" not in json.loads(body)
    unknown = wait_until(lambda: (answer := first(server, get("/nowhere")))[0] == 404 and answer, what="the busy connection to be gone")
    assert json.loads(unknown[2])["correlation_id"] == unknown[1]["x-request-id"]


def for_whom(source, port=4711):
    """The header of a balancer that passes on a connection of IPv4 (PROXY protocol, version 2)."""
    return (b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11" + struct.pack(">H", 12) + socket.inet_aton(source) +
            socket.inet_aton("127.0.0.1") + struct.pack(">HH", port, 80))


def test_a_balancer_says_for_whom_a_connection_is(launch):
    settings = {"http.proxy_protocol": "true", "http.trusted_proxies": "127.0.0.1/32", "limits.enabled": "true",
                "limits.requests": "3", "limits.window": "3600s", "runtime.shards": "1"}
    server = launch(settings=settings).start()

    def asked(source):
        return first(server, for_whom(source) + get("/version", "Connection: close"))[0]

    assert [asked("203.0.113.9") for _ in range(4)] == [200, 200, 200, 429], "they have one limit between them"
    assert asked("203.0.113.10") == 200, "and somebody else another"
    wait_until(lambda: {"203.0.113.9", "203.0.113.10"} <= {line.get("peer") for line in server.log_lines()}, what="their lines in the log")
    assert not server.raw(get("/version", "Connection: close")).startswith(b"HTTP/1.1 200"), "from there the header is asked for"


def test_slow_clients_are_given_up(launch):
    server = launch(settings={"http.head_timeout": "400ms", "http.body_timeout": "400ms", "http.idle_timeout": "600ms"}).start()

    def held(data):
        with socket.create_connection(server.address, timeout=20) as peer:
            begun = time.monotonic()
            peer.sendall(data)
            return read_to_the_end(peer), time.monotonic() - begun

    answer, seconds = held(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    assert heads(answer)[0][0] == 408 and seconds < 10
    assert_observed(server, heads(answer)[0])
    answer, seconds = held(b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
    assert heads(answer)[0][0] == 408 and seconds < 10
    answer, seconds = held(get())
    assert [a[0] for a in heads(answer)] == [200] and seconds < 10, "an idle connection is closed without a word"


def test_many_slow_clients_leave_room_for_others(launch):
    server = launch(settings={"http.head_timeout": "20s"}).start()
    slow = []
    try:
        for _ in range(300):
            peer = socket.create_connection(server.address, timeout=20)
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
            slow.append(peer)
        with server.client() as client:
            begun = time.monotonic()
            assert client.get("/health/live").status_code == 200
            assert time.monotonic() - begun < 5
    finally:
        for peer in slow:
            peer.close()


def test_a_unix_socket(launch):
    server = launch()
    path = server.folder / "s.sock"
    server.settings["http.listen"] = f"127.0.0.1:0,unix:{path}"
    server.start()
    done = subprocess.run(["curl", "-sS", "--unix-socket", path, "http://localhost/version"], capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["name"]
    server.stop()
    assert not path.exists(), "it is taken away at the end"


def test_ipv6(launch):
    if not has_ipv6():
        pytest.skip("this machine has no ::1")
    server = launch(settings={"http.listen": "[::1]:0"}).start()
    assert server.url.startswith("http://[::1]:")
    done = subprocess.run(["curl", "-sS", "--globoff", f"{server.url}/version"], capture_output=True, text=True, timeout=30)
    assert json.loads(done.stdout)["name"], done.stderr
    wait_until(lambda: any(line.get("peer") == "::1" for line in server.log_lines()), what="the access log to name the peer")


def has_ipv6():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True
