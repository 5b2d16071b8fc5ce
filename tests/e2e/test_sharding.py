"""Tables that several databases share, by configuration and commands: set up, moved, checked; the service needs every node."""

import json
import shutil
import sqlite3

import httpx
import pytest

from harness import ROOT, succeeded, wait_until

INVOICES = """-- up
CREATE TABLE invoices (id varchar(64) PRIMARY KEY, slot bigint NOT NULL, total bigint NOT NULL);
CREATE INDEX invoices_slot ON invoices (slot, id);
-- down
DROP TABLE invoices;
"""


class Nodes:
    """A service whose configuration names two nodes, and how to look into them."""

    def __init__(self, server, launch, how="slots: 16"):
        self.own = launch(postgres=server.postgres, migrate=False)
        postgres = server.postgres
        self.names = [postgres.create_database() if postgres else self.own.folder / f"{name}.db" for name in "ab"]
        urls = [postgres.url(name) if postgres else f"sqlite:{name}" for name in self.names]
        config = self.own.folder / "config"
        shutil.copytree(ROOT / "config", config)
        (config / "local.yaml").write_text(
            f"sharding:\n  {how}\n  refresh: 100ms\n  max_age: 500ms\n"
            f"  nodes:\n    - {{name: a, url: '{urls[0]}'}}\n    - {{name: b, url: '{urls[1]}'}}\n"
            "  tables:\n    - {name: invoices, by: id}\n")
        migrations = self.own.folder / "migrations"
        shutil.copytree(ROOT / "migrations", migrations)
        number = 1 + max(int(f.name[:4]) for f in migrations.glob("[0-9]*.sql"))
        (migrations / f"{number:04}_invoices.sql").write_text(INVOICES)
        inherited = self.own.variables
        self.own.variables = lambda: {**inherited(), "SLIPWAY_CONFIG": str(config),
                                      "SLIPWAY_MIGRATIONS__DIRECTORY": str(migrations)}

    def sql(self, node, text):
        if self.own.postgres:
            return self.own.postgres.query(self.names[node], text)
        with sqlite3.connect(self.names[node]) as connection:
            return "\n".join("|".join(map(str, row)) for row in connection.execute(text).fetchall())

    def run(self, *words):
        return self.own.run("sharding", *words)


@pytest.fixture
def nodes(server, launch):
    return make_nodes(server, launch)


def make_nodes(server, launch, **how):
    if server.postgres is not None and not hasattr(server.postgres, "replica"):
        pytest.skip("nodes are PostgreSQL databases or SQLite files")
    return Nodes(server, launch, **how)


@pytest.mark.timeout(300)
def test_slots_move_by_command_and_nodes_refuse_what_is_not_theirs(nodes):
    refused = nodes.run("init")
    assert refused.returncode != 0, "the tables are not there yet"
    migrated = succeeded(nodes.own.run("migrate", "up"))
    assert "-- node a" in migrated and "-- node b" in migrated
    assert "pending" not in succeeded(nodes.own.run("migrate", "status"))
    nodes.own.refuses(65, "slipway sharding init")
    for words in ["plan"], ["status"], ["rebalance"]:
        early = nodes.run(*words)
        assert early.returncode == 65 and "slipway sharding init" in early.stderr, (words, early.stderr)

    succeeded(nodes.run("init"))
    succeeded(nodes.run("init"))
    status = json.loads(succeeded(nodes.run("status", "--json")))
    assert [(n["name"], n["slots"]) for n in status["nodes"]] == [("a", 8), ("b", 8)]
    for i in range(20):
        nodes.sql(0, f"insert into invoices (id, slot, total) values ('i{i}', 3, {i})")
    with pytest.raises((AssertionError, sqlite3.Error), match="sharding"):
        nodes.sql(1, "insert into invoices (id, slot, total) values ('x', 3, 0)")

    assert "20 rows" in succeeded(nodes.run("move", "2-3", "--to", "b"))
    assert nodes.sql(1, "select count(*), sum(total) from invoices") == "20|190"
    with pytest.raises((AssertionError, sqlite3.Error), match="sharding"):
        nodes.sql(0, "update invoices set total = 0")
    nodes.sql(1, "update invoices set total = 1 where id = 'i0'")
    assert "are where they should be" in succeeded(nodes.run("verify"))
    assert "under way" not in succeeded(nodes.run("status"))
    succeeded(nodes.run("clean", "--wait"))
    assert nodes.sql(0, "select count(*) from invoices") == "0"

    assert succeeded(nodes.run("plan")).endswith("2 moves\n")
    succeeded(nodes.run("rebalance"))
    assert succeeded(nodes.run("plan")) == "0 moves\n"
    assert nodes.run("give-up", "3").returncode == 64
    assert nodes.run("move", "3", "--to", "nowhere").returncode == 64
    assert nodes.run("move", "3-", "--to", "b").returncode == 64
    assert "are where they should be" in succeeded(nodes.run("verify"))


@pytest.mark.timeout(300)
def test_the_service_is_ready_with_all_its_nodes(nodes):
    succeeded(nodes.own.run("migrate", "up"))
    succeeded(nodes.run("init"))
    nodes.own.start()
    checks = httpx.get(f"{nodes.own.operator_url}/health/ready").json()["checks"]
    assert {"node-a", "node-b"} <= {check["name"] for check in checks}, checks

    def metrics():
        text = httpx.get(f"{nodes.own.operator_url}/metrics").text
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("sharding_"))

    first = metrics()
    assert float(first['sharding_query_duration_seconds_count{node="a"}']) > 0
    assert float(first['sharding_connections_open{node="b"}']) > 0
    assert first["sharding_questions_total"] == "0" and first['sharding_moves{phase="kept"}'] == "0"
    # A command of another process moves slots: the service tells.
    succeeded(nodes.run("move", "2-3", "--to", "b"))
    wait_until(lambda: metrics()['sharding_moves{phase="kept"}'] == "2", what="the service to see the moves")
    assert "kept until `clean`" in succeeded(nodes.run("status"))


@pytest.mark.timeout(300)
def test_a_range_is_split_moves_and_is_merged_again(server, launch):
    nodes = make_nodes(server, launch, how='strategy: range\n  slots: 2\n  ranges: ["n"]')
    succeeded(nodes.own.run("migrate", "up"))
    succeeded(nodes.run("init"))
    for i, name in enumerate(["ann", "bob", "gail", "hugo", "mia"]):
        nodes.sql(0, f"insert into invoices (id, slot, total) values ('{name}', 0, {i})")
    nodes.own.start()

    split = succeeded(nodes.run("split", "--at", "g", "--to", "b"))
    assert "keys from g on are in slot 2 now, 3 rows" in split, split
    assert [line.split() for line in succeeded(nodes.run("ranges")).splitlines()] == [
        ["slot", "0", "a", "from", "the", "beginning"], ["slot", "2", "b", "from", "g"], ["slot", "1", "b", "from", "n"]]
    assert nodes.sql(1, "select id from invoices where slot = 2 order by id").split() == ["gail", "hugo", "mia"]
    with pytest.raises((AssertionError, sqlite3.Error), match="sharding"):
        nodes.sql(0, "insert into invoices (id, slot, total) values ('kim', 0, 0)")
    nodes.sql(0, "insert into invoices (id, slot, total) values ('cleo', 0, 0)")
    assert "begins there already" in succeeded(nodes.run("split", "--at", "g", "--to", "b"))
    succeeded(nodes.run("clean", "--wait"))
    assert nodes.sql(0, "select count(*) from invoices") == "3"
    assert "are where they should be" in succeeded(nodes.run("verify"))
    again = nodes.run("split", "--at", "0xzz")
    assert again.returncode == 64 and "is no key" in again.stderr, again.stderr
    for how in ["sharding", "init"], ["sharding", "plan"], ["serve"]:
        refused = nodes.own.run(*how, "--set", "sharding.range_keys=number", "--set", "sharding.ranges=1")
        assert refused.returncode == 78, refused.stderr
        assert "--set sharding.range_keys: sharding.range_keys is number, but invoices.id" in refused.stderr, refused.stderr
        assert "Set sharding.range_keys to text" in refused.stderr
    # As a command leaves it that died before its node knew.
    nodes.own.sql("insert into sharding_splits (id, slot, made, bound) values (1, 0, 3, '63')")
    assert "split at c on a, into slot 3, not begun" in succeeded(nodes.run("status"))
    assert [r["phase"] for r in json.loads(succeeded(nodes.run("status", "--json")))["ranges"]] == ["beginning"]
    seen = 'sharding_range_changes{kind="split",phase="beginning"}'
    wait_until(lambda: f"{seen} 1" in httpx.get(f"{nodes.own.operator_url}/metrics").text, what="the split to be seen")
    other = nodes.run("split", "--at", "b")
    assert other.returncode == 64 and "slipway sharding give-up 0" in other.stderr, other.stderr
    succeeded(nodes.run("give-up", "0"))
    assert "split at" not in succeeded(nodes.run("status"))

    apart = nodes.run("merge", "--at", "g")
    assert apart.returncode == 64 and "slipway sharding move 2 --to a" in apart.stderr, apart.stderr
    succeeded(nodes.run("move", "2", "--to", "a"))
    succeeded(nodes.run("clean", "--wait"))
    assert "in slot 0 now, 3 rows; slot 2 is gone" in succeeded(nodes.run("merge", "--at", "g"))
    assert "nothing to merge" in succeeded(nodes.run("merge", "--at", "g"))
    assert [line.split()[1] for line in succeeded(nodes.run("ranges")).splitlines()] == ["0", "1"]
    assert nodes.sql(0, "select count(*) from invoices where slot = 0") == "6"
    assert [n["slots"] for n in json.loads(succeeded(nodes.run("status", "--json")))["nodes"]] == [1, 1]
    assert "are where they should be" in succeeded(nodes.run("verify"))
    # The bounds of the beginning stay in the configuration.
    nodes.own.stop()
    nodes.own.start()


def test_a_mariadb_is_no_node_and_says_why(server, launch):
    if server.postgres is None or hasattr(server.postgres, "replica"):
        pytest.skip("this is about MariaDB")
    refused = Nodes(server, launch).run("plan")
    assert refused.returncode == 78 and "MySQL or MariaDB" in refused.stderr and "PostgreSQL" in refused.stderr, refused.stderr
