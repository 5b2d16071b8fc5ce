"""The service as it is built, and those who use it: people, and many clients at once."""

import concurrent.futures
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path

import httpx

from contract import watch
from processes import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("DEV_BINARY", ROOT / "build/debug/cmd/server/slipway"))
ARTIFACTS = ROOT / "build/artifacts"
PASSWORD = "correct horse battery staple"  # not a secret
# What the tests of the whole service run on: E2E_DATABASES=sqlite,postgres,mariadb, or some of them.
DATABASES = os.environ.get("E2E_DATABASES", "sqlite,postgres,mariadb").split(",")


def succeeded(done):
    """What a command that ended well wrote."""
    assert done.returncode == 0, f"{done.args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Server:
    """One running service with its own folder, database and ports."""

    def __init__(self, folder, settings=None, postgres=None, migrate=True, environment="test", binary=None, under=()):
        self.binary = binary or BINARY
        self.under = [str(word) for word in under]  # a command that runs the binary, such as setpriv with its flags
        self.folder = Path(folder)
        self.configuration = ROOT / "config"
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
            succeeded(self.run("migrate", "up"))

    def variables(self):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
        inherited["SLIPWAY_ENVIRONMENT"] = self.environment
        inherited["SLIPWAY_CONFIG"] = str(self.configuration)
        inherited.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
        inherited.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        for name, value in self.settings.items():
            inherited["SLIPWAY_" + name.replace(".", "__").upper()] = value
        return inherited

    def own_configuration(self, base="", test=""):
        """The folder of configuration files of its own, with which it runs from here on."""
        self.configuration = self.folder / "config"
        self.configuration.mkdir()
        (self.configuration / "base.yaml").write_text(base)
        (self.configuration / "test.yaml").write_text(test)
        return self.configuration

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
        try:
            addresses = wait_until(self._addresses, what="the server to be ready")
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.output.close()
            self.process = None
            raise
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

    def waiting(self):
        """How many statements wait for a lock (PostgreSQL)."""
        return int(self.sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'"))

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


def new_email():
    return f"user-{uuid.uuid4().hex[:12]}@example.com"


def sign_up(client, **changes):
    return client.post("/v1/users", json={"email": new_email(), "password": PASSWORD, "name": "Ada", **changes})


def refresh(client, token):
    return client.post("/v1/auth/refresh", json={"refresh_token": token})


class Person:
    """Somebody with an account: `client` is logged in as them."""

    def __init__(self, server, email=None, name="Ada Lovelace", password=PASSWORD):
        self.server = server
        self.email = email or new_email()
        self.password = password
        self.client = server.client()
        answer = sign_up(self.client, email=self.email, password=password, name=name)
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


def at_once(*calls):
    """What each of the functions returned, started together."""
    begin = threading.Barrier(len(calls))

    def run(call):
        begin.wait(PATIENCE)
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def while_locked(server, statements, request):
    """What a request is answered that comes while a transaction has done these statements, and waits for its end
    (PostgreSQL)."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool, server.postgres.session(server.database) as other:
        other.execute(f"begin; {statements}; select 'held';")
        other.wait_for("held")
        late = pool.submit(request)
        wait_until(lambda: late.done() or server.waiting() > 0, what="the request to wait")
        assert not late.done(), "it did not wait"
        other.execute("commit;")
        return late.result(PATIENCE)


def burst(servers, email, guesses=24, address="127.8.7.6"):
    """The statuses of so many wrong log-ins at one account, all sent at the same moment from one address."""
    together = threading.Barrier(guesses)

    def guess(number):
        transport = httpx.HTTPTransport(local_address=address)
        with httpx.Client(base_url=servers[number % len(servers)].url, timeout=60, transport=transport) as client:
            client.get("/version")  # connected
            together.wait(PATIENCE)
            return client.post("/v1/auth/login", json={"email": email, "password": f"wrong {number}"}).status_code

    with concurrent.futures.ThreadPoolExecutor(guesses) as pool:
        statuses = list(pool.map(guess, range(guesses)))
    assert set(statuses) <= {401, 429}, statuses
    return statuses


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
