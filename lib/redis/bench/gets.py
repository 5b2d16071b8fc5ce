#!/usr/bin/env python3
"""The CPU that one pipelined GET costs the client, beside redis-benchmark's own client, interleaved on one server.

usage: gets.py <redis_gets program> [rounds] [seconds] [in flight]
Both keep the same number of GETs in flight on one connection; the figure is the client's CPU (user and system), since
server and clients share this machine. Prints each round and the median of the ratios."""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests/e2e"))

from databases import Redis  # noqa: E402  (the path comes first)

program = sys.argv[1]
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 2.0
flight = int(sys.argv[4]) if len(sys.argv) > 4 else 256


def ours(port):
    done = subprocess.run([program, f"redis://127.0.0.1:{port}", str(flight), str(seconds)], capture_output=True, text=True,
                          check=True)
    figures = json.loads(done.stdout)
    assert figures["wrong"] == 0, figures
    return figures["cpu"] / figures["gets"] * 1e9, figures["gets"] / figures["seconds"]


def theirs(port, requests):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    subprocess.run(["redis-benchmark", "-p", str(port), "-c", "1", "-P", str(flight), "-n", str(requests), "-q", "get",
                    "key:__rand_int__"], capture_output=True, check=True)
    took = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu / requests * 1e9, requests / took


with tempfile.TemporaryDirectory() as folder:
    server = Redis(folder)
    try:
        ratios, costs, references = [], [], []
        for number in range(rounds):
            cost, rate = ours(server.port)
            reference, their_rate = theirs(server.port, int(rate * seconds) // flight * flight)
            ratios.append(cost / reference)
            costs.append(cost)
            references.append(reference)
            print(f"round {number + 1}: ours {cost:.0f} ns CPU a GET ({rate:,.0f}/s), redis-benchmark {reference:.0f} ns "
                  f"({their_rate:,.0f}/s), ratio {ratios[-1]:.2f}")
        print(f"median: {statistics.median(costs):.0f} ns, that is {1e9 / statistics.median(costs):,.0f} GETs a core "
              f"second; redis-benchmark {statistics.median(references):.0f} ns; ratio {statistics.median(ratios):.2f}")
    finally:
        server.stop()
