"""Hours under load: answers, memory and descriptors are watched, and have to stay level."""

import argparse
import os
import signal
import statistics
import sys
import time
from pathlib import Path

import common  # noqa: F401  (finds the harness)
import harness
from harness import Load, Server
from processes import temporary_folder, wait_until

# Memory may grow by this share and this much between the second third of the time and the last: the first third fills
# caches and pools, and an allocator never stands quite still.
GROWTH, GROWTH_MB = 0.10, 1.5
# Descriptors that may stay open when the load is gone: connections of the database's own pools.
DESCRIPTORS = 16
EXPECTED = [201, 200, 200, 200, 204, 404]


def ask_of(server, person):
    def ask():
        """A new connection, and a note from its birth to its end."""
        with server.client(headers=person.client.headers) as client:
            made = client.post("/v1/notes", json={"title": "Soak", "body": "x" * 500})
            path = made.headers["location"]
            return [made.status_code, client.get(path).status_code, client.get("/v1/notes", params={"q": "Soak", "limit": 5}).status_code,
                    client.patch(path, json={"title": "Soaked"}, headers={"if-match": made.headers["etag"]}).status_code,
                    client.delete(path).status_code, client.get("/nowhere").status_code]

    return ask


def resident(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def judge(samples, requests):
    """What is wrong with the memory, or nothing."""
    third = len(samples) // 3
    if third < 3:
        return "too few samples to judge memory: let it run longer"
    before, after = statistics.median(samples[third:2 * third]), statistics.median(samples[2 * third:])
    grown = after - before
    print(f"memory {before:.1f} MB, then {after:.1f} MB ({grown * 1e6 / max(requests / 3, 1):+.0f} bytes for each request)")
    if grown > GROWTH_MB and grown / before > GROWTH:
        return f"memory grew by {grown:.1f} MB ({grown / before:.0%})"
    return None


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True)
    options.add_argument("--seconds", type=int, default=3600)
    wanted = options.parse_args()
    if wanted.seconds > 80_000:
        options.error("a token lives a day at most, so a soak lasts at most 80000 seconds")
    harness.BINARY = Path(wanted.binary).resolve()
    # A token outlives the run; who is limited is another test's business.
    lifetime = f"{wanted.seconds + 600}s"
    server = Server(temporary_folder("soak"), settings={"log.access.sample": "1000", "limits.enabled": "false", "auth.tokens.lifetime": lifetime,
                                                        "auth.keys.retire_after": f"{2 * wanted.seconds + 7200}s"}).start()
    person = server.person()
    pid, before = server.process.pid, descriptors(server.process.pid)
    samples, faults, wrong, done, told = [], [], 0, 0, 0.0
    begun = time.monotonic()
    with Load(ask_of(server, person), clients=4) as load:
        while (spent := time.monotonic() - begun) < wanted.seconds:
            time.sleep(min(wanted.seconds - spent, max(0.5, wanted.seconds / 120)))
            if server.process.poll() is not None:
                faults.append(f"the server ended with {server.process.returncode}: {server.log()[-1500:]}")
                break
            answers = [load.answers.pop() for _ in range(len(load.answers))]
            wrong += sum(codes != EXPECTED for _, codes in answers)
            done += len(answers) * len(EXPECTED)
            samples.append(resident(pid))
            if time.monotonic() - told >= min(60, wanted.seconds / 6):
                told = time.monotonic()
                print(f"{told - begun:7.0f} s  {done} requests, {wrong} wrong, {len(load.errors)} failed, {samples[-1]:.1f} MB, "
                      f"{descriptors(pid)} descriptors", flush=True)
    if server.process.poll() is None:
        try:
            wait_until(lambda: descriptors(pid) <= before + DESCRIPTORS, seconds=15, what="the descriptors to be closed")
        except AssertionError:
            faults.append(f"{descriptors(pid)} descriptors are open when the load is gone, {before} were before")
        if why := judge(samples, done):
            faults.append(why)
        server.stop(signal.SIGTERM)
    if wrong:
        faults.append(f"{wrong} rounds had wrong answers")
    if load.errors:
        faults.append(f"{len(load.errors)} requests failed, the first with {load.errors[0][1]!r}")
    if not done:
        faults.append("no request was answered")
    print(f"{done} requests in {time.monotonic() - begun:.0f} s: " + ("all level" if not faults else "; ".join(faults)), flush=True)
    return 1 if faults else 0


sys.exit(main())
