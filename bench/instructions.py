"""User instructions for each request, counted by callgrind.

The server runs with one shard under callgrind and answers a fixed client twice: with K requests and with 2K. The
difference, divided by K, is what one request costs, without start-up. The same binary gives the same number anywhere.
"""

import argparse
import json
import re
import shutil
import socket
import subprocess
import sys

from common import Running, clean_environment, free_port, machine, make_database, slipway_arguments, temporary_folder, wait_until

ORDER = json.dumps({"customer": "Ada Lovelace", "email": "ada@example.com", "street": "12 St James's Square", "city": "London", "country": "GB",
                    "currency": "GBP", "amount": 129900, "quantity": 3, "tags": ["gift", "express"], "gift": True}).encode()
HEAD = b"Host: localhost\r\nUser-Agent: wrk\r\nAccept: */*\r\n"


def get(path):
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (path, HEAD)


SCENARIOS = [  # name, bytes of one request, requests sent at once, promised limit
    ("plaintext", get(b"/plaintext"), 1, 3000),
    ("plaintext, pipelined x16", get(b"/plaintext"), 16, 2100),
    ("JSON through the reflective writer", get(b"/json"), 1, 3500),
    ("one PostgreSQL row", get(b"/db"), 1, 9000),
    ("validated JSON body of ten fields", b"POST /validated HTTP/1.1\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (HEAD, len(ORDER)) + ORDER, 1, None),
]
OVER_PLAINTEXT = 8000


def drive(port, request, at_once, count):
    """Sends `count` requests over one connection, waiting for the answers of each batch."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count // at_once):
            peer.sendall(request * at_once)
            waiting, data = at_once, b""
            while waiting:
                piece = peer.recv(1 << 20)
                if not piece:
                    raise RuntimeError(f"the connection ended after {data[-300:]!r}")
                data += piece
                while (end := data.find(b"\r\n\r\n")) >= 0:
                    if not data.startswith(b"HTTP/1.1 200 "):
                        raise RuntimeError(f"not a success: {data[:300]!r}")
                    length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", data[:end + 2])[1])
                    if len(data) < end + 4 + length:
                        break
                    data = data[end + 4 + length:]
                    waiting -= 1


def without_debug_information(binary):
    """A copy that valgrind can read: it gives up on the debug information of a newer compiler. The code is the same."""
    copy = temporary_folder("callgrind") / "server"
    subprocess.run([shutil.which("llvm-strip-19") or "strip", "--strip-debug", "-o", copy, binary], check=True)
    return copy


def instructions(binary, url, request, at_once, count):
    port, folder = free_port(), temporary_folder("callgrind")
    result = folder / "callgrind.out"
    arguments = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={result}", *slipway_arguments(binary, port, url, folder)]
    server = Running("callgrind", arguments, port, clean_environment(), cwd=folder, patience=180)
    try:
        drive(port, request, at_once, count)
    finally:
        server.stop()
    wait_until(lambda: result.exists() and "totals:" in result.read_text(errors="replace"), what="callgrind's result")
    return int(re.search(r"^(?:totals|summary): (\d+)", result.read_text(errors="replace"), re.M)[1])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True)
    options.add_argument("--requests", type=int, default=4000)
    options.add_argument("--only", default="")
    wanted = options.parse_args()
    if subprocess.run(["valgrind", "--version"], capture_output=True).returncode != 0:
        print("valgrind is not installed (apt-get install valgrind)")
        return 1
    binary = without_debug_information(wanted.binary)
    postgres, database = make_database()
    print(f"{machine()}; {wanted.requests} requests, then twice as many\n", flush=True)
    cost, missed = {}, 0
    try:
        for name, request, at_once, limit in SCENARIOS:
            if wanted.only not in name:
                continue
            count = wanted.requests // at_once * at_once
            once, twice = (instructions(binary, postgres.url(database), request, at_once, n) for n in (count, 2 * count))
            cost[name] = (twice - once) / count
            if limit is None:
                limit = cost["plaintext"] + OVER_PLAINTEXT if "plaintext" in cost else None
            kept = limit is None or cost[name] <= limit
            missed += not kept
            print(f"{'kept  ' if kept else 'MISSED'} {name:38} {cost[name]:9.0f}" + (f"   at most {limit:.0f}" if limit else ""), flush=True)
    finally:
        postgres.stop()
    return 1 if missed else 0


sys.exit(main())
