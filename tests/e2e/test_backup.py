"""What was lost comes back: backups made while the service runs, and a server that is destroyed and recovered to a moment."""

import json
import os
import shutil
import subprocess
import time

import pytest

from databases import Postgres
from fixtures import running
from harness import BINARY, ROOT, Load, Server, succeeded
from object_store import SECRET, ObjectStore
from processes import temporary_folder, wait_until


@pytest.mark.timeout(300)
def test_a_backup_made_under_load_brings_everything_back(server, launch):
    own = launch(postgres=server.postgres)
    own.start()
    person = own.person()
    kept = person.client.post("/v1/notes", json={"title": "Before", "tags": ["grüße"], "body": "x" * 20_000}).json()
    refused = own.run("backup", "create")
    assert refused.returncode == 78 and "slipway backup key" in refused.stderr
    succeeded(own.run("backup", "key"))

    def write():
        with own.client(headers=person.client.headers) as client:
            return client.post("/v1/notes", json={"title": "Meanwhile"}).status_code

    with Load(write, clients=3) as load:
        wait_until(lambda: len(load.answers) > 10, what="some load")
        made = succeeded(own.run("backup", "create")).split()[-3]
    assert {code for _, code in load.answers} == {201}, "the backup stops nobody"
    assert "database is whole" in succeeded(own.run("backup", "verify"))
    listed = json.loads(succeeded(own.run("backup", "list", "--json")))
    assert [m["id"] for m in listed] == [made] and listed[0]["encrypted"]
    for entry in listed[0]["entries"]:
        content = (own.folder / "var/backups" / made / entry["file"]).read_bytes()
        assert len(content) == entry["size"] and person.email.encode() not in content

    person.client.delete(f"/v1/notes/{kept['id']}")
    own.stop()
    in_the_way = own.run("backup", "restore")
    assert in_the_way.returncode == 65 and "--overwrite" in in_the_way.stderr
    if own.postgres:
        own.postgres.clear(own.database)
    else:
        for file in own.folder.glob("test.db*"):
            file.unlink()
    shutil.rmtree(own.folder / "var/keys")
    succeeded(own.run("backup", "restore", made))
    own.start()
    with own.client(headers=person.client.headers) as client:
        shown = client.get(f"/v1/notes/{kept['id']}")
        assert shown.status_code == 200, "the row is back, and so is the key that signed the token"
        assert shown.json() == kept
    assert "up to date" in own.run("migrate", "up").stdout or "Nothing to do" in own.run("migrate", "up").stdout


def test_one_half_of_a_backup_comes_back_alone(launch):
    own = launch()
    own.start()
    person = own.person()
    own.stop()
    succeeded(own.run("backup", "key"))
    succeeded(own.run("backup", "create"))
    keys = {path.name: path.read_bytes() for path in (own.folder / "var/keys").iterdir()}

    def people():
        return own.sql(f"select count(*) from users where email = '{person.email}'")

    def lose_both():
        own.sql("pragma foreign_keys = off; delete from refresh_tokens; delete from users")
        for name in keys:
            (own.folder / "var/keys" / name).unlink(missing_ok=True)

    lose_both()
    succeeded(own.run("backup", "restore", "--overwrite", "--database-only"))
    assert people() == "1" and not any((own.folder / "var/keys").iterdir()), "the keys stay away"
    lose_both()
    succeeded(own.run("backup", "restore", "--overwrite", "--files-only"))
    assert people() == "0", "the database stays as it is"
    assert {path.name: path.read_bytes() for path in (own.folder / "var/keys").iterdir()} == keys


def test_damage_and_a_lost_key_are_named(launch):
    own = launch()
    succeeded(own.run("backup", "key"))
    made = succeeded(own.run("backup", "create")).split()[-3]
    database = next((own.folder / "var/backups" / made).glob("database.*"))
    good = database.read_bytes()
    database.write_bytes(good[:-1])
    damaged = own.run("backup", "restore", "--overwrite")
    assert damaged.returncode == 65 and "SHA-256" in damaged.stderr
    database.write_bytes(good)
    (own.folder / "var/backup.key").unlink()
    succeeded(own.run("backup", "key"))
    lost = own.run("backup", "verify")
    assert lost.returncode == 65 and "the key is another one" in lost.stderr
    absent = own.run("backup", "restore", "20200101T000000Z-0000")
    assert absent.returncode == 65 and "backup list" in absent.stderr


@pytest.fixture
def object_store():
    with running(ObjectStore) as store:
        yield store


def test_an_object_store_keeps_backups_as_a_directory_does(launch, object_store):
    own = launch(settings=object_store.settings())
    own.start()
    person = own.person()
    # More than a part of an upload when it is compressed: what is random does not get smaller.
    kept = [person.client.post("/v1/notes", json={"title": f"{n}", "body": os.urandom(9_000).hex()}).json() for n in range(8)]
    own.run("backup", "key")
    assert "There is no backup in drill/*" in succeeded(own.run("backup", "list"))
    made = succeeded(own.run("backup", "create")).split()[-3]
    listed = json.loads(succeeded(own.run("backup", "list", "--json")))
    assert [m["id"] for m in listed] == [made] and listed[0]["encrypted"]
    assert any("manifest.json" in key for key in object_store.keys())
    assert not list((own.folder / "var").glob("backups/*")), "nothing lies on the disk"
    assert "database is whole" in succeeded(own.run("backup", "verify"))

    own.stop()
    for file in own.folder.glob("test.db*"):
        file.unlink()
    shutil.rmtree(own.folder / "var/keys")
    succeeded(own.run("backup", "restore"))
    own.start()
    with own.client(headers=person.client.headers) as client:
        for note in kept:
            assert client.get(f"/v1/notes/{note['id']}").json() == note

    own.settings["backup.keep"] = "1"
    newest = succeeded(own.run("backup", "create")).split()[-3]
    assert [m["id"] for m in json.loads(succeeded(own.run("backup", "list", "--json")))] == [newest]
    assert not any(made in key for key in object_store.keys())


def test_what_an_object_store_refuses_is_said_with_its_remedy(launch, object_store):
    own = launch(settings=object_store.settings() | {"backup.encrypt": "false"})

    def refused(code, *words, **settings):
        before = dict(own.settings)
        own.settings.update({f"backup.{name.replace('__', '.')}": value for name, value in settings.items()})
        for command in ("list", "create"):
            text = own.refuses(code, *words, command=("backup", command))
            assert "not-the-secret" not in text
        own.settings = before

    refused(78, "s3.secret_key", s3__secret_key="not-the-secret")
    refused(78, "s3.access_key", s3__access_key="SOMEBODY")
    refused(78, "s3://nowhere", "make it", storage="s3://nowhere/drill")
    refused(78, "backup.storage", "SLIPWAY_BACKUP__STORAGE", storage="s3://UPPER")
    refused(78, "SLIPWAY_BACKUP__STORAGE", "set backup.s3.secret_key", s3__secret_key="")
    refused(69, "backup.s3.private_network", s3__private_network="false")
    shown = succeeded(own.run("config", "show", **{"SLIPWAY_BACKUP__S3__SECRET_KEY": "not-the-secret"}))
    assert "not-the-secret" not in shown
    object_store.kill()
    refused(69, "cannot be reached", "backup.s3.endpoint")
    object_store.start()
    assert json.loads(succeeded(own.run("backup", "list", "--json"))) == [], "nothing half done is listed"
    succeeded(own.run("backup", "create"))


@pytest.fixture
def mortal_postgres():
    """A server that archives its log through our binary, as the user that it runs as, and that this test may destroy."""
    with running(Postgres) as server:
        yield server


@pytest.fixture(params=["directory", "object store"])
def archive_place(request):
    """The object store that keeps the log, or None for a directory."""
    return request.getfixturevalue("object_store") if request.param == "object store" else None


@pytest.mark.timeout(300)
def test_a_destroyed_server_is_recovered_to_a_moment(mortal_postgres, archive_place):
    postgres = mortal_postgres
    binary = postgres.folder / "slipway"
    shutil.copy(BINARY, binary)
    shutil.copytree(ROOT / "config", postgres.folder / "config")  # where the server's user can read it
    settings = {"SLIPWAY_BACKUP__DIRECTORY": str(postgres.folder / "backups"), "SLIPWAY_BACKUP__KEY_FILE": str(postgres.folder / "backup.key"),
                "SLIPWAY_DATABASE__URL": postgres.url("postgres"), "SLIPWAY_ENVIRONMENT": "test",
                "SLIPWAY_CONFIG": str(postgres.folder / "config"),
                "SLIPWAY_BACKUP__CLIENT_DIRECTORY": str(postgres.bin)}
    if archive_place:
        settings |= {"SLIPWAY_" + name.replace(".", "__").upper(): value for name, value in archive_place.place().items()}
        # The keys are in no command line: the server's user reads them from where the configuration refers to.
        (postgres.folder / "secret").write_text(SECRET)
        with open(postgres.folder / "config/test.yaml", "a") as configuration:
            configuration.write(f"\nbackup: {{s3: {{access_key: {SECRET}, secret_key: '${{file:{postgres.folder}/secret}}'}}}}\n")

    def backup(*arguments, **other):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")} | settings | other | {"HOME": str(postgres.folder)}
        return subprocess.run([binary, "backup", *arguments], env=environment, capture_output=True, text=True, timeout=120,
                              **postgres.as_owner())

    succeeded(backup("key"))
    archive = " ".join(["env", *(f"{k}={v}" for k, v in settings.items()), str(binary), "backup archive-wal %p %f"])
    postgres.stop()
    with open(postgres.data / "postgresql.auto.conf", "a") as configuration:
        configuration.write(f"archive_mode = on\narchive_command = '{archive}'\n")
    postgres.start()

    service = Server(temporary_folder("drill-server"), postgres=postgres)
    service.start()
    person = service.person()
    before = person.client.post("/v1/notes", json={"title": "Before the base backup"}).json()
    succeeded(backup("base"))
    after = person.client.post("/v1/notes", json={"title": "After it"}).json()
    time.sleep(0.01)  # a moment that lies between two commits
    moment = postgres.query("postgres", "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    mistake = person.client.post("/v1/notes", json={"title": "The mistake"}).json()
    assert person.client.delete(f"/v1/notes/{before['id']}").status_code == 204
    last = postgres.query("postgres", "select pg_walfile_name(pg_switch_wal())")
    wait_until(lambda: postgres.query("postgres", "select coalesce(last_archived_wal, '') from pg_stat_archiver") >= last,
               what="the log to be archived")
    service.stop()
    postgres.stop()
    shutil.rmtree(postgres.data)  # the disaster

    wrong = backup("recover", "--into", str(postgres.folder / "again"), "--to", "yesterday")
    assert wrong.returncode == 64 and "2026-01-31T12:00:00Z" in wrong.stderr
    # What is written relative to our directory is nothing to a server that starts in its own.
    relative = {"SLIPWAY_BACKUP__DIRECTORY": "backups", "SLIPWAY_BACKUP__KEY_FILE": "backup.key", "SLIPWAY_CONFIG": "config",
                "SLIPWAY_BACKUP__S3__CA_FILE": "100% ours's.pem"}
    (postgres.folder / relative["SLIPWAY_BACKUP__S3__CA_FILE"]).write_text("read by nobody, for the store speaks no TLS here")
    succeeded(backup("recover", "--into", str(postgres.folder / "again"), "--to", moment, **relative))
    refused = backup("recover", "--into", str(postgres.folder / "again"))
    assert refused.returncode == 65 and "not empty" in refused.stderr
    postgres.data = postgres.folder / "again"
    told = (postgres.data / "postgresql.auto.conf").read_text()
    for path in ("backups", "backup.key", "config"):
        assert f"=''{postgres.folder}/{path}''" in told
    if archive_place:
        assert "s3://backups/drill" in told and f"KEY={SECRET}" not in told and f"KEY=''{SECRET}" not in told
        assert f"SLIPWAY_BACKUP__S3__CA_FILE=''{postgres.folder}/100%% ours" in told
        # An outage is not the end of the log: the server stops, and recovers once the store is back.
        archive_place.kill()
        fetched = backup("fetch-wal", last, str(postgres.folder / "fetched"))
        assert fetched.returncode > 125 and "cannot be reached" in fetched.stderr
        archive_place.start()
    absent = backup("fetch-wal", "0000000F00000000000000FF", str(postgres.folder / "fetched"))
    assert absent.returncode == 1
    postgres.start()
    wait_until(lambda: postgres.query("postgres", "select pg_is_in_recovery()") == "f", what="the recovery to end")
    service.start()
    with service.client(headers=person.client.headers) as client:
        assert client.get(f"/v1/notes/{before['id']}").json() == before
        assert client.get(f"/v1/notes/{after['id']}").json() == after
        assert client.get(f"/v1/notes/{mistake['id']}").status_code == 404
        assert client.post("/v1/notes", json={"title": "Life goes on"}).status_code == 201
    service.stop()
