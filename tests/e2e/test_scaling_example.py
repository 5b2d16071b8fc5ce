"""docs/scaling-example.md does what it says: followed to the letter in a copy of the project, it gives a service whose
invoices lie on two databases, and move between them while they are written, and whose visits lie in parts."""

import json
import threading

import pytest

from harness import succeeded
from tutorial import follow


@pytest.mark.timeout(1800)
def test_a_table_is_sharded_and_a_table_is_partitioned(tmp_path, postgres, launch):
    project = tmp_path / "copy"
    binary = follow("docs/scaling-example.md", project)
    own = launch(binary=binary, postgres=postgres, migrate=False)
    nodes = [postgres.create_database() for _ in "ab"]
    (project / "config/local.yaml").write_text(
        "sharding:\n  slots: 64\n  refresh: 100ms\n  max_age: 500ms\n  nodes:\n"
        + "".join(f"    - {{name: {name}, url: '{postgres.url(node)}'}}\n" for name, node in zip("ab", nodes)))
    inherited = own.variables
    own.variables = lambda: {**inherited(), "SLIPWAY_CONFIG": str(project / "config"),
                             "SLIPWAY_MIGRATIONS__DIRECTORY": str(project / "migrations")}

    # The model's key is no text, which range_keys would say.
    refused = own.run("sharding", "init", "--set", "sharding.strategy=range", "--set", "sharding.slots=1")
    assert refused.returncode == 78 and "invoices.owner_id, the key of its model, is a UUID" in refused.stderr, refused.stderr
    assert "Set sharding.range_keys to id" in refused.stderr

    succeeded(own.run("migrate", "up"))
    assert "guards on 1 tables" in succeeded(own.run("sharding", "init"))
    assert succeeded(own.run("partitions", "keep")).count("made visits_p") == 3
    assert [t["name"] for t in json.loads(succeeded(own.run("partitions", "status", "--json")))] == ["visits"]
    own.start()

    people = [own.person().client for _ in range(6)]
    written = [0] * len(people)

    def write(who):
        made = people[who].post("/v1/invoices", json={"cents": 100 + who})
        assert made.status_code == 201, made.text
        written[who] += 1

    def totals_are_right():
        for who, person in enumerate(people):
            assert person.get("/v1/invoices/total").json() == {"count": written[who], "cents": written[who] * (100 + who)}

    def rows(node):
        return int(postgres.query(nodes[node], "select count(*) from invoices"))

    for who in range(len(people)):
        for _ in range(5):
            write(who)
    totals_are_right()
    assert rows(0) + rows(1) == 30
    assert postgres.query(own.database, "select count(*) from invoices") == "0", "the main database holds none"

    # All slots of one node go to the other, while everybody writes.
    over = threading.Event()
    problems = []

    def keep_writing(who):
        while not over.is_set():
            try:
                write(who)
            except Exception as error:
                problems.append(repr(error))
                return

    writers = [threading.Thread(target=keep_writing, args=(who,)) for who in range(len(people))]
    for each in writers:
        each.start()
    try:
        moved = own.run("sharding", "move", "0-31", "--to", "b", timeout=300)
    finally:
        over.set()
        for each in writers:
            each.join()
    succeeded(moved)
    assert problems == []
    totals_are_right()
    assert "are where they should be" in succeeded(own.run("sharding", "verify"))
    succeeded(own.run("sharding", "clean", "--wait", timeout=120))
    assert rows(0) == 0 and rows(1) == sum(written)
    refused = people[0].post("/v1/invoices", json={"cents": 0})
    assert refused.status_code == 422, refused.text
