"""The database server dies and comes back under load: no wrong answer meanwhile, and all well within five seconds."""

import time

import pytest

from databases import MariaDB, Postgres
from fixtures import running
from harness import DATABASES, Load, Server
from processes import temporary_folder, wait_until


SERVERS = {"postgres": Postgres, "mariadb": MariaDB}


@pytest.fixture(params=[SERVERS[name] for name in DATABASES if name in SERVERS])
def own_database(request):
    """A server that this test may kill."""
    with running(request.param) as server:
        yield server


@pytest.mark.timeout(300)
def test_the_database_is_killed_and_restarted_under_load(own_database):
    server = Server(temporary_folder("restart"), postgres=own_database)
    server.start()
    try:
        person = server.person()
        written = []

        def ask():
            with server.client(headers=person.client.headers) as client:
                client.timeout = 20
                answer = client.post("/v1/notes", json={"title": "Under load"})
                if answer.status_code == 201:
                    written.append(answer.json()["id"])
                    shown = client.get(answer.headers["location"])
                    # What was just written is there, or the database is not; never that it is missing.
                    assert shown.status_code in (200, 503), shown.text
                    return shown.status_code
                return answer.status_code

        def well(since):
            return [code for begun, code in list(load.answers) if begun > since and code == 200]

        with Load(ask, clients=6) as load:
            wait_until(lambda: len(well(0)) > 30, what="some load")
            own_database.kill()
            wait_until(lambda: any(code == 503 for _, code in list(load.answers)), what="the loss to show as 503")
            own_database.start()
            back = time.monotonic()
            wait_until(lambda: well(back), seconds=15, what="an answer after the restart")
            healed = min(begun for begun, code in list(load.answers) if begun > back and code == 200) - back
            recovered = time.monotonic()
            wait_until(lambda: len(well(recovered)) > 30, what="steady load again")
        assert not load.errors, load.errors[:3]
        assert {code for _, code in load.answers} <= {200, 503}
        assert healed < 5, f"healthy after {healed:.1f} s"
        late = [code for begun, code in load.answers if begun > recovered + 5]
        assert 503 not in late
        assert set(written) <= own_database.ids(server.database, "notes"), "what was confirmed is there"
        with server.client() as client:
            assert client.get("/health/ready").status_code == 200
    finally:
        server.stop()


@pytest.mark.timeout(300)
def test_without_its_database_the_server_lives_and_says_so(own_database):
    server = Server(temporary_folder("gone"), postgres=own_database)
    server.start()
    try:
        person = server.person()
        own_database.kill()
        with server.client() as client:
            wait_until(lambda: client.get("/health/ready").status_code == 503, what="readiness to turn")
            assert client.get("/health/live").status_code == 200
            answer = person.client.get("/v1/notes")
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1
            assert answer.headers["content-type"] == "application/problem+json" and "sql" not in answer.text.lower()
        own_database.start()
        with server.client() as client:
            wait_until(lambda: client.get("/health/ready").status_code == 200, seconds=10, what="readiness to come back")
        assert person.client.get("/v1/notes").status_code == 200
    finally:
        server.stop()
