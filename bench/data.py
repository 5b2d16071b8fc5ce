"""The data layer beside what users would otherwise pick, in one interleaved run on one PostgreSQL.

Every way to the database stands behind the same small HTTP endpoints, on one core: Slipway's typed layer, its driver with
SQL by hand, and of each peer the driver and the ORM. Measured are the CPU of the application and that of PostgreSQL's
processes for each request (utime and stime of /proc/PID/stat); the median of the rounds counts. Besides, in their own
processes: reads of SQLite beside its C API, and pipelined GETs beside redis-benchmark.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

from common import ROOT, cpu_of, machine, make_database, prepare_all, start_peer, start_slipway, wrk

OWN, RAW = "slipway", "slipway, SQL by hand"
WAYS = [  # name, the process it is in, where its endpoints begin
    (OWN, "slipway", ""), (RAW, "slipway", "/raw"),
    ("Drogon client", "drogon", ""), ("Drogon ORM", "drogon", "/orm"),
    ("Go pgx", "go", ""), ("Go GORM", "go", "/orm"),
    ("Rust tokio-postgres", "axum", ""), ("Rust sqlx", "axum", "/orm"),
    ("Python asyncpg", "fastapi", ""), ("SQLAlchemy async", "fastapi", "/orm"),
]
SCENARIOS = [  # name, path
    ("one row", "/db"), ("20 rows", "/queries?n=20"), ("20 updates", "/updates?n=20"), ("insert", "/insert"),
    ("eager, 100 children", "/eager"), ("transaction of three", "/transaction"),
]
BETTER, LAYER = 2.0, 1.10  # what is promised beside the best peer, and beside SQL by hand
NOISE = 1.03               # what two runs of the same differ by


def check(port, prefix, postgres, database):
    """A way that answers wrongly fast is not measured."""
    def get(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{prefix}{path}", timeout=20) as answer:
            return json.load(answer)

    def stored(sql):
        return json.loads(postgres.query(database, f"select row_to_json(r) from ({sql}) r"))

    def right(got, expected):
        assert got == expected, f"{prefix}: {got} instead of {expected}"

    row = get("/db")
    right(row, stored(f"select id, random_number from world where id = {int(row['id'])}"))
    assert len(get("/queries?n=20")) == 20
    changed = get("/updates?n=20")
    assert len(changed) == 20
    times = Counter(row["id"] for row in changed)  # which change of a row that came twice is kept, nobody promised
    for key, number in ((row["id"], row["random_number"]) for row in changed if times[row["id"]] == 1):
        right({"id": key, "random_number": number}, stored(f"select id, random_number from world where id = {int(key)}"))
    entry = get("/insert")
    right(entry, stored(f"select id, owner_id, title from entry where id = {int(entry['id'])}"))
    author = get("/eager")
    books = sorted(author.pop("books"), key=lambda book: book["id"])
    right(author, stored(f"select id, name from author where id = {int(author['id'])}"))
    assert len(books) == 100
    right({"b": books}, stored(f"select json_agg(b order by id) as b from book b where author_id = {int(author['id'])}"))
    done = get("/transaction")
    right({"balance": done["balance"]}, stored(f"select balance from account where id = {int(done['account_id'])}"))
    moved = stored(f"select account_id, amount from transfer where id = {int(done['transfer_id'])}")
    assert moved["account_id"] == done["account_id"] and 1 <= moved["amount"] <= 100


def measure(server, path, postgres, database, seconds):
    """Microseconds of the application and of PostgreSQL for each request."""
    postgres.query(database, "truncate entry, transfer restart identity")
    postgres.query(database, "vacuum world, account")
    own, its = server.cpu_seconds(), cpu_of(postgres.process.pid)
    requests, _, _ = wrk(server.port, path, 64, seconds)
    own, its = server.cpu_seconds() - own, cpu_of(postgres.process.pid) - its
    if requests == 0 or own <= 0:
        raise RuntimeError("no request was answered")
    return own / requests * 1e6, its / requests * 1e6


def best(results, scenario, which):
    others = {name: results[name, scenario][which] for name, *_ in WAYS if (name, scenario) in results and name not in (OWN, RAW)}
    return min(others.items(), key=lambda item: item[1]) if others else (None, None)


def verdicts(results):
    def say(kept, text):
        return f"{'kept  ' if kept else 'MISSED'} {text}"

    out = []
    for scenario, _ in SCENARIOS:
        own, raw = results.get((OWN, scenario)), results.get((RAW, scenario))
        if not own:
            continue
        peer, cost = best(results, scenario, 0)
        if peer:
            out.append(say(cost / own[0] >= BETTER, f"{scenario}: application x{cost / own[0]:.2f} of {peer}, promised x{BETTER:.0f}"))
        peer, cost = best(results, scenario, 1)
        if peer:
            out.append(say(own[1] <= cost * NOISE, f"{scenario}: PostgreSQL {own[1]:.1f} µs, the least of the others {cost:.1f} ({peer})"))
        if raw:
            out.append(say(own[0] <= raw[0] * LAYER, f"{scenario}: typed layer x{own[0] / raw[0]:.2f} of SQL by hand, promised x{LAYER:.2f}"))
    return out


def tables(results):
    names = [name for name, *_ in WAYS if any(key[0] == name for key in results)]
    lines = []
    for which, what in enumerate(("application", "PostgreSQL")):
        lines += [f"| CPU of the {what} a request, µs (times Slipway's) | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for scenario, _ in SCENARIOS:
            own = results.get((OWN, scenario))
            if not own:
                continue
            cells = []
            for name in names:
                value = results.get((name, scenario))
                cells.append("failed" if value is None else f"{value[which]:.1f}" + (f" (x{value[which] / own[which]:.2f})" if name != OWN else ""))
            lines.append(f"| {scenario} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def postgres_part(wanted, out):
    """(results, what each peer is, why others are absent)"""
    postgres, database = make_database()
    servers, results, broken = {}, {}, set()
    try:
        versions, absent = prepare_all(filter(None, wanted.peers.split(",")), out, postgres, database)
        for name in ["slipway", *versions]:
            try:
                servers[name] = start_slipway(wanted.binary, postgres, database) if name == "slipway" else start_peer(name, out, postgres, database)
            except Exception as error:
                absent[name] = f"it did not start: {error}"
        ways = []
        for way, name, prefix in WAYS:
            if name not in servers:
                continue
            try:
                check(servers[name].port, prefix, postgres, database)
                ways.append((way, servers[name], prefix))
            except Exception as error:
                absent[way] = f"it answered wrongly: {error}"
                print(f"    SKIPPED {way}: {absent[way]}", flush=True)
        for scenario, path in SCENARIOS:
            if not re.search(wanted.only, scenario):
                continue
            print(f"==> {scenario}", flush=True)
            rounds = {way: [] for way, *_ in ways}
            for _ in range(wanted.rounds):
                for way, server, prefix in ways:
                    if (way, scenario) in broken:
                        continue
                    try:
                        rounds[way].append(measure(server, prefix + path, postgres, database, wanted.seconds))
                    except RuntimeError as error:
                        broken.add((way, scenario))
                        print(f"    {way}: {error}", flush=True)
            for way, values in rounds.items():
                if values and (way, scenario) not in broken:
                    results[way, scenario] = [statistics.median(column) for column in zip(*values)]
                    print(f"    {way:22} {results[way, scenario][0]:8.1f} µs   rounds {min(values)[0]:.1f} to {max(values)[0]:.1f}"
                          f"   PostgreSQL {results[way, scenario][1]:8.1f} µs", flush=True)
    finally:
        for server in servers.values():
            server.stop()
        postgres.stop()
    return results, versions, absent


def sqlite_part(wanted):
    """Lines, and whether all was kept."""
    program = Path(wanted.programs) / "lib/db/db_sqlite_reads"
    done = subprocess.run([program, str(wanted.rounds), str(wanted.seconds)], capture_output=True, text=True)
    if done.returncode != 0:
        return [f"FAILED SQLite: {done.stderr.strip()}"]
    lines = []
    for each in json.loads(done.stdout):
        ratio = each["typed"] / each["c"]
        lines.append(f"{'kept  ' if ratio <= 1.3 else 'MISSED'} SQLite, {each['what']}: {each['typed']:.0f} ns CPU, C API {each['c']:.0f} ns: "
                     f"x{ratio:.2f}, promised x1.30")
    return lines


def redis_part(wanted):
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        return ["SKIPPED Redis: redis-server or redis-benchmark is not installed (apt-get install redis-server redis-tools)"]
    done = subprocess.run([sys.executable, ROOT / "lib/redis/bench/gets.py", Path(wanted.programs) / "lib/redis/redis_gets", str(wanted.rounds),
                           str(wanted.seconds)], capture_output=True, text=True)
    if done.returncode != 0:
        return [f"FAILED Redis: {done.stderr.strip()[-300:]}"]
    line = done.stdout.strip().splitlines()[-1]
    cost, ratio = float(re.search(r"median: (\d+) ns", line)[1]), float(re.search(r"ratio ([\d.]+)", line)[1])
    return [f"{'kept  ' if cost <= 1000 or ratio <= 1.2 else 'MISSED'} Redis, a pipelined GET: {line}; promised a million a core second, or x1.2"]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True, help="the bench_server to measure")
    options.add_argument("--programs", required=True, help="the build folder that has db_sqlite_reads and redis_gets")
    options.add_argument("--out", required=True, help="where peers are built and results are kept")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2, help="for each measurement")
    options.add_argument("--peers", default="drogon,go,axum,fastapi")
    options.add_argument("--parts", default="postgres,sqlite,redis")
    options.add_argument("--only", default="", help="scenarios whose name this regular expression finds")
    wanted = options.parse_args()
    out, parts = Path(wanted.out), wanted.parts.split(",")
    about, text, said, begun = [], "", [], time.monotonic()
    if "postgres" in parts:
        results, versions, absent = postgres_part(wanted, out)
        text = tables(results)
        said += verdicts(results)
        about += [*[f"- {n}: {v}" for n, v in versions.items()], *[f"- {n}: not measured, {v}" for n, v in absent.items()]]
        (out / "data.json").write_text(json.dumps([{"way": n, "scenario": s, "application": v[0], "postgresql": v[1]} for (n, s), v in results.items()], indent=1))
        if not any(way == OWN for way, _ in results):
            said.append("FAILED nothing of Slipway could be measured")
    if "sqlite" in parts:
        print("==> SQLite", flush=True)
        said += sqlite_part(wanted)
    if "redis" in parts:
        print("==> Redis", flush=True)
        said += redis_part(wanted)
    head = "\n".join([f"{machine()}; {wanted.rounds} rounds of {wanted.seconds} s, interleaved, median; one core each, 64 connections.", "", *about])
    (out / "data.md").write_text(f"{head}\n\n{text}\n" + "\n".join(said) + "\n")
    print(f"\n{head}\n\n{text}\n" + "\n".join(said) + f"\n{time.monotonic() - begun:.0f} s; kept in {os.path.relpath(out / 'data.md', ROOT)}")
    return 1 if any(line.startswith(("MISSED", "FAILED")) for line in said) else 0


sys.exit(main())
