"""What `config check` finds is what `serve` refuses: everything at once, each with its place, before anything is done."""

import sqlite3

import pytest

WRONG = {
    "listen": ("http: { listen: ['127.0.0.1:99999'] }", "http.listen has '127.0.0.1:99999'"),
    "listen without a host": ("http: { listen: ['8080'] }", "http.listen has '8080'"),
    "operators": ("operations: { listen: ['8081'] }", "operations.listen has '8081'"),
    "proxies": ("http: { trusted_proxies: ['10.0.0.0/33'] }", "http.trusted_proxies: "),
    "hosts": ("http: { hosts: ['https://example.com'] }", "http.hosts has 'https://example.com'"),
    "a family of hosts": ("http: { hosts: ['*.example.com'] }", "http.hosts has '*.example.com'"),
    "certificates": ("http: { tls: { certificate_file: no.crt, key_file: no.key } }", "http.tls.certificate_file: cannot use 'no.crt'"),
    "a key alone": ("http: { tls: { key_file: own.key } }", "http.tls.key_file is of no use without its certificate"),
    "names alone": ("http: { tls: { hosts: [{ name: a.example, certificate_file: a.crt, key_file: a.key }] } }", "http.tls.hosts are certificates beside the first"),
    "version": ("http: { tls: { minimum_version: '1.1' } }", "http.tls.minimum_version is '1.1': write 1.2 or 1.3"),
    "database": ("database: { url: var/app.db }", "database.url: 'var/app.db' names no engine"),
    "no file": ("database: { url: 'sqlite:' }", "database.url: the file's name is missing"),
    "postgres": ("database: { url: 'postgres://a@b@c/d' }", "database.url: this is no URL for PostgreSQL"),
    "mariadb": ("database: { url: 'mysql://root@localhost/' }", "database.url: the database's name is missing"),
    "replicas": ("database: { url: 'postgres://a@b/c', replicas: ['postgres://a@b,c/d'] }", "database.replicas[0]: name one server here"),
    "documents": ("documents: { url: 'http://a/b' }", "documents.url: 'http://a/b' names no store"),
    "redis": ("redis: { url: 'http://a' }", "redis.url"),
    "store": ("limits: { store: redis }", "limits.store is redis, and redis.url is empty"),
    "window": ("limits: { window: 1999ms }", "limits.window is 1999ms: write whole seconds"),
    "origin": ("browser: { cors_origins: ['https://a.example/'] }", "browser.cors_origins: CORS: \"https://a.example/\" is not an origin"),
    "everyone": ("browser: { cors_origins: ['*'], cors_credentials: true }", "browser.cors_origins: CORS: \"*\" together with credentials"),
    "front end": ("web: { folder: nowhere }", "web.folder: The directory of static files \"nowhere\" cannot be opened"),
    "policy": ("web: { folder: '.', content_security_policy: \"a\\nb\" }", "web.content_security_policy holds a control character"),
    "keys": ("auth: { keys: { retire_after: 5m }, tokens: { lifetime: 15m } }", "auth.keys.retire_after (5m) must be longer"),
    "passwords": ("auth: { passwords: { memory_kib: 8, lanes: 16 } }", "auth.passwords: argon2 cannot run"),
    "nodes": ("sharding: { nodes: [{ name: one, url: var/one.db }] }", "sharding.nodes, one: database.url: 'var/one.db' names no engine"),
    "migrations": ("migrations: { directory: nowhere }", "migrations.directory"),
}


@pytest.fixture
def wrong(launch):
    def make(text):
        server = launch(migrate=False)
        for key in ("database.url", "http.listen", "operations.listen"):
            del server.settings[key]  # so that the file's stand
        server.own_configuration(base=f"# the first line\n{text}\n")
        return server
    return make


@pytest.mark.parametrize("what", WRONG)
def test_what_serve_refuses_is_found_by_check(wrong, what):
    text, said = WRONG[what]
    server = wrong(text)
    for command in (("config", "check"), ("serve",)):
        found = server.refuses(78, "base.yaml:2: " + said, command=command)
        assert "a problem with the configuration" in found, found


def test_everything_is_said_at_once_and_nothing_is_migrated(wrong):
    file = wrong("").folder / "untouched.db"
    sqlite3.connect(file).close()
    lines = ["http: { listen: ['8080', '127.0.0.1:0'], trusted_proxies: ['10.0.0.0/33'], hosts: ['a b'], max_head: 1 }",
             f"database: {{ url: 'sqlite:{file}' }}", "migrations: { at_start: true }", "limits: { store: redis, window: 1500ms }",
             "browser: { cors_origins: ['https://a.example/', 'b.example', 'https://c.example'] }",
             "web: { folder: nowhere, content_security_policy: \"a\\nb\" }"]
    server = wrong("\n".join(lines))
    for command in (("config", "check"), ("serve",)):
        found = server.refuses(78, "10 problems with the configuration", command=command)
        for place in ("2: http.listen has '8080'", "2: http.trusted_proxies", "2: http.hosts has 'a b'", "http.max_head",
                      "5: limits.window is 1500ms", "5: limits.store", "6: browser.cors_origins: CORS: \"https://a.example/\"",
                      "6: browser.cors_origins: CORS: \"b.example\"", "7: web.folder", "7: web.content_security_policy"):
            assert place in found, found
    assert file.read_bytes() == b""
