"""Starts what the tests speak to: the real binary, and a PostgreSQL server of the suite's own."""

import contextlib
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

import httpx

from contract import watch

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("DEV_BINARY", ROOT / "build/debug/cmd/server/slipway"))
ARTIFACTS = ROOT / "build/artifacts"
PASSWORD = "correct horse battery staple"  # not a secret
# A debug build with sanitizers on a busy machine is slow; nothing here waits that long when all is well.
PATIENCE = 60


def wait_until(condition, seconds=PATIENCE, what="the condition"):
    """The first true value of `condition()`. Looks again without a fixed rhythm that a test could rely on."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# What the tests of the whole service run on: E2E_DATABASES=sqlite,postgres,mariadb, or some of them.
DATABASES = os.environ.get("E2E_DATABASES", "sqlite,postgres").split(",")


class Postgres:
    """A server in a folder of its own, on loopback, ended with the session."""

    def __init__(self, folder):
        self._prepare(folder)
        subprocess.run([self.bin / "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._as_owner())
        (self.data / "postgresql.auto.conf").write_text(
            f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\n"
            "max_connections = 300\n")
        self.start()

    def _prepare(self, folder):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            raise FileNotFoundError("no PostgreSQL server is installed (/usr/lib/postgresql/*/bin)")
        self.bin = Path(programs[-1])
        self.folder = Path(folder)
        self.port = free_port()
        self.process = None
        # PostgreSQL refuses to run as root, so root runs it as the user that the package made.
        self.owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.data = self.folder / "data"

    def replica(self, folder, slot):
        """A server that streams from this one."""
        made = Postgres.__new__(Postgres)
        made._prepare(folder)
        subprocess.run([self.bin / "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-D", made.data,
                        "-R", "-C", "-S", slot, "-X", "stream", "-c", "fast", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, cwd=made.folder, **made._as_owner())
        with open(made.data / "postgresql.auto.conf", "a") as settings:
            settings.write(f"port = {made.port}\n")
        made.start()
        return made

    def _as_owner(self):
        if not self.owner:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen([self.bin / "postgres", "-D", self.data], cwd=self.folder, stdout=self.log,
                                        stderr=self.log, **self._as_owner())
        wait_until(self._answers, what="PostgreSQL to start")

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended: {(self.folder / 'log').read_text()[-2000:]}")
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0

    def kill(self):
        """Ends it as a crash does: no client is told."""
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE)
        for pid in children.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self.log.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)
        self.log.close()

    def query(self, database, sql):
        done = subprocess.run([self.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                               "-U", "postgres", "-d", database, "-c", sql], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ids(self, database, table):
        return set(self.query(database, f"select id from {table}").split())

    def session(self, database):
        """One connection that stays open, for what a transaction holds."""
        return PsqlSession([self.bin / "psql", "-XqAt", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database])

    def create_database(self):
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.query("postgres", f"create database {name}")
        return name

    def url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"


class PsqlSession:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def execute(self, sql):
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()

    def wait_for(self, word):
        for line in self.process.stdout:
            if word in line:
                return
        raise AssertionError(f"psql ended without saying {word!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate(timeout=PATIENCE)


class Redis:
    """A server in a folder of its own, on loopback."""

    def __init__(self, folder):
        if shutil.which("redis-server") is None:
            raise FileNotFoundError("no Redis is installed (redis-server)")
        self.folder = Path(folder)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
                                             "--dir", str(self.folder)], stdout=log, stderr=log)
        wait_until(lambda: self.cli("ping") == "PONG", what="Redis to start")

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *words], capture_output=True,
                              text=True).stdout.strip()

    def kill(self):
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class FerretDB:
    """A server of MongoDB's protocol in a folder of its own, on loopback: SLIPWAY_TEST_FERRETDB or `ferretdb` in PATH."""

    def __init__(self, folder):
        self.program = os.environ.get("SLIPWAY_TEST_FERRETDB") or shutil.which("ferretdb")
        if not self.program:
            raise FileNotFoundError("no FerretDB: scripts/ferretdb.sh builds it, SLIPWAY_TEST_FERRETDB names it")
        self.folder = Path(folder)
        self.port = free_port()
        self.process = None
        self.start()

    def url(self, database="app"):
        return f"mongodb://127.0.0.1:{self.port}/{database}"

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--handler=sqlite", f"--sqlite-url=file:{self.folder}/", "--log-level=error",
                 f"--listen-addr=127.0.0.1:{self.port}", "--debug-addr=-", "--telemetry=disable", f"--state-dir={self.folder}"],
                stdout=log, stderr=log)
        wait_until(self._answers, what="FerretDB to start")

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def kill(self):
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class MariaDB:
    """A server in a folder of its own, on loopback, ended with the session."""

    def __init__(self, folder):
        if not Path("/usr/sbin/mariadbd").exists():
            raise FileNotFoundError("no MariaDB server is installed (package mariadb-server)")
        self.folder = Path(folder)
        self.port = free_port()
        self.process = None
        self.owner = pwd.getpwnam("mysql") if os.geteuid() == 0 else None
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.data = self.folder / "data"
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd="/", **self._as_owner())
        self.start()

    def _as_owner(self):
        if not self.owner:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.data}", "--bind-address=127.0.0.1", f"--port={self.port}",
             f"--socket={self.data}/socket", f"--pid-file={self.data}/pid", "--skip-name-resolve", "--max-connections=500",
             "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"],
            cwd="/", stdout=self.log, stderr=self.log, **self._as_owner())
        wait_until(self._answers, what="MariaDB to start")

    def _client(self, *words):
        return subprocess.run(["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(self.port), "-u", "root", "-N", "-B", *words],
                              capture_output=True, text=True)

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"MariaDB ended: {(self.folder / 'log').read_text()[-2000:]}")
        return self._client("-e", "select 1").returncode == 0

    def kill(self):
        """Ends it as a crash does: no client is told."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.log.close()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.log.close()

    def query(self, database, sql):
        # The same dialect as the service's own sessions.
        done = self._client("-D", database, "-e", f"set sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; {sql}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().replace("\t", "|")

    def ids(self, database, table):
        return {str(uuid.UUID(each)) for each in self.query(database, f"select hex(id) from {table}").split()}

    def create_database(self):
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.query("mysql", f"create database {name}")
        return name

    def url(self, database):
        return f"mysql://root@127.0.0.1:{self.port}/{database}"


class Server:
    """One running service with its own folder, database and ports."""

    def __init__(self, folder, settings=None, postgres=None, migrate=True, environment="test", binary=None, under=()):
        self.binary = binary or BINARY
        self.under = [str(word) for word in under]  # a command that runs the binary, such as setpriv with its flags
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres = postgres
        self.database = postgres.create_database() if postgres else None
        self.ready_file = self.folder / "ready.json"
        self.log_file = self.folder / "server.log"
        self.settings = {
            "http.listen": "127.0.0.1:0",
            "operations.listen": "127.0.0.1:0",
            "database.url": postgres.url(self.database) if postgres else f"sqlite:{self.folder / 'test.db'}",
            "log.access.sample": "1",
            "log.format": "json",
            "notes.import_size": "1MB",  # so that little is enough to be too much
        }
        self.settings.update(settings or {})
        self.environment = environment
        self.process = None
        if migrate:
            done = self.run("migrate", "up")
            assert done.returncode == 0, f"migrate up: {done.returncode}\n{done.stdout}{done.stderr}"

    def variables(self):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        inherited["SLIPWAY_ENVIRONMENT"] = self.environment
        inherited["SLIPWAY_CONFIG"] = str(ROOT / "config")
        inherited.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
        inherited.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        for name, value in self.settings.items():
            inherited["SLIPWAY_" + name.replace(".", "__").upper()] = value
        return inherited

    def run(self, *arguments, timeout=PATIENCE, **variables):
        """Another command of the same binary, with the same settings."""
        return subprocess.run([*self.under, str(self.binary), *arguments], cwd=self.folder, env={**self.variables(), **variables},
                              capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def refuses(self, code, *words, command=("serve",), **variables):
        """The command ends by itself with that exit code and one sentence that has these words."""
        done = self.run(*command, **variables)
        text = done.stdout + done.stderr
        assert done.returncode == code, f"{done.returncode}: {text}"
        for word in words:
            assert word in done.stderr, text
        assert "Sanitizer" not in text and "terminate called" not in text
        return done.stderr

    def start(self, *arguments):
        self.ready_file.unlink(missing_ok=True)
        self.output = open(self.log_file, "ab")
        self.process = subprocess.Popen([*self.under, str(self.binary), "serve", "--ready-file", str(self.ready_file), *arguments],
                                        cwd=self.folder, env=self.variables(), stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT)
        addresses = wait_until(self._addresses, what="the server to be ready")
        self.url = f"http://{addresses['http'][0]}"
        self.operator_url = f"http://{addresses['operator'][0]}" if addresses.get("operator") else self.url
        host, _, port = addresses["http"][0].rpartition(":")
        self.address = (host.strip("[]"), int(port))
        return self

    def _addresses(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()[-4000:]}")
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads(self.ready_file.read_text())

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_lines(self):
        """What was logged as JSON; lines that are none (a sanitizer's report) are left out."""
        for line in self.log().splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)

    def stop(self, signal_number=signal.SIGTERM, expect=0):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop within {PATIENCE} s\n{self.log()[-3000:]}")
        finally:
            self.output.close()
            self.process = None
        assert code == expect, f"exit code {code}\n{self.log()[-4000:]}"

    def metrics(self):
        """Every series with its labels, and its value."""
        text = httpx.get(f"{self.operator_url}/metrics", timeout=30).text
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}

    def sql(self, statement):
        """Looks into the database from outside."""
        if self.postgres:
            return self.postgres.query(self.database, statement)
        done = subprocess.run(["sqlite3", "-cmd", ".timeout 5000", self.folder / "test.db", statement], capture_output=True,
                              text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def client(self, **more):
        """A client with a loopback address of its own, so that limits by address do not couple tests; every answer is
        held to the OpenAPI document (contract.py)."""
        number = uuid.uuid4().int
        address = f"127.{1 + number % 250}.{number // 250 % 250}.{1 + number // 62500 % 250}"
        more.setdefault("event_hooks", {"response": [watch.hook(self)]})
        return httpx.Client(base_url=self.url, timeout=30, transport=httpx.HTTPTransport(local_address=address), **more)

    def person(self, **more):
        return Person(self, **more)

    def raw(self, data, finish=True):
        """Sends bytes as they are and gives everything that comes back until the server closes."""
        with socket.create_connection(self.address, timeout=20) as peer:
            peer.sendall(data)
            if finish:
                with contextlib.suppress(OSError):  # it may have closed already
                    peer.shutdown(socket.SHUT_WR)
            parts = []
            with contextlib.suppress(ConnectionResetError):
                while part := peer.recv(65536):
                    parts.append(part)
            return b"".join(parts)


class Person:
    """Somebody with an account: `client` is logged in as them."""

    def __init__(self, server, email=None, name="Ada Lovelace", password=PASSWORD):
        self.server = server
        self.email = email or f"user-{uuid.uuid4().hex[:12]}@example.com"
        self.password = password
        self.client = server.client()
        answer = self.client.post("/v1/users", json={"email": self.email, "password": password, "name": name})
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]
        self.log_in()

    def log_in(self):
        answer = self.client.post("/v1/auth/login", json={"email": self.email, "password": self.password})
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        self.client.headers["authorization"] = f"Bearer {self.tokens['access_token']}"
        return self

    def become_admin(self):
        self.server.sql(f"update users set role = 'admin' where email = '{self.email}'")
        return self.log_in()

    def note(self, **more):
        answer = self.client.post("/v1/notes", json={"title": "Groceries", "body": "Bread, butter", **more})
        assert answer.status_code == 201, answer.text
        return answer


class Load:
    """Several clients that ask again and again until told to stop; every answer and every failure is kept."""

    def __init__(self, request, clients=8):
        self.request = request
        self.answers = []
        self.errors = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def _run(self):
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                self.answers.append((begun, self.request()))
            except Exception as error:  # what went wrong is the test's business
                self.errors.append((begun, error))
                if self.stopping.wait(0.01):
                    return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)


def temporary_folder(prefix):
    folder = Path(tempfile.mkdtemp(prefix=f"slipway-{prefix}-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    return folder


def node_tool(name):
    """The command line of a tool from tests/e2e/package.json, or the reason why it cannot be run."""
    modules = Path(__file__).parent / "node_modules"
    script = modules / ".bin" / name
    if name != "node" and not script.exists():
        return None, f"{name} is not installed: npm could not install tests/e2e/package.json (./dev test says why)"
    bundled = glob.glob(str(modules / "node-linux-*" / "bin" / "node"))
    node = bundled[0] if bundled else shutil.which("node")
    if not node:
        return None, "there is no Node.js: npm could not install tests/e2e/package.json"
    return ([node] if name == "node" else [node, str(script.resolve())]), None
