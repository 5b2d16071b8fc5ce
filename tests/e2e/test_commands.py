"""The commands of the binary: what they do, their exit codes, and what they refuse with which words."""

import json
import os
import pty
import select
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from harness import ROOT, succeeded
from processes import PATIENCE


@pytest.mark.parametrize("arguments, code", [
    (["--help"], 0), (["serve", "--help"], 0), (["version"], 0), (["config", "show"], 0), (["config", "check"], 0), (["config", "schema"], 0),
    (["routes"], 0), (["openapi"], 0), (["migrate", "status"], 0), (["migrate", "plan"], 0),
    (["--no-such-flag"], 64), (["no-such-command"], 64), (["migrate", "sideways"], 64),
])
def test_commands_and_their_exit_codes(launch, arguments, code):
    done = launch().run(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert (done.stdout if code == 0 else done.stderr).strip()


def test_migrations_go_up_and_down_again(launch):
    server = launch(migrate=False)
    assert server.run("migrate", "up").returncode == 0
    again = server.run("migrate", "up")
    assert again.returncode == 0, "nothing to do is no failure"
    down = server.run("migrate", "down")
    assert down.returncode == 0, down.stderr
    assert server.run("migrate", "up").returncode == 0
    server.start()
    assert server.person()


def test_two_who_migrate_at_the_same_time(postgres, launch):
    server = launch(postgres=postgres, migrate=False)
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(server.run("migrate", "up").returncode)) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert codes == [0, 0, 0]


def test_made_up_people_can_be_seeded_again_and_more_of_them(launch):
    server = launch()
    said = [server.run("seed", f"--seed.people={n}", "--seed.notes=5").stdout for n in (20, 20, 30)]
    assert "20 more, with 5 notes each" in said[0] and "all 20 are there already" in said[1] and "10 more" in said[2]
    server.start()
    email = server.sql("select email from users where email <> 'admin@example.com' order by id limit 1")
    password = said[0].split("password: ")[-1].split()[0]
    with server.client() as client:
        token = client.post("/v1/auth/login", json={"email": email, "password": password}).json()["access_token"]
        mine = client.get("/v1/notes", headers={"authorization": f"Bearer {token}"}).json()["items"]
    assert len({n["id"] for n in mine}) == 5 and all(n["title"] for n in mine)


def test_the_seed_can_be_repeated_and_its_account_works(launch):
    server = launch(environment="development", settings={"log.format": "json"})
    first, second = server.run("seed"), server.run("seed")
    assert first.returncode == 0 and second.returncode == 0, first.stderr + second.stderr
    assert "admin@example.com" in first.stdout and "password: " in first.stdout, first.stdout
    assert "password: " not in second.stdout, "a password that was there already is nobody's to print"
    server.start()
    with server.client() as client:
        login = {"email": "admin@example.com", "password": first.stdout.split("password: ")[-1].split()[0]}
        token = client.post("/v1/auth/login", json=login).json()["access_token"]
        everybody = client.get("/v1/users", headers={"authorization": f"Bearer {token}"})
    assert everybody.status_code == 200 and "admin@example.com" in {u["email"] for u in everybody.json()["items"]}


def test_somebody_at_a_terminal_is_told_the_addresses(launch):
    server = launch()
    controller, terminal = pty.openpty()
    process = subprocess.Popen([str(server.binary), "serve", "--ready-file", str(server.ready_file)], cwd=server.folder,
                               env=server.variables(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    said = b""
    try:
        while b"Ctrl-C stops it" not in said and select.select([controller], [], [], PATIENCE)[0]:
            said += os.read(controller, 65536)
        addresses = json.loads(server.ready_file.read_text())
    finally:
        process.terminate()
        os.close(controller)
        code = process.wait(PATIENCE)
    lines = [line.split() for line in said.decode().splitlines()]
    service, operators = f"http://{addresses['http'][0]}", f"http://{addresses['operator'][0]}"
    assert ["service", service] in lines and ["documentation", f"{service}/docs"] in lines, said
    assert ["operators", f"{operators}/metrics"] in lines and code == 0, said
    assert "Ctrl-C" not in server.start().log(), "a log is for programs"


def test_a_taken_port(launch):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        for key in ("http.listen", "operations.listen"):
            launch(settings={key: f"127.0.0.1:{port}"}).refuses(73, str(port), f"another in {key}")


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != "server.log")


# Its own sockets, the database that it migrates first and its keys are there by then; what fails is the last address.
@pytest.mark.parametrize("public, operators, ready", [("unix:{0}/a.sock,127.0.0.1:{1}", "127.0.0.1:0", None),
                                                      ("127.0.0.1:{1}", "unix:{0}/b.sock", None),
                                                      ("unix:{0}/a.sock", "unix:{0}/b.sock,127.0.0.1:{1}", None),
                                                      ("unix:{0}/a.sock", "unix:{0}/b.sock", "a directory")])
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_start_that_fails_half_way_leaves_nothing_and_the_next_one_works(request, launch, engine, public, operators, ready):
    server = launch(migrate=False, postgres=request.getfixturevalue("postgres") if engine == "postgres" else None,
                    settings={"migrations.at_start": "true"})
    server.start()
    server.stop()
    before = listing(server.folder)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        server.settings["http.listen"] = public.format(server.folder, port)
        server.settings["operations.listen"] = operators.format(server.folder, port)
        if ready:
            server.refuses(73, str(server.folder), command=("serve", "--ready-file", str(server.folder / "var")))
        else:
            server.refuses(73, f"127.0.0.1:{port}", "another in")
    assert listing(server.folder) == before
    for key in ("http.listen", "operations.listen"):
        server.settings[key] = server.settings[key].replace(f"127.0.0.1:{port}", "127.0.0.1:0")
    server.settings["http.listen"] = "127.0.0.1:0," + server.settings["http.listen"]
    server.settings["operations.listen"] = "127.0.0.1:0," + server.settings["operations.listen"]
    server.start()
    server.person()
    assert {path for path in ("a.sock", "b.sock") if path in f"{public}{operators}"} <= set(listing(server.folder))
    server.stop()
    assert listing(server.folder) == before


def test_addresses_that_cannot_be_used_name_their_setting(launch):
    for key in ("http.listen", "operations.listen"):
        launch(settings={key: "unix:/nowhere/at/all.sock"}).refuses(73, "/nowhere/at/all.sock", "Make it", key)
        launch(settings={key: "no port"}).refuses(78, f"{key} has 'no port'")
        launch(settings={key: "host.invalid:1"}).refuses(78, f"{key} has 'host.invalid:1'")


@pytest.mark.parametrize("words, said", [(["foo"], "slipway: 'foo' is no command. `slipway --help`"),
                                         (["migrte", "up"], "slipway: 'migrte' is no command; did you mean migrate?"),
                                         (["migrate", "upp"], "slipway migrate: 'upp' is no command; did you mean up?"),
                                         ([], "A subcommand is required"), (["migrate", "baseline"], "version is required")])
def test_commands_that_are_none(launch, words, said):
    done = launch(migrate=False).run(*words)
    assert done.returncode == 64 and said in done.stderr, done.stdout + done.stderr


def test_the_first_start_in_production(launch):
    """As docs/operations.md says it: the keys are made by a command, and by that alone."""
    server = launch(migrate=False, environment="production", settings={"http.drain_delay": "0s"})
    keys = server.folder / "var/keys"
    assert server.run("config", "check").returncode == 0
    assert server.run("migrate", "up").returncode == 0
    server.refuses(78, "slipway keys rotate")
    first = server.run("keys", "rotate")
    assert first.returncode == 0 and "first" in first.stdout, first.stdout + first.stderr
    assert len(list(keys.glob("*.pem"))) == 1
    server.start()
    server.person()
    server.stop()
    assert server.run("keys", "rotate").returncode == 0
    assert len(list(keys.glob("*.pem"))) == 2


def test_the_first_key_waits_for_nobody(launch):
    done = launch(environment="production").run("keys", "rotate", "--after", "3600")
    assert done.returncode == 0 and "at once" in done.stdout, done.stdout + done.stderr


def test_a_seed_before_its_tables(launch):
    server = launch(migrate=False, environment="development")
    for migrated in ((), ("migrate", "up", "--to", "1")):  # none of them, and not all
        if migrated:
            succeeded(server.run(*migrated))
        server.refuses(65, "`slipway migrate up`", command=("seed",))
    succeeded(server.run("migrate", "up"))
    assert "Development account" in succeeded(server.run("seed"))


def seed_file(server, environment, name, text):
    folder = server.folder / "seeds" / environment
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_a_seed_file_runs_once_and_again_when_it_has_changed(launch):
    server = launch(environment="development")
    title = lambda: server.sql("select title from notes where body like 'Open /docs%'")
    seed_file(server, "development", "0001_title.sql", "UPDATE notes SET title = title || '!' WHERE title LIKE 'Welcome%';\n")
    seed_file(server, "staging", "0001_elsewhere.sql", "this is no SQL\n")
    assert "Ran seeds/development/0001_title.sql" in succeeded(server.run("seed"))
    assert title() == "Welcome!", "the account and its notes are there before"
    assert "unchanged since they ran" in succeeded(server.run("seed")) and title() == "Welcome!"
    assert "Ran seeds/development/0001_title.sql" in succeeded(server.run("seed", "--again")) and title() == "Welcome!!"
    seed_file(server, "development", "0001_title.sql", "UPDATE notes SET title = 'Changed' WHERE title LIKE 'Welcome%';\n")
    assert "Ran seeds/development/0001_title.sql" in succeeded(server.run("seed")) and title() == "Changed"

    server.environment = "test"
    assert "Ran" not in succeeded(server.run("seed", "--again")) and title() == "Changed"


def test_a_seed_file_that_fails_names_its_line_and_leaves_nothing(launch):
    server = launch(environment="development")
    seed_file(server, "development", "0001_wrong.sql", "UPDATE notes SET title = 'Half';\n\nUPDATE missing SET title = '';\n")
    server.refuses(65, "seeds/development/0001_wrong.sql:3: ", "missing", "Nothing of this file was kept", command=("seed",))
    assert server.sql("select count(*) from notes where title = 'Half'") == "0"
    seed_file(server, "development", "0001_wrong.sql", "UPDATE notes SET title = 'Whole';\n")
    assert "Ran seeds/development/0001_wrong.sql" in succeeded(server.run("seed"))
    server.settings["seed.directory"] = "sedes"
    server.refuses(78, "seed.directory: there is no sedes", command=("seed",))


@pytest.mark.parametrize("engine", ["sqlite", "postgres", "mariadb"])
def test_the_sample_of_a_seed_file(launch, request, engine):
    own = {"seed.directory": str(ROOT / "seeds")}
    server = launch(environment="development", settings=own,
                    postgres=None if engine == "sqlite" else request.getfixturevalue(engine))
    for words in (["seed"], ["seed", "--again"]):
        assert "/seeds/development/0001_note.sql" in succeeded(server.run(*words))
    assert server.sql("select count(*) from notes where title = 'From a file'") == "1"
    assert server.sql("select count(*) from notes") == "3"


def test_an_old_schema_is_not_served(launch):
    server = launch(migrate=False, settings={"migrations.at_start": "false"})
    file = server.folder / "test.db"
    server.refuses(65, f"there is no database at {file}", "slipway migrate up", "migrations.at_start")
    assert not list(server.folder.glob("test.db*"))
    file.touch()  # a database without anything in it
    server.refuses(65, "migrations are pending", "slipway migrate up", "migrations.at_start")
    succeeded(server.run("migrate", "up"))
    server.start()
    server.person()


def test_a_ready_file_that_cannot_be_made_leaves_nothing(launch):
    server = launch()
    taken = server.folder / "ready"
    taken.mkdir()
    server.refuses(73, str(taken), command=("serve", "--ready-file", str(taken)))
    assert not Path(f"{taken}.new").exists()


def test_a_refused_question_has_no_table(launch):
    done = launch().run("queries", "statements")
    assert done.returncode == 69 and done.stdout == "", done.stdout + done.stderr


def test_wrong_configuration_names_the_place(launch):
    launch_with(launch, "http.listne", "127.0.0.1:0").refuses(78, "listne", "SLIPWAY_HTTP__LISTEN")
    launch_with(launch, "http.max_head", "enormous").refuses(78, "max_head")
    launch_with(launch, "http.max_head", "1").refuses(78, "max_head")


def launch_with(launch, key, value):
    server = launch()
    server.settings[key] = value
    return server


def test_a_wrong_file_names_its_line(launch):
    server = launch()
    folder = server.folder / "config"
    folder.mkdir()
    (folder / "base.yaml").write_text("service:\n  name: test\nhttp:\n  lisen: ['127.0.0.1:0']\n")
    done = server.run("serve", SLIPWAY_CONFIG=str(folder))
    assert done.returncode == 78 and "base.yaml:4" in done.stderr + done.stdout, done.stderr + done.stdout


def test_keys_that_retire_before_their_tokens(launch):
    server = launch()
    server.settings.update({"auth.keys.retire_after": "5m", "auth.tokens.lifetime": "15m"})
    server.refuses(78, "auth.keys.retire_after", "auth.tokens.lifetime")


def test_an_unreachable_database(launch):
    server = launch()
    server.settings.update({"database.url": "postgres://nobody@127.0.0.1:1/none", "database.connect_attempts": "1", "database.connect_timeout": "1s"})
    server.refuses(69)


def test_a_database_in_a_folder_that_is_not_there(launch):
    server = launch()
    server.settings["database.url"] = f"sqlite:{server.folder}/file.txt/app.db"
    (server.folder / "file.txt").write_text("no folder")
    done = server.run("serve")
    assert done.returncode in (69, 73, 77), done.stderr + done.stdout


def test_a_file_that_is_no_database(launch):
    server = launch()
    (server.folder / "rubbish.db").write_bytes(b"this is no database" * 100)
    server.settings["database.url"] = f"sqlite:{server.folder}/rubbish.db"
    done = server.run("serve")
    assert done.returncode in (65, 69), done.stderr + done.stdout


def test_secrets_are_masked_where_settings_are_shown(launch):
    server = launch()
    server.settings["database.url"] = "postgres://somebody:hunter2hunter2@127.0.0.1:1/none"  # not a secret
    done = server.run("config", "show")
    assert done.returncode == 0 and "hunter2" not in done.stdout + done.stderr


LOOKING = [("migrate", "status"), ("migrate", "diff"), ("migrate", "down"), ("migrate", "baseline", "1"),
           ("partitions", "status"), ("partitions", "plan"), ("queries", "statements"),
           ("seed",), ("users", "role", "ada@example.com", "admin")]


@pytest.mark.parametrize("words", LOOKING)
def test_what_only_looks_makes_no_database(launch, words):
    server = launch(migrate=False, environment="development")
    file = server.folder / "test.db"
    server.refuses(65, f"there is no database at {file}", command=words)
    assert not file.exists()


def test_the_plan_of_a_database_that_is_not_there_is_all_of_it(launch):
    server = launch(migrate=False, settings={"migrations.at_start": "false"})
    file = server.folder / "test.db"
    plan = succeeded(server.run("migrate", "plan"))
    assert plan.startswith(f"-- there is no database at {file} yet"), plan
    assert not list(server.folder.glob("test.db*"))
    done = subprocess.run(["sqlite3", "-bail", file], input=plan, capture_output=True, text=True)
    assert done.returncode == 0 and "notes" in server.sql("select group_concat(name) from sqlite_schema"), done.stderr
    file.unlink()
    succeeded(server.run("migrate", "up"))
    assert "nothing is pending" in succeeded(server.run("migrate", "plan"))


@pytest.mark.parametrize("words", [("migrate", "plan"), ("migrate", "status"), ("migrate", "diff"), ("seed",)])
def test_a_database_in_memory_is_there_whoever_looks(launch, words):
    done = launch(migrate=False, environment="development").run(*words, "--set", "database.url=sqlite::memory:")
    said = done.stdout + done.stderr
    assert done.returncode == {"diff": 65, "seed": 65}.get(words[-1], 0) and "cannot" not in said, said  # 65: nothing is migrated there


@pytest.mark.parametrize("words", [("up", "--to", "x"), ("up", "--to", "0"), ("up", "--to=-1"), ("baseline", "x")])
def test_a_version_that_is_none_is_told_in_a_line(launch, words):
    done = launch(migrate=False).run("migrate", *words)
    assert done.returncode == 64 and "999999999" in done.stderr and len(done.stderr) < 300, done.stderr


SHOWING = [("version",), ("--version",), ("--help",), ("routes",), ("openapi",), ("errors",), ("config", "show"),
           ("config", "check"), ("config", "schema"), ("config", "reference"), ("migrate", "status"), ("migrate", "plan")]


@pytest.mark.parametrize("words", SHOWING)
@pytest.mark.parametrize("to, reason", [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")])
def test_output_that_cannot_be_written_is_no_success(launch, words, to, reason):
    server = launch()
    server.under = ["sh", "-c", f'exec "$@" {to}', "sh"]
    said = server.refuses(73, " cannot be written", command=words)
    assert reason in said or words == ("--version",), said  # which is flushed by the library, whose errno is gone


def test_closed_descriptors_do_not_become_files(launch):
    """What is opened first would be standard error else, and be written over by what is said there."""
    server = launch(migrate=False)
    server.under = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    assert server.run("migrate", "up").returncode == 73, "it said what it did, and nobody saw it"
    server.under = []
    assert server.run("migrate", "status").stdout.count(" applied ") > 3
    server.start().person()


def test_a_password_that_cannot_be_shown_is_nobodys(launch):
    server = launch(environment="development")
    server.under = ["sh", "-c", 'exec "$@" >/dev/full', "sh"]
    server.refuses(73, "No space left on device", command=("seed",))
    assert server.sql("select count(*) from users") == "0"
    server.under = []
    assert "password: " in server.run("seed").stdout


def permissions(person):
    return person.client.get("/v1/users").status_code


def test_the_first_administrator(server, person):
    """As docs/operations.md says it: who has signed up is given the role by a command."""
    assert permissions(person) == 403
    done = server.run("users", "role", person.email.upper(), "admin")
    assert done.returncode == 0 and f"{person.email} is admin now, and was member" in done.stdout, done.stdout + done.stderr
    assert permissions(person) == 403, "a token that was given out before holds as it is"
    tokens = person.client.post("/v1/auth/refresh", json={"refresh_token": person.tokens["refresh_token"]}).json()
    person.client.headers["authorization"] = f"Bearer {tokens['access_token']}"
    assert permissions(person) == 200
    again = server.run("users", "role", person.email, "admin")
    assert again.returncode == 0 and "already" in again.stdout
    assert server.run("users", "role", person.email, "member").returncode == 0
    person.log_in()
    assert permissions(person) == 403
    server.refuses(65, "there is no account nobody@example.com", command=("users", "role", "nobody@example.com", "admin"))
    server.refuses(64, "admin", "member", command=("users", "role", person.email, "root"))


def test_every_setting_as_a_commented_file_is_the_defaults(launch):
    server = launch()
    folder = server.own_configuration()
    defaults = succeeded(server.run("config", "show"))
    text = succeeded(server.run("config", "reference", "--yaml"))
    assert text.count("#") > 200 and "listen:" in text
    (folder / "base.yaml").write_text(text)
    succeeded(server.run("config", "check"))
    assert succeeded(server.run("config", "show")) == defaults


def test_both_ways_to_set_a_setting_on_the_command_line_are_one(launch):
    server = launch()
    del server.settings["http.listen"]
    plain, one, other = (succeeded(server.run("config", "show", *words))
                         for words in ([], ["--http.listen=127.0.0.1:4711"], ["--set", "http.listen=127.0.0.1:4711"]))
    assert one == other != plain and "127.0.0.1:4711" in one
