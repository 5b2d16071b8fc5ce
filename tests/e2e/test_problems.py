"""Every error is application/problem+json (RFC 9457) with a stable code, and tells nothing of the inside."""

import json
import re
import uuid

import pytest

from processes import wait_until

INSIDE = re.compile(r"(?i)sqlite|postgres|libpq|/lib/|\.cpp|\.hpp|std::|exception|select |insert |syntax error|0x[0-9a-f]{6}|slipway::")


def wrong_requests(client):
    yield client.get("/nowhere"), 404
    yield client.put("/v1/notes"), 405
    yield client.get("/v1/notes"), 401
    yield client.get("/v1/users"), 401
    yield client.post("/v1/users", json={}), 422
    yield client.post("/v1/users", content=b"{", headers={"content-type": "application/json"}), 400
    yield client.post("/v1/users", content=b"x", headers={"content-type": "text/csv"}), 415
    yield client.post("/v1/auth/login", json={"email": "a@example.com", "password": "x" * 20}), 401
    yield client.post("/v1/auth/refresh", json={"refresh_token": "x"}), 401


def test_the_shape_of_every_problem(server):
    with server.client() as client:
        for answer, status in wrong_requests(client):
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            body = answer.json()
            assert body["status"] == status and body["type"] and body["title"]
            assert re.fullmatch(r"[a-z0-9_]+", body["code"])
            assert body["correlation_id"] == answer.headers["x-request-id"]
            assert answer.headers["cache-control"] == "no-store"
            assert not INSIDE.search(answer.text), answer.text


def test_a_problem_is_found_in_the_log_by_its_correlation_id(server):
    mark = f"trace-{uuid.uuid4().hex}"
    with server.client() as client:
        client.get("/v1/notes", headers={"x-request-id": mark})
    line = wait_until(lambda: next((x for x in server.log_lines() if x.get("correlation_id") == mark), None), what="the line")
    assert line["status"] == 401 and line["method"] == "GET" and line["path"] == "/v1/notes" and line["time"]


def test_secrets_reach_neither_answers_nor_the_log(server):
    person = server.person()
    secret = "a password that nobody may read"  # not a secret
    with server.client() as client:
        answers = [
            client.post("/v1/auth/login", json={"email": person.email, "password": secret}),
            client.post("/v1/users", json={"email": "x", "password": secret, "name": secret[:4]}),
            client.post("/v1/auth/refresh", json={"refresh_token": secret}),
            client.get("/v1/users/me", headers={"authorization": f"Bearer {secret}"}),
            client.get("/v1/notes", params={"access_token": secret}),
        ]
        mark = f"last-{uuid.uuid4().hex}"
        client.get("/version", headers={"x-request-id": mark})
    assert all(secret not in a.text for a in answers)
    wait_until(lambda: mark in server.log(), what="the last line")
    log = server.log()
    assert secret not in log and person.password not in log
    assert person.tokens["access_token"] not in log and person.tokens["refresh_token"] not in log


@pytest.mark.parametrize("name, value", [
    ("x-request-id", "a" * 5000), ("accept", "\x7f"), ("authorization", "Bearer " + "é" * 10), ("cookie", "=" * 4000),
    ("traceparent", "00-" + "z" * 32 + "-0000000000000000-01"), ("traceparent", "ff-0-0-0"), ("accept-language", "*;q=" + "9" * 400),
    ("range", "bytes=9-1"), ("if-none-match", '"unterminated'), ("if-modified-since", "yesterday"), ("forwarded", 'for="[::1'),
])
def test_strange_fields_do_no_harm(plain_server, name, value):
    answer = plain_server.raw(f"GET /health/live HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\nConnection: close\r\n\r\n".encode("latin-1"))
    status = int(answer.split(b" ")[1])
    assert status in (200, 400, 416, 431)
    if status != 200:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == status
