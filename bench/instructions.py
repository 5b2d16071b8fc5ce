"""User instructions for each request, counted by callgrind.

The server runs with one shard under callgrind and answers a fixed client twice: with K requests and with 2K. The
difference, divided by K, is what one request costs, without start-up. The same binary gives the same number anywhere.
"""

import argparse
import json
import re
import selectors
import shutil
import socket
import subprocess
import sys

from common import ROOT, Running, clean_environment, free_port, machine, make_database, slipway_arguments, temporary_folder, wait_until

ORDER = json.dumps({"customer": "Ada Lovelace", "email": "ada@example.com", "street": "12 St James's Square", "city": "London", "country": "GB",
                    "currency": "GBP", "amount": 129900, "quantity": 3, "tags": ["gift", "express"], "gift": True}).encode()
HEAD = b"Host: localhost\r\nUser-Agent: wrk\r\nAccept: */*\r\n"


def get(path):
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (path, HEAD)


SCENARIOS = {  # bytes of one request, requests sent at once on a connection, connections
    "plaintext": (get(b"/plaintext"), 1, 1),
    "plaintext, pipelined x16": (get(b"/plaintext"), 16, 1),
    "JSON through the reflective writer": (get(b"/json"), 1, 1),
    # The promise is for a service under load, whose requests share the pipeline to the database; alone for comparison.
    "one PostgreSQL row, 32 connections": (get(b"/db"), 1, 32),
    "one PostgreSQL row, one at a time": (get(b"/db"), 1, 1),
    "validated JSON body of ten fields": (b"POST /validated HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (HEAD, len(ORDER)) + ORDER, 1, 1),
}
# How far a figure may be above what it was before a change is stopped: code moves a little with every build, and on a
# busy machine more timers fall into each request.
TOLERANCE = 1.05


def budgets():
    """For each scenario what is promised, as text, and what was last measured."""
    for line in (ROOT / "bench/budgets.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, promised, reached = (column.strip() for column in line.split("|"))
            yield name, promised, float(reached)


def limit_of(promised, cost):
    """Instructions, from "3000" or "plaintext + 8000"; None without a promise, or while plaintext is not measured."""
    other, _, more = promised.rpartition("+")
    if not promised or (other and other.strip() not in cost):
        return None
    return float(more) + (cost[other.strip()] if other else 0)


class Peer:
    """One connection, which sends a batch and waits for all of its answers before the next."""

    def __init__(self, port, batch, at_once, batches):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.batch, self.at_once, self.left = batch, at_once, batches
        self.waiting, self.data = 0, b""

    def send(self):
        self.left -= 1
        self.waiting, self.data = self.at_once, b""
        self.socket.sendall(self.batch)

    def read(self):
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise RuntimeError(f"the connection ended after {self.data[-300:]!r}")
        self.data += piece
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            if not self.data.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"not a success: {self.data[:300]!r}")
            length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", self.data[:end + 2])[1])
            if len(self.data) < end + 4 + length:
                break
            self.data = self.data[end + 4 + length:]
            self.waiting -= 1


def drive(port, request, at_once, connections, count):
    """Sends `count` requests over the connections, each of which waits for its own answers alone."""
    peers = [Peer(port, request * at_once, at_once, count // at_once // connections) for _ in range(connections)]
    with selectors.DefaultSelector() as ready:
        for peer in peers:
            ready.register(peer.socket, selectors.EVENT_READ, peer)
            peer.send()
        while peers:
            for key, _ in ready.select(120):
                peer = key.data
                peer.read()
                if peer.waiting == 0 and peer.left > 0:
                    peer.send()
                elif peer.waiting == 0:
                    ready.unregister(peer.socket)
                    peer.socket.close()
                    peers.remove(peer)


def without_debug_information(binary):
    """A copy that valgrind can read: it gives up on the debug information of a newer compiler. The code is the same."""
    copy = temporary_folder("callgrind") / "server"
    subprocess.run([shutil.which("llvm-strip-19") or "strip", "--strip-debug", "-o", copy, binary], check=True)
    return copy


def instructions(binary, url, request, at_once, connections, count):
    port, folder = free_port(), temporary_folder("callgrind")
    result = folder / "callgrind.out"
    arguments = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={result}", *slipway_arguments(binary, port, url, folder)]
    server = Running("callgrind", arguments, port, clean_environment(), cwd=folder, patience=180)
    try:
        drive(port, request, at_once, connections, count)
    finally:
        server.stop()
    wait_until(lambda: result.exists() and "totals:" in result.read_text(errors="replace"), what="callgrind's result")
    return int(re.search(r"^(?:totals|summary): (\d+)", result.read_text(errors="replace"), re.M)[1])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True)
    options.add_argument("--requests", type=int, default=4000)
    options.add_argument("--only", default="", help="scenarios whose name holds this")
    options.add_argument("--guard", action="store_true", help="fail when a figure has grown, not when a promise is not kept yet")
    wanted = options.parse_args()
    if subprocess.run(["valgrind", "--version"], capture_output=True).returncode != 0:
        print("valgrind is not installed (apt-get install valgrind)")
        return 1
    binary = without_debug_information(wanted.binary)
    postgres, database = make_database()
    print(f"{machine()}; {wanted.requests} requests, then twice as many\n", flush=True)
    cost, missed = {}, []
    try:
        for name, promised, reached in budgets():
            if wanted.only not in name:
                continue
            request, at_once, connections = SCENARIOS[name]
            count = wanted.requests // (at_once * connections) * at_once * connections
            once, twice = (instructions(binary, postgres.url(database), request, at_once, connections, n) for n in (count, 2 * count))
            cost[name] = (twice - once) / count
            limit, ceiling = limit_of(promised, cost), reached * TOLERANCE
            kept = limit is None or cost[name] <= limit
            if limit is not None and reached <= limit:
                ceiling = max(ceiling, limit)
            grown = cost[name] > ceiling
            if grown if wanted.guard else not kept:
                missed.append(name)
            print(f"{'GROWN ' if grown and wanted.guard else 'kept  ' if kept else 'MISSED'} {name:38} {cost[name]:9.0f}" +
                  (f"   at most {limit:.0f}" if limit else "") + (f"   not above {ceiling:.0f}" if wanted.guard else ""), flush=True)
    finally:
        postgres.stop()
    if missed and wanted.guard:
        print(f"{', '.join(missed)}: a request costs more than before. If that is worth it, say why in the commit and write the figure into bench/budgets.txt")
    return 1 if missed else 0


sys.exit(main())
