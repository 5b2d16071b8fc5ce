"""Signing up, logging in, staying logged in, leaving; as clients see it, on each database."""

import base64
import itertools
import json
import statistics
import subprocess
import threading
import time
import uuid

import jwt
import pytest

from harness import PASSWORD, Load, burst
from processes import wait_until


def new_email():
    return f"new-{uuid.uuid4().hex[:12]}@example.com"


def sign_up(client, **changes):
    return client.post("/v1/users", json={"email": new_email(), "password": PASSWORD, "name": "Ada", **changes})


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
    email, codes = new_email(), []
    clients = [server.client() for _ in range(6)]
    threads = [threading.Thread(target=lambda c=c: codes.append(sign_up(c, email=email).status_code)) for c in clients]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(codes) == [201] + [409] * 5


def test_logging_in_gives_a_pair_of_tokens(server, person):
    tokens = person.tokens
    assert tokens["token_type"] == "Bearer"
    assert 0 < tokens["expires_in"] <= 24 * 3600
    assert tokens["access_token"].count(".") == 2 and tokens["refresh_token"]


def test_wrong_password_and_unknown_user_get_the_same_answer(server, person):
    client = server.client()
    wrong = client.post("/v1/auth/login", json={"email": person.email, "password": "not the password"})
    unknown = client.post("/v1/auth/login", json={"email": new_email(), "password": "not the password"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["code"] == "bad_credentials"
    assert wrong.headers["www-authenticate"].startswith("Bearer")
    differing = {"correlation_id"}
    assert {k: v for k, v in wrong.json().items() if k not in differing} == {
        k: v for k, v in unknown.json().items() if k not in differing}


def test_wrong_password_and_unknown_user_take_the_same_work(launch):
    # Expensive enough that skipping the hash would show; every attempt has an address of its own, so no throttle.
    server = launch(settings={"auth.passwords.memory_kib": "19456", "auth.passwords.passes": "2"}).start()
    person = server.person()

    def attempt(email):
        with server.client() as client:
            begun = time.perf_counter()
            answer = client.post("/v1/auth/login", json={"email": email, "password": "not the password"})
            assert answer.status_code in (401, 429)
            return time.perf_counter() - begun

    known, unknown = [], []
    for _ in range(4):
        unknown.append(attempt(new_email()))
        known.append(attempt(person.email))
    assert 0.3 < statistics.median(unknown) / statistics.median(known) < 3, (known, unknown)


def test_an_outside_library_verifies_the_token_with_the_published_keys(server, person):
    answer = server.client().get("/.well-known/jwks.json")
    assert answer.headers["content-type"] == "application/jwk-set+json"
    keys = answer.json()["keys"]
    assert keys and all("d" not in k and "k" not in k for k in keys), "only public parts are published"
    token = person.tokens["access_token"]
    header = jwt.get_unverified_header(token)
    key = next(k for k in keys if k["kid"] == header["kid"])
    assert header["alg"] in ("EdDSA", "ES256", "RS256") and header["alg"] == key["alg"]
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=[header["alg"]], audience="slipway", issuer="slipway",
                        options={"require": ["exp", "iat", "sub", "aud", "iss"]})
    assert claims["sub"] == person.id
    assert abs(claims["exp"] - claims["iat"] - person.tokens["expires_in"]) <= 1


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forgeries(token):
    head, body, signature = token.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = unpadded(json.dumps({**claims, "sub": str(uuid.uuid4())}).encode())
    bits = bytearray(base64.urlsafe_b64decode(signature + "=="))
    bits[0] ^= 1
    yield "changed claims", f"{head}.{other}.{signature}"
    yield "changed signature", f"{head}.{body}.{unpadded(bytes(bits))}"
    yield "no signature", f"{head}.{body}."
    for name in ("none", "None", "NONE"):
        yield f"alg {name}", f"{unpadded(json.dumps({**header, 'alg': name}).encode())}.{body}."
    yield "signed with a key of its own", jwt.encode(claims, "k" * 32, algorithm="HS256", headers={"kid": header["kid"]})
    yield "unknown key", f"{unpadded(json.dumps({**header, 'kid': 'x'}).encode())}.{body}.{signature}"
    yield "a critical header that nobody knows", f"{unpadded(json.dumps({**header, 'crit': ['x'], 'x': 1}).encode())}.{body}.{signature}"
    yield "a part too many", f"{token}.{signature}"
    yield "nothing", "..."
    yield "words", "let me in"
    yield "very long", "a" * 9000


def test_forged_tokens_are_refused(server, person):
    for what, token in forgeries(person.tokens["access_token"]):
        answer = server.client().get("/v1/users/me", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401, what
        assert answer.headers["www-authenticate"].startswith("Bearer"), what


@pytest.mark.parametrize("value", ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer a b", "bearer"])
def test_without_a_bearer_token_there_is_no_entry(server, value):
    answer = server.client().get("/v1/users/me", headers={"authorization": value} if value else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    if value.startswith("Basic"):
        assert "error" not in answer.headers["www-authenticate"], "no token was sent that could be wrong"


def refresh(client, token):
    return client.post("/v1/auth/refresh", json={"refresh_token": token})


def test_refreshing_rotates_the_token(server, person):
    client = server.client()
    second = refresh(client, person.tokens["refresh_token"])
    assert second.status_code == 200
    assert second.headers["cache-control"] == "no-store", "RFC 6749, section 5.1"
    assert second.json()["refresh_token"] != person.tokens["refresh_token"]
    me = client.get("/v1/users/me", headers={"authorization": f"Bearer {second.json()['access_token']}"})
    assert me.json()["id"] == person.id


def test_using_a_refresh_token_twice_ends_the_session(server, person):
    client = server.client()
    first = person.tokens["refresh_token"]
    second = refresh(client, first).json()["refresh_token"]
    again = refresh(client, first)
    assert again.status_code == 401 and again.json()["code"] == "bad_refresh_token"
    assert refresh(client, second).status_code == 401, "the thief and the owner are both out"
    assert person.log_in(), "the password still works"


def test_refreshing_at_the_same_time_hands_out_at_most_one(server, person):
    token, answers = person.tokens["refresh_token"], []
    clients = [server.client() for _ in range(6)]
    threads = [threading.Thread(target=lambda c=c: answers.append(refresh(c, token))) for c in clients]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(a.status_code for a in answers)[1:] == [401] * 5


def test_one_login_does_not_end_another(server, person):
    client = server.client()
    first = person.tokens["refresh_token"]
    other = person.log_in().tokens["refresh_token"]
    refresh(client, first), refresh(client, first)
    assert refresh(client, other).status_code == 200


def test_logging_out_ends_the_session_and_tells_nothing(server, person):
    client = server.client()
    assert client.post("/v1/auth/logout", json={"refresh_token": person.tokens["refresh_token"]}).status_code == 204
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    assert client.post("/v1/auth/logout", json={"refresh_token": "never one of yours"}).status_code == 204


def test_the_line_of_a_request_counts_its_statements(server, person):
    request_id = f"counted-{uuid.uuid4().hex}"
    person.client.get("/v1/users/me", headers={"x-request-id": request_id})
    found = wait_until(lambda: [x for x in server.log_lines() if x.get("correlation_id") == request_id], what="the line")
    assert found[0]["sql_count"] == 1 and found[0]["sql_us"] > 0


def test_the_own_sessions_can_be_seen_and_ended(server, person):
    first, last = person.tokens["refresh_token"], person.log_in().tokens["refresh_token"]
    sessions = person.client.get("/v1/users/me/sessions").json()["items"]
    assert len(sessions) == 2
    assert all(s["started_at"] <= s["last_used_at"] < s["expires_at"] for s in sessions)
    assert refresh(server.client(), first).status_code == 200
    last_used_first = person.client.get("/v1/users/me/sessions").json()["items"]
    assert [s["id"] for s in last_used_first] == [s["id"] for s in reversed(sessions)]
    ended = sessions[0]["id"]
    assert person.client.delete(f"/v1/users/me/sessions/{ended}").status_code == 204
    assert refresh(server.client(), last).status_code == 401
    assert [s["id"] for s in person.client.get("/v1/users/me/sessions").json()["items"]] == [sessions[1]["id"]]
    assert person.client.delete(f"/v1/users/me/sessions/{ended}").status_code == 404


def test_sessions_of_others_are_nobodys_business(server, person):
    stranger = server.client()
    email = new_email()
    sign_up(stranger, email=email)
    tokens = stranger.post("/v1/auth/login", json={"email": email, "password": PASSWORD}).json()
    theirs = stranger.get("/v1/users/me/sessions",
                          headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()["items"][0]["id"]
    assert person.client.delete(f"/v1/users/me/sessions/{theirs}").status_code == 404
    assert refresh(server.client(), tokens["refresh_token"]).status_code == 200
    assert server.client().get("/v1/users/me/sessions").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "é" * 20, "A" * 43, "A" * 129])
def test_rubbish_is_no_refresh_token(server, token):
    assert refresh(server.client(), token).status_code in (401, 422)


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
    person, answers = server.person(), []
    late = threading.Thread(target=lambda: answers.append(person.client.post("/v1/notes", json={"title": "late"})))
    with postgres.session(server.database) as closing:
        closing.execute(f"begin; select 1 from users where email = '{person.email}' for update; update users set "
                        f"deleted_at = updated_at where email = '{person.email}'; select 'held';")
        closing.wait_for("held")
        late.start()
        wait_until(lambda: int(server.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")) > 0,
                   what="the new note to wait")
        closing.execute("commit;")
        late.join()
    assert answers[0].status_code == 404, answers[0].text
    assert person.client.get("/v1/notes").json()["items"] == []


def test_a_renewal_that_waits_for_its_account_sees_that_its_session_was_ended(launch, postgres):
    server = launch(postgres=postgres).start()
    person, answers = server.person(), []
    late = threading.Thread(target=lambda: answers.append(refresh(person.client, person.tokens["refresh_token"])))
    with postgres.session(server.database) as ending:
        ending.execute(f"begin; select 1 from users where email = '{person.email}' for update; "
                       f"update refresh_tokens set revoked_at = now(); select 'held';")
        ending.wait_for("held")
        late.start()
        wait_until(lambda: int(server.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")) > 0,
                   what="the renewal to wait")
        ending.execute("commit;")
        late.join()
    assert answers[0].status_code == 401 and answers[0].json()["code"] == "bad_refresh_token", answers[0].text


def test_the_list_of_users_is_for_administrators(server, person):
    assert server.client().get("/v1/users").status_code == 401
    assert person.client.get("/v1/users").status_code == 403
    person.become_admin()
    answer = person.client.get("/v1/users", params={"q": person.email})
    assert answer.status_code == 200
    assert [u["id"] for u in answer.json()["items"]] == [person.id]
    assert "password" not in answer.text and "hash" not in answer.text


def test_many_wrong_passwords_are_slowed_down(server, person):
    with server.client() as client:
        answers = [client.post("/v1/auth/login", json={"email": person.email, "password": "not the password"}) for _ in range(25)]
    assert answers[0].status_code == 401
    refused = [a for a in answers if a.status_code == 429]
    assert refused, "nobody may guess without end"
    assert int(refused[0].headers["retry-after"]) > 0


def test_a_burst_of_wrong_passwords_is_no_way_around_the_throttle(server, person):
    compared = burst([server], person.email).count(401)
    assert 5 <= compared <= 7, compared  # a machine that takes seconds for it lets in one more a second
    person.log_in()  # from elsewhere: whoever guesses does not keep the owner out


def test_all_addresses_of_one_ipv6_network_are_one_guesser(launch):
    server = launch(settings={"http.trusted_proxies": '["127.0.0.0/8"]', "limits.enabled": "false"}).start()

    def guess(client, address):
        return client.post("/v1/auth/login", json={"email": new_email(), "password": "not the password"},
                           headers={"x-forwarded-for": address}).status_code

    with server.client() as client:
        assert 429 in [guess(client, f"2001:db8:1:2::{n:x}") for n in range(1, 71)]
        assert guess(client, "2001:db8:1:3::1") == 401, "another network"


def test_a_session_of_curl_works_too(plain_server):

    email = new_email()

    def curl(*arguments):
        done = subprocess.run(["curl", "-sS", "--fail-with-body", "--max-time", "30", "-H", "content-type: application/json",
                               *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    curl("-d", json.dumps({"email": email, "password": PASSWORD, "name": "Curl"}), f"{plain_server.url}/v1/users")
    tokens = curl("-d", json.dumps({"email": email, "password": PASSWORD}), f"{plain_server.url}/v1/auth/login")
    me = curl("--oauth2-bearer", tokens["access_token"], f"{plain_server.url}/v1/users/me")
    assert me["email"] == email


def at_once(*calls):
    """What each of the functions returned, started together."""
    begin, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(i):
        begin.wait()
        results[i] = calls[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_no_session_outlives_the_logout_that_comes_while_it_is_renewed(server):
    somebody = server.person()
    for _ in range(30):
        client = server.client()
        token = {"refresh_token": somebody.log_in().tokens["refresh_token"]}
        renewed, _ = at_once(lambda: client.post("/v1/auth/refresh", json=token),
                             lambda: server.client().post("/v1/auth/logout", json=token))
        if renewed.status_code == 200:
            again = client.post("/v1/auth/refresh", json={"refresh_token": renewed.json()["refresh_token"]})
            assert again.status_code == 401, "the successor of a token that was logged out still holds"


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
