"""Server-sent events of the own notes: who hears what, what was missed, and every way in which a stream ends."""

import contextlib
import copy
import json
import queue
import signal
import socket
import threading
import time

import pytest

from harness import PASSWORD
from processes import PATIENCE, wait_until


class Watcher:
    """One open stream, read on a thread of its own; `next()` is the next event that is no heartbeat."""

    def __init__(self, person, last_event_id=None):
        self.client = person.server.client(headers=person.client.headers)
        headers = {"accept": "text/event-stream"} | ({"last-event-id": last_event_id} if last_event_id else {})
        self.stream = self.client.stream("GET", "/v1/notes/events", headers=headers, timeout=PATIENCE)
        self.answer = self.stream.__enter__()
        assert self.answer.status_code == 200, self.answer.read()
        assert self.answer.headers["content-type"] == "text/event-stream"
        assert self.answer.headers["cache-control"] == "no-store"
        self.events, self.comments = queue.Queue(), 0
        self.ended_well = False
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        assert self.next()["retry"] == "2000", "it is known from here on"

    def _read(self):
        event = {}
        try:
            for line in self.answer.iter_lines():
                line = line.rstrip("\r\n")
                if not line:
                    if event:
                        self.events.put(event)
                    event = {}
                elif line.startswith(":"):
                    self.comments += 1
                else:
                    name, _, value = line.partition(": ")
                    event[name] = event[name] + "\n" + value if name in event else value
            self.ended_well = True
        except Exception as error:  # told below
            self.error = error
        self.events.put(None)

    def next(self, seconds=PATIENCE):
        return self.events.get(timeout=seconds)

    def expect(self, kind):
        event = self.next()
        assert event and event.get("event") == kind, event
        return json.loads(event["data"]) if event["data"] else None

    def expect_end(self):
        assert self.next() is None
        assert self.ended_well, self.error

    def close(self):
        # Only the thread that reads may use the stream; the socket under it ends it.
        self.answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.close()


def test_everything_that_happens_to_the_own_notes_and_to_no_others(person, stranger):
    with Watcher(person) as first, Watcher(person) as second, Watcher(stranger) as foreign:
        made = person.note(title="not to be read here")
        note = made.json()
        path = f"/v1/notes/{note['id']}"
        changed = person.client.patch(path, json={"title": "new"}, headers={"if-match": made.headers["etag"]})
        person.client.delete(path)
        restored = person.client.post(f"{path}/restore")
        person.client.post("/v1/notes/import", files={"file": ("n.ndjson", b'{"title":"a"}\n{"title":"b"}\n', "text/plain")})
        for watcher in (first, second):
            assert watcher.expect("note.created") == {"id": note["id"], "etag": made.headers["etag"]}
            assert watcher.expect("note.changed") == {"id": note["id"], "etag": changed.headers["etag"]}
            assert watcher.expect("note.deleted") == {"id": note["id"]}
            assert watcher.expect("note.restored") == {"id": note["id"], "etag": restored.headers["etag"]}
            assert watcher.expect("note.imported") == {"count": 2}
        # What failed did not happen.
        assert person.client.patch(path, json={"title": "late"}, headers={"if-match": made.headers["etag"]}).status_code == 412
        assert person.client.delete(f"/v1/notes/{stranger.note().json()['id']}").status_code == 404
        foreign.expect("note.created")
        assert foreign.events.empty() and first.events.empty() and second.events.empty()


def test_all_sessions_of_a_person_hear_one_order(person):
    other = person.server.client(headers=person.client.headers)
    with Watcher(person) as first, Watcher(person) as second:
        threads = [threading.Thread(target=lambda c=c: [c.post("/v1/notes", json={"title": "x"}) for _ in range(10)]) for c in (person.client, other)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        heard = [[w.expect("note.created")["id"] for _ in range(20)] for w in (first, second)]
        assert heard[0] == heard[1] and len(set(heard[0])) == 20


def test_what_was_missed_comes_later(person):
    with Watcher(person) as watcher:
        person.note()
        seen = watcher.next()["id"]
    missed = [person.note().json()["id"] for _ in range(3)]
    with Watcher(person, last_event_id=seen) as watcher:
        assert [watcher.expect("note.created")["id"] for _ in missed] == missed
        person.note()
        watcher.expect("note.created")


@pytest.mark.parametrize("last", ["never-heard-of", "0" * 300])
def test_an_unknown_id_is_told_to_read_anew(person, stranger, last):
    if last == "never-heard-of":
        with Watcher(stranger) as watcher:
            stranger.note()
            last = watcher.next()["id"]  # somebody else's is as unknown as any
        with Watcher(person, last_event_id=last) as watcher:
            watcher.expect("reset")
    else:
        with Watcher(person, last_event_id=last) as watcher:  # as good as none
            person.note()
            assert watcher.next()["event"] in ("note.created", "reset")


def test_a_restart_forgets_what_was_heard(launch):
    server = launch().start()
    person = server.person()
    with Watcher(person) as watcher:
        person.note()
        seen = watcher.next()["id"]
    server.stop()
    server.start()
    person.client = server.client(headers=person.client.headers)
    with Watcher(person, last_event_id=seen) as watcher:
        watcher.expect("reset")


def test_heartbeats(launch):
    server = launch(settings={"events.heartbeat": "100ms"}).start()
    with Watcher(server.person()) as watcher:
        wait_until(lambda: watcher.comments >= 3, what="three heartbeats")
        assert watcher.events.empty()


def again(person):
    """The same person, logged in a second time."""
    other = copy.copy(person)
    other.client = person.server.client()
    return other.log_in()


def test_logging_out_ends_the_streams_of_that_session_alone(person):
    second = again(person)
    with Watcher(person) as here, Watcher(second) as there:
        assert person.client.post("/v1/auth/logout", json={"refresh_token": second.tokens["refresh_token"]}).status_code == 204
        there.expect("end")
        there.expect_end()
        person.note()
        here.expect("note.created")


def test_a_refresh_token_that_comes_twice_ends_the_streams_of_its_session(person):
    second = again(person)
    with Watcher(second) as there:
        renewed = second.client.post("/v1/auth/refresh", json={"refresh_token": second.tokens["refresh_token"]}).json()
        assert second.client.post("/v1/auth/refresh", json={"refresh_token": renewed["refresh_token"]}).status_code == 200
        assert there.events.empty(), "a session goes on through its refreshes"
        assert second.client.post("/v1/auth/refresh", json={"refresh_token": second.tokens["refresh_token"]}).status_code == 401
        there.expect("end")
        there.expect_end()


def test_a_new_password_ends_the_others_and_closing_the_account_all(person):
    second = again(person)
    with Watcher(person) as here, Watcher(second) as there:
        answer = person.client.post("/v1/users/me/password", json={"current_password": PASSWORD, "new_password": PASSWORD + "!"})
        assert answer.status_code == 204, answer.text
        there.expect("end")
        there.expect_end()
        assert second.client.post("/v1/auth/refresh", json={"refresh_token": second.tokens["refresh_token"]}).status_code == 401
        assert person.client.delete("/v1/users/me").status_code == 204
        here.expect("end")
        here.expect_end()


def test_a_stream_ends_with_its_access_token(launch):
    server = launch(settings={"auth.tokens.lifetime": "10s", "auth.tokens.leeway": "0s"}).start()
    person = server.person()
    begun = time.monotonic()
    with Watcher(person) as watcher:
        watcher.expect("end")
        watcher.expect_end()
    assert 5 < time.monotonic() - begun < 30
    assert person.client.get("/v1/notes").status_code == 401, "the token has run out"


def test_nobody_watches_without_logging_in(server):
    assert server.client().get("/v1/notes/events").status_code == 401


def test_a_stop_ends_streams_and_cuts_nothing(launch):
    server = launch(settings={"http.drain_limit": "30s"}).start()
    person = server.person()
    watchers = [Watcher(person) for _ in range(5)]
    begun = time.monotonic()
    server.stop(signal.SIGTERM)
    assert time.monotonic() - begun < 15, "a drain does not wait for streams"
    for watcher in watchers:
        watcher.expect_end()
    assert next(line for line in server.log_lines() if line.get("message") == "stopped")["cut_requests"] == 0


def test_streams_are_bounded_and_counted(launch):
    server = launch(settings={"events.streams_of_one": "2", "runtime.shards": "1"}).start()
    person, other = server.person(), server.person()

    def watching():
        with server.client() as client:
            text = client.get(f"{server.operator_url}/metrics").text
        return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith("note_watchers "))))

    with Watcher(person), Watcher(person), Watcher(other):
        refused = person.client.get("/v1/notes/events")
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert watching() == 3
    wait_until(lambda: watching() == 0, what="those who left to be forgotten")
    with Watcher(person):
        pass


def test_who_does_not_read_holds_nobody_up(launch):
    server = launch(settings={"runtime.shards": "1", "http.write_timeout": "1s"}).start()
    person = server.person()
    with socket.socket() as deaf, Watcher(person) as watcher:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.connect(server.address)
        deaf.sendall(f"GET /v1/notes/events HTTP/1.1\r\nHost: a\r\nAuthorization: {person.client.headers['authorization']}\r\n\r\n".encode())
        assert deaf.recv(200).startswith(b"HTTP/1.1 200")
        for _ in range(300):
            person.note()
        for _ in range(300):
            watcher.expect("note.created")  # others hear everything
