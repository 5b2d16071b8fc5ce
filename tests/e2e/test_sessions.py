"""Logging in, staying logged in, logging out; as clients see it, on each database."""

import base64
import json
import statistics
import subprocess
import time
import uuid

import jwt
import pytest

from harness import PASSWORD, at_once, burst, new_email, refresh, sign_up, while_locked


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
    token = person.tokens["refresh_token"]
    clients = [server.client() for _ in range(6)]
    answers = at_once(*(lambda c=c: refresh(c, token) for c in clients))
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


def test_a_renewal_that_waits_for_its_account_sees_that_its_session_was_ended(launch, postgres):
    server = launch(postgres=postgres).start()
    person = server.person()
    late = while_locked(server, f"select 1 from users where email = '{person.email}' for update; "
                                f"update refresh_tokens set revoked_at = now()",
                        lambda: refresh(person.client, person.tokens["refresh_token"]))
    assert late.status_code == 401 and late.json()["code"] == "bad_refresh_token", late.text


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
