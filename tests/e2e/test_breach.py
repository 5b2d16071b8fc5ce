"""Passwords that are known from a breach, asked of a real HTTP server that speaks the range protocol."""

import hashlib
import http.server
import threading
import uuid

import pytest

from harness import PASSWORD
from processes import wait_until

BREACHED = "password1234"  # not a secret
RARE = "seen only twice"


def digest(password):
    return hashlib.sha1(password.encode()).hexdigest().upper()


class RangeService:
    """Knows a few passwords; keeps every request that it was sent."""

    def __init__(self):
        self.seen, self.mode = [], "well"
        known = {digest(BREACHED): 4711, digest(RARE): 2}
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                if service.mode == "silent":
                    service.released.wait(30)
                status = 500 if service.mode == "broken" else 200
                prefix = self.path.removeprefix("/range/")
                lines = [f"{h[5:]}:{n}" for h, n in known.items() if h.startswith(prefix)]
                lines += [f"{hashlib.sha1(str(i).encode()).hexdigest().upper()[5:]}:0" for i in range(20)]
                body = ("<html>sorry</html>" if service.mode == "rubbish" else "\r\n".join(lines)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.released = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/range/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def ranges():
    service = RangeService()
    yield service
    service.stop()


@pytest.fixture
def asking(launch, ranges):
    return launch(settings={"auth.breach_check.enabled": "true", "auth.breach_check.url": ranges.url,
                            "auth.breach_check.timeout": "2s", "runtime.shards": "1"}).start()


def sign_up(asking, password):
    with asking.client() as client:
        return client.post("/v1/users", json={"email": f"b-{uuid.uuid4().hex[:12]}@example.com", "password": password, "name": "Ada"})


def outcomes(asking):
    with asking.client() as client:
        lines = client.get(f"{asking.operator_url}/metrics").text.splitlines()
    return {line.split('"')[1]: int(float(line.split()[-1])) for line in lines if line.startswith("password_breach_checks_total{")}


def test_a_breached_password_is_refused_and_only_five_digits_are_told(asking, ranges):
    refused = sign_up(asking, BREACHED)
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/password", "breached")]
    assert sign_up(asking, PASSWORD).status_code == 201
    assert [path for path, _ in ranges.seen] == [f"/range/{digest(BREACHED)[:5]}", f"/range/{digest(PASSWORD)[:5]}"]
    for path, headers in ranges.seen:
        told = path.removeprefix("/range/") + " ".join(headers.values())
        assert headers["add-padding"] == "true" and headers["user-agent"].startswith("slipway/")
        for password in (BREACHED, PASSWORD):
            assert password not in told and digest(password)[5:] not in told.upper()
    assert outcomes(asking) == {"clean": 1, "breached": 1, "unavailable": 0}
    assert BREACHED not in asking.log()


def test_a_new_password_is_asked_about_too(asking):
    person = asking.person()

    def change(current, new):
        return person.client.post("/v1/users/me/password", json={"current_password": current, "new_password": new})

    refused = change(PASSWORD, BREACHED)
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [("/new_password", "breached")]
    wrong = change("not the password", "another long password")
    assert [(e["pointer"], e["code"]) for e in wrong.json()["errors"]] == [("/current_password", "wrong_password")]
    assert change(PASSWORD, "another long password").status_code == 204
    person.password = "another long password"
    person.log_in()
    assert change("another long password", "short").status_code == 422


def test_guessing_the_present_password_is_slowed_down(asking):
    person = asking.person()
    answers = [person.client.post("/v1/users/me/password", json={"current_password": f"guess {i}", "new_password": "another long password"}) for i in range(12)]
    assert answers[0].status_code == 422 and answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "too_many_attempts" and int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize("mode, reason", [("broken", "500"), ("rubbish", "not a range"), ("silent", "in time"), ("gone", "nobody answers")])
def test_an_outage_keeps_nobody_out(asking, ranges, mode, reason):
    ranges.mode = mode
    if mode == "gone":
        ranges.stop()
    assert sign_up(asking, BREACHED).status_code == 201
    line = wait_until(lambda: next((x for x in asking.log_lines() if "not checked against breaches" in x.get("message", "")), None),
                      what="a line that tells so")
    assert line["level"] == "warn" and reason in line["reason"] and line["correlation_id"]
    assert outcomes(asking)["unavailable"] == 1


def test_a_service_that_stays_away_is_not_waited_for(asking, ranges):
    """The circuit breaker: after twenty failures in ten seconds the host is left alone."""
    ranges.mode = "broken"
    for _ in range(30):
        assert sign_up(asking, BREACHED).status_code == 201

    def reasons():
        return [line["reason"] for line in asking.log_lines() if "not checked against breaches" in line.get("message", "")]

    wait_until(lambda: len(reasons()) == 30, what="a line for each sign-up")
    assert "left alone" in reasons()[-1]
    assert len(ranges.seen) < 90


def test_how_often_is_too_often_can_be_said(launch, ranges):
    asking = launch(settings={"auth.breach_check.enabled": "true", "auth.breach_check.url": ranges.url, "auth.breach_check.tolerated": "2"}).start()
    assert sign_up(asking, RARE).status_code == 201
    assert sign_up(asking, BREACHED).status_code == 422


def test_it_is_off_unless_asked_for(launch, ranges):
    asking = launch(settings={"auth.breach_check.url": ranges.url}).start()
    assert sign_up(asking, BREACHED).status_code == 201
    assert ranges.seen == [] and outcomes(asking) == {}
