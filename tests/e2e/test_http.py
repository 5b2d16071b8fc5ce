"""HTTP/1.1 from outside (RFC 9110, RFC 9112): raw bytes, curl and httpx."""

import gzip
import json
import re
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

from processes import wait_until


def heads(data):
    """Every (status, fields, body) in a stream of answers that all have a Content-Length or no body."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(fields.get("content-length", 0)) if status != 304 else 0
        found.append((status, fields, rest[:length]))
        data = rest[length:]
    return found


def read_to_the_end(peer):
    parts = []
    while part := peer.recv(65536):
        parts.append(part)
    return b"".join(parts)


def first(server, request):
    return heads(server.raw(request))[0]


def get(path="/health/live", *fields, method="GET", version="HTTP/1.1", host="Host: localhost"):
    lines = [f"{method} {path} {version}", *([host] if host else []), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def test_pipelined_requests_are_answered_in_order(plain_server):
    answers = heads(plain_server.raw(get() + get("/nowhere") + get("/version") + get(method="HEAD")[:-2] + b"Connection: close\r\n\r\n"))
    # The last is HEAD: its Content-Length tells of a body that does not come.
    assert [a[0] for a in answers] == [200, 404, 200, 200]


def test_a_request_that_comes_byte_by_byte(plain_server):
    with socket.create_connection(plain_server.address, timeout=20) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/version", "Connection: close"):
            peer.sendall(bytes([byte]))
        data = b""
        while part := peer.recv(65536):
            data += part
    assert heads(data)[0][0] == 200


def test_head_says_what_get_would_without_a_body(plain_server):
    with plain_server.client() as client:
        got, head = client.get("/openapi.json", headers={"accept-encoding": "identity"}), client.head(
            "/openapi.json", headers={"accept-encoding": "identity"})
    assert head.status_code == 200 and head.content == b""
    for name in ("content-type", "content-length", "etag"):
        assert head.headers.get(name) == got.headers.get(name), name


def test_another_method_is_405_with_allow(plain_server):
    with plain_server.client() as client:
        answer = client.put("/v1/users/me")
        assert answer.status_code == 405
        assert {"GET", "HEAD", "PATCH", "DELETE"} <= set(answer.headers["allow"].split(", "))
        assert client.post("/health/live").status_code == 405


def test_options_tells_the_methods(plain_server):
    with plain_server.client() as client:
        answer = client.options("/v1/notes")
        assert answer.status_code in (200, 204)
        assert {"GET", "HEAD", "POST", "OPTIONS"} <= set(answer.headers["allow"].split(", "))
    assert first(plain_server, get("*", method="OPTIONS"))[0] in (200, 204)


@pytest.mark.parametrize("request_, status", [
    (b"GET /\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX\xff: b\r\n\r\n", 400),
    (b"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    (b"POST /v1/users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40, 400),
], ids=lambda v: v if isinstance(v, int) else v[:40].decode("latin-1").encode("unicode_escape").decode())
def test_malformed_requests(plain_server, request_, status):
    data = plain_server.raw(request_)
    found, fields, body = heads(data)[0]
    assert found in ((400, 501) if status == 501 else (status,)), data
    assert fields["connection"] == "close", "what follows a broken request cannot be told from it"
    assert fields["content-type"] == "application/problem+json" and json.loads(body)["status"] == found
    assert len(heads(data)) == 1
    if found == 400:
        assert re.fullmatch(r"[A-Z][^\x00-\x1f]{10,}\.", json.loads(body)["detail"]), "it says what is wrong"
    assert_observed(plain_server, (found, fields, body))


def assert_observed(server, answer):
    """What was refused before anything of it was known can be found by its id like any other request."""
    status, fields, body = answer
    identity = fields["x-request-id"]
    assert json.loads(body)["correlation_id"] == identity and fields["x-content-type-options"] == "nosniff"
    wait_until(lambda: any(line.get("correlation_id") == identity and line["status"] == status for line in server.log_lines()),
               what="the line of the refusal")


def test_limits_of_the_head(plain_server):
    for request_, status in ((get("/" + "a" * 9_000), 414), (get("/", "X: " + "a" * 20_000), 431),
                             (get("/", *[f"X-{i}: 1" for i in range(70)]), 431)):
        answer = first(plain_server, request_)
        assert answer[0] == status
        assert_observed(plain_server, answer)


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


def test_a_body_above_the_limit(plain_server):
    assert first(plain_server, b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")[0] == 413
    endless = b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b" " * 65536 + b"\r\n"
    assert first(plain_server, endless + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 20)[0] == 413


def test_a_chunked_body_with_extensions_and_trailers(plain_server):
    body = json.dumps({"email": "chunked", "password": "x", "name": ""}).encode()
    request = (b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
               b"Connection: close\r\nTrailer: X-Sum\r\n\r\n")
    for i in range(0, len(body), 7):
        piece = body[i:i + 7]
        request += b"%x;name=value\r\n%s\r\n" % (len(piece), piece)
    status, _, answer = first(plain_server, request + b"0\r\nX-Sum: 1\r\n\r\n")
    assert status == 422, "it was read whole and judged by its content"
    assert {"/email", "/password", "/name"} == {e["pointer"] for e in json.loads(answer)["errors"]}


def test_expect_continue(plain_server):
    with socket.create_connection(plain_server.address, timeout=20) as peer:
        peer.sendall(b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                     b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 100 ")
        peer.sendall(b"{}")
        data = b""
        while part := peer.recv(65536):
            data += part
    assert heads(data)[0][0] == 422
    assert first(plain_server, get("/", "Expect: a-miracle"))[0] == 417


def test_the_absolute_form_and_versions(plain_server):
    assert first(plain_server, get("http://localhost/version"))[0] == 200
    assert first(plain_server, b"GET /version HTTP/1.0\r\n\r\n")[1]["connection"] == "close"
    status, fields, _ = first(plain_server, b"GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert status == 200 and fields["connection"].lower() == "keep-alive"


@pytest.mark.parametrize("path, status", [
    ("/health%2Flive", 404), ("/%68ealth/live", 200), ("/health/%00", 404), ("/health/%zz", (400, 404)), ("/health/live/", 404),
    ("//health/live", 404), ("/health/../version", 404), ("/health/live?x=%", 200), ("/health/live#part", 400), ("/docs/../../etc/passwd", 404),
    ("/docs/%2e%2e/%2e%2e/etc/passwd", 404),
])
def test_paths_are_decoded_once(plain_server, path, status):
    found = first(plain_server, get(path))[0]
    assert found in (status if isinstance(status, tuple) else (status,))


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_content_codings(plain_server, coding):
    with plain_server.client() as client:
        plain = client.get("/openapi.json", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    status, fields, body = first(plain_server, get("/openapi.json", f"Accept-Encoding: {coding}", "Connection: close"))
    assert status == 200 and fields["content-encoding"] == coding
    assert "accept-encoding" in fields["vary"].lower()
    if coding == "gzip":
        assert gzip.decompress(body) == plain.content
    assert len(body) < len(plain.content) / 3


@pytest.mark.parametrize("accepted, expected", [
    ("gzip;q=0, br;q=0, zstd;q=0", None), ("identity", None), ("gzip;q=0.5, br;q=1.0", "br"), ("*;q=0", None),
    ("unknown", None), ("gzip;q=nonsense", None), ("GZIP", "gzip"),
])
def test_the_client_chooses_the_coding(plain_server, accepted, expected):
    status, fields, _ = first(plain_server, get("/openapi.json", f"Accept-Encoding: {accepted}", "Connection: close"))
    assert status in ((200,) if expected else (200, 406)) and fields.get("content-encoding") == expected or status == 406


def test_conditional_requests(plain_server):
    with plain_server.client() as client:
        answer = client.get("/openapi.json")
        tag = answer.headers["etag"]
        assert client.get("/openapi.json", headers={"if-none-match": tag}).status_code == 304
        assert client.get("/openapi.json", headers={"if-none-match": f'"x", W/{tag.removeprefix("W/")}'}).status_code == 304
        assert client.get("/openapi.json", headers={"if-none-match": '"x"'}).status_code == 200


def test_the_page_of_the_documentation_has_one_address(plain_server):
    with plain_server.client() as client:
        moved = client.get("/docs/")
        assert (moved.status_code, moved.headers["location"]) == (308, "/docs")


def test_security_headers_are_on_every_answer(plain_server):
    with plain_server.client() as client:
        for path in ("/health/live", "/nowhere", "/v1/notes", "/docs"):
            fields = client.get(path, follow_redirects=True).headers
            assert fields["x-content-type-options"] == "nosniff", path
            assert ("referrer-policy" in fields) == fields["content-type"].startswith("text/html"), path
            assert "content-security-policy" in fields or "x-frame-options" in fields, path
            assert "server" not in fields or "/" not in fields["server"], "no version is told"


def test_a_correlation_id_goes_in_and_out(plain_server):
    with plain_server.client() as client:
        assert client.get("/version", headers={"x-request-id": "from-outside-1"}).headers["x-request-id"] == "from-outside-1"
        own = client.get("/version", headers={"x-request-id": "bad id\twith spaces"}).headers["x-request-id"]
        assert own and " " not in own
        assert client.get("/version").headers["x-request-id"] != client.get("/version").headers["x-request-id"]


def test_slow_clients_are_given_up(launch):
    server = launch(settings={"http.head_timeout": "400ms", "http.body_timeout": "400ms", "http.idle_timeout": "600ms"}).start()

    def held(data):
        with socket.create_connection(server.address, timeout=20) as peer:
            begun = time.monotonic()
            peer.sendall(data)
            answer = b""
            while part := peer.recv(65536):
                answer += part
            return answer, time.monotonic() - begun

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


def test_only_known_hosts_when_they_are_listed(launch):
    server = launch(settings={"http.hosts": "api.example.com"}).start()
    assert first(server, get("/version", host="Host: api.example.com"))[0] == 200
    assert first(server, get("/version", host="Host: evil.example.com"))[0] == 421


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


def certificate(folder, name, host):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}"], check=True, capture_output=True)


def test_a_key_that_cannot_be_read_keeps_no_certificate_away(launch):
    server = launch()
    certificate(server.folder, "server", "localhost")
    server.settings.update({"http.tls.certificate_file": str(server.folder / "server.pem"), "http.tls.key_file": str(server.folder / "server.key")})
    server.start()

    def served():
        return ssl.get_server_certificate(server.address, timeout=30)

    before = served()
    spoilt = server.folder / "var/keys/spoilt.pem"
    spoilt.touch(mode=0o600)
    spoilt.write_text("rubbish")
    certificate(server.folder, "server", "localhost")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: served() != before, seconds=20, what="the new certificate")
    wait_until(lambda: any("spoilt.pem" in x.get("reason", "") for x in server.log_lines()), what="a word about the key")
    assert "keys and certificates were read again" not in server.log()
    spoilt.unlink()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "keys and certificates were read again" in server.log(), what="both to be read")


def test_tls_and_new_certificates_without_a_restart(launch):

    server = launch()
    certificate(server.folder, "server", "localhost")
    server.settings.update({"http.tls.certificate_file": str(server.folder / "server.pem"), "http.tls.key_file": str(server.folder / "server.key")})
    server.start()
    address = f"{server.address[0]}:{server.address[1]}"

    def curl(*arguments):
        return subprocess.run(["curl", "-sS", "--max-time", "20", "--cacert", server.folder / "server.pem", "--connect-to", f"localhost:443:{address}",
                               *arguments, "https://localhost/version"], capture_output=True, text=True)

    def serial():
        shown = subprocess.run(["openssl", "s_client", "-connect", address, "-servername", "localhost"], input="", capture_output=True, text=True, timeout=30)
        return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=shown.stdout, capture_output=True, text=True).stdout

    assert json.loads(curl().stdout)["name"]
    assert curl("--tls-max", "1.2").returncode == 0
    assert subprocess.run(["openssl", "s_client", "-connect", address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True,
                          text=True, timeout=30).returncode != 0, "TLS 1.1 is over"
    before = serial()
    certificate(server.folder, "server", "localhost")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: serial() not in ("", before), what="the new certificate")
    assert curl().returncode == 0
    (server.folder / "server.pem").write_text("rubbish")
    after = serial()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "certificate" in server.log().lower(), what="a word about the bad certificate")
    assert serial() == after, "the old certificate stays when the new one is bad"
    # Plain text on a TLS port ends the connection and not the server.
    assert server.raw(get()) is not None and curl("-k").returncode == 0


@pytest.mark.parametrize("method, headers, status, code", [
    ("POST", {"content-encoding": "gzip"}, 415, "unsupported_content_encoding"),
    ("GET", {"accept-encoding": "identity;q=0"}, 406, "no_acceptable_encoding"),
    ("OPTIONS", {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}, 403, "origin_not_allowed")])
def test_a_layer_that_refuses_says_why(launch, method, headers, status, code):
    server = launch(settings={"browser.cors_origins": "https://app.example.com"}).start()
    with server.client() as client:
        answer = client.request(method, "/version", headers=headers)
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
