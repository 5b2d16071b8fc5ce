"""HTTP/1.1 from outside (RFC 9110, RFC 9112): raw bytes, curl and httpx."""

import gzip
import json
import re
import socket

import pytest

from raw_http import assert_observed, first, get, heads, read_to_the_end


def test_pipelined_requests_are_answered_in_order(plain_server):
    answers = heads(plain_server.raw(get() + get("/nowhere") + get("/version") + get(method="HEAD")[:-2] + b"Connection: close\r\n\r\n"))
    # The last is HEAD: its Content-Length tells of a body that does not come.
    assert [a[0] for a in answers] == [200, 404, 200, 200]


def test_a_request_that_comes_byte_by_byte(plain_server):
    with socket.create_connection(plain_server.address, timeout=20) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("/version", "Connection: close"):
            peer.sendall(bytes([byte]))
        data = read_to_the_end(peer)
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


def test_limits_of_the_head(plain_server):
    for request_, status in ((get("/" + "a" * 9_000), 414), (get("/", "X: " + "a" * 20_000), 431),
                             (get("/", *[f"X-{i}: 1" for i in range(70)]), 431)):
        answer = first(plain_server, request_)
        assert answer[0] == status
        assert_observed(plain_server, answer)


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
        data = read_to_the_end(peer)
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
    refused = 406 if accepted == "*;q=0" else 200  # RFC 9110, 12.5.3: that means identity as well
    assert (status, fields.get("content-encoding")) == (refused, expected)


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


def test_only_known_hosts_when_they_are_listed(launch):
    server = launch(settings={"http.hosts": "api.example.com"}).start()
    assert first(server, get("/version", host="Host: api.example.com"))[0] == 200
    assert first(server, get("/version", host="Host: evil.example.com"))[0] == 421


@pytest.mark.parametrize("method, headers, status, code", [
    ("POST", {"content-encoding": "gzip"}, 415, "unsupported_content_encoding"),
    ("GET", {"accept-encoding": "identity;q=0"}, 406, "no_acceptable_encoding"),
    ("OPTIONS", {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}, 403, "origin_not_allowed")])
def test_a_layer_that_refuses_says_why(launch, method, headers, status, code):
    server = launch(settings={"browser.cors_origins": "https://app.example.com"}).start()
    with server.client() as client:
        answer = client.request(method, "/version", headers=headers)
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
