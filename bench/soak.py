"""Hours under load: answers, memory and descriptors are watched, and have to stay level."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import common  # noqa: F401  (finds the harness)
import harness
from harness import Load, Server, temporary_folder


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True)
    options.add_argument("--seconds", type=int, default=3600)
    wanted = options.parse_args()
    harness.BINARY = Path(wanted.binary)
    server = Server(temporary_folder("soak"), settings={"log.access.sample": "1000"}).start()
    person = server.person()
    client_of = server.client

    def ask():
        with client_of(headers=person.client.headers) as client:
            made = client.post("/v1/notes", json={"title": "Soak", "body": "x" * 500})
            path = made.headers["location"]
            codes = [made.status_code, client.get(path).status_code, client.get("/v1/notes", params={"q": "Soak", "limit": 5}).status_code,
                     client.patch(path, json={"title": "Soaked"}, headers={"if-match": made.headers["etag"]}).status_code,
                     client.delete(path).status_code, client.get("/nowhere").status_code]
            return codes

    def resident():
        return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def descriptors():
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    expected = [201, 200, 200, 200, 204, 404]
    samples, wrong, done = [], 0, 0
    end = time.monotonic() + wanted.seconds
    with Load(ask, clients=4) as load:
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, max(5, wanted.seconds / 60)))
            answers, load.answers[:] = list(load.answers), []
            wrong += sum(codes != expected for _, codes in answers)
            done += len(answers) * len(expected)
            samples.append(resident())
            print(f"{wanted.seconds - left:7.0f} s  {done} requests, {wrong} wrong, {len(load.errors)} failed, {samples[-1]:.1f} MB, {descriptors()} descriptors", flush=True)
            if server.process.poll() is not None:
                break
    server.stop(signal.SIGTERM)
    # The first third warms caches up; after it memory has to be level.
    settled = samples[len(samples) // 3:]
    growth = (sum(settled[-3:]) / len(settled[-3:])) / (sum(settled[:3]) / len(settled[:3])) - 1 if len(settled) >= 6 else 0
    print(f"{done} requests, {wrong} wrong, {len(load.errors)} failed, memory grew {growth:.1%} after the first third")
    return 1 if wrong or load.errors or growth > 0.15 else 0


sys.exit(main())
