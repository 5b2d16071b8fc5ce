"""Profiles of the running service on demand: where its processor time goes and who holds its memory, read with the
viewers that operators have."""

import contextlib
import mmap
import select
import shutil
import signal
import socket
import subprocess
import threading

import httpx
import pytest

from harness import BINARY, ROOT, Load
from processes import PATIENCE, wait_until

CPU, HEAP = "/debug/pprof/profile", "/debug/pprof/heap"


def take(server, path, **parameters):
    return httpx.get(server.operator_url + path, params=parameters, timeout=PATIENCE)


@pytest.fixture
def profiled(launch):
    return launch(settings={"operations.profiles": "true", "runtime.shards": "2", "limits.enabled": "false",
                            "auth.passwords.memory_kib": "8192"}).start()


def google_pprof(binary, profile):
    if not shutil.which("google-pprof"):
        pytest.skip("SKIPPED LOUDLY: google-pprof is not installed (apt-get install google-perftools)")
    if " " in str(binary):
        pytest.skip("SKIPPED LOUDLY: google-pprof finds no names in a program whose path has a space")
    return ["google-pprof", "--text", str(binary), str(profile)]


def go_pprof(binary, profile):
    go = shutil.which("go", path="/usr/local/go/bin:/usr/bin") or shutil.which("go")
    if not go:
        pytest.skip("SKIPPED LOUDLY: Go, whose pprof reads profiles as well, is not installed")
    return [go, "tool", "pprof", "-top", "-nodecount=10000", str(binary), str(profile)]


def functions_in(answer, server, viewer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream" and answer.headers["cache-control"] == "no-store"
    profile = server.folder / "profile"
    profile.write_bytes(answer.content)
    done = subprocess.run(viewer(server.binary, profile), capture_output=True, text=True, timeout=PATIENCE * 2)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextlib.contextmanager
def busy(server):
    """What costs processor time on the shards, and in the pool that hashes passwords. Nothing fails because of the signals."""
    person = server.person()
    many = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 50 + b"GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    mine = threading.local()

    def read():
        return server.raw(many, finish=False).count(b"HTTP/1.1 200 ")

    def log_in():
        if not hasattr(mine, "client"):
            mine.client = server.client()
        return mine.client.post("/v1/auth/login", json={"email": person.email, "password": person.password}).status_code

    with Load(read, clients=2) as readers, Load(log_in, clients=2) as others:
        wait_until(lambda: readers.answers and others.answers, what="some load")
        yield
    assert not readers.errors and not others.errors, (readers.errors + others.errors)[:3]
    assert {count for _, count in readers.answers} == {51} and {status for _, status in others.answers} == {200}


@pytest.fixture
def profile_of_time(profiled):
    with busy(profiled):
        answer = take(profiled, CPU, seconds=2)
    if answer.status_code == 409 and answer.json()["code"] == "profiler_missing":
        pytest.skip("SKIPPED LOUDLY: " + answer.json()["detail"])
    return answer


def test_processor_time_has_the_names_of_our_functions(profiled, profile_of_time):
    found = functions_in(profile_of_time, profiled, google_pprof)
    assert "slipway::http::" in found and "slipway::blocking_pool::work" in found, found
    told = [line for line in profiled.log_lines() if line.get("message") == "a profile was taken"]
    assert [line["of"] for line in told] == ["cpu"] and told[0]["bytes"] == len(profile_of_time.content)


def without_sanitizers():
    """A build whose allocator can be replaced: AddressSanitizer has one of its own, and keeps it."""
    for binary in (BINARY, ROOT / "build/release/cmd/server/slipway"):
        if not binary.exists():
            continue
        with open(binary, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            if text.find(b"__asan_init") < 0 and text.find(b"/debug/pprof/heap") >= 0:
                return binary
    pytest.skip("SKIPPED LOUDLY: no build without sanitizers knows of profiles: jemalloc is tried in lib/profiles alone (./dev build makes one)")


def has_jemalloc():
    return subprocess.run(["/bin/true"], env={"LD_PRELOAD": "libjemalloc.so.2"}, capture_output=True).stderr == b""


@pytest.fixture
def on_jemalloc(launch):
    """A function that starts the service on jemalloc, sampling as told and finely, because little is held in a test."""
    if not has_jemalloc():
        pytest.skip("SKIPPED LOUDLY: jemalloc is not installed (apt-get install libjemalloc2)")

    def start(sampling):
        server = launch(settings={"operations.profiles": "true"}, binary=without_sanitizers())
        original = server.variables
        server.variables = lambda: {**original(), "LD_PRELOAD": "libjemalloc.so.2", "MALLOC_CONF": sampling + ",lg_prof_sample:12"}
        return server.start()

    return start


# Go's viewer leaves namespaces out.
@pytest.mark.parametrize("viewer, name", [(google_pprof, "app::serve"), (go_pprof, "  serve")])
def test_memory_has_the_names_of_those_who_hold_it(on_jemalloc, viewer, name):
    server = on_jemalloc("prof:true")
    found = functions_in(take(server, HEAP), server, viewer)
    assert any(line.endswith(name) for line in found.splitlines()), found
    assert take(server, HEAP, seconds=1).json()["code"] == "heap_sampled_always"


def test_memory_of_a_time_where_sampling_is_paused(on_jemalloc):
    server = on_jemalloc("prof:true,prof_active:false")
    assert take(server, HEAP).json()["code"] == "heap_sampling_paused"
    answers, held = [], []

    def ask():
        answer = take(server, HEAP, seconds=3)
        while answer.status_code == 409:  # it met the question below
            answer = take(server, HEAP, seconds=3)
        answers.append(answer)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_until(lambda: take(server, HEAP).json()["code"] == "profile_running", what="the sampling")
    try:
        for _ in range(200):  # half a request each, which is kept until the rest comes
            held.append(socket.create_connection(server.address, timeout=20))
            held[-1].sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 6000)
        asking.join(PATIENCE)
    finally:
        for peer in held:
            peer.close()
    assert "slipway::http::" in functions_in(answers[0], server, google_pprof)
    assert take(server, HEAP).json()["code"] == "heap_sampling_paused", "sampling ends with the profile"


def test_memory_without_jemalloc_says_how_to_start_with_it(profiled):
    refused = take(profiled, HEAP)
    assert refused.status_code == 409 and refused.json()["code"] == "heap_not_sampled"
    assert "LD_PRELOAD=libjemalloc.so.2" in refused.json()["detail"] and "MALLOC_CONF=prof:true" in refused.json()["detail"]


def test_a_machine_without_the_profiler(launch):
    """The service starts, and says what to install when it is asked."""
    libraries = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    there = [line.split("=>")[1].strip() for line in libraries.splitlines() if "libprofiler.so.0 " in line]
    under = []
    if there:  # nothing stands in its place, for this process alone
        hide = f"mount --bind /dev/null {there[0]}"
        tried = subprocess.run(["unshare", "-m", "sh", "-c", hide], capture_output=True, text=True)
        if tried.returncode != 0:
            pytest.skip(f"SKIPPED LOUDLY: a library cannot be hidden here: {tried.stderr.strip()}")
        under = ["unshare", "-m", "sh", "-c", hide + ' && exec "$@"', "sh"]
    server = launch(settings={"operations.profiles": "true"}, under=under).start()
    refused = take(server, CPU, seconds=1)
    assert refused.status_code == 409 and refused.json()["code"] == "profiler_missing"
    assert "install libgoogle-perftools4" in refused.json()["detail"]
    assert httpx.get(server.operator_url + "/health/ready").status_code == 200


def test_off_until_an_operator_allows_it(launch):
    server = launch()
    folder = server.own_configuration()
    server.start()
    for path in (CPU, HEAP):
        refused = take(server, path)
        assert refused.status_code == 404 and "operations.profiles" in refused.json()["detail"]
    (folder / "base.yaml").write_text("operations: { profiles: true }\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: take(server, HEAP).status_code == 409, what="profiles without a restart")


def test_never_on_the_public_address(profiled):
    with profiled.client() as client:
        for path in (CPU, HEAP):
            assert client.get(path).status_code == 404
    assert "/debug/" not in httpx.get(profiled.url + "/openapi.json").text


@pytest.mark.parametrize("path, seconds", [(CPU, "0"), (CPU, "61"), (CPU, "-1"), (CPU, "soon"), (HEAP, "61")])
def test_seconds_out_of_bounds(profiled, path, seconds):
    refused = take(profiled, path, seconds=seconds)
    assert refused.status_code == 422 and [e["pointer"] for e in refused.json()["errors"]] == ["seconds"], refused.text


def begin(server):
    """A client whose profile is being taken, for longer than any test."""
    host, _, port = server.operator_url.removeprefix("http://").rpartition(":")
    while True:
        peer = socket.create_connection((host, int(port)), timeout=PATIENCE)
        peer.sendall(f"GET {CPU}?seconds=60 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

        def state():
            if select.select([peer], [], [], 0)[0]:
                return "refused"  # it met the question below
            return take(server, HEAP).json()["code"] == "profile_running" and "running"

        if wait_until(state, what="a profile that is being taken") == "running":
            return peer
        peer.close()


def test_one_at_a_time_and_not_for_those_who_left(profiled):
    with begin(profiled) as first:
        # Whichever shard answers.
        for path in [CPU, HEAP] * 4:
            refused = take(profiled, path)
            assert refused.status_code == 409 and refused.json()["code"] == "profile_running"
        assert not select.select([first], [], [], 0)[0]
    # The first client has gone, and with it its profile.
    wait_until(lambda: take(profiled, CPU, seconds=1).status_code == 200, what="the next profile")
    assert not [line for line in profiled.log_lines() if line.get("level") == "error"]


def test_a_stop_ends_it(profiled):
    with begin(profiled) as asking:
        profiled.stop()
        answer = b""
        while part := asking.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 503 ") and b"the service stops" in answer
