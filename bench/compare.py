"""CPU time for each request, beside the frameworks that users would otherwise pick, in one interleaved run.

Each server has one core, the load another. Rounds go A B C A B C, so that whatever else happens on the machine falls on
all of them alike; the median of the rounds counts. What is compared is the server's own CPU time (utime and stime of
/proc/PID/stat) for each answered request.

wrk asks again as soon as it has its answer. A server that is faster than wrk has then served everything before more comes:
it falls asleep and is woken every thirty requests, at some microseconds each time, where a slower one always finds a
queue. So the cheapest scenarios are measured once more at one rate for all, which every one of them sleeps at.
"""

import argparse
import json
import os
import re
import statistics
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from common import ROOT, machine, make_database, paced, prepare_all, start_peer, start_slipway, wrk


@dataclass(frozen=True)
class Scenario:
    name: str
    path: str
    connections: int
    promised: float        # the ratio to Drogon
    pipelined: bool = False
    a_second: int = 0      # requests of all connections together; 0: as many as can be had


SCENARIOS = [
    Scenario("plaintext, 64 connections", "/plaintext", 64, 1.2),
    Scenario("plaintext, 512 connections", "/plaintext", 512, 1.4),
    Scenario("plaintext, 64, pipelined x16", "/plaintext", 64, 2.4, pipelined=True),
    Scenario("JSON, 64", "/json", 64, 1.6),
    Scenario("plaintext, 64, 100,000 a second", "/plaintext", 64, 1.2, a_second=100_000),
    Scenario("plaintext, 512, 100,000 a second", "/plaintext", 512, 1.4, a_second=100_000),
    Scenario("JSON, 64, 100,000 a second", "/json", 64, 1.6, a_second=100_000),
    Scenario("fortunes, 64, 40,000 a second", "/fortunes", 64, 2.0, a_second=40_000),
    Scenario("one row, 64", "/db", 64, 2.0),
    Scenario("one row, 512", "/db", 512, 2.0),
    Scenario("20 rows, 64", "/queries?n=20", 64, 2.0),
    Scenario("fortunes, 64", "/fortunes", 64, 2.0),
    Scenario("20 updates, 64", "/updates?n=20", 64, 2.0),
]


def start(name, out, postgres, database, binary):
    if name == "slipway":
        return start_slipway(binary, postgres, database)
    if name == "slipway, every request logged":
        return start_slipway(binary, postgres, database, name, sample=1)
    return start_peer(name, out, postgres, database)


def check(server):
    """A server that answers wrongly fast is not measured."""
    def get(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=20) as answer:
            return answer.read()

    assert get("/plaintext") == b"Hello, World!"
    assert json.loads(get("/json")) == {"message": "Hello, World!"}
    assert set(json.loads(get("/db"))) == {"id", "random_number"}
    assert len(json.loads(get("/queries?n=20"))) == 20
    changed = json.loads(get("/updates?n=20"))
    assert len(changed) == 20 and all(1 <= row["random_number"] <= 10000 for row in changed)
    page = get("/fortunes").decode()
    assert page.count("<tr>") == 14 and "&lt;script&gt;" in page and "フレームワーク" in page


def measure(server, scenario, seconds):
    before = server.cpu_seconds()
    if scenario.a_second:
        requests, _ = paced(server.port, scenario.path, scenario.connections, scenario.a_second, seconds)
    else:
        requests, _, _ = wrk(server.port, scenario.path, scenario.connections, seconds, scenario.pipelined)
    spent = server.cpu_seconds() - before
    server.forget_log()
    if requests == 0 or spent <= 0:
        raise RuntimeError("no request was answered")
    return spent / requests * 1e6


def table(names, results):
    lines = ["| CPU for each request, µs (times Slipway's) | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    verdicts = []
    measured = {scenario for _, scenario in results}
    for scenario, promised in ((s.name, s.promised) for s in SCENARIOS if s.name in measured):
        own = results.get(("slipway", scenario))
        cells = []
        for name in names:
            value = results.get((name, scenario))
            cells.append("failed" if value is None else f"{value:.1f}" + (f" (x{value / own:.2f})" if own and name != "slipway" else ""))
        lines.append(f"| {scenario} | " + " | ".join(cells) + " |")
        other = results.get(("drogon", scenario))
        if own and other:
            verdicts.append(f"{'kept  ' if other / own >= promised else 'MISSED'} {scenario}: x{other / own:.2f} of Drogon, promised x{promised}")
    return "\n".join(lines), "\n".join(verdicts)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True, help="the bench_server to measure")
    options.add_argument("--out", required=True, help="where peers are built and results are kept")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=3, help="for each measurement")
    options.add_argument("--peers", default="drogon,go,axum,fastify,fastapi")
    options.add_argument("--only", default="", help="scenarios whose name this regular expression finds")
    wanted = options.parse_args()
    out = Path(wanted.out)
    postgres, database = make_database()
    servers, results = {}, {}
    try:
        versions, absent = prepare_all(filter(None, wanted.peers.split(",")), out, postgres, database)
        for name in ["slipway", "slipway, every request logged", *versions]:
            try:
                servers[name] = start(name, out, postgres, database, wanted.binary)
                check(servers[name])
            except Exception as error:
                if name in servers:
                    servers.pop(name).stop()
                absent[name] = f"it did not start or answered wrongly: {error}"
        for scenario in SCENARIOS:
            if not re.search(wanted.only, scenario.name):
                continue
            print(f"==> {scenario.name}", flush=True)
            rounds = {name: [] for name in servers}
            for _ in range(wanted.rounds):
                for name, server in servers.items():
                    try:
                        rounds[name].append(measure(server, scenario, wanted.seconds))
                    except RuntimeError as error:
                        print(f"    {name}: {error}", flush=True)
            for name, values in rounds.items():
                if values:
                    results[name, scenario.name] = statistics.median(values)
                    print(f"    {name:32} {results[name, scenario.name]:9.1f} µs   rounds {min(values):.1f} to {max(values):.1f}", flush=True)
    finally:
        for server in servers.values():
            server.stop()
        postgres.stop()
    text, verdicts = table(list(servers), results)
    about = "\n".join([f"{machine()}; {wanted.rounds} rounds of {wanted.seconds} s, interleaved, median; one core each.", "",
                       *[f"- {n}: {v}" for n, v in versions.items()], *[f"- {n}: not measured, {v}" for n, v in absent.items()]])
    (out / "compare.md").write_text(f"{about}\n\n{text}\n")
    (out / "compare.json").write_text(json.dumps([{"server": n, "scenario": s, "microseconds": v} for (n, s), v in results.items()], indent=1))
    print(f"\n{about}\n\n{text}\n\n{verdicts}\nkept in {os.path.relpath(out / 'compare.md', ROOT)}")
    return 0 if any(name == "slipway" for name, _ in results) and "MISSED" not in verdicts else 1


sys.exit(main())
