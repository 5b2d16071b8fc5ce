"""Preferences: one document for each account, in the SQL database or on MongoDB."""

import threading

import httpx
import pytest

from databases import FerretDB
from fixtures import running
from processes import wait_until

PATH = "/v1/users/me/preferences"


@pytest.fixture(scope="module")
def ferret():
    with running(FerretDB) as server:
        yield server


def on_mongodb(launch, ferret, database="app"):
    return launch(settings={"documents.url": ferret.url(database), "documents.connect_timeout": "1s",
                            "documents.timeout": "5s"})


def save(person, values, tag):
    return person.client.put(PATH, json={"values": values}, headers={"if-match": tag})


def from_birth_to_death(person, stranger):
    empty = person.client.get(PATH)
    assert empty.status_code == 200 and empty.json() == {"values": {}}
    values = {"theme": "dark", "notes": {"sort": "title", "columns": [1, 2.5, None, True, "é"]}, "big": 2**53 - 1, "none": {}}
    first = save(person, values, empty.headers["etag"])
    assert first.status_code == 200 and first.json() == {"values": values}
    shown = person.client.get(PATH)
    assert shown.json() == {"values": values} and shown.headers["etag"] == first.headers["etag"] != empty.headers["etag"]
    assert person.client.get(PATH, headers={"if-none-match": shown.headers["etag"]}).status_code == 304
    assert person.client.put(PATH, json={"values": {}}).status_code == 428
    assert save(person, {"late": 1}, empty.headers["etag"]).status_code == 412
    second = save(person, {"theme": "light"}, first.headers["etag"])
    assert second.json() == {"values": {"theme": "light"}} and second.headers["etag"] != first.headers["etag"]
    assert save(person, {"any": 1}, "*").status_code == 200
    assert stranger.client.get(PATH).json() == {"values": {}}, "they are a person's own"
    seen_before = {"if-none-match": empty.headers["etag"]}
    assert stranger.client.get(PATH, headers=seen_before).status_code == 200, "a browser's cache outlives the person before it"


def test_preferences_from_birth_to_death(person, stranger):
    from_birth_to_death(person, stranger)


def test_the_same_on_mongodb(launch, ferret):
    server = on_mongodb(launch, ferret).start()
    from_birth_to_death(server.person(), server.person(name="Mallory"))
    metrics = httpx.get(f"{server.operator_url}/metrics").text
    assert 'pool_jobs_total{pool="mongodb"}' in metrics
    checks = httpx.get(f"{server.operator_url}/health/ready").text
    assert "documents" in checks
    assert "FerretDB" in server.log()


def test_of_two_who_save_first_at_the_same_time_one_is_told(person):
    tag, codes = person.client.get(PATH).headers["etag"], []

    def change(i):
        with person.server.client(headers=person.client.headers) as client:
            codes.append(client.put(PATH, json={"values": {"n": i}}, headers={"if-match": tag}).status_code)

    threads = [threading.Thread(target=change, args=(i,)) for i in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(codes) == [200] + [412] * 4


def test_whoever_takes_any_version_is_never_told_that_there_is_another(person):
    codes = []

    def change(i):
        with person.server.client(headers=person.client.headers) as client:
            codes.extend(client.put(PATH, json={"values": {"n": [i, n]}}, headers={"if-match": "*"}).status_code
                         for n in range(10))

    threads = [threading.Thread(target=change, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes == [200] * 80


@pytest.mark.parametrize("body, pointer", [
    ({"values": []}, "/values"), ({"values": "x"}, "/values"), ({"values": None}, "/values"), ({}, "/values"),
    ({"values": {"a.b": 1}}, "/values/a.b"), ({"values": {"$set": 1}}, "/values/$set"), ({"values": {"": 1}}, "/values/"),
    ({"values": {"list": [{"$x": 1}]}}, "/values/list/0/$x"), ({"other": 1}, "/other"),
])
def test_each_rule(person, body, pointer):
    answer = person.client.put(PATH, json=body, headers={"if-match": "*"})
    assert answer.status_code == 422, answer.text
    assert pointer in [e["pointer"] for e in answer.json()["errors"]]
    assert person.client.get(PATH).json() == {"values": {}}


def test_what_is_too_large_or_beyond_numbers_is_refused(person):
    assert save(person, {"x": "y" * (70 << 10)}, "*").status_code == 413
    beyond = person.client.put(PATH, content=b'{"values":{"n":18446744073709551615}}',
                               headers={"if-match": "*", "content-type": "application/json"})
    assert beyond.status_code == 422


@pytest.mark.parametrize("number", ["9223372036854775808", "-9223372036854775809", "12345678901234567890123"])
def test_a_number_that_no_store_keeps_is_named(person, number):
    answer = person.client.put(PATH, content=f'{{"values":{{"list":[1,{{"a":{number}}}]}}}}',
                               headers={"if-match": "*", "content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/values/list/1/a", "out_of_range")]
    assert person.client.get(PATH).json() == {"values": {}}


def test_nobody_but_who_is_signed_in(server):
    with server.client() as nobody:
        assert nobody.get(PATH).status_code == 401
        assert nobody.put(PATH, json={"values": {}}, headers={"if-match": "*"}).status_code == 401


def test_closing_the_account_removes_them(person):
    save(person, {"a": 1}, "*")
    token = dict(person.client.headers)
    assert person.client.delete("/v1/users/me").status_code == 204
    with person.server.client(headers=token) as client:
        assert client.get(PATH).json() == {"values": {}}
        # The access token lives on for minutes.
        late = client.put(PATH, json={"values": {"a": 2}}, headers={"if-match": "*"})
        assert late.status_code == 404 and late.json()["code"] == "not_found"
        assert client.get(PATH).json() == {"values": {}}
    assert stored(person.server) == 0


def stored(server):
    return int(server.sql("select count(*) from documents_preferences where body like '%of-a-closed-account%'"
                          if server.postgres is None else
                          "select count(*) from documents_preferences where cast(body as char(200)) like '%of-a-closed-account%'"))


def test_no_preferences_are_left_of_an_account_that_is_closed_while_they_are_saved(server):
    for _ in range(15):
        person = server.person()
        clients = [server.client(headers=person.client.headers) for _ in range(4)]
        begin, saved = threading.Barrier(5), []

        def write(client):
            begin.wait()
            for i in range(4):
                answer = client.put(PATH, json={"values": {"mark": "of-a-closed-account", "n": i}}, headers={"if-match": "*"})
                saved.append(answer.status_code)

        threads = [threading.Thread(target=write, args=(c,)) for c in clients]
        for t in threads:
            t.start()
        begin.wait()
        assert person.client.delete("/v1/users/me").status_code == 204
        for t in threads:
            t.join()
        assert set(saved) <= {200, 404, 412}, saved
        assert stored(server) == 0


def test_a_mongodb_that_goes_away_is_a_503_and_comes_back(launch):
    with running(FerretDB) as own:
        server = on_mongodb(launch, own).start()
        person = server.person()
        assert save(person, {"a": 1}, "*").status_code == 200
        own.kill()
        away = person.client.get(PATH)
        assert away.status_code == 503 and "retry-after" in away.headers
        assert person.client.get("/v1/users/me").status_code == 200, "the rest goes on"
        wait_until(lambda: httpx.get(f"{server.url}/health/ready").status_code == 503, what="it to be unready")
        own.start()
        wait_until(lambda: person.client.get(PATH).status_code == 200, seconds=5, what="it to come back")
        assert person.client.get(PATH).json() == {"values": {"a": 1}}


@pytest.mark.parametrize("settings, code, words", [
    ({"documents.url": "couch://localhost/x"}, 78, "names no store"),
    ({"documents.url": "mongodb://localhost"}, 78, "names no database"),
    ({"documents.url": "mongodb://ann:secret@127.0.0.1:1/x", "documents.connect_timeout": "300ms"}, 69, "no server answers"),
    ({"documents.url": "mongodb://127.0.0.1/x", "documents.module": "/nowhere/slipway_mongodb.so"}, 78, "cannot be loaded"),
])
def test_what_is_wrong_is_said_at_the_start(launch, settings, code, words):
    server = launch()
    server.settings.update(settings)
    said = server.refuses(code, words)
    assert "secret" not in said
