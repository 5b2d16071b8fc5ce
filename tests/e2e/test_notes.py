"""The resource that others are copied from: every promise that a REST resource makes here."""

import re
import socket
import struct
import threading
import uuid

import pytest

from processes import wait_until


def test_a_note_from_birth_to_death_and_back(person):
    made = person.note(tags=["home", "shopping"], pinned=True)
    note = made.json()
    path = f"/v1/notes/{note['id']}"
    assert made.headers["location"] == path and made.headers["etag"]
    assert note["tags"] == ["home", "shopping"] and note["pinned"] is True
    shown = person.client.get(path)
    assert shown.json() == note and shown.headers["etag"] == made.headers["etag"]
    assert person.client.delete(path).status_code == 204
    assert person.client.get(path).status_code == 404
    assert person.client.delete(path).status_code == 404
    assert note["id"] not in {n["id"] for n in person.client.get("/v1/notes").json()["items"]}
    back = person.client.post(f"{path}/restore")
    assert back.status_code == 200 and back.json()["title"] == note["title"]
    assert person.client.get(path).status_code == 200
    assert person.client.post(f"{path}/restore").status_code == 404, "it is not deleted"


def test_a_change_needs_the_version_that_was_seen(person):
    made = person.note()
    path, tag = f"/v1/notes/{made.json()['id']}", made.headers["etag"]
    assert person.client.patch(path, json={"title": "Blind"}).status_code == 428
    first = person.client.patch(path, json={"title": "First"}, headers={"if-match": tag})
    assert first.status_code == 200 and first.headers["etag"] != tag
    late = person.client.patch(path, json={"title": "Late"}, headers={"if-match": tag})
    assert late.status_code == 412
    assert person.client.get(path).json()["title"] == "First"
    any_version = person.client.patch(path, json={"title": "Any"}, headers={"if-match": "*"})
    assert any_version.status_code == 200


def test_of_two_who_change_at_the_same_time_one_is_told(person):
    made = person.note()
    path, tag, codes = f"/v1/notes/{made.json()['id']}", made.headers["etag"], []

    def change(title):
        with person.server.client(headers=person.client.headers) as client:
            codes.append(client.patch(path, json={"title": title}, headers={"if-match": tag}).status_code)

    threads = [threading.Thread(target=change, args=(f"writer {i}",)) for i in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(codes) == [200] + [412] * 4


def all_at_once(person, change, writers=8, each=10):
    """The statuses of changes that as many connections make at the same time."""
    codes = []

    def write(i):
        with person.server.client(headers=person.client.headers) as client:
            codes.extend(change(client, f"{i}/{n}").status_code for n in range(each))

    threads = [threading.Thread(target=write, args=(i,)) for i in range(writers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(codes) == writers * each
    return set(codes)


def test_whoever_takes_any_version_is_never_told_that_there_is_another(person):
    path = f"/v1/notes/{person.note().json()['id']}"
    any_version = {"if-match": "*"}
    assert all_at_once(person, lambda client, t: client.patch(path, json={"title": t}, headers=any_version)) == {200}
    assert person.client.get(path).headers["etag"] == '"81"', "each was made, one after the other"
    assert person.client.patch(f"/v1/notes/{uuid.uuid4()}", json={"title": "x"}, headers=any_version).status_code == 404


def test_a_deletion_that_names_another_version_is_not_done(person):
    made = person.note()
    path, old = f"/v1/notes/{made.json()['id']}", made.headers["etag"]
    now = person.client.patch(path, json={"title": "Changed"}, headers={"if-match": old}).headers["etag"]
    for tag in (old, now.strip('"'), '"another"', ""):
        refused = person.client.delete(path, headers={"if-match": tag})
        assert refused.status_code == 412 and refused.json()["code"] == "precondition_failed", tag
    assert person.client.get(path).json()["title"] == "Changed"
    assert person.client.delete(path, headers=[("if-match", old), ("if-match", now)]).status_code == 204
    assert person.client.delete(path, headers={"if-match": now}).status_code == 404, "there is none to compare with"
    for tag in (old, '"another"'):
        assert person.client.post(f"{path}/restore", headers={"if-match": tag}).status_code == 412, tag
    back = person.client.post(f"{path}/restore", headers={"if-match": now})
    assert back.status_code == 200 and back.json()["title"] == "Changed"
    assert back.headers["etag"] not in (old, now)
    assert person.client.get(path, headers={"if-none-match": f'"x",, , {back.headers["etag"]}'}).status_code == 304
    assert person.client.delete(path, headers={"if-match": "*"}).status_code == 204
    assert person.client.post(f"{path}/restore", headers={"if-match": "*"}).status_code == 200


def test_a_note_is_deleted_in_the_version_that_was_seen_or_not_at_all(person):
    made = person.note()
    path, tag = f"/v1/notes/{made.json()['id']}", made.headers["etag"]
    codes = {}

    def ask(name, method, **more):
        with person.server.client(headers=person.client.headers) as client:
            codes[name] = client.request(method, path, headers={"if-match": tag}, **more).status_code

    threads = [threading.Thread(target=ask, args=(f"change {i}", "PATCH"), kwargs={"json": {"title": "Kept"}}) for i in range(3)]
    threads += [threading.Thread(target=ask, args=(f"delete {i}", "DELETE")) for i in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    done = [name for name, code in codes.items() if code < 300]
    assert len(done) == 1, codes
    assert set(codes.values()) <= {200, 204, 404, 412}
    assert (person.client.get(path).status_code == 200) == done[0].startswith("change")


def test_a_merge_patch_changes_what_it_names(person):
    made = person.note(tags=["a"], pinned=True)
    path = f"/v1/notes/{made.json()['id']}"
    changed = person.client.patch(path, json={"tags": ["b"]}, headers={"if-match": made.headers["etag"]}).json()
    assert changed["tags"] == ["b"] and changed["pinned"] is True and changed["title"] == "Groceries"
    nothing = person.client.patch(path, json={}, headers={"if-match": "*"})
    assert nothing.status_code == 200 and nothing.json()["tags"] == ["b"]


def test_a_merge_patch_may_call_itself_that(person):
    made = person.note()
    answer = person.client.patch(f"/v1/notes/{made.json()['id']}", content=b'{"title":"Named"}',
                                 headers={"if-match": "*", "content-type": "application/merge-patch+json"})
    assert answer.status_code == 200 and answer.json()["title"] == "Named"


@pytest.mark.parametrize("change, pointer", [
    ({"title": ""}, "/title"), ({"title": "t" * 201}, "/title"), ({"title": None}, "/title"), ({"tags": "a"}, "/tags"),
    ({"tags": ["a", "a"]}, "/tags"), ({"tags": ["t" * 101]}, "/tags/0"), ({"pinned": "yes"}, "/pinned"), ({"owner_id": str(uuid.uuid4())}, "/owner_id"),
    ({"id": str(uuid.uuid4())}, "/id"), ({"body": "b" * 50_001}, "/body"),
])
def test_each_rule_of_a_change(person, change, pointer):
    made = person.note()
    answer = person.client.patch(f"/v1/notes/{made.json()['id']}", json=change, headers={"if-match": "*"})
    assert answer.status_code == 422, answer.text
    assert any(e["pointer"].startswith(pointer) for e in answer.json()["errors"])


def test_someone_elses_note_does_not_exist(person, stranger):
    path = f"/v1/notes/{person.note().json()['id']}"
    theirs = {"if-match": "*"}
    missing = stranger.client.get(f"/v1/notes/{uuid.uuid4()}")
    for answer in (stranger.client.get(path), stranger.client.patch(path, json={"title": "Mine"}, headers=theirs),
                   stranger.client.delete(path), stranger.client.post(f"{path}/restore")):
        assert answer.status_code == 404
    hidden = stranger.client.get(path)
    assert {k: v for k, v in hidden.json().items() if k != "correlation_id"} == {
        k: v for k, v in missing.json().items() if k != "correlation_id"}, "it looks like one that never was"
    assert stranger.client.get("/v1/notes").json()["items"] == []
    assert person.client.get(path).status_code == 200


def test_nothing_without_logging_in(server, person):
    path, client = f"/v1/notes/{person.note().json()['id']}", server.client()
    for answer in (client.get("/v1/notes"), client.post("/v1/notes", json={"title": "x"}), client.get(path),
                   client.patch(path, json={}), client.delete(path), client.post(f"{path}/restore")):
        assert answer.status_code == 401


@pytest.mark.parametrize("name", ["x", "0", "-1", "%00", "..%2fusers", "' or 1=1--", "00000000-0000-0000-0000-00000000000g"])
def test_what_is_no_id_names_nothing(person, name):
    assert person.client.get(f"/v1/notes/{name}").status_code == 404


def pages(client, **query):
    """Walks the list by its Link headers, as a client that knows nothing else does."""
    found, url = [], None
    while True:
        answer = client.get(url) if url else client.get("/v1/notes", params=query)
        assert answer.status_code == 200, answer.text
        found.append([n["title"] for n in answer.json()["items"]])
        link = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        assert bool(link) == bool(answer.json().get("next"))
        if not link:
            return found
        url = link[1]


def test_pages_hold_everything_once(person):
    for i in range(7):
        person.note(title=f"note {i}")
    walked = pages(person.client, limit=3)
    assert [len(p) for p in walked] == [3, 3, 1]
    assert sum(walked, []) == [f"note {i}" for i in reversed(range(7))]


@pytest.mark.parametrize("sort, expected", [
    ("newest", ["delta", "charlie", "bravo", "alpha"]), ("oldest", ["alpha", "bravo", "charlie", "delta"]),
    ("title", ["alpha", "bravo", "charlie", "delta"]), ("updated", ["bravo", "delta", "charlie", "alpha"]),
])
def test_each_order_also_page_by_page(person, sort, expected):
    made = [person.note(title=t).json()["id"] for t in ("alpha", "bravo", "charlie", "delta")]
    person.client.patch(f"/v1/notes/{made[1]}", json={"body": "new"}, headers={"if-match": "*"})
    assert sum(pages(person.client, sort=sort, limit=1), []) == expected


def test_the_longest_titles_fit_into_a_cursor(person):
    titles = [first + "\U0001f600" * 199 for first in "abc"]
    for title in titles:
        assert person.note(title=title).status_code == 201
    assert sum(pages(person.client, sort="title", limit=1), []) == titles


def test_a_page_is_not_shifted_by_what_comes_meanwhile(person):
    for i in range(4):
        person.note(title=f"note {i}")
    first = person.client.get("/v1/notes", params={"limit": 2}).json()
    person.note(title="meanwhile")
    second = person.client.get("/v1/notes", params={"limit": 2, "cursor": first["next"]}).json()
    assert [n["title"] for n in first["items"] + second["items"]] == ["note 3", "note 2", "note 1", "note 0"]


def test_filters(person):
    person.note(title="Groceries", body="milk", pinned=True)
    person.note(title="Ideas", body="100% of_it", pinned=False)

    def titles(**query):
        return sum(pages(person.client, **query), [])

    assert titles(pinned="true") == ["Groceries"]
    assert titles(pinned="false") == ["Ideas"]
    assert titles(q="milk") == ["Groceries"]
    assert titles(q="GROC") == ["Groceries"]
    assert titles(q="%") == ["Ideas"] and titles(q="_") == ["Ideas"], "what is special in SQL is ordinary here"
    assert titles(q="' or '1'='1") == []
    assert titles(q="milk", pinned="false") == []


@pytest.mark.parametrize("query", [
    {"limit": "0"}, {"limit": "101"}, {"limit": "ten"}, {"limit": "99999999999999999999"}, {"sort": "owner_id"},
    {"sort": "title; drop table notes"}, {"pinned": "perhaps"}, {"q": "x" * 101}, {"unknown": "1"},
])
def test_each_wrong_query_is_named(person, query):
    answer = person.client.get("/v1/notes", params=query)
    assert answer.status_code == 422, answer.text
    assert next(iter(query)) in answer.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "%", "e30", "bm90IGEgY3Vyc29y"])
def test_a_made_up_cursor_is_refused(person, cursor):
    answer = person.client.get("/v1/notes", params={"cursor": cursor})
    assert answer.status_code == 400 and answer.json()["code"] == "bad_cursor"


def test_a_cursor_of_another_order_is_refused(person):
    for _ in range(2):
        person.note()
    cursor = person.client.get("/v1/notes", params={"limit": 1, "sort": "title"}).json()["next"]
    assert person.client.get("/v1/notes", params={"limit": 1, "sort": "newest", "cursor": cursor}).status_code == 400


def test_sparse_fields(person):
    note = person.note().json()
    assert person.client.get(f"/v1/notes/{note['id']}", params={"fields": "id,title"}).json() == {
        "id": note["id"], "title": note["title"]}
    listed = person.client.get("/v1/notes", params={"fields": "title"}).json()["items"]
    assert listed == [{"title": "Groceries"}]
    assert person.client.get("/v1/notes").json()["items"] == [note], "and all of it by the next request of the connection"
    assert person.client.get("/v1/notes", params={"fields": "owner_id"}).status_code in (400, 422)


def test_a_reader_who_knows_the_version_gets_304(person):
    made = person.note()
    path = f"/v1/notes/{made.json()['id']}"
    answer = person.client.get(path, headers={"if-none-match": made.headers["etag"]})
    assert answer.status_code == 304 and answer.content == b"" and answer.headers["etag"] == made.headers["etag"]
    assert person.client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_wrong_fields_are_told_before_anything_else(person):
    made = person.note()
    for path, known in ((made.headers["location"], made.headers["etag"]), (f"/v1/notes/{uuid.uuid4()}", '"1"'), ("/v1/notes?limit=1", "")):
        answer = person.client.get(path, params={"fields": "owner_id"}, headers={"if-none-match": known} if known else {})
        assert answer.status_code == 422, f"{path}: {answer.text}"
        assert answer.json()["errors"][0]["pointer"] == "fields"
        assert "etag" not in answer.headers and "link" not in answer.headers


def create(person, key, **note):
    return person.client.post("/v1/notes", json={"title": "Once", **note}, headers={"idempotency-key": key})


def test_the_same_key_gives_the_first_answer_again(person):
    key = str(uuid.uuid4())
    first, second = create(person, key), create(person, key)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() and first.headers["location"] == second.headers["location"]
    assert len(person.client.get("/v1/notes").json()["items"]) == 1


def test_the_same_key_for_another_body_is_refused(person):
    key = str(uuid.uuid4())
    create(person, key)
    other = create(person, key, body="something else")
    assert other.status_code == 422 and other.json()["code"] == "idempotency_key_reused"


def test_a_refused_body_may_be_corrected_under_its_key(person):
    key = str(uuid.uuid4())
    first, again = create(person, key, title=""), create(person, key, title="")
    for answer in (first, again):
        assert answer.status_code == 422 and answer.json()["correlation_id"] == answer.headers["x-request-id"]
    assert create(person, key).status_code == 201


def test_who_leaves_before_the_answer_finds_it_under_the_key(launch, postgres):
    # A second way to the database, on which a statement is not in line behind the first.
    server = launch(postgres=postgres, settings={"runtime.shards": "1", "database.pipelines": "2"}).start()
    person, key, body = server.person(), str(uuid.uuid4()), b'{"title": "Groceries", "body": "Bread"}'

    def leave(head, others):
        with socket.create_connection(server.address, timeout=20) as leaving:
            leaving.sendall(f"POST /v1/notes HTTP/1.1\r\nHost: localhost\r\nAuthorization: {person.client.headers['authorization']}\r\n{head}"
                            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            wait_until(lambda: server.waiting() == others + 1, what="the note to wait")
            # Gone for good: an end of what it sends alone may still wait for its answer.
            leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with postgres.session(server.database) as other:
        other.execute("begin; lock table notes in exclusive mode; select 'held';")
        other.wait_for("held")
        leave(f"Idempotency-Key: {key}\r\n", 0)
        for _ in range(2):
            leave("", 1)
            wait_until(lambda: server.waiting() == 1, seconds=20, what="the statement without a key to be stopped, and that with one not")
        other.execute("commit;")

    def again():
        return person.client.post("/v1/notes", content=body, headers={"idempotency-key": key, "content-type": "application/json"})

    made = wait_until(lambda: (answer := again()).status_code != 409 and answer, what="the first to be over")
    assert made.status_code == 201 and made.headers["idempotent-replayed"] == "true", made.text
    assert len(person.client.get("/v1/notes").json()["items"]) == 1


def test_an_answer_that_cannot_be_stored_under_its_key_stands(launch):
    server = launch().start()
    person, key = server.person(), str(uuid.uuid4())
    server.sql("create trigger no_room before update of status on idempotency_keys begin select raise(abort, 'no room'); end")
    made = create(person, key)
    assert made.status_code == 201, made.text
    server.sql("create trigger no_end before delete on idempotency_keys begin select raise(abort, 'no room'); end")
    assert create(person, str(uuid.uuid4()), title="").status_code == 422
    said = [line for line in server.log_lines() if "Idempotency-Key" in str(line)]
    assert len(said) == 2 and all(line["level"] == "warn" and "no room" in str(line) for line in said), said
    server.sql("drop trigger no_room; drop trigger no_end")
    assert create(person, key).json()["code"] == "idempotency_key_in_use"
    assert len(person.client.get("/v1/notes").json()["items"]) == 1


def test_a_key_belongs_to_its_owner(person, stranger):
    key = str(uuid.uuid4())
    mine, theirs = create(person, key), create(stranger, key)
    assert theirs.status_code == 201 and theirs.json()["id"] != mine.json()["id"]


def test_requests_with_one_key_at_the_same_time_make_one_note(person):
    key, answers = str(uuid.uuid4()), []

    def send():
        with person.server.client(headers=person.client.headers) as client:
            answers.append(client.post("/v1/notes", json={"title": "Once"}, headers={"idempotency-key": key}))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert all(a.json()["code"] == "idempotency_key_in_use" for a in answers if a.status_code == 409)
    assert len(person.client.get("/v1/notes").json()["items"]) == 1


@pytest.mark.parametrize("key", ["k" * 256, "with space"])
def test_an_unusable_key_is_400(person, key):
    assert create(person, key).status_code == 400


@pytest.mark.parametrize("text", ["O'Brien; drop table notes;--", "\\'\"%_", "日本語 🎉 é", "a\nb\tc", "<script>alert(1)</script>"])
def test_any_text_comes_back_as_it_was(person, text):
    path = f"/v1/notes/{person.note(title=text, body=text, tags=[text]).json()['id']}"
    note = person.client.get(path).json()
    assert (note["title"], note["body"], note["tags"]) == (text, text, [text])
