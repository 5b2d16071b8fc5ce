"""What the service says of its own statements: slow ones with a plan and the index that is missing, what each route has
cost, and statements that are repeated."""

import json

import pytest

from databases import Postgres
from harness import ROOT, succeeded
from processes import wait_until


@pytest.fixture
def watched(launch, server):
    """A service that calls everything slow."""
    return launch(postgres=server.postgres, settings={"queries.threshold": "1ms", "queries.many_rows": "1000"})


def from_running(server):
    return ("--from", server.operator_url)


# How each engine loses an index and gets many rows, and how it and the advice say so.
PLANTED = {
    "PostgreSQL": {
        "lost": "alter table notes drop constraint notes_owner_id_fkey; drop index notes_owner",
        "rows": "gen_random_uuid(), gen_random_uuid(), 'n', '', '[]', false, 1, now(), now() from generate_series(1, 60000)",
        "analyze": "analyze notes",
        "create": 'create index concurrently "notes_owner_id',
        "plan": "Seq Scan on notes",
    },
    "MariaDB": {
        "lost": "alter table notes drop foreign key notes_ibfk_1, drop index notes_owner",
        "rows": "unhex(md5(seq)), unhex(md5(-seq)), 'n', '', '[]', false, 1, now(), now() from seq_1_to_60000",
        "analyze": "analyze table notes",
        "create": "create index `notes_owner_id",
        "plan": "ALL on notes",
    },
}


def test_a_planted_missing_index_is_named_by_the_running_service(watched):
    if watched.postgres is None:
        pytest.skip("SQLite has no figures of a column without an index: it says what its own AUTOMATIC indexes would be, no more")
    words = PLANTED[watched.postgres.name]
    watched.start()
    person = watched.person()
    owner = person.id
    watched.sql(words["lost"])
    watched.sql("insert into notes (id, owner_id, title, body, tags, pinned, version, created_at, updated_at) select " + words["rows"])
    watched.sql(words["analyze"])
    assert person.client.get("/v1/notes").status_code == 200

    def told():
        answer = watched.run("queries", "slow", "--json", *from_running(watched))
        return [s for s in json.loads(succeeded(answer))["statements"] if s["advice"]]

    found = wait_until(told, what="advice")[0]
    assert found["advice"][0]["create"].startswith(words["create"])
    assert found["place"].startswith("repositories/notes.cpp:")
    assert words["plan"] in found["plan"] and owner not in found["plan"] + found["sql"]
    text = succeeded(watched.run("queries", "slow", *from_running(watched)))
    assert f"missing: {words['create']}" in text
    line = next(line for line in watched.log_lines() if line.get("message") == "a statement was slow" and line.get("missing_index"))
    assert line["place"] == found["place"]

    advised = watched.run("queries", "advise", "--sql", "select * from notes where owner_id = $1")
    assert advised.returncode == 1 and words["create"] in advised.stdout, advised.stdout + advised.stderr
    watched.sql(advised.stdout.splitlines()[0])
    again = watched.run("queries", "advise", "--sql", "select * from notes where owner_id = $1")
    assert again.returncode == 0 and ", 0 missing indexes" in again.stdout


def test_what_each_route_has_cost_is_shown(server):
    own = server
    person = own.person()
    for _ in range(3):
        assert person.client.get("/v1/notes").status_code == 200
    rows = json.loads(succeeded(own.run("routes", "--json", *from_running(own))))
    listed = next(row for row in rows if row["method"] == "GET" and row["path"] == "/v1/notes")
    assert listed["requests"] >= 3 and listed["statements_per_request"] > 0 and listed["database_ms_per_request"] > 0
    text = succeeded(own.run("routes", *from_running(own)))
    assert "statements" in text and "/v1/notes" in text
    assert "requests" not in json.loads(succeeded(own.run("routes", "--json")))[0], "nothing is measured without the service"


def test_how_the_database_is_stands_in_the_metrics_of_one_process(launch, server):
    settings = {"queries.statistics": "1s"}
    own = launch(postgres=server.postgres, settings=settings).start()
    wait_until(lambda: own.metrics().get("db_size_bytes", 0) > 0, what="the size")
    assert any(name.startswith("db_table_wasted_bytes{") for name in own.metrics())
    if own.postgres:
        url = own.settings["database.url"]
        other = launch(settings=settings | {"database.url": url}, migrate=False).start()
        own.person()
        assert "db_size_bytes" not in other.metrics(), "the other one has the lock"


def test_without_the_service_or_its_counts_it_is_said_what_to_do(launch, server):
    own = launch(postgres=server.postgres)
    own.refuses(69, "does not answer", "--from", command=("queries", "slow", "--from", "http://127.0.0.1:1"))
    own.refuses(69, "does not answer", command=("routes", "--measured", "--from", "http://127.0.0.1:1"))
    words = ("shared_preload_libraries",) if isinstance(own.postgres, Postgres) else ()
    own.refuses(69, *words, command=("queries", "statements"))
    own.refuses(69, "--sql", *words, command=("queries", "advise"))
    own.refuses(65, command=("queries", "advise", "--sql", "select nothing from nowhere"))


def test_in_development_a_statement_that_a_request_repeats_is_named_with_its_line(launch):
    own = launch(environment="development", settings={"log.format": "json", "database.repeated_statements": "1"}).start()
    person = own.person()
    many = "".join(json.dumps({"title": f"Note {n}"}) + "\n" for n in range(8_000)).encode()

    def told():
        return [line for line in own.log_lines() if "runs the same statement again and again" in line.get("message", "")]

    def of_accounts():
        return [line for line in told() if line["place"].startswith("repositories/users.cpp:")]

    def save():  # looks for the account before and after
        answer = person.client.put("/v1/users/me/preferences", json={"values": {}}, headers={"if-match": "*"})
        assert answer.status_code == 200, answer.text

    answer = person.client.post("/v1/notes/import", files={"file": ("notes.ndjson", many, "application/x-ndjson")})
    assert answer.json() == {"imported": 8_000}
    made = person.note()
    changed = person.client.patch(made.headers["location"], json={"pinned": True}, headers={"if-match": made.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert person.client.get("/v1/users/me").status_code == 200
    assert not told(), "many rows in a few statements are what is asked for, and one look at a row that is changed"
    assert len(person.client.get("/v1/notes/export").text.splitlines()) == 8_001
    assert person.client.get("/v1/users/me").status_code == 200
    assert not told(), "an export follows its own cursor from page to page"
    save()
    line = wait_until(of_accounts, what="the warning")[0]
    number = int(line["place"].rpartition(":")[2])
    assert "find<user>" in (ROOT / "repositories/users.cpp").read_text().splitlines()[number - 1]
    assert line["count"] == 2 and line["sql"].lower().startswith("select")
    save()
    assert len(of_accounts()) == 1, "each place is told once"
