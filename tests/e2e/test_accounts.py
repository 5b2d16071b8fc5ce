"""Signing up, the own account, leaving; as clients see it, on each database."""

import itertools
import threading
import uuid

import pytest

from harness import PASSWORD, Load, at_once, new_email, refresh, sign_up, while_locked
from processes import wait_until


def test_signing_up_gives_a_location_and_no_password(server):
    email = new_email()
    answer = sign_up(server.client(), email=email)
    assert answer.status_code == 201, answer.text
    user = answer.json()
    assert answer.headers["location"] == f"/v1/users/{user['id']}"
    assert user["email"] == email and user["role"] == "member" and user["name"] == "Ada"
    assert uuid.UUID(user["id"]).version == 7
    assert "password" not in answer.text


def test_what_the_location_names_is_for_its_owner_and_for_administrators(server, person):
    place = f"/v1/users/{person.id}"
    own = person.client.get(place)
    assert own.status_code == 200 and own.json() == person.client.get("/v1/users/me").json()
    other = server.person()
    missing = other.client.get(f"/v1/users/{uuid.uuid4()}")
    refused = other.client.get(place)
    assert refused.status_code == missing.status_code == 404 and refused.json()["code"] == missing.json()["code"], "nobody learns who has an account"
    assert server.client().get(place).status_code == 401
    assert other.become_admin().client.get(place).json()["email"] == person.email
    person.client.delete("/v1/users/me")
    assert other.client.get(place).status_code == 404, "a closed account is gone for all"


def test_an_address_has_one_account_whatever_its_case(server, person):
    answer = sign_up(server.client(), email=person.email.upper())
    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"


def test_every_wrong_field_is_named_at_once(server):
    answer = sign_up(server.client(), email="nobody", password="short", name=" ")
    assert answer.status_code == 422
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/email", "/password", "/name"}
    assert all(e["code"] and e["message"] for e in answer.json()["errors"])


@pytest.mark.parametrize("field, value", [
    ("email", "a" * 250 + "@example.com"), ("email", 7), ("email", None), ("email", "a@b\x00.example"),
    ("password", "x" * 11), ("password", "x" * 129), ("password", ["x" * 12]),
    ("name", "n" * 101), ("name", ""), ("name", {}),
])
def test_each_rule_of_signing_up(server, field, value):
    answer = sign_up(server.client(), **{field: value})
    assert answer.status_code == 422, answer.text
    assert {e["pointer"] for e in answer.json()["errors"]} == {f"/{field}"}


def test_unknown_and_missing_members_are_named(server):
    answer = server.client().post("/v1/users", json={"email": new_email(), "password": PASSWORD, "nmae": "Ada"})
    assert answer.status_code == 422
    assert {"/nmae", "/name"} <= {e["pointer"] for e in answer.json()["errors"]}


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'"text"', b'{"email": 1e999}', b'{"a":' * 200, b"\xff\xfe{}", b'{} {}'])
def test_what_is_no_such_document_is_refused(server, text):
    answer = server.client().post("/v1/users", content=text, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_media_type_is_415(server):
    assert server.client().post("/v1/users", content=b"a=b", headers={"content-type": "text/plain"}).status_code == 415


def test_two_who_take_one_address_at_the_same_time(server):
    email = new_email()
    clients = [server.client() for _ in range(6)]
    answers = at_once(*(lambda c=c: sign_up(c, email=email) for c in clients))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 5


def test_the_line_of_a_request_counts_its_statements(server, person):
    request_id = f"counted-{uuid.uuid4().hex}"
    person.client.get("/v1/users/me", headers={"x-request-id": request_id})
    found = wait_until(lambda: [x for x in server.log_lines() if x.get("correlation_id") == request_id], what="the line")
    assert found[0]["sql_count"] == 1 and found[0]["sql_us"] > 0


def test_the_own_profile(server, person):
    assert person.client.get("/v1/users/me").json()["email"] == person.email
    changed = person.client.patch("/v1/users/me", json={"name": "Ada King"})
    assert changed.status_code == 200 and changed.json()["name"] == "Ada King"
    assert person.client.get("/v1/users/me").json()["name"] == "Ada King"


def test_nobody_makes_himself_an_administrator(server, person):
    assert person.client.patch("/v1/users/me", json={"role": "admin"}).status_code == 422
    assert sign_up(server.client(), role="admin").status_code == 422
    assert person.client.get("/v1/users/me").json()["role"] == "member"


def test_a_closed_account_is_closed(server, person):
    assert person.client.delete("/v1/users/me").status_code == 204
    assert person.client.get("/v1/users/me").status_code in (401, 404)
    client = server.client()
    again = client.post("/v1/auth/login", json={"email": person.email, "password": person.password})
    assert again.status_code == 401 and again.json()["code"] == "bad_credentials"
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401


def test_nothing_is_made_for_a_closed_account(server, person):
    kept, deleted = person.note(), person.note()
    there, gone = kept.headers["location"], deleted.headers["location"]
    assert person.client.delete(gone).status_code == 204
    file = {"file": ("notes.ndjson", b'{"title":"late"}\n', "application/x-ndjson")}
    assert person.client.post("/v1/notes/import", files=file).json() == {"imported": 1}
    assert person.client.delete("/v1/users/me").status_code == 204
    # The access token lives on for minutes.
    ask, as_seen = person.client, {"if-match": kept.headers["etag"]}
    late = [ask.post("/v1/notes", json={"title": "late"}), ask.post("/v1/notes/import", files=file),
            ask.patch(there, json={"title": "late"}, headers=as_seen), ask.delete(there), ask.delete(there, headers=as_seen),
            ask.post(f"{gone}/restore"), ask.post(f"{gone}/restore", headers={"if-match": deleted.headers["etag"]})]
    for answer in late:
        assert answer.status_code == 404 and answer.json()["code"] == "not_found", f"{answer.request}: {answer.text}"
    assert ask.get("/v1/notes").json()["items"] == []
    assert ask.get(there).status_code == 404 and ask.get(gone).status_code == 404


def test_nothing_is_left_of_a_closed_account_and_its_address_may_sign_up_again(server, stranger):
    person = server.person(name="Ada of the closed account")
    assert person.client.delete(person.note(title="a").headers["location"]).status_code == 204
    person.note(title="b")
    stranger.note(title="a stranger's")
    tables = ("users", "notes", "refresh_tokens")
    before = {name: int(server.sql(f"select count(*) from {name}")) for name in tables}
    assert person.client.delete("/v1/users/me").status_code == 204
    after = {name: int(server.sql(f"select count(*) from {name}")) for name in tables}
    assert {name: before[name] - after[name] for name in tables} == {"users": 1, "notes": 2, "refresh_tokens": 1}
    assert int(server.sql(f"select count(*) from users where email = '{person.email}' or name = 'Ada of the closed account'")) == 0
    assert len(stranger.client.get("/v1/notes").json()["items"]) == 1
    again = server.person(email=person.email)
    assert again.client.get("/v1/notes").json()["items"] == [] and again.client.get("/v1/users/me").status_code == 200
    assert person.client.get("/v1/users/me").status_code in (401, 404), "the old token is not the new account's"


def test_who_is_just_being_closed_is_waited_for(launch, postgres):
    server = launch(postgres=postgres).start()
    person = server.person()
    late = while_locked(server, f"select 1 from users where email = '{person.email}' for update; "
                                f"update users set deleted_at = updated_at where email = '{person.email}'",
                        lambda: person.client.post("/v1/notes", json={"title": "late"}))
    assert late.status_code == 404, late.text
    assert person.client.get("/v1/notes").json()["items"] == []


def test_the_list_of_users_is_for_administrators(server, person):
    assert server.client().get("/v1/users").status_code == 401
    assert person.client.get("/v1/users").status_code == 403
    person.become_admin()
    answer = person.client.get("/v1/users", params={"q": person.email})
    assert answer.status_code == 200
    assert [u["id"] for u in answer.json()["items"]] == [person.id]
    assert "password" not in answer.text and "hash" not in answer.text


def test_a_change_of_the_profile_takes_back_no_change_of_the_password(server):
    somebody = server.person()
    names, local = itertools.count(), threading.local()

    def change_name():
        if not hasattr(local, "client"):
            local.client = server.client()
            local.client.headers["authorization"] = somebody.client.headers["authorization"]
        return local.client.patch("/v1/users/me", json={"name": f"Ada {next(names)}"}).status_code

    old = PASSWORD
    for round in range(6):
        new = f"a fresh password {round}"
        with Load(change_name, clients=4) as load:
            wait_until(lambda: len(load.answers) > 8, what="some load")
            changed = somebody.client.post("/v1/users/me/password", json={"current_password": old, "new_password": new})
        assert changed.status_code == 204, changed.text
        assert not load.errors and {status for _, status in load.answers} == {200}
        for password, status in ((new, 200), (old, 401)):
            answer = server.client().post("/v1/auth/login", json={"email": somebody.email, "password": password})
            assert answer.status_code == status, f"{password!r} in round {round}"
        old = new
