"""The schema changes while the service runs: nobody who uses it notices, whichever version of the program serves."""

import shutil
import threading

import pytest

from harness import ROOT, Load
from processes import wait_until

EXPAND = """-- up
ALTER TABLE notes ADD COLUMN color text NOT NULL DEFAULT 'white';
-- down
ALTER TABLE notes DROP COLUMN color;
"""
INDEX = """-- no transaction
-- up
CREATE INDEX CONCURRENTLY notes_color ON notes (color);
-- down
DROP INDEX CONCURRENTLY notes_color;
"""
ON_MYSQL = {
    EXPAND: """-- up
ALTER TABLE notes ADD COLUMN color varchar(20) NOT NULL DEFAULT 'white', ALGORITHM=INSTANT;
-- down
ALTER TABLE notes DROP COLUMN color;
""",
    INDEX: """-- up
ALTER TABLE notes ADD INDEX notes_color (color), ALGORITHM=INPLACE, LOCK=NONE;
-- down
ALTER TABLE notes DROP INDEX notes_color;
""",
}
CONTRACT = """-- after deployment
-- up
ALTER TABLE notes DROP COLUMN color;
"""


SERVERS = ["postgres", "mariadb"]
ENGINES = ["sqlite", *SERVERS]


def on_engine(request, launch, engine, **options):
    return launch(postgres=None if engine == "sqlite" else request.getfixturevalue(engine), **options)


def next_version(server, **files):
    """The migrations of the program of the next version: those of this one, and these."""
    folder = server.folder / "next"
    if not folder.exists():
        shutil.copytree(ROOT / "migrations", folder)
    for name, text in files.items():
        number = 1 + max(int(f.name[:4]) for f in folder.glob("[0-9]*.sql"))
        (folder / f"{number:04}_{name}.sql").write_text(text)
    return {"SLIPWAY_MIGRATIONS__DIRECTORY": str(folder)}


def ask_as(person, server):
    def ask():
        with server.client(headers=person.client.headers) as client:
            made = client.post("/v1/notes", json={"title": "Meanwhile"})
            shown = client.get(made.headers["location"]) if made.status_code == 201 else made
            listed = client.get("/v1/notes?limit=5")
            return (made.status_code, shown.status_code, listed.status_code)
    return ask


def under_load(server, work):
    """Runs `work` while the service is used; every answer must have been the right one."""
    person = server.person()
    with Load(ask_as(person, server), clients=4) as load:
        wait_until(lambda: len(load.answers) > 20, what="some load")
        work()
        done = len(load.answers)
        wait_until(lambda: len(load.answers) > done + 20, what="load afterwards")
    assert not load.errors, load.errors[:3]
    assert {codes for _, codes in load.answers} == {(201, 200, 200)}


def test_a_directory_without_migrations(launch, tmp_path):
    """It is no database that needs none; only `generate`, which may write the first one there, takes it."""
    server = launch(migrate=False, settings={"migrations.directory": str(tmp_path)})
    for command in (["serve"], ["seed"], ["migrate", "up"], ["migrate", "status"], ["migrate", "diff"], ["migrate", "lint"]):
        server.refuses(78, "migrations.directory", str(tmp_path), command=command)
    made = server.run("migrate", "generate", "everything")
    assert made.returncode == 0 and list(tmp_path.glob("0001_everything*.sql")), made.stdout + made.stderr


@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", SERVERS)
def test_the_schema_changes_under_load_and_both_versions_serve(engine, request, launch):
    server = on_engine(request, launch, engine)
    server.start()
    words = ON_MYSQL if engine == "mariadb" else {}
    following = next_version(server, color=words.get(EXPAND, EXPAND), color_index=words.get(INDEX, INDEX))

    def expand():
        done = server.run("migrate", "up", **following)
        assert done.returncode == 0 and "color_index" in done.stdout, done.stdout + done.stderr

    under_load(server, expand)
    names = ("select index_name from information_schema.statistics where table_name = 'notes' and table_schema = database()"
             if engine == "mariadb" else "select indexname from pg_indexes where tablename = 'notes'")
    assert "notes_color" in server.sql(names)

    # The version of before, on the schema of the next one: it starts, says so, and serves.
    server.stop()
    server.start()
    assert any("ahead of this program" in line.get("message", "") for line in server.log_lines())
    under_load(server, lambda: None)
    assert "newer" in server.run("migrate", "status").stdout
    refused = server.run("migrate", "down")
    assert refused.returncode == 65 and "newer version" in refused.stderr
    server.stop()

    # The next version but one has something to take away, and serves before and while that is done.
    following = next_version(server, color_gone=CONTRACT)
    server.settings["migrations.directory"] = following["SLIPWAY_MIGRATIONS__DIRECTORY"]
    server.settings["migrations.at_start"] = "false"
    server.start()
    assert "color_gone" in server.run("migrate", "plan").stdout
    assert "Nothing to do" in server.run("migrate", "up", "--before-deployment").stdout

    def contract():
        done = server.run("migrate", "up")
        assert done.returncode == 0 and "color_gone" in done.stdout, done.stdout + done.stderr

    under_load(server, contract)
    schema = f" and table_schema = '{server.database}'" if engine == "mariadb" else ""
    assert "color" not in server.sql(f"select column_name from information_schema.columns where table_name = 'notes'{schema}")


@pytest.mark.timeout(300)
def test_a_migration_that_must_wait_for_a_table_lets_everybody_else_through(postgres, launch):
    server = launch(postgres=postgres, settings={"migrations.lock_timeout": "200ms"})
    server.start()
    following = next_version(server, color=EXPAND)
    done = []
    migration = threading.Thread(target=lambda: done.append(server.run("migrate", "up", **following)))

    def migrate():
        migration.start()  # and the service is used meanwhile

    with postgres.session(server.database) as session:
        session.execute("begin; lock table notes in access share mode; select 'held';")
        session.wait_for("held")
        under_load(server, migrate)
        assert migration.is_alive(), "it waits as long as the table is in use"
        session.execute("commit;")
        migration.join(60)
    assert done[0].returncode == 0 and "in use" in done[0].stdout, done[0].stdout + done[0].stderr


def test_unsafe_changes_are_found_with_the_safe_way(launch):
    server = launch()
    clean = server.run("migrate", "lint")
    assert clean.returncode == 0 and clean.stdout == "", "our own migrations are safe"
    unsafe = next_version(server, unsafe="-- up\nCREATE INDEX i ON notes (title);\nALTER TABLE notes DROP COLUMN body;\n")
    found = server.run("migrate", "lint", **unsafe)
    assert found.returncode == 1
    assert "_unsafe.sql:2: index-locks-writes" in found.stdout and "CREATE INDEX CONCURRENTLY" in found.stdout
    assert "_unsafe.sql:3: drop-column" in found.stdout and "-- after deployment" in found.stdout


SQUAWK = next(iter(sorted((ROOT / "tests/e2e/node_modules/@squawk-cli").glob("linux-*/bin/squawk"))), None)


def test_squawk_reads_the_files_of_postgresql(launch):
    if SQUAWK is None:
        pytest.skip("there is no squawk: npm ci --prefix tests/e2e --ignore-scripts")
    server = launch()
    with_squawk = {"SLIPWAY_MIGRATIONS__SQUAWK": str(SQUAWK)}
    clean = server.run("migrate", "lint", **with_squawk)
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, "", ""), clean.stdout + clean.stderr
    planted = "-- up\n{}ALTER TABLE notes ADD COLUMN code char(3);\n"
    unsafe = next_version(server, code=planted.format("")) | with_squawk
    found = server.run("migrate", "lint", **unsafe)
    assert found.returncode == 1 and "_code.sql:2: squawk/ban-char-field" in found.stdout
    number = max((server.folder / "next").glob("*_code.sql"))
    number.write_text(planted.format("-- lint: allow squawk/ban-char-field, alter-may-copy-table: three letters\n"))
    assert server.run("migrate", "lint", **unsafe).returncode == 0
    missing = server.run("migrate", "lint", SLIPWAY_MIGRATIONS__SQUAWK="/nowhere/squawk")
    assert missing.returncode == 78 and "migrations.squawk" in missing.stderr


def test_without_squawk_the_linter_says_so_in_a_line(launch):
    done = launch().run("migrate", "lint", PATH="/nowhere")
    assert done.returncode == 0 and done.stdout == ""
    assert done.stderr.startswith("squawk was skipped") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_our_models_and_our_migrations_agree(engine, request, launch):
    own = on_engine(request, launch, engine)
    done = own.run("migrate", "diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "The models and the database agree.\n"
    assert own.run("migrate", "down").returncode == 0
    early = own.run("migrate", "diff")
    assert early.returncode == 65 and "1 migrations are pending" in early.stderr and "migrate up" in early.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_a_migration_is_generated_from_the_difference(engine, request, launch):
    own = on_engine(request, launch, engine)
    following = next_version(own)
    folder = own.folder / "next"
    assert own.run("migrate", "up", **following).returncode == 0
    nothing = own.run("migrate", "generate", "nothing", **following)
    assert nothing.returncode == 0 and "nothing to write" in nothing.stdout, nothing.stderr

    # The model has notes.pinned, and knows no notes.sticky.
    own.sql("alter table notes drop column pinned")
    own.sql("alter table notes add column sticky integer")
    differs = own.run("migrate", "diff", **following)
    assert differs.returncode == 1
    for line in ("notes.pinned: the model has it, the database does not", "notes.sticky: the database has it",
                 "RENAME", "2 differences"):
        assert line in differs.stdout, differs.stdout
    ignored = own.run("migrate", "diff", **following, SLIPWAY_MIGRATIONS__UNMANAGED='["notes.sticky"]')
    assert "sticky" not in ignored.stdout and "1 differences" in ignored.stdout

    refused = own.run("migrate", "generate", "Not-A-Name", **following)
    assert refused.returncode == 64 and "cannot be the name of a migration" in refused.stderr
    made = own.run("migrate", "generate", "pinned_again", **following)
    assert made.returncode == 0, made.stderr
    number = 1 + max(int(f.name[:4]) for f in (ROOT / "migrations").glob("[0-9]*.sql"))
    assert f"{number:04}_pinned_again.{'mysql' if engine == 'mariadb' else engine}.sql" in made.stdout
    assert f"{number + 1:04}_pinned_again_contract." in made.stdout and "--destructive" in made.stdout
    # One file for each engine of the project, and each a migration that its linter accepts.
    assert len(list(folder.glob(f"{number:04}_pinned_again.*.sql"))) == 3
    linted = own.run("migrate", "lint", **following)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    early = own.run("migrate", "generate", "twice", **following)
    assert early.returncode == 65 and "pending" in early.stderr
    # A program that has not these files must not write the same again.
    old = own.run("migrate", "generate", "twice", "--into", str(folder))
    assert old.returncode == 65 and "is not in this program" in old.stderr

    done = own.run("migrate", "up", **following)
    assert done.returncode == 0, done.stdout + done.stderr
    left = own.run("migrate", "diff", **following)
    assert left.returncode == 1 and "pinned" not in left.stdout and "sticky" in left.stdout
    assert own.run("migrate", "generate", "sticky_gone", "--destructive", **following).returncode == 0
    done = own.run("migrate", "up", **following)
    assert done.returncode == 0, done.stdout + done.stderr
    assert own.run("migrate", "diff", **following).returncode == 0
    assert own.run("migrate", "down", **following).returncode == 0
    own.sql("select sticky from notes")


WITHOUT_PROMISES = {
    "sqlite": ["drop index notes_owner"],
    "postgres": ["drop index notes_owner", "alter table users drop constraint users_email_key"],
    # A foreign key has to have some index.
    "mariadb": ["alter table notes add index other (owner_id), drop index notes_owner", "alter table users drop index email"],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_models_promise_is_missed_and_made_again(engine, request, launch):
    own = on_engine(request, launch, engine)
    following = next_version(own)
    assert own.run("migrate", "up", **following).returncode == 0
    for statement in WITHOUT_PROMISES[engine]:
        own.sql(statement)
    is_unique = engine == "sqlite"  # its constraint is part of the table
    if not is_unique:
        ids = [("x" if engine == "mariadb" else "") + f"'{digit * 32}'" for digit in "12"]
        for each in ids:
            own.sql("insert into users (id, email, name, password_hash, role, created_at, updated_at) values "
                    f"({each}, 'a@example.com', 'A', '', 'member', '2026-01-01 00:00:00', '2026-01-01 00:00:00')")
    differs = own.run("migrate", "diff", **following)
    assert differs.returncode == 1, differs.stderr
    assert "notes (owner_id, created_at, id): the model has an index, the database does not" in differs.stdout
    assert ("users (email): the model says that it is unique" in differs.stdout) != is_unique
    assert ("1 values are there more than once" in differs.stdout) != is_unique

    made = own.run("migrate", "generate", "promised", **following)
    assert made.returncode == 0, made.stdout + made.stderr
    linted = own.run("migrate", "lint", **following)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    if not is_unique:
        twice = own.run("migrate", "up", **following)
        assert twice.returncode == 65 and ("not unique yet" in twice.stderr or "duplicate entry" in twice.stderr.lower()), twice.stderr
        own.sql(f"update users set email = 'b@example.com' where id = {ids[1]}")
    done = own.run("migrate", "up", **following)
    assert done.returncode == 0, done.stdout + done.stderr
    assert own.run("migrate", "diff", **following).returncode == 0
    own.settings["migrations.directory"] = following["SLIPWAY_MIGRATIONS__DIRECTORY"]
    own.start()
    ann = own.person()
    again = own.client().post("/v1/users", json={"email": ann.email, "password": "another long passphrase", "name": "Bob"})
    assert again.status_code == 409 and again.json()["code"] == "email_taken", again.text


def test_each_engine_is_compared_with_a_database_of_its_own(postgres, launch):
    own, other = launch(), launch(postgres=postgres)
    assert own.run("migrate", "up").returncode == 0 and other.run("migrate", "up").returncode == 0
    other.sql("alter table idempotency_keys alter column status type smallint")
    both = {"SLIPWAY_MIGRATIONS__COMPARE_WITH": f'["{postgres.url(other.database)}"]'}
    assert own.run("migrate", "diff").returncode == 0  # an INTEGER of SQLite is any of them
    differs = own.run("migrate", "diff", **both)
    assert differs.returncode == 1, differs.stderr
    assert "PostgreSQL" in differs.stdout and "idempotency_keys.status: the column is smallint" in differs.stdout
    folder = own.folder / "next"
    shutil.copytree(ROOT / "migrations", folder)
    made = own.run("migrate", "generate", "wider", "--into", str(folder), **both)
    assert made.returncode == 0, made.stderr
    text = next(folder.glob("*_wider.postgres.sql")).read_text()
    assert 'ALTER TABLE "idempotency_keys" ALTER COLUMN "status" TYPE integer;' in text
    assert "SELECT 1;" in next(folder.glob("*_wider.sqlite.sql")).read_text()
    assert "no MySQL database was looked at" in next(folder.glob("*_wider.mysql.sql")).read_text()


def test_a_database_that_was_there_before_its_migrations(server, launch):
    own = launch(postgres=server.postgres)
    own.sql("drop table schema_migrations")
    last = max(int(f.name[:4]) for f in (ROOT / "migrations").glob("[0-9]*.sql"))
    failed = own.run("migrate", "up")
    assert failed.returncode == 65 and "already exists" in failed.stderr
    noted = own.run("migrate", "baseline", str(last))
    assert noted.returncode == 0, noted.stderr
    assert "pending" not in own.run("migrate", "status").stdout
    assert own.run("migrate", "baseline", str(last)).returncode == 65
    own.start()
    assert own.person()


def test_repeatable_files_follow_the_numbered_ones(server, launch):
    own = launch(postgres=server.postgres)
    following = next_version(own)
    view = own.folder / "next" / "repeatable_titles.sql"
    view.write_text("DROP VIEW IF EXISTS titles;\nCREATE VIEW titles AS SELECT title FROM notes;\n")
    assert "repeatable_titles" in own.run("migrate", "up", **following).stdout
    assert own.sql("select count(*) from titles") == "0"
    assert "Nothing to do" in own.run("migrate", "up", **following).stdout
    view.write_text("DROP VIEW IF EXISTS titles;\nCREATE VIEW titles AS SELECT title, pinned FROM notes;\n")
    assert "pending, repeatable" in own.run("migrate", "status", **following).stdout
    assert "repeatable_titles" in own.run("migrate", "up", **following).stdout
    assert own.sql("select count(pinned) from titles") == "0"
