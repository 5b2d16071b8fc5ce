"""What the machine refuses: room, permissions, descriptors, randomness, a steady clock. Each has a clear sentence and
the exit code of docs/operations.md, and what can be outlived is outlived."""

import contextlib
import email.utils
import glob
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from machine import as_anybody, private_mount
from processes import wait_until

CANNOT_CREATE, OS, PERMISSION, DATA = 73, 71, 77, 65


@contextlib.contextmanager
def mode(path, bits):
    before = os.stat(path).st_mode
    os.chmod(path, bits)
    try:
        yield
    finally:
        os.chmod(path, before)


@pytest.fixture
def volume(tmp_path):
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("size", ["16k", "64k"])
def test_a_disk_without_room_for_the_database(launch, volume, size):
    """Neither for the empty file, nor for the tables."""
    server = launch(migrate=False, under=private_mount(volume, size), settings={"database.url": f"sqlite:{volume}/app.db"})
    server.refuses(CANNOT_CREATE, f"{volume}/app.db", "room", command=("migrate", "up"))


class Mounted:
    """The small file system as its server sees it."""

    def __init__(self, server, folder):
        self.root = Path(f"/proc/{server.process.pid}/root{folder}")
        self.ballast = self.root / "ballast"

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (65536, 4096):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass

    def empty(self):
        self.ballast.unlink()


def test_a_disk_that_fills_up_while_serving(launch, volume):
    """Writes are refused with 503, reads go on, nothing that was answered is lost, and with room all is well."""
    under = private_mount(volume, "3m")
    server = launch(migrate=False, settings={"database.url": f"sqlite:{volume}/app.db"})
    # Both commands share one mount: the tables are made where they are used.
    server.under = [*under[:-2], under[-2].replace('exec "$@"', '"$1" migrate up && exec "$@"'), under[-1]]
    server.start()
    person = server.person()
    kept = [person.note(title=f"before {i}").json()["id"] for i in range(5)]
    mounted = Mounted(server, volume)
    mounted.fill()

    def refusal():
        answer = person.client.post("/v1/notes", json={"title": "no room", "body": "x" * 20000})
        if answer.status_code == 201:
            kept.append(answer.json()["id"])
            mounted.empty()
            mounted.fill()
            return None
        return answer

    refused = wait_until(refusal, what="the disk to be full")
    assert refused.status_code == 503, refused.text
    assert refused.headers["content-type"] == "application/problem+json" and int(refused.headers["retry-after"]) > 0
    assert str(volume) not in refused.text and "SQLite" not in refused.text
    assert person.client.get(f"/v1/notes/{kept[0]}").status_code == 200
    assert person.client.get("/health/live").status_code == 200
    assert any("room" in str(line) for line in server.log_lines())
    mounted.empty()
    wait_until(lambda: person.client.post("/v1/notes", json={"title": "room again", "body": ""}).status_code == 201, what="writes to succeed")
    items = person.client.get("/v1/notes", params={"limit": 100}).json()["items"]
    assert set(kept) <= {note["id"] for note in items}


def test_a_database_whose_file_is_taken_away_while_serving(launch):
    server = launch().start()
    person = server.person()
    file, aside = server.folder / "test.db", server.folder / "aside.db"

    def ready():
        return httpx.get(f"{server.operator_url}/health/ready").status_code

    file.rename(aside)
    refused = person.client.post("/v1/notes", json={"title": "for nobody", "body": ""})
    assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0, refused.text
    wait_until(lambda: ready() == 503, what="readiness to tell")
    assert any("was moved or removed while in use; put it back or restart" in str(line) for line in server.log_lines())
    aside.rename(file)
    assert person.note().status_code == 201
    wait_until(lambda: ready() == 200, what="readiness to come back")


def test_a_log_that_finds_no_room(launch, volume):
    """Requests are served on, standard error tells, and what was kept in memory is written when there is room."""
    server = launch(settings={"log.output": f"{volume}/server.log"})
    server.under = private_mount(volume, "256k")
    server.start()
    mounted = Mounted(server, volume)
    mounted.fill()
    with server.client() as client:
        for number in range(40):
            assert client.get("/version", headers={"x-request-id": f"no-room-{number}-{'y' * 100}"}).status_code == 200
        wait_until(lambda: f"cannot write the log file {volume}/server.log: No space left on device" in server.log(), what="a word about it")
        mounted.empty()
        wait_until(lambda: "no-room-39-" in (mounted.root / "server.log").read_text(), what="the lines to be written")
    assert server.log().count("cannot write the log file") == 1


def test_a_log_on_a_full_device(launch):
    server = launch(settings={"log.output": "/dev/full"}).start()
    with server.client() as client:
        assert client.get("/version").status_code == 200
    wait_until(lambda: "cannot write the log file /dev/full" in server.log(), what="a word about it")
    assert server.metrics()["log_write_failures_total"] >= 1
    server.stop()


def test_a_database_that_may_not_be_read(launch):
    server = launch(under=as_anybody())
    with mode(server.folder / "test.db", 0o000):
        server.refuses(PERMISSION, "test.db", "Permission denied", "owner or mode")


def test_a_database_that_may_not_be_written(launch):
    """It would be opened all the same, and every write would fail later."""
    server = launch(under=as_anybody())
    for beside in ("-wal", "-shm"):
        Path(f"{server.folder}/test.db{beside}").unlink(missing_ok=True)
    with mode(server.folder / "test.db", 0o400):
        server.refuses(PERMISSION, "test.db", "owner or mode")
        server.refuses(PERMISSION, "test.db", "owner or mode", command=("migrate", "up"))


def test_a_folder_that_may_not_be_written(launch):
    """SQLite needs to write beside its file; the signing keys and the log need a place as well."""
    server = launch(under=as_anybody())
    closed = server.folder / "closed"
    closed.mkdir()
    shutil.copy(server.folder / "test.db", closed / "test.db")
    with mode(closed, 0o500):
        for change, word in [({"SLIPWAY_DATABASE__URL": f"sqlite:{closed}/new.db"}, "new.db"), ({"SLIPWAY_DATABASE__URL": f"sqlite:{closed}/test.db"}, "test.db"),
                             ({"SLIPWAY_AUTH__KEYS__DIRECTORY": f"{closed}/keys"}, "closed/keys"), ({"SLIPWAY_LOG__OUTPUT": f"{closed}/log"}, "closed/log"),
                             ({"SLIPWAY_HTTP__LISTEN": f"unix:{closed}/socket"}, "closed/socket")]:
            server.refuses(PERMISSION, word, "Permission denied", **change)
        server.refuses(PERMISSION, "closed/ready", command=("serve", "--ready-file", f"{closed}/ready"))


def test_keys_that_may_not_be_read_or_that_anybody_may_read(launch):
    server = launch(under=as_anybody())
    server.start()
    server.stop()
    key = Path(glob.glob(f"{server.folder}/var/keys/*.pem")[0])
    with mode(key, 0o000):
        server.refuses(PERMISSION, key.name, "owner or mode")
    with mode(key, 0o644):
        server.refuses(PERMISSION, key.name, "chmod 600")


def test_a_port_that_is_for_root(launch):
    start = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if start < 2:
        pytest.skip("here everybody may take every port")
    launch(under=as_anybody(), settings={"http.listen": f"127.0.0.1:{start - 1}"}).refuses(PERMISSION, str(start - 1), "CAP_NET_BIND_SERVICE")


def test_a_database_that_is_damaged(launch):
    server = launch()
    file = server.folder / "test.db"
    file.write_bytes(file.read_bytes()[:1000] + b"\xff" * 20000)
    server.refuses(DATA, "test.db")


def test_hardly_any_descriptors(launch):
    server = launch()
    server.under = ["sh", "-c", 'ulimit -n 12 && exec "$@"', "sh"]
    # The check of virtual tables wants a pipe for each look, and takes its lack for a broken object.
    exceptions = server.folder / "ubsan.supp"
    exceptions.write_text("vptr_check:*\n")
    try:
        server.refuses(OS, "Too many open files", "ulimit -n", UBSAN_OPTIONS=f"suppressions={exceptions}")
    except AssertionError as error:
        if "invalid vptr" in str(error):
            pytest.skip("the sanitizer itself needs a descriptor here: run this on a binary without one")
        raise


def test_hardly_any_threads(launch):
    """Whichever part is the first that gets none: the service ends with a word about it, and none waits for ever."""
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("prlimit"):
        pytest.skip("needs root, setpriv and prlimit (util-linux): the threads of a user of its own are counted")
    server = launch(settings={"runtime.hashing_threads": "8", "runtime.shards": "2"})
    user = 100_000 + os.getpid()
    # Where the project is in root's home, nobody else may read its configuration or run the binary there.
    server.configuration = shutil.copytree(server.configuration, server.folder / "config")
    for path in [server.folder, *server.folder.rglob("*")]:
        os.chown(path, user, user)
    # Looking for leaks takes one more process at the end.
    original = server.variables
    server.variables = lambda: {**original(), "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}
    them = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    server.under = them
    server.binary = shutil.copy2(server.binary, server.folder)
    if (tried := server.run("version")).returncode != 0:
        pytest.skip(f"another user may not run the binary: {tried.stderr.strip()}")
    refused = 0
    for allowed in range(1, 60):
        server.under = [*them, "prlimit", f"--nproc={allowed}"]
        try:
            server.start()
            break
        except AssertionError as error:
            assert str(error).startswith(f"the server ended with {OS}") and "ulimit -u" in str(error), f"{allowed} threads: {error}"
            refused += 1
    assert refused > 10 and "Sanitizer" not in server.log(), server.log()
    server.stop()


def test_no_randomness(launch):
    """The kernel refuses getrandom(2), as a seccomp profile that is too strict does."""
    without = [sys.executable, Path(__file__).parent / "without_randomness.py"]
    if (tried := subprocess.run([*without, "true"], capture_output=True, text=True)).returncode != 0:
        pytest.skip(f"system calls cannot be filtered here: {tried.stderr.strip().splitlines()[-1:]}")
    server = launch(settings={"auth.keys.create": "true"})
    server.under = [str(word) for word in without]
    server.refuses(OS, "getrandom", "entropy")


class Clock:
    """The wall clock as the server sees it, in seconds beside the real one."""

    def __init__(self, folder):
        self.file, library = folder / "moved_by", folder / "moved_clock.so"
        compiler = shutil.which("clang-19") or shutil.which("cc")
        if not compiler:
            pytest.skip("no C compiler is installed, so the clock cannot be moved")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).parent / "moved_clock.c"], check=True)
        self.set(0)
        self.under = ["env", f"LD_PRELOAD={library}", f"MOVED_CLOCK={self.file}"]

    def set(self, seconds):
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:  # in place: it is mapped
            file.write(struct.pack("q", seconds))


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def date_of(server):
    with server.client() as client:
        return email.utils.parsedate_to_datetime(client.get("/version").headers["date"]).timestamp()


THREE_HOURS = 3 * 3600


@pytest.mark.parametrize("offset", [THREE_HOURS, -THREE_HOURS])
def test_the_clock_jumps(launch, clock, offset):
    """Tokens keep to the wall clock; connections, timers and limits do not notice."""
    server = launch()
    server.under = clock.under
    server.start()
    person = server.person()
    before = [person.note(title=f"before {i}").json()["id"] for i in range(3)]
    idle = server.client()
    assert idle.get("/version").status_code == 200
    clock.set(offset)
    wait_until(lambda: abs(date_of(server) - time.time() - offset) < 60, what="the server to see the new time")
    assert idle.get("/version").status_code == 200, "a connection lives by the monotonic clock"
    old = person.client.get("/v1/notes")
    assert old.status_code == 401, "a token of 15 minutes is too old, or not yet valid"
    assert person.log_in().client.get("/v1/notes").status_code == 200
    made = person.note(title="after").json()["id"]
    assert made not in before
    items = person.client.get("/v1/notes", params={"limit": 100}).json()["items"]
    assert {note["id"] for note in items} == {*before, made}
    with server.client() as client:
        assert client.get("/health/ready").status_code == 200
    clock.set(0)
    wait_until(lambda: abs(date_of(server) - time.time()) < 60, what="the server to see the old time")
    assert person.log_in().note(title="back").status_code == 201
    # And from the start, with keys and rows from another time.
    server.stop()
    clock.set(offset)
    server.start()
    fresh = server.person()
    assert fresh.note().status_code == 201


def test_the_limits_do_not_follow_the_wall_clock(launch, clock):
    server = launch(settings={"limits.enabled": "true", "limits.requests": "5", "limits.window": "10m"})
    server.under = clock.under
    server.start()
    with server.client() as client:
        def limited():
            return client.get("/version").status_code == 429

        wait_until(limited, what="the limit")
        for offset in (THREE_HOURS, -THREE_HOURS):
            clock.set(offset)
            wait_until(lambda: abs(date_of(server) - time.time()) > 3600, what="the server to see the new time")
            answer = client.get("/version")
            assert answer.status_code == 429
            assert 0 < int(answer.headers["retry-after"]) <= 600
