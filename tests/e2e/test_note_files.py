"""Notes out of the service and into it as files: streamed, bounded, all or nothing."""

import csv
import io
import json
import socket
import threading
import time
import uuid
from pathlib import Path

import pytest

from processes import wait_until

KEPT = ("title", "body", "tags", "pinned", "created_at", "updated_at")


def upload(client, content, name="notes.ndjson", media_type="application/x-ndjson", part="file", **more):
    return client.post("/v1/notes/import", files={part: (name, content, media_type)}, **more)


def lines(*notes):
    return "".join(json.dumps(n) + "\n" for n in notes).encode()


def exported(client, **more):
    answer = client.get("/v1/notes/export", **more)
    assert answer.status_code == 200, answer.text
    return answer


def notes_of(client):
    return [json.loads(line) for line in exported(client).text.splitlines()]


def errors_of(answer):
    assert answer.status_code == 422, answer.text
    return [(e.get("line"), e["pointer"], e["code"]) for e in answer.json()["errors"]]


AWKWARD = [
    {"title": "Groceries, \"the\" list", "body": "Bread\r\nbutter\n\n", "tags": ["home", "a,b", '"c"'], "pinned": True},
    {"title": " spaces ", "body": "=1+1"}, {"title": "Grüße 🙂", "body": "\ttab\\", "tags": []},
]


def test_an_export_is_every_own_note_oldest_first(person, stranger):
    stranger.note(title="not mine")
    made = [person.note(**n).json() for n in AWKWARD]
    gone = person.note(title="deleted").json()
    person.client.delete(f"/v1/notes/{gone['id']}")
    answer = exported(person.client)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="notes.ndjson"'
    assert answer.headers["cache-control"] == "no-store"
    assert [json.loads(line) for line in answer.text.splitlines()] == made


@pytest.mark.parametrize("ask", [{"params": {"format": "csv"}}, {"headers": {"accept": "text/csv"}},
                                 {"headers": {"accept": "application/x-ndjson;q=0.1, text/*"}}])
def test_an_export_as_csv(person, ask):
    made = [person.note(**n).json() for n in AWKWARD]
    answer = exported(person.client, **ask)
    assert answer.headers["content-type"] == "text/csv" and "notes.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert [{**r, "tags": json.loads(r["tags"]), "pinned": r["pinned"] == "true"} for r in rows] == made


def test_an_export_by_accept_says_that_it_varies(person):
    for accept in ("text/csv", "image/png", "*/*"):
        answer = person.client.get("/v1/notes/export", headers={"accept": accept})
        assert "accept" in [name.strip().lower() for name in answer.headers.get("vary", "").split(",")], accept
    fixed = person.client.get("/v1/notes/export", params={"format": "csv"}, headers={"accept-encoding": "identity"})
    assert "accept" not in [name.strip().lower() for name in fixed.headers.get("vary", "").split(",")]


def test_an_export_of_nothing(person):
    assert exported(person.client).text == ""
    assert exported(person.client, params={"format": "csv"}).text == "id,title,body,tags,pinned,created_at,updated_at\r\n"


def test_what_an_export_cannot_be(server, person):
    assert person.client.get("/v1/notes/export", headers={"accept": "image/png"}).status_code == 406
    assert person.client.get("/v1/notes/export", params={"format": "xml"}).status_code == 422
    assert server.client().get("/v1/notes/export").status_code == 401


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_what_goes_out_comes_in_again(person, stranger, form):
    for n in AWKWARD:
        person.note(**n)
    file = exported(person.client, params={"format": form}).content
    answer = upload(stranger.client, file, name=f"notes.{form}", media_type="application/octet-stream")
    assert answer.status_code == 200 and answer.json() == {"imported": len(AWKWARD)}, answer.text
    before, after = notes_of(person.client), notes_of(stranger.client)
    assert [[n[k] for k in KEPT] for n in after] == [[n[k] for k in KEPT] for n in before]
    assert not {n["id"] for n in after} & {n["id"] for n in before}, "they are new notes"
    # Once more: the same file twice is the notes twice.
    assert upload(stranger.client, file, name=f"notes.{form}", media_type="text/plain").status_code == 200
    assert len(notes_of(stranger.client)) == 2 * len(AWKWARD)


@pytest.mark.parametrize("name, media_type", [("a.ndjson", "text/csv"), ("a.CSV", None), ("a", "Text/CSV;charset=utf-8")])
def test_the_type_of_a_file_goes_before_its_name(person, name, media_type):
    named = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
    typed = f"Content-Type: {media_type}\r\n" if media_type else ""
    answer = person.client.post("/v1/notes/import", content=f"--b\r\n{named}{typed}\r\ntitle\nx\n\r\n--b--\r\n",
                                headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.json() == {"imported": 1}, answer.text


def test_every_wrong_line_is_named_and_nothing_is_kept(person):
    good = {"title": "good"}
    answer = upload(person.client, lines(good, {"title": "", "pinned": "yes"}, good, {"body": "no title"}) + b"\n{broken\n"
                    + lines({"title": "x" * 201, "owner_id": str(uuid.uuid4())}))
    assert sorted(errors_of(answer), key=str) == sorted([
        (2, "/pinned", "wrong_type"), (2, "/title", "blank"), (4, "/title", "required"), (6, "", "malformed_json"),
        (7, "/title", "too_long"), (7, "/owner_id", "unknown")], key=str)
    assert notes_of(person.client) == []


def test_every_wrong_record_of_a_csv_is_named(person):
    text = ('title,pinned,tags,body\r\n"two\nlines",true,,\r\nfine,maybe,[1],\r\n,,,\r\nshort\r\na"b,,,\r\n'
            'fine,false,"[""a"",""a""]",ok\r\n')
    answer = upload(person.client, text.encode(), name="notes.csv", media_type="text/csv")
    assert sorted(errors_of(answer), key=str) == sorted([
        (4, "/pinned", "wrong_type"), (4, "/tags", "wrong_type"), (5, "/title", "blank"), (6, "", "wrong_size"),
        (7, "", "malformed_csv"), (8, "/tags", "not_unique")], key=str)
    header = upload(person.client, b"headline,body,body\nx,y,z\n", name="notes.csv", media_type="text/csv")
    assert sorted(errors_of(header), key=str) == sorted(
        [(1, "/headline", "unknown"), (1, "/body", "duplicate"), (1, "/title", "required")], key=str)
    assert notes_of(person.client) == []


def test_a_csv_of_a_spreadsheet(person):
    answer = upload(person.client, "\ufefftitle,tags\r\nCafé,\"[\"\"a\"\"]\"\r\n".encode(), name="n.csv", media_type="text/csv")
    assert answer.status_code == 200, answer.text
    assert [(n["title"], n["tags"]) for n in notes_of(person.client)] == [("Café", ["a"])]


def test_the_errors_of_a_file_are_bounded(person):
    answer = upload(person.client, lines(*[{"title": ""}] * 500))
    assert len(errors_of(answer)) == 100 and "500 errors" in answer.json()["detail"]


@pytest.mark.parametrize("files, pointer, code", [
    ({"other": ("n.csv", b"title\nx\n", "text/csv")}, "/other", "unknown"),
    ({"file": (None, b"title\nx\n", "text/csv")}, "/file", "wrong_type"),
    ([("file", ("n.csv", b"title\nx\n", "text/csv")), ("file", ("m.csv", b"title\ny\n", "text/csv"))], "/file", "unknown"),
])
def test_a_form_that_is_not_the_one(person, files, pointer, code):
    assert errors_of(person.client.post("/v1/notes/import", files=files)) == [(None, pointer, code)]
    assert notes_of(person.client) == []


def test_an_empty_form_has_no_file(person):
    answer = person.client.post("/v1/notes/import", content=b"--b--\r\n", headers={"content-type": "multipart/form-data; boundary=b"})
    assert errors_of(answer) == [(None, "/file", "required")]


def test_an_upload_says_that_it_takes_no_idempotency_key(person):
    file = {"file": ("notes.ndjson", lines({"title": "once"}), "application/x-ndjson")}
    answer = person.client.post("/v1/notes/import", files=file, headers={"idempotency-key": "k"})
    assert answer.status_code == 400 and answer.json()["code"] == "idempotency_key_not_taken"
    assert person.client.get("/v1/notes").json()["items"] == []


def test_what_is_no_form_and_no_file_of_notes(server, person):
    assert person.client.post("/v1/notes/import", json=[]).status_code == 415
    assert person.client.post("/v1/notes/import").status_code == 415
    assert upload(person.client, b"\x89PNG", name="a.png", media_type="image/png").status_code == 415
    form = {"content-type": "multipart/form-data"}
    assert person.client.post("/v1/notes/import", content=b"x", headers=form).json()["code"] == "missing_boundary"
    torn = person.client.post("/v1/notes/import", content=b"--b\r\ntorn", headers={"content-type": "multipart/form-data; boundary=b"})
    assert torn.status_code == 400 and torn.json()["code"] == "malformed_request" and torn.json()["detail"].endswith(".")
    assert upload(server.client(), lines({"title": "x"})).status_code == 401


def test_too_large_and_too_many(launch):
    server = launch(settings={"notes.import_size": "64KB", "notes.import_count": "10"}).start()
    person = server.person()
    assert upload(person.client, lines({"title": "x", "body": "y" * 40_000}, {"title": "x", "body": "y" * 40_000})).status_code == 413
    # Without a length the limit is met on the way.
    boundary = b'--b\r\nContent-Disposition: form-data; name="file"; filename="n.ndjson"\r\n\r\n'
    chunks = iter([boundary] + [lines({"title": "x", "body": "y" * 900})] * 100 + [b"\r\n--b--\r\n"])
    answer = person.client.post("/v1/notes/import", content=chunks, headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 413, answer.text
    assert errors_of(upload(person.client, lines(*[{"title": "x"}] * 11))) == [(11, "", "too_many")]
    assert notes_of(person.client) == []
    assert upload(person.client, lines(*[{"title": "x"}] * 10)).json() == {"imported": 10}


@pytest.mark.parametrize("content", [b"," * 1_048_000 + b"\n", b"title,pinned,tags\n" + b",x,y\n" * 500_000,
                                     b"title\n" * 500_000, b"\n" * 4_000_000])
def test_a_file_that_is_all_wrong_holds_nobody_up(launch, content):
    server = launch(settings={"runtime.shards": "1", "notes.import_size": "8MB"}).start()
    person = server.person()
    waited, over = [], threading.Event()

    def ask():
        with server.client() as client:
            while not over.is_set():
                begun = time.monotonic()
                assert client.get("/version").status_code == 200
                waited.append(time.monotonic() - begun)

    other = threading.Thread(target=ask)
    other.start()
    wait_until(lambda: len(waited) > 3, what="the other to be served")
    answer = upload(person.client, content, name="n.csv", media_type="text/csv", timeout=120)
    over.set()
    other.join()
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 422:
        assert 1 <= len(answer.json()["errors"]) <= 100
    # Without turns, an import on this build with sanitizers keeps the shard for many seconds.
    assert max(waited) < 1, f"the other waited {max(waited):.2f} s"


def resident(server):
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) * 1024


def test_a_slow_reader_of_thousands_of_notes_costs_one_page(launch):
    # The sanitizer's own bookkeeping of freed memory would be measured otherwise.
    server = launch(settings={"runtime.shards": "1", "http.write_timeout": "60s", "notes.import_size": "16MB"})
    original = server.variables
    server.variables = lambda: {**original(), "ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=1:exitcode=99"}
    server.start()
    person = server.person()
    notes = [{"title": f"note {i}", "body": f"{i:08d}" * 250, "created_at": f"2026-01-01T00:00:00.{i:06d}Z"} for i in range(10_000)]
    for part in range(2):
        assert upload(person.client, lines(*notes[part * 5000:][:5000])).status_code == 200
    whole = exported(person.client).content  # what is cached and pooled along the way is there from now on
    assert len(whole) > 20_000_000 and [json.loads(line)["title"] for line in whole.splitlines()] == [n["title"] for n in notes]
    before, most = resident(server), 0
    request = (f"GET /v1/notes/export HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               f"Authorization: {person.client.headers['authorization']}\r\n\r\n").encode()
    readers = []
    for _ in range(4):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        reader.settimeout(60)
        reader.connect(server.address)
        reader.sendall(request)
        readers.append(reader)
    read, ends = [0] * len(readers), [b""] * len(readers)
    while any(readers):
        for i, reader in enumerate(readers):
            if reader is None:
                continue
            piece = reader.recv(65_536)
            read[i] += len(piece)
            ends[i] = (ends[i] + piece)[-5:]
            if not piece:
                reader.close()
                readers[i] = None
        most = max(most, resident(server))
    assert min(read) > len(whole) and all(end == b"0\r\n\r\n" for end in ends)
    # A page is 0.3 MB in the rows and 0.3 MB in the text; the sanitizer's allocator multiplies that.
    assert most - before < len(whole), f"{(most - before) / 1e6:.1f} MB more while 4 readers read {len(whole) / 1e6:.1f} MB each"


def test_a_reader_who_leaves_ends_the_export(launch):
    server = launch(settings={"runtime.shards": "1", "notes.import_size": "16MB"}).start()
    person = server.person()
    for _ in range(4):
        assert upload(person.client, lines(*[{"title": "x", "body": "y" * 3000}] * 2000)).status_code == 200
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        reader.connect(server.address)
        reader.sendall(f"GET /v1/notes/export HTTP/1.1\r\nHost: a\r\nX-Request-Id: left-early\r\n"
                       f"Authorization: {person.client.headers['authorization']}\r\n\r\n".encode())
        assert reader.recv(4096).startswith(b"HTTP/1.1 200")
    with server.client() as client:
        assert client.get("/version").status_code == 200
    # The server has nothing left to do for it: it stops without waiting or cutting anything off.
    server.stop()
    stopped = next(line for line in server.log_lines() if line.get("message") == "stopped")
    assert stopped["cut_requests"] == 0


def test_an_import_that_ends_in_the_middle_leaves_nothing(server, person):
    whole = lines(*[{"title": "x"}] * 50)
    body = (b'--b\r\nContent-Disposition: form-data; name="file"; filename="n.ndjson"\r\n\r\n' + whole + b"\r\n--b--\r\n")
    head = (f"POST /v1/notes/import HTTP/1.1\r\nHost: a\r\nAuthorization: {person.client.headers['authorization']}\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    server.raw(head + body[: len(body) // 2])
    assert notes_of(person.client) == []
    assert b"200 OK" in server.raw(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body, finish=False)
    assert len(notes_of(person.client)) == 50


def test_imports_at_the_same_time(server, person):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(upload(server.client(headers=person.client.headers), lines(*[{"title": "x"}] * 200))))
               for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [a.json() for a in answers] == [{"imported": 200}] * 4
    wait_until(lambda: len(notes_of(person.client)) == 800, seconds=5, what="all notes")
