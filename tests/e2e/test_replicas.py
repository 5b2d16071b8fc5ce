"""The service on a primary with two streaming replicas, under load: people see what they wrote, a lost replica is not
noticed, and a promoted one takes over."""

import time

import pytest

from databases import Postgres
from harness import Load, Server
from processes import temporary_folder, wait_until


class Cluster:
    def __init__(self):
        self.primary = Postgres(temporary_folder("primary"))
        self.replicas = []

    def replicate(self):
        for number in (1, 2):
            self.replicas.append(self.primary.replica(temporary_folder(f"replica{number}"), f"r{number}"))

    def stop(self):
        for each in [self.primary, *self.replicas]:
            each.stop()


@pytest.fixture
def cluster():
    try:
        servers = Cluster()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    servers.replicate()
    yield servers
    servers.stop()


@pytest.fixture
def service(cluster):
    server = Server(temporary_folder("split"), postgres=cluster.primary, settings={"database.replica_check": "50ms"})
    server.settings["database.replicas"] = ",".join(each.url(server.database) for each in cluster.replicas)
    server.settings["auth.keys.directory"] = str(server.folder / "keys")
    server.start()
    yield server
    server.stop()


def replayed(cluster, database):
    """Every replica that runs has what the primary has."""
    place = cluster.primary.query(database, "select pg_current_wal_insert_lsn()")
    wait_until(lambda: all(each.query(database, f"select pg_last_wal_replay_lsn() >= '{place}'") == "t" for each in cluster.replicas),
               what="the replicas to catch up")


def reads(service):
    """How many statements each server got, in the order of the settings."""
    return [value for name, value in sorted(service.metrics().items()) if name.startswith("db_reads_total{")]


def lag(service, servers, of):
    """Bytes, or seconds, that each of the servers is behind."""
    series = {name: value for name, value in service.metrics().items() if name.startswith(f"db_replica_lag_{of}{{")}
    return [next(value for name, value in series.items() if f":{each.port}" in name) for each in servers]


@pytest.mark.timeout(180)
def test_reads_go_to_replicas_and_everybody_sees_what_they_wrote(cluster, service):
    person = service.person()
    replayed(cluster, service.database)
    wait_until(lambda: "Consistency-Token" in person.client.post("/v1/notes", json={"title": "First"}).headers, what="a token")
    wait_until(lambda: person.client.get("/v1/notes").status_code == 200 and sum(1 for count in reads(service) if count > 0) == 3,
               what="all servers to be read from")

    for each in cluster.replicas:
        each.query(service.database, "select pg_wal_replay_pause()")
    for number in range(10):
        written = person.client.post("/v1/notes", json={"title": f"Note {number}"})
        assert written.status_code == 201
        assert person.client.get(written.headers["location"]).status_code == 200, "its writer sees it at once"
    for of in ("bytes", "seconds"):
        wait_until(lambda: min(lag(service, cluster.replicas, of)) > 0, what=f"the metrics to say in {of} that both are behind")
        assert lag(service, [cluster.primary], of) == [0]

    # Another process behind the same balancer knows nothing of this one's users: the token tells it.
    shared = {name: value for name, value in service.settings.items() if name.startswith(("database.", "auth."))}
    other = Server(temporary_folder("other"), settings=shared, migrate=False)
    other.start()
    try:
        with other.client(headers=person.client.headers) as client:
            place = written.headers["location"]
            assert client.get(place).status_code == 404, "read from a replica that has not replayed it"
            seen = client.get(place, headers={"Consistency-Token": written.headers["consistency-token"]})
            assert seen.status_code == 200
            assert client.get(place, headers={"Consistency-Token": "nonsense"}).status_code == 404
    finally:
        other.stop()

    for each in cluster.replicas:
        each.query(service.database, "select pg_wal_replay_resume()")
    for of in ("bytes", "seconds"):
        wait_until(lambda: set(lag(service, cluster.replicas, of)) == {0}, what=f"nothing to be behind in {of}")


@pytest.mark.timeout(300)
def test_a_replica_and_then_the_primary_are_lost_under_load(cluster, service):
    person = service.person()
    written = []

    def ask():
        with service.client(headers=person.client.headers) as client:
            client.timeout = 20
            answer = client.post("/v1/notes", json={"title": "Under load"})
            if answer.status_code != 201:
                return answer.status_code
            written.append(answer.json()["id"])
            shown = client.get(answer.headers["location"])
            assert shown.status_code in (200, 503), shown.text
            return shown.status_code

    def well(since):
        return [code for begun, code in list(load.answers) if begun > since and code == 200]

    with Load(ask, clients=6) as load:
        wait_until(lambda: len(well(0)) > 30, what="some load")
        cluster.replicas[1].kill()
        lost = time.monotonic()
        wait_until(lambda: len(well(lost)) > 60, what="load without the replica")
        assert {code for _, code in list(load.answers)} == {200}, "a lost replica is not noticed"
        with service.client() as client:
            assert client.get("/health/ready").status_code == 200, "degraded, and ready"

        before = len(written)
        replicated = set(written[: before - 20])
        cluster.primary.kill()
        promoted = time.monotonic()
        cluster.replicas[0].query("postgres", "select pg_promote()")
        wait_until(lambda: well(promoted), seconds=15, what="an answer after the promotion")
        healed = min(begun for begun, code in list(load.answers) if begun > promoted and code == 200) - promoted
        recovered = time.monotonic()
        wait_until(lambda: len(well(recovered)) > 30, what="steady load again")

        # The former primary comes back as if nothing had happened.
        cluster.primary.start()
        known = cluster.primary.ids(service.database, "notes")
        back = time.monotonic()
        wait_until(lambda: len(well(back)) > 60, what="load beside the former primary")
        assert cluster.primary.ids(service.database, "notes") == known, "nothing is written to it"
    assert not load.errors, load.errors[:3]
    assert {code for _, code in load.answers} <= {200, 503}
    assert healed < 5, f"healthy after {healed:.1f} s"
    assert replicated <= cluster.replicas[0].ids(service.database, "notes")
    assert set(written[-60:]) <= cluster.replicas[0].ids(service.database, "notes")
    assert service.metrics()["db_failovers_total"] == 1

    def told():
        return {(line["before"], line["part"]) for line in service.log_lines() if line.get("message", "").startswith("a server of the database")}

    wait_until(lambda: {("replica", "unreachable"), ("replica", "primary"), ("unreachable", "stale")} <= told(), what="the log to tell")


@pytest.mark.timeout(180)
def test_a_replica_that_answers_only_with_errors_is_told_of_once(cluster, service):
    person = service.person()
    made = person.client.post("/v1/notes", json={"title": "Kept"}).headers["location"]
    replayed(cluster, service.database)
    ill = cluster.replicas[0]

    def set_level(level):
        # Past the setting itself, which no statement gets past.
        database = ill.url("postgres") + "?options=-c%20default_transaction_isolation%3Dread%5C%20committed"
        ill.query(database, f"alter system set default_transaction_isolation = '{level}'")
        ill.query(database, "select pg_reload_conf()")

    def told():
        lines = [line for line in service.log_lines() if line.get("message") == "a server of the database has another part now"]
        return [(line["part"], line["level"]) for line in lines if f":{ill.port}" in line["server"]]

    def checks():
        """How often the server was asked where it is and said no."""
        return (ill.folder / "log").read_text(errors="replace").count("cannot use serializable mode in a hot standby")

    def read():
        assert person.client.get(made).status_code == 200

    before = told()
    set_level("serializable")
    wait_until(lambda: read() or told() != before, what="a word about it")
    so_far = checks()
    wait_until(lambda: read() or checks() > so_far + 100, what="a hundred more checks")
    assert told()[len(before):] == [("unreachable", "warn")], "once, and not with every check"
    assert service.client().get("/health/ready").status_code == 200, "degraded, and ready"
    set_level("read committed")
    wait_until(lambda: read() or len(told()) > len(before) + 1, what="a word that it is well")
    assert told()[len(before):] == [("unreachable", "warn"), ("replica", "info")]
