"""Tables in parts by time, by configuration: made ahead and taken away by command and by the service itself."""

import json
import shutil

import pytest

from harness import ROOT
from processes import wait_until

VISITS = {
    "postgres": "CREATE TABLE visits (id uuid PRIMARY KEY, pages bigint NOT NULL) PARTITION BY RANGE (id);",
    "mysql": "CREATE TABLE visits (id binary(16) PRIMARY KEY, pages bigint NOT NULL) PARTITION BY RANGE COLUMNS (id) "
             "(PARTITION rest VALUES LESS THAN (MAXVALUE));",
    "sqlite": "CREATE TABLE visits (id blob PRIMARY KEY, pages integer NOT NULL) STRICT;",
}


def parted(server, launch, keep=2):
    own = launch(postgres=server.postgres, migrate=False)
    config = own.folder / "config"
    shutil.copytree(ROOT / "config", config)
    (config / "local.yaml").write_text(
        "partitions:\n  interval: 1s\n  tables:\n"
        f"    - {{name: visits, column: id, unit: week, ahead: 2, keep: {keep}}}\n")
    migrations = own.folder / "migrations"
    shutil.copytree(ROOT / "migrations", migrations)
    number = 1 + max(int(f.name[:4]) for f in migrations.glob("[0-9]*.sql"))
    for engine, text in VISITS.items():
        (migrations / f"{number:04}_visits.{engine}.sql").write_text(f"-- up\n{text}\n-- down\nDROP TABLE visits;\n")
    inherited = own.variables
    own.variables = lambda: {**inherited(), "SLIPWAY_CONFIG": str(config), "SLIPWAY_MIGRATIONS__DIRECTORY": str(migrations)}
    assert own.run("migrate", "up").returncode == 0
    return own


def status(own):
    told = own.run("partitions", "status", "--json")
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)[0]


@pytest.mark.timeout(180)
def test_partitions_are_kept_by_command_and_by_the_service(server, launch):
    own = parted(server, launch)
    if server.postgres is None:
        own.refuses(78, "SQLite has no partitions", command=("partitions", "status"))
        own.start()  # and yet the service works, with the table as one
        wait_until(lambda: "SQLite has no partitions" in own.log(), what="the service to say so")
        return
    before = status(own)
    assert len(before["due"]) == 3 and not before["problem"]
    plan = own.run("partitions", "plan").stdout
    assert plan.count("PARTITION") >= 3 and "visits_p2" in plan
    made = own.run("partitions", "keep")
    assert made.returncode == 0 and made.stdout.count("made visits_p2") == 3, made.stdout + made.stderr
    assert own.run("partitions", "keep").stdout == "Nothing is due.\n"

    newest = status(own)["partitions"][-1 if not status(own)["partitions"][-1]["name"] == "rest" else -2]["name"]
    if hasattr(server.postgres, "replica"):
        own.sql(f"drop table {newest}")
    else:
        own.sql(f"alter table visits drop partition {newest}")
    assert [d for d in status(own)["due"]] == [f"make {newest}"]
    own.start()
    wait_until(lambda: not status(own)["due"], what="the service to make what is missing")
    assert any(line.get("partition") == newest for line in own.log_lines())
