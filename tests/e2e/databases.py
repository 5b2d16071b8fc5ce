"""The databases that the service is tested with: real servers of the tests' own."""

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

from processes import PATIENCE, ChildServer


class SqlServer(ChildServer):
    """What the tests look into from outside; `query` is said by each."""

    def query(self, database, sql):
        raise NotImplementedError

    def create_database(self):
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.query(self.administration, f"create database {name}")
        return name


class Postgres(SqlServer):
    name = "PostgreSQL"
    user = "postgres"
    administration = "postgres"

    def __init__(self, folder):
        self._prepare(folder)
        subprocess.run([self.bin / "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, **self.as_owner())
        (self.data / "postgresql.auto.conf").write_text(
            f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\n"
            "max_connections = 300\n")
        self.start()

    def _prepare(self, folder):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            raise FileNotFoundError("no PostgreSQL server is installed (/usr/lib/postgresql/*/bin)")
        super().__init__(folder)
        self.bin = Path(programs[-1])
        self.data = self.folder / "data"

    def replica(self, folder, slot):
        """A server that streams from this one."""
        made = Postgres.__new__(Postgres)
        made._prepare(folder)
        subprocess.run([self.bin / "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-D", made.data,
                        "-R", "-C", "-S", slot, "-X", "stream", "-c", "fast", "--no-sync"],
                       check=True, stdout=subprocess.DEVNULL, **made.as_owner())
        with open(made.data / "postgresql.auto.conf", "a") as settings:
            settings.write(f"port = {made.port}\n")
        made.start()
        return made

    def command(self):
        return [self.bin / "postgres", "-D", self.data]

    def answers(self):
        return subprocess.run([self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0

    def kill(self):
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(PATIENCE)
        for pid in children.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def shut_down(self):
        self.process.send_signal(signal.SIGINT)

    def _psql(self, database, *words):
        return [self.bin / "psql", "-XqAt", *words, "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]

    def query(self, database, sql):
        done = subprocess.run([*self._psql(database, "-v", "ON_ERROR_STOP=1"), "-c", sql], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def clear(self, database):
        self.query(database, "drop schema public cascade; create schema public")

    def ids(self, database, table):
        return set(self.query(database, f"select id from {table}").split())

    def session(self, database):
        """One connection that stays open, for what a transaction holds."""
        return PsqlSession(self._psql(database))

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


class MariaDB(SqlServer):
    name = "MariaDB"
    user = "mysql"
    administration = "mysql"

    def __init__(self, folder):
        if not Path("/usr/sbin/mariadbd").exists():
            raise FileNotFoundError("no MariaDB server is installed (package mariadb-server)")
        super().__init__(folder)
        self.data = self.folder / "data"
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", f"--tmpdir={self.folder}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, **self.as_owner())
        self.start()

    def command(self):
        # A server that starts removes the temporary tables of all that share its folder for them.
        return ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self.data}", f"--tmpdir={self.folder}", "--bind-address=127.0.0.1", f"--port={self.port}",
                f"--socket={self.data}/socket", f"--pid-file={self.data}/pid", "--skip-name-resolve", "--max-connections=500",
                "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"]

    def _client(self, *words):
        return subprocess.run(["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(self.port), "-u", "root", "-N", "-B", *words],
                              capture_output=True, text=True)

    def answers(self):
        return self._client("-e", "select 1").returncode == 0

    def shut_down(self):
        self.process.terminate()

    def query(self, database, sql):
        # The same dialect as the service's own sessions.
        done = self._client("-D", database, "-e", f"set sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; {sql}")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().replace("\t", "|")

    def clear(self, database):
        self.query(self.administration, f"drop database {database}; create database {database}")

    def ids(self, database, table):
        return {str(uuid.UUID(each)) for each in self.query(database, f"select hex(id) from {table}").split()}

    def url(self, database):
        return f"mysql://root@127.0.0.1:{self.port}/{database}"


class Redis(ChildServer):
    name = "Redis"

    def __init__(self, folder):
        if shutil.which("redis-server") is None:
            raise FileNotFoundError("no Redis is installed (redis-server)")
        super().__init__(folder)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def command(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(self.folder)]

    def cli(self, *words):
        return subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *words], capture_output=True,
                              text=True).stdout.strip()

    def answers(self):
        return self.cli("ping") == "PONG"


class FerretDB(ChildServer):
    """MongoDB's protocol: the program of SLIPWAY_TEST_FERRETDB, or `ferretdb` in PATH."""

    name = "FerretDB"

    def __init__(self, folder):
        self.program = os.environ.get("SLIPWAY_TEST_FERRETDB") or shutil.which("ferretdb")
        if not self.program:
            raise FileNotFoundError("no FerretDB: scripts/ferretdb.sh builds it, SLIPWAY_TEST_FERRETDB names it")
        super().__init__(folder)
        self.start()

    def command(self):
        return [self.program, "--handler=sqlite", f"--sqlite-url=file:{self.folder}/", "--log-level=error",
                f"--listen-addr=127.0.0.1:{self.port}", "--debug-addr=-", "--telemetry=disable", f"--state-dir={self.folder}"]

    def url(self, database="app"):
        return f"mongodb://127.0.0.1:{self.port}/{database}"
