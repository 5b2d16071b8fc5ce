"""What the service costs when it does little: size, start-up, memory, idle connections, and latency beside them."""

import argparse
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import Running, clean_environment, free_port, machine, temporary_folder, wait_until, wrk

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def arguments(binary, port, folder, ready=None):
    return [str(binary), "serve", *(["--ready-file", str(ready)] if ready else []), f"--http.listen=127.0.0.1:{port}", "--operations.listen=127.0.0.1:0",
            f"--database.url=sqlite:{folder}/app.db", f"--auth.keys.directory={folder}/keys", f"--log.output={folder}/log", "--limits.enabled=false",
            "--log.access.sample=100", "--http.idle_timeout=10m"]


def stripped_size(binary):
    strip = shutil.which("llvm-strip-19") or shutil.which("strip")
    copy = temporary_folder("size") / "slipway"
    subprocess.run([strip, "-o", copy, binary], check=True)
    return copy.stat().st_size


def start_up(binary, folder):
    """Milliseconds from exec to the ready file, with the migrations applied before."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    begun = time.perf_counter()
    process = subprocess.Popen(arguments(binary, free_port(), folder, ready), cwd=folder, env=clean_environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while not ready.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        time.sleep(0.0005)
    took = (time.perf_counter() - begun) * 1000
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    return took


def hold(port, count):
    """Connections that have asked once and wait."""
    held = []
    for i in range(count):
        peer = socket.socket()
        peer.bind((f"127.0.0.{2 + i // 20000}", 0))
        peer.connect(("127.0.0.1", port))
        peer.sendall(REQUEST)
        held.append(peer)
    for peer in held:
        if not peer.recv(4096).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("an idle connection was not served")
    return held


def verdict(name, value, unit, limit):
    kept = limit is None or value <= limit
    print(f"{'kept  ' if kept else 'MISSED'} {name:52} {value:10.1f} {unit}" + (f"   at most {limit}" if limit else ""), flush=True)
    return not kept


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", required=True)
    options.add_argument("--connections", type=int, default=10_000)
    wanted = options.parse_args()
    wanted.binary = str(Path(wanted.binary).resolve())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(wanted.connections, hard - 200)
    print(machine(), flush=True)
    if count < wanted.connections:
        print(f"only {count} connections: the limit of open files is {hard}")
    missed = verdict("stripped binary", stripped_size(wanted.binary) / 1e6, "MB", 15)
    folder = temporary_folder("footprint")
    subprocess.run([wanted.binary, "migrate", "up", f"--database.url=sqlite:{folder}/app.db"], cwd=folder, env=clean_environment(), check=True,
                   stdout=subprocess.DEVNULL)
    start_up(wanted.binary, folder)  # makes the keys
    missed += verdict("ready after exec, median of 11", statistics.median(start_up(wanted.binary, folder) for _ in range(11)), "ms", 50)
    port = free_port()
    server = Running("slipway", arguments(wanted.binary, port, folder), port, clean_environment(), cwd=folder)
    try:
        wait_until(lambda: socket.create_connection(("127.0.0.1", port)).close() is None, what="the server")
        missed += verdict("resident after start", server.resident() / 1e6, "MB", 25)
        wrk(port, "/health/live", 64, 3)  # every pool has its size
        _, _, alone = wrk(port, "/version", 64, 5, latency=True)
        before = server.resident()
        held = hold(port, count)
        wait_until(lambda: open_files(server.process.pid) > count, what="all connections to be open")
        missed += verdict(f"each of {count} idle connections", (server.resident() - before) / count, "bytes", 2048)
        requests, seconds, p99 = wrk(port, "/version", 64, 8, latency=True)
        verdict("p99 of 64 busy connections alone", alone, "ms", None)
        verdict(f"p99 of 64 busy beside {count} idle, {requests / seconds:.0f}/s", p99, "ms", None)
        for peer in held:
            peer.close()
    finally:
        server.stop()
    return 1 if missed else 0


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


sys.exit(main())
