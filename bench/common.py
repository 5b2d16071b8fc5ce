"""What the measurements share: the database, starting servers, CPU time, wrk."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from databases import Postgres  # noqa: E402  (the path comes first)
from processes import free_port, temporary_folder, wait_until  # noqa: E402  (the path comes first)

PEERS = ROOT / "bench/peers"
TICKS = os.sysconf("SC_CLK_TCK")
FORTUNES = [
    "fortune: No such file or directory", "A computer scientist is someone who fixes things that aren't broken.",
    "After enough decimal places, nobody gives a damn.", "A bad random number generator: 1, 1, 1, 1, 1, 4.33e+67, 1, 1, 1",
    "A computer program does what you tell it to do, not what you want it to do.", "Emacs is a nice operating system, but I prefer UNIX.",
    "Any program that runs right is obsolete.", "A list is only as strong as its weakest link.", "Feature: A bug with seniority.",
    "Computers make very fast, very accurate mistakes.", "<script>alert('This should not run.');</script>", "フレームワークのベンチマーク",
]


# Autovacuum would clean up after one server while another is measured: data.py says when it is done.
SCHEMA = """
create table world (id integer primary key, random_number integer not null) with (autovacuum_enabled = off);
insert into world select i, 1 + (random() * 9999)::integer from generate_series(1, 10000) i;
create table fortune (id integer primary key, message text not null);
create table author (id integer primary key, name text not null);
insert into author select i, 'Author ' || i from generate_series(1, 100) i;
create table book (id integer primary key, author_id integer not null references author, title text not null, pages integer not null);
insert into book select i, i % 100 + 1, 'The ' || i || 'th book of the library', i % 900 from generate_series(1, 10000) i;
create index on book (author_id);
create table account (id integer primary key, balance bigint not null) with (autovacuum_enabled = off);
insert into account select i, 1000000 from generate_series(1, 10000) i;
create table transfer (id bigserial primary key, account_id integer not null, amount integer not null) with (autovacuum_enabled = off);
create table entry (id bigserial primary key, owner_id integer not null, title text not null) with (autovacuum_enabled = off);
"""


def make_database():
    """A PostgreSQL server with the tables that every peer reads."""
    postgres = Postgres(temporary_folder("bench"))
    name = "bench"
    postgres.query("postgres", f"create database {name}")
    quoted = ", ".join(f"({i + 1}, '{text.replace(chr(39), chr(39) * 2)}')" for i, text in enumerate(FORTUNES))
    postgres.query(name, f"{SCHEMA}; insert into fortune values {quoted}; analyze")
    return postgres, name


def prepare(name, out, postgres, database):
    """What the peer says it is, or why it cannot be measured."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    print(f"    {name} ...", flush=True)
    try:
        done = subprocess.run([str(PEERS / name / "prepare")], env=peer_environment(name, out, postgres, database), capture_output=True, text=True,
                              timeout=1800, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return None, "its build took more than half an hour"
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return done.stdout.strip().splitlines()[-1], None


def prepare_all(names, out, postgres, database):
    """(what each says it is, why others are absent)"""
    print("==> Preparing the peers", flush=True)
    versions, absent = {}, {}
    for name in names:
        said, why = prepare(name, out, postgres, database)
        if why:
            absent[name] = why
            print(f"    SKIPPED {name}: {why}", flush=True)
        else:
            versions[name] = said
    return versions, absent


def peer_environment(name, out, postgres, database, **more):
    return clean_environment(OUT=str(out / name), DATABASE_URL=postgres.url(database), PGPORT=str(postgres.port), PGDATABASE=database,
                             PGUSER="postgres", PGHOST="127.0.0.1", **more)


def start_peer(name, out, postgres, database):
    port = free_port()
    return Running(name, [str(PEERS / name / "start")], port, peer_environment(name, out, postgres, database, PORT=str(port)))


def start_slipway(binary, postgres, database, name="slipway", **options):
    port, folder = free_port(), temporary_folder("slipway")
    return Running(name, slipway_arguments(binary, port, postgres.url(database), folder, **options), port, clean_environment(), cwd=folder)


def slipway_arguments(binary, port, url, folder, sample=100):
    return [str(Path(binary).resolve()), f"--http.listen=127.0.0.1:{port}", f"--database.url={url}", "--runtime.shards=1", "--limits.enabled=true",
            "--limits.requests=1000000000", "--limits.window=1s", f"--auth.keys.directory={folder}/keys", f"--log.access.sample={sample}",
            f"--log.output={folder}/access.log", "--log.format=json"]


def clean_environment(**more):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLIPWAY_", "DEV_"))}
    return {**inherited, "SLIPWAY_ENVIRONMENT": "test", "SLIPWAY_CONFIG": str(ROOT / "config"), **more}


class Running:
    """A server on one core, in a process group of its own."""

    def __init__(self, name, arguments, port, environment, core=0, cwd=None, patience=60):
        self.name, self.port, self.folder = name, port, cwd
        self.output = open(temporary_folder("log") / f"{name}.log", "wb")
        self.process = subprocess.Popen(["taskset", "-c", str(core), *arguments], env=environment, cwd=cwd, stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True)
        wait_until(self._accepts, seconds=patience, what=f"{name} to accept")

    def _accepts(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {Path(self.output.name).read_text(errors='replace')[-800:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def cpu_seconds(self):
        return cpu_of(self.process.pid)

    def resident(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024

    def forget_log(self):
        """The log of a round in which every request is logged takes gigabytes, and nobody reads it."""
        if self.folder and (log := Path(self.folder) / "access.log").exists():
            os.truncate(log, 0)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.output.close()


def times_of(pid):
    """(parent, its own ticks, those of its children that have ended) or None."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def cpu_of(pid):
    """Seconds of it and its children, those that have ended too. Read again when one has ended meanwhile."""
    while True:
        _, own, ended = times_of(pid)
        others = [times for each in os.listdir("/proc") if each.isdigit() and (times := times_of(each))]
        if times_of(pid)[2] == ended:
            return (own + ended + sum(ticks for parent, ticks, _ in others if parent == pid)) / TICKS


PIPELINE = """
init = function(args)
  local one = wrk.format(nil, wrk.path)
  request_text = string.rep(one, 16)
end
request = function() return request_text end
"""


def wrk(port, path, connections, seconds, pipelined=False, core=1, latency=False):
    """(requests, seconds, p99 in ms) of one run; raises when an answer was wrong."""
    script = None
    arguments = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    if latency:
        arguments.append("--latency")
    if pipelined:
        script = temporary_folder("wrk") / "pipeline.lua"
        script.write_text(PIPELINE)
        arguments += ["-s", str(script)]
    done = subprocess.run([*arguments, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, timeout=seconds + 60)
    text = done.stdout
    if done.returncode != 0:
        raise RuntimeError(f"wrk: {done.stderr or text}")
    if wrong := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
        raise RuntimeError(f"{wrong[1]} answers were no success")
    if lost := re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", text):
        if sum(map(int, lost.groups())) > connections:
            raise RuntimeError(lost[0])
    count, took = re.search(r"(\d+) requests in ([\d.]+)(s|m)", text).group(1, 2)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    scale = {"us": 0.001, "ms": 1, "s": 1000}
    return int(count), float(took), float(p99[1]) * scale[p99[2]] if p99 else None


def paced(port, path, connections, a_second, seconds, core=1):
    """(requests, seconds) of a run at a rate; raises when an answer was wrong. Fewer when the server cannot hold it."""
    done = subprocess.run(["taskset", "-c", str(core), "h2load", "--h1", "-t1", f"-c{connections}", f"-D{seconds}",
                           f"--rps={a_second / connections}", f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(f"h2load: {done.stderr or done.stdout}")
    good, failed = (int(re.search(rf"(\d+) {what}", done.stdout)[1]) for what in ("2xx", "failed"))
    if failed > connections:  # those under way at the end may count as failed
        raise RuntimeError(f"{failed} requests failed")
    return good, float(seconds)


def machine():
    """One line about where the numbers come from."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{model[1] if model else 'unknown processor'}, {os.cpu_count()} cores, Linux {os.uname().release}, {time.strftime('%Y-%m-%d')}"
